// What the methods share: what a packet of the peer leads to.
import type { Imsi } from '../../core/kernel/ids.ts'
import type { EapPacket } from '../../core/wire/eap/packet.ts'
import type { Stage } from './conversation.ts'

/** Why access was refused, or a packet passed over: for counters and the log. Closed set. */
export const REASONS = [
  'barred',
  'bad-mac',
  'bad-password',
  'bad-response',
  'bidding-down',
  'certificate',
  'client-error',
  'identity-unknown',
  'malformed',
  'no-method',
  'not-eap',
  'not-entitled',
  'peer-refused',
  'replayed',
  'resync-refused',
  'state-invalid',
  'tls-failed',
  'too-many-rounds',
  'unavailable',
  'unexpected',
  'voucher-unknown',
] as const
export type Reason = (typeof REASONS)[number]

/** A request to send, and what the conversation is then. */
export interface Request {
  readonly packet: Uint8Array
  readonly stage: Stage
  readonly tries: number
  readonly fields: readonly Uint8Array[]
}

/** A peer that has proved who it is. */
export interface Proof {
  readonly imsi: Imsi | undefined
  /** The subscriber, where a certificate names it. */
  readonly subscriber: string | undefined
  readonly msk: Uint8Array
  /** For the log: `aka-prime`, `aka-prime-reauthentication`, … */
  readonly method: string
  /** A protected notification (RFC 4187 §6.2); undefined where the method has none. */
  readonly notify: ((code: number) => Request) | undefined
  /** Both sides want to hear of success before it is believed (RFC 4187 §6.2). */
  readonly confirmed: boolean
}

export type Turn =
  | { readonly turn: 'request'; readonly request: Request; readonly reason?: Reason }
  | { readonly turn: 'proved'; readonly proof: Proof }
  /** A proof that was noted before, and its success now confirmed. */
  | { readonly turn: 'granted'; readonly proof: Proof }
  | { readonly turn: 'rejected'; readonly reason: Reason }
  /** As if it had not come (RFC 3748 §4.1). */
  | { readonly turn: 'ignored'; readonly reason: Reason }

export const rejected = (reason: Reason): Turn => ({ turn: 'rejected', reason })
export const ignored = (reason: Reason): Turn => ({ turn: 'ignored', reason })

/** What a method is told with each packet. */
export interface Exchange {
  readonly now: bigint
  /** The first identity of the peer, as it came in EAP-Response/Identity, or in User-Name (RFC 3579 §2.1). */
  readonly outer: Uint8Array
  /** For the next request. */
  readonly identifier: number
  readonly packet: EapPacket
}
