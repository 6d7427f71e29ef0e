// Usage that came without a reservation (RADIUS accounting): charged after the fact, by the same plans, out of the same wallets. Inside the
// rating stage's transaction, whose cursor is what makes each event count once.
import type { KnownSubscriber } from '../../core/events/ports.ts'
import { orderSessions } from '../../core/events/sessions/store.ts'
import type { Access } from '../../core/events/usage-event.ts'
import type { RadioId, SubscriberId } from '../../core/kernel/ids.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { AccountId } from '../ledger/accounts.ts'
import { type Catalogue, planKey } from './catalogue/store.ts'
import type { Plan, TariffContext, TariffRule } from './plan/plan.ts'
import { tariffFor } from './plan/tariff.ts'
import { type HeldUsage, saveHeld } from './session/store.ts'
import type { Terms } from './session/terms.ts'
import { standingOf } from './standing.ts'
import { newBook } from './wallet/book.ts'
import { count, fairOf, isPlausible, type Purse, payFrom, turn } from './wallet/purse.ts'
import { lockPurses, poolsOf, purseKey, readCrowded, savePurses } from './wallet/store.ts'

export interface UnreservedUsage {
  /** Of the usage journal. */
  readonly event: bigint
  readonly subscriber: KnownSubscriber
  readonly radio: RadioId | undefined
  readonly access: Access
  readonly end: Millis
  readonly uplink: bigint
  readonly downlink: bigint
}

export interface UsageDeps {
  readonly catalogue: Catalogue
  readonly radioClass: (radio: RadioId | undefined) => string | undefined
  /** Names this node's accounts. */
  readonly node: string
  /** Somebody has looked at the usage: nothing is too much to be true. */
  readonly believed?: boolean
}

/** Why an event cannot be true, if so: it is set aside, and the stage goes on. */
export const doubtOf = (uplink: bigint, downlink: bigint): string | undefined =>
  isPlausible({ octet: uplink + downlink, second: 0n, message: 0n })
    ? undefined
    : 'more octets than any session can carry'

/** Sets an event aside. */
export const holdUsage = (
  sql: Sql,
  held: readonly (UnreservedUsage & { readonly reason: string })[],
): Promise<number> =>
  saveHeld(
    sql,
    held.map(
      ({ event, subscriber, end, uplink, downlink, reason }): HeldUsage => ({
        source: `usage:${event}`,
        at: end,
        subscriber: subscriber.subscriber,
        reason,
        usage: { uplink, downlink },
      }),
    ),
  )

/**
 * Charges events of subscribers whose plan is in the catalogue; resolves with the others, in order, which are the flat plan's. What cannot be
 * true or would not fit the books is set aside. Throws AccountsFull: these accounts have to be `crowded` then.
 */
export async function chargeUsage(
  { catalogue, radioClass, node, believed = false }: UsageDeps,
  sql: Sql,
  events: readonly UnreservedUsage[],
  crowded: Iterable<AccountId> = [],
): Promise<UnreservedUsage[]> {
  const plans = await catalogue.current(
    sql,
    events.map(({ subscriber }) => planKey(subscriber.payer, subscriber.plan)),
  )
  const planned: { readonly usage: UnreservedUsage; readonly terms: Terms }[] = []
  const rest: UnreservedUsage[] = []
  for (const usage of events) {
    const terms = plans.get(planKey(usage.subscriber.payer, usage.subscriber.plan))
    if (terms) planned.push({ usage, terms })
    else rest.push(usage)
  }
  if (planned.length === 0) return rest
  const wanted = new Map<SubscriberId, { readonly known: KnownSubscriber; readonly terms: Terms }>(
    planned.map(({ usage, terms }) => [usage.subscriber.subscriber, { known: usage.subscriber, terms }]),
  )
  const pools = await poolsOf(sql, [...wanted.keys()].sort())
  const purses = await lockPurses(
    sql,
    [...wanted.values()].map(({ known, terms: { plan, currency, timeZone } }) => ({
      subscriber: known.subscriber,
      pool: pools.get(known.subscriber),
      tenant: known.payer,
      plan,
      currency,
      timeZone,
      accounts: [],
    })),
  )
  const book = newBook(node, await readCrowded(sql, crowded))
  const held: (UnreservedUsage & { readonly reason: string })[] = []
  const users = new Map<SubscriberId, User>()
  for (const { usage, terms } of planned) {
    const { plan, currency, timeZone } = terms
    const purse = purses.purses.get(purseKey({ subscriber: usage.subscriber.subscriber, currency }))
    if (!purse) throw new RangeError(`no purse of ${usage.subscriber.subscriber}`)
    const doubt = believed ? undefined : doubtOf(usage.uplink, usage.downlink)
    if (doubt !== undefined) {
      held.push({ ...usage, reason: doubt })
      continue
    }
    const context = {
      access: usage.access,
      radio: usage.radio,
      visitedPlmn: undefined,
      radioClass: radioClass(usage.radio),
    }
    const { rule } = tariffFor(plan, context, 0n, usage.end, timeZone)
    const amounts = { octet: usage.uplink + usage.downlink, second: 0n, message: 0n }
    const { remainder } = purse.wallet
    const cause = { source: 'usage', reference: usage.event, cause: `usage:${usage.event}`, at: usage.end } as const
    turn(purse.wallet, plan, usage.end, timeZone)
    const { subscriber } = usage.subscriber
    const fast = users.get(subscriber)?.fast ?? !fairOf(purse, plan).throttled
    users.set(subscriber, { purse, plan, rule, context, at: usage.end, fast })
    const payment = payFrom(
      book,
      purse,
      plan,
      { amounts, rule, context, ratingGroup: 0n, at: usage.end, remainder },
      cause,
    )
    if (!payment) {
      held.push({ ...usage, reason: 'the charge would not fit the books' })
      continue
    }
    if (payment.remainder !== remainder) Object.assign(purse.wallet, { remainder: payment.remainder, touched: true })
    count(book, purse, plan, usage.end, amounts.octet - payment.free.octet, payment.charge)
  }
  await savePurses(sql, purses, book)
  await holdUsage(sql, held)
  await orderEnds(sql, users)
  return rest
}

/** A subscriber who used something, and how; `fast`: the fair-use profile did not apply before. */
interface User {
  readonly purse: Purse
  readonly plan: Plan
  readonly rule: TariffRule | undefined
  readonly context: TariffContext
  readonly at: Millis
  readonly fast: boolean
}

/** Nobody asks before using what is charged after the fact: whoever has nothing left, or is to be slower from now on, is made to ask. */
async function orderEnds(sql: Sql, users: ReadonlyMap<SubscriberId, User>): Promise<void> {
  for (const [subscriber, { purse, plan, rule, context, at, fast }] of users) {
    const { state, throttle } = standingOf(purse, plan, rule, context, at)
    const cause = state !== 'open' ? 'exhausted' : throttle && fast ? 'throttled' : undefined
    if (cause) await orderSessions(sql, { subscriber, imsi: undefined, action: 'refresh', cause }, at)
  }
}
