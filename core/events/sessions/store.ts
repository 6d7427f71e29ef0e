// Orders about sessions as rows, by which other processes reach a running node.
import type { Imsi, SubscriberId } from '../../kernel/ids.ts'
import type { Millis } from '../../kernel/units.ts'
import type { Sql, Target } from '../../store/sql.ts'
import type { NewSessionOrder, SessionAction, SessionCause, SessionOrder } from './port.ts'

const ORDER: Target = { table: 'session_order', columns: ['at', 'subscriber_id', 'imsi', 'action', 'cause'] }

interface Row {
  readonly order_no: bigint
  readonly at: Millis
  readonly subscriber_id: SubscriberId
  readonly imsi: Imsi | null
  readonly action: SessionAction
  readonly cause: SessionCause
}

/** In the transaction of what makes it necessary. A journal: before `subscriber`, in the order of journals. */
export async function orderSessions(sql: Sql, order: NewSessionOrder, now: Millis): Promise<void> {
  await sql.journal(ORDER.table)
  await sql.insert(ORDER, [[now, order.subscriber, order.imsi ?? null, order.action, order.cause]])
}

/** Orders after `orderNo` that are not older than `since`, at most `limit`, in their order. */
export async function ordersAfter(sql: Sql, orderNo: bigint, since: Millis, limit: number): Promise<SessionOrder[]> {
  const rows = await sql.rows<Row>(
    'select order_no, at, subscriber_id, imsi, action, cause from session_order where order_no > ? and at >= ? order by order_no limit ?',
    orderNo,
    since,
    BigInt(limit),
  )
  return rows.map(({ order_no, at, subscriber_id, imsi, action, cause }) => ({
    orderNo: order_no,
    at,
    subscriber: subscriber_id,
    imsi: imsi ?? undefined,
    action,
    cause,
  }))
}

/** Forgets orders older than `before`, at most a thousand. */
export const forgetOrders = (sql: Sql, before: Millis): Promise<number> =>
  sql.run(
    'delete from session_order where order_no in (select order_no from session_order where at < ? order by order_no limit 1000)',
    before,
  )
