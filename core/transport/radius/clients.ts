// Which client is this address? The longest prefix that holds it wins; IPv4 and IPv4-mapped IPv6 are one.
import { fail } from '../../kernel/errors.ts'
import { parseAddress } from '../../wire/bytes/address.ts'
import { u8 } from '../../wire/bytes/integers.ts'
import { MAX_SECRET } from '../../wire/radius/authenticator.ts'

/** Who may send. */
export interface RadiusClient {
  /** For people: logs name it. */
  readonly name: string
  /** An IPv4 or IPv6 address, or a prefix `address/length` without host bits. */
  readonly address: string
}

export interface RadiusClientSecret extends RadiusClient {
  /** The shared secret, 1 to 256 octets. */
  readonly secret: Uint8Array
}

/** Answers are remembered for this many addresses. */
const REMEMBERED = 4096

/** Address with its host bits cleared, as a key; `bits` as of an IPv6 prefix. */
function network(address: Uint8Array, bits: number): string {
  let key = ''
  for (let index = 0; index * 8 < bits; index++) {
    const kept = Math.min(8, bits - index * 8)
    key += String.fromCharCode(u8(address, index) & (0xff00 >> kept))
  }
  return key
}

function parsePrefix({ name, address }: RadiusClient): { bits: number; key: string } {
  const [text = '', length, ...rest] = address.split('/')
  const octets = parseAddress(text)
  const full = text.includes(':') ? 128 : 32
  const given = length === undefined ? full : /^[0-9]{1,3}$/.test(length) ? Number(length) : -1
  if (octets === undefined || rest.length > 0 || given < 0 || given > full) {
    return fail('RADIUS_CLIENT_INVALID', { name, address })
  }
  const bits = given + 128 - full
  const key = network(octets, bits)
  if (network(octets, 128) !== key.padEnd(16, '\0')) fail('RADIUS_CLIENT_INVALID', { name, address })
  return { bits, key }
}

/**
 * Checks the clients and returns a look-up from a source address to an index in `clients`, -1 for a stranger.
 * Throws `RADIUS_CLIENT_INVALID`, `RADIUS_CLIENT_TWICE`, `RADIUS_SECRET_INVALID`.
 */
export function createClientTable(clients: readonly RadiusClientSecret[]): (address: string) => number {
  const byLength = new Map<number, Map<string, number>>()
  for (const [index, client] of clients.entries()) {
    const { name, secret } = client
    if (secret.length === 0 || secret.length > MAX_SECRET) {
      fail('RADIUS_SECRET_INVALID', { name, length: secret.length, limit: MAX_SECRET })
    }
    const { bits, key } = parsePrefix(client)
    const networks = byLength.get(bits) ?? new Map<string, number>()
    const other = networks.get(key)
    if (other !== undefined) fail('RADIUS_CLIENT_TWICE', { first: clients[other]?.name ?? '', second: name })
    networks.set(key, index)
    byLength.set(bits, networks)
  }
  const longestFirst = [...byLength].sort(([a], [b]) => b - a)
  const remembered = new Map<string, number>()

  return (source) => {
    const known = remembered.get(source)
    if (known !== undefined) return known
    // A link-local source carries its interface after a percent sign (RFC 4007 §11).
    const octets = parseAddress(source.split('%', 1)[0] ?? source)
    if (octets === undefined) return -1
    for (const [bits, networks] of longestFirst) {
      const index = networks.get(network(octets, bits))
      if (index === undefined) continue
      if (remembered.size >= REMEMBERED) remembered.clear()
      remembered.set(source, index)
      return index
    }
    return -1
  }
}

/** The kind of socket for an address to bind to, undefined when it is none. */
export function familyOf(host: string): 'udp4' | 'udp6' | undefined {
  if (parseAddress(host) === undefined) return undefined
  return host.includes(':') ? 'udp6' : 'udp4'
}
