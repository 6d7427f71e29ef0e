// The two ways to speak RADIUS over TLS: with MD5 and the secret `radsec`, as ever (RFC 6614 §2.3), and RADIUS/1.1 (RFC 9765), where TLS
// alone protects: a Token instead of the authenticator, nothing hidden, nothing signed. ALPN chooses.
import { randomBytes } from 'node:crypto'
import { putU32, u32 } from '../../wire/bytes/integers.ts'
import { checkRequest, checkResponse, signRequest } from '../../wire/radius/authenticator.ts'
import { encode } from '../../wire/radius/encode.ts'
import { hidePassword } from '../../wire/radius/hidden.ts'
import { authenticatorOf, CODE, find, type Packet, type RawAttribute, rawAttributes } from '../../wire/radius/packet.ts'
import { encodeResponse } from '../../wire/radius/response.ts'
import { type Hiding, type RadiusReply, secretHiding } from './answer.ts'
import type { Order, PeerReply } from './client.ts'
import { replyOf } from './client-udp.ts'

/** A request of ours, encoded. */
export interface SentRequest {
  readonly bytes: Uint8Array
  /** The answer that `packet` is, undefined when it is none that this request could get. */
  accept(packet: Packet): PeerReply | undefined
}

export interface Dialect {
  /** ALPN protocol (RFC 9765 §3.1). */
  readonly name: 'radius/1.0' | 'radius/1.1'
  /** Requests of one side that may wait at once. */
  readonly numbers: number
  /** What request and answer are matched by. */
  numberOf(packet: Packet): number
  /** Why a request cannot be from the peer that TLS proved, if so. */
  judge(packet: Packet): string | undefined
  hiding(packet: Packet): Hiding
  reply(request: Packet, reply: RadiusReply): Uint8Array
  request(number: number, order: Order): SentRequest
}

/** RFC 6614 §2.3. */
const SECRET = Buffer.from('radsec')
const MESSAGE_AUTHENTICATOR = 80
const PROXY_STATE = 33
const EAP_MESSAGE = 79
const UNSIGNED: RawAttribute = { type: MESSAGE_AUTHENTICATOR, octets: new Uint8Array(16) }

export const CLASSIC: Dialect = {
  name: 'radius/1.0',
  numbers: 256,
  numberOf: ({ identifier }) => identifier,
  judge(packet) {
    if (checkRequest(packet, SECRET) !== 'ok') return 'its authenticator is wrong: the shared secret over TLS is radsec'
    // RFC 3579 §3.1
    return find(packet, EAP_MESSAGE) > 0 && find(packet, MESSAGE_AUTHENTICATOR) < 0
      ? 'EAP-Message without Message-Authenticator'
      : undefined
  },
  hiding: (packet) => secretHiding(packet, SECRET),
  reply: (request, { code, attributes }) => encodeResponse(request, code, attributes, SECRET),
  request(number, { code, attributes }) {
    const random = randomBytes(16)
    const drawn = code === CODE['Access-Request'] || code === CODE['Status-Server']
    const bytes = encode({
      code,
      identifier: number,
      ...(drawn ? { authenticator: random } : {}),
      attributes: [
        ...(code === CODE['Accounting-Request'] ? [] : [UNSIGNED]),
        ...attributes({ hidePassword: (password) => hidePassword(password, SECRET, random) }),
      ],
    })
    signRequest(bytes, SECRET)
    const authenticator = bytes.slice(4, 20)
    return {
      bytes,
      accept: (packet) =>
        checkResponse(packet, authenticator, SECRET) === 'ok' ? replyOf(packet, authenticator, SECRET) : undefined,
    }
  },
}

/** RFC 9765 §4: Token in the first four octets of what was the authenticator, the others and the Identifier are zero. */
function tokenField(token: number): Uint8Array {
  const field = new Uint8Array(16)
  putU32(field, 0, token)
  return field
}

const isSignature = ({ type }: RawAttribute): boolean => type === MESSAGE_AUTHENTICATOR

export const PLAIN: Dialect = {
  name: 'radius/1.1',
  numbers: 2 ** 32,
  numberOf: (packet) => u32(authenticatorOf(packet), 0),
  judge: () => undefined,
  // RFC 9765 §5.1: hidden attributes are sent as they are.
  hiding: () => ({ hide: (value) => value, revealPassword: (octets) => octets }),
  reply: (request, { code, attributes }) =>
    encode({
      code,
      identifier: 0,
      authenticator: authenticatorOf(request),
      attributes: [...attributes, ...rawAttributes(request).filter(({ type }) => type === PROXY_STATE)],
    }),
  request(number, { code, attributes }) {
    const given = attributes({ hidePassword: (password) => password })
    const bytes = encode({
      code,
      identifier: 0,
      authenticator: tokenField(number),
      // RFC 9765 §5.2: never sent.
      attributes: given.filter((attribute) => Array.isArray(attribute) || !isSignature(attribute as RawAttribute)),
    })
    return { bytes, accept: (packet) => ({ packet, reveal: (octets) => octets }) }
  },
}

/** What ALPN chose; a peer that does not negotiate speaks as ever. */
export const dialectOf = (protocol: string | false | null): Dialect => (protocol === PLAIN.name ? PLAIN : CLASSIC)
