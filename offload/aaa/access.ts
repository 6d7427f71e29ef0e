// Access-Request in, Access-Challenge, -Accept or -Reject out (RFC 2865 §4, RFC 3579 §2): EAP out of its attributes, the proof of the peer
// against subscriber and balance, keys and limits into the answer.
import { Counter, type Registry } from 'prom-client'
import type { RadioDirectory, SubscriberDirectory } from '../../core/events/ports.ts'
import type { Standing, StandingPort } from '../../core/events/standing.ts'
import { parseBssid } from '../../core/kernel/bssid.ts'
import type { Clock } from '../../core/kernel/clock.ts'
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
import { authenticatorOf, CODE, get, octetsOf, type Packet } from '../../core/wire/radius/packet.ts'
import type { Classes } from './class.ts'
import type { Conversation } from './conversation.ts'
import type { CuiOf } from './cui.ts'
import type { EapServer, Step } from './eap-server.ts'
import type { Proof, Reason } from './method.ts'
import type { AccessStore } from './store.ts'

export interface AccessDeps {
  readonly eap: EapServer
  readonly grants: AccessStore
  readonly classes: Classes
  readonly cui: CuiOf
  readonly subscribers: SubscriberDirectory
  readonly radios: RadioDirectory
  readonly standing: StandingPort
  readonly clock: Clock
  readonly metrics: Registry
  readonly log: Logger
}

export interface AccessOptions {
  /** Seconds. */
  readonly sessionTimeout: number
  /** Seconds. */
  readonly interimInterval: number
}

/** What the answers are counted by. */
type Outcome = 'accepted' | 'challenged' | 'replayed' | Reason

export function createAccess(deps: AccessDeps, options: AccessOptions): Answer {
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
    return told ?? grant(request, proof, { subscriber, throttle: standing?.throttle }, conversation, identifier)
  }

  const grant = async (
    request: RadiusRequest,
    proof: Proof,
    { subscriber, throttle }: { readonly subscriber: SubscriberId; readonly throttle: Standing['throttle'] },
    { reference }: Conversation,
    identifier: number,
  ): Promise<RadiusReply> => {
    const { packet, client, hiding } = request
    const now = clock()
    const cui = deps.cui(textOf(packet, 'Operator-Name') ?? client.name, subscriber)
    const outcome = await deps.grants.grant({
      reference: Buffer.from(reference).toString('hex'),
      authenticator: authenticatorOf(packet),
      subscriber,
      client: client.name,
      method: proof.method,
      callingStation: textOf(packet, 'Calling-Station-Id'),
      calledStation: textOf(packet, 'Called-Station-Id'),
      cui,
      at: now,
      expires: now + BigInt(options.sessionTimeout) * 1000n,
    })
    if (outcome === 'replayed') return reject(request, 'replayed', identifier)
    note('accepted', request)
    const { msk } = proof
    const attributes: NamedAttribute[] = [
      ['EAP-Message', encodeEapResult(EAP_CODE.success, identifier)],
      ['MS-MPPE-Recv-Key', hiding.hide(msk.subarray(0, 32))],
      ['MS-MPPE-Send-Key', hiding.hide(msk.subarray(32, 64))],
      ['Class', deps.classes.seal({ reference, subscriber }, now)],
      ['Session-Timeout', options.sessionTimeout],
      ['Termination-Action', 'RADIUS-Request'],
      ['Acct-Interim-Interval', options.interimInterval],
    ]
    if (throttle !== undefined) {
      attributes.push(['WISPr-Bandwidth-Max-Up', rateOf(throttle.uplink)])
      attributes.push(['WISPr-Bandwidth-Max-Down', rateOf(throttle.downlink)])
    }
    // RFC 4372 §2.1: only who asks for it gets it.
    if (octetsOf(packet, 'Chargeable-User-Identity') !== undefined)
      attributes.push(['Chargeable-User-Identity', Buffer.from(cui)])
    return { code: CODE['Access-Accept'], attributes }
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
    if (message === undefined || 'fault' in message) return reject(request, 'not-eap', undefined)
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

function textOf(
  packet: Packet,
  name: 'Calling-Station-Id' | 'Called-Station-Id' | 'Operator-Name',
): string | undefined {
  const value = get(packet, name)
  return typeof value === 'string' ? value : undefined
}

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

/** Bits per second as WISPr counts them, 32 bits. */
const rateOf = (rate: bigint): number => Number(rate < 0xffff_ffffn ? rate : 0xffff_ffffn)

/** As accounting finds it: by BSSID, else by NAS-Identifier. */
function radioOf(radios: RadioDirectory, packet: Packet): RadioId | undefined {
  const bssid = parseBssid(textOf(packet, 'Called-Station-Id') ?? '')
  const identifier = get(packet, 'NAS-Identifier')
  const byStation = bssid === undefined ? undefined : radios.byCalledStation(bssid)
  return (byStation ?? (typeof identifier === 'string' ? radios.byNasIdentifier(identifier) : undefined))?.radio
}
