// The server of EAP-SIM (RFC 4186), for phones and cards that know no better. Its triplets come from quintets by the conversion functions of
// TS 33.102 §6.8.1.2, as a USIM answers in GSM context.
import type { Imsi } from '../../core/kernel/ids.ts'
import { type SimAttributeName, SUBTYPE } from '../../core/wire/eap/dict/attributes.ts'
import { kcOf, keysOfMaster, simKeys, sresOf } from '../../core/wire/eap/keys.ts'
import { EAP_TYPE } from '../../core/wire/eap/packet.ts'
import { checkSim } from '../../core/wire/eap/protect.ts'
import { decodeSim, isSimFault, numberOf, type SimAttribute, type SimMessage } from '../../core/wire/eap/sim.ts'
import type { Method } from './aka.ts'
import { type Conversation, STAGE } from './conversation.ts'
import { packDigits, unpackDigits } from './fields.ts'
import { realmOf } from './identity.ts'
import { type Exchange, rejected, type Turn } from './method.ts'
import {
  confirmed,
  endOf,
  failBefore,
  finishReauthentication,
  hideIdentities,
  proofOf,
  refusalOf,
  SERVING_ENTITY,
  type SimDeps,
  type SimOptions,
  simRequest,
  startReauthentication,
} from './sim-family.ts'

const TYPE = EAP_TYPE.sim
const VERSION = 1
const VERSIONS = Uint8Array.of(0, VERSION)
/** As many as RFC 4186 §10.9 allows: each adds 64 bits at most. */
const TRIPLETS = 3
const MAX_STARTS = 3

type IdentityRequest = Extract<SimAttributeName, 'AT_ANY_ID_REQ' | 'AT_FULLAUTH_ID_REQ' | 'AT_PERMANENT_ID_REQ'>

export function createGsm(deps: SimDeps, options: SimOptions): Method {
  const { identities, vectors } = deps

  /** EAP-Request/SIM/Start, with a request for an identity where none is known. */
  const ask = (request: IdentityRequest | undefined, { identifier }: Exchange, tries: number): Turn => {
    if (tries > MAX_STARTS) return failBefore(TYPE, identifier, 'too-many-rounds')
    const wanted: SimAttribute[] = request === undefined ? [] : [[request]]
    const packet = simRequest(TYPE, identifier, SUBTYPE.simStart, [['AT_VERSION_LIST', VERSIONS], ...wanted])
    const fields = [Buffer.from(request ?? '')]
    return { turn: 'request', request: { packet, stage: STAGE.identity, tries, fields } }
  }

  const start = async (exchange: Exchange): Promise<Turn> => {
    const claim = identities.read(Buffer.from(exchange.outer).toString(), exchange.now)
    if (claim.kind === 'reauthentication') {
      if (claim.type === TYPE && claim.counter <= options.reauthentications)
        return startReauthentication(deps, options, exchange, claim, exchange.outer, new Uint8Array(0))
      return ask('AT_FULLAUTH_ID_REQ', exchange, 1)
    }
    return ask(claim.kind === 'unknown' ? 'AT_ANY_ID_REQ' : undefined, exchange, 1)
  }

  const started = async ({ fields, tries }: Conversation, exchange: Exchange, message: SimMessage): Promise<Turn> => {
    const asked = Buffer.from(fields[0] ?? '').toString()
    const { values } = message
    if (message.subtype !== SUBTYPE.simStart) return rejected('unexpected')
    const said = values.get('AT_IDENTITY')
    if (asked !== '' && said === undefined) return failBefore(TYPE, exchange.identifier, 'malformed')
    const identity = said ?? exchange.outer
    const claim = identities.read(Buffer.from(identity).toString(), exchange.now)
    if (claim.kind === 'reauthentication') {
      if (asked === 'AT_ANY_ID_REQ' && claim.type === TYPE && claim.counter <= options.reauthentications)
        return startReauthentication(deps, options, exchange, claim, identity, new Uint8Array(0))
      return ask('AT_FULLAUTH_ID_REQ', exchange, tries + 1)
    }
    if (claim.kind === 'unknown') {
      if (asked === 'AT_PERMANENT_ID_REQ') return failBefore(TYPE, exchange.identifier, 'identity-unknown')
      return ask('AT_PERMANENT_ID_REQ', exchange, tries + 1)
    }
    const nonce = values.get('AT_NONCE_MT')
    if (nonce === undefined || numberOf(values, 'AT_SELECTED_VERSION') !== VERSION)
      return failBefore(TYPE, exchange.identifier, 'malformed')
    return challenge(exchange, claim.imsi, identity, nonce)
  }

  const challenge = async (exchange: Exchange, imsi: Imsi, identity: Uint8Array, nonce: Uint8Array): Promise<Turn> => {
    const { identifier, now } = exchange
    const request = { imsi, kind: 'umts', network: '', servingEntity: SERVING_ENTITY, count: TRIPLETS } as const
    const answer = await vectors.vectors(request)
    if (answer.result !== 'vectors') return failBefore(TYPE, identifier, refusalOf(answer.result))
    const quintets = answer.vectors.flatMap((vector) => (vector.kind === 'umts' ? [vector] : []))
    if (quintets.length !== TRIPLETS) return failBefore(TYPE, identifier, 'unavailable')
    const kc = Buffer.concat(quintets.map(({ ck, ik }) => kcOf(ck, ik)))
    const keys = simKeys(kc, nonce, VERSIONS, VERSIONS, identity)
    const realm = realmOf(Buffer.from(identity).toString())
    const { encr, aut, re } = keys
    const next = { type: TYPE, imsi, counter: 1, encr, aut, re, realm, now, withPseudonym: true }
    const attributes: SimAttribute[] = [
      ['AT_RAND', Buffer.concat(quintets.map(({ rand }) => rand))],
      ...(options.confirm ? [['AT_RESULT_IND'] as const] : []),
      ...hideIdentities(deps, options, next),
    ]
    const packet = simRequest(TYPE, identifier, SUBTYPE.simChallenge, attributes, aut, nonce)
    const sres = Buffer.concat(quintets.map(({ xres }) => sresOf(xres)))
    return {
      turn: 'request',
      request: { packet, stage: STAGE.challenge, tries: 1, fields: [packDigits(imsi), re, sres] },
    }
  }

  const answered = ({ fields }: Conversation, exchange: Exchange, message: SimMessage): Turn => {
    const [digits, master, sres] = fields
    if (!digits || !master || !sres) return rejected('state-invalid')
    if (message.subtype !== SUBTYPE.simChallenge) return rejected('unexpected')
    const keys = keysOfMaster(master)
    // SRES goes into the MAC and nowhere else (RFC 4186 §9.4).
    if (!checkSim(exchange.packet.bytes, message, keys.aut, sres))
      return failBefore(TYPE, exchange.identifier, 'bad-response')
    const confirm = options.confirm && message.values.has('AT_RESULT_IND')
    return {
      turn: 'proved',
      proof: proofOf(TYPE, unpackDigits(digits) as Imsi, keys, exchange.identifier, confirm),
    }
  }

  return {
    start,
    async next(conversation, exchange) {
      const message = decodeSim(exchange.packet.data)
      if (isSimFault(message)) return rejected('malformed')
      const end = endOf(conversation.stage, message)
      if (end !== undefined) return end
      switch (conversation.stage) {
        case STAGE.identity:
          return started(conversation, exchange, message)
        case STAGE.challenge:
          return answered(conversation, exchange, message)
        case STAGE.success:
          return confirmed(conversation, exchange, message)
        case STAGE.reauthentication: {
          const turn = finishReauthentication(TYPE, conversation, exchange, message)
          return turn === 'stale' ? ask('AT_FULLAUTH_ID_REQ', exchange, 1) : turn
        }
        default:
          return rejected('state-invalid')
      }
    },
  }
}
