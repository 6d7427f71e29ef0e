// What a subscriber may do where usage is charged after the fact (RADIUS accounting): asked while charging, and by whoever holds sessions.
import type { SubscriberDirectory } from '../../core/events/ports.ts'
import type { Standing, StandingPort } from '../../core/events/standing.ts'
import type { RadioId } from '../../core/kernel/ids.ts'
import type { Microtokens, Millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { createCatalogue, planKey } from './catalogue/store.ts'
import { grantFor, octetsLeft } from './plan/grant.ts'
import type { Balance, Plan, TariffContext, TariffRule } from './plan/plan.ts'
import { tariffFor } from './plan/tariff.ts'
import { capsLeft, fairOf, type Purse, payersOf, turn } from './wallet/purse.ts'
import { lockPurses, poolsOf, purseKey } from './wallet/store.ts'

/** What the purse allows at `at`: whether a grant would be made. Sets nothing aside. */
export function standingOf(
  purse: Purse,
  plan: Plan,
  rule: TariffRule | undefined,
  context: TariffContext,
  at: Millis,
): Standing {
  if (purse.wallet.suspended) return { state: 'suspended', throttle: undefined }
  const payers = payersOf(purse, context, 0n, at)
  const { result } = grantFor(plan, rule, payers, {
    at,
    until: undefined,
    rate: undefined,
    measured: ['octet'],
    left: capsLeft(purse, plan),
    fairUseLeft: fairOf(purse, plan).left,
  })
  const state = result === 'credit-limit-reached' || result === 'service-denied' ? 'exhausted' : 'open'
  const throttle = fairOf(purse, plan).throttled ? plan.fairUse?.throttle : undefined
  if (state !== 'open' || !rule) return { state, throttle }
  const octets = octetsLeft(rule, payers, capsLeft(purse, plan))
  return { state, throttle, left: { octets, until: octets === undefined ? undefined : firstExpiry(payers) } }
}

const firstExpiry = (balances: readonly Balance[]): Millis | undefined =>
  balances.reduce<Millis | undefined>(
    (first, { expires, available }) =>
      available > 0n && expires !== undefined && (first === undefined || expires < first) ? expires : first,
    undefined,
  )

export interface StandingDeps {
  readonly store: Store
  readonly subscribers: SubscriberDirectory
  readonly radioClass: (radio: RadioId) => string | undefined
}

/** `price`: as of `createCharging`. */
export function createStanding({ store, subscribers, radioClass }: StandingDeps, price: Microtokens): StandingPort {
  const catalogue = createCatalogue(price)
  return {
    async standing(subscriber, { access, radio }, at) {
      const known = subscribers.byId(subscriber)
      if (!known) return undefined
      return store.batch(async (sql) => {
        const key = planKey(known.payer, known.plan)
        const terms = (await catalogue.current(sql, [key])).get(key)
        if (!terms) return undefined
        const { plan, currency, timeZone } = terms
        const pool = (await poolsOf(sql, [subscriber])).get(subscriber)
        const wanted = { subscriber, pool, tenant: known.payer, plan, currency, timeZone, accounts: [] }
        const purse = (await lockPurses(sql, [wanted])).purses.get(purseKey({ subscriber, currency }))
        if (!purse) return undefined
        const context = { access, radio, visitedPlmn: undefined, radioClass: radio && radioClass(radio) }
        const { rule } = tariffFor(plan, context, 0n, at, timeZone)
        // The period that the sums are of may have ended; what is turned here is not written.
        turn(purse.wallet, plan, at, timeZone)
        return standingOf(purse, plan, rule, context, at)
      })
    },
  }
}
