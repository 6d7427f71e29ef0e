// Sessions that go on although their subscriber must not: whoever changes a subscriber orders, in the same transaction, that the sessions end
// or ask anew; every running node takes the order to the transports that hold sessions.
import type { Imsi, SubscriberId } from '../../kernel/ids.ts'
import type { Millis } from '../../kernel/units.ts'
import type { Sql } from '../../store/sql.ts'

/** `drop`: end them. `refresh`: let the peer ask again at once (RFC 8506 §5.5, RFC 5176 §2.2): what it may do has changed. */
export type SessionAction = 'drop' | 'refresh'
/** `exhausted`, `throttled`: usage that was charged after the fact has left nothing to pay with, or has reached the plan's fair use. */
export type SessionCause = 'suspended' | 'resumed' | 'ceased' | 'sim-changed' | 'operator' | 'exhausted' | 'throttled'

export interface NewSessionOrder {
  readonly subscriber: SubscriberId
  /** The SIM whose sessions are meant, where the subscriber has another by now; undefined: any of the subscriber's. */
  readonly imsi: Imsi | undefined
  readonly action: SessionAction
  readonly cause: SessionCause
}

export interface SessionOrder extends NewSessionOrder {
  readonly orderNo: bigint
  readonly at: Millis
}

/**
 * One that holds sessions, such as a transport. Both resolve with the number of sessions that ended or were asked to; a listener repeats
 * what a peer does not answer, and gives up when `signal` aborts. An order may come twice, and for sessions that are gone.
 */
export interface SessionListener {
  /** For metrics and logs: a short word of a closed set. */
  readonly name: string
  drop(order: SessionOrder, signal: AbortSignal): Promise<number>
  refresh(order: SessionOrder, signal: AbortSignal): Promise<number>
}

export interface SessionControl {
  /** `books`: called when all others are done, so that what their peers report last comes first. Before the start. */
  register(listener: SessionListener, turn?: 'books'): void
  /** Orders from within a node; resolves when the order is durable. */
  order(order: NewSessionOrder): Promise<void>
}

/** Billing's part of a suspension, in the caller's transaction: nothing more is granted, or is again. The same again changes nothing. */
export type SuspendCharging = (sql: Sql, subscriber: SubscriberId, suspended: boolean, at: Millis) => Promise<void>
