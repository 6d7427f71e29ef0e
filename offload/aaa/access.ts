// Access-Request in, Access-Challenge, -Accept or -Reject out (RFC 2865 §4, RFC 3579 §2): EAP out of its attributes, or a captive voucher's
// password, the proof of the peer against subscriber and balance, keys and limits into the answer.
import { Counter, type Registry } from 'prom-client'
import type { RadioDirectory, SubscriberDirectory } from '../../core/events/ports.ts'
import type { Standing, StandingPort } from '../../core/events/standing.ts'
import { parseBssid } from '../../core/kernel/bssid.ts'
import type { RadioId, SubscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { Answer, RadiusReply, RadiusRequest } from '../../core/transport/radius/answer.ts'
import { NOTIFICATION } from '../../core/wire/eap/dict/attributes.ts'
import {
  decodeEap,
  EAP_CODE,
  EAP_TYPE,
  type EapPacket,
  encodeEap,
  encodeEapResult,
  isEapFault,
} from '../../core/wire/eap/packet.ts'
import type { NamedAttribute } from '../../core/wire/radius/encode.ts'
import { CODE, get, octetsOf, type Packet } from '../../core/wire/radius/packet.ts'
import type { CaptiveLogin } from './captive.ts'
import type { Conversation } from './conversation.ts'
import type { EapServer, Step } from './eap-server.ts'
import { type Admitted, type GrantDeps, type GrantOptions, giveGrant, textOf } from './grant.ts'
import type { Proof, Reason } from './method.ts'

export interface AccessDeps extends GrantDeps {
  readonly eap: EapServer
  readonly captive: CaptiveLogin
  readonly subscribers: SubscriberDirectory
  readonly radios: RadioDirectory
  readonly standing: StandingPort
  readonly metrics: Registry
  readonly log: Logger
}

/** What the answers are counted by. */
type Outcome = 'accepted' | 'challenged' | 'replayed' | Reason

export function createAccess(deps: AccessDeps, options: GrantOptions): Answer {
  const { eap, log, clock } = deps
  const answers = new Counter({
    name: 'tallycell_access_answers_total',
    help: 'Access-Requests by what became of them: accepted, challenged, or why not',
    labelNames: ['outcome'],
    registers: [deps.metrics],
  })
  const note = (outcome: Outcome, request: RadiusRequest): void => {
    answers.inc({ outcome })
    if (outcome !== 'accepted' && outcome !== 'challenged')
      log.debug({ client: request.client.name, reason: outcome }, 'access was not granted')
  }
  const reject = (request: RadiusRequest, reason: Outcome, identifier: number | undefined): RadiusReply => {
    note(reason, request)
    const failure: NamedAttribute[] =
      identifier === undefined ? [] : [['EAP-Message', encodeEapResult(EAP_CODE.failure, identifier)]]
    return { code: CODE['Access-Reject'], attributes: failure }
  }
  const challenge = (request: RadiusRequest, step: Extract<Step, { step: 'challenge' }>): RadiusReply => {
    note(step.reason ?? 'challenged', request)
    const attributes: NamedAttribute[] = [
      ['EAP-Message', step.eap],
      ['State', step.state],
    ]
    return { code: CODE['Access-Challenge'], attributes }
  }

  /** The peer is who it says; may it in? */
  const admit = async (
    request: RadiusRequest,
    step: Extract<Step, { step: 'proved' | 'granted' }>,
    identifier: number,
  ): Promise<RadiusReply> => {
    const { proof, conversation } = step
    const { client } = request
    const tell = (code: number): RadiusReply | undefined => {
      const told = proof.notify && eap.request(proof.notify(code), conversation, client.name)
      return told?.step === 'challenge' ? challenge(request, told) : undefined
    }
    const subscriber = await subscriberOf(deps, proof)
    if (subscriber === undefined) {
      note('not-entitled', request)
      return tell(NOTIFICATION.notSubscribed) ?? reject(request, 'not-entitled', identifier)
    }
    const standing = await standingOf(deps, subscriber, request)
    if (standing !== undefined && standing.state !== 'open') {
      note('not-entitled', request)
      return tell(NOTIFICATION.temporarilyDenied) ?? reject(request, 'not-entitled', identifier)
    }
    const told = step.step === 'proved' && proof.confirmed ? tell(NOTIFICATION.success) : undefined
    return told ?? grant(request, proof, { subscriber, standing }, conversation, identifier)
  }

  const grant = async (
    request: RadiusRequest,
    proof: Proof,
    admitted: Admitted,
    { reference }: Conversation,
    identifier: number,
  ): Promise<RadiusReply> => {
    const { msk, method } = proof
    const { hiding } = request
    const attributes = await giveGrant(deps, options, request, { ...admitted, reference, method })
    if (attributes === undefined) return reject(request, 'replayed', identifier)
    note('accepted', request)
    const proved: NamedAttribute[] = [
      ['EAP-Message', encodeEapResult(EAP_CODE.success, identifier)],
      ['MS-MPPE-Recv-Key', hiding.hide(msk.subarray(0, 32))],
      ['MS-MPPE-Send-Key', hiding.hide(msk.subarray(32, 64))],
    ]
    return { code: CODE['Access-Accept'], attributes: [...proved, ...attributes] }
  }

  /** No EAP: a login with a captive voucher, or nothing that gets in here. */
  const login = async (request: RadiusRequest): Promise<RadiusReply> => {
    const refuse = (reason: Outcome, attributes: readonly NamedAttribute[] = []): RadiusReply => {
      note(reason, request)
      return { code: CODE['Access-Reject'], attributes }
    }
    const outcome = await deps.captive(request)
    if ('reason' in outcome) return refuse(outcome.reason, outcome.attributes)
    const { subscriber, reference, method } = outcome
    const standing = await standingOf(deps, subscriber, request)
    if (standing !== undefined && standing.state !== 'open') return refuse('not-entitled')
    const attributes = await giveGrant(deps, options, request, { subscriber, standing, reference, method })
    if (attributes === undefined) return refuse('replayed')
    note('accepted', request)
    return { code: CODE['Access-Accept'], attributes: [...outcome.attributes, ...attributes] }
  }

  const converse = async (request: RadiusRequest, packet: EapPacket): Promise<RadiusReply | undefined> => {
    const { packet: radius, client } = request
    const step = await eap.answer({
      packet,
      state: octetsOf(radius, 'State'),
      userName: octetsOf(radius, 'User-Name') ?? NOTHING,
      client: client.name,
      now: clock(),
    })
    switch (step.step) {
      case 'challenge':
        return challenge(request, step)
      case 'ignored':
        note(step.reason, request)
        return undefined
      case 'rejected':
        return reject(request, step.reason, packet.identifier)
      default:
        return admit(request, step, packet.identifier)
    }
  }

  return async (request) => {
    const message = get(request.packet, 'EAP-Message')
    if (message === undefined) return login(request)
    if ('fault' in message) return reject(request, 'not-eap', undefined)
    // An empty EAP-Message asks us to begin (RFC 3579 §2.1).
    if (message.length === 0) {
      note('challenged', request)
      return { code: CODE['Access-Challenge'], attributes: [['EAP-Message', ASK_IDENTITY]] }
    }
    const packet = decodeEap(message)
    if (isEapFault(packet)) {
      note('malformed', request)
      return undefined
    }
    return converse(request, packet)
  }
}

const NOTHING = new Uint8Array(0)
const ASK_IDENTITY = encodeEap(EAP_CODE.request, 0, EAP_TYPE.identity, NOTHING)

async function subscriberOf({ subscribers }: AccessDeps, proof: Proof): Promise<SubscriberId | undefined> {
  const find = (): SubscriberId | undefined =>
    proof.imsi === undefined
      ? subscribers.byId(proof.subscriber as SubscriberId)?.subscriber
      : subscribers.byImsi(proof.imsi)?.subscriber
  const known = find()
  if (known !== undefined) return known
  await subscribers.refresh()
  return find()
}

/** What the subscriber may do here and now. */
const standingOf = (
  { standing, radios, clock }: AccessDeps,
  subscriber: SubscriberId,
  { packet }: RadiusRequest,
): Promise<Standing | undefined> =>
  standing.standing(subscriber, { access: 'wifi', radio: radioOf(radios, packet) }, millis(clock()))

/** As accounting finds it: by BSSID, else by NAS-Identifier. */
function radioOf(radios: RadioDirectory, packet: Packet): RadioId | undefined {
  const bssid = parseBssid(textOf(packet, 'Called-Station-Id') ?? '')
  const identifier = get(packet, 'NAS-Identifier')
  const byStation = bssid === undefined ? undefined : radios.byCalledStation(bssid)
  return (byStation ?? (typeof identifier === 'string' ? radios.byNasIdentifier(identifier) : undefined))?.radio
}
