// An access point as RADIUS accounting sees it: Start, Interim-Update and Stop with 64-bit counters, sent again until answered.
// For the demonstration where radclient is missing, and for tests that need to know what was answered.
import { createSocket, type Socket } from 'node:dgram'
import { type Clock, systemClock } from '../../core/kernel/clock.ts'
import { TallycellError } from '../../core/kernel/errors.ts'
import type { Millis } from '../../core/kernel/units.ts'
import { checkResponse, signRequest } from '../../core/wire/radius/authenticator.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { authenticatorOf, CODE, decode, type Packet } from '../../core/wire/radius/packet.ts'

/** How a client repeats itself (RFC 5080 §2.2.1, names in brackets); milliseconds. */
export interface Retransmission {
  /** First wait (IRT). */
  readonly initial: number
  /** Longest wait (MRT). */
  readonly longest: number
  /** Most transmissions (MRC). */
  readonly count: number
  /** From the first transmission to giving up, at most (MRD). */
  readonly duration: number
}

export const RFC5080: Retransmission = { initial: 2000, longest: 16_000, count: 5, duration: 30_000 }

export interface NasOptions {
  readonly server: { readonly host: string; readonly port: number }
  readonly secret: Uint8Array
  /** NAS-Identifier (RFC 2865 §5.32). */
  readonly identifier: string
  /** Called-Station-Id: the access point's address and its SSID (RFC 3580 §3.20). */
  readonly calledStation?: string
  readonly retransmission?: Retransmission
  readonly clock?: Clock
  /** Sees every datagram that goes out, and every one that is a valid answer. */
  readonly observe?: (datagram: Uint8Array, direction: 'sent' | 'received') => void
}

export interface SessionNames {
  /** Acct-Session-Id (RFC 2866 §5.5). */
  readonly id: string
  /** User-Name. */
  readonly user: string
  /** Calling-Station-Id: the phone's address (RFC 3580 §3.21). */
  readonly station?: string
}

/** Totals since the session's Start. */
export interface Traffic {
  /** Octets from the phone. */
  readonly uplink: bigint
  /** Octets to the phone. */
  readonly downlink: bigint
  readonly seconds: number
  /** Event-Timestamp (RFC 2869 §5.3); the clock's time unless given. */
  readonly at?: Millis
}

/** Each resolves when the server has answered and rejects with RADIUS_NO_ANSWER when it has not. */
export interface NasSession {
  start(at?: Millis): Promise<void>
  interim(traffic: Traffic): Promise<void>
  stop(traffic: Traffic): Promise<void>
}

export interface Nas {
  session(names: SessionNames): NasSession
  /** Accounting-On: every session before it has ended (RFC 2866 §5.1). */
  on(): Promise<void>
  /** Sends an Accounting-Request of any content. */
  request(attributes: readonly NamedAttribute[]): Promise<void>
  /** Gives up what is not answered. */
  close(): Promise<void>
}

interface Pending {
  readonly datagram: Uint8Array
  readonly request: Packet
  readonly answered: () => void
  readonly giveUp: () => void
  timer: NodeJS.Timeout | undefined
}

/** The identifier is one octet (RFC 2865 §3), so one socket has at most so many requests under way. */
const IDENTIFIERS = 256
const WORD = 1n << 32n

/** Opens a socket to the server; nothing is sent until a session is. */
export async function createNas(options: NasOptions): Promise<Nas> {
  const { server, secret, clock = systemClock, observe, retransmission = RFC5080 } = options
  const pending = new Map<number, Pending>()
  const queue: (() => void)[] = []
  let next = 0
  let closed = false
  const socket = await connect(server)
  // While the server is down the system reports its port as unreachable; the retransmissions outlast that.
  socket.on('error', () => {})
  socket.on('message', (datagram) => {
    const packet = decode(datagram)
    if (isFault(packet) || packet.code !== CODE['Accounting-Response']) return
    const waiting = pending.get(packet.identifier)
    if (!waiting || checkResponse(packet, authenticatorOf(waiting.request), secret) !== 'ok') return
    observe?.(datagram, 'received')
    release(packet.identifier)
    waiting.answered()
  })

  const release = (identifier: number): void => {
    clearTimeout(pending.get(identifier)?.timer)
    pending.delete(identifier)
    queue.shift()?.()
  }

  /** Only when one is free. */
  const takeIdentifier = (): number => {
    while (pending.has(next)) next = (next + 1) % IDENTIFIERS
    const identifier = next
    next = (next + 1) % IDENTIFIERS
    return identifier
  }

  const request = async (attributes: readonly NamedAttribute[]): Promise<void> => {
    while (pending.size === IDENTIFIERS) await new Promise<void>((resolve) => queue.push(resolve))
    const identifier = takeIdentifier()
    const datagram = encode({ code: CODE['Accounting-Request'], identifier, attributes })
    signRequest(datagram, secret)
    const packet = decode(datagram)
    if (isFault(packet)) throw new RangeError(`encoded a malformed packet: ${packet.fault}`)
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => {
        release(identifier)
        reject(noAnswer(server))
      }
      const waiting: Pending = { datagram, request: packet, answered: resolve, giveUp, timer: undefined }
      pending.set(identifier, waiting)
      if (closed) return giveUp()
      const patience = waits(retransmission, Math.random)
      // The same octets each time, so that the server knows a retransmission (RFC 5080 §2.2.2).
      const transmit = (): void => {
        const wait = patience.next()
        if (wait.done) {
          giveUp()
          return
        }
        observe?.(datagram, 'sent')
        socket.send(datagram)
        waiting.timer = setTimeout(transmit, wait.value)
      }
      transmit()
    })
  }

  const common: NamedAttribute[] = [['NAS-Identifier', options.identifier]]
  if (options.calledStation !== undefined) common.push(['Called-Station-Id', options.calledStation])

  return {
    request,
    on: () => request([['Acct-Status-Type', 'Accounting-On'], ...common, ['Event-Timestamp', clock()]]),
    session(names) {
      const identity: NamedAttribute[] = [
        ['Acct-Session-Id', names.id],
        ['User-Name', names.user],
        ...common,
        ['NAS-Port-Type', 'Wireless - IEEE 802.11'],
      ]
      if (names.station !== undefined) identity.push(['Calling-Station-Id', names.station])
      return {
        start: (at) => request([['Acct-Status-Type', 'Start'], ...identity, ['Event-Timestamp', at ?? clock()]]),
        interim: (traffic) =>
          request([['Acct-Status-Type', 'Interim-Update'], ...identity, ...counters(traffic, clock)]),
        stop: (traffic) =>
          request([
            ['Acct-Status-Type', 'Stop'],
            ...identity,
            ...counters(traffic, clock),
            ['Acct-Terminate-Cause', 'User Request'],
          ]),
      }
    },
    async close() {
      if (closed) return
      closed = true
      for (const { giveUp } of [...pending.values()]) giveUp()
      await new Promise<void>((resolve) => socket.close(resolve))
    },
  }
}

/** Waits after each transmission: doubled each time, a tenth up or down at random, so that clients do not keep in step. */
export function* waits({ initial, longest, count, duration }: Retransmission, random: () => number): Generator<number> {
  const jitter = (): number => (random() - 0.5) / 5
  let wait = initial * (1 + jitter())
  for (let sent = 0, left = duration; sent < count && left > 0; sent++) {
    yield Math.min(wait, left)
    left -= wait
    wait *= 2 + jitter()
    if (wait > longest) wait = longest * (1 + jitter())
  }
}

function counters({ uplink, downlink, seconds, at }: Traffic, clock: Clock): NamedAttribute[] {
  return [
    ['Acct-Session-Time', seconds],
    ['Acct-Input-Octets', Number(uplink % WORD)],
    ['Acct-Output-Octets', Number(downlink % WORD)],
    ['Acct-Input-Gigawords', Number(uplink / WORD)],
    ['Acct-Output-Gigawords', Number(downlink / WORD)],
    ['Event-Timestamp', at ?? clock()],
  ]
}

const noAnswer = ({ host, port }: NasOptions['server']): TallycellError =>
  new TallycellError('RADIUS_NO_ANSWER', { server: `${host}:${port}` })

/** Connected, so that only datagrams of the server come in. */
async function connect({ host, port }: NasOptions['server']): Promise<Socket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.connect(port, host, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  return socket
}
