// What every access technology ends in: some octets, carried for a subscriber by a radio, counted once.
import type { RadioId, SubscriberId } from '../kernel/ids.ts'
import type { Millis, Octets } from '../kernel/units.ts'

export type Access = 'wifi' | 'lte' | 'nr'
/** Why the event was cut: a report, or the end of the session. */
export type Cause = 'interim' | 'stop'

/**
 * Bits of `UsageEvent.flags`: the cumulative counter fell although time went on; a 32-bit wrap was inferred because the access
 * point sends no Gigawords; the session's first record was its last; it was debited through `QuotaPort` and is not charged again.
 */
export const USAGE_FLAG = { counterFell: 1, wrapAssumed: 2, noStart: 4, charged: 8 } as const

/** (origin, sessionId, sequence) is unique for ever. Counters are differences to the event before, never totals. */
export interface UsageEvent {
  readonly eventId: bigint
  /** Meter of record: `radius:<NAS-Identifier or address>`, later Gy and N4 peers. */
  readonly origin: string
  readonly sessionId: string
  /** 1 for the first event of a session; no gaps but where a Gy peer used nothing or its request is missing. */
  readonly sequence: bigint
  readonly subscriber: SubscriberId | undefined
  readonly radio: RadioId | undefined
  readonly access: Access
  readonly start: Millis
  readonly end: Millis
  readonly uplink: Octets
  readonly downlink: Octets
  readonly cause: Cause
  readonly received: Millis
  readonly flags: number
}

/** What happened to a radio: first claim, new payout address, ban (until `expires`, or for good), end of a ban. */
export interface RadioEvent {
  readonly eventId: bigint
  readonly kind: 'claim' | 'payout' | 'ban' | 'unban'
  readonly radio: RadioId
  readonly owner: string
  readonly payout: string
  readonly at: Millis
  readonly reason: string | undefined
  readonly expires: Millis | undefined
}
