// The home servers of a route: the first that is up is asked, the next one when it stays silent; a silent one is asked by Status-Server until
// it is back (RFC 5997 §4).
import type { Logger } from '../../core/log/logger.ts'
import {
  isSilence,
  type Order,
  type PeerReply,
  type Requester,
  type Silence,
} from '../../core/transport/radius/client.ts'
import { STATUS_SERVER } from '../../core/transport/radius/client-udp.ts'

/** What goes to one port over UDP and to another; one connection over TLS. */
export type Service = 'access' | 'accounting'

export interface HomeServer {
  readonly name: string
  readonly requesters: Readonly<Record<Service, Requester>>
  readonly statusServer: boolean
}

export interface PoolOptions {
  /** For one server, retransmissions included, milliseconds. */
  readonly patience?: number
  /** Between two questions to a server that is silent, milliseconds; one that does not answer Status-Server is tried anew after six times as long. */
  readonly probe?: number
}

export interface ServerPool {
  readonly servers: ReadonlyMap<string, WatchedServer>
  close(): Promise<void>
}

export interface WatchedServer {
  readonly name: string
  up(): boolean
  request(service: Service, order: Omit<Order, 'patience'>): Promise<PeerReply | Silence>
}

/** Silences in a row that make a server count as down. */
const SILENCES = 2
/** Answers in a row that make it count as up again. */
const ANSWERS = 2

export function createServerPool(
  homes: readonly HomeServer[],
  log: Logger,
  { patience = 5000, probe = 10_000 }: PoolOptions = {},
): ServerPool {
  const timers = new Set<NodeJS.Timeout>()

  const watch = ({ name, requesters, statusServer }: HomeServer): WatchedServer => {
    let silences = 0
    let down = false

    const later = (work: () => void, pause: number): void => {
      const timer = setTimeout(
        () => {
          timers.delete(timer)
          work()
        },
        pause * (0.9 + Math.random() / 5),
      )
      timer.unref()
      timers.add(timer)
    }

    const revive = (): void => {
      down = false
      silences = 0
      log.info({ server: name }, 'a home server answers again')
    }

    const ask = async (answers: number): Promise<void> => {
      const answer = await requesters.access.request({ ...STATUS_SERVER, patience })
      const row = isSilence(answer) ? 0 : answers + 1
      if (row >= ANSWERS) revive()
      else later(() => void ask(row), probe)
    }

    const silent = (reason: Silence): void => {
      if (reason === 'busy' || down || ++silences < SILENCES) return
      down = true
      log.warn({ server: name, reason }, 'a home server does not answer')
      if (statusServer) later(() => void ask(0), probe)
      else later(revive, probe * 6)
    }

    return {
      name,
      up: () => !down,
      async request(service, order) {
        const answer = await requesters[service].request({ ...order, patience })
        if (isSilence(answer)) silent(answer)
        else silences = 0
        return answer
      },
    }
  }

  return {
    servers: new Map(homes.map((home) => [home.name, watch(home)])),
    async close() {
      for (const timer of timers) clearTimeout(timer)
      const all = new Set(homes.flatMap(({ requesters }) => [requesters.access, requesters.accounting]))
      await Promise.all([...all].map((requester) => requester.close()))
    },
  }
}

/** Asks the servers in turn, those that are up first; undefined when none answers. */
export async function askFirst(
  servers: readonly WatchedServer[],
  service: Service,
  order: Omit<Order, 'patience'>,
): Promise<PeerReply | undefined> {
  const up = servers.filter((server) => server.up())
  // When all are down the first may be back before its next Status-Server.
  for (const server of up.length > 0 ? up : servers.slice(0, 1)) {
    const answer = await server.request(service, order)
    if (!isSilence(answer)) return answer
  }
  return undefined
}
