// Orders to access points as rows: given once, carried out by whichever node reaches the access point, however long that takes.
import type { Imsi, RadioId, SubscriberId } from '../../core/kernel/ids.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Sql, Target } from '../../core/store/sql.ts'

export type OrderKind = 'disconnect' | 'throttle' | 'reauthorise'

export interface OpenSession {
  readonly session_no: bigint
  readonly incarnation: bigint
  readonly session_key: string
  readonly origin: string
  readonly identity: string
  readonly radio_id: RadioId | null
  readonly multi_session: string | null
}

export interface NewOrder {
  readonly session: Pick<OpenSession, 'session_no' | 'incarnation' | 'origin'>
  readonly kind: OrderKind
  readonly cause: string
  /** Of a throttle, bits per second; undefined: no limit. */
  readonly up?: bigint | undefined
  readonly down?: bigint | undefined
}

export interface DueOrder {
  readonly order_no: bigint
  readonly kind: OrderKind
  readonly origin: string
  readonly cause: string
  readonly rate_up: bigint | null
  readonly rate_down: bigint | null
  readonly attempt: bigint
  readonly next_at: Millis
  readonly created_at: Millis
  readonly session_key: string
  readonly identity: string
  readonly calling_station: string | null
  /** Whether the session is the one that was meant, and still open. */
  readonly alive: bigint
}

const SESSIONS = `select session_no, incarnation, session_key, origin, identity, radio_id, multi_session from usage_session`

/**
 * The open Wi-Fi sessions of a subscriber, of one SIM where `imsi` is given. Of sessions with one Acct-Multi-Session-Id (RFC 2866 §5.11) only
 * the newest: the phone has roamed there, and the access points before know nothing of it any more.
 */
export async function openSessions(sql: Sql, subscriber: SubscriberId, imsi: Imsi | undefined): Promise<OpenSession[]> {
  const rows = await sql.rows<OpenSession>(
    `${SESSIONS} where subscriber_id = ? and state = 'open' order by started_at, session_no limit 1000`,
    subscriber,
  )
  const meant = rows.filter(
    ({ origin, identity }) => origin.startsWith('radius:') && (imsi === undefined || identity.includes(imsi)),
  )
  const newest = new Map(meant.map(({ multi_session, session_no }) => [multi_session, session_no]))
  return meant.filter(
    ({ multi_session, session_no }) => multi_session === null || newest.get(multi_session) === session_no,
  )
}

const ORDERS: Target = {
  table: 'control_order',
  columns: [
    'session_no',
    'incarnation',
    'kind',
    'origin',
    'cause',
    'rate_up',
    'rate_down',
    'state',
    'attempt',
    'next_at',
    'created_at',
  ],
  conflict: `(session_no, incarnation, kind) do update set cause = excluded.cause, rate_up = excluded.rate_up, rate_down = excluded.rate_down,
    state = 'due', attempt = 0, next_at = excluded.next_at, created_at = excluded.created_at, ended_at = null, outcome = null
    where control_order.state <> 'due' or control_order.kind = 'throttle'`,
}

/** Gives orders. One of the same kind for the same session that still is to be carried out stays as it is; a throttle is replaced. */
export const giveOrders = (sql: Sql, orders: readonly NewOrder[], now: Millis): Promise<number> =>
  sql.insert(
    ORDERS,
    orders.map(({ session, kind, cause, up, down }) => [
      ...[session.session_no, session.incarnation, kind, session.origin, cause, up ?? null, down ?? null],
      ...['due', 0n, now, now],
    ]),
  )

/** Whether a throttle was ordered for the session before: then its end has to be ordered too. */
export async function throttled(sql: Sql, { session_no, incarnation }: OpenSession): Promise<boolean> {
  const row = await sql.row<{ rate_up: bigint | null; rate_down: bigint | null }>(
    `select rate_up, rate_down from control_order where session_no = ? and incarnation = ? and kind = 'throttle'`,
    session_no,
    incarnation,
  )
  return row !== undefined && (row.rate_up !== null || row.rate_down !== null)
}

const DUE = `select o.order_no, o.kind, o.origin, o.cause, o.rate_up, o.rate_down, o.attempt, o.next_at, o.created_at,
  coalesce(s.session_key, '') as session_key, coalesce(s.identity, '') as identity, s.calling_station,
  cast(case when s.state = 'open' and s.incarnation = o.incarnation then 1 else 0 end as bigint) as alive
  from control_order o left join usage_session s on s.session_no = o.session_no`

/** Orders whose time has come, the longest due first. */
export const dueOrders = (sql: Sql, now: Millis, limit: number): Promise<DueOrder[]> =>
  sql.rows<DueOrder>(`${DUE} where o.state = 'due' and o.next_at <= ? order by o.next_at limit ?`, now, BigInt(limit))

/** Takes an order until `until`, unless another node did since it was read; counts the attempt. */
export async function claimOrder(sql: Sql, { order_no, next_at }: DueOrder, until: Millis): Promise<boolean> {
  const changed = await sql.run(
    `update control_order set next_at = ?, attempt = attempt + 1 where order_no = ? and state = 'due' and next_at = ?`,
    ...[until, order_no, next_at],
  )
  return changed === 1
}

/** Ends an order that was claimed until `claimed`. One that was given anew meanwhile stays due. */
export const endOrder = (
  sql: Sql,
  order: bigint,
  claimed: Millis,
  end: { readonly state: 'done' | 'failed'; readonly outcome: string; readonly at: Millis },
): Promise<number> =>
  sql.run(
    `update control_order set state = ?, outcome = ?, ended_at = ? where order_no = ? and state = 'due' and next_at = ?`,
    ...[end.state, end.outcome, end.at, order, claimed],
  )

/** Says when an order that was claimed until `claimed` is tried again. */
export const retryOrder = (sql: Sql, order: bigint, claimed: Millis, at: Millis, outcome: string): Promise<number> =>
  sql.run(
    `update control_order set next_at = ?, outcome = ? where order_no = ? and state = 'due' and next_at = ?`,
    ...[at, outcome, order, claimed],
  )

/** Forgets orders that ended before `before`, at most a thousand. */
export const forgetOrders = (sql: Sql, before: Millis): Promise<number> =>
  sql.run(
    'delete from control_order where order_no in (select order_no from control_order where ended_at < ? order by ended_at limit 1000)',
    before,
  )
