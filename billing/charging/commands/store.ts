// What the commands ask of the database beyond what charging itself does: looking up by name, and lists for people.
import { fail } from '../../../core/kernel/errors.ts'
import { type Imsi, type PayerId, type SubscriberId, subscriberId } from '../../../core/kernel/ids.ts'
import { type Millis, microtokens } from '../../../core/kernel/units.ts'
import type { Sql } from '../../../core/store/sql.ts'
import type { AccountId, WalletOwner } from '../../ledger/accounts.ts'
import { type AccountRow, posted } from '../../ledger/store.ts'
import { createCatalogue, planKey, readTenants, type Tenant } from '../catalogue/store.ts'
import type { Plan } from '../plan/plan.ts'
import { decodeServices } from '../session/services-codec.ts'
import type { Session } from '../session/session.ts'

export interface Profile {
  readonly subscriber: SubscriberId
  /** Null for a subscriber without a SIM. */
  readonly imsi: Imsi | null
  readonly tenant: PayerId
  readonly plan: string
}

/** Those that are registered. The directory in memory is made for a node: it would read every subscriber for a single one. */
export async function readProfiles(sql: Sql, subscribers: Iterable<SubscriberId>): Promise<Map<SubscriberId, Profile>> {
  const rows = await sql.find<{ subscriber_id: SubscriberId; imsi: Imsi | null; payer_id: PayerId; plan_id: string }>(
    'select subscriber_id, imsi, payer_id, plan_id from subscriber',
    'subscriber_id',
    [...new Set(subscribers)].sort(),
  )
  return new Map(
    rows.map(({ subscriber_id, imsi, payer_id, plan_id }) => [
      subscriber_id,
      { subscriber: subscriber_id, imsi, tenant: payer_id, plan: plan_id },
    ]),
  )
}

/** Throws ID_INVALID or SUBSCRIBER_UNKNOWN. */
export async function needProfile(sql: Sql, id: string): Promise<Profile> {
  const subscriber = subscriberId(id)
  return (await readProfiles(sql, [subscriber])).get(subscriber) ?? fail('SUBSCRIBER_UNKNOWN', { subscriber })
}

/** Throws TENANT_UNKNOWN. */
export async function needTenant(sql: Sql, tenant: string): Promise<Tenant> {
  return (await readTenants(sql, [tenant])).get(tenant) ?? fail('TENANT_UNKNOWN', { tenant })
}

export async function listTenants(sql: Sql): Promise<Tenant[]> {
  const rows = await sql.rows<{ tenant_id: string }>('select tenant_id from tenant order by tenant_id')
  const tenants = await readTenants(
    sql,
    rows.map(({ tenant_id }) => tenant_id),
  )
  return rows.flatMap(({ tenant_id }) => tenants.get(tenant_id) ?? [])
}

/** The plan that the subscriber's next session uses; undefined: the flat tariff. */
export async function currentPlan(
  sql: Sql,
  { tenant, plan }: Pick<Profile, 'tenant' | 'plan'>,
  catalogue = createCatalogue(microtokens(0n)),
): Promise<Plan | undefined> {
  const key = planKey(tenant, plan)
  return (await catalogue.current(sql, [key])).get(key)?.plan
}

export interface StoredPlan {
  readonly version: bigint
  /** JSON as it was added. */
  readonly document: string
  readonly created_at: Millis
  /** 1 for the version that new sessions use. */
  readonly current: bigint
}

/** All versions of a plan, the oldest first. */
export const readVersions = (sql: Sql, tenant: string, plan: string): Promise<StoredPlan[]> =>
  sql.rows<StoredPlan>(
    `select p.version, p.document, p.created_at, cast(case when h.plan_no is null then 0 else 1 end as bigint) as current
     from plan p left join plan_head h on h.plan_no = p.plan_no where p.plan_key = ? order by p.version`,
    planKey(tenant, plan),
  )

export interface BookedTransfer {
  readonly debit: AccountId
  readonly credit: AccountId
  readonly amount: bigint
  readonly at: Millis
}

/** The transfer that `cause` has made, if any. */
export const findTransfer = (sql: Sql, cause: string): Promise<BookedTransfer | undefined> =>
  sql.row<BookedTransfer>(
    `select d.account_id as debit, c.account_id as credit, t.amount, t.at from ledger_transfer t
     join ledger_account d on d.account_no = t.debit_account join ledger_account c on c.account_no = t.credit_account
     where t.source = 'rare' and t.cause = ?`,
    cause,
  )

export interface AccountSums {
  readonly posted: bigint
  readonly pending: bigint
}

/** Balances of accounts and what of them is reserved, without those on which nothing was booked yet. */
export async function readAccounts(sql: Sql, accounts: readonly AccountId[]): Promise<Map<AccountId, AccountSums>> {
  const rows = await sql.find<AccountRow>(
    'select account_no, account_id, debits, credits, pending from ledger_account',
    'account_id',
    accounts,
  )
  return new Map(rows.map((row) => [row.account_id, { posted: posted(row), pending: row.pending }]))
}

/** As `readAccounts`, of one. */
export const readAccount = async (sql: Sql, account: AccountId): Promise<AccountSums | undefined> =>
  (await readAccounts(sql, [account])).get(account)

export interface PoolMember {
  readonly pool_id: string
  readonly subscriber_id: SubscriberId
  /** Whose subscriber it is. */
  readonly tenant_id: PayerId
}

/** Members in the order of pools, then of subscribers; of one pool or of all. */
export const listMembers = (sql: Sql, pool: string | undefined, limit: number): Promise<PoolMember[]> =>
  pool === undefined
    ? sql.rows<PoolMember>(`${MEMBERS} order by m.pool_id, m.subscriber_id limit ?`, BigInt(limit))
    : sql.rows<PoolMember>(`${MEMBERS} where m.pool_id = ? order by m.subscriber_id limit ?`, pool, BigInt(limit))

const MEMBERS = `select m.pool_id, m.subscriber_id, s.payer_id as tenant_id from pool_member m
  join subscriber s on s.subscriber_id = m.subscriber_id`

/** Whose money and bundles a pool has; undefined where it has none yet. */
export async function poolTenant(sql: Sql, pool: string): Promise<PayerId | undefined> {
  const owner: WalletOwner = `pool:${pool}`
  const row = await sql.row<{ tenant_id: PayerId }>(
    `select tenant_id from balance where owner = ? and state = 'open' limit 1`,
    owner,
  )
  return row?.tenant_id ?? (await listMembers(sql, pool, 1))[0]?.tenant_id
}

export interface Series {
  readonly series: string
  readonly amount: bigint
  readonly offer: string | null
  readonly expires_at: Millis | null
  readonly made: bigint
  readonly redeemed: bigint
}

/** Print runs of vouchers, in the order of their names. */
export const listSeries = (sql: Sql, tenant: PayerId): Promise<Series[]> =>
  sql.rows<Series>(
    `select series, amount, offer, expires_at, cast(count(*) as bigint) as made, cast(count(redeemed_by) as bigint) as redeemed
     from voucher where tenant_id = ? group by series, amount, offer, expires_at order by series, amount, offer`,
    tenant,
  )

export interface ListedSession extends Pick<Session, 'key' | 'subscriber' | 'services' | 'records' | 'state'> {
  readonly no: bigint
  readonly tenant: PayerId
  /** Charged by the flat plan, in microtokens. */
  readonly flat: boolean
  readonly access: string
  readonly radio: string | undefined
  readonly opened: Millis
  readonly last: Millis
  readonly closed: Millis | undefined
}

interface SessionRow {
  readonly session_no: bigint
  readonly session_key: string
  readonly subscriber_id: SubscriberId
  readonly tenant_id: PayerId
  readonly plan_no: bigint | null
  readonly access: string
  readonly radio_id: string | null
  readonly opened_at: Millis
  readonly closed_at: Millis | null
  readonly state: Session['state']
  readonly last_at: Millis
  readonly services: Uint8Array
}

export interface SessionFilter {
  readonly subscriber: string | undefined
  readonly open: boolean
  /** Only sessions older than this one. */
  readonly before: bigint | undefined
  readonly limit: number
}

/** The newest first. */
export async function listSessions(sql: Sql, filter: SessionFilter): Promise<ListedSession[]> {
  const where = [
    ...(filter.open ? ['s.closed_at is null'] : []),
    ...(filter.subscriber === undefined ? [] : ['s.subscriber_id = ?']),
    ...(filter.before === undefined ? [] : ['s.session_no < ?']),
  ]
  const rows = await sql.rows<SessionRow>(
    `select s.session_no, s.session_key, s.subscriber_id, s.tenant_id, s.plan_no, s.access, s.radio_id, s.opened_at, s.closed_at,
       c.state, c.last_at, c.services
     from charging_session s join charging_counter c on c.session_no = s.session_no
     ${where.length === 0 ? '' : `where ${where.join(' and ')}`} order by s.session_no desc limit ?`,
    ...(filter.subscriber === undefined ? [] : [filter.subscriber]),
    ...(filter.before === undefined ? [] : [filter.before]),
    BigInt(filter.limit),
  )
  return rows.map((row) => ({
    no: row.session_no,
    key: row.session_key,
    subscriber: row.subscriber_id,
    tenant: row.tenant_id,
    flat: row.plan_no === null,
    access: row.access,
    radio: row.radio_id ?? undefined,
    opened: row.opened_at,
    last: row.last_at,
    closed: row.closed_at ?? undefined,
    state: row.state,
    ...decodeServices(row.services),
  }))
}

export interface ListedEvent {
  readonly event_id: bigint
  readonly at: Millis
  readonly subscriber_id: SubscriberId
  readonly kind: string
  /** The account that it is about, null where it is about the subscriber. */
  readonly account_id: AccountId | null
  readonly percent: bigint | null
  /** In `unit`. */
  readonly amount: bigint | null
  readonly unit: string | null
}

/** Thresholds, caps, expiry and the like, oldest first. */
export const listEvents = (
  sql: Sql,
  filter: { readonly subscriber: SubscriberId | undefined; readonly after: bigint; readonly limit: number },
): Promise<ListedEvent[]> =>
  sql.rows<ListedEvent>(
    `select e.event_id, e.at, e.subscriber_id, e.kind, a.account_id, e.percent, e.amount, e.unit
     from charging_event e left join ledger_account a on a.account_no = e.account_no
     where ${filter.subscriber === undefined ? '' : 'e.subscriber_id = ? and '}e.event_id > ? order by e.event_id limit ?`,
    ...(filter.subscriber === undefined ? [] : [filter.subscriber]),
    filter.after,
    BigInt(filter.limit),
  )
