// 3GPP-User-Location-Info (TS 29.061 §16.4.7.2, coded as in TS 29.274 §8.21) and 3GPP-RAT-Type: where a phone is, and over which radio.
import { u8, u16, u24, u32 } from '../bytes/integers.ts'

/** Names of what serves the phone, the most exact first, as a radio's owner writes them: PLMN digits, '-', hex digits of the identity. */
export interface UserLocation {
  /** MCC and MNC digits. */
  readonly plmn: string
  /**
   * ECI (7 hex digits) and its macro eNB (5), NCI (9), TAC (4, in 5GS 6); TS 23.003 §19.4.2.3, §19.6, §19.6A. Empty for the older kinds that
   * name no cell of ours.
   */
  readonly cells: readonly string[]
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

/** MCC and MNC, 5 or 6 digits, from three octets (TS 24.008 §10.5.1.13); undefined where one is no digit. */
function plmnAt(bytes: Uint8Array, at: number): string | undefined {
  const [a, b, c] = [u8(bytes, at), u8(bytes, at + 1), u8(bytes, at + 2)]
  const digits = [a & 15, a >> 4, b & 15, c & 15, c >> 4]
  if (b >> 4 !== 15) digits.push(b >> 4)
  return digits.every((digit) => digit <= 9) ? digits.join('') : undefined
}

interface Part {
  readonly length: number
  /** Identities after the PLMN at `at`, the most exact first. */
  names(bytes: Uint8Array, at: number): readonly string[]
}

const TAI: Part = { length: 5, names: (bytes, at) => [hex(u16(bytes, at), 4)] }
const ECGI: Part = {
  length: 7,
  names(bytes, at) {
    const eci = u32(bytes, at) & 0x0fff_ffff
    return [hex(eci, 7), hex(eci >>> 8, 5)]
  },
}
const ENODEB: Part = { length: 6, names: (bytes, at) => [hex(u24(bytes, at) & 0x0f_ffff, 5)] }
/** 18 or 21 bits, told by the first (TS 36.413 §9.2.1.37): no name that an owner would have registered. */
const EXTENDED_ENODEB: Part = { length: 6, names: () => [] }
const NCGI: Part = {
  length: 8,
  names: (bytes, at) => [hex(u8(bytes, at) & 15, 1) + hex(u32(bytes, at + 1), 8)],
}
const TAI_5GS: Part = { length: 6, names: (bytes, at) => [hex(u24(bytes, at), 6)] }
const NAMELESS: Part = { length: 7, names: () => [] }
const NG_RAN_NODE: Part = { length: 7, names: () => [] }

/** By geographic location type; parts in the order in which they stand. */
const KINDS: Readonly<Record<number, readonly Part[]>> = {
  0: [NAMELESS],
  1: [NAMELESS],
  2: [NAMELESS],
  128: [TAI],
  129: [ECGI],
  130: [TAI, ECGI],
  131: [ENODEB],
  132: [TAI, ENODEB],
  133: [EXTENDED_ENODEB],
  134: [TAI, EXTENDED_ENODEB],
  135: [NCGI],
  136: [TAI_5GS],
  137: [TAI_5GS, NCGI],
  138: [NG_RAN_NODE],
  139: [TAI_5GS, NG_RAN_NODE],
}

/** Undefined for a kind that is not known, a wrong length, or digits that are none. */
export function readUserLocation(bytes: Uint8Array): UserLocation | undefined {
  const parts = bytes.length > 0 ? KINDS[u8(bytes, 0)] : undefined
  const length = parts?.reduce((sum, part) => sum + part.length, 1)
  if (parts === undefined || length !== bytes.length) return undefined
  const cells: string[] = []
  let plmn: string | undefined
  let at = 1
  for (const part of parts) {
    plmn = plmnAt(bytes, at)
    if (plmn === undefined) return undefined
    // What stands last is the most exact.
    cells.unshift(...part.names(bytes, at + 3).map((name) => `${plmn}-${name}`))
    at += part.length
  }
  return plmn === undefined ? undefined : { plmn, cells }
}

/** TS 29.061 §16.4.7.2, TS 29.274 §8.17: the radio technologies that we know; undefined for others and for what is no such value. */
export function accessOf(ratType: Uint8Array): 'wifi' | 'lte' | 'nr' | undefined {
  if (ratType.length !== 1) return undefined
  switch (u8(ratType, 0)) {
    case 3:
      return 'wifi'
    case 6:
    case 8:
    case 9:
      return 'lte'
    case 10:
    case 51:
    case 52:
    case 53:
      return 'nr'
    default:
      return undefined
  }
}
