// Packets from values, or from the octets of another packet. A value that cannot be written is the caller's mistake and throws.
import { fail } from '../../kernel/errors.ts'
import { putU16, putU32 } from '../bytes/integers.ts'
import { type AttributeName, type AttributeValue, type Definition, definitionOf } from './dictionary.ts'
import { HEADER_LENGTH, MAX_LENGTH, type RawAttribute } from './packet.ts'

/** An attribute by name and value. */
export type NamedAttribute = { [Name in AttributeName]: readonly [Name, AttributeValue<Name>] }[AttributeName]

export interface PacketFields {
  readonly code: number
  /** 0 to 255. */
  readonly identifier: number
  /** 16 octets; zeros when left out, for authenticator.ts to fill. */
  readonly authenticator?: Uint8Array
  readonly attributes: readonly (NamedAttribute | RawAttribute)[]
}

const MAX_VALUE = 253
const VENDOR_SPECIFIC = 26
const NO_AUTHENTICATOR = new Uint8Array(16)

/** Packets are put together here and copied out at their length. */
const draft = new Uint8Array(MAX_LENGTH)

const isRaw = (attribute: NamedAttribute | RawAttribute): attribute is RawAttribute => !Array.isArray(attribute)

/**
 * The octets of a packet, attributes in the order given, each vendor's attribute in a Vendor-Specific of its own.
 * Throws `RADIUS_VALUE_INVALID` for a value out of its type's range, `RADIUS_PACKET_TOO_LONG` above 4096 octets.
 */
export function encode({ code, identifier, authenticator, attributes }: PacketFields): Uint8Array {
  if (!(Number.isInteger(identifier) && identifier >= 0 && identifier <= 255)) invalid('Identifier', '0 to 255')
  const signature = authenticator ?? NO_AUTHENTICATOR
  if (signature.length !== 16) invalid('Authenticator', '16 octets')
  draft[0] = code
  draft[1] = identifier
  draft.set(signature, 4)
  let at = HEADER_LENGTH
  for (const attribute of attributes) {
    at = isRaw(attribute) ? writeRaw(attribute, at) : writeNamed(definitionOf(attribute[0]), attribute[1], at)
  }
  putU16(draft, 2, at)
  const bytes = Buffer.allocUnsafe(at)
  bytes.set(at === MAX_LENGTH ? draft : draft.subarray(0, at))
  return bytes
}

function invalid(attribute: string, expected: string): never {
  return fail('RADIUS_VALUE_INVALID', { attribute, expected })
}

function tooLong(): never {
  return fail('RADIUS_PACKET_TOO_LONG', { limit: MAX_LENGTH })
}

function writeRaw({ type, octets }: RawAttribute, at: number): number {
  if (octets.length > MAX_VALUE) invalid(String(type), `at most ${MAX_VALUE} octets`)
  const end = at + 2 + octets.length
  if (end > MAX_LENGTH) tooLong()
  draft[at] = type
  draft[at + 1] = octets.length + 2
  draft.set(octets, at + 2)
  return end
}

function writeNamed(definition: Definition, value: unknown, at: number): number {
  if (definition.concat) return writeParts(definition.code, value as Uint8Array, at)
  if (definition.vendor === 0) return writeValue(definition, value, at, MAX_VALUE)
  // Type, length and vendor of Vendor-Specific, then the vendor's attribute in it.
  if (at + 8 > MAX_LENGTH) tooLong()
  const end = writeValue(definition, value, at + 6, MAX_VALUE - 6)
  draft[at] = VENDOR_SPECIFIC
  draft[at + 1] = end - at
  putU32(draft, at + 2, definition.vendor)
  return end
}

function writeValue(definition: Definition, value: unknown, at: number, most: number): number {
  const left = MAX_LENGTH - at - 2
  if (left < 0) tooLong()
  const length = definition.codec.write(value, draft, at + 2, Math.min(left, most))
  if (length < 0) {
    // Out of its type's range, or only out of what is left of the packet: the one is tried again on an empty packet.
    if (left < most && definition.codec.write(value, new Uint8Array(MAX_VALUE), 0, most) >= 0) tooLong()
    invalid(definition.name, expectation(definition, most))
  }
  draft[at] = definition.code
  draft[at + 1] = length + 2
  return at + length + 2
}

/** Splits the octets of a `concat` attribute over as many attributes as they need (RFC 8044 §3.6). */
function writeParts(type: number, octets: Uint8Array, at: number): number {
  let end = at
  for (let from = 0; from < octets.length || from === 0; from += MAX_VALUE) {
    end = writeRaw({ type, octets: octets.subarray(from, from + MAX_VALUE) }, end)
  }
  return end
}

function expectation({ row }: Definition, most: number): string {
  const type = row.values === undefined ? row.type : `${row.type} or one of ${Object.values(row.values).join(', ')}`
  return `${row.tagged ? 'tag 0 to 31 and ' : ''}${type} of at most ${most} octets`
}
