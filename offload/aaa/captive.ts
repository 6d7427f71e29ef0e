// Logins at a captive portal, which the access point sends as PAP, CHAP (RFC 2865 §2.2) or MS-CHAPv2 (RFC 2548 §2.3). Captive vouchers have
// passwords, nobody else does: whatever else asks in one of these ways is refused.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { CaptivePort } from '../../core/events/captive.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import type { SubscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import type { Hiding, RadiusRequest } from '../../core/transport/radius/answer.ts'
import {
  authenticatorResponse,
  chapResponse,
  type MsChap2Exchange,
  type MsChap2Response,
  mppeKeys,
  ntPasswordHash,
  ntResponse,
  readMsChap2Response,
} from '../../core/wire/radius/chap.ts'
import type { NamedAttribute } from '../../core/wire/radius/encode.ts'
import { authenticatorOf, octetsOf, type Packet } from '../../core/wire/radius/packet.ts'
import type { Reason } from './method.ts'

type Credentials =
  | { readonly method: 'pap'; readonly password: Uint8Array }
  | {
      readonly method: 'chap'
      readonly identifier: number
      readonly response: Uint8Array
      readonly challenge: Uint8Array
    }
  | { readonly method: 'ms-chap-v2'; readonly response: MsChap2Response; readonly exchange: MsChap2Exchange }

export interface Login {
  readonly subscriber: SubscriberId
  readonly method: Credentials['method']
  /** Eight octets, the same for the same request. */
  readonly reference: Uint8Array
  /** What the method adds to an Access-Accept. */
  readonly attributes: readonly NamedAttribute[]
}

export type LoginOutcome =
  | Login
  /** `attributes`: what the method adds to an Access-Reject. */
  | { readonly reason: Reason; readonly attributes: readonly NamedAttribute[] }

export type CaptiveLogin = (request: RadiusRequest) => Promise<LoginOutcome>

const CHAP_OCTETS = 17
const CHALLENGE_OCTETS = 16

/** What a request asks to be let in by; undefined for none of these ways, or a malformed one. */
function readCredentials(packet: Packet, hiding: Hiding): Credentials | undefined {
  const hidden = octetsOf(packet, 'User-Password')
  if (hidden !== undefined) {
    const password = hiding.revealPassword(hidden)
    return password && { method: 'pap', password }
  }
  const chap = octetsOf(packet, 'CHAP-Password')
  if (chap !== undefined) {
    // RFC 2865 §2.2: without CHAP-Challenge the Request Authenticator is the challenge.
    const challenge = octetsOf(packet, 'CHAP-Challenge') ?? authenticatorOf(packet)
    if (chap.length !== CHAP_OCTETS || challenge.length === 0) return undefined
    return { method: 'chap', identifier: chap[0] as number, response: chap.subarray(1), challenge }
  }
  return readMsChap(packet)
}

function readMsChap(packet: Packet): Credentials | undefined {
  const challenge = octetsOf(packet, 'MS-CHAP-Challenge')
  const response = readMsChap2Response(octetsOf(packet, 'MS-CHAP2-Response') ?? NOTHING)
  const userName = octetsOf(packet, 'User-Name')
  if (challenge?.length !== CHALLENGE_OCTETS || response === undefined || userName === undefined) return undefined
  const exchange = { authenticatorChallenge: challenge, peerChallenge: response.peerChallenge, userName }
  return { method: 'ms-chap-v2', response, exchange }
}

const NOTHING = new Uint8Array(0)

/** Compares digests, so that neither content nor length shows in the time it takes. */
const same = (a: Uint8Array, b: Uint8Array): boolean => timingSafeEqual(digest(a), digest(b))
const digest = (octets: Uint8Array): Uint8Array => createHash('sha256').update(octets).digest()

/** What the method adds to an Access-Accept; undefined: the password is another. */
function prove(credentials: Credentials, password: string, hiding: Hiding): readonly NamedAttribute[] | undefined {
  switch (credentials.method) {
    case 'pap': {
      // Told in the clear, so it can be read as people type.
      const typed = Buffer.from(credentials.password).toString().toLowerCase().replace(/[\s-]/g, '')
      return same(Buffer.from(typed), Buffer.from(password)) ? [] : undefined
    }
    case 'chap': {
      const { identifier, response, challenge } = credentials
      return same(chapResponse(identifier, Buffer.from(password), challenge), response) ? [] : undefined
    }
    case 'ms-chap-v2':
      return proveMsChap(credentials, password, hiding)
  }
}

/** RFC 2548 §2.4.4, §2.4.5: encryption is allowed, with keys of 40 or 128 bits. */
const ENCRYPTION: readonly NamedAttribute[] = [
  ['MS-MPPE-Encryption-Policy', 'Encryption-Allowed'],
  ['MS-MPPE-Encryption-Types', 6],
]

function proveMsChap(
  { response, exchange }: Extract<Credentials, { method: 'ms-chap-v2' }>,
  password: string,
  hiding: Hiding,
): readonly NamedAttribute[] | undefined {
  const hash = ntPasswordHash(password)
  if (!same(ntResponse(exchange, hash), response.ntResponse)) return undefined
  const success = Buffer.from(authenticatorResponse(exchange, hash, response.ntResponse))
  const { send, receive } = mppeKeys(hash, response.ntResponse)
  return [
    ['MS-CHAP2-Success', Buffer.concat([Uint8Array.of(response.identifier), success])],
    ['MS-MPPE-Recv-Key', hiding.hide(receive)],
    ['MS-MPPE-Send-Key', hiding.hide(send)],
    ...ENCRYPTION,
  ]
}

/** RFC 2759 §6: 691, no retry under the same challenge. */
function failure(credentials: Credentials): readonly NamedAttribute[] {
  if (credentials.method !== 'ms-chap-v2') return []
  const { response, exchange } = credentials
  const challenge = Buffer.from(exchange.authenticatorChallenge).toString('hex').toUpperCase()
  const message = Buffer.from(`E=691 R=0 C=${challenge} V=3 M=Name or password are wrong`)
  return [['MS-CHAP-Error', Buffer.concat([Uint8Array.of(response.identifier), message])]]
}

/** A request that comes again, here or at another node, is the same login. */
const referenceOf = ({ packet, client }: RadiusRequest): Uint8Array =>
  createHash('sha256')
    .update(client.name)
    .update(Uint8Array.of(0, packet.identifier))
    .update(authenticatorOf(packet))
    .digest()
    .subarray(0, 8)

export function createCaptiveLogin({
  captive,
  clock,
}: {
  readonly captive: CaptivePort
  readonly clock: Clock
}): CaptiveLogin {
  return async (request) => {
    const { packet, hiding } = request
    const credentials = readCredentials(packet, hiding)
    const name = octetsOf(packet, 'User-Name')
    if (credentials === undefined || name === undefined) return { reason: 'not-eap', attributes: [] }
    const refused = (reason: Reason) => ({ reason, attributes: failure(credentials) })
    const [text, at] = [Buffer.from(name).toString(), millis(clock())]
    const password = await captive.passwordOf(text, at)
    if (password === undefined) return refused('voucher-unknown')
    const attributes = prove(credentials, password, hiding)
    if (attributes === undefined) return refused('bad-password')
    const subscriber = await captive.enter(text, at)
    if (subscriber === undefined) return refused('voucher-unknown')
    return { subscriber, method: credentials.method, reference: referenceOf(request), attributes }
  }
}
