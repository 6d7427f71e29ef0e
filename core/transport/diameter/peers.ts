// All peers: who may connect, capabilities exchange, watchdog and disconnection (RFC 6733 §5). Messages of open connections are passed on.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect as connectTls,
  createServer as createTlsServer,
  type TlsOptions,
} from 'node:tls'
import { fail } from '../../kernel/errors.ts'
import type { Logger } from '../../log/logger.ts'
import { RESULT_CODE } from '../../wire/diameter/dict/base.ts'
import { COMMAND } from '../../wire/diameter/dict/commands.ts'
import type { AvpInput } from '../../wire/diameter/dictionary.ts'
import { encode } from '../../wire/diameter/encode.ts'
import { type Fault, isFault } from '../../wire/diameter/fault.ts'
import { isRefusal, type Refusal, refusal } from '../../wire/diameter/judge.ts'
import { decode, FLAG, get, HEADER_LENGTH, type Message, readHeader } from '../../wire/diameter/message.ts'
import { answer, refuse } from './answers.ts'
import { type Capabilities, capabilityAvps, type Local, readCapabilities } from './capabilities.ts'
import { type Connection, takeSocket } from './connection.ts'
import { createLink, type Link, type LinkTimes } from './link.ts'
import type { NodeMetrics } from './metrics.ts'

export interface ListenAt {
  readonly host: string
  /** 3868, or 5658 with TLS (RFC 6733 §2.1); 0 lets the system choose. */
  readonly port: number
  /** TLS from the first octet. Peers must show a certificate that names their Origin-Host. */
  readonly tls?: TlsOptions
}

export interface PeerConfig {
  /** Its Origin-Host. No other peer may connect. */
  readonly identity: string
  /** Where we connect to it; left out, it connects to us. */
  readonly connect?: { readonly host: string; readonly port: number; readonly tls?: ConnectionOptions }
  /** Connections at once. Default 1. */
  readonly connections?: number
  /** Addresses that it may come from. Default: any. */
  readonly addresses?: readonly string[]
  /** Refuse it without TLS. */
  readonly tlsOnly?: boolean
}

export interface PeersOptions {
  readonly local: Local
  readonly listen: readonly ListenAt[]
  readonly peers: readonly PeerConfig[]
  readonly times: LinkTimes
  /** Octets of the longest message that is read. */
  readonly maxMessage: number
}

export interface PeersDeps {
  readonly log: Logger
  metrics(): NodeMetrics
  /** A request or an answer on an open connection that is not of the peers' own (CER, DWR, DPR). */
  message(message: Message, link: Link, connection: Connection): void
  /** Requests that wait for this link should go elsewhere. */
  failover(link: Link): void
  originState(originHost: string, originStateId: number): void
  /** End-to-End Identifier for a request of ours. */
  endToEnd(): number
  random(): number
}

export interface Peers {
  start(): Promise<void>
  /** Parts from all peers with DPR, and waits for their DPA. */
  stop(): Promise<void>
  links(peer: string): readonly Link[]
  isPeer(identity: string): boolean
  addresses(): readonly { readonly host: string; readonly port: number }[]
}

const CER = COMMAND['Capabilities-Exchange']
const DWR = COMMAND['Device-Watchdog']
const DPR = COMMAND['Disconnect-Peer']
const key = (identity: string): string => identity.toLowerCase()
const REBOOTING = 'REBOOTING'

export function createPeers(options: PeersOptions, deps: PeersDeps): Peers {
  const { local, times } = options
  const origin = { identity: local.identity, realm: local.realm }
  const configs = new Map<string, PeerConfig>()
  const links = new Map<string, Link[]>()
  const servers: Server[] = []
  const unknown = new Set<Connection>()
  let hops = 0
  let stopping = false

  const request = (command: number, avps: readonly AvpInput[]): Uint8Array => {
    hops = (hops + 1) >>> 0
    const from: AvpInput[] = [
      ['Origin-Host', local.identity],
      ['Origin-Realm', local.realm],
    ]
    const fields = { flags: FLAG.request, command, application: 0, hopByHop: hops, endToEnd: deps.endToEnd() }
    return encode({ ...fields, avps: command === CER ? avps : [...from, ...avps] })
  }
  const success = (message: Message, avps: readonly AvpInput[]): Uint8Array =>
    answer(message, undefined, origin, { result: 2001, avps })
  const state: AvpInput = ['Origin-State-Id', local.originStateId]

  const noteState = (message: Message): void => {
    const [host, id] = [get(message, 'Origin-Host'), get(message, 'Origin-State-Id')]
    if (typeof host === 'string' && typeof id === 'number') deps.originState(host, id)
  }

  const createPeerLink = (config: PeerConfig): Link =>
    createLink({
      times,
      identity: local.identity,
      peer: config.identity,
      dial:
        config.connect === undefined
          ? undefined
          : (link) => dial(link, config.connect as NonNullable<PeerConfig['connect']>),
      sendCer: (connection) => connection.send(request(CER, capabilityAvps(local, [connection.local]))),
      sendCea(connection, cer) {
        const avps = capabilityAvps(local, [connection.local]).slice(2)
        connection.send(success(cer, avps))
      },
      sendDwr: (connection) => connection.send(request(DWR, [state])),
      sendDpr: (connection) => connection.send(request(DPR, [['Disconnect-Cause', REBOOTING]])),
      sendDpa: (connection, dpr) => connection.send(success(dpr, [])),
      opened(link) {
        const address = link.connection()?.remote
        deps.log.info(
          { peer: config.identity, address, tls: link.connection()?.tls !== undefined },
          'Diameter peer is connected',
        )
      },
      closed: (_link, reason) => deps.log.info({ peer: config.identity, reason }, 'Diameter connection is closed'),
      failover: deps.failover,
      illegal(at, event) {
        deps.metrics().dropped('illegal-event')
        deps.log.debug(
          { peer: config.identity, state: at, event },
          'an event that the peer state machine does not expect',
        )
      },
      random: deps.random,
    })

  const dial = (link: Link, to: NonNullable<PeerConfig['connect']>): void => {
    const where = { host: to.host, port: to.port }
    const socket: Socket =
      to.tls === undefined ? connect(where) : connectTls({ servername: link.peer, ...to.tls, ...where })
    let taken = false
    const failed = (error: Error): void => link.failed(error.message)
    socket.once('error', failed)
    socket.once(to.tls === undefined ? 'connect' : 'secureConnect', () => {
      taken = true
      socket.off('error', failed)
      let connection: Connection | undefined
      connection = takeSocket(socket, options.maxMessage, {
        message: (octets) => connection !== undefined && receive(octets, connection, link),
        closed: (reason) => connection !== undefined && link.lost(connection, reason),
      })
      if (stopping) return connection.drop('stopping')
      link.connected(connection)
    })
    // A dial that the link has given up is not left open.
    socket.setTimeout(times.handshake, () => {
      if (!taken) socket.destroy(new Error('no connection in time'))
    })
  }

  /** A connection that a peer opened: nobody's until its CER. */
  const accept = (socket: Socket): void => {
    let owner: Link | undefined
    const connection = takeSocket(socket, options.maxMessage, {
      message: (octets) => {
        if (owner !== undefined) return receive(octets, connection, owner)
        owner = introduce(octets, connection)
        unknown.delete(connection)
        clearTimeout(patience)
      },
      closed: (reason) => {
        clearTimeout(patience)
        unknown.delete(connection)
        owner?.lost(connection, reason)
      },
    })
    const patience = setTimeout(() => connection.drop('no CER in time'), times.handshake)
    unknown.add(connection)
  }

  const refuseCer = (
    octets: Uint8Array,
    message: Message | undefined,
    connection: Connection,
    why: Refusal,
  ): undefined => {
    deps.metrics().request('refused')
    deps.log.warn({ address: connection.remote, result: why.result, reason: why.text }, 'Diameter peer is refused')
    connection.send(refuse(readHeader(octets), message, origin, why))
    connection.finish()
    return undefined
  }

  /** The first message of a connection: a good CER of a peer that we know, or its end. */
  const introduce = (octets: Uint8Array, connection: Connection): Link | undefined => {
    const cer = decode(octets)
    const header = readHeader(octets)
    if (header.command !== CER || (header.flags & FLAG.request) === 0) {
      deps.metrics().dropped('before-capabilities')
      connection.drop('the first message is not a CER')
      return undefined
    }
    if (isFault(cer)) return refuseCer(octets, undefined, connection, refusal(octets, cer))
    const capabilities = readCapabilities(cer, local)
    if (isRefusal(capabilities)) return refuseCer(octets, cer, connection, capabilities)
    const config = configs.get(key(capabilities.identity))
    const refused = config === undefined ? stranger(capabilities.identity) : admit(config, connection)
    if (refused !== undefined) return refuseCer(octets, cer, connection, refused)
    noteState(cer)
    const link = slot(capabilities)
    if (link === undefined || stopping) {
      connection.drop('all connections of this peer are open')
      return undefined
    }
    link.offered(connection, cer, capabilities)
    return link
  }

  const stranger = (identity: string): Refusal => ({
    result: 3010,
    failed: [],
    text: `${identity} is not a peer of ${local.identity}`,
  })

  const admit = (config: PeerConfig, connection: Connection): Refusal | undefined => {
    const { tls } = connection
    if (config.tlsOnly && tls === undefined) return { result: 5017, failed: [], text: 'TLS is required' }
    if (config.addresses !== undefined && !config.addresses.includes(connection.remote))
      return stranger(config.identity)
    if (tls === undefined) return undefined
    const error = checkServerIdentity(config.identity, tls.getPeerCertificate())
    return error === undefined ? undefined : stranger(`the bearer of the certificate: ${config.identity}`)
  }

  /** Which of the peer's slots a new connection takes: a free one; one that is being dialled, to be decided by election; one left over from before a restart. */
  const slot = ({ identity, originStateId }: Capabilities): Link | undefined => {
    const all = links.get(key(identity)) ?? []
    const free = all.find((link) => link.state() === 'closed') ?? all.find((link) => link.connection() === undefined)
    if (free !== undefined || originStateId === undefined) return free ?? all[0]
    const stale = all.find((link) => (link.capabilities()?.originStateId ?? originStateId) < originStateId)
    stale?.abandon('the peer has restarted')
    return stale ?? all[0]
  }

  const receive = (octets: Uint8Array, connection: Connection, link: Link): void => {
    const message = decode(octets)
    if (isFault(message)) malformed(octets, message, connection, link)
    else if (message.application === 0 && message.command === CER) exchanged(message, link)
    else if (link.connection() !== connection) deps.metrics().dropped('before-capabilities')
    else if (message.application === 0 && message.command === DWR) watched(message, connection, link)
    else {
      link.heard('message')
      if (message.application === 0 && message.command === DPR) parting(message, link)
      else {
        if ((message.flags & FLAG.request) !== 0) noteState(message)
        deps.message(message, link, connection)
      }
    }
  }

  const watched = (message: Message, connection: Connection, link: Link): void => {
    const isRequest = (message.flags & FLAG.request) !== 0
    if (isRequest) {
      noteState(message)
      connection.send(success(message, [state]))
    }
    link.heard(isRequest ? 'message' : 'dwa')
  }

  const parting = (message: Message, link: Link): void => {
    if ((message.flags & FLAG.request) === 0) link.dpa()
    else link.dpr(message, get(message, 'Disconnect-Cause') !== REBOOTING)
  }

  const malformed = (octets: Uint8Array, fault: Fault, connection: Connection, link: Link): void => {
    deps.metrics().dropped('malformed')
    const { fault: kind, offset, avp } = fault
    deps.log.warn({ peer: link.peer, fault: kind, offset, avp }, 'malformed Diameter message')
    const header = readHeader(octets)
    if (octets.length >= HEADER_LENGTH && (header.flags & FLAG.request) !== 0 && link.connection() === connection)
      connection.send(refuse(header, undefined, origin, refusal(octets, fault)))
  }

  /** A CEA, or a second CER, which no state expects and nobody answers. */
  const exchanged = (message: Message, link: Link): void => {
    if ((message.flags & FLAG.request) !== 0) {
      deps.metrics().dropped('illegal-event')
      return
    }
    const capabilities = readCea(message, link.peer)
    if (typeof capabilities === 'string') link.answered(undefined, capabilities)
    else {
      noteState(message)
      link.answered(capabilities, '')
    }
  }

  const readCea = (message: Message, peer: string): Capabilities | string => {
    const result = get(message, 'Result-Code')
    if (result !== 2001)
      return `the peer refuses us with ${RESULT_CODE[result as keyof typeof RESULT_CODE] ?? 'Result-Code'} (${String(result)})`
    const capabilities = readCapabilities(message, local)
    if (isRefusal(capabilities)) return capabilities.text
    return key(capabilities.identity) === key(peer) ? capabilities : `${capabilities.identity} answered`
  }

  for (const config of options.peers) {
    if (!/^[\x21-\x7e]+$/.test(config.identity))
      fail('DIAMETER_IDENTITY_INVALID', { came: config.identity, what: 'the name of the peer' })
    if (configs.has(key(config.identity))) fail('DIAMETER_PEER_TWICE', { peer: config.identity })
    configs.set(key(config.identity), config)
    links.set(
      key(config.identity),
      Array.from({ length: config.connections ?? 1 }, () => createPeerLink(config)),
    )
  }

  const each = (): Link[] => [...links.values()].flat()

  return {
    async start() {
      for (const { host, port, tls } of options.listen) {
        const strict = { requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2', ...tls } as const
        const server = tls === undefined ? createServer(accept) : createTlsServer(strict, accept)
        servers.push(server)
        server.listen(port, host)
        await once(server, 'listening').catch((error: Error) =>
          fail('DIAMETER_LISTEN_FAILED', { address: `${host}:${port}`, reason: error.message }),
        )
        server.on('error', (error) => deps.log.error({ err: error }, 'a Diameter listener failed'))
      }
      for (const link of each()) link.start()
    },
    async stop() {
      stopping = true
      for (const server of servers) server.close()
      for (const connection of unknown) connection.drop('stopping')
      for (const link of each()) link.stop()
      // Each ends with its DPA or its timer.
      while (each().some((link) => link.state() !== 'closed')) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    links: (peer) => links.get(key(peer)) ?? [],
    isPeer: (identity) => configs.has(key(identity)),
    addresses: () =>
      servers.map((server) => {
        const { address, port } = server.address() as AddressInfo
        return { host: address, port }
      }),
  }
}
