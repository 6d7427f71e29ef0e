// Where webhooks may lead. Partners name the address, and our machine opens the connection: without this guard they could reach what only
// our machine can (RFC 9110 §17.1 calls it the reach of an intermediary; OWASP, server-side request forgery).
import { type LookupAddress, lookup as resolve } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { refuseRequest } from '../check.ts'
import type { PartnerSettings } from '../settings.ts'

export type Targets = PartnerSettings['webhookTargets']

// IANA special-purpose registries (RFC 6890 and updates), multicast and reserved addresses: nothing of the public Internet.
const SPECIAL_V4: readonly (readonly [string, number])[] = [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
  ] as const),
  ...([
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ] as const),
]
// Of IPv6 only 2000::/3 is public; in it lie these, which are not, or which carry IPv4 addresses.
const SPECIAL_V6: readonly (readonly [string, number])[] = [
  ...([
    ['2001::', 23],
    ['2001:db8::', 32],
    ['2002::', 16],
    ['3fff::', 20],
  ] as const),
]

const special = new BlockList()
for (const [network, prefix] of SPECIAL_V4) special.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of SPECIAL_V6) special.addSubnet(network, prefix, 'ipv6')
const global = new BlockList()
global.addSubnet('2000::', 3, 'ipv6')

/** Whether an address literal is of the public Internet. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !special.check(address, 'ipv4')
  return isIP(address) === 6 && global.check(address, 'ipv6') && !special.check(address, 'ipv6')
}

const LOCAL_NAME = /(^|\.)(localhost|local|internal|intranet|lan|home\.arpa|onion|invalid|test)\.?$/i

/** What is wrong with the address of a webhook; undefined when it may be used. */
export function targetFault(text: string, targets: Targets): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return 'expected an https:// address'
  if (url.username !== '' || url.password !== '') return 'expected an address without user and password'
  if (url.hash !== '') return 'expected an address without a fragment'
  if (targets === 'any') return undefined
  if (url.protocol !== 'https:') return 'expected an https:// address: http is not encrypted'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) === 0) return LOCAL_NAME.test(host) ? 'expected a name of the public Internet' : undefined
  return isPublic(host) ? undefined : 'expected an address of the public Internet'
}

/** Throws PARTNER_REQUEST_INVALID. */
export function checkTarget(url: string, targets: Targets): void {
  const detail = targetFault(url, targets)
  if (detail !== undefined) refuseRequest([{ pointer: 'body/url', detail }])
}

/**
 * For the connection itself: what a name means is looked at when it is used, so that one that meant a public address when it was registered
 * cannot lead inside later.
 */
export const guardedLookup =
  (targets: Targets): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, [])
      const [first] = addresses
      if (!first || (targets === 'public' && addresses.some(({ address }) => !isPublic(address))))
        return callback(new Error(`${hostname} is no address of the public Internet`), [])
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
