// RADIUS packets (RFC 2865 §3): decoding checks the structure once and keeps the octets; values are read on demand.
import { u8, u16, u32 } from '../bytes/integers.ts'
import {
  type AttributeName,
  type AttributeValue,
  type Definition,
  definitionOf,
  standardAttribute,
  vendorAttributes,
} from './dictionary.ts'
import type { Fault, FaultKind } from './fault.ts'

/** Packet codes (RFC 2865 §3, RFC 2866 §3, RFC 5176 §2.3). */
export const CODE = {
  'Access-Request': 1,
  'Access-Accept': 2,
  'Access-Reject': 3,
  'Accounting-Request': 4,
  'Accounting-Response': 5,
  'Access-Challenge': 11,
  'Status-Server': 12,
  'Disconnect-Request': 40,
  'Disconnect-ACK': 41,
  'Disconnect-NAK': 42,
  'CoA-Request': 43,
  'CoA-ACK': 44,
  'CoA-NAK': 45,
} as const

export const HEADER_LENGTH = 20
export const MAX_LENGTH = 4096
const VENDOR_SPECIFIC = 26

export interface Packet {
  readonly code: number
  readonly identifier: number
  /** The packet as it came, without padding: as many octets as its Length field says, structure checked. */
  readonly bytes: Uint8Array
}

/** An attribute as octets, whatever the dictionary knows of it. */
export interface RawAttribute {
  readonly type: number
  readonly octets: Uint8Array
}

/** An attribute as the dictionary reads it. */
export interface Attribute {
  /** Undefined when the dictionary has none. */
  readonly name: AttributeName | undefined
  /** The type octet, or the vendor's. */
  readonly code: number
  /** Private enterprise number of a vendor's attribute, 0 otherwise. */
  readonly vendor: number
  /** A value of the attribute's type, its octets where the dictionary does not know it, or what is wrong with it. */
  readonly value: unknown
  /** Where it starts, octets from the start of the packet. */
  readonly offset: number
}

const fault = (kind: FaultKind, offset: number, attribute?: string): Fault => ({ fault: kind, offset, attribute })
const nameOf = (type: number): string => standardAttribute(type)?.name ?? String(type)

/**
 * Checks a datagram and returns the packet in it: a view of `bytes`, so whoever keeps the packet keeps `bytes`.
 * Octets after Length are padding and ignored (RFC 2865 §3). The code is not judged, nor any value.
 */
export function decode(bytes: Uint8Array): Packet | Fault {
  if (bytes.length < HEADER_LENGTH) return fault('too-short', bytes.length)
  const length = u16(bytes, 2)
  if (length < HEADER_LENGTH || length > MAX_LENGTH) return fault('bad-length', 2)
  if (length > bytes.length) return fault('truncated', bytes.length)
  let at = HEADER_LENGTH
  while (at < length) {
    if (at + 2 > length) return fault('attribute-overrun', at, nameOf(u8(bytes, at)))
    const size = u8(bytes, at + 1)
    if (size < 2) return fault('attribute-length', at, nameOf(u8(bytes, at)))
    if (at + size > length) return fault('attribute-overrun', at, nameOf(u8(bytes, at)))
    at += size
  }
  return {
    code: u8(bytes, 0),
    identifier: u8(bytes, 1),
    bytes: length === bytes.length ? bytes : bytes.subarray(0, length),
  }
}

/** The packet's authenticator: 16 octets, a view. */
export const authenticatorOf = (packet: Packet): Uint8Array => packet.bytes.subarray(4, HEADER_LENGTH)

/** Offset of the next attribute of `type` at or after the attribute at `from`, or -1. */
export function find({ bytes }: Packet, type: number, from = HEADER_LENGTH): number {
  for (let at = from; at < bytes.length; at += u8(bytes, at + 1)) if (u8(bytes, at) === type) return at
  return -1
}

/** All attributes as octets (views), in order: what `encode` needs to make the same packet again. */
export function rawAttributes({ bytes }: Packet): RawAttribute[] {
  const found: RawAttribute[] = []
  for (let at = HEADER_LENGTH; at < bytes.length; at += u8(bytes, at + 1)) {
    found.push({ type: u8(bytes, at), octets: bytes.subarray(at + 2, at + u8(bytes, at + 1)) })
  }
  return found
}

function valueAt(definition: Definition, bytes: Uint8Array, at: number): unknown {
  const from = at + 2
  const end = at + u8(bytes, at + 1)
  const value = definition.codec.read(bytes, from, end)
  if (value !== undefined) return value
  const { size } = definition.codec
  return fault(size !== undefined && size !== end - from ? 'value-length' : 'value-content', at, definition.name)
}

/**
 * Whether the Vendor-Specific attribute at `at` holds a sequence of attributes with one octet each for type and length, as RFC 2865
 * §5.26 suggests. One that does not is opaque.
 */
function isVendorSequence(bytes: Uint8Array, at: number): boolean {
  const end = at + u8(bytes, at + 1)
  let sub = at + 6
  if (sub >= end) return false
  while (sub + 2 <= end) {
    const size = u8(bytes, sub + 1)
    if (size < 2) return false
    sub += size
  }
  return sub === end
}

/** Offset of the next attribute that `definition` defines, after the one at `after` (0: from the start), or -1. */
function next(packet: Packet, definition: Definition, after: number): number {
  const { bytes } = packet
  if (definition.vendor === 0) {
    return find(packet, definition.code, after === 0 ? HEADER_LENGTH : after + u8(bytes, after + 1))
  }
  for (let at = find(packet, VENDOR_SPECIFIC); at > 0; at = find(packet, VENDOR_SPECIFIC, at + u8(bytes, at + 1))) {
    const end = at + u8(bytes, at + 1)
    if (end <= after || end - at < 8 || u32(bytes, at + 2) !== definition.vendor || !isVendorSequence(bytes, at))
      continue
    for (let sub = at + 6; sub < end; sub += u8(bytes, sub + 1)) {
      if (sub > after && u8(bytes, sub) === definition.code) return sub
    }
  }
  return -1
}

/** Reads the first attribute `name` of a packet: undefined when there is none, a fault when it is malformed, never a default. */
export type Reader<Name extends AttributeName> = (packet: Packet) => AttributeValue<Name> | Fault | undefined

/** As `get`, with the name looked up beforehand: for paths that read the same attribute of every packet. */
export function reader<Name extends AttributeName>(name: Name): Reader<Name> {
  const definition = definitionOf(name)
  if (definition.concat) return (packet) => get(packet, name)
  return (packet) => {
    const at = next(packet, definition, 0)
    return at < 0 ? undefined : (valueAt(definition, packet.bytes, at) as AttributeValue<Name> | Fault)
  }
}

/**
 * The value of the first attribute `name`: undefined when there is none, a fault when it is malformed, never a default.
 * A `concat` attribute is the joined octets of all its parts.
 */
export function get<Name extends AttributeName>(packet: Packet, name: Name): AttributeValue<Name> | Fault | undefined {
  const definition = definitionOf(name)
  const at = next(packet, definition, 0)
  if (at < 0) return undefined
  if (!definition.concat) return valueAt(definition, packet.bytes, at) as AttributeValue<Name> | Fault
  return Buffer.concat(all(packet, name) as Uint8Array[]) as Uint8Array as AttributeValue<Name>
}

/** The values of all attributes `name`, in order. */
export function all<Name extends AttributeName>(packet: Packet, name: Name): (AttributeValue<Name> | Fault)[] {
  const definition = definitionOf(name)
  const values: unknown[] = []
  for (let at = next(packet, definition, 0); at > 0; at = next(packet, definition, at)) {
    values.push(valueAt(definition, packet.bytes, at))
  }
  return values as (AttributeValue<Name> | Fault)[]
}

/** The octets of the first attribute `name`, a view, whatever its type makes of them; undefined when there is none. */
export function octetsOf(packet: Packet, name: AttributeName): Uint8Array | undefined {
  const at = next(packet, definitionOf(name), 0)
  return at < 0 ? undefined : packet.bytes.subarray(at + 2, at + u8(packet.bytes, at + 1))
}

/** All attributes with their values, in order; the attributes of known vendors one by one. */
export function attributes({ bytes }: Packet): Attribute[] {
  const found: Attribute[] = []
  for (let at = HEADER_LENGTH; at < bytes.length; at += u8(bytes, at + 1)) {
    const code = u8(bytes, at)
    if (code === VENDOR_SPECIFIC && u8(bytes, at + 1) >= 8 && isVendorSequence(bytes, at)) {
      const vendor = u32(bytes, at + 2)
      const known = vendorAttributes(vendor)
      if (known !== undefined) {
        const end = at + u8(bytes, at + 1)
        for (let sub = at + 6; sub < end; sub += u8(bytes, sub + 1)) {
          found.push(attributeAt(known[u8(bytes, sub)], bytes, sub, vendor))
        }
        continue
      }
    }
    found.push(attributeAt(standardAttribute(code), bytes, at, 0))
  }
  return found
}

function attributeAt(definition: Definition | undefined, bytes: Uint8Array, at: number, vendor: number): Attribute {
  return {
    name: definition?.name,
    code: u8(bytes, at),
    vendor,
    value: definition === undefined ? bytes.subarray(at + 2, at + u8(bytes, at + 1)) : valueAt(definition, bytes, at),
    offset: at,
  }
}
