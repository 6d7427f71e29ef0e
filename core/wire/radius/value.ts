// How each data type looks on the wire: reading and writing side by side.
import { type Millis, millis } from '../../kernel/units.ts'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../bytes/address.ts'
import { putU16, putU24, putU32, putU64, u8, u16, u24, u32, u64 } from '../bytes/integers.ts'
import { readText, writeText } from '../bytes/text.ts'
import type { AttributeRow, ValueType } from './dict/row.ts'

export interface ValueCodec<Value> {
  /** Octets that every value has, for types of one length. */
  readonly size?: number
  /** The value in octets `from` to `end`, or undefined when they are none of this type. */
  read(bytes: Uint8Array, from: number, end: number): Value | undefined
  /** Writes `value` into at most `room` octets at `at` and returns how many, or -1 when it does not fit or is none of this type. */
  write(value: Value, bytes: Uint8Array, at: number, room: number): number
}

const TEXT: ValueCodec<string> = { read: readText, write: writeText }

/** A view of the packet's octets, not a copy. */
const OCTETS: ValueCodec<Uint8Array> = {
  read: (bytes, from, end) => bytes.subarray(from, end),
  write(value, bytes, at, room) {
    if (value.length > room) return -1
    bytes.set(value, at)
    return value.length
  },
}

function unsigned(
  size: number,
  load: (bytes: Uint8Array, at: number) => number,
  store: (bytes: Uint8Array, at: number, value: number) => void,
): ValueCodec<number> {
  const limit = 2 ** (8 * size)
  return {
    size,
    read: (bytes, from, end) => (end - from === size ? load(bytes, from) : undefined),
    write(value, bytes, at, room) {
      if (!(Number.isInteger(value) && value >= 0 && value < limit && room >= size)) return -1
      store(bytes, at, value)
      return size
    },
  }
}

const U8 = unsigned(1, u8, (bytes, at, value) => {
  bytes[at] = value
})
const U24 = unsigned(3, u24, putU24)
const U32 = unsigned(4, u32, putU32)

const U64: ValueCodec<bigint> = {
  size: 8,
  read: (bytes, from, end) => (end - from === 8 ? u64(bytes, from) : undefined),
  write(value, bytes, at, room) {
    if (value < 0n || value >= 1n << 64n || room < 8) return -1
    putU64(bytes, at, value)
    return 8
  },
}

/** Whole seconds on the wire (RFC 8044 §3.3); what is below a second is cut off. */
const DATE: ValueCodec<Millis> = {
  size: 4,
  read: (bytes, from, end) => (end - from === 4 ? millis(u32(bytes, from) * 1000) : undefined),
  write: (value, bytes, at, room) => (value < 0n ? -1 : U32.write(Math.floor(Number(value) / 1000), bytes, at, room)),
}

const IPV4: ValueCodec<string> = {
  size: 4,
  read: (bytes, from, end) => (end - from === 4 ? formatIpv4(bytes, from) : undefined),
  write: (value, bytes, at, room) => U32.write(parseIpv4(value), bytes, at, room),
}

const IPV6: ValueCodec<string> = {
  size: 16,
  read: (bytes, from, end) => (end - from === 16 ? formatIpv6(bytes, from) : undefined),
  write(value, bytes, at, room) {
    const address = parseIpv6(value)
    return address === undefined ? -1 : OCTETS.write(address, bytes, at, room)
  },
}

/** Whether all bits of a 16-octet address after the first `length` are zero. */
function hostBitsClear(address: Uint8Array, length: number): boolean {
  return address.every((octet, index) => (octet & (0xff >> Math.min(8, Math.max(0, length - index * 8)))) === 0)
}

/** `2001:db8::/32`. Reserved octet, prefix length, then as many octets as the sender likes, zero beyond the prefix (RFC 3162 §2.3); written in full. */
const IPV6PREFIX: ValueCodec<string> = {
  read(bytes, from, end) {
    const octets = end - from - 2
    if (octets < 0 || octets > 16) return undefined
    const length = u8(bytes, from + 1)
    if (length > octets * 8) return undefined
    const address = new Uint8Array(16)
    address.set(bytes.subarray(from + 2, end))
    return hostBitsClear(address, length) ? `${formatIpv6(address)}/${length}` : undefined
  },
  write(value, bytes, at, room) {
    const parts = /^([^/]+)\/([0-9]{1,3})$/.exec(value)
    const address = parts?.[1] === undefined ? undefined : parseIpv6(parts[1])
    const length = Number(parts?.[2])
    if (address === undefined || length > 128 || !hostBitsClear(address, length)) return -1
    if (room < 18) return -1
    putU16(bytes, at, length)
    bytes.set(address, at + 2)
    return 18
  },
}

/** Four groups of four hexadecimal digits (RFC 3162 §2.2). */
const IFID: ValueCodec<string> = {
  size: 8,
  read: (bytes, from, end) =>
    end - from === 8
      ? [0, 2, 4, 6]
          .map((at) =>
            u16(bytes, from + at)
              .toString(16)
              .padStart(4, '0'),
          )
          .join(':')
      : undefined,
  write(value, bytes, at, room) {
    const groups = value.split(':')
    if (groups.length !== 4 || room < 8 || !groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return -1
    for (const [index, group] of groups.entries()) putU16(bytes, at + index * 2, Number.parseInt(group, 16))
    return 8
  },
}

const CODECS = {
  text: TEXT,
  octets: OCTETS,
  concat: OCTETS,
  u8: U8,
  u32: U32,
  u64: U64,
  date: DATE,
  ipv4: IPV4,
  ipv6: IPV6,
  ipv6prefix: IPV6PREFIX,
  ifid: IFID,
} as const satisfies Record<ValueType, unknown>

/** The TypeScript type of each data type's values, read off its codec. */
export type ValueOf<Type extends ValueType> = (typeof CODECS)[Type] extends ValueCodec<infer Value> ? Value : never

/** A value with its tag: 1 to 31 groups the attributes of one tunnel, 0 says that it belongs to none (RFC 2868 §3.1). */
export interface Tagged<Value> {
  readonly tag: number
  readonly value: Value
}

/** Numbers of an enumeration by their names; unknown numbers pass as numbers, and so do the known ones when written. */
function enumerated(codec: ValueCodec<number>, values: Readonly<Record<number, string>>): ValueCodec<number | string> {
  const names = new Map(Object.entries(values).map(([value, name]) => [Number(value), name]))
  const numbers = new Map(Object.entries(values).map(([value, name]) => [name, Number(value)]))
  return {
    ...(codec.size === undefined ? {} : { size: codec.size }),
    read(bytes, from, end) {
      const value = codec.read(bytes, from, end)
      return value === undefined ? undefined : (names.get(value) ?? value)
    },
    write: (value, bytes, at, room) =>
      codec.write(typeof value === 'number' ? value : (numbers.get(value) ?? -1), bytes, at, room),
  }
}

/** A tag octet before the value. In strings an octet above 31 is no tag but the string's first octet (RFC 2868 §3.3); it is always written. */
function tagged<Value>(codec: ValueCodec<Value>): ValueCodec<Tagged<Value>> {
  const fixed = codec.size !== undefined
  return {
    ...(codec.size === undefined ? {} : { size: codec.size + 1 }),
    read(bytes, from, end) {
      const first = from < end ? u8(bytes, from) : 0
      const has = from < end && (fixed || first <= 31)
      const value = codec.read(bytes, has ? from + 1 : from, end)
      return value === undefined ? undefined : { tag: has && first <= 31 ? first : 0, value }
    },
    write({ tag, value }, bytes, at, room) {
      if (!(Number.isInteger(tag) && tag >= 0 && tag <= 31)) return -1
      bytes[at] = tag
      const length = codec.write(value, bytes, at + 1, room - 1)
      return length < 0 ? -1 : length + 1
    },
  }
}

/** The codec of a dictionary row. */
export function codecOf(row: AttributeRow): ValueCodec<unknown> {
  if (row.type === 'u8' || row.type === 'u32') {
    const plain = row.tagged ? U24 : CODECS[row.type]
    const named = row.values === undefined ? plain : enumerated(plain, row.values)
    return row.tagged ? tagged(named) : named
  }
  const codec: ValueCodec<unknown> = CODECS[row.type]
  return row.tagged ? tagged(codec) : codec
}
