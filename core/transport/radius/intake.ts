// What the input/output thread does with a datagram and with a verdict, apart from the sockets: who sent it, is it whole and signed, was it
// here before, and the answer. Rules: RFC 2865 §3, RFC 2866 §3 and §4.1, RFC 5080 §2.2.2.
import { checkRequest } from '../../wire/radius/authenticator.ts'
import { isFault } from '../../wire/radius/fault.ts'
import { CODE, decode, type Packet } from '../../wire/radius/packet.ts'
import { encodeResponse } from '../../wire/radius/response.ts'
import { createBatchWriter, readVerdicts, VERDICT } from './batch.ts'
import { createClientTable, type RadiusClientSecret } from './clients.ts'
import { createDuplicates, endpointKey, type Known } from './duplicates.ts'
import { createNotices } from './notices.ts'
import type { Counters, Outcome } from './outcome.ts'
import type { ThreadReport, ThreadSettings } from './thread-messages.ts'

export interface IntakeDeps {
  readonly counters: Counters
  /** Sends a datagram from socket number `socket`. */
  send(socket: number, reply: Uint8Array, port: number, address: string): void
  /** Gives a batch to the main thread. */
  deliver(batch: ArrayBuffer): void
  report(notice: ThreadReport): void
  /** Calls back when the datagrams at hand have been read. */
  soon(callback: () => void): void
  now(): number
}

export interface Intake {
  datagram(datagram: Uint8Array, source: Source): void
  verdicts(message: ArrayBuffer): void
  sweep(): void
  /** From now on takes nothing new in; calls back when everything taken in has its verdict. */
  drain(done: () => void): void
}

export interface Source {
  /** Number of the receiving socket. */
  readonly socket: number
  readonly address: string
  readonly port: number
}

interface Pending extends Source {
  readonly request: Packet
  readonly client: RadiusClientSecret
  readonly known: Known
}

const NOTICE_INTERVAL = 10_000

export function createIntake(deps: IntakeDeps, settings: ThreadSettings): Intake {
  const { counters } = deps
  const clientOf = createClientTable(settings.clients)
  const duplicates = createDuplicates({ lifetime: settings.replyLifetime, capacity: settings.maxReplies })
  const notices = createNotices(NOTICE_INTERVAL)
  const writer = createBatchWriter(settings.maxBatch)
  const batches = new Map<number, Pending[]>()
  let gathering: Pending[] = []
  let scheduled = false
  let nextBatch = 0
  let outstanding = 0
  let drained: (() => void) | undefined

  const drop = (outcome: Outcome, address: string, client: string | undefined, detail: string): void => {
    counters.count(outcome)
    const suppressed = notices.admit(client === undefined ? outcome : `${outcome} ${client}`, deps.now())
    if (suppressed !== undefined) deps.report({ type: 'notice', outcome, client, address, detail, suppressed })
  }

  const flush = (): void => {
    if (gathering.length === 0) return
    const number = nextBatch
    nextBatch = (nextBatch + 1) >>> 0
    batches.set(number, gathering)
    gathering = []
    deps.deliver(writer.take(number))
  }

  // While the main thread has enough to do, requests gather, so batches grow with the load.
  const flushSoon = (): void => {
    scheduled = false
    if (batches.size < settings.maxBatches) flush()
  }

  const settle = (pending: Pending, verdict: number | undefined, now: number): void => {
    if (verdict !== VERDICT.accept) {
      counters.count(verdict === VERDICT.failed ? 'failed' : 'ignored')
      duplicates.forget(pending.known)
      return
    }
    const reply = encodeResponse(pending.request, CODE['Accounting-Response'], [], pending.client.secret)
    if (duplicates.answer(pending.known, reply, now)) {
      counters.count('accepted')
      deps.send(pending.socket, reply, pending.port, pending.address)
    } else counters.count('superseded')
  }

  /** Hands a sound request on, unless it is known or too much; says what to count. */
  const admit = (
    request: Packet,
    index: number,
    client: RadiusClientSecret,
    { socket, address, port }: Source,
  ): Outcome | undefined => {
    const endpoint = endpointKey(socket, port)
    const known = duplicates.find(address, endpoint, request)
    if (known?.reply !== undefined) {
      deps.send(socket, known.reply, port, address)
      return 'duplicate-answered'
    }
    if (known !== undefined) return 'duplicate-in-progress'
    if (drained !== undefined) return 'stopping'
    if (outstanding >= settings.maxOutstanding) return 'overload'
    counters.outstanding.set(++outstanding)
    gathering.push({ request, socket, address, port, client, known: duplicates.begin(address, endpoint, request) })
    writer.add(request.bytes, index, address, port, deps.now())
    if (writer.full()) flush()
    else if (!scheduled) {
      scheduled = true
      deps.soon(flushSoon)
    }
    return undefined
  }

  const takeIn = (datagram: Uint8Array, source: Source): void => {
    const { address } = source
    const index = clientOf(address)
    const client = settings.clients[index]
    if (client === undefined) {
      drop('unknown-client', address, undefined, 'no client has this address')
      return
    }
    const request = decode(datagram)
    if (isFault(request)) {
      drop('malformed', address, client.name, `${request.fault} at octet ${request.offset}`)
      return
    }
    if (request.code !== CODE['Accounting-Request']) {
      drop('wrong-code', address, client.name, `code ${request.code} came to the accounting port`)
      return
    }
    const authenticity = checkRequest(request, client.secret)
    if (authenticity !== 'ok') {
      drop(authenticity, address, client.name, 'the shared secrets differ, or somebody forges packets')
      return
    }
    const outcome = admit(request, index, client, source)
    if (outcome !== undefined) counters.count(outcome)
  }

  const finishDrain = (): void => {
    if (outstanding === 0) drained?.()
  }

  return {
    datagram(datagram, source) {
      try {
        takeIn(datagram, source)
      } catch (error) {
        // A bug of ours must not punish another peer; the sender tries again.
        drop('fault', source.address, undefined, String(error))
      }
    },

    verdicts(message) {
      const { number, verdicts } = readVerdicts(message)
      const batch = batches.get(number)
      if (batch === undefined) return
      batches.delete(number)
      const now = deps.now()
      for (const [index, pending] of batch.entries()) {
        try {
          settle(pending, verdicts[index], now)
        } catch (error) {
          duplicates.forget(pending.known)
          drop('fault', pending.address, pending.client.name, String(error))
        }
      }
      outstanding -= batch.length
      counters.outstanding.set(outstanding)
      flush()
      finishDrain()
    },

    sweep: () => duplicates.sweep(deps.now()),

    drain(done) {
      drained = done
      flush()
      finishDrain()
    },
  }
}
