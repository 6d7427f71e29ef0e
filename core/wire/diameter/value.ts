// How each data format looks on the wire (RFC 6733 §4.2, §4.3): reading and writing side by side. Groups are message.ts's and encode.ts's.
import { type Millis, millis } from '../../kernel/units.ts'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../bytes/address.ts'
import { putU16, putU32, putU64, u16, u32, u64 } from '../bytes/integers.ts'
import { readText, writeText } from '../bytes/text.ts'
import type { AvpRow, ValueType } from './dict/row.ts'

export interface ValueCodec<Value> {
  /** Octets that every value has, for formats of one length. */
  readonly size?: number
  /** The value in octets `from` to `end`, or undefined when they are none of this format. */
  read(bytes: Uint8Array, from: number, end: number): Value | undefined
  /** Writes `value` into at most `room` octets at `at` and returns how many, or -1 when it does not fit or is none of this format. */
  write(value: Value, bytes: Uint8Array, at: number, room: number): number
}

/** A view of the message's octets, not a copy. */
const OCTETS: ValueCodec<Uint8Array> = {
  read: (bytes, from, end) => bytes.subarray(from, end),
  write(value, bytes, at, room) {
    if (value.length > room) return -1
    bytes.set(value, at)
    return value.length
  },
}

const TEXT: ValueCodec<string> = { read: readText, write: writeText }

/** Names and rules are ASCII; an identity that is empty or holds a space or a control character names nobody (RFC 6733 §4.3.1). */
function ascii(allowed: RegExp): ValueCodec<string> {
  return {
    read(bytes, from, end) {
      const text = readText(bytes, from, end)
      return text !== undefined && allowed.test(text) ? text : undefined
    },
    write: (value, bytes, at, room) => (allowed.test(value) ? writeText(value, bytes, at, room) : -1),
  }
}
const NAME = ascii(/^[\x21-\x7e]+$/)
const RULE = ascii(/^[\x20-\x7e]+$/)

const I32: ValueCodec<number> = {
  size: 4,
  read: (bytes, from, end) => (end - from === 4 ? u32(bytes, from) | 0 : undefined),
  write(value, bytes, at, room) {
    if (!(Number.isInteger(value) && (value | 0) === value && room >= 4)) return -1
    putU32(bytes, at, value)
    return 4
  },
}

const U32: ValueCodec<number> = {
  size: 4,
  read: (bytes, from, end) => (end - from === 4 ? u32(bytes, from) : undefined),
  write(value, bytes, at, room) {
    if (!(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff && room >= 4)) return -1
    putU32(bytes, at, value)
    return 4
  },
}

const U64: ValueCodec<bigint> = {
  size: 8,
  read: (bytes, from, end) => (end - from === 8 ? u64(bytes, from) : undefined),
  write(value, bytes, at, room) {
    if (value < 0n || value >= 1n << 64n || room < 8) return -1
    putU64(bytes, at, value)
    return 8
  },
}

const I64: ValueCodec<bigint> = {
  size: 8,
  read: (bytes, from, end) => (end - from === 8 ? BigInt.asIntN(64, u64(bytes, from)) : undefined),
  write(value, bytes, at, room) {
    if (BigInt.asIntN(64, value) !== value || room < 8) return -1
    putU64(bytes, at, BigInt.asUintN(64, value))
    return 8
  },
}

const F32: ValueCodec<number> = {
  size: 4,
  read: (bytes, from, end) =>
    end - from === 4 ? new DataView(bytes.buffer, bytes.byteOffset + from, 4).getFloat32(0) : undefined,
  write(value, bytes, at, room) {
    if (room < 4) return -1
    new DataView(bytes.buffer, bytes.byteOffset + at, 4).setFloat32(0, value)
    return 4
  },
}

/** Seconds of the NTP era that began in 1900, the high bit set, or of the one that begins in 2036 (RFC 6733 §4.3.1, RFC 5905 §6). */
const EPOCH_1900 = 2_208_988_800n
const ERA = 1n << 32n
const TIME: ValueCodec<Millis> = {
  size: 4,
  read(bytes, from, end) {
    if (end - from !== 4) return undefined
    const seconds = BigInt(u32(bytes, from))
    return millis(((seconds >= ERA / 2n ? seconds : seconds + ERA) - EPOCH_1900) * 1000n)
  },
  write(value, bytes, at, room) {
    const seconds = value / 1000n + EPOCH_1900
    if (room < 4 || value % 1000n !== 0n || seconds < ERA / 2n || seconds >= ERA + ERA / 2n) return -1
    putU32(bytes, at, Number(seconds % ERA))
    return 4
  },
}

const IPV4: ValueCodec<string> = {
  size: 4,
  read: (bytes, from, end) => (end - from === 4 ? formatIpv4(bytes, from) : undefined),
  write(value, bytes, at, room) {
    const quad = parseIpv4(value)
    if (quad < 0 || room < 4) return -1
    putU32(bytes, at, quad)
    return 4
  },
}

/** AddressType of IANA's address family numbers: 1 is IPv4, 2 IPv6. Other families have no text form here. */
const ADDRESS: ValueCodec<string> = {
  read(bytes, from, end) {
    if (end - from === 6 && u16(bytes, from) === 1) return formatIpv4(bytes, from + 2)
    if (end - from === 18 && u16(bytes, from) === 2) return formatIpv6(bytes, from + 2)
    return undefined
  },
  write(value, bytes, at, room) {
    const quad = parseIpv4(value)
    const octets = quad < 0 ? parseIpv6(value) : undefined
    if (quad >= 0 && room >= 6) {
      putU16(bytes, at, 1)
      putU32(bytes, at + 2, quad)
      return 6
    }
    if (octets === undefined || room < 18) return -1
    putU16(bytes, at, 2)
    bytes.set(octets, at + 2)
    return 18
  },
}

const CODECS = {
  octets: OCTETS,
  text: TEXT,
  identity: NAME,
  uri: NAME,
  filter: RULE,
  i32: I32,
  i64: I64,
  u32: U32,
  u64: U64,
  f32: F32,
  enum: I32,
  address: ADDRESS,
  time: TIME,
  ipv4: IPV4,
} as const satisfies Record<Exclude<ValueType, 'group'>, unknown>

/** The TypeScript type of each format's values, read off its codec; groups apart. */
export type PlainValue<Type extends ValueType> = Type extends keyof typeof CODECS
  ? (typeof CODECS)[Type] extends ValueCodec<infer Value>
    ? Value
    : never
  : never

/** Numbers of an enumeration by their names; unknown numbers pass as numbers, and so do the known ones when written. */
function enumerated(codec: ValueCodec<number>, values: Readonly<Record<number, string>>): ValueCodec<number | string> {
  const names = new Map(Object.entries(values).map(([value, name]) => [Number(value), name]))
  const numbers = new Map(Object.entries(values).map(([value, name]) => [name, Number(value)]))
  return {
    size: 4,
    read(bytes, from, end) {
      const value = codec.read(bytes, from, end)
      return value === undefined ? undefined : (names.get(value) ?? value)
    },
    write: (value, bytes, at, room) =>
      codec.write(typeof value === 'number' ? value : (numbers.get(value) ?? Number.NaN), bytes, at, room),
  }
}

/** The codec of a dictionary row; undefined for groups. */
export function codecOf(row: AvpRow): ValueCodec<unknown> | undefined {
  if (row.type === 'group') return undefined
  if (row.values !== undefined) return enumerated(row.type === 'u32' ? U32 : I32, row.values)
  return CODECS[row.type]
}
