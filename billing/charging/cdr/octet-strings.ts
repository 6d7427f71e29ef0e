// The octet strings of TS 32.298 that have a form of their own, and IPAddress: reading and writing side by side.
import { type Imsi, imsi } from '../../../core/kernel/ids.ts'
import { type Millis, millis } from '../../../core/kernel/units.ts'
import { context } from '../../../core/wire/ber/element.ts'
import { berFault, isBerFault } from '../../../core/wire/ber/fault.ts'
import { type BerType, explicit, mapped, required, sequence } from '../../../core/wire/ber/type.ts'
import { ia5String, octetString, unsigned } from '../../../core/wire/ber/values.ts'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../../core/wire/bytes/address.ts'
import { putU32, u8 } from '../../../core/wire/bytes/integers.ts'

const FILLER = 0xf

/** Digits as TBCD-STRING (TS 29.002 §17.7.8): the first in the lower half of its octet, an odd end filled with 1111. */
function writeTbcd(digits: string): Uint8Array {
  const octets = new Uint8Array(Math.ceil(digits.length / 2))
  for (let at = 0; at < octets.length; at++) {
    const high = digits[at * 2 + 1]
    octets[at] = Number(digits[at * 2]) | ((high === undefined ? FILLER : Number(high)) << 4)
  }
  return octets
}

/** Undefined for anything but decimal digits with a filler at the very end at most. */
function readTbcd(octets: Uint8Array): string | undefined {
  let digits = ''
  for (const [at, octet] of octets.entries()) {
    const low = octet & 0xf
    const high = octet >> 4
    const last = at === octets.length - 1
    if (low > 9 || (high > 9 && !(last && high === FILLER))) return undefined
    digits += high === FILLER ? `${low}` : `${low}${high}`
  }
  return digits
}

/** IMSI ::= TBCD-STRING (SIZE (3..8)) (TS 29.002). */
export const IMSI: BerType<Imsi> = mapped(octetString(3, 8), writeTbcd, (octets) => imsiOf(readTbcd(octets) ?? ''))

/** Undefined for what is no IMSI. */
export const imsiOf = (digits: string): Imsi | undefined => (/^[0-9]{6,15}$/.test(digits) ? imsi(digits) : undefined)

/** No extension, international number, ISDN numbering plan (TS 29.002, AddressString). */
const INTERNATIONAL = 0x91

/** 1 to 15 digits, country code first (E.164). */
export const isE164 = (digits: string): boolean => /^[0-9]{1,15}$/.test(digits)

/** MSISDN ::= ISDN-AddressString, international numbers only: 1 to 15 digits. */
export const MSISDN: BerType<string> = mapped(
  octetString(2, 9),
  (digits) => (isE164(digits) ? Uint8Array.of(INTERNATIONAL, ...writeTbcd(digits)) : undefined),
  (octets) => (u8(octets, 0) === INTERNATIONAL ? readTbcd(octets.subarray(1)) : undefined),
)

/** PLMN-Id: MCC and MNC digits in the order of a Routing Area Identity (TS 24.008 §10.5.5.15); 1111 stands for a missing third MNC digit. */
export const PLMN_ID: BerType<string> = mapped(
  octetString(3, 3),
  (plmn) => {
    const [, mcc, mnc2, mnc3] = /^([0-9]{3})([0-9]{2})([0-9]?)$/.exec(plmn) ?? []
    if (mcc === undefined || mnc2 === undefined) return undefined
    const octets = writeTbcd(`${mcc}0${mnc2}`)
    octets[1] = (u8(octets, 1) & 0xf) | ((mnc3 ? Number(mnc3) : FILLER) << 4)
    return octets
  },
  (octets) => {
    const third = u8(octets, 1) >> 4
    const digits = readTbcd(Uint8Array.of(u8(octets, 0), u8(octets, 1) & 0xf, u8(octets, 2)))
    if (digits === undefined || digits.length !== 6 || (third > 9 && third !== FILLER)) return undefined
    return `${digits.slice(0, 3)}${digits.slice(4)}${third === FILLER ? '' : third}`
  },
)

/** An instant in the time zone of who wrote it down. */
export interface ZonedTime {
  /** Whole seconds are kept, cut off. */
  readonly at: Millis
  /** Local time minus UTC, minutes. */
  readonly utcOffset: number
}

const MINUTE = 60_000
const DAY_MINUTES = 1440
const toBcd = (value: number): number => (Math.floor(value / 10) << 4) | (value % 10)
const fromBcd = (octet: number): number => {
  const high = octet >> 4
  const low = octet & 0xf
  return high > 9 || low > 9 ? Number.NaN : high * 10 + low
}

/** Whether a zone is of whole minutes and less than a day away from UTC. */
export const isUtcOffset = (minutes: number): boolean => Number.isInteger(minutes) && Math.abs(minutes) < DAY_MINUTES

/** TimeStamp ::= OCTET STRING (SIZE(9)): YYMMDDhhmmss in BCD, '+' or '-' in ASCII, hhmm in BCD; the years 2000 to 2099. */
export const TIME_STAMP: BerType<ZonedTime> = mapped(
  octetString(9, 9),
  ({ at, utcOffset }) => {
    if (!isUtcOffset(utcOffset)) return undefined
    const local = new Date(Number(at) + utcOffset * MINUTE)
    const year = local.getUTCFullYear()
    if (!(year >= 2000 && year <= 2099)) return undefined
    const date = [year - 2000, local.getUTCMonth() + 1, local.getUTCDate()]
    const time = [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()]
    const offset = Math.abs(utcOffset)
    const sign = (utcOffset < 0 ? '-' : '+').charCodeAt(0)
    return Uint8Array.of(...[...date, ...time].map(toBcd), sign, toBcd(Math.floor(offset / 60)), toBcd(offset % 60))
  },
  (octets) => {
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = Array.from(octets.subarray(0, 6), fromBcd)
    const [hours = 0, minutes = 0] = Array.from(octets.subarray(7), fromBcd)
    const sign = String.fromCharCode(u8(octets, 6))
    const local = Date.UTC(2000 + year, month - 1, day, hour, minute, second)
    // A date that does not exist comes out as another one.
    const exists = !Number.isNaN(local) && new Date(local).getUTCMonth() === month - 1 && month > 0 && day > 0
    if (!exists || hour > 23 || minute > 59 || second > 59 || !(hours <= 23 && minutes <= 59)) return undefined
    if (sign !== '+' && sign !== '-') return undefined
    const utcOffset = (hours * 60 + minutes) * (sign === '-' ? -1 : 1)
    return { at: millis(local - utcOffset * MINUTE), utcOffset: utcOffset === 0 ? 0 : utcOffset }
  },
)

const V4 = octetString(4, 4)
const V6 = octetString(16, 16)
const V6_WITH_PREFIX = sequence({ address: required(undefined, V6) })
const V4_TEXT = ia5String(15, 7)
const V6_TEXT = ia5String(45, 2)

function ipv4Octets(text: string): Uint8Array | undefined {
  const quad = parseIpv4(text)
  if (quad < 0) return undefined
  const octets = new Uint8Array(4)
  putU32(octets, 0, quad)
  return octets
}

/** IPAddress: written in binary, read in any of its forms; a prefix length is passed over. */
export const IP_ADDRESS: BerType<string> = explicit({
  own: undefined,
  write(text) {
    const quad = ipv4Octets(text)
    if (quad !== undefined) return V4.write(quad, context(0))
    const v6 = parseIpv6(text)
    return v6 && V6.write(v6, context(1))
  },
  read(element) {
    const { number } = element.tag
    if (element.tag.class !== context(0).class || number > 4) return berFault('wrong-tag', element.offset)
    if (number === 0 || number === 1) {
      const octets = (number === 0 ? V4 : V6).read(element, element.tag)
      if (isBerFault(octets)) return octets
      return number === 0 ? formatIpv4(octets) : formatIpv6(octets)
    }
    if (number === 4) {
      const value = V6_WITH_PREFIX.read(element, element.tag)
      return isBerFault(value) ? value : formatIpv6(value.address)
    }
    const text = (number === 2 ? V4_TEXT : V6_TEXT).read(element, element.tag)
    if (isBerFault(text)) return text
    const valid = number === 2 ? parseIpv4(text) >= 0 : parseIpv6(text) !== undefined
    return valid ? text : berFault('value', element.offset)
  },
})

export const U32 = unsigned(2n ** 32n - 1n)
export const U64 = unsigned(2n ** 64n - 1n)
