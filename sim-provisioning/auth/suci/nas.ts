// A SUCI as octets: the contents of the 5GS mobile identity on the air (TS 24.501 §9.11.3.4), from the type of identity on. Of an
// identity that is a NAI they are one octet and its text (nai.ts).
import { decodePlmn, encodePlmn } from '../plmn.ts'
import { formatNai, parseNai } from './nai.ts'
import { isSuciFault, type Suci, type SuciFault, suciFault } from './suci.ts'

const TYPE_SUCI = 1
const FORMAT_IMSI = 0
const FORMAT_NSI = 1
const HEADER = 8
/** Longer than anything that could be right. */
const LIMIT = 1024

/** Reads the octets of a mobile identity of type SUCI. */
export function decodeSuci(bytes: Uint8Array): Suci | SuciFault {
  const first = bytes[0]
  // Bits 4 and 8 are spare and 0.
  if (first === undefined || bytes.length > LIMIT || (first & 0x8f) !== TYPE_SUCI) {
    return suciFault('malformed', 'type of identity')
  }
  const format = first >> 4
  if (format === FORMAT_NSI) return decodeNsi(bytes.subarray(1))
  if (format !== FORMAT_IMSI) return suciFault('supi-type', 'SUPI format')
  const home = decodePlmn(bytes, 1)
  if (home === undefined) return suciFault('malformed', 'home network identifier')
  if (bytes.length <= HEADER) return suciFault('malformed', 'scheme output')
  const routingIndicator = decodeRoutingIndicator(bytes.subarray(4, 6))
  if (routingIndicator === undefined) return suciFault('malformed', 'routing indicator')
  const scheme = bytes[6] as number
  if (scheme > 15) return suciFault('malformed', 'protection scheme identifier')
  return { home, routingIndicator, scheme, keyId: bytes[7] as number, output: Uint8Array.from(bytes.subarray(HEADER)) }
}

function decodeNsi(bytes: Uint8Array): Suci | SuciFault {
  const text = Buffer.from(bytes).toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? parseNai(text) : suciFault('malformed', 'NAI')
}

/** One to four digits from the left, the rest F (TS 24.501 Figure 9.11.3.4.3); a SIM without one sends 0. */
function decodeRoutingIndicator(bytes: Uint8Array): string | undefined {
  const nibbles = Array.from(bytes, (octet) => (octet & 15).toString(16) + (octet >> 4).toString(16)).join('')
  return /^([0-9]{1,4})f*$/.exec(nibbles)?.[1]
}

/** Writes the octets of a mobile identity of type SUCI, or gives a fault where a NAI cannot be written. */
export function encodeSuci(suci: Suci): Uint8Array | SuciFault {
  const { home, routingIndicator, scheme, keyId, output } = suci
  if ('realm' in home) {
    const text = formatNai(suci)
    if (isSuciFault(text)) return text
    return Uint8Array.of((FORMAT_NSI << 4) | TYPE_SUCI, ...Buffer.from(text, 'utf8'))
  }
  const digits = routingIndicator.padEnd(4, 'f')
  const bytes = new Uint8Array(HEADER + output.length)
  bytes[0] = (FORMAT_IMSI << 4) | TYPE_SUCI
  bytes.set(encodePlmn(home), 1)
  bytes[4] = Number.parseInt(`${digits[1]}${digits[0]}`, 16)
  bytes[5] = Number.parseInt(`${digits[3]}${digits[2]}`, 16)
  bytes[6] = scheme
  bytes[7] = keyId
  bytes.set(output, HEADER)
  return bytes
}
