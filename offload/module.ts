// What the composition root needs of the offload domain: RADIUS accounting from socket to journal.
import { readFileSync } from 'node:fs'
import { parseAddress } from '../core/config/address.ts'
import type { Config } from '../core/config/section.ts'
import { fail } from '../core/kernel/errors.ts'
import type { Part } from '../core/runtime/module.ts'
import { createAccountingServer } from '../core/transport/radius/accounting-server.ts'
import { type AccountingDeps, createAccounting } from './accounting/accounting.ts'
import { radiusSection } from './accounting/settings.ts'

export { passpointCommands } from './passpoint/commands.ts'
export { passpointSection } from './passpoint/settings.ts'
export { radiusSection }

export interface Offload extends Part {
  /** UDP addresses that it listens on, once started. */
  address(): readonly { readonly host: string; readonly port: number }[]
  /** True while requests come faster than one at a time. */
  busy(): boolean
}

/** Throws RADIUS_… for secrets that cannot be read and for clients that make no sense. */
export function createOffload(deps: AccountingDeps, config: Config): Offload {
  const { listen, clients } = config.get(radiusSection)
  const accounting = createAccounting(deps)
  const server = createAccountingServer(
    { handle: accounting.handle, log: deps.log, metrics: deps.metrics },
    {
      listen: listen.map((text) => parseAddress(text) ?? fail('RADIUS_LISTEN_INVALID', { came: text })),
      clients: clients.map(({ name, address, secretFile }) => ({
        name,
        address,
        secret: readSecret(name, config.resolvePath(secretFile)),
      })),
    },
  )
  return {
    name: 'radius',
    address: server.address,
    busy: accounting.busy,
    async start() {
      if (clients.length === 0) deps.log.warn('no RADIUS clients are configured: nobody may send accounting')
      await server.start()
    },
    async stop() {
      await server.stop()
      await accounting.drain()
    },
    health: () => server.health?.(),
  }
}

/** The secret is the file without the line end that editors add. */
function readSecret(client: string, file: string): Uint8Array {
  try {
    const octets = readFileSync(file)
    let end = octets.length
    while (end > 0 && (octets[end - 1] === 0x0a || octets[end - 1] === 0x0d)) end--
    return octets.subarray(0, end)
  } catch (error) {
    return fail(
      'RADIUS_SECRET_UNREADABLE',
      { client, file, reason: error instanceof Error ? error.message : '' },
      error,
    )
  }
}
