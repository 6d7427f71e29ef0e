// What an application of Diameter (Gy, Gx, S6a) gives to the node, and what it is given.
import type { Millis } from '../../kernel/units.ts'
import type { Message } from '../../wire/diameter/message.ts'
import type { Answer } from './answers.ts'

/** The peer that a request came from; for a relayed request that is the relay. */
export interface PeerInfo {
  readonly identity: string
  readonly realm: string
  /** Its address, without port. */
  readonly address: string
}

/** A request that was checked: known application and command, no unknown AVP that must be understood, Session-Id and origin there. */
export interface DiameterRequest {
  readonly message: Message
  readonly sessionId: string
  readonly originHost: string
  readonly originRealm: string
  /** The T flag: it may have come before, to another node or before a restart. */
  readonly retransmitted: boolean
  readonly received: Millis
  /** An answer after this is kept but not sent. */
  readonly deadline: Millis
}

export interface DiameterApplication {
  readonly id: number
  /** Vendor-Id when it is advertised in a Vendor-Specific-Application-Id. */
  readonly vendor?: number
  /** Commands that are served. */
  readonly commands: readonly number[]
  /**
   * Carries out a request and says the answer; nothing, and nothing is answered. Requests of one Session-Id come one after the other, in the order in
   * which they came in; those of others meanwhile. When it rejects, nothing is answered, and the request counts as new when it comes again.
   */
  handle(request: DiameterRequest, peer: PeerInfo): Promise<Answer | undefined>
  /** The answer that was given to a request with the T flag before this process began, if any; `handle` may know it just as well. */
  known?(request: DiameterRequest): Promise<Answer | undefined>
  /** How long the peer waits for this answer, milliseconds. Default: the node's `answerWithin`. */
  answerWithin?(message: Message): number
  /** Whether this request may be refused with DIAMETER_TOO_BUSY; one that ends a session better not. Default true. */
  sheddable?(message: Message): boolean
  /**
   * A host said its Origin-State-Id for the first time or said another: it has lost its sessions when the number is above the one before (RFC
   * 6733 §8.16). Numbers do not survive this process here, so keep them.
   */
  originState?(originHost: string, originStateId: number): void
}
