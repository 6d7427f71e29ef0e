// A tenant, its plans and subscribers, for tests of the charging engine.
import { addBalance, topUp } from '../../billing/charging/balances/store.ts'
import { putPlan, putTenant } from '../../billing/charging/catalogue/store.ts'
import { type Charging, type ChargingOptions, createCharging } from '../../billing/charging/charging.ts'
import { ANY_SERVICE } from '../../billing/charging/plan/plan.ts'
import { reservedByAccount } from '../../billing/charging/session/store.ts'
import { checkLedger, type Finding } from '../../billing/ledger/audit/store.ts'
import { createRatingStage } from '../../billing/rating/store.ts'
import type { RadioDirectory, SubscriberDirectory } from '../../core/events/ports.ts'
import type { QuotaAnswer, QuotaEvent, QuotaRequest } from '../../core/events/quota.ts'
import { appendUsage } from '../../core/events/store.ts'
import { payerId, radioId, type SubscriberId, subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis, octets } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import type { TestDatabase } from './engines.ts'

export const tenant = payerId('mvno')
/** 2026-11-20 12:00 UTC. */
export const NOON = 1_795_176_000_000n

export const PLAN = {
  tenant: 'mvno',
  id: 'data',
  version: 1,
  name: 'Data',
  kind: 'prepaid',
  tariffs: [{ name: 'any', when: {}, price: { octets: 2_000_000 } }],
  grant: { largest: { octets: 1_000_000 }, least: { octets: 10_000 }, validity: 60 },
}

/** `name-plan` subscribes to `plan`. */
export const subscribers: SubscriberDirectory = {
  byImsi: () => undefined,
  byId(id) {
    const plan = id.split('-')[1]
    return plan === undefined ? undefined : { subscriber: id, payer: tenant, plan }
  },
  imsiOf: () => undefined,
  refresh: async () => {},
}

export async function prepare(store: Store, plans: readonly unknown[] = [PLAN]): Promise<void> {
  await store.batch(async (sql) => {
    await putTenant(sql, { tenant, currency: 'EUR', decimals: 2, mode: 'half-even', timeZone: 'Europe/Berlin' })
    for (const plan of plans) await putPlan(sql, plan, millis(NOON))
  })
}

/** No radio is in a class. */
export const radios: Pick<RadioDirectory, 'byId' | 'refresh'> = { byId: () => undefined, refresh: async () => {} }

/** A tenant with its plans in a new database, and the engine on it. */
export async function openWorld(
  database: TestDatabase,
  plans?: readonly unknown[],
): Promise<{ readonly store: Store; readonly charging: Charging }> {
  const store = await database.open()
  await prepare(store, plans)
  return { store, charging: engine(store) }
}

export const engine = (store: Store, options: Partial<ChargingOptions> = {}): Charging =>
  createCharging({ store, subscribers }, { price: microtokens(2000n), ...options })

export const giveMoney = (store: Store, subscriber: string, amount: bigint, reference = 'first'): Promise<boolean> =>
  store.batch((sql) =>
    topUp(sql, {
      owner: `subscriber:${subscriber}`,
      tenant,
      currency: 'EUR',
      amount,
      reference: `${subscriber}/${reference}`,
      at: millis(NOON),
    }),
  )

export const giveOctets = (
  store: Store,
  owner: `subscriber:${string}` | `pool:${string}`,
  amount: bigint,
  expires?: bigint,
  reference = 'gift',
): Promise<boolean> =>
  store.batch((sql) =>
    addBalance(sql, {
      owner,
      tenant,
      unit: 'octet',
      amount,
      reference,
      at: millis(NOON),
      priority: 0,
      expires: expires === undefined ? undefined : millis(expires),
      services: ANY_SERVICE,
    }),
  )

export interface Ask {
  readonly subscriber?: string
  readonly session?: string
  readonly number: bigint
  readonly octets?: bigint
  readonly wanted?: boolean
  readonly at?: bigint
}

export const request = ({
  subscriber = 'alice-data',
  session = 's',
  number,
  octets,
  wanted = true,
  at = NOON,
}: Ask): QuotaRequest => ({
  origin: 'gy:smf',
  sessionId: session,
  number,
  at: millis(at),
  subscriber: subscriberId(subscriber) as SubscriberId,
  context: { access: 'lte', radio: undefined, visitedPlmn: undefined },
  services: [
    {
      ratingGroup: 0n,
      used: octets === undefined ? [] : [{ uplink: 0n, downlink: octets, seconds: 0n, units: 0n, tariff: undefined }],
      wanted,
    },
  ],
})

/** A one-time request for 1 MB. */
export const oneTime = (action: QuotaEvent['action'], number: bigint, sessionId = 'e'): QuotaEvent => ({
  origin: 'gy:smf',
  sessionId,
  number,
  at: millis(NOON),
  subscriber: subscriberId('alice-data'),
  context: { access: 'lte', radio: undefined, visitedPlmn: undefined },
  action,
  ratingGroup: 0n,
  requested: { octets: 1_000_000n, seconds: undefined, units: undefined },
})

export interface Metered {
  readonly subscriber: string
  readonly octets: bigint
  readonly radio?: string
  readonly at?: bigint
  readonly flags?: number
}

/** Usage that came without a reservation, into the journal. */
export const meter = (store: Store, events: readonly Metered[]): Promise<void> =>
  store.batch((sql) =>
    appendUsage(
      sql,
      events.map(({ subscriber, octets: volume, radio = 'ap-1', at = NOON, flags = 0 }, index) => ({
        origin: 'radius:ap',
        sessionId: 's',
        sequence: BigInt(index + 1),
        subscriber: subscriberId(subscriber),
        radio: radioId(radio),
        access: 'wifi',
        start: millis(at),
        end: millis(at),
        uplink: octets(volume),
        downlink: octets(0n),
        cause: 'interim',
        received: millis(at),
        flags,
      })),
    ),
  )

export interface RateOptions {
  readonly limit?: number
  readonly node?: string
  readonly radios?: Pick<RadioDirectory, 'byId' | 'refresh'>
}

/** Charges what is in the journal, `limit` events at a time. */
export async function rateAll(store: Store, { limit = 500, node = 'n1', ...rest }: RateOptions = {}): Promise<void> {
  const stage = createRatingStage({ store, subscribers, radios, node, ...rest }, microtokens(2000n))
  while ((await stage.step(limit)) > 0);
}

/** What is set aside, in order. */
export const heldUsage = (
  store: Store,
): Promise<{ source: string; subscriber_id: string; reason: string; usage: string }[]> =>
  store.batch((sql) => sql.rows('select source, subscriber_id, reason, usage from rating_held order by held_id'))

export const grantOf = ({ services }: QuotaAnswer): bigint => services[0]?.granted?.octets ?? 0n

/** Everything that is wrong with the books: nothing. */
export const faults = (store: Store): Promise<Finding[]> =>
  store.batch(async (sql) => checkLedger(sql, await reservedByAccount(sql)))

/** Accounts with what is on them, but those at zero. */
export async function accounts(store: Store): Promise<Record<string, bigint>> {
  const rows = await store.batch((sql) =>
    sql.rows<{ account: string; balance: bigint }>(
      `select account_id as account, case when normal_side = 'debit' then debits - credits else credits - debits end as balance
       from ledger_account order by account_id`,
    ),
  )
  return Object.fromEntries(
    rows.filter(({ balance }) => balance !== 0n).map(({ account, balance }) => [account, balance]),
  )
}
