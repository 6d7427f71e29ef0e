// Subscriptions as rows: a subscriber's SIM, number, locks, and what it has to be told.
import { emit } from '../../../core/events/partner/store.ts'
import { fail } from '../../../core/kernel/errors.ts'
import type { Iccid } from '../../../core/kernel/iccid.ts'
import type { Imsi, PayerId, PlanId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Page } from '../../../core/store/page.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import type { Act } from '../act.ts'
import type { Msisdn } from '../msisdn.ts'
import { maskImsi } from '../store.ts'
import type { SubscriptionState } from '../subscription-machine.ts'

export interface Subscription {
  readonly subscriber: SubscriberId
  readonly tenant: PayerId
  readonly iccid: Iccid | null
  readonly msisdn: Msisdn | null
  readonly state: SubscriptionState
  readonly reason: string | null
  readonly simSwapLock: boolean
  readonly portLock: boolean
  readonly changed: Millis
}

interface Row {
  readonly subscriber_id: SubscriberId
  readonly tenant_id: PayerId
  readonly iccid: Iccid | null
  readonly msisdn: Msisdn | null
  readonly state: SubscriptionState
  readonly reason: string | null
  readonly sim_swap_lock: bigint
  readonly port_lock: bigint
  readonly changed_at: Millis
}

const COLUMNS = ['subscriber_id', 'tenant_id', 'iccid', 'msisdn', 'state', 'reason', 'sim_swap_lock', 'port_lock']
const SUBSCRIPTION: Target = {
  table: 'subscription',
  columns: ['subscriber_id', 'tenant_id', 'iccid', 'msisdn', 'state', 'sim_swap_lock', 'port_lock', 'changed_at'],
  conflict: 'do nothing',
}
const SUBSCRIBER: Target = {
  table: 'subscriber',
  columns: ['subscriber_id', 'imsi', 'payer_id', 'plan_id', 'created_at'],
  conflict: 'do nothing',
}
const NOTICE: Target = { table: 'subscriber_notice', columns: ['subscriber_id', 'kind', 'at', 'detail'] }
const OPEN_PORT = "state not in ('completed', 'refused', 'cancelled')"

const subscriptionOf = (row: Row): Subscription => ({
  subscriber: row.subscriber_id,
  tenant: row.tenant_id,
  iccid: row.iccid,
  msisdn: row.msisdn,
  state: row.state,
  reason: row.reason,
  simSwapLock: row.sim_swap_lock === 1n,
  portLock: row.port_lock === 1n,
  changed: row.changed_at,
})

/**
 * The subscription, locked until the transaction ends; lock it before its SIM. A subscriber that was registered without a SIM has one from the
 * first time that it is asked for. Throws SUBSCRIPTION_UNKNOWN, also for another tenant's.
 */
export async function lockSubscription(sql: Sql, subscriber: string, tenant?: PayerId): Promise<Subscription> {
  const row = (await lockRow(sql, subscriber)) ?? (await makeRow(sql, subscriber))
  if (row === undefined || (tenant !== undefined && row.tenant_id !== tenant))
    return fail('SUBSCRIPTION_UNKNOWN', { subscriber })
  return subscriptionOf(row)
}

async function lockRow(sql: Sql, subscriber: string): Promise<Row | undefined> {
  const select = `select ${COLUMNS.join(', ')}, changed_at from subscription`
  const [row] = await sql.find<Row>(select, 'subscriber_id', [subscriber], 'lock')
  return row
}

async function makeRow(sql: Sql, subscriber: string): Promise<Row | undefined> {
  const enrolled = await readEnrolled(sql, subscriber)
  if (enrolled === undefined) return undefined
  const { tenant, created } = enrolled
  await sql.insert(SUBSCRIPTION, [[subscriber, tenant, null, null, 'active', 0n, 0n, created]])
  return lockRow(sql, subscriber)
}

/** False where the subscriber has one, or where the SIM or the number is another's. */
export async function insertSubscription(
  sql: Sql,
  { subscriber, tenant, iccid, msisdn }: Pick<Subscription, 'subscriber' | 'tenant' | 'iccid' | 'msisdn'>,
  now: Millis,
): Promise<boolean> {
  const made = (await sql.insert(SUBSCRIPTION, [[subscriber, tenant, iccid, msisdn, 'active', 0n, 0n, now]])) === 1
  if (made) await tell(sql, { tenant, subscriber, state: 'active', iccid }, now)
  return made
}

/** What may change of a subscription. */
export type SubscriptionChange = Partial<
  Pick<Subscription, 'iccid' | 'msisdn' | 'state' | 'reason' | 'simSwapLock' | 'portLock'>
>

/** Of a subscription that is locked; resolves with how it is then. */
export async function changeSubscription(
  sql: Sql,
  held: Subscription,
  change: SubscriptionChange,
  now: Millis,
): Promise<Subscription> {
  const next: Subscription = { ...held, ...change, changed: now }
  await sql.run(
    `update subscription set iccid = ?, msisdn = ?, state = ?, reason = ?, sim_swap_lock = ?, port_lock = ?, changed_at = ?
     where subscriber_id = ?`,
    ...[next.iccid, next.msisdn, next.state, next.reason, next.simSwapLock ? 1n : 0n, next.portLock ? 1n : 0n],
    ...[now, held.subscriber],
  )
  await tell(sql, next, now)
  return next
}

const tell = (sql: Sql, { tenant, subscriber, state, iccid }: Told, at: Millis): Promise<unknown> =>
  emit(sql, [{ tenant, type: 'subscription.changed', subject: subscriber, data: { subscriber, state, iccid }, at }])

type Told = Pick<Subscription, 'tenant' | 'subscriber' | 'state' | 'iccid'>

export interface ListedSubscription extends Subscription {
  /** Null for a subscriber without a SIM. */
  readonly imsi: Imsi | null
  readonly plan: PlanId
  readonly created: Millis
}

interface ListedRow extends Row {
  readonly imsi: Imsi | null
  readonly plan_id: PlanId
  readonly created_at: Millis
}

const LISTED = `select s.subscriber_id, s.payer_id as tenant_id, c.iccid, c.msisdn, coalesce(c.state, 'active') as state, c.reason,
  coalesce(c.sim_swap_lock, 0) as sim_swap_lock, coalesce(c.port_lock, 0) as port_lock, coalesce(c.changed_at, s.created_at) as changed_at,
  s.imsi, s.plan_id, s.created_at from subscriber s left join subscription c on c.subscriber_id = s.subscriber_id`

const listedOf = (row: ListedRow): ListedSubscription => ({
  ...subscriptionOf(row),
  imsi: row.imsi,
  plan: row.plan_id,
  created: row.created_at,
})

/** With plan and IMSI. Throws SUBSCRIPTION_UNKNOWN, also for another tenant's. */
export async function needSubscription(sql: Sql, subscriber: string, tenant?: PayerId): Promise<ListedSubscription> {
  const row = await sql.row<ListedRow>(`${LISTED} where s.subscriber_id = ?`, subscriber)
  if (row === undefined || (tenant !== undefined && row.tenant_id !== tenant))
    return fail('SUBSCRIPTION_UNKNOWN', { subscriber: subscriber.slice(0, 64) })
  return listedOf(row)
}

export interface SubscriptionFilter extends Page {
  readonly tenant?: string | undefined
  readonly state?: SubscriptionState | undefined
  readonly msisdn?: string | undefined
  readonly iccid?: string | undefined
}

/** In the order of their subscribers; `more` when others follow. */
export async function listSubscriptions(
  sql: Sql,
  { limit, after = '', tenant, state, msisdn, iccid }: SubscriptionFilter,
): Promise<{ subscriptions: ListedSubscription[]; more: boolean }> {
  const conditions = [
    ['s.payer_id = ?', tenant],
    ["coalesce(c.state, 'active') = ?", state],
    ['c.msisdn = ?', msisdn],
    ['c.iccid = ?', iccid],
  ] as const
  const wanted = conditions.flatMap(([text, value]) => (value === undefined ? [] : [{ text, value }]))
  const rows = await sql.rows<ListedRow>(
    `${LISTED} where ${['s.subscriber_id > ?', ...wanted.map(({ text }) => text)].join(' and ')} order by s.subscriber_id limit ?`,
    after,
    ...wanted.map(({ value }) => value),
    BigInt(limit + 1),
  )
  return { subscriptions: rows.slice(0, limit).map(listedOf), more: rows.length > limit }
}

/** Which subscriber a SIM belongs to. */
export async function subscriberOf(sql: Sql, card: string): Promise<SubscriberId | undefined> {
  const row = await sql.row<{ subscriber_id: SubscriberId }>(
    'select subscriber_id from subscription where iccid = ?',
    card,
  )
  return row?.subscriber_id
}

/** Who has a number. */
export async function holderOf(sql: Sql, number: Msisdn): Promise<SubscriberId | undefined> {
  const row = await sql.row<{ subscriber_id: SubscriberId }>(
    'select subscriber_id from subscription where msisdn = ?',
    number,
  )
  return row?.subscriber_id
}

export interface Enrolled {
  /** Null for a subscriber without a SIM. */
  readonly imsi: Imsi | null
  readonly tenant: PayerId
  readonly plan: PlanId
  readonly created: Millis
}

/** A subscriber as it is registered. */
export async function readEnrolled(sql: Sql, subscriber: string): Promise<Enrolled | undefined> {
  const row = await sql.row<{ imsi: Imsi | null; payer_id: PayerId; plan_id: PlanId; created_at: Millis }>(
    'select imsi, payer_id, plan_id, created_at from subscriber where subscriber_id = ?',
    subscriber,
  )
  return row && { imsi: row.imsi, tenant: row.payer_id, plan: row.plan_id, created: row.created_at }
}

/** False where the subscriber or the IMSI is registered already. */
export async function enrol(
  sql: Sql,
  subscriber: SubscriberId,
  { imsi, tenant, plan, created }: Enrolled,
): Promise<boolean> {
  await sql.journal('subscriber')
  return (await sql.insert(SUBSCRIBER, [[subscriber, imsi, tenant, plan, created]])) === 1
}

/** A new place in the order of enrolment, where directories find what has changed. Throws SUBSCRIPTION_UNKNOWN, SIM_EXISTS. */
export async function enrolAgain(
  sql: Sql,
  subscriber: SubscriberId,
  change: Partial<Pick<Enrolled, 'imsi' | 'plan'>>,
): Promise<void> {
  await sql.journal('subscriber')
  const before = await readEnrolled(sql, subscriber)
  if (before === undefined) return fail('SUBSCRIPTION_UNKNOWN', { subscriber })
  await sql.run('delete from subscriber where subscriber_id = ?', subscriber)
  const next = { ...before, ...change }
  if (!(await enrol(sql, subscriber, next)))
    fail('SIM_EXISTS', { what: 'IMSI', came: maskImsi(next.imsi ?? ''), where: ', registered for another subscriber' })
}

/** The newest port of a number that stands or was carried out. */
export async function lastPort(
  sql: Sql,
  number: Msisdn,
): Promise<{ readonly direction: 'in' | 'out'; readonly state: string; readonly tenant_id: PayerId } | undefined> {
  return sql.row(
    `select direction, state, tenant_id from number_port where msisdn = ? and (${OPEN_PORT} or state = 'completed')
     order by port_id desc limit 1`,
    number,
  )
}

/** A port of this subscriber that is under way. */
export async function openPortOf(
  sql: Sql,
  subscriber: SubscriberId,
): Promise<{ port_id: bigint; state: string } | undefined> {
  return sql.row(
    `select port_id, state from number_port where subscriber_id = ? and ${OPEN_PORT} order by port_id limit 1`,
    subscriber,
  )
}

export type NoticeKind =
  | 'sim-changed'
  | 'number-changed'
  | 'sim-swap-refused'
  | 'number-change-refused'
  | 'port-out-requested'
  | 'port-out-refused'
  | 'ported-out'
  | 'ported-in'
  | 'sim-swap-locked'
  | 'sim-swap-unlocked'
  | 'port-locked'
  | 'port-unlocked'

/** Leaves word for the subscriber, to be sent at once. */
export async function notify(sql: Sql, subscriber: string, kind: NoticeKind, detail: string, act: Act): Promise<void> {
  await sql.insert(NOTICE, [[subscriber, kind, act.now, detail]])
}

export interface Notice {
  readonly notice_id: bigint
  readonly subscriber_id: string
  readonly kind: NoticeKind
  readonly at: bigint
  readonly detail: string
}

/** What has not been sent yet, oldest first. */
export const unsentNotices = (sql: Sql, limit: number, after = 0n): Promise<Notice[]> =>
  sql.rows<Notice>(
    'select notice_id, subscriber_id, kind, at, detail from subscriber_notice where sent_at is null and notice_id > ? order by notice_id limit ?',
    after,
    BigInt(limit),
  )

/** Says that notices have reached their subscribers; resolves with how many had not been before. */
export async function markSent(sql: Sql, notices: readonly bigint[], now: Millis): Promise<number> {
  let count = 0
  for (const notice of notices)
    count += await sql.run(
      'update subscriber_notice set sent_at = ? where notice_id = ? and sent_at is null',
      now,
      notice,
    )
  return count
}
