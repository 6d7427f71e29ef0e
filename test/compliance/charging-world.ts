// A tenant, its plans and subscribers, for tests of the charging engine.
import { addBalance, topUp } from '../../billing/charging/balances/store.ts'
import { putPlan, putTenant } from '../../billing/charging/catalogue/store.ts'
import { type Charging, type ChargingOptions, createCharging } from '../../billing/charging/charging.ts'
import { ANY_SERVICE } from '../../billing/charging/plan/plan.ts'
import { reservedByAccount } from '../../billing/charging/session/store.ts'
import { checkLedger, type Finding } from '../../billing/ledger/audit/store.ts'
import type { SubscriberDirectory } from '../../core/events/ports.ts'
import type { QuotaAnswer, QuotaRequest } from '../../core/events/quota.ts'
import { payerId, type SubscriberId, subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'

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
