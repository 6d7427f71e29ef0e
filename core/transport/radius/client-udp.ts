// One RADIUS server or access point as we ask it over UDP: identifiers, retransmission with back-off (RFC 5080 §2.2.1), answers checked.
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { checkResponse, signRequest } from '../../wire/radius/authenticator.ts'
import { encode } from '../../wire/radius/encode.ts'
import { isFault } from '../../wire/radius/fault.ts'
import { hidePassword, revealSalted } from '../../wire/radius/hidden.ts'
import { CODE, decode, type Packet, type RawAttribute } from '../../wire/radius/packet.ts'
import type { Order, PeerReply, Requester, Silence } from './client.ts'
import { familyOf } from './clients.ts'

export interface UdpClientOptions {
  /** An IP address. */
  readonly host: string
  readonly port: number
  readonly secret: Uint8Array
  /** The first wait for an answer, milliseconds; each further one is twice as long, by a tenth more or less (RFC 5080 §2.2.1). Default 2,000. */
  readonly firstWait?: number
  /** The longest wait between two retransmissions, milliseconds. Default 16,000. */
  readonly longestWait?: number
  /** Sockets at most, each with 256 identifiers. Default 8. */
  readonly sockets?: number
}

interface Waiting {
  readonly authenticator: Uint8Array
  settle(answer: PeerReply | Silence): void
}

interface Port {
  readonly socket: Socket
  readonly waiting: (Waiting | undefined)[]
  next: number
  /** Requests that wait. */
  used: number
}

const IDENTIFIERS = 256
const UNSIGNED: RawAttribute = { type: 80, octets: new Uint8Array(16) }
/** Accounting has its signature in the Request Authenticator; servers disagree on a Message-Authenticator there. */
const isUnsigned = (code: number): boolean => code === CODE['Accounting-Request']
const isRandom = (code: number): boolean => code === CODE['Access-Request'] || code === CODE['Status-Server']

export function createUdpClient({
  host,
  port,
  secret,
  firstWait = 2000,
  longestWait = 16_000,
  sockets: most = 8,
}: UdpClientOptions): Requester {
  const ports: Port[] = []
  let closed = false

  const open = (): Port => {
    const socket = createSocket(familyOf(host) ?? 'udp4')
    const opened: Port = { socket, waiting: Array.from({ length: IDENTIFIERS }), next: 0, used: 0 }
    socket.on('message', (datagram, from) => {
      if (from.port === port) take(opened, datagram)
    })
    // An unreachable peer is a silent one: the retransmissions go on.
    socket.on('error', () => {})
    socket.unref()
    ports.push(opened)
    return opened
  }

  const take = ({ waiting }: Port, datagram: Uint8Array): void => {
    const packet = decode(datagram)
    if (isFault(packet)) return
    const request = waiting[packet.identifier]
    if (!request || checkResponse(packet, request.authenticator, secret) !== 'ok') return
    request.settle(replyOf(packet, request.authenticator, secret))
  }

  const free = (): { readonly at: Port; readonly identifier: number } | undefined => {
    const at = ports.find(({ used }) => used < IDENTIFIERS) ?? (ports.length < most ? open() : undefined)
    if (!at) return undefined
    while (at.waiting[at.next] !== undefined) at.next = (at.next + 1) % IDENTIFIERS
    const identifier = at.next
    at.next = (at.next + 1) % IDENTIFIERS
    return { at, identifier }
  }

  return {
    async request({ code, attributes, patience }) {
      const place = closed ? undefined : free()
      if (!place) return closed ? 'unreachable' : 'busy'
      const { at, identifier } = place
      const authenticator = randomBytes(16)
      const sealing = { hidePassword: (password: Uint8Array) => hidePassword(password, secret, authenticator) }
      const bytes = encode({
        code,
        identifier,
        ...(isRandom(code) ? { authenticator } : {}),
        attributes: [...(isUnsigned(code) ? [] : [UNSIGNED]), ...attributes(sealing)],
      })
      signRequest(bytes, secret)
      return new Promise<PeerReply | Silence>((resolve) => {
        let timer: NodeJS.Timeout | undefined
        const settle = (answer: PeerReply | Silence): void => {
          clearTimeout(timer)
          at.waiting[identifier] = undefined
          at.used--
          resolve(answer)
        }
        at.waiting[identifier] = { authenticator: Uint8Array.from(bytes.subarray(4, 20)), settle }
        at.used++
        const began = performance.now()
        const send = (wait: number): void => {
          at.socket.send(bytes, port, host)
          const left = began + patience - performance.now()
          const pause = Math.min(wait * (0.9 + Math.random() / 5), left)
          timer = setTimeout(() => {
            if (performance.now() - began >= patience - 1) settle('timeout')
            else send(Math.min(wait * 2, longestWait))
          }, pause)
        }
        send(firstWait)
      })
    },
    async close() {
      closed = true
      for (const { socket, waiting } of ports.splice(0)) {
        for (const request of waiting) request?.settle('unreachable')
        socket.close()
      }
    },
  }
}

/** An answer that was checked. `authenticator`: of the request. */
export const replyOf = (packet: Packet, authenticator: Uint8Array, secret: Uint8Array): PeerReply => ({
  packet,
  reveal: (octets) => revealSalted(octets, secret, authenticator),
})

/** The attributes of a Status-Server request (RFC 5997 §3): the Message-Authenticator, which the transport adds. */
export const STATUS_SERVER: Pick<Order, 'code' | 'attributes'> = {
  code: CODE['Status-Server'],
  attributes: () => [],
}
