// What an access point has to be told, whoever made it.
import { fail } from '../../../core/kernel/errors.ts'
import type { PasspointNetwork } from '../network.ts'

export interface UdpTransport {
  readonly kind: 'udp'
  readonly authenticationPort: number
  readonly accountingPort: number
  /** The access point's own; undefined where it must not be shown, and a mark stands in its place. */
  readonly secret: string | undefined
}

export interface RadsecTransport {
  readonly kind: 'radsec'
  /** Host name or IP address, as in the server's certificate. */
  readonly host: string
  readonly port: number
}

export interface AccessPoint {
  /** Id of the radio: a-z, 0-9, '.', '_', '-'. */
  readonly radio: string
  readonly nasIdentifier: string
  /** 12 lower-case hex digits. */
  readonly bssid: string | undefined
  readonly network: PasspointNetwork
  /** IP address of the RADIUS server, also the one from which it sends Disconnect and CoA requests. */
  readonly server: string
  readonly transport: UdpTransport | RadsecTransport
  readonly coaPort: number
  /** Seconds between interim updates. */
  readonly interim: number
}

/** Writes the configuration of one product. */
export interface Product {
  /** As people call it, with the version that the file is for. */
  readonly title: string
  /** Throws ACCESS_POINT_VALUE_UNFIT for what the product cannot be told. */
  format(accessPoint: AccessPoint): string
}

/** In the place of a secret that is not shown. */
export const SECRET_MARK = 'REPLACE-WITH-SHARED-SECRET'
/** RFC 6614 §2.3: over TLS the shared secret is this word. */
export const RADSEC_SECRET = 'radsec'
/** Where a generated file expects what `tallycell radio cert issue` writes, on access points that have a file system. */
export const certificateFiles = (radio: string) => ({
  authority: '/etc/tallycell/authority.crt',
  certificate: `/etc/tallycell/${radio}.crt`,
  key: `/etc/tallycell/${radio}.key`,
})

/** Server, ports and secret as a product sees them that has no TLS of its own: with RadSec, those of a proxy beside it. */
export function throughProxy({ server, transport }: AccessPoint): UdpTransport & { readonly server: string } {
  if (transport.kind === 'udp') return { ...transport, server }
  return {
    kind: 'udp',
    server: '127.0.0.1',
    authenticationPort: 1812,
    accountingPort: 1813,
    secret: RADSEC_SECRET,
  }
}

export const secretOf = ({ secret }: UdpTransport): string => secret ?? SECRET_MARK

/** `text`, unless it holds a control character or one of `forbidden`. A secret is named, never repeated. */
export function fit(product: string, what: string, text: string, forbidden?: RegExp): string {
  const found = /\p{Cc}/u.exec(text) ?? forbidden?.exec(text)
  if (!found) return text
  const problem = /\p{Cc}/u.test(found[0]) ? 'it holds a control character' : `it holds the character ${found[0]}`
  return fail('ACCESS_POINT_VALUE_UNFIT', { product, what, problem })
}

/** `text` with at most `limit` characters. */
export function short(product: string, what: string, text: string, limit: number): string {
  if (text.length <= limit) return text
  return fail('ACCESS_POINT_VALUE_UNFIT', { product, what, problem: `it is longer than ${limit} characters` })
}

/** Whole minutes, at least one, for products that count in them. */
export const minutes = (seconds: number): number => Math.max(1, Math.round(seconds / 60))

/** A file's head: for whom, for which product, what is left to do. */
export const about = ({ radio, network }: AccessPoint, title: string, ...notes: readonly string[]): string[] => [
  `${network.operator}: radio ${radio}, ${title}.`,
  ...notes,
]

/** IEEE 802.11-2020 table 9-330: credential type (5) SIM (1), USIM (2), certificate (6), by EAP method. */
export const CREDENTIAL_TYPE: Readonly<Record<number, number>> = { 13: 6, 18: 1, 23: 2, 50: 2 }
