// A Diameter node (RFC 6733): peers on one side, applications on the other, and requests between them served here or passed on.
import { randomInt } from 'node:crypto'
import type { Registry } from 'prom-client'
import type { Clock } from '../../kernel/clock.ts'
import { TallycellError } from '../../kernel/errors.ts'
import type { Logger } from '../../log/logger.ts'
import type { Part } from '../../runtime/module.ts'
import { putU32 } from '../../wire/bytes/integers.ts'
import type { AvpInput } from '../../wire/diameter/dictionary.ts'
import { encode } from '../../wire/diameter/encode.ts'
import { FLAG, type Message, rawAvps } from '../../wire/diameter/message.ts'
import { createAdmission } from './admission.ts'
import { looped, type Origin, refuse } from './answers.ts'
import type { DiameterApplication } from './application.ts'
import type { Connection } from './connection.ts'
import { createDuplicates } from './duplicates.ts'
import type { Link } from './link.ts'
import { createNodeMetrics } from './metrics.ts'
import { createPeers, type ListenAt, type PeerConfig } from './peers.ts'
import { createPending } from './pending.ts'
import { createService } from './requests.ts'
import { type Decision, type RealmRoute, route } from './routes.ts'

export interface DiameterNodeDeps {
  readonly log: Logger
  readonly metrics: Registry
  readonly clock: Clock
  /**
   * The realm that answers a request where it is not the one in Destination-Realm: by IMSI for a partner with a charging system of its own.
   * Undefined leaves the request as it is.
   */
  homeRealm?(message: Message): string | undefined
}

export interface DiameterNodeOptions {
  /** Our Origin-Host and Origin-Realm. */
  readonly identity: string
  readonly realm: string
  /** Further realms that are answered here. */
  readonly realms?: readonly string[]
  readonly applications: readonly DiameterApplication[]
  readonly listen: readonly ListenAt[]
  readonly peers: readonly PeerConfig[]
  readonly routes?: readonly RealmRoute[]
  /** Applications that are passed on but not served here. Relays of everything say 0xffffffff; Open5GS then sends its Gx here too. */
  readonly relayed?: readonly { readonly id: number; readonly vendor?: number }[]
  /** Origin-State-Id: larger at each start (RFC 6733 §8.16). Default: the seconds since 1970. */
  readonly originStateId?: number
  /** Milliseconds in which a request is answered or not at all. Default 2000. */
  readonly answerWithin?: number
  /** Longest wait before requests are refused with DIAMETER_TOO_BUSY, milliseconds. Default half of `answerWithin`. */
  readonly busyAfter?: number
  /** Requests in progress at most. Default 16,384. */
  readonly maxOutstanding?: number
  /** How long an answer is kept for repetitions, milliseconds. Default 240,000 (RFC 6733 §3). */
  readonly answerLifetime?: number
  /** The most answers kept. Default 65,536. */
  readonly maxAnswers?: number
  /** Tw, milliseconds. Default 30,000. */
  readonly watchdog?: number
  /** Time to a new attempt to connect: at first and at most, milliseconds. Default 1000 and 30,000. */
  readonly reconnect?: readonly [number, number]
  /** For CER and DPR, milliseconds. Default 5000. */
  readonly handshake?: number
  /** Octets of the longest message that is read. Default 65,536. */
  readonly maxMessage?: number
}

export interface OwnRequest {
  readonly application: number
  readonly command: number
  /** All AVPs but Origin-Host and Origin-Realm, Session-Id first. */
  readonly avps: readonly AvpInput[]
  /** Peers to ask, in order of preference. */
  readonly peers: readonly string[]
  /** Milliseconds. Default 5000. */
  readonly within?: number
}

export interface DiameterNode extends Part {
  addresses(): readonly { readonly host: string; readonly port: number }[]
  /** Peers with an open connection. */
  connected(): readonly string[]
  /** Sends a request of ours (RAR, ASR) and resolves with the answer, whatever its result; rejects with DIAMETER_NO_PEER, DIAMETER_NO_ANSWER. */
  request(request: OwnRequest): Promise<Message>
}

type No = (result: number, text: string) => void

const DESTINATION_REALM = 283
const DESTINATION_HOST = 293
/** How long a relayed request may be away: longer than its sender waits. */
const RELAY_PATIENCE = 30_000
/** Hosts whose Origin-State-Id is remembered. */
const MAX_HOSTS = 4096

/** Throws `DIAMETER_IDENTITY_INVALID`, `DIAMETER_PEER_TWICE`; `start` rejects with `DIAMETER_LISTEN_FAILED`. */
export function createDiameterNode(deps: DiameterNodeDeps, options: DiameterNodeOptions): DiameterNode {
  const { log, clock } = deps
  const origin: Origin = { identity: options.identity, realm: options.realm }
  const now = Number(clock())
  const relayed = options.relayed ?? []
  const answerWithin = options.answerWithin ?? 2000
  const states = new Map<string, number>()
  // Unique for a while even across a restart (RFC 6733 §3): the low 12 bits of the time above 20 that begin anywhere.
  let lastEndToEnd = (Math.floor(now / 1000) % 4096) * 0x10_0000 + randomInt(0x10_0000)
  const endToEnd = (): number => {
    lastEndToEnd = (lastEndToEnd + 1) >>> 0
    return lastEndToEnd
  }

  const admission = createAdmission({
    limit: options.busyAfter ?? answerWithin / 2,
    capacity: options.maxOutstanding ?? 16_384,
  })
  const metrics = createNodeMetrics(deps.metrics, {
    outstanding: () => admission.size(),
    open: () => new Map(options.peers.map(({ identity }) => [identity, peers.links(identity).filter(isOpen).length])),
  })
  const service = createService({
    origin,
    applications: options.applications,
    duplicates: createDuplicates({
      lifetime: options.answerLifetime ?? 240_000,
      capacity: options.maxAnswers ?? 65_536,
    }),
    admission,
    metrics,
    log,
    clock,
    answerWithin,
  })
  const pending = createPending((peer) => peers.links(peer), randomInt(0x1_0000_0000 - 1))

  const peers = createPeers(
    {
      local: {
        ...origin,
        applications: [
          ...options.applications.map(({ id, vendor }) => ({ id, ...(vendor === undefined ? {} : { vendor }) })),
          ...relayed,
        ],
        originStateId: options.originStateId ?? Math.floor(now / 1000),
        product: 'Tallycell',
      },
      listen: options.listen,
      peers: options.peers,
      times: {
        reconnectFirst: options.reconnect?.[0] ?? 1000,
        reconnectLast: options.reconnect?.[1] ?? 30_000,
        handshake: options.handshake ?? 5000,
        watchdog: options.watchdog ?? 30_000,
      },
      maxMessage: options.maxMessage ?? 65_536,
    },
    {
      log,
      metrics: () => metrics,
      message(message, link, connection) {
        if ((message.flags & FLAG.request) !== 0) return incoming(message, link, connection)
        if (!pending.answer(link, message)) metrics.dropped('unexpected-answer')
      },
      failover: (link) => pending.failover(link),
      originState(host, state) {
        const key = host.toLowerCase()
        if (states.get(key) === state) return
        if (states.size >= MAX_HOSTS) states.clear()
        states.set(key, state)
        for (const application of options.applications) application.originState?.(host, state)
      },
      endToEnd,
      random: Math.random,
    },
  )
  const isOpen = (link: Link): boolean => link.state() === 'r-open' || link.state() === 'i-open'
  const routing = {
    identity: options.identity,
    realms: [options.realm, ...(options.realms ?? [])],
    routes: options.routes ?? [],
    isPeer: peers.isPeer,
  }

  const incoming = (message: Message, link: Link, connection: Connection): void => {
    const { hopByHop } = message
    const reply = (octets: Uint8Array): void => {
      const own = Buffer.from(octets)
      putU32(own, 12, hopByHop)
      connection.send(own)
    }
    const no: No = (result, text) => {
      metrics.request('refused')
      reply(refuse(message, message, origin, { result, failed: [], text }))
    }
    const home = deps.homeRealm?.(message)
    const away = home === undefined || routing.realms.includes(home) ? undefined : home
    const decision = decide(message, away)
    if (decision.to === 'nowhere') no(decision.result, decision.text)
    else if (decision.to === 'peers') relay(message, link, decision.peers, away, reply, no)
    else {
      const realm = link.capabilities()?.realm ?? ''
      service.serve(message, { identity: link.peer, realm, address: connection.remote }, reply)
    }
  }

  const decide = (message: Message, home: string | undefined): Decision => {
    const nowhere = (result: number, text: string): Decision => ({ to: 'nowhere', result, text })
    // R and E together say nothing that a request could mean (RFC 6733 §3).
    if ((message.flags & FLAG.error) !== 0) return nowhere(3008, 'the E flag is set in a request')
    if (message.application === 0) return nowhere(3001, `command ${message.command} is not served here`)
    if (looped(message, options.identity)) return nowhere(3005, `${options.identity} is in a Route-Record`)
    const decision = route(message, routing, home)
    return decision.to === 'peers' && (message.flags & FLAG.proxiable) === 0
      ? nowhere(3002, 'the request may not be passed on')
      : decision
  }

  /** Passes a request on, with a Route-Record of whom it came from (RFC 6733 §6.1.9), and its answer back. */
  const relay = (
    message: Message,
    link: Link,
    to: readonly string[],
    realm: string | undefined,
    reply: (octets: Uint8Array) => void,
    no: No,
  ): void => {
    const kept = rawAvps(message).filter(
      ({ code, vendor }) =>
        realm === undefined || vendor !== 0 || (code !== DESTINATION_REALM && code !== DESTINATION_HOST),
    )
    const avps: AvpInput[] = [
      ...kept,
      ...(realm === undefined ? [] : [['Destination-Realm', realm] as const]),
      ['Route-Record', link.peer],
    ]
    metrics.request('relayed')
    pending.send(
      {
        octets: encode({ ...message, avps }),
        peers: to.filter((peer) => peer.toLowerCase() !== link.peer.toLowerCase()),
        answered: (given) => reply(given.bytes),
        failed: () => no(3002, `no answer from ${to.join(', ')}`),
      },
      RELAY_PATIENCE,
    )
  }

  return {
    name: 'diameter',
    async start() {
      await peers.start()
      for (const { host, port } of peers.addresses()) log.info({ host, port }, 'Diameter node is listening')
    },
    async stop() {
      await service.idle()
      await peers.stop()
      pending.clear()
      await service.idle()
    },
    health() {
      const absent = options.peers.filter(
        ({ identity, connect }) => connect !== undefined && !peers.links(identity).some(isOpen),
      )
      return absent.length === 0
        ? undefined
        : `no connection to the Diameter peers ${absent.map(({ identity }) => identity).join(', ')}`
    },
    addresses: peers.addresses,
    connected: () =>
      options.peers.map(({ identity }) => identity).filter((identity) => peers.links(identity).some(isOpen)),
    request({ application, command, avps, peers: to, within = 5000 }) {
      const [first, ...rest] = avps
      const from: AvpInput[] = [
        ['Origin-Host', options.identity],
        ['Origin-Realm', options.realm],
      ]
      const octets = encode({
        flags: FLAG.request | FLAG.proxiable,
        command,
        application,
        hopByHop: 0,
        endToEnd: endToEnd(),
        avps: first === undefined ? from : [first, ...from, ...rest],
      })
      const destination = to.join(', ')
      return new Promise((resolve, reject) => {
        const failed = (why: 'no-peer' | 'timeout'): void =>
          reject(
            why === 'no-peer'
              ? new TallycellError('DIAMETER_NO_PEER', { destination })
              : new TallycellError('DIAMETER_NO_ANSWER', { destination, milliseconds: within }),
          )
        pending.send({ octets, peers: to, answered: resolve, failed }, within)
      })
    },
  }
}
