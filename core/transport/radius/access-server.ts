// The RADIUS authentication port (RFC 2865) over UDP: who sent a datagram, is it whole and signed, was it here before; then the question, the
// signed answer, and the answer again for whoever asks twice (RFC 5080 §2.2.2). It runs beside the rest of the program: an Access-Request costs
// a hundred times what an accounting report does, so a thread of its own would wait for the same things.
import { createSocket, type Socket } from 'node:dgram'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Millis } from '../../kernel/units.ts'
import { millis } from '../../kernel/units.ts'
import type { Logger } from '../../log/logger.ts'
import type { Part } from '../../runtime/module.ts'
import { checkRequest } from '../../wire/radius/authenticator.ts'
import { isFault } from '../../wire/radius/fault.ts'
import { CODE, decode, find, type Packet } from '../../wire/radius/packet.ts'
import { encodeResponse } from '../../wire/radius/response.ts'
import { type Answer, secretHiding } from './answer.ts'
import { createClientTable, familyOf, type RadiusClientSecret } from './clients.ts'
import { createDuplicates, endpointKey, type Known } from './duplicates.ts'
import { createNotices } from './notices.ts'
import { createShares, type Shares } from './shares.ts'
import { refusal } from './thread.ts'
import type { Endpoint } from './thread-messages.ts'

export interface AccessClient extends RadiusClientSecret {
  /** False: Access-Requests without Message-Authenticator are answered, if they hold no EAP and no Proxy-State. Default true. */
  readonly requireMessageAuthenticator?: boolean
}

export interface AccessServerDeps {
  readonly answer: Answer
  readonly log: Logger
  readonly metrics: Registry
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

export interface AccessServerOptions {
  /** UDP sockets to open; RFC 2865 §3 gives authentication port 1812. */
  readonly listen: readonly Endpoint[]
  readonly clients: readonly AccessClient[]
  /** Requests of one client in a second, on average. */
  readonly requestsPerSecond: number
  /** Requests of all clients that may wait for an answer; one client may hold half of them. Default 8,192. */
  readonly maxOutstanding?: number
  /** Octets that the system keeps for us while the program is busy. Default 4 MiB. */
  readonly receiveBuffer?: number
  /** How long an answer is kept for retransmissions, milliseconds. Default 10,000. */
  readonly replyLifetime?: number
  /** The most answers kept. Default 16,384, about 10 MB. */
  readonly maxReplies?: number
  /** How long stopping waits for answers, milliseconds. Default 10,000. */
  readonly drainTimeout?: number
}

export interface AccessServer extends Part {
  /** Where it listens, with the ports that the system chose. */
  address(): readonly Endpoint[]
}

/** What became of each datagram. Closed set: the labels of the metric. */
type Outcome =
  | 'answered'
  | 'duplicate-answered'
  | 'duplicate-in-progress'
  | 'unknown-client'
  | 'malformed'
  | 'wrong-code'
  | 'bad-message-authenticator'
  | 'bad-authenticator'
  /** None where one is required (RFC 3579 §3.2, RFC 5997 §3, CVE-2024-3596). */
  | 'no-message-authenticator'
  /** More than the client's share. */
  | 'over-limit'
  | 'overload'
  | 'unanswered'
  | 'failed'
  | 'superseded'
  | 'stopping'
  | 'send-failed'

/** What, why in words, and the client's name. */
type Complaint = readonly [Outcome, string, string | undefined]

interface Source {
  readonly socket: Socket
  /** Its number. */
  readonly number: number
  readonly address: string
  readonly port: number
}

const MiB = 1024 * 1024
const SWEEP_INTERVAL = 500
const NOTICE_INTERVAL = 10_000
const ATTRIBUTE = { eapMessage: 79, messageAuthenticator: 80, proxyState: 33 } as const

/** Throws `RADIUS_CLIENT_INVALID`, `RADIUS_CLIENT_TWICE`, `RADIUS_SECRET_INVALID`; `start` rejects with `RADIUS_PORT_IN_USE` and its kin. */
export function createAccessServer(deps: AccessServerDeps, options: AccessServerOptions): AccessServer {
  const { log, answer, now = Date.now } = deps
  const { clients } = options
  const clientOf = createClientTable(clients)
  const metrics = createAccessMetrics(deps.metrics, () => shares.outstanding())
  const notices = createNotices(NOTICE_INTERVAL)
  const duplicates = createDuplicates({
    lifetime: options.replyLifetime ?? 10_000,
    capacity: options.maxReplies ?? 16_384,
  })
  const shares: Shares = createShares({
    clients: clients.length,
    perSecond: options.requestsPerSecond,
    outstanding: options.maxOutstanding ?? 8192,
  })
  const sockets: Socket[] = []
  let endpoints = options.listen
  let sweeping: NodeJS.Timeout | undefined
  let drained: (() => void) | undefined

  const drop = (outcome: Outcome, address: string, client: string | undefined, detail: string): void => {
    metrics.count(outcome)
    const suppressed = notices.admit(client === undefined ? outcome : `${outcome} ${client}`, now())
    if (suppressed !== undefined) log.warn({ outcome, client, address, suppressed }, `RADIUS packet dropped: ${detail}`)
  }

  const send = ({ socket, port, address }: Source, reply: Uint8Array): void => {
    socket.send(reply, port, address, (error) => {
      if (error !== null) metrics.count('send-failed')
    })
  }

  /** Asks, and sends what is answered. Never rejects. */
  const serve = async (
    packet: Packet,
    index: number,
    source: Source,
    known: Known,
    received: Millis,
  ): Promise<void> => {
    const client = clients[index] as AccessClient
    const { name, address, secret } = client
    const { port } = source
    try {
      const from = { address: source.address, port, received }
      const reply = await answer({ packet, client: { name, address }, ...from, hiding: secretHiding(packet, secret) })
      if (reply === undefined) {
        duplicates.forget(known)
        metrics.count('unanswered')
        return
      }
      const octets = encodeResponse(packet, reply.code, reply.attributes, secret)
      if (!duplicates.answer(known, octets, now())) {
        metrics.count('superseded')
        return
      }
      metrics.count('answered')
      send(source, octets)
    } catch (error) {
      // Silence: the client asks again, here or elsewhere.
      duplicates.forget(known)
      metrics.count('failed')
      if (notices.admit('failed', now()) !== undefined)
        log.error({ err: error, client: name }, 'an Access-Request could not be answered')
    } finally {
      shares.done(index)
      if (shares.outstanding() === 0) drained?.()
    }
  }

  const admit = (packet: Packet, index: number, source: Source): Outcome | undefined => {
    const endpoint = endpointKey(source.number, source.port)
    const known = duplicates.find(source.address, endpoint, packet)
    if (known?.reply !== undefined) {
      send(source, known.reply)
      return 'duplicate-answered'
    }
    if (known !== undefined) return 'duplicate-in-progress'
    if (drained !== undefined) return 'stopping'
    if (!shares.begin(index)) return 'overload'
    const received = millis(now())
    void serve(packet, index, source, duplicates.begin(source.address, endpoint, packet), received)
    return undefined
  }

  /** Takes a datagram in; what to complain of, if anything, with the client where it is known. */
  const takeIn = (datagram: Uint8Array, source: Source): Complaint | undefined => {
    const index = clientOf(source.address)
    const client = clients[index]
    if (client === undefined) return ['unknown-client', 'no client has this address', undefined]
    const { name } = client
    // Before anything that costs: a flood is dropped for the price of a look-up.
    if (!shares.allow(index, now())) return ['over-limit', 'more requests than the client may send', name]
    const packet = decode(datagram)
    if (isFault(packet)) return ['malformed', `${packet.fault} at octet ${packet.offset}`, name]
    const wrong = refuse(packet, client)
    if (wrong !== undefined) return [...wrong, name]
    const outcome = admit(packet, index, source)
    if (outcome === 'overload') return [outcome, 'too many requests in progress', name]
    if (outcome !== undefined) metrics.count(outcome)
    return undefined
  }

  const open = (endpoint: Endpoint, number: number): Promise<Socket> => {
    const { host, port } = endpoint
    const type = familyOf(host)
    if (type === undefined) return Promise.reject(refusal({ endpoint, code: '', reason: 'not an IP address' }))
    const socket = createSocket({
      type,
      recvBufferSize: options.receiveBuffer ?? 4 * MiB,
      // Addresses only: see io-thread.ts.
      lookup: (address, _options, callback) => callback(null, address, type === 'udp4' ? 4 : 6),
    })
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void =>
        reject(refusal({ endpoint, code: error.code ?? '', reason: error.message }))
      socket.once('error', fail)
      socket.bind({ port, address: host, exclusive: true }, () => {
        socket.off('error', fail)
        socket.on('error', (error) => log.error({ err: error }, 'a RADIUS socket reported an error'))
        socket.on('message', (datagram, { address, port }) => {
          try {
            const complaint = takeIn(datagram, { socket, number, address, port })
            if (complaint !== undefined) drop(complaint[0], address, complaint[2], complaint[1])
          } catch (error) {
            // A bug of ours must not punish another peer; the sender tries again.
            drop('failed', address, undefined, String(error))
          }
        })
        resolve(socket)
      })
    })
  }
  const close = (): void => {
    for (const socket of sockets.splice(0)) socket.close()
  }

  return {
    name: 'radius-access',
    async start() {
      for (const { name, requireMessageAuthenticator } of clients)
        if (requireMessageAuthenticator === false)
          log.warn(
            { client: name },
            'Access-Requests without Message-Authenticator are answered: whoever is on the way can forge (CVE-2024-3596)',
          )
      try {
        for (const [number, endpoint] of options.listen.entries()) sockets.push(await open(endpoint, number))
      } catch (error) {
        close()
        throw error
      }
      endpoints = sockets.map((socket) => {
        const { address, port } = socket.address()
        return { host: address, port }
      })
      sweeping = setInterval(() => duplicates.sweep(now()), SWEEP_INTERVAL)
      for (const { host, port } of endpoints) log.info({ host, port }, 'RADIUS authentication server is listening')
    },
    async stop() {
      clearInterval(sweeping)
      const waiting = new Promise<void>((resolve) => {
        drained = resolve
      })
      if (shares.outstanding() > 0) {
        const deadline = setTimeout(() => drained?.(), options.drainTimeout ?? 10_000)
        await waiting
        clearTimeout(deadline)
      }
      close()
    },
    address: () => endpoints,
  }
}

/** Why a packet of a known client is not looked at further. */
function refuse(packet: Packet, client: AccessClient): readonly [Outcome, string] | undefined {
  const { code } = packet
  if (code !== CODE['Access-Request'] && code !== CODE['Status-Server'])
    return ['wrong-code', `code ${code} came to the authentication port`]
  const has = (type: number): boolean => find(packet, type) > 0
  if (!has(ATTRIBUTE.messageAuthenticator)) {
    const required =
      client.requireMessageAuthenticator !== false ||
      code === CODE['Status-Server'] ||
      has(ATTRIBUTE.eapMessage) ||
      has(ATTRIBUTE.proxyState)
    if (required)
      return [
        'no-message-authenticator',
        'it has no Message-Authenticator: update the client, or see requireMessageAuthenticator',
      ]
  }
  const authenticity = checkRequest(packet, client.secret)
  return authenticity === 'ok' ? undefined : [authenticity, 'the shared secrets differ, or somebody forges packets']
}

interface AccessMetrics {
  count(outcome: Outcome): void
}

function createAccessMetrics(registry: Registry, outstanding: () => number): AccessMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'tallycell_radius_access_requests_total',
    help: 'Datagrams to the authentication port, by what became of them',
    labelNames: ['outcome'],
    registers,
  })
  new Gauge({
    name: 'tallycell_radius_access_outstanding',
    help: 'Access-Requests that wait for an answer',
    registers,
    collect() {
      this.set(outstanding())
    },
  })
  return { count: (outcome) => requests.inc({ outcome }) }
}
