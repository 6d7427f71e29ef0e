// The Diameter node of a configuration, as a part of the program; nothing where the configuration gives it no name.
import type { Registry } from 'prom-client'
import type { Config } from '../../config/section.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../log/logger.ts'
import type { Part } from '../../runtime/module.ts'
import type { DiameterApplication } from './application.ts'
import { createDiameterNode } from './node.ts'
import { diameterOptions, diameterSection } from './settings.ts'

export interface DiameterPart extends Part {
  /** Where it listens, once started. */
  addresses(): readonly { readonly host: string; readonly port: number }[]
}

/** Throws DIAMETER_… for settings that make no sense. */
export function createDiameter(
  deps: { readonly log: Logger; readonly metrics: Registry; readonly clock: Clock },
  config: Config,
  applications: readonly DiameterApplication[],
): DiameterPart {
  const options = diameterOptions(config, applications)
  if (options === undefined) {
    const nothing = async (): Promise<void> => {}
    return { name: 'diameter', start: nothing, stop: nothing, addresses: () => [] }
  }
  const node = createDiameterNode({ ...deps, homeRealm: options.homeRealm }, options)
  const strangers = config.get(diameterSection).peers.length === 0
  return {
    ...node,
    async start() {
      if (strangers) deps.log.warn('no Diameter peers are configured: nobody may connect')
      await node.start()
    },
  }
}
