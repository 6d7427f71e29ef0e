// How this node reaches an access point with an order: over the connection that it opened (RadSec), or at its UDP port for such requests.
import { isIP } from 'node:net'
import type { Requester } from '../../core/transport/radius/client.ts'
import { createUdpClient } from '../../core/transport/radius/client-udp.ts'
import { createClientTable } from '../../core/transport/radius/clients.ts'
import type { Way } from './deliver.ts'
import type { SessionName } from './identification.ts'
import type { Maker } from './throttle.ts'

/** A RADIUS client over UDP, as configured. */
export interface ControlledClient {
  readonly name: string
  /** Address or network. */
  readonly address: string
  readonly secret: Uint8Array
  /** Where it takes orders; undefined: at its address, or that in NAS-IP-Address, and the usual port. */
  readonly control: { readonly host: string; readonly port: number } | undefined
  readonly maker: Maker | undefined
}

export interface WaysDeps {
  readonly clients: readonly ControlledClient[]
  /** Whether a client of this name comes over TLS, and its open connections. */
  readonly isSite: (client: string) => boolean
  readonly connections: (client: string) => readonly Requester[]
}

export interface Ways {
  wayTo(session: SessionName): Way | string | undefined
  close(): Promise<void>
}

/** Sockets kept open at most; beyond, all are closed and opened again as they are needed. */
const KEPT = 256

export function createWays(
  { clients, isSite, connections }: WaysDeps,
  { port, maker }: { readonly port: number; readonly maker: Maker },
): Ways {
  const byName = new Map(clients.map((client) => [client.name, client]))
  const requesters = new Map<string, Requester>()

  const hostOf = (client: ControlledClient, { nas }: SessionName): string | undefined => {
    if (client.control) return client.control.host
    if (!client.address.includes('/')) return client.address
    // A network of access points: what the access point says of itself counts only where it lies in it.
    return isIP(nas) !== 0 && createClientTable([client])(nas) === 0 ? nas : undefined
  }

  const requesterOf = (client: ControlledClient, host: string): Requester => {
    const at = { host, port: client.control?.port ?? port }
    const key = `${client.name} ${at.host} ${at.port}`
    const known = requesters.get(key)
    if (known) return known
    if (requesters.size >= KEPT) {
      for (const old of requesters.values()) void old.close()
      requesters.clear()
    }
    const made = createUdpClient({ ...at, secret: client.secret, sockets: 1 })
    requesters.set(key, made)
    return made
  }

  return {
    wayTo(session) {
      if (isSite(session.client)) {
        const [newest] = connections(session.client)
        return newest && { requester: newest, maker }
      }
      const client = byName.get(session.client)
      if (!client) return `radius.clients has no ${session.client} any more`
      const host = hostOf(client, session)
      if (host === undefined)
        return `nobody knows the address of ${session.nas}: set control of the client ${client.name}`
      return { requester: requesterOf(client, host), maker: client.maker ?? maker }
    },
    async close() {
      await Promise.all([...requesters.values()].map((requester) => requester.close()))
    },
  }
}
