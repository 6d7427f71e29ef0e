// The EAP server (RFC 3748 §4): which method, whose turn. What the conversation was so far comes in with each packet and leaves with the next
// request, sealed; a node that has never heard of it goes on with it.
import { randomBytes } from 'node:crypto'
import { EAP_CODE, EAP_TYPE, type EapPacket } from '../../core/wire/eap/packet.ts'
import type { Method } from './aka.ts'
import { type Conversation, STAGE, type States } from './conversation.ts'
import { typeOf } from './identity.ts'
import { type Exchange, ignored, type Proof, type Reason, type Request, rejected, type Turn } from './method.ts'

/** What to answer. */
export type Step =
  | {
      readonly step: 'challenge'
      readonly eap: Uint8Array
      readonly state: Uint8Array
      readonly reason: Reason | undefined
    }
  | {
      readonly step: 'proved' | 'granted'
      readonly proof: Proof
      readonly conversation: Conversation
    }
  | { readonly step: 'rejected' | 'ignored'; readonly reason: Reason }

export interface Incoming {
  readonly packet: EapPacket
  /** State (RFC 2865 §5.24), if the request has one. */
  readonly state: Uint8Array | undefined
  /** User-Name, which repeats the first identity (RFC 3579 §2.1). */
  readonly userName: Uint8Array
  /** Name of the RADIUS client. */
  readonly client: string
  readonly now: bigint
}

export interface EapServer {
  answer(incoming: Incoming): Promise<Step>
  /** The step that a request makes of a conversation. */
  request(request: Request, conversation: Conversation, client: string): Step
}

/** Methods by EAP type, the most wanted first. */
export type Methods = ReadonlyMap<number, Method>

const MAX_DECLINED = 3

export function createEapServer(methods: Methods, states: States): EapServer {
  const request = (made: Request, conversation: Conversation, client: string, reason?: Reason): Step => {
    const { packet, stage, tries, fields } = made
    const identifier = packet[1] as number
    const state = states.seal({ ...conversation, stage, tries, fields, identifier }, client)
    return { step: 'challenge', eap: packet, state, reason }
  }

  const begin = async (type: number, conversation: Conversation, exchange: Exchange, client: string): Promise<Step> => {
    const method = methods.get(type)
    if (method === undefined) return { step: 'rejected', reason: 'no-method' }
    return settle(await method.start(exchange), { ...conversation, type }, client)
  }

  const settle = (turn: Turn, conversation: Conversation, client: string): Step => {
    switch (turn.turn) {
      case 'request':
        return request(turn.request, conversation, client, turn.reason)
      case 'proved':
      case 'granted':
        return { step: turn.turn, proof: turn.proof, conversation }
      default:
        return { step: turn.turn, reason: turn.reason }
    }
  }

  /** The first packet: an identity, and by its first character a method. */
  const first = async ({ packet, client, now }: Incoming): Promise<Step> => {
    if (packet.type !== EAP_TYPE.identity) return { step: 'rejected', reason: 'state-invalid' }
    const wanted = typeOf(Buffer.from(packet.data).toString())
    const [preferred] = methods.keys()
    const type = wanted !== undefined && methods.has(wanted) ? wanted : (preferred ?? 0)
    const reference = randomBytes(8)
    const head = {
      stage: STAGE.identity,
      type,
      identifier: 0,
      tries: 0,
      declined: 0,
      began: now,
      reference,
      fields: [],
    }
    const exchange = { now, outer: packet.data, identifier: (packet.identifier + 1) & 0xff, packet }
    return begin(type, head, exchange, client)
  }

  /** Nak (RFC 3748 §5.3.1): the best of what the peer would take instead. */
  const declined = async (conversation: Conversation, exchange: Exchange, client: string): Promise<Step> => {
    const early = conversation.tries <= 1 && conversation.stage <= STAGE.challenge
    const wanted = [...methods.keys()].find((type) => exchange.packet.data.includes(type) && type !== conversation.type)
    if (!early && conversation.stage !== STAGE.tls) return { step: 'rejected', reason: 'unexpected' }
    if (wanted === undefined || conversation.declined >= MAX_DECLINED) return { step: 'rejected', reason: 'no-method' }
    return begin(wanted, { ...conversation, declined: conversation.declined + 1 }, exchange, client)
  }

  return {
    request,
    async answer(incoming) {
      const { packet, state, client, now, userName } = incoming
      if (packet.code !== EAP_CODE.response) return settle(ignored('unexpected'), NOBODY, client)
      if (state === undefined) return first(incoming)
      const conversation = states.open(state, client, now)
      if (conversation === undefined) return settle(rejected('state-invalid'), NOBODY, client)
      // RFC 3748 §4.1: a response to another request than the last is passed over.
      if (packet.identifier !== conversation.identifier) return settle(ignored('unexpected'), NOBODY, client)
      const exchange = { now, outer: userName, identifier: (packet.identifier + 1) & 0xff, packet }
      if (packet.type === EAP_TYPE.nak) return declined(conversation, exchange, client)
      const method = methods.get(conversation.type)
      if (method === undefined || packet.type !== conversation.type)
        return settle(ignored('unexpected'), conversation, client)
      return settle(await method.next(conversation, exchange), conversation, client)
    },
  }
}

const NOBODY: Conversation = {
  stage: STAGE.failure,
  type: 0,
  identifier: 0,
  tries: 0,
  declined: 0,
  began: 0n,
  reference: new Uint8Array(8),
  fields: [],
}
