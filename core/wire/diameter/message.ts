// Diameter messages (RFC 6733 §3, §4.1): decoding checks the structure once, groups included, and keeps the octets; values are read on demand.
import { u8, u24, u32 } from '../bytes/integers.ts'
import {
  type AvpName,
  type Avps,
  type AvpValue,
  type Definition,
  definitionAt,
  definitionOf,
  FLAG_MANDATORY,
  FLAG_VENDOR,
  KIND,
  kindAt,
  type RawAvp,
} from './dictionary.ts'
import type { Fault, FaultKind } from './fault.ts'

export const HEADER_LENGTH = 20
/** The command flags octet (RFC 6733 §3). */
export const FLAG = { request: 0x80, proxiable: 0x40, error: 0x20, retransmitted: 0x10 } as const

/** Deep enough for every application that we know (five), with room. */
export const MAX_DEPTH = 12
/** AVPs in one message, at all depths. */
export const MAX_AVPS = 4096

export interface Header {
  readonly length: number
  readonly flags: number
  readonly command: number
  readonly application: number
  readonly hopByHop: number
  readonly endToEnd: number
}

/** A message whose structure was checked; its AVPs are read with `get`, `all` and their kin. */
export interface Message extends Header, Avps {
  /** Offset of the first AVP, at any depth, that has the M flag and is not in the dictionary; -1 when there is none. */
  readonly unknown: number
}

const fault = (kind: FaultKind, offset: number, avp?: string): Fault => ({ fault: kind, offset, avp })

/** The header in the first 20 octets, unjudged: what an answer to a broken request is made from. */
export function readHeader(bytes: Uint8Array): Header {
  return {
    length: u24(bytes, 1),
    flags: u8(bytes, 4),
    command: u24(bytes, 5),
    application: u32(bytes, 8),
    hopByHop: u32(bytes, 12),
    endToEnd: u32(bytes, 16),
  }
}

/** Octets of the message that begins at `at`, undefined while its first four are not there. A fault ends the stream: nobody knows where the next begins. */
export function lengthAt(bytes: Uint8Array, at: number, limit: number): number | Fault | undefined {
  if (at >= bytes.length) return undefined
  if (u8(bytes, at) !== 1) return fault('version', 0)
  if (at + 4 > bytes.length) return undefined
  const length = u24(bytes, at + 1)
  return length < HEADER_LENGTH || length % 4 !== 0 || length > limit ? fault('message-length', 1) : length
}

const vendorAt = (bytes: Uint8Array, at: number): number => (u8(bytes, at + 4) & FLAG_VENDOR ? u32(bytes, at + 8) : 0)
const dataAt = (bytes: Uint8Array, at: number): number => at + (u8(bytes, at + 4) & FLAG_VENDOR ? 12 : 8)
const endAt = (bytes: Uint8Array, at: number): number => at + u24(bytes, at + 5)
/** Where the next AVP begins. */
const after = (bytes: Uint8Array, at: number): number => at + ((u24(bytes, at + 5) + 3) & ~3)

/** The name of the AVP at `at`, or `code/vendor`. */
export function labelAt(bytes: Uint8Array, at: number): string {
  const code = u32(bytes, at)
  const vendor = vendorAt(bytes, at)
  return definitionAt(vendor, code)?.name ?? `${code}/${vendor}`
}

let counted = 0
let unknown = -1

/**
 * 32 bits as they stand, negative where the highest is set. As `u32`, but of this file and without doubles: `structure` runs for every AVP that
 * comes, and is ten times as fast when all that it calls is inlined.
 */
const bits = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number)

function structure(bytes: Uint8Array, from: number, end: number, depth: number): Fault | undefined {
  if (depth > MAX_DEPTH) return fault('depth', from)
  for (let at = from; at < end; ) {
    if (at + 8 > end) return fault('avp-overrun', at)
    const word = bits(bytes, at + 4)
    const header = word < 0 ? 12 : 8
    const length = word & 0xff_ffff
    if (length < header || at + length > end || ++counted > MAX_AVPS) return broken(bytes, at, end)
    const kind = kindAt(word < 0 ? bits(bytes, at + 8) : 0, bits(bytes, at))
    if (kind === KIND.unknown) {
      if (unknown < 0 && (word & MANDATORY) !== 0) unknown = at
    } else if (kind === KIND.group) {
      const inner = structure(bytes, at + header, at + length, depth + 1)
      if (inner !== undefined) return inner
    }
    // Padding counts for nothing (§4.1); some peers leave out that of a group's last AVP.
    at += (length + 3) & ~3
  }
  return undefined
}

/** The flags octet is the highest of its word, the V flag the sign. */
const MANDATORY = FLAG_MANDATORY << 24

/** What is wrong with the AVP at `at`. */
function broken(bytes: Uint8Array, at: number, end: number): Fault {
  const header = dataAt(bytes, at) - at
  const code = String(u32(bytes, at))
  if (endAt(bytes, at) - at < header) return fault('avp-length', at, code)
  if (endAt(bytes, at) > end) return fault('avp-overrun', at, at + header > end ? code : labelAt(bytes, at))
  return fault('count', at)
}

/** Checks the octets of one message, exactly, and returns it: a view of `bytes`. Commands, flags and values are not judged. */
export function decode(bytes: Uint8Array): Message | Fault {
  if (bytes.length < HEADER_LENGTH) return fault('message-length', bytes.length)
  if (u8(bytes, 0) !== 1) return fault('version', 0)
  const header = readHeader(bytes)
  if (header.length !== bytes.length || header.length % 4 !== 0) return fault('message-length', 1)
  counted = 0
  unknown = -1
  const wrong = structure(bytes, HEADER_LENGTH, bytes.length, 0)
  if (wrong !== undefined) return wrong
  // Written out: a spread costs as much as all the AVPs.
  return {
    length: header.length,
    flags: header.flags,
    command: header.command,
    application: header.application,
    hopByHop: header.hopByHop,
    endToEnd: header.endToEnd,
    bytes,
    from: HEADER_LENGTH,
    end: bytes.length,
    unknown,
  }
}

/** Offset of the next AVP of `definition` at or after `at`, or -1. */
export function find({ bytes, from, end }: Avps, { code, vendor }: Definition, at = from): number {
  for (let next = at; next < end; next = after(bytes, next)) {
    if (u32(bytes, next) === code && vendorAt(bytes, next) === vendor) return next
  }
  return -1
}

function valueAt(definition: Definition, bytes: Uint8Array, at: number): unknown {
  const from = dataAt(bytes, at)
  const end = endAt(bytes, at)
  const { codec } = definition
  if (codec === undefined) return { bytes, from, end } satisfies Avps
  const value = codec.read(bytes, from, end)
  if (value !== undefined) return value
  return fault(
    codec.size !== undefined && codec.size !== end - from ? 'value-length' : 'value-content',
    at,
    definition.name,
  )
}

/** Reads the first AVP of one name: undefined when there is none, a fault when it is malformed, never a default. */
export type Reader<Name extends AvpName> = (avps: Avps) => AvpValue<Name> | Fault | undefined

/** As `get`, with the name looked up beforehand: for paths that read the same AVP of every message. */
export function reader<Name extends AvpName>(name: Name): Reader<Name> {
  const definition = definitionOf(name)
  return (avps) => {
    const at = find(avps, definition)
    return at < 0 ? undefined : (valueAt(definition, avps.bytes, at) as AvpValue<Name> | Fault)
  }
}

/** The first AVP `name` of a message or group: undefined when there is none, a fault when it is malformed. */
export function get<Name extends AvpName>(avps: Avps, name: Name): AvpValue<Name> | Fault | undefined {
  const definition = definitionOf(name)
  const at = find(avps, definition)
  return at < 0 ? undefined : (valueAt(definition, avps.bytes, at) as AvpValue<Name> | Fault)
}

/** All AVPs `name`, in order. */
export function all<Name extends AvpName>(avps: Avps, name: Name): (AvpValue<Name> | Fault)[] {
  const definition = definitionOf(name)
  const found: (AvpValue<Name> | Fault)[] = []
  for (let at = find(avps, definition); at >= 0; at = find(avps, definition, after(avps.bytes, at)))
    found.push(valueAt(definition, avps.bytes, at) as AvpValue<Name> | Fault)
  return found
}

/** An AVP as the dictionary reads it. */
export interface Avp {
  /** Undefined when the dictionary has none. */
  readonly name: AvpName | undefined
  readonly code: number
  /** Vendor-Id; 0 where the V flag is clear. */
  readonly vendor: number
  readonly flags: number
  /** A value of the AVP's format, AVPs in a group, octets where the dictionary has none, or what is wrong with it. */
  readonly value: unknown
  /** Where it begins, octets from the start of the message. */
  readonly offset: number
}

/** Every AVP of a message or group, in order; groups as `Avps`, to be read in the same way. */
export function avpsOf({ bytes, from, end }: Avps): Avp[] {
  const found: Avp[] = []
  for (let at = from; at < end; at = after(bytes, at)) {
    const code = u32(bytes, at)
    const vendor = vendorAt(bytes, at)
    const definition = definitionAt(vendor, code)
    const value =
      definition === undefined ? bytes.subarray(dataAt(bytes, at), endAt(bytes, at)) : valueAt(definition, bytes, at)
    found.push({ name: definition?.name, code, vendor, flags: u8(bytes, at + 4), value, offset: at })
  }
  return found
}

/** All AVPs as octets (views), in order: what `encode` needs to make the same message again. */
export function rawAvps({ bytes, from, end }: Avps): RawAvp[] {
  const found: RawAvp[] = []
  for (let at = from; at < end; at = after(bytes, at)) found.push(rawAt(bytes, at))
  return found
}

/** The AVP that begins at `at`, as octets. */
export const rawAt = (bytes: Uint8Array, at: number): RawAvp => ({
  code: u32(bytes, at),
  vendor: vendorAt(bytes, at),
  flags: u8(bytes, at + 4),
  octets: bytes.subarray(dataAt(bytes, at), endAt(bytes, at)),
})
