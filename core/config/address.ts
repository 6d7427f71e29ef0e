// An address to listen on or to call: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`.
import { isIPv6 } from 'node:net'

export interface Address {
  /** IPv4 or IPv6 address without brackets, or a host name. */
  readonly host: string
  /** 0 to 65535; 0 lets the system choose. */
  readonly port: number
}

/** For a schema: host and port; IPv6 in brackets. */
export const ADDRESS_PATTERN = '^(\\[[0-9a-fA-F:.%a-z]+\\]|[^\\s:\\[\\]]+):[0-9]{1,5}$'

/** Parses `host:port`; undefined when it is something else. */
export function parseAddress(text: string): Address | undefined {
  if (!new RegExp(ADDRESS_PATTERN).test(text)) return undefined
  const colon = text.lastIndexOf(':')
  const port = Number(text.slice(colon + 1))
  const name = text.slice(0, colon)
  const host = name.startsWith('[') ? name.slice(1, -1) : name
  return port <= 65_535 && (host === name || isIPv6(host)) ? { host, port } : undefined
}

/** The inverse of `parseAddress`. */
export const formatAddress = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
