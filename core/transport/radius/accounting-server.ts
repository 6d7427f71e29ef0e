// The RADIUS accounting server (RFC 2866) as the rest of the program sees it: batches of requests that were checked, verdicts in return.
// The thread in io-thread.ts does the rest.
import type { Registry } from 'prom-client'
import type { Millis } from '../../kernel/units.ts'
import type { Logger } from '../../log/logger.ts'
import type { Part } from '../../runtime/module.ts'
import { isFault } from '../../wire/radius/fault.ts'
import { decode, type Packet } from '../../wire/radius/packet.ts'
import { readBatch, VERDICT, type Verdict, writeVerdicts } from './batch.ts'
import { createClientTable, type RadiusClient, type RadiusClientSecret } from './clients.ts'
import { createServerMetrics } from './metrics.ts'
import { COUNTER_OCTETS, createCounters } from './outcome.ts'
import { type CreateWorker, startThread, type Thread } from './thread.ts'
import type { Endpoint, ThreadReport } from './thread-messages.ts'

export type { Verdict } from './batch.ts'

/** An Accounting-Request from a known client with a valid authenticator, not seen before. */
export interface ReceivedRequest {
  readonly packet: Packet
  readonly client: RadiusClient
  /** Where it came from; IPv4-mapped on a socket for IPv6. */
  readonly address: string
  readonly port: number
  readonly received: Millis
}

export interface AccountingServerDeps {
  /**
   * Records the requests and says, in their order, which are answered: only what is durable may be accepted. Called while earlier calls are
   * still pending. When it rejects, or says nothing of a request, the request is not answered and the client sends it again.
   */
  handle(batch: readonly ReceivedRequest[]): Promise<readonly Verdict[]>
  readonly log: Logger
  readonly metrics: Registry
  /** Makes the thread; for tests that end it. */
  readonly createWorker?: CreateWorker
}

export interface AccountingServerOptions {
  /** UDP sockets to open; RFC 2866 §3 gives accounting port 1813. */
  readonly listen: readonly Endpoint[]
  readonly clients: readonly RadiusClientSecret[]
  /** Octets that the system keeps for us while the thread is busy; the system may grant less. Default 4 MiB. */
  readonly receiveBuffer?: number
  /** How long an answer is kept for retransmissions, milliseconds. Default 10,000; RFC 5080 §2.2.2 says 5,000 to 30,000. */
  readonly replyLifetime?: number
  /** The most answers kept. Default 65,536, about 20 MB. */
  readonly maxReplies?: number
  /** Requests that may wait for a verdict; beyond, new ones are dropped, and come again. Default 16,384. */
  readonly maxOutstanding?: number
  /** Requests in one call of `handle`. Default 512. */
  readonly maxBatch?: number
  /** Calls of `handle` at once, until requests gather for larger ones. Default 8. */
  readonly maxBatches?: number
  /** How long stopping waits for verdicts, milliseconds. Default 10,000. */
  readonly drainTimeout?: number
}

export interface AccountingServer extends Part {
  /** Where it listens, in the order of `listen`, with the ports that the system chose. */
  address(): readonly Endpoint[]
}

const MiB = 1024 * 1024
/** A thread that dies is started again after 100 ms, and after twice as long each further time, up to 10 s; a minute of service clears the record. */
const RESTART_FIRST = 100
const RESTART_LAST = 10_000
const STEADY = 60_000

/** Throws `RADIUS_CLIENT_INVALID`, `RADIUS_CLIENT_TWICE`, `RADIUS_SECRET_INVALID`; `start` rejects with `RADIUS_PORT_IN_USE` and its kin. */
export function createAccountingServer(deps: AccountingServerDeps, options: AccountingServerOptions): AccountingServer {
  const { log } = deps
  // Mistakes in the clients show here, not in the thread.
  createClientTable(options.clients)
  const clients = options.clients.map(({ name, address }): RadiusClient => ({ name, address }))
  const memory = new SharedArrayBuffer(COUNTER_OCTETS)
  const counters = createCounters(memory)
  const metrics = createServerMetrics(deps.metrics, counters)
  let thread: Thread | undefined
  let endpoints = options.listen
  let restart: NodeJS.Timeout | undefined
  let restarting: Promise<void> | undefined
  let delay = RESTART_FIRST
  let startedAt = 0
  let trouble: string | undefined
  let stopping = false

  const requestsOf = (items: ReturnType<typeof readBatch>['items']): ReceivedRequest[] =>
    items.map(({ datagram, client, address, port, received }) => {
      const packet = decode(datagram)
      const from = clients[client]
      if (isFault(packet) || from === undefined) throw new RangeError('the thread passed what it should have dropped')
      return { packet, client: from, address, port, received }
    })

  const batch = async (buffer: ArrayBuffer, reply: (verdicts: ArrayBuffer) => void): Promise<void> => {
    const { number, items } = readBatch(buffer)
    const observe = metrics.batch(items.length)
    let verdicts: number[]
    try {
      const given = await deps.handle(requestsOf(items))
      verdicts = items.map((_, index) => (given[index] === 'accept' ? VERDICT.accept : VERDICT.ignore))
    } catch (error) {
      log.error({ err: error, requests: items.length }, 'accounting requests could not be recorded and stay unanswered')
      verdicts = items.map(() => VERDICT.failed)
    }
    observe()
    reply(writeVerdicts(number, verdicts))
  }

  const notice = ({
    outcome,
    client,
    address,
    detail,
    suppressed,
  }: Extract<ThreadReport, { type: 'notice' }>): void => {
    log.warn({ outcome, client, address, suppressed }, `RADIUS packet dropped: ${detail}`)
  }

  const serve = async (): Promise<void> => {
    counters.outstanding.set(0)
    thread = await startThread(
      {
        listen: endpoints,
        clients: options.clients,
        receiveBuffer: options.receiveBuffer ?? 4 * MiB,
        replyLifetime: options.replyLifetime ?? 10_000,
        maxReplies: options.maxReplies ?? 65_536,
        maxOutstanding: options.maxOutstanding ?? 16_384,
        maxBatch: options.maxBatch ?? 512,
        maxBatches: options.maxBatches ?? 8,
        drainTimeout: options.drainTimeout ?? 10_000,
        counters: memory,
      },
      { batch: (buffer, reply) => void batch(buffer, reply), notice, died },
      deps.createWorker,
    )
    endpoints = thread.endpoints
    startedAt = Date.now()
    trouble = undefined
  }

  const died = (reason: string): void => {
    thread = undefined
    trouble = `the RADIUS input/output thread is being restarted: ${reason}`
    log.error({ reason }, 'the RADIUS input/output thread died')
    metrics.restarted()
    if (stopping) return
    if (startedAt > 0 && Date.now() - startedAt > STEADY) delay = RESTART_FIRST
    restart = setTimeout(() => {
      restarting = serve().catch((error: Error) => died(error.message))
    }, delay)
    delay = Math.min(delay * 2, RESTART_LAST)
  }

  return {
    name: 'radius-accounting',
    async start() {
      await serve()
      for (const { host, port } of endpoints) log.info({ host, port }, 'RADIUS accounting server is listening')
    },
    async stop() {
      stopping = true
      clearTimeout(restart)
      await restarting
      const abandoned = (await thread?.stop()) ?? 0
      thread = undefined
      if (abandoned > 0)
        log.warn({ abandoned }, 'stopped with accounting requests unanswered; clients will send them again')
    },
    health: () => trouble,
    address: () => endpoints,
  }
}
