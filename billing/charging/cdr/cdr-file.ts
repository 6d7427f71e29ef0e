// CDR files (TS 32.297 §6.1): a file header, then each CDR behind a header of its own.
import type { Millis } from '../../../core/kernel/units.ts'
import { formatIpv6, parseAddress } from '../../../core/wire/bytes/address.ts'
import { putU16, putU32, u8, u16, u32 } from '../../../core/wire/bytes/integers.ts'
import { isUtcOffset } from './octet-strings.ts'

/** Release of 3GPP, 3 (for R99) to 265, and the version within it, 0 to 31: the second number of the specification's. */
export interface Release {
  readonly release: number
  readonly version: number
}

/** Local date and time without a year, and how far it is from UTC, in minutes (§6.1.1.5). */
export interface HeaderTime {
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly utcOffset: number
}

/** §6.1.1.9. */
export const CLOSURE = {
  normal: 0,
  'size-limit': 1,
  'time-limit': 2,
  'count-limit': 3,
  manual: 4,
  'release-change': 5,
  abnormal: 128,
  'file-system-error': 129,
  'storage-exhausted': 130,
  'integrity-error': 131,
} as const
export type ClosureReason = keyof typeof CLOSURE
const REASONS = new Map<number, ClosureReason>(
  Object.entries(CLOSURE).map(([name, code]) => [code, name as ClosureReason]),
)

/** §6.1.1.11: how many CDRs that should be in the file were lost. */
export interface LostCdrs {
  readonly count: number
  /** False: there may be more. */
  readonly exact: boolean
}

export interface CdrFileHeader {
  readonly high: Release
  readonly low: Release
  readonly opened: HeaderTime
  readonly appended: HeaderTime
  /** 0 to 2^32 - 1. */
  readonly sequence: bigint
  readonly reason: ClosureReason
  /** IPv6, or an IPv4 address mapped into it, as RFC 5952 writes it. */
  readonly address: string
  readonly lost: LostCdrs
  readonly routeingFilter: Uint8Array
  readonly privateExtension: Uint8Array
}

/** §6.1.2.3. */
export const DATA_RECORD_FORMAT = { ber: 1, unalignedPer: 2, alignedPer: 3, xer: 4 } as const
/** §6.1.2.4: the specification that says what is in the CDR; those that we write. */
export const TS_NUMBER = { 'TS 32.251': 7, 'TS 32.255': 20 } as const

export interface FiledCdr {
  readonly release: Release
  /** One of DATA_RECORD_FORMAT. */
  readonly format: number
  /** One of TS_NUMBER, or another of 0 to 31. */
  readonly ts: number
  /** At most 65,535. */
  readonly octets: Uint8Array
}

export interface CdrFile {
  readonly header: CdrFileHeader
  readonly cdrs: readonly FiledCdr[]
}

export type CdrFileFaultKind =
  /** Fewer octets came than a length says. */
  | 'truncated'
  /** The file length, the header length or the number of CDRs does not agree with what is there. */
  | 'length'
  /** A value that the field does not have. */
  | 'value'

export interface CdrFileFault {
  readonly fault: CdrFileFaultKind
  /** Octets from the start of the file. */
  readonly offset: number
  readonly field: string
}

export function isCdrFileFault(value: CdrFile | CdrFileFault): value is CdrFileFault {
  return 'fault' in value
}

/** Octets up to and with the length of the routeing filter. */
const FIXED = 50
const ADDRESS_AT = 27
const CDR_HEADER = 4
/** A release that the three bits cannot say; an octet of its own says it. */
const BEYOND = 7
const FIRST_BEYOND = 10

/** The code for a release: R99 is 0, Rel-4 is 1, ... Rel-9 is 6, later ones 7. */
const releaseCode = (release: number): number => Math.min(release - 3, BEYOND)
const extended = ({ release }: Release): boolean => release >= FIRST_BEYOND
const releaseOctet = ({ release, version }: Release): number => (releaseCode(release) << 5) | version

/** `at` as a file header says it. */
export function headerTime(at: Millis, utcOffset: number): HeaderTime {
  const local = new Date(Number(at) + utcOffset * 60_000)
  return {
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    utcOffset,
  }
}

function timeBits({ month, day, hour, minute, utcOffset }: HeaderTime): number {
  const offset = Math.abs(utcOffset)
  const date = month * 2 ** 28 + (day << 23) + (hour << 18) + (minute << 12)
  return date + ((utcOffset < 0 ? 0 : 1) << 11) + (Math.floor(offset / 60) << 6) + (offset % 60)
}

function timeOf(bits: number): HeaderTime | undefined {
  const month = bits >>> 28
  const day = (bits >>> 23) & 31
  const hour = (bits >>> 18) & 31
  const minute = (bits >>> 12) & 63
  const hours = (bits >>> 6) & 31
  const minutes = bits & 63
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || hours > 23 || minutes > 59) return undefined
  const offset = hours * 60 + minutes
  return { month, day, hour, minute, utcOffset: (bits >>> 11) & 1 || offset === 0 ? offset : -offset }
}

/** 0 none, 1 to 127 at least so many, 128 some, 129 to 254 exactly so many, 255 127 or more. */
function lostOctet({ count, exact }: LostCdrs): number {
  if (count === 0) return exact ? 0 : 128
  if (count >= 127) return 255
  return exact ? 128 + count : count
}

function lostOf(octet: number): LostCdrs {
  if (octet === 0) return { count: 0, exact: true }
  if (octet === 128) return { count: 0, exact: false }
  return octet < 128 || octet === 255 ? { count: octet & 127, exact: false } : { count: octet - 128, exact: true }
}

/** Throws RangeError for values outside the ranges that the types state: a mistake of ours. */
export function encodeCdrFile({ header, cdrs }: CdrFile): Uint8Array {
  const address = parseAddress(header.address)
  const releases = [header.high, header.low, ...cdrs.map(({ release }) => release)]
  const sound =
    address !== undefined &&
    isUtcOffset(header.opened.utcOffset) &&
    isUtcOffset(header.appended.utcOffset) &&
    releases.every(({ release, version }) => release >= 3 && release < 266 && version >= 0 && version < 32) &&
    cdrs.every(
      ({ octets, ts, format }) => octets.length <= 0xffff && ts >= 0 && ts < 32 && format >= 0 && format < 8,
    ) &&
    header.sequence >= 0n &&
    header.sequence < 1n << 32n &&
    Math.max(header.routeingFilter.length, header.privateExtension.length) <= 0xffff
  if (!sound) throw new RangeError('a CDR file with a field out of its range')
  const { routeingFilter, privateExtension } = header
  const extensions = [header.high, header.low].filter(extended)
  const length = FIXED + routeingFilter.length + 2 + privateExtension.length + extensions.length
  const octets = new Uint8Array(
    cdrs.reduce((sum, cdr) => sum + CDR_HEADER + (extended(cdr.release) ? 1 : 0) + cdr.octets.length, length),
  )
  putU32(octets, 0, octets.length)
  putU32(octets, 4, length)
  octets[8] = releaseOctet(header.high)
  octets[9] = releaseOctet(header.low)
  putU32(octets, 10, timeBits(header.opened))
  putU32(octets, 14, timeBits(header.appended))
  putU32(octets, 18, cdrs.length)
  putU32(octets, 22, Number(header.sequence))
  octets[26] = CLOSURE[header.reason]
  octets.fill(0xff, ADDRESS_AT, ADDRESS_AT + 4)
  octets.set(address, ADDRESS_AT + 4)
  octets[47] = lostOctet(header.lost)
  putU16(octets, 48, routeingFilter.length)
  octets.set(routeingFilter, FIXED)
  let at = FIXED + routeingFilter.length
  putU16(octets, at, privateExtension.length)
  octets.set(privateExtension, at + 2)
  at += 2 + privateExtension.length
  for (const { release } of extensions) octets[at++] = release - FIRST_BEYOND
  for (const cdr of cdrs) {
    putU16(octets, at, cdr.octets.length)
    octets[at + 2] = releaseOctet(cdr.release)
    octets[at + 3] = (cdr.format << 5) | cdr.ts
    at += CDR_HEADER
    if (extended(cdr.release)) octets[at++] = cdr.release.release - FIRST_BEYOND
    octets.set(cdr.octets, at)
    at += cdr.octets.length
  }
  return octets
}

/** Strict and total; the CDRs are views of `octets`. */
export function decodeCdrFile(octets: Uint8Array): CdrFile | CdrFileFault {
  const wrong = (fault: CdrFileFaultKind, offset: number, field: string): CdrFileFault => ({ fault, offset, field })
  if (octets.length < FIXED + 2) return wrong('truncated', octets.length, 'file header')
  if (u32(octets, 0) !== octets.length)
    return wrong(u32(octets, 0) > octets.length ? 'truncated' : 'length', 0, 'file length')
  const headerLength = u32(octets, 4)
  const filterEnd = FIXED + u16(octets, 48)
  if (filterEnd + 2 > octets.length) return wrong('truncated', 48, 'CDR routeing filter')
  const privateEnd = filterEnd + 2 + u16(octets, filterEnd)
  const beyond = [8, 9].filter((at) => u8(octets, at) >> 5 === BEYOND).length
  const first = privateEnd + beyond
  if (first > octets.length) return wrong('truncated', filterEnd, 'private extension')
  if (headerLength !== first) return wrong('length', 4, 'header length')
  const releaseOf = (octet: number, extension: number): Release => {
    const code = octet >> 5
    return { release: code === BEYOND ? FIRST_BEYOND + u8(octets, extension) : code + 3, version: octet & 31 }
  }
  const opened = timeOf(u32(octets, 10))
  const appended = timeOf(u32(octets, 14))
  const reason = REASONS.get(u8(octets, 26))
  if (opened === undefined) return wrong('value', 10, 'file opening time')
  if (appended === undefined) return wrong('value', 14, 'time of the last CDR')
  if (reason === undefined) return wrong('value', 26, 'file closure trigger reason')
  const header: CdrFileHeader = {
    high: releaseOf(u8(octets, 8), privateEnd),
    low: releaseOf(u8(octets, 9), first - 1),
    opened,
    appended,
    sequence: BigInt(u32(octets, 22)),
    reason,
    address: formatIpv6(octets, ADDRESS_AT + 4),
    lost: lostOf(u8(octets, 47)),
    routeingFilter: octets.subarray(FIXED, filterEnd),
    privateExtension: octets.subarray(filterEnd + 2, privateEnd),
  }
  const cdrs: FiledCdr[] = []
  let at = first
  while (at < octets.length) {
    const start = at
    if (octets.length - at < CDR_HEADER) return wrong('truncated', start, 'CDR header')
    const extension = u8(octets, at + 2) >> 5 === BEYOND ? 1 : 0
    const from = at + CDR_HEADER + extension
    at = from + u16(octets, at)
    if (at > octets.length) return wrong('truncated', start, 'CDR length')
    const kind = u8(octets, start + 3)
    const release = releaseOf(u8(octets, start + 2), start + CDR_HEADER)
    cdrs.push({ release, format: kind >> 5, ts: kind & 31, octets: octets.subarray(from, at) })
  }
  return cdrs.length === u32(octets, 18) ? { header, cdrs } : wrong('length', 18, 'number of CDRs')
}
