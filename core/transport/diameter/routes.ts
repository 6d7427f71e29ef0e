// Where a request goes (RFC 6733 §6.1): here, to a peer by name, or to the peers of a realm.
import { isFault } from '../../wire/diameter/fault.ts'
import { get, type Message } from '../../wire/diameter/message.ts'

export interface RealmRoute {
  /** Destination-Realm, whole. */
  readonly realm: string
  /** Application identifier; all when left out. */
  readonly application?: number
  /** Origin-Hosts of the peers, in order of preference. */
  readonly peers: readonly string[]
}

export interface Routing {
  readonly identity: string
  /** Realms that are answered here. */
  readonly realms: readonly string[]
  readonly routes: readonly RealmRoute[]
  /** Whether a peer of this name is configured. */
  isPeer(identity: string): boolean
}

export type Decision =
  | { readonly to: 'here' }
  | { readonly to: 'peers'; readonly peers: readonly string[] }
  /** With the Result-Code to say so. */
  | { readonly to: 'nowhere'; readonly result: number; readonly text: string }

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
const text = (value: unknown): string | undefined => (isFault(value) ? undefined : (value as string | undefined))

/**
 * The way of a request. `home` is the realm that its subscriber belongs to where that is not the one it names: a gateway that knows one
 * realm only sends everything there, and the operator in between has to tell whose subscriber it is.
 */
export function route(message: Message, routing: Routing, home?: string): Decision {
  const host = home === undefined ? text(get(message, 'Destination-Host')) : undefined
  const realm = home ?? text(get(message, 'Destination-Realm'))
  if (host !== undefined && same(host, routing.identity)) return { to: 'here' }
  if (host !== undefined && routing.isPeer(host)) return { to: 'peers', peers: [host] }
  if (realm === undefined || routing.realms.some((ours) => same(ours, realm))) {
    if (host === undefined) return { to: 'here' }
    return { to: 'nowhere', result: 3002, text: `${host} is not connected` }
  }
  const found = routing.routes.find(
    (each) => same(each.realm, realm) && (each.application === undefined || each.application === message.application),
  )
  return found === undefined
    ? { to: 'nowhere', result: 3003, text: `realm ${realm} is not served` }
    : { to: 'peers', peers: found.peers }
}
