// Orders to access points as the node runs them: given by the listener, carried out by the delivery.
import type { SessionListener } from '../../core/events/sessions/port.ts'
import type { StandingPort } from '../../core/events/standing.ts'
import type { Part } from '../../core/runtime/module.ts'
import { createDelivery, type DeliveryDeps, type DeliveryOptions } from './deliver.ts'
import { createWifiListener } from './listener.ts'
import type { Maker } from './throttle.ts'
import { createWays, type WaysDeps } from './ways.ts'

export interface Control extends Part {
  /** To be registered with the node's session control. */
  readonly listener: SessionListener
}

export interface ControlDeps extends Omit<DeliveryDeps, 'wayTo'>, WaysDeps {
  readonly standing: StandingPort
}

export function createControl(
  deps: ControlDeps,
  options: DeliveryOptions & { readonly port: number; readonly maker: Maker },
): Control {
  const ways = createWays(deps, options)
  const delivery = createDelivery({ ...deps, wayTo: ways.wayTo }, options)
  return {
    ...delivery,
    listener: createWifiListener({ ...deps, wake: delivery.wake }),
    async stop() {
      await ways.close()
      await delivery.stop()
    },
  }
}
