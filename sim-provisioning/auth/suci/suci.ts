// The concealed identity of a subscriber (TS 33.501 §6.12.2, TS 23.003 §2.2B) as a value. What a peer sent may be nonsense: decoders
// and the deconcealing function give a fault, they never throw.
import type { Plmn } from '../plmn.ts'

export const NULL_SCHEME = 0
export const PROFILE_A = 1
export const PROFILE_B = 2

/** Whom the identity belongs to: a PLMN for an IMSI, a realm for a network-specific identifier. */
export type HomeNetwork = Plmn | { readonly realm: string }

export interface Suci {
  readonly home: HomeNetwork
  /** 1 to 4 decimal digits; 0 when the SIM has none. */
  readonly routingIndicator: string
  /** Protection scheme, 0 to 15. */
  readonly scheme: number
  /** Home network public key identifier, 0 to 255. */
  readonly keyId: number
  /** Scheme output: the plain octets in the null scheme, otherwise ephemeral public key, ciphertext and MAC. */
  readonly output: Uint8Array
}

export type SuciFaultKind =
  /** Not of the form of a SUCI. */
  | 'malformed'
  /** A SUPI type other than IMSI and network-specific identifier. */
  | 'supi-type'
  /** A protection scheme that is neither null, A nor B. */
  | 'scheme-unknown'
  /** Not concealed at all, and the home network does not want that. */
  | 'null-scheme'
  /** No key has that identifier. */
  | 'key-unknown'
  /** The key with that identifier is for the other profile. */
  | 'key-scheme'
  /** The scheme output is too short or too long for its profile. */
  | 'output-length'
  /** The ephemeral public key is not a point of the curve, or one of small order. */
  | 'point'
  /** The MAC does not match: made for another key, or changed on the way. */
  | 'mac'
  /** What was concealed is no identity. */
  | 'plain'

export interface SuciFault {
  readonly fault: SuciFaultKind
  /** The field that is wrong, in the words of TS 23.003 §28.7.3. */
  readonly field: string
}

export const suciFault = (fault: SuciFaultKind, field: string): SuciFault => ({ fault, field })

export function isSuciFault(value: unknown): value is SuciFault {
  return typeof value === 'object' && value !== null && (value as Partial<SuciFault>).fault !== undefined
}

/** The longest network access identifier that must be supported, octets (RFC 7542 §2.3). */
export const NAI_OCTETS = 253
/** The longest MSIN, octets: an IMSI has 15 digits and the shortest PLMN 5. */
export const MSIN_OCTETS = 5

const REALM = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i
/** A realm of RFC 7542 §2.2, ASCII only: labels of letters, digits and hyphens. */
export const isRealm = (text: string): boolean => text.length <= NAI_OCTETS && REALM.test(text)

/** Digits as packed by TS 24.501 Figure 9.11.3.4.3a: low half first, F at the end of an odd number. */
export function packDigits(digits: string): Uint8Array {
  const bytes = new Uint8Array((digits.length + 1) >> 1)
  for (let index = 0; index < bytes.length; index++) {
    const high = digits[2 * index + 1]
    bytes[index] = ((high === undefined ? 15 : Number(high)) << 4) | Number(digits[2 * index])
  }
  return bytes
}

/** The digits, or undefined when an octet holds anything but digits and an F at the very end. */
export function unpackDigits(bytes: Uint8Array): string | undefined {
  let digits = ''
  for (const [index, octet] of bytes.entries()) {
    const low = octet & 15
    const high = octet >> 4
    const last = index === bytes.length - 1
    if (low > 9 || (high > 9 && !(last && high === 15))) return undefined
    digits += high === 15 ? low : `${low}${high}`
  }
  return digits
}

/** The text of a user name, or undefined unless it is UTF-8 without control characters and '@', and fits a NAI. */
export function userName(plain: Uint8Array): string | undefined {
  if (plain.length === 0 || plain.length > NAI_OCTETS) return undefined
  const text = Buffer.from(plain).toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(plain) || /[\p{Cc}@]/u.test(text)) return undefined
  return text
}
