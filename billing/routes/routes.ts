// What billing brings to the partner API.
import type { PartnerRoutes } from '../../core/http/partner/contract.ts'
import { balanceRoutes } from './balances.ts'
import { planRoutes } from './plans.ts'
import { tmfRoutes } from './tmf.ts'
import { usageRoutes } from './usage.ts'
import { type VoucherDeps, voucherRoutes } from './vouchers.ts'

export const billingRoutes =
  (deps: VoucherDeps): PartnerRoutes =>
  (api) => {
    for (const add of [planRoutes, balanceRoutes, usageRoutes, voucherRoutes(deps), tmfRoutes]) add(api)
  }
