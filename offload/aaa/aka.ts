// The server of EAP-AKA' (RFC 9048) and EAP-AKA (RFC 4187). Pure but for random numbers and the question for vectors: the conversation
// comes in with each packet and leaves in the next request.
import { timingSafeEqual } from 'node:crypto'
import type { AuthVector } from '../../core/events/auth-vectors.ts'
import type { Imsi } from '../../core/kernel/ids.ts'
import { type SimAttributeName, SUBTYPE } from '../../core/wire/eap/dict/attributes.ts'
import {
  akaKeys,
  akaPrimeKeys,
  akaPrimeMethodKeys,
  type MethodKeys,
  type SessionKeys,
} from '../../core/wire/eap/keys.ts'
import { EAP_TYPE } from '../../core/wire/eap/packet.ts'
import { checkSim } from '../../core/wire/eap/protect.ts'
import { decodeSim, isSimFault, type SimAttribute, type SimMessage } from '../../core/wire/eap/sim.ts'
import { type Conversation, STAGE } from './conversation.ts'
import { packDigits, unpackDigits } from './fields.ts'
import { realmOf } from './identity.ts'
import { type Exchange, rejected, type Turn } from './method.ts'
import {
  checkcodeAttribute,
  checkcodeOf,
  confirmed,
  endOf,
  failBefore,
  finishReauthentication,
  hideIdentities,
  isUnknownRound,
  proofOf,
  refusalOf,
  roundAgrees,
  SERVING_ENTITY,
  type SimDeps,
  type SimOptions,
  simRequest,
  startReauthentication,
  UNKNOWN_ROUND,
} from './sim-family.ts'

export type AkaType = typeof EAP_TYPE.aka | typeof EAP_TYPE.akaPrime

export interface Method {
  /** The first request after EAP-Response/Identity, or after a Nak. */
  start(exchange: Exchange): Promise<Turn>
  /** A response of the method's own type. */
  next(conversation: Conversation, exchange: Exchange): Promise<Turn>
}

/** RFC 9048 §3.2: the derivation with CK' and IK'. */
const KDF_AKA_PRIME = 1
/** RFC 9048 §4: the server would rather have had EAP-AKA'. */
const BIDDING_PREFERS_AKA_PRIME = 0x8000
/** Requests for an identity in one conversation: the peer may try a stale one first (RFC 4187 §4.1.4). */
const MAX_IDENTITY_ROUNDS = 3
const NOTHING = new Uint8Array(0)
/** Identity packets that a State has room for; of a longer round no AT_CHECKCODE can be made, and none is. */
const MAX_TRANSCRIPT = 150
/** Longest identity of an inner round that is carried along; ours are shorter. */
const MAX_INNER = 93

type IdentityRequest = Extract<SimAttributeName, 'AT_ANY_ID_REQ' | 'AT_FULLAUTH_ID_REQ' | 'AT_PERMANENT_ID_REQ'>

/** Whose vectors, the identity that its keys are bound to, and the AT_CHECKCODE of how we learned it. */
interface Subject {
  readonly imsi: Imsi
  readonly identity: Uint8Array
  readonly round: Uint8Array
  readonly resync?: { readonly rand: Uint8Array; readonly auts: Uint8Array }
}

export function createAka(type: AkaType, deps: SimDeps, options: SimOptions): Method {
  const { identities, vectors } = deps
  const prime = type === EAP_TYPE.akaPrime

  const ask = (request: IdentityRequest, { identifier }: Exchange, tries: number, transcript: Uint8Array): Turn => {
    if (tries > MAX_IDENTITY_ROUNDS) return failBefore(type, identifier, 'too-many-rounds')
    const packet = simRequest(type, identifier, SUBTYPE.identity, [[request]])
    const seen = extend(transcript, packet)
    const fields = [Buffer.from(request), seen]
    return { turn: 'request', request: { packet, stage: STAGE.identity, tries, fields } }
  }

  /** What to do with an identity; `asked`: the request that it answers, if any. */
  const take = async (
    identity: Uint8Array,
    exchange: Exchange,
    asked: { readonly request: IdentityRequest | undefined; readonly tries: number; readonly transcript: Uint8Array },
  ): Promise<Turn> => {
    const claim = identities.read(Buffer.from(identity).toString(), exchange.now)
    const again = (request: IdentityRequest): Turn => ask(request, exchange, asked.tries + 1, asked.transcript)
    if (claim.kind === 'reauthentication') {
      const fresh = claim.type === type && claim.counter <= options.reauthentications
      const wanted = asked.request === undefined || asked.request === 'AT_ANY_ID_REQ'
      if (fresh && wanted) return startReauthentication(deps, options, exchange, claim, identity, asked.transcript)
      return again('AT_FULLAUTH_ID_REQ')
    }
    if (claim.kind === 'unknown') {
      if (asked.request === 'AT_PERMANENT_ID_REQ') return failBefore(type, exchange.identifier, 'identity-unknown')
      return again(asked.request === undefined ? 'AT_ANY_ID_REQ' : 'AT_PERMANENT_ID_REQ')
    }
    if (asked.request !== undefined && identity.length > MAX_INNER) {
      return asked.request === 'AT_PERMANENT_ID_REQ'
        ? failBefore(type, exchange.identifier, 'identity-unknown')
        : again('AT_PERMANENT_ID_REQ')
    }
    return challenge(exchange, { imsi: claim.imsi, identity, round: checkcodeOf(type, asked.transcript) }, 1)
  }

  const challenge = async (exchange: Exchange, subject: Subject, tries: number): Promise<Turn> => {
    const { imsi, resync } = subject
    const answer = await vectors.vectors({
      imsi,
      kind: prime ? 'aka-prime' : 'umts',
      network: prime ? options.networkName : '',
      servingEntity: SERVING_ENTITY,
      count: 1,
      resync,
    })
    if (answer.result !== 'vectors') return failBefore(type, exchange.identifier, refusalOf(answer.result))
    const [vector] = answer.vectors
    const secrets = vector && secretsOf(vector)
    if (vector === undefined || secrets === undefined) return failBefore(type, exchange.identifier, 'unavailable')
    return request(exchange, subject, vector, secrets, tries)
  }

  const keysOf = (ck: Uint8Array, ik: Uint8Array, identity: Uint8Array): MethodKeys & SessionKeys =>
    prime ? akaPrimeKeys(ck, ik, identity) : akaKeys(ck, ik, identity)

  const request = (
    exchange: Exchange,
    { imsi, identity, round }: Subject,
    { rand, autn }: AuthVector,
    { xres, ck, ik }: Secrets,
    tries: number,
  ): Turn => {
    const keys = prime ? akaPrimeMethodKeys(ck, ik, identity) : akaKeys(ck, ik, identity)
    const own: SimAttribute[] = prime
      ? [
          ['AT_KDF', KDF_AKA_PRIME],
          ['AT_KDF_INPUT', Buffer.from(options.networkName)],
        ]
      : options.offersAkaPrime
        ? [['AT_BIDDING', BIDDING_PREFERS_AKA_PRIME]]
        : []
    const realm = realmOf(Buffer.from(identity).toString())
    const next = { type, imsi, counter: 1, encr: keys.encr, aut: keys.aut, re: keys.re, realm, withPseudonym: true }
    const attributes: SimAttribute[] = [
      ['AT_RAND', rand],
      ['AT_AUTN', autn],
      ...own,
      ...checkcodeAttribute(round),
      ...(options.confirm ? [['AT_RESULT_IND'] as const] : []),
      ...hideIdentities(deps, options, { ...next, now: exchange.now }),
    ]
    const packet = simRequest(type, exchange.identifier, SUBTYPE.challenge, attributes, keys.aut)
    // The outer identity comes back with every request in User-Name; only an inner one has to be carried.
    const inner = identity === exchange.outer ? NOTHING : identity
    const fields = [packDigits(imsi), rand, xres, ck, ik, round, inner]
    return { turn: 'request', request: { packet, stage: STAGE.challenge, tries, fields } }
  }

  const identity = async (conversation: Conversation, exchange: Exchange, message: SimMessage): Promise<Turn> => {
    const [asked, transcript] = conversation.fields
    const said = message.values.get('AT_IDENTITY')
    if (asked === undefined || transcript === undefined) return rejected('state-invalid')
    if (message.subtype !== SUBTYPE.identity) return rejected('unexpected')
    if (said === undefined) return failBefore(type, exchange.identifier, 'malformed')
    return take(said, exchange, {
      request: Buffer.from(asked).toString() as IdentityRequest,
      tries: conversation.tries,
      transcript: extend(transcript, exchange.packet.bytes),
    })
  }

  const answered = async (conversation: Conversation, exchange: Exchange, message: SimMessage): Promise<Turn> => {
    const [digits, rand, xres, ck, ik, round, inner] = conversation.fields
    if (!digits || !rand || !xres || !ck || !ik || !round || !inner) return rejected('state-invalid')
    const imsi = unpackDigits(digits) as Imsi
    const name = inner.length === 0 ? exchange.outer : inner
    if (message.subtype === SUBTYPE.authenticationReject) return rejected('peer-refused')
    if (message.subtype === SUBTYPE.synchronisationFailure) {
      const auts = message.values.get('AT_AUTS')
      if (auts === undefined) return failBefore(type, exchange.identifier, 'malformed')
      // A phone that does not like two numbers in a row never will.
      if (conversation.tries > 1) return failBefore(type, exchange.identifier, 'resync-refused')
      const subject = { imsi, identity: name, round, resync: { rand, auts } }
      return challenge(exchange, subject, conversation.tries + 1)
    }
    if (message.subtype !== SUBTYPE.challenge) return rejected('unexpected')
    const keys = keysOf(ck, ik, name)
    // Another derivation than the one offered is a peer that wants something else, or somebody in between (RFC 9048 §3.2).
    if (message.values.has('AT_KDF')) return failBefore(type, exchange.identifier, 'bidding-down')
    if (!checkSim(exchange.packet.bytes, message, keys.aut)) return failBefore(type, exchange.identifier, 'bad-mac')
    const res = message.values.get('AT_RES')
    if (res === undefined || res.length !== xres.length || !timingSafeEqual(res, xres))
      return failBefore(type, exchange.identifier, 'bad-response')
    if (!roundAgrees(message, round)) return failBefore(type, exchange.identifier, 'bad-response')
    const confirm = options.confirm && message.values.has('AT_RESULT_IND')
    return { turn: 'proved', proof: proofOf(type, imsi, keys, exchange.identifier, confirm) }
  }

  return {
    start: (exchange) => take(exchange.outer, exchange, { request: undefined, tries: 0, transcript: NOTHING }),
    async next(conversation, exchange) {
      const message = decodeSim(exchange.packet.data)
      if (isSimFault(message)) return rejected('malformed')
      const end = endOf(conversation.stage, message)
      if (end !== undefined) return end
      switch (conversation.stage) {
        case STAGE.identity:
          return identity(conversation, exchange, message)
        case STAGE.challenge:
          return answered(conversation, exchange, message)
        case STAGE.success:
          return confirmed(conversation, exchange, message)
        case STAGE.reauthentication: {
          const turn = finishReauthentication(type, conversation, exchange, message)
          return turn === 'stale' ? ask('AT_FULLAUTH_ID_REQ', exchange, 1, UNKNOWN_ROUND) : turn
        }
        default:
          return rejected('state-invalid')
      }
    },
  }
}

interface Secrets {
  readonly xres: Uint8Array
  readonly ck: Uint8Array
  readonly ik: Uint8Array
}

function secretsOf(vector: AuthVector): Secrets | undefined {
  if (vector.kind === 'umts') return vector
  if (vector.kind === 'aka-prime') return { xres: vector.xres, ck: vector.ckPrime, ik: vector.ikPrime }
  return undefined
}

/** The round with one more packet; a mark in its place once it is too long for a State. */
function extend(transcript: Uint8Array, packet: Uint8Array): Uint8Array {
  if (isUnknownRound(transcript) || transcript.length + packet.length > MAX_TRANSCRIPT) return UNKNOWN_ROUND
  return Buffer.concat([transcript, packet])
}
