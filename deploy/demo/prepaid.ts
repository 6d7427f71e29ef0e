// The demonstration's second half: a prepaid phone uses up its bundle, is refused, is topped up, and goes on. The questions are those
// that a gateway asks while the phone waits (QuotaPort), so every number here is a grant that was durable before it was given.
import { addBalance, type Charging, putPlan, putTenant, topUp } from '../../billing/module.ts'
import type { QuotaAnswer, QuotaRequest } from '../../core/events/quota.ts'
import type { PayerId, SubscriberId } from '../../core/kernel/ids.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'

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
}

export interface PrepaidDeps {
  readonly store: Store
  readonly charging: Charging
  readonly tenant: PayerId
  readonly subscriber: SubscriberId
  readonly signal: AbortSignal
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
  const { store, charging, tenant, subscriber, signal } = deps
  const owner = `subscriber:${subscriber}` as const
  const reference = `demo-${now}`
  await store.batch((sql) =>
    addBalance(sql, {
      ...{ owner, tenant, unit: 'octet', amount: BUNDLE, reference, at: now, priority: 0, expires: undefined },
      services: { access: undefined, radioClasses: undefined, ratingGroups: undefined, zones: undefined },
    }),
  )
  let number = 0n
  let clock = now
  const request = (used: bigint, wanted: boolean): QuotaRequest => {
    signal.throwIfAborted()
    clock = millis(clock + 1000n)
    const downlink = (used * 9n) / 10n
    return {
      origin: 'demo',
      sessionId: reference,
      number: number++,
      at: clock,
      subscriber,
      context: { access: 'lte', radio: undefined, visitedPlmn: undefined },
      services: [
        {
          ratingGroup: 0n,
          used: used === 0n ? [] : [{ uplink: used - downlink, downlink, seconds: 1n, units: 0n, tariff: undefined }],
          wanted,
        },
      ],
    }
  }
  const grants: bigint[] = []
  let answer = await charging.open(request(0n, true))
  for (;;) {
    const granted = grantedOf(answer)
    if (granted === 0n) break
    grants.push(granted)
    answer = await charging.update(request(granted, true))
  }
  if (answer.services[0]?.result !== 'credit-limit-reached') throw new RangeError('the bundle did not run out')
  await store.batch((sql) => topUp(sql, { owner, tenant, currency: CURRENCY, amount: TOP_UP, reference, at: clock }))
  const again = grantedOf(await charging.update(request(0n, true)))
  const usedAfter = again < MORE ? again : MORE
  await charging.close(request(usedAfter, false))
  const usedBefore = grants.reduce((sum, each) => sum + each, 0n)
  if (usedBefore !== BUNDLE || usedAfter === 0n) throw new RangeError('the session did not go on as told')
  return { bundle: BUNDLE, grants, usedBefore, topUp: TOP_UP, currency: CURRENCY, usedAfter }
}

const grantedOf = ({ services }: QuotaAnswer): bigint => services[0]?.granted?.octets ?? 0n
