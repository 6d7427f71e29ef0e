// The SIM domain's part of the partner API.
import type { PartnerRoutes } from '../../core/http/partner/contract.ts'
import type { RouteDeps } from './deps.ts'
import { esimRoutes } from './esim-orders.ts'
import { networkRoutes } from './network.ts'
import { portRoutes } from './ports.ts'
import { simRoutes } from './sims.ts'
import { subscriptionRoutes } from './subscriptions.ts'
import { inventoryRoutes } from './tmf/inventory.ts'
import { orderingRoutes } from './tmf/ordering.ts'

export type { RouteDeps }

export const provisioningRoutes =
  (deps: RouteDeps): PartnerRoutes =>
  (api) => {
    for (const add of [simRoutes(deps), subscriptionRoutes(deps), esimRoutes(deps), portRoutes(deps), networkRoutes()])
      add(api)
    inventoryRoutes(api)
    orderingRoutes(api, deps)
  }
