// The RadSec server (RFC 6614): TLS connections whose certificates somebody vouches for, each with its own limits, so that no client takes
// another's turn. Which certificate may do what is asked anew while connections are open.
import type { X509Certificate } from 'node:crypto'
import { createServer, type SecureContextOptions, type TLSSocket } from 'node:tls'
import type { Registry } from 'prom-client'
import { TallycellError } from '../../kernel/errors.ts'
import { type Millis, millis } from '../../kernel/units.ts'
import type { Logger } from '../../log/logger.ts'
import type { Part } from '../../runtime/module.ts'
import { CODE, type Packet } from '../../wire/radius/packet.ts'
import type { Answer, RadiusReply } from './answer.ts'
import type { Requester } from './client.ts'
import { createNotices } from './notices.ts'
import { CLASSIC, dialectOf, PLAIN } from './radsec-dialect.ts'
import { createLink, LINK_LIMITS, type Link, type LinkLimits } from './radsec-link.ts'
import { createRadsecMetrics } from './radsec-metrics.ts'
import type { Endpoint } from './thread-messages.ts'

/** Whom a certificate proves. */
export interface RadsecPeer {
  /** For logs, limits, and to find its connections: the same for all certificates of one site. */
  readonly name: string
  /** Why a request may not come from this peer (another site's NAS-Identifier), undefined when it may. */
  refuse(packet: Packet): string | undefined
}

export interface RadsecServerDeps {
  readonly answer: Answer
  /** Whom the certificate proves, or why it does not count: unknown, revoked. The chain and the dates were checked. */
  identify(certificate: X509Certificate): RadsecPeer | string
  /** Takes what others have issued until now. Called before a certificate that our authority signed is refused. */
  learn?(): Promise<void>
  readonly log: Logger
  readonly metrics: Registry
}

export interface RadsecServerOptions {
  /** TCP sockets to open; RFC 6614 §2.1 gives port 2083. */
  readonly listen: readonly Endpoint[]
  /** PEM: our certificate with its chain and key, and the authorities that clients' certificates come from. */
  readonly tls: Pick<SecureContextOptions, 'cert' | 'key' | 'ca'>
  /** Open connections of all clients, and of one. Defaults 4,096 and 16. */
  readonly maxConnections?: number
  readonly maxPerPeer?: number
  /** Default: `LINK_LIMITS`. */
  readonly limits?: LinkLimits
  /** A connection that has not finished its handshake, or on which nothing came for so long, is closed, milliseconds. Defaults 10,000 and 600,000. */
  readonly handshakeTimeout?: number
  readonly idleTimeout?: number
  /** How often open connections' certificates are looked at again, milliseconds. Default 1,000. */
  readonly recheck?: number
}

export interface RadsecServer extends Part {
  /** Where it listens, with the ports that the system chose. */
  address(): readonly Endpoint[]
  /** Open connections of a peer, the newest first: requests to it may take any. */
  connections(peer: string): readonly Requester[]
  /** Looks at the certificates of all open connections now. */
  recheck(): void
  /** Takes a new certificate of ours for connections to come. */
  renew(tls: RadsecServerOptions['tls']): void
}

interface Connection {
  readonly link: Link
  readonly certificate: X509Certificate
  readonly name: string
}

interface Admitted {
  readonly certificate: X509Certificate
  readonly peer: RadsecPeer
}

interface Refused {
  readonly why: 'certificate' | 'limit'
  readonly detail: string
  readonly peer?: string
}

const NOTICE_INTERVAL = 10_000

export function createRadsecServer(deps: RadsecServerDeps, options: RadsecServerOptions): RadsecServer {
  const { log } = deps
  const {
    maxConnections = 4096,
    maxPerPeer = 16,
    limits = LINK_LIMITS,
    handshakeTimeout = 10_000,
    idleTimeout = 600_000,
  } = options
  const metrics = createRadsecMetrics(deps.metrics, () => connections.size)
  const connections = new Set<Connection>()
  const notices = createNotices(NOTICE_INTERVAL)
  let endpoints = options.listen
  const undecided = new Set<TLSSocket>()
  let timer: NodeJS.Timeout | undefined

  const warn = (kind: string, peer: string | undefined, address: string, detail: string): void => {
    const suppressed = notices.admit(peer === undefined ? kind : `${kind} ${peer}`, Date.now())
    if (suppressed !== undefined) log.warn({ peer, address, suppressed }, `RadSec: ${detail}`)
  }

  const refuse = (socket: TLSSocket, { why, detail, peer }: Refused): void => {
    metrics.refused(why)
    warn(why, peer, socket.remoteAddress ?? '', `connection refused: ${detail}`)
    socket.destroy()
  }

  const serve = async (
    peer: RadsecPeer,
    from: Readonly<{ address: string; port: number }>,
    packet: Packet,
    link: Link,
  ): Promise<RadiusReply | undefined> => {
    // The watchdog (RFC 6614 §2.6): whoever is connected may ask whether we are there.
    const foreign = packet.code === CODE['Status-Server'] ? undefined : peer.refuse(packet)
    if (foreign !== undefined) {
      metrics.refused('site')
      warn('site', peer.name, from.address, `request refused: ${foreign}`)
      return packet.code === CODE['Access-Request'] ? { code: CODE['Access-Reject'], attributes: [] } : undefined
    }
    const received: Millis = millis(Date.now())
    const client = { name: peer.name, address: from.address }
    try {
      return await deps.answer({ packet, client, ...from, received, hiding: link.dialect.hiding(packet) })
    } catch (error) {
      log.error({ err: error, peer: peer.name }, 'a RADIUS request could not be answered')
      throw error
    }
  }

  const judge = (socket: TLSSocket): Admitted | Refused => {
    const certificate = socket.getPeerX509Certificate()
    const peer = certificate ? deps.identify(certificate) : 'no certificate came'
    if (!certificate || typeof peer === 'string') return { why: 'certificate', detail: String(peer) }
    if (connections.size >= maxConnections) return { why: 'limit', detail: `${maxConnections} are open` }
    const own = [...connections].filter(({ name }) => name === peer.name).length
    return own < maxPerPeer
      ? { certificate, peer }
      : { why: 'limit', detail: `${own} of this client are open`, peer: peer.name }
  }

  /** A certificate may have been issued a moment ago, by another process. Until that is known nothing is read from the socket. */
  const judgeAnew = async (socket: TLSSocket): Promise<Admitted | Refused> => {
    const early = (): void => {}
    socket.on('error', early)
    undecided.add(socket)
    try {
      await deps.learn?.()
      return judge(socket)
    } finally {
      undecided.delete(socket)
      socket.off('error', early)
    }
  }

  const admit = async (socket: TLSSocket): Promise<void> => {
    const first = judge(socket)
    const judged = 'why' in first && first.why === 'certificate' ? await judgeAnew(socket) : first
    if (socket.destroyed) return
    if ('why' in judged) {
      refuse(socket, judged)
      return
    }
    const { certificate, peer } = judged
    const from = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    const dialect = dialectOf(socket.alpnProtocol)
    const link: Link = createLink(
      socket,
      {
        dialect,
        serve: (packet) => serve(peer, from, packet, link),
        count: metrics.packet,
        ended(reason) {
          connections.delete(connection)
          if (reason !== undefined) warn('ended', peer.name, from.address, `connection ended: ${reason}`)
          log.debug({ peer: peer.name, ...from }, 'RadSec connection closed')
        },
      },
      limits,
    )
    const connection: Connection = { link, certificate, name: peer.name }
    connections.add(connection)
    socket.setKeepAlive(true, 60_000)
    socket.setTimeout(idleTimeout, () => link.destroy('nothing came for too long'))
    log.debug({ peer: peer.name, ...from, protocol: dialect.name, tls: socket.getProtocol() }, 'RadSec connection open')
  }

  const servers = options.listen.map(() =>
    createServer(
      {
        ...options.tls,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        // RADIUS/1.1 wants TLS 1.3 (RFC 9765 §3.3).
        ALPNCallback(this: TLSSocket, { protocols }: { protocols: string[] }) {
          const plain = protocols.includes(PLAIN.name) && this.getProtocol() === 'TLSv1.3'
          return plain ? PLAIN.name : protocols.includes(CLASSIC.name) ? CLASSIC.name : undefined
        },
        handshakeTimeout,
      },
      (socket) => {
        admit(socket).catch((error: unknown) => refuse(socket, { why: 'certificate', detail: String(error) }))
      },
    ).on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      metrics.refused('handshake')
      warn('handshake', undefined, socket.remoteAddress ?? '', `handshake failed: ${error.code ?? error.message}`)
      socket.destroy()
    }),
  )
  for (const server of servers) server.maxConnections = maxConnections * 2

  const recheck = (): void => {
    const now = Date.now()
    for (const { link, certificate } of [...connections]) {
      const peer = deps.identify(certificate)
      if (typeof peer === 'string') link.destroy(peer)
      else if (Date.parse(certificate.validTo) < now) link.destroy('its certificate has expired')
    }
  }

  const listen = (index: number): Promise<Endpoint> => {
    const server = servers[index]
    const { host, port } = options.listen[index] ?? { host: '', port: 0 }
    return new Promise((resolve, reject) => {
      server?.once('error', ({ code, message }: NodeJS.ErrnoException) =>
        reject(refusal({ host, port }, code, message)),
      )
      server?.listen({ host, port, exclusive: true }, () => {
        const bound = server.address()
        resolve({ host, port: typeof bound === 'object' && bound !== null ? bound.port : port })
      })
    })
  }

  return {
    name: 'radsec',
    async start() {
      endpoints = await Promise.all(servers.map((_, index) => listen(index)))
      for (const { host, port } of endpoints) log.info({ host, port }, 'RadSec server is listening')
      timer = setInterval(recheck, options.recheck ?? 1000)
      timer.unref()
    },
    async stop() {
      clearInterval(timer)
      for (const server of servers) server.close()
      for (const socket of undecided) socket.destroy()
      await Promise.all([...connections].map(({ link }) => link.close()))
    },
    address: () => endpoints,
    connections: (peer) =>
      [...connections]
        .filter(({ name }) => name === peer)
        .map(({ link }) => link)
        .reverse(),
    recheck,
    renew(tls) {
      for (const server of servers) server.setSecureContext({ ...tls, minVersion: 'TLSv1.2' })
    },
  }
}

function refusal({ host, port }: Endpoint, code: string | undefined, reason: string): TallycellError {
  if (code === 'EADDRINUSE') return new TallycellError('RADIUS_PORT_IN_USE', { host, port })
  if (code === 'EACCES' || code === 'EPERM') return new TallycellError('RADIUS_PORT_FORBIDDEN', { host, port })
  return new TallycellError('RADIUS_LISTEN_FAILED', { host, port, reason })
}
