// Gy and Ro (RFC 8506, TS 32.299): credit control for packet gateways, put to `QuotaPort`. A request is known by its session and number, and
// its answer is stored with its debit: whatever the peer repeats, over whichever connection, before or after a restart of either side, gets
// that answer and costs nothing. So nothing is kept here.
import type { SubscriberDirectory } from '../../../core/events/ports.ts'
import type { QuotaAnswer, QuotaEvent, QuotaPort, QuotaRequest } from '../../../core/events/quota.ts'
import { type SubscriberId, subscriberId } from '../../../core/kernel/ids.ts'
import type { Answer } from '../../../core/transport/diameter/answers.ts'
import type { DiameterApplication, DiameterRequest } from '../../../core/transport/diameter/application.ts'
import { APPLICATION, COMMAND } from '../../../core/wire/diameter/dict/commands.ts'
import { isRefusal } from '../../../core/wire/diameter/judge.ts'
import { reader } from '../../../core/wire/diameter/message.ts'
import { type Bearer, type BearerDeps, bearerOf, detailOf } from './bearer.ts'
import { eventAnswer, isFull, plainAnswer, RESULT, refusedAnswer, sessionAnswer } from './credit-control-answer.ts'
import { type CreditControlRequest, readRequest } from './credit-control-request.ts'
import type { ChargingMetrics } from './metrics.ts'
import { knownImsi } from './subscriber.ts'

export interface GyDeps extends BearerDeps {
  readonly charging: QuotaPort
  readonly subscribers: SubscriberDirectory
  readonly metrics: ChargingMetrics
  /** A host said its Origin-State-Id (RFC 6733 §8.16). */
  originState(host: string, id: number): void
}

/** Sessions of a host: `gy:` and its Origin-Host in lower case, since a host name means the same in either (RFC 6733 §4.3.1). */
export const gyOrigin = (host: string): string => `gy:${host.toLowerCase()}`

/** Stands for the subscriber of a session that is open, whose requests need not name it again. */
const OF_THE_SESSION = subscriberId('session')

const ACTIONS = {
  DIRECT_DEBITING: 'debit',
  REFUND_ACCOUNT: 'refund',
  CHECK_BALANCE: 'check-balance',
  PRICE_ENQUIRY: 'price-enquiry',
} as const satisfies Record<string, QuotaEvent['action']>

const readType = reader('CC-Request-Type')

export function createGy(deps: GyDeps): DiameterApplication {
  const { charging, metrics } = deps

  const done = (answer: Answer | undefined): Answer | undefined => {
    metrics.request('gy', answer === undefined ? 'overtaken' : answer.result === 2001 ? 'success' : 'refused')
    return answer
  }

  const serve = async (request: DiameterRequest, asked: CreditControlRequest): Promise<Answer | undefined> => {
    const { type, imsi } = asked
    const isNew = type === 'INITIAL_REQUEST' || type === 'EVENT_REQUEST'
    const subscriber = await knownImsi(deps.subscribers, imsi)
    if (isNew && subscriber === undefined) return plainAnswer(asked, RESULT['unknown-subscriber'])
    const bearer = await locate(asked, type === 'INITIAL_REQUEST')
    if (type === 'EVENT_REQUEST') return oneTime(request, asked, bearer, subscriber as SubscriberId)
    const quota = quotaOf(request, asked, bearer, subscriber ?? OF_THE_SESSION)
    if (type === 'INITIAL_REQUEST') return sessionAnswer(asked, await charging.open(quota))
    const given = await (type === 'UPDATE_REQUEST' ? charging.update(quota) : charging.close(quota))
    if (given.result === 'unknown-session' && given.services.length === 0) return unknown(asked, quota, subscriber)
    return sessionAnswer(asked, given)
  }

  const locate = async ({ place, imsi }: CreditControlRequest, first: boolean): Promise<Bearer> => {
    const bearer = bearerOf(deps, place, imsi)
    if (!bearer.unknownCell || !first) return bearer
    await deps.radios.refresh()
    const again = bearerOf(deps, place, imsi)
    if (again.unknownCell) metrics.unknownCell()
    return again
  }

  /**
   * Nothing is known of the session. Open5GS sends updates for 5G sessions that it has never opened, and an SMF that is refused one ends at once:
   * they get success and no quota, and N4 meters them. Anything else is a session of a gateway that was served without us, or
   * elsewhere, until now: it is opened with what it has used.
   */
  const unknown = async (
    asked: CreditControlRequest,
    quota: QuotaRequest,
    subscriber: SubscriberId | undefined,
  ): Promise<Answer | undefined> => {
    if (isOrphan(asked)) {
      metrics.request('gy', 'orphan')
      return plainAnswer(asked, 2001)
    }
    if (subscriber === undefined)
      return plainAnswer(asked, RESULT[asked.imsi === undefined ? 'unknown-session' : 'unknown-subscriber'])
    metrics.request('gy', 'adopted')
    const opened = await charging.open({ ...quota, detail: detailOf(asked.place) })
    if (asked.type === 'UPDATE_REQUEST') return sessionAnswer(asked, opened)
    const closed: QuotaAnswer = await charging.close({ ...quota, number: quota.number + 1n, services: [] })
    return sessionAnswer(asked, { ...closed, services: opened.services })
  }

  const oneTime = async (
    { sessionId, originHost, received }: DiameterRequest,
    asked: CreditControlRequest,
    { context }: Bearer,
    subscriber: SubscriberId,
  ): Promise<Answer> => {
    const [first] = asked.services
    const { octets, seconds, units } = first?.requested ?? {}
    const answer = await charging.event({
      origin: gyOrigin(originHost),
      sessionId,
      number: BigInt(asked.number),
      at: received,
      subscriber,
      context,
      action: ACTIONS[asked.action],
      ratingGroup: first?.ratingGroup ?? 0n,
      requested: { octets, seconds, units },
    })
    return eventAnswer(asked, answer)
  }

  return {
    id: APPLICATION['Credit Control'],
    commands: [COMMAND['Credit-Control']],
    async handle(request) {
      const asked = readRequest(request.message)
      if (isRefusal(asked)) return done(refusedAnswer(asked))
      return done(await serve(request, asked))
    },
    // What has been used is told once: only what asks to begin may be sent away.
    sheddable(message) {
      const type = readType(message)
      return type === 'INITIAL_REQUEST' || type === 'EVENT_REQUEST'
    },
    originState: deps.originState,
  }
}

function quotaOf(
  { sessionId, originHost, received }: DiameterRequest,
  asked: CreditControlRequest,
  { context }: Bearer,
  subscriber: SubscriberId,
): QuotaRequest {
  const opens = asked.type === 'INITIAL_REQUEST'
  return {
    origin: gyOrigin(originHost),
    sessionId,
    number: BigInt(asked.number),
    at: received,
    subscriber,
    context,
    services: asked.services,
    meter: true,
    // It takes the refusal as the end, and sends no termination.
    ...(opens ? { detail: detailOf(asked.place), ...(isFull(asked) ? {} : { endUnlessGranted: true }) } : {}),
  }
}

/** As Open5GS has it: 3GPP-RAT-Type 0, which no radio has, and neither S-GW nor location. */
const isOrphan = ({ type, place: { ratType, anchored, location } }: CreditControlRequest): boolean =>
  type === 'UPDATE_REQUEST' && ratType?.length === 1 && ratType[0] === 0 && !anchored && location === undefined
