// Delivers events to webhooks: one node at a time, several at once, again and again later when a server does not take one.
import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { Counter, type Registry } from 'prom-client'
import type { Clock } from '../../../kernel/clock.ts'
import { type Millis, millis } from '../../../kernel/units.ts'
import type { Logger } from '../../../log/logger.ts'
import type { Part } from '../../../runtime/module.ts'
import type { Store } from '../../../store/store.ts'
import type { Box } from '../box.ts'
import { signWebhook } from './signature.ts'
import { type DueDelivery, dueDeliveries, fanOut, keepOutcome, markGone, type Outcome } from './store.ts'
import { guardedLookup, type Targets, targetFault } from './target.ts'

export interface DeliveryDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Registry
  readonly box: Box
}

export interface DeliveryOptions {
  readonly targets: Targets
  /** Of the API: `source` of events. */
  readonly source: string
  /** Milliseconds between the attempts; after the last the delivery is dead. */
  readonly delays?: readonly number[]
  /** Milliseconds between two looks for what is due. */
  readonly poll?: number
}

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000]
const DELAYS = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 20 * HOUR]
const POLL = 500
/** Milliseconds that a server may take. */
const PATIENCE = 10_000
const AT_ONCE = 32
/** Of one webhook, so that a slow server does not hold up the others. */
const EACH = 4
const BATCH = 500

export function createDelivery(deps: DeliveryDeps, options: DeliveryOptions): Part {
  const { store, clock, log, metrics } = deps
  const { targets, source, delays = DELAYS, poll = POLL } = options
  const stopping = new AbortController()
  const counter = new Counter({
    name: 'tallycell_partner_webhook_attempts_total',
    help: 'Attempts to deliver an event to a webhook, by what came of them',
    labelNames: ['outcome'],
    registers: [metrics],
  })
  const running = new Map<bigint, { readonly webhook: string; readonly work: Promise<void> }>()
  let loop: Promise<void> = Promise.resolve()

  const attempt = async (due: DueDelivery): Promise<void> => {
    const answer = await post(due, clock())
    const outcome = judge(due, answer, clock(), delays)
    counter.inc({ outcome: outcome.state })
    await store.batch(async (sql) => {
      await keepOutcome(sql, due.delivery_no, outcome, clock())
      if (answer.status === 410) await markGone(sql, due.webhook_id, clock())
    })
  }

  const post = async (due: DueDelivery, now: Millis): Promise<Answer> => {
    // Settings may have become narrower since it was registered.
    const fault = targetFault(due.url, targets)
    if (fault !== undefined) return { status: undefined, error: fault }
    const id = `evt_${due.event_id}`
    const timestamp = Number(now / 1000n)
    const body = bodyOf(due, id, source)
    const secret = Buffer.from(deps.box.open(`webhook ${due.webhook_id}`, due.secret)).toString('utf8')
    const signature = signWebhook(secret, { id, timestamp, body })
    return send(due.url, body, { id, timestamp, signature }, targets, stopping.signal)
  }

  const start = (due: DueDelivery): void => {
    const work = attempt(due)
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) log.error({ err: error }, 'a delivery could not be recorded')
      })
      .finally(() => running.delete(due.delivery_no))
    running.set(due.delivery_no, { webhook: due.webhook_id, work })
  }

  const round = async (): Promise<void> => {
    while ((await store.batch((sql) => fanOut(sql, clock(), BATCH))) === BATCH) await new Promise(setImmediate)
    const due = await store.read((sql) => dueDeliveries(sql, clock(), BATCH))
    for (const each of due) {
      const busy = [...running.values()].filter(({ webhook }) => webhook === each.webhook_id).length
      if (running.size < AT_ONCE && busy < EACH && !running.has(each.delivery_no)) start(each)
    }
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await store
        .exclusive('partner webhooks', async (lost) => {
          while (!lost.aborted && !stopping.signal.aborted) {
            await round()
            await pause(poll, stopping.signal)
          }
          await settle()
        })
        .catch((error: unknown) => log.error({ err: error }, 'deliveries cannot be looked for and will be tried again'))
      await pause(poll * 10, stopping.signal)
    }
  }

  const settle = (): Promise<unknown> => Promise.all([...running.values()].map(({ work }) => work))

  return {
    name: 'partner webhooks',
    async start() {
      loop = run()
    },
    async stop() {
      stopping.abort()
      await loop
      await settle()
    },
  }
}

/** CloudEvents 1.0.2, structured JSON. */
const bodyOf = ({ type, subject, data, at }: DueDelivery, id: string, source: string): string =>
  JSON.stringify({
    specversion: '1.0',
    id,
    source,
    type: `org.tallycell.${type}`,
    subject,
    time: new Date(Number(at)).toISOString(),
    datacontenttype: 'application/json',
    data: JSON.parse(data) as unknown,
  })

interface Answer {
  readonly status: number | undefined
  readonly error: string | undefined
}

function judge(due: DueDelivery, { status, error }: Answer, now: Millis, delays: readonly number[]): Outcome {
  const taken = status !== undefined && status >= 200 && status < 300
  if (taken) return { state: 'delivered', status, error: undefined, next: now }
  const delay = delays[Number(due.attempts)]
  if (delay === undefined || status === 410) return { state: 'dead', status, error, next: now }
  // Not all at the same instant after a server was down.
  return { state: 'due', status, error, next: millis(now + BigInt(Math.round(delay * (0.9 + Math.random() * 0.2)))) }
}

interface Head {
  readonly id: string
  readonly timestamp: number
  readonly signature: string
}

/** Redirects are not followed, and of the answer only the status counts. */
function send(url: string, body: string, head: Head, targets: Targets, stop: AbortSignal): Promise<Answer> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE)])
  const request = url.startsWith('https:') ? secureRequest : plainRequest
  return new Promise((resolve) => {
    const failed = (error: Error): void =>
      resolve({ status: undefined, error: signal.aborted ? 'no answer in time' : error.message.slice(0, 300) })
    const sent = request(
      url,
      {
        method: 'POST',
        signal,
        agent: false,
        lookup: guardedLookup(targets),
        headers: {
          'content-type': 'application/cloudevents+json; charset=utf-8',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'Tallycell',
          'webhook-id': head.id,
          'webhook-timestamp': String(head.timestamp),
          'webhook-signature': head.signature,
        },
      },
      (response) => {
        const status = response.statusCode
        response.destroy()
        resolve({ status, error: status !== undefined && status < 300 ? undefined : `status ${status}` })
      },
    )
    sent.on('error', failed)
    sent.end(body)
  })
}

function pause(time: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, time)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}
