// The seam between transports and services: UDP and TLS check a packet in their own way, ask this one question, and send what it says.
// A reply is values, not octets, because each transport numbers, signs and hides by its own rules (RFC 2865, RFC 6614, RFC 9765).
import { randomInt } from 'node:crypto'
import type { NamedAttribute } from '../../wire/radius/encode.ts'
import { hideSalted, revealPassword } from '../../wire/radius/hidden.ts'
import { authenticatorOf, CODE, type Packet, type RawAttribute } from '../../wire/radius/packet.ts'
import type { ReceivedRequest, Verdict } from './accounting-server.ts'

/** How a transport keeps single attributes from whoever reads along. */
export interface Hiding {
  /** The octets of a salted attribute, such as an MPPE key (RFC 2548 §2.4.2); another salt at each call. */
  hide(value: Uint8Array): Uint8Array
  /** What is in a User-Password (RFC 2865 §5.2); undefined where it makes no sense. */
  revealPassword(octets: Uint8Array): Uint8Array | undefined
}

/**
 * A request that its transport has checked: structure, authenticators, Message-Authenticator (over TLS also NAS-Identifier against the
 * certificate), and that it is no retransmission of one in progress or answered.
 */
export interface RadiusRequest extends ReceivedRequest {
  readonly hiding: Hiding
}

/**
 * What to send. The transport adds Message-Authenticator, first, and the request's Proxy-State (`encodeResponse` does both), so `attributes`
 * hold neither.
 */
export interface RadiusReply {
  readonly code: number
  readonly attributes: readonly (NamedAttribute | RawAttribute)[]
}

/**
 * Answers one request of any kind, from any transport. Undefined: stay silent, the client sends again. Rejects when something of ours failed;
 * silence then, too. What it says is durable where it has to be. Calls may overlap, and end in any order.
 */
export type Answer = (request: RadiusRequest) => Promise<RadiusReply | undefined>

export interface Services {
  /** Access-Request (RFC 2865 §4.1). */
  readonly access?: Answer
  /** Accounting-Request (RFC 2866 §4.1): as `AccountingServerDeps.handle`. */
  readonly accounting?: (batch: readonly ReceivedRequest[]) => Promise<readonly Verdict[]>
}

/**
 * One answerer out of the services. A request for a service that is not there stays unanswered, as do all codes that are no requests to a
 * server. A Status-Server gets an Access-Accept (RFC 5997 §3; over TLS RFC 6614 §2.6 sends no other), from an accounting port an
 * Accounting-Response: `statusReply`.
 */
export function createAnswer({ access, accounting }: Services, statusReply: RadiusReply = ACCEPT): Answer {
  return async (request) => {
    switch (request.packet.code) {
      case CODE['Access-Request']:
        return access?.(request)
      case CODE['Accounting-Request']:
        return (await accounting?.([request]))?.[0] === 'accept' ? ACCOUNTED : undefined
      case CODE['Status-Server']:
        return statusReply
      default:
        return undefined
    }
  }
}

const ACCEPT: RadiusReply = { code: CODE['Access-Accept'], attributes: [] }
const ACCOUNTED: RadiusReply = { code: CODE['Accounting-Response'], attributes: [] }

/** Hiding by the shared secret, as over UDP and, with the secret `radsec`, over TLS (RFC 6614 §2.3). */
export function secretHiding(packet: Packet, secret: Uint8Array): Hiding {
  // Salts differ within a packet (RFC 2548 §2.4.2): they count on from a random one.
  let salt = randomInt(0x8000)
  const authenticator = authenticatorOf(packet)
  return {
    hide(value) {
      salt = (salt + 1) & 0x7fff
      return hideSalted(value, salt, secret, authenticator)
    },
    revealPassword: (octets) => revealPassword(octets, secret, authenticator),
  }
}
