// What EAP-SIM, EAP-AKA and EAP-AKA' have in common: asking for an identity, fast re-authentication, notifications, new identities.
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { AuthVectorPort, VectorAnswer } from '../../core/events/auth-vectors.ts'
import type { Imsi } from '../../core/kernel/ids.ts'
import { NOTIFICATION, type SimAttributeName, SUBTYPE } from '../../core/wire/eap/dict/attributes.ts'
import { akaPrimeReauthKeys, type MethodKeys, reauthKeys } from '../../core/wire/eap/keys.ts'
import { EAP_CODE, EAP_TYPE } from '../../core/wire/eap/packet.ts'
import { checkcode, checkSim, decryptSim, encryptSim, signSim } from '../../core/wire/eap/protect.ts'
import {
  decodeSimAttributes,
  encodeSim,
  numberOf,
  type SimAttribute,
  type SimMessage,
} from '../../core/wire/eap/sim.ts'
import { type Conversation, STAGE } from './conversation.ts'
import { packDigits, unpackDigits } from './fields.ts'
import { type Identities, type Reauthentication, realmOf, type SimType } from './identity.ts'
import { type Exchange, ignored, type Proof, type Reason, type Request, rejected, type Turn } from './method.ts'

export interface SimDeps {
  readonly vectors: AuthVectorPort
  readonly identities: Identities
}

export interface SimOptions {
  /** Access network identity that EAP-AKA' keys are bound to (TS 24.302 §8.1.1). */
  readonly networkName: string
  /** Fast re-authentications after a full one; 0: none. */
  readonly reauthentications: number
  /** Ask for protected success indications (RFC 4187 §6.2): one more round trip. */
  readonly confirm: boolean
  /** EAP-AKA' is offered too, so EAP-AKA says so in AT_BIDDING (RFC 9048 §4). */
  readonly offersAkaPrime: boolean
}

/** Who asks for vectors: one place in the USIM's array of sequence numbers for all Wi-Fi. */
export const SERVING_ENTITY = 'aaa'

const METHOD_NAME: Readonly<Record<SimType, string>> = {
  [EAP_TYPE.sim]: 'sim',
  [EAP_TYPE.aka]: 'aka',
  [EAP_TYPE.akaPrime]: 'aka-prime',
}

const ZERO_MAC: SimAttribute = ['AT_MAC', new Uint8Array(16)]
const NOTHING = new Uint8Array(0)

/** A request of the method, signed when there is a key. `extra`: see `signSim`. */
export function simRequest(
  type: number,
  identifier: number,
  subtype: number,
  attributes: readonly SimAttribute[],
  aut?: Uint8Array,
  extra?: Uint8Array,
): Uint8Array {
  const signed = aut === undefined ? attributes : [...attributes, ZERO_MAC]
  const packet = encodeSim(EAP_CODE.request, identifier, type, subtype, signed)
  if (aut !== undefined) signSim(packet, aut, extra)
  return packet
}

/** The refusal of a peer that has not been authenticated: a notification, whose answer is not looked at, then EAP-Failure (RFC 4187 §6.3.2). */
export function failBefore(type: number, identifier: number, reason: Reason): Turn {
  const packet = simRequest(type, identifier, SUBTYPE.notification, [
    ['AT_NOTIFICATION', NOTIFICATION.failureBeforeAuthentication],
  ])
  return { turn: 'request', reason, request: { packet, stage: STAGE.failure, tries: 1, fields: [] } }
}

/** Why there are no vectors. */
export function refusalOf(result: Exclude<VectorAnswer['result'], 'vectors'>): Reason {
  switch (result) {
    case 'unknown':
      return 'identity-unknown'
    case 'barred':
    case 'exhausted':
      return 'barred'
    case 'resync-refused':
      return 'resync-refused'
    default:
      return 'unavailable'
  }
}

/** AT_IV and AT_ENCR_DATA with a new pseudonym, a new re-authentication identity where one is due, and `more` before them. */
export function hideIdentities(
  { identities }: SimDeps,
  { reauthentications }: SimOptions,
  next: Reauthentication & { readonly realm: string; readonly now: bigint; readonly withPseudonym: boolean },
  more: readonly SimAttribute[] = [],
): SimAttribute[] {
  const hidden: SimAttribute[] = [...more]
  if (next.withPseudonym) {
    hidden.push(['AT_NEXT_PSEUDONYM', Buffer.from(identities.pseudonym(next.type, next.imsi, next.now))])
  }
  const nai = next.counter <= reauthentications ? identities.reauthentication(next, next.realm, next.now) : undefined
  if (nai !== undefined) hidden.push(['AT_NEXT_REAUTH_ID', Buffer.from(nai)])
  return encryptSim(next.encr, randomBytes(16), hidden)
}

/** In the place of an identity round, or of its checkcode, that is not known in full: none is sent then, and the peer's not looked at. */
export const UNKNOWN_ROUND = Uint8Array.of(0)
export const isUnknownRound = ({ length }: Uint8Array): boolean => length === 1

/** The value of AT_CHECKCODE for the identity round's packets, one after another. */
export function checkcodeOf(type: number, transcript: Uint8Array): Uint8Array {
  if (isUnknownRound(transcript)) return UNKNOWN_ROUND
  return checkcode(type, transcript.length === 0 ? [] : [transcript])
}

export const checkcodeAttribute = (round: Uint8Array): SimAttribute[] =>
  isUnknownRound(round) ? [] : [['AT_CHECKCODE', round]]

/** False when the peer saw another identity round than we did (RFC 4187 §10.13). One that says nothing does not check. */
export function roundAgrees(message: SimMessage, expected: Uint8Array): boolean {
  const said = message.values.get('AT_CHECKCODE')
  return (
    said === undefined ||
    isUnknownRound(expected) ||
    (said.length === expected.length && timingSafeEqual(said, expected))
  )
}

/** What a notification needs after an authentication: K_aut, and after a fast one K_encr and the counter (RFC 4187 §6.1). */
interface Protection {
  readonly type: SimType
  readonly imsi: Imsi
  readonly msk: Uint8Array
  readonly aut: Uint8Array
  readonly encr: Uint8Array
  /** Two octets; empty after a full authentication. */
  readonly counter: Uint8Array
  readonly identifier: number
  readonly method: string
}

/** What a peer that has been authenticated is told: success or why not, where only it can say so. */
function notifier(protection: Protection): (code: number) => Request {
  const { type, imsi, msk, aut, encr, counter, identifier, method } = protection
  return (code) => {
    const hidden =
      counter.length === 0 ? [] : encryptSim(encr, randomBytes(16), [['AT_COUNTER', counterNumber(counter)]])
    const attributes: SimAttribute[] = [['AT_NOTIFICATION', code], ...hidden]
    const packet = simRequest(type, identifier, SUBTYPE.notification, attributes, aut)
    const good = code === NOTIFICATION.success
    const fields = good ? [packDigits(imsi), msk, aut, Buffer.from(method)] : []
    return { packet, stage: good ? STAGE.success : STAGE.failure, tries: 1, fields }
  }
}

const counterNumber = (counter: Uint8Array): number => ((counter[0] as number) << 8) | (counter[1] as number)

/** The answer to a notification of success: access is granted when it is authentic. */
export function confirmed({ fields }: Conversation, { packet }: Exchange, message: SimMessage): Turn {
  const [digits, msk, aut, method] = fields
  if (!digits || !msk || !aut || !method) return rejected('state-invalid')
  if (message.subtype !== SUBTYPE.notification) return rejected('unexpected')
  if (!checkSim(packet.bytes, message, aut)) return rejected('bad-mac')
  const imsi = unpackDigits(digits) as Imsi
  const proof = { imsi, subscriber: undefined, msk, method: Buffer.from(method).toString(), notify: undefined }
  return { turn: 'granted', proof: { ...proof, confirmed: false } }
}

const REAUTHENTICATION: readonly SimAttributeName[] = ['AT_IV', 'AT_ENCR_DATA', 'AT_MAC']

/**
 * Fast re-authentication (RFC 4187 §5.4). The counter grows with each identity made, so an old identity leads to a counter that the peer has
 * seen, and it refuses. `identity`: the one that carried the keys, as the peer sent it.
 */
export function startReauthentication(
  deps: SimDeps,
  options: SimOptions,
  { now, identifier }: Exchange,
  claim: Reauthentication,
  identity: Uint8Array,
  transcript: Uint8Array,
): Turn {
  const { type, imsi, encr, aut, re } = claim
  const nonce = randomBytes(16)
  const counter = Uint8Array.of(claim.counter >>> 8, claim.counter)
  const session =
    type === EAP_TYPE.akaPrime
      ? akaPrimeReauthKeys(re, identity, counter, nonce)
      : reauthKeys(re, identity, counter, nonce)
  const realm = realmOf(Buffer.from(identity).toString())
  const next = { ...claim, counter: claim.counter + 1, realm, now, withPseudonym: false }
  const round = type === EAP_TYPE.sim ? UNKNOWN_ROUND : checkcodeOf(type, transcript)
  const hidden = hideIdentities(deps, options, next, [
    ['AT_COUNTER', claim.counter],
    ['AT_NONCE_S', nonce],
  ])
  const packet = simRequest(type, identifier, SUBTYPE.reauthentication, [...checkcodeAttribute(round), ...hidden], aut)
  const fields = [packDigits(imsi), encr, aut, session.msk, nonce, counter, round]
  return { turn: 'request', request: { packet, stage: STAGE.reauthentication, tries: 1, fields } }
}

/** A peer's answer to a fast re-authentication; `stale` when it has seen the counter before and wants a full one (RFC 4187 §5.5). */
export function finishReauthentication(
  type: SimType,
  { fields }: Conversation,
  { packet, identifier }: Exchange,
  message: SimMessage,
): Turn | 'stale' {
  const [digits, encr, aut, msk, nonce, counter, round] = fields
  if (!digits || !encr || !aut || !msk || !nonce || !counter || !round) return rejected('state-invalid')
  if (message.subtype !== SUBTYPE.reauthentication) return rejected('unexpected')
  if (!REAUTHENTICATION.every((name) => message.values.has(name))) return rejected('malformed')
  if (!checkSim(packet.bytes, message, aut, nonce)) return rejected('bad-mac')
  if (!roundAgrees(message, round)) return rejected('bad-response')
  const plain = decryptSim(encr, message)
  const inner = plain && decodeSimAttributes(plain)
  if (inner === undefined || 'fault' in inner) return rejected('malformed')
  if (numberOf(inner, 'AT_COUNTER') !== counterNumber(counter)) return rejected('bad-response')
  if (inner.has('AT_COUNTER_TOO_SMALL')) return 'stale'
  const imsi = unpackDigits(digits) as Imsi
  const method = `${METHOD_NAME[type]}-reauthentication`
  const notify = notifier({ type, imsi, msk, aut, encr, counter, identifier, method })
  return { turn: 'proved', proof: { imsi, subscriber: undefined, msk, method, notify, confirmed: false } }
}

/** The proof of a full authentication. */
export function proofOf(
  type: SimType,
  imsi: Imsi,
  { msk, aut, encr }: Pick<MethodKeys, 'aut' | 'encr'> & { readonly msk: Uint8Array },
  identifier: number,
  wantsConfirmation: boolean,
): Proof {
  const method = METHOD_NAME[type]
  const notify = notifier({ type, imsi, msk, aut, encr, counter: NOTHING, identifier, method })
  return { imsi, subscriber: undefined, msk, method, notify, confirmed: wantsConfirmation }
}

/** Messages that end a conversation whatever its stage; undefined for all others. */
export function endOf(stage: number, message: SimMessage): Turn | undefined {
  if (message.subtype === SUBTYPE.clientError) return rejected('client-error')
  if (stage === STAGE.failure)
    return message.subtype === SUBTYPE.notification ? rejected('peer-refused') : ignored('unexpected')
  return undefined
}
