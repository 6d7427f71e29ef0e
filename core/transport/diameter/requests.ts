// Requests for us: judged, told from their repetitions, put in order by session, carried out, answered in time.
import type { Clock } from '../../kernel/clock.ts'
import { millis } from '../../kernel/units.ts'
import type { Logger } from '../../log/logger.ts'
import { isFault } from '../../wire/diameter/fault.ts'
import { missing, type Refusal, refusal, unsupported } from '../../wire/diameter/judge.ts'
import { FLAG, get, type Message } from '../../wire/diameter/message.ts'
import type { Admission } from './admission.ts'
import { type Answer, answer, type Origin, refuse } from './answers.ts'
import type { DiameterApplication, DiameterRequest, PeerInfo } from './application.ts'
import type { Duplicates, Reply } from './duplicates.ts'
import type { NodeMetrics } from './metrics.ts'

export interface ServiceDeps {
  readonly origin: Origin
  readonly applications: readonly DiameterApplication[]
  readonly duplicates: Duplicates
  readonly admission: Admission
  readonly metrics: NodeMetrics
  readonly log: Logger
  readonly clock: Clock
  /** Milliseconds. */
  readonly answerWithin: number
}

export interface Service {
  /** Takes a request. `reply` sends octets back over the connection that it came from, in its hop-by-hop place. */
  serve(message: Message, peer: PeerInfo, reply: Reply): void
  /** Resolves when nothing is in progress. */
  idle(): Promise<void>
}

/** Makes calls with one key follow each other. */
function createLanes(): { run(key: string, work: () => Promise<void>): void; idle(): Promise<void> } {
  const lanes = new Map<string, Promise<void>>()
  return {
    run(key, work) {
      const before = lanes.get(key)
      const lane = (before === undefined ? work() : before.then(work)).finally(() => {
        if (lanes.get(key) === lane) lanes.delete(key)
      })
      lanes.set(key, lane)
    },
    async idle() {
      while (lanes.size > 0) await Promise.all(lanes.values())
    },
  }
}

export function createService(deps: ServiceDeps): Service {
  const { origin, duplicates, admission, metrics, log } = deps
  const applications = new Map(deps.applications.map((application) => [application.id, application]))
  const lanes = createLanes()

  const judge = (message: Message): Refusal | DiameterApplication => {
    const application = applications.get(message.application)
    const no = (result: number, text: string): Refusal => ({ result, failed: [], text })
    if (application === undefined) return no(3007, `application ${message.application} is not served here`)
    if (!application.commands.includes(message.command))
      return no(3001, `command ${message.command} is not served here`)
    return unsupported(message) ?? missing(message, ['Session-Id', 'Origin-Host', 'Origin-Realm']) ?? application
  }

  const carryOut = async (
    application: DiameterApplication,
    request: DiameterRequest,
    peer: PeerInfo,
    entered: number,
  ): Promise<void> => {
    const { message, originHost } = request
    try {
      const earlier = request.retransmitted ? await application.known?.(request) : undefined
      const given: Answer | undefined = earlier ?? (await application.handle(request, peer))
      if (given === undefined) {
        metrics.request('ignored')
        return duplicates.forget(originHost, message.endToEnd)
      }
      const octets = answer(message, message, origin, given)
      const now = Number(deps.clock())
      const late = now > Number(request.deadline) ? 'late' : undefined
      duplicates.answered(originHost, message.endToEnd, octets, now, late)
      metrics.request(late ?? 'answered')
    } catch (error) {
      duplicates.forget(originHost, message.endToEnd)
      metrics.request('failed')
      log.error(
        { err: error, peer: peer.identity, command: message.command },
        'a Diameter request could not be carried out and stays unanswered',
      )
    } finally {
      const now = performance.now()
      admission.leave(entered, now)
      metrics.answered((now - entered) / 1000)
    }
  }

  return {
    serve(message, peer, reply) {
      const application = judge(message)
      if ('failed' in application) {
        metrics.request('refused')
        return reply(refuse(message, message, origin, application))
      }
      const values = [get(message, 'Session-Id'), get(message, 'Origin-Host'), get(message, 'Origin-Realm')]
      const wrong = values.find(isFault)
      if (wrong !== undefined) {
        metrics.request('refused')
        return reply(refuse(message, message, origin, refusal(message.bytes, wrong)))
      }
      const [sessionId, originHost, originRealm] = values as [string, string, string]
      const received = deps.clock()
      const now = Number(received)
      if (duplicates.enter(originHost, message.endToEnd, reply, now) === 'repeated') return metrics.request('repeated')
      const entered = performance.now()
      if (!admission.enter(entered, application.sheddable?.(message) === false)) {
        duplicates.forget(originHost, message.endToEnd)
        metrics.request('too-busy')
        return reply(
          refuse(message, message, origin, { result: 3004, failed: [], text: 'too many requests in progress' }),
        )
      }
      const within = application.answerWithin?.(message) ?? deps.answerWithin
      const request: DiameterRequest = {
        message,
        sessionId,
        originHost,
        originRealm,
        retransmitted: (message.flags & FLAG.retransmitted) !== 0,
        received,
        deadline: millis(now + within),
      }
      lanes.run(`${originHost} ${sessionId}`, () => carryOut(application, request, peer, entered))
    },
    idle: () => lanes.idle(),
  }
}
