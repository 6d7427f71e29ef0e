// One TLS connection between RADIUS peers, whoever opened it: requests and answers go both ways, because a server asks its client to end
// sessions over the connection that the client opened (RFC 6614 §2.5, RFC 5176).
import type { TLSSocket } from 'node:tls'
import { isFault } from '../../wire/radius/fault.ts'
import { CODE, decode, type Packet } from '../../wire/radius/packet.ts'
import type { RadiusReply } from './answer.ts'
import type { PeerReply, Requester, Silence } from './client.ts'
import type { Dialect, SentRequest } from './radsec-dialect.ts'
import { createFramer } from './radsec-framing.ts'

/** What became of a packet that came. */
export type LinkOutcome = 'answered' | 'unanswered' | 'repeated' | 'response' | 'stray-response' | 'failed'

export interface LinkDeps {
  readonly dialect: Dialect
  /** Answers a request whose structure and authenticators are right; undefined: stay silent. */
  serve(packet: Packet): Promise<RadiusReply | undefined>
  count(outcome: LinkOutcome): void
  /** The connection is gone. `reason`: what the peer did wrong, undefined for an orderly end. */
  ended(reason: string | undefined): void
}

export interface LinkLimits {
  /** Requests of the peer that may be in progress; while they are, nothing more is read: TCP holds the peer back. */
  readonly inProgress: number
  /** Packets taken from one connection before the others have their turn. */
  readonly turn: number
  /** Octets that may wait for a peer that does not read. */
  readonly unread: number
}

export const LINK_LIMITS: LinkLimits = { inProgress: 256, turn: 32, unread: 256 * 1024 }

export interface Link extends Requester {
  readonly dialect: Dialect
  /** Ends the connection at once, for a reason that the log will name. */
  destroy(reason: string): void
  /** Milliseconds of `performance.now()` when something last came. */
  lastHeard(): number
}

interface Waiting {
  readonly sent: SentRequest
  settle(answer: PeerReply | Silence): void
}

const RESPONSES: readonly number[] = [
  CODE['Access-Accept'],
  CODE['Access-Reject'],
  CODE['Access-Challenge'],
  CODE['Accounting-Response'],
  CODE['Disconnect-ACK'],
  CODE['Disconnect-NAK'],
  CODE['CoA-ACK'],
  CODE['CoA-NAK'],
]

export function createLink(socket: TLSSocket, deps: LinkDeps, limits: LinkLimits = LINK_LIMITS): Link {
  const { dialect } = deps
  const framer = createFramer()
  const waiting = new Map<number, Waiting>()
  const inProgress = new Set<number>()
  let nextNumber = 0
  let heard = performance.now()
  let reason: string | undefined
  let over = false
  let turning = false

  const destroy = (why: string): void => {
    reason ??= why
    socket.destroy()
  }

  const write = (bytes: Uint8Array): void => {
    if (over) return
    socket.write(bytes)
    if (socket.writableLength > limits.unread) destroy('it does not read its answers')
  }

  const answer = async (packet: Packet, number: number): Promise<void> => {
    try {
      const reply = await deps.serve(packet)
      deps.count(reply ? 'answered' : 'unanswered')
      if (reply) write(dialect.reply(packet, reply))
    } catch {
      // Whoever serves has logged it; the peer hears nothing and asks again.
      deps.count('failed')
    } finally {
      inProgress.delete(number)
      take()
    }
  }

  const response = (packet: Packet): void => {
    const number = dialect.numberOf(packet)
    const request = waiting.get(number)
    const reply = request?.sent.accept(packet)
    deps.count(reply ? 'response' : 'stray-response')
    if (!reply) {
      // RFC 6613 §2.6.4: an answer with a wrong authenticator ends the connection; one that came too late is nobody's fault.
      if (request) destroy('it sent an answer with a wrong authenticator')
      return
    }
    request?.settle(reply)
  }

  const packet = (bytes: Uint8Array): void => {
    const decoded = decode(bytes)
    if (isFault(decoded)) {
      destroy(`it sent a malformed packet: ${decoded.fault} at octet ${decoded.offset}`)
      return
    }
    if (RESPONSES.includes(decoded.code)) {
      response(decoded)
      return
    }
    const number = dialect.numberOf(decoded)
    if (inProgress.has(number)) {
      deps.count('repeated')
      return
    }
    const fault = dialect.judge(decoded)
    if (fault !== undefined) {
      destroy(`it sent a request that is not its own: ${fault}`)
      return
    }
    inProgress.add(number)
    void answer(decoded, number)
  }

  /** Takes what has been read as far as the limits allow; reads on when there is room. */
  const take = (): void => {
    if (over || turning) return
    for (let count = 0; inProgress.size < limits.inProgress; count++) {
      if (count === limits.turn) {
        turning = true
        setImmediate(() => {
          turning = false
          take()
        })
        break
      }
      const next = framer.next()
      if (next === undefined) {
        socket.resume()
        return
      }
      if (next === 'bad-length') {
        destroy('it sent a packet of fewer than 20 or more than 4096 octets')
        return
      }
      packet(next)
      if (socket.destroyed) return
    }
    socket.pause()
  }

  socket.on('data', (chunk: Buffer) => {
    heard = performance.now()
    framer.push(chunk)
    take()
  })
  socket.on('error', (error: Error) => {
    reason ??= error.message
  })
  socket.on('close', () => {
    if (over) return
    over = true
    for (const request of [...waiting.values()]) request.settle('unreachable')
    deps.ended(reason)
  })

  const freeNumber = (): number | undefined => {
    if (waiting.size >= Math.min(dialect.numbers, 65_536)) return undefined
    while (waiting.has(nextNumber)) nextNumber = (nextNumber + 1) % dialect.numbers
    const number = nextNumber
    nextNumber = (nextNumber + 1) % dialect.numbers
    return number
  }

  return {
    dialect,
    destroy,
    lastHeard: () => heard,
    async request(order) {
      if (over || socket.destroyed) return 'unreachable'
      const number = freeNumber()
      if (number === undefined) return 'busy'
      const sent = dialect.request(number, order)
      return new Promise((resolve) => {
        const timer = setTimeout(() => waiting.get(number)?.settle('timeout'), order.patience)
        waiting.set(number, {
          sent,
          settle(given) {
            clearTimeout(timer)
            waiting.delete(number)
            resolve(given)
          },
        })
        // Over TCP a request is sent once (RFC 6613 §2.6.1).
        write(sent.bytes)
      })
    },
    close: () =>
      new Promise((resolve) => {
        if (over || socket.destroyed) {
          resolve()
          return
        }
        socket.once('close', () => resolve())
        socket.end()
        // Whoever does not close its side is not waited for.
        setTimeout(() => socket.destroy(), 1000).unref()
      }),
  }
}
