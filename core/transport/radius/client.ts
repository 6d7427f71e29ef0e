// Requests that go out: to home servers (proxy), to access points (RFC 5176). What UDP and TLS have in common.
import type { NamedAttribute } from '../../wire/radius/encode.ts'
import type { Packet, RawAttribute } from '../../wire/radius/packet.ts'

export type Attributes = readonly (NamedAttribute | RawAttribute)[]

/** How the transport of a request keeps single attributes from whoever reads along. */
export interface Sealing {
  /** The octets of User-Password (RFC 2865 §5.2) for a password of at most 128 octets. */
  hidePassword(password: Uint8Array): Uint8Array
}

export interface Order {
  /** Any request code. */
  readonly code: number
  /** Called once per packet made; without Message-Authenticator, which the transport adds, first, where the code wants one. */
  attributes(sealing: Sealing): Attributes
  /** How long to wait for the answer, retransmissions included, milliseconds. */
  readonly patience: number
}

export interface PeerReply {
  /** Checked: its structure, and that it comes from whom was asked. */
  readonly packet: Packet
  /** What is in a salted attribute of it (RFC 2548 §2.4.2); undefined where that makes no sense. */
  reveal(octets: Uint8Array): Uint8Array | undefined
}

/** Why there is no answer: nobody is connected, none came in time, or as many requests as there are identifiers wait already. */
export type Silence = 'unreachable' | 'timeout' | 'busy'

export interface Requester {
  /** Never rejects for what a peer does; rejects where the attributes cannot be encoded. */
  request(order: Order): Promise<PeerReply | Silence>
  close(): Promise<void>
}

export const isSilence = (answer: PeerReply | Silence): answer is Silence => typeof answer === 'string'
