// The usage journal's one way in, whatever the access.
import type { Sql, Target, Value } from '../store/sql.ts'
import type { UsageEvent } from './usage-event.ts'

const JOURNAL: Target = {
  table: 'usage_event',
  columns: [
    'origin',
    'session_id',
    'sequence',
    'subscriber_id',
    'radio_id',
    'access',
    'start_at',
    'end_at',
    'uplink',
    'downlink',
    'cause',
    'received_at',
    'flags',
  ],
}

/**
 * Appends events inside the caller's transaction, which also keeps whatever counted their sequence: that is what makes
 * (origin, sessionId, sequence) unique.
 */
export async function appendUsage(sql: Sql, events: readonly Omit<UsageEvent, 'eventId'>[]): Promise<void> {
  if (events.length === 0) return
  await sql.journal(JOURNAL.table)
  await sql.insert(JOURNAL, events.map(values))
}

const values = (event: Omit<UsageEvent, 'eventId'>): Value[] => [
  event.origin,
  event.sessionId,
  event.sequence,
  event.subscriber ?? null,
  event.radio ?? null,
  event.access,
  event.start,
  event.end,
  event.uplink,
  event.downlink,
  event.cause,
  event.received,
  BigInt(event.flags),
]

const ASIDE: Target = { table: 'rating_held', columns: ['source', 'at', 'subscriber_id', 'reason', 'usage'] }

/** A journal row that a stage cannot take. */
export interface AsideRow {
  /** `usage:`, `receipt:` or `registry:` and the row's id. */
  readonly source: string
  readonly at: bigint
  readonly subscriber: string | undefined
  readonly reason: string
  /** The row as JSON. */
  readonly row: string
}

/** The longest reason kept. */
const MAX_REASON = 500

/** Sets a row aside inside the transaction that passes it. */
export const setAside = (sql: Sql, { source, at, subscriber, reason, row }: AsideRow): Promise<number> =>
  sql.insert(ASIDE, [[source, at, subscriber ?? null, reason.slice(0, MAX_REASON), row]])
