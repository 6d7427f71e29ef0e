// Charging over Diameter as the node takes it: Gy, and Rf where it is wanted.
import type { Registry } from 'prom-client'
import type { RadioDirectory, SubscriberDirectory } from '../../../core/events/ports.ts'
import type { Clock } from '../../../core/kernel/clock.ts'
import type { Logger } from '../../../core/log/logger.ts'
import type { Store } from '../../../core/store/store.ts'
import type { DiameterApplication } from '../../../core/transport/diameter/application.ts'
import type { Charging } from '../charging.ts'
import { createGy, gyOrigin } from './gy.ts'
import { createHosts } from './hosts.ts'
import { createChargingMetrics } from './metrics.ts'
import { createRf } from './rf.ts'

export interface ChargingApplicationsDeps {
  readonly store: Store
  readonly charging: Charging
  readonly radios: RadioDirectory
  readonly subscribers: SubscriberDirectory
  readonly metrics: Registry
  readonly clock: Clock
  readonly log: Logger
}

export interface ChargingApplicationsOptions {
  readonly homeNetworks: readonly string[]
  /** Serve Rf. */
  readonly offline: boolean
}

export interface ChargingApplications {
  readonly applications: readonly DiameterApplication[]
  /** True while requests come faster than one at a time. */
  busy(): boolean
  /** Resolves when nothing is under way. */
  settled(): Promise<void>
}

export function createChargingApplications(
  deps: ChargingApplicationsDeps,
  { homeNetworks, offline }: ChargingApplicationsOptions,
): ChargingApplications {
  const metrics = createChargingMetrics(deps.metrics)
  const hosts = createHosts({ ...deps, metrics }, gyOrigin)
  const common = { ...deps, metrics, homeNetworks }
  let underWay = 0
  const counted = (application: DiameterApplication): DiameterApplication => ({
    ...application,
    async handle(request, peer) {
      underWay++
      try {
        return await application.handle(request, peer)
      } finally {
        underWay--
      }
    },
  })
  return {
    applications: [
      counted(createGy({ ...common, originState: hosts.said })),
      ...(offline ? [counted(createRf(common))] : []),
    ],
    busy: () => underWay > 1,
    settled: hosts.settled,
  }
}
