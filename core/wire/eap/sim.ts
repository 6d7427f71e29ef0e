// Messages of EAP-SIM, EAP-AKA and EAP-AKA': a subtype and attributes in multiples of four octets (RFC 4187 §8). Decoding is total and
// strict: what must be understood and is not, comes twice or has a wrong length, spoils the message.
import { putU16, u8, u16 } from '../bytes/integers.ts'
import { SIM_ATTRIBUTES, type SimAttributeName, type SimAttributeRow } from './dict/attributes.ts'
import { EAP_HEADER, encodeEap } from './packet.ts'

export interface SimMessage {
  readonly subtype: number
  /** Values by name, without reserved octets and padding: views. `number` values are two octets. Those that may come often: one after another. */
  readonly values: ReadonlyMap<SimAttributeName, Uint8Array>
  /** Where the value of AT_MAC starts, octets from the start of the EAP packet; -1 without it. */
  readonly macAt: number
}

/** `unknown`: a non-skippable attribute that nobody knows (RFC 4187 §8.1). `offset`: octets from the start of the subtype. */
export type SimFault = {
  readonly fault: 'too-short' | 'length' | 'overrun' | 'twice' | 'unknown' | 'value'
  readonly offset: number
}

export const isSimFault = (message: SimMessage | SimFault): message is SimFault => 'fault' in message

/** Attributes from this code on may be passed over (RFC 4187 §8.1). */
const SKIPPABLE = 128
/** Subtype and two reserved octets. */
const HEADER = 3
const UNIT = 4

const rows = new Map<number, SimAttributeRow & { readonly name: SimAttributeName }>(
  SIM_ATTRIBUTES.map((row) => [row.code, row]),
)
const codes = new Map<SimAttributeName, SimAttributeRow>(SIM_ATTRIBUTES.map((row) => [row.name, row]))

/** Value of the attribute at `at` with `size` octets in all, or undefined when it has not the form of its row. */
function contentOf(row: SimAttributeRow, data: Uint8Array, at: number, size: number): Uint8Array | undefined {
  const from = at + UNIT
  const end = at + size
  switch (row.form) {
    case 'flag':
    case 'number':
      return size === UNIT ? data.subarray(at + 2, end) : undefined
    case 'block':
      return size === UNIT + (row.size ?? 0) ? data.subarray(from, end) : undefined
    case 'blocks':
      return size > UNIT && (size - UNIT) % 16 === 0 ? data.subarray(from, end) : undefined
    case 'data':
      return data.subarray(from, end)
    case 'bare':
      return size === 2 + (row.size ?? 0) ? data.subarray(at + 2, end) : undefined
    case 'padding':
      return size <= 12 && data.subarray(at + 2, end).every((octet) => octet === 0)
        ? data.subarray(at + 2, end)
        : undefined
    case 'text':
    case 'versions':
      return counted(data, from, end, u16(data, at + 2))
    case 'bits': {
      const bits = u16(data, at + 2)
      return bits % 8 === 0 ? counted(data, from, end, bits / 8) : undefined
    }
  }
}

/** `count` octets of those up to `end`, when no more than padding to four follows. */
const counted = (data: Uint8Array, from: number, end: number, count: number): Uint8Array | undefined =>
  Math.ceil(count / UNIT) * UNIT === end - from ? data.subarray(from, from + count) : undefined

/** Reads attributes from `start` on; `into` takes them. The fault, if any. */
function readAttributes(
  data: Uint8Array,
  start: number,
  into: Map<SimAttributeName, Uint8Array>,
): SimFault | undefined {
  for (let at = start; at < data.length; ) {
    if (at + 2 > data.length) return { fault: 'overrun', offset: at }
    const size = u8(data, at + 1) * UNIT
    if (size === 0) return { fault: 'length', offset: at }
    if (at + size > data.length) return { fault: 'overrun', offset: at }
    const row = rows.get(u8(data, at))
    const fault = row === undefined ? unknown(u8(data, at)) : take(row, data, at, size, into)
    if (fault !== undefined) return { fault, offset: at }
    at += size
  }
  return undefined
}

const unknown = (code: number): 'unknown' | undefined => (code < SKIPPABLE ? 'unknown' : undefined)

function take(
  row: SimAttributeRow & { readonly name: SimAttributeName },
  data: Uint8Array,
  at: number,
  size: number,
  into: Map<SimAttributeName, Uint8Array>,
): 'value' | 'twice' | undefined {
  const value = contentOf(row, data, at, size)
  if (value === undefined) return 'value'
  const before = into.get(row.name)
  if (before !== undefined && row.many === undefined) return 'twice'
  into.set(row.name, before === undefined ? value : Buffer.concat([before, value]))
  return undefined
}

/** The message in an EAP packet's data (what follows the type). */
export function decodeSim(data: Uint8Array): SimMessage | SimFault {
  if (data.length < HEADER) return { fault: 'too-short', offset: data.length }
  const values = new Map<SimAttributeName, Uint8Array>()
  const fault = readAttributes(data, HEADER, values)
  if (fault !== undefined) return fault
  const mac = values.get('AT_MAC')
  const macAt = mac === undefined ? -1 : mac.byteOffset - data.byteOffset + EAP_HEADER + 1
  return { subtype: u8(data, 0), values, macAt }
}

/** The attributes that were in AT_ENCR_DATA (RFC 4187 §10.12). */
export function decodeSimAttributes(data: Uint8Array): ReadonlyMap<SimAttributeName, Uint8Array> | SimFault {
  const values = new Map<SimAttributeName, Uint8Array>()
  return readAttributes(data, 0, values) ?? values
}

/** The number in a `number` value, -1 when it is not there. */
export const numberOf = (values: ReadonlyMap<SimAttributeName, Uint8Array>, name: SimAttributeName): number => {
  const value = values.get(name)
  return value === undefined || value.length < 2 ? -1 : u16(value, 0)
}

/** A name with its value; a number for the form `number`, nothing for `flag`. */
export type SimAttribute = readonly [SimAttributeName, (Uint8Array | number)?]

/** Octets of attributes, in order. A value that its form cannot hold is the caller's mistake and throws a RangeError. */
export function encodeSimAttributes(attributes: readonly SimAttribute[]): Uint8Array {
  return Buffer.concat(attributes.map(encodeAttribute))
}

function encodeAttribute([name, value]: SimAttribute): Uint8Array {
  const row = codes.get(name)
  if (row === undefined) throw new RangeError(`no attribute ${name}`)
  const octets = typeof value === 'number' || value === undefined ? undefined : value
  const lead = row.form === 'bare' || row.form === 'padding' ? 2 : UNIT
  const size = Math.ceil((lead + (octets?.length ?? 0)) / UNIT) * UNIT
  if (size > 255 * UNIT) throw new RangeError(`${name} has at most ${255 * UNIT - lead} octets`)
  const bytes = new Uint8Array(size)
  bytes[0] = row.code
  bytes[1] = size / UNIT
  if (octets !== undefined) bytes.set(octets, lead)
  if (typeof value === 'number') putU16(bytes, 2, value)
  if (row.form === 'text' || row.form === 'versions') putU16(bytes, 2, octets?.length ?? 0)
  if (row.form === 'bits') putU16(bytes, 2, (octets?.length ?? 0) * 8)
  if (contentOf(row, bytes, 0, size) === undefined) throw new RangeError(`a value of the wrong length for ${name}`)
  return bytes
}

/** An EAP packet of one of the three methods. */
export function encodeSim(
  code: number,
  identifier: number,
  type: number,
  subtype: number,
  attributes: readonly SimAttribute[],
): Uint8Array {
  const body = encodeSimAttributes(attributes)
  const data = new Uint8Array(HEADER + body.length)
  data[0] = subtype
  data.set(body, HEADER)
  return encodeEap(code, identifier, type, data)
}
