// The usage journal's one way in, whatever the access.
import type { RawDatabase } from '../store/store.ts'
import type { UsageEvent } from './usage-event.ts'

/**
 * Appends events inside the caller's transaction, which also keeps whatever counted their sequence: that is what makes
 * (origin, sessionId, sequence) unique.
 */
export function usageAppender(database: RawDatabase): (event: Omit<UsageEvent, 'eventId'>) => void {
  const insert = database.prepare(
    `insert into usage_event (origin, session_id, sequence, subscriber_id, radio_id, access, start_at, end_at, uplink, downlink,
       cause, received_at, flags) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  return (event) =>
    insert.run(
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
      event.flags,
    )
}
