// Roaming: users of other operators are authenticated where they are at home, and their usage is told there too (RFC 2865 §2.3).
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { Counter, type Registry } from 'prom-client'
import type { Static } from 'typebox'
import { parseAddress } from '../../core/config/address.ts'
import type { Config } from '../../core/config/section.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail } from '../../core/kernel/errors.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { KeyStore } from '../../core/runtime/keys.ts'
import type { Part } from '../../core/runtime/module.ts'
import type { Store } from '../../core/store/store.ts'
import type { ReceivedRequest, Verdict } from '../../core/transport/radius/accounting-server.ts'
import type { Answer, RadiusReply } from '../../core/transport/radius/answer.ts'
import { createUdpClient } from '../../core/transport/radius/client-udp.ts'
import { createRadsecClient } from '../../core/transport/radius/radsec-client.ts'
import { CODE, octetsOf, type Packet, reader } from '../../core/wire/radius/packet.ts'
import { createForwarder } from './accounting.ts'
import { backward, loops, onward, type Terms } from './forward.ts'
import { askFirst, createServerPool, type HomeServer, type PoolOptions, type WatchedServer } from './pool.ts'
import { createRealmTable, type Routed } from './realm.ts'
import type { proxySettings } from './settings.ts'

type Settings = Static<typeof proxySettings>
type Handle = (batch: readonly ReceivedRequest[]) => Promise<readonly Verdict[]>

export interface ProxyDeps {
  readonly store: Store
  readonly keys: Pick<KeyStore, 'secret'>
  readonly clock: Clock
  readonly metrics: Registry
  readonly log: Logger
  /** The shared secret in a file. */
  readSecret(name: string, file: string): Uint8Array
}

export interface Proxy extends Part {
  /** Answers for users of other operators; all others are the inner one's. */
  access(inner: Answer): Answer
  /** Records all, and keeps what is the home servers' for them. */
  accounting(inner: Handle): Handle
}

interface Way {
  readonly realm: string
  readonly consortia: readonly string[]
  readonly servers: readonly WatchedServer[]
  readonly tunnels: boolean
}

const userName = reader('User-Name')
/** WBA, "Enhanced Reply-Message Syntax": what went wrong, for the access network; nothing for the user to see. */
const UNREACHABLE: RadiusReply = {
  code: CODE['Access-Reject'],
  attributes: [
    ['Reply-Message', '\0Reject-Reason=22'],
    ['Error-Cause', 'Other Proxy Processing Error'],
  ],
}
const LOOP: RadiusReply = {
  code: CODE['Access-Reject'],
  attributes: [
    ['Reply-Message', '\0Reject-Reason=20'],
    ['Error-Cause', 'Request Not Routable (Proxy)'],
  ],
}

/** Throws RADIUS_SERVER_INVALID, RADIUS_ROUTE_INVALID, RADIUS_SECRET_…. */
export function createProxy(
  deps: ProxyDeps,
  settings: Settings,
  config: Pick<Config, 'resolvePath'>,
  options: PoolOptions = {},
): Proxy {
  const { log } = deps
  const pool = createServerPool(
    settings.servers.map((server) => homeServer(server, deps, config)),
    log,
    options,
  )
  const ways = settings.routes.map(
    ({ realm, servers, consortia, tunnels }): Way => ({
      realm,
      consortia,
      tunnels,
      servers: servers.map((name) => pool.servers.get(name) ?? fail('RADIUS_ROUTE_INVALID', { realm, name })),
    }),
  )
  const table = createRealmTable(ways, settings.localRealms)
  const results = new Counter({
    name: 'tallycell_proxy_requests_total',
    help: 'Requests of roamers by what became of them',
    labelNames: ['result'],
    registers: [deps.metrics],
  })
  let tag: Uint8Array = new Uint8Array(0)
  const terms = (): Terms => ({
    tag,
    operatorName: settings.operatorName,
    offeredService: settings.offeredService,
  })
  const forwarder = createForwarder({
    ...deps,
    serversOf: (realm) => ways.find((way) => way.realm === realm)?.servers,
    terms,
    count: (result) => results.inc({ result }),
  })

  const routeOf = (packet: Packet): Routed<Way> | undefined => {
    if (ways.length === 0) return undefined
    const name = userName(packet)
    if (typeof name !== 'string') return undefined
    const consortium = octetsOf(packet, 'HS20-Roaming-Consortium')
    return table.routeOf(name, consortium && Buffer.from(consortium).toString('hex'))
  }

  const forward = async (
    { packet, hiding }: Parameters<Answer>[0],
    { route, userName: inner }: Routed<Way>,
  ): Promise<RadiusReply | undefined> => {
    if (loops(packet, tag)) {
      results.inc({ result: 'loop' })
      return LOOP
    }
    const answer = await askFirst(route.servers, 'access', {
      code: packet.code,
      attributes: (sealing) => onward(packet, hiding, sealing, inner, terms()),
    })
    const reply = answer && backward(answer, hiding, route.tunnels)
    results.inc({ result: reply ? 'answered' : 'unanswered' })
    return answer ? reply : UNREACHABLE
  }

  const keepFor = (request: ReceivedRequest): { readonly realm: string } | 'loop' | undefined => {
    const routed = routeOf(request.packet)
    if (!routed) return undefined
    return loops(request.packet, tag) ? 'loop' : routed.route
  }

  return {
    name: 'proxy',
    access: (inner) => (request) => {
      const routed = request.packet.code === CODE['Access-Request'] ? routeOf(request.packet) : undefined
      return routed ? forward(request, routed) : inner(request)
    },
    accounting:
      (inner) =>
      async (batch): Promise<readonly Verdict[]> => {
        const verdicts = [...(await inner(batch))]
        const kept = batch.flatMap((request, index) => {
          const way = verdicts[index] === 'accept' ? keepFor(request) : undefined
          if (way === 'loop') {
            results.inc({ result: 'loop' })
            verdicts[index] = 'ignore'
          }
          if (way === undefined || way === 'loop') return []
          const { packet, client, received } = request
          // The packet is a view of the whole batch.
          return [{ client: client.name, realm: way.realm, packet: Uint8Array.from(packet.bytes), received }]
        })
        if (kept.length > 0) await forwarder.keep(kept)
        return verdicts
      },
    async start() {
      tag = (await deps.keys.secret('radius-proxy', 16)).slice(0, 8)
      if (ways.length > 0) await forwarder.start()
    },
    async stop() {
      await pool.close()
      await forwarder.stop()
    },
    health: () => forwarder.health?.(),
  }
}

function homeServer(
  server: Settings['servers'][number],
  deps: ProxyDeps,
  config: Pick<Config, 'resolvePath'>,
): HomeServer {
  const { name, transport, statusServer } = server
  const invalid = (reason: string): never => fail('RADIUS_SERVER_INVALID', { name, reason })
  const address = parseAddress(server.address) ?? invalid(`its address ${server.address} is none`)
  if (transport === 'tls') {
    const { certificateFile, keyFile, authorityFile, serverName } = server
    if (certificateFile === undefined || keyFile === undefined || authorityFile === undefined)
      return invalid('tls needs certificateFile, keyFile and authorityFile')
    const read = (file: string): string => {
      try {
        return readFileSync(config.resolvePath(file), 'utf8')
      } catch (error) {
        return invalid(error instanceof Error ? error.message : '')
      }
    }
    const tls = { cert: read(certificateFile), key: read(keyFile), ca: read(authorityFile) }
    const requester = createRadsecClient(deps, { ...address, serverName, tls })
    return { name, statusServer, requesters: { access: requester, accounting: requester } }
  }
  if (server.secretFile === undefined) return invalid('udp needs secretFile')
  if (isIP(address.host) === 0) return invalid('over UDP its address has to be an IP address')
  const secret = deps.readSecret(name, config.resolvePath(server.secretFile))
  const accounting =
    server.accountingAddress === undefined
      ? { ...address, port: address.port + 1 }
      : (parseAddress(server.accountingAddress) ?? invalid('its accountingAddress is none'))
  return {
    name,
    statusServer,
    requesters: {
      access: createUdpClient({ ...address, secret }),
      accounting: createUdpClient({ ...accounting, secret }),
    },
  }
}
