// The demonstration's second half: a prepaid phone on an LTE cell uses up its bundle, is refused, is topped up, and goes on. The questions are
// those that a packet gateway asks over Gy while the phone waits, so every number here is a grant that was durable before it was given.
import { addBalance, putPlan, putTenant, topUp } from '../../billing/module.ts'
import type { PayerId, SubscriberId } from '../../core/kernel/ids.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import type { Gateway } from './gateway.ts'

const BUNDLE = 20_000_000n
const PRICE = 2_000n
const TOP_UP = 1_000_000n
const CURRENCY = 'EUR'
/** What the phone uses in the end, after the top-up, octets. */
const MORE = 5_000_000n

/** What happened, in octets unless said. */
export interface Prepaid {
  readonly bundle: bigint
  /** Sizes of the grants until the bundle was used up, the last of them final. */
  readonly grants: readonly bigint[]
  readonly usedBefore: bigint
  /** Micro-units of the currency. */
  readonly topUp: bigint
  readonly currency: string
  readonly usedAfter: bigint
  /** By way of freeDiameterd. */
  readonly relayed: boolean
}

export interface PrepaidDeps {
  readonly store: Store
  readonly gateway: Gateway
  readonly tenant: PayerId
  readonly subscriber: SubscriberId
}

/** What the plan document says; `tallycell plan show demo-prepaid` shows it again. */
const planOf = (tenant: PayerId): unknown => ({
  tenant,
  id: 'demo-prepaid',
  version: 1,
  name: 'Demonstration, prepaid',
  kind: 'prepaid',
  tariffs: [{ name: 'data', price: { octets: PRICE } }],
  grant: { largest: { octets: '10 MB' }, least: { octets: '1 MB' }, validity: 600 },
  final: { action: 'terminate' },
})

/** Makes the tenant and its plan, so that a subscriber can have it. */
export async function offerPrepaid(store: Store, tenant: PayerId, now: Millis): Promise<void> {
  await store.batch(async (sql) => {
    await putTenant(sql, { tenant, currency: CURRENCY, decimals: 2, mode: 'half-even', timeZone: 'UTC' })
    await putPlan(sql, planOf(tenant), now)
  })
}

/** Plays the session. Throws when an answer is not what the story needs. */
export async function playPrepaid(deps: PrepaidDeps, now: Millis): Promise<Prepaid> {
  const { store, gateway, tenant, subscriber } = deps
  const owner = `subscriber:${subscriber}` as const
  const reference = `demo-${now}`
  await store.batch((sql) =>
    addBalance(sql, {
      ...{ owner, tenant, unit: 'octet', amount: BUNDLE, reference, at: now, priority: 0, expires: undefined },
      services: { access: undefined, radioClasses: undefined, ratingGroups: undefined, zones: undefined },
    }),
  )
  const grants: bigint[] = []
  for (let granted = await gateway.ask('INITIAL_REQUEST', 0n); granted > 0n; ) {
    grants.push(granted)
    granted = await gateway.ask('UPDATE_REQUEST', granted)
  }
  await store.batch((sql) => topUp(sql, { owner, tenant, currency: CURRENCY, amount: TOP_UP, reference, at: now }))
  const again = await gateway.ask('UPDATE_REQUEST', 0n)
  const usedAfter = again < MORE ? again : MORE
  await gateway.ask('TERMINATION_REQUEST', usedAfter)
  const usedBefore = grants.reduce((sum, each) => sum + each, 0n)
  if (usedBefore !== BUNDLE || usedAfter === 0n) throw new RangeError('the session did not go on as told')
  const { relayed } = gateway
  return { bundle: BUNDLE, grants, usedBefore, topUp: TOP_UP, currency: CURRENCY, usedAfter, relayed }
}
