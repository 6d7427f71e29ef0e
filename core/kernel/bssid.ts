// The radio address of a Wi-Fi access point, in one form however it was written.
import { fail } from './errors.ts'
import type { Branded } from './ids.ts'

/** Basic service set identifier, a 48-bit MAC address: 12 lower-case hex digits. */
export type Bssid = Branded<string, 'Bssid'>

/**
 * RFC 3580 §3.20 writes `00-10-A4-23-19-C0:AP1`: the address with '-', then ':' and the SSID. Access points also write it in
 * pairs with ':' or '.', in fours (0010.a423.19c0), in halves (0010a4-2319c0), or without any separator.
 */
const NOTATION =
  /^(?:([0-9a-f]{12})|([0-9a-f]{2}([-:.])(?:[0-9a-f]{2}\3){4}[0-9a-f]{2})|([0-9a-f]{4}([-:.])[0-9a-f]{4}\5[0-9a-f]{4})|([0-9a-f]{6}[-:.][0-9a-f]{6}))(?::.*)?$/is

/** The longest value of a RADIUS attribute (RFC 2865 §5). */
const MAX_LENGTH = 253

/**
 * Reads a Called-Station-Id or a BSSID typed by a person. Undefined when `text` holds no address of one station: group addresses
 * (IEEE 802, first octet odd) and the zeros that an access point sends when it does not know are none.
 */
export function parseBssid(text: string): Bssid | undefined {
  if (text.length > MAX_LENGTH) return undefined
  let address = parsed.get(text)
  if (address === undefined) {
    if (parsed.size >= REMEMBERED) parsed.clear()
    address = parse(text) ?? null
    parsed.set(text, address)
  }
  return address ?? undefined
}

/** The same few access points name themselves in every packet. */
const parsed = new Map<string, Bssid | null>()
const REMEMBERED = 4096

function parse(text: string): Bssid | undefined {
  const match = NOTATION.exec(text)
  const written = match?.[1] ?? match?.[2] ?? match?.[4] ?? match?.[6]
  if (written === undefined) return undefined
  const digits = written.replace(/[-:.]/g, '').toLowerCase()
  const group = (Number.parseInt(digits.slice(0, 2), 16) & 1) === 1
  return group || digits === '000000000000' ? undefined : (digits as Bssid)
}

/** As `parseBssid`; throws `ID_INVALID`. */
export function bssid(text: string): Bssid {
  const address = parseBssid(text)
  if (address !== undefined) return address
  return fail('ID_INVALID', {
    what: 'BSSID',
    expected: "the access point's own MAC address, such as 00-11-22-33-44-55",
    came: text.slice(0, 64),
  })
}

/** As people read it: 00-11-22-33-44-55, the order and separator of RFC 3580 §3.20. */
export const formatBssid = (address: string): string => address.replace(/(..)(?=.)/g, '$1-')
