// What an endpoint must refuse in a message that is well formed: AVPs that it does not know and may not ignore (RFC 6733 §4.1), AVPs that are
// missing. Refusals name the offending AVP in Failed-AVP (§7.5).
import { u8, u24, u32 } from '../bytes/integers.ts'
import {
  type AvpInput,
  type AvpName,
  type Avps,
  definitionAt,
  definitionOf,
  FLAG_VENDOR,
  type RawAvp,
} from './dictionary.ts'
import { FAULT_RESULT, type Fault, isFault } from './fault.ts'
import { find, HEADER_LENGTH, labelAt, type Message, rawAt } from './message.ts'

/** Why a request is refused, in the words of the answer. */
export interface Refusal {
  /** Result-Code. */
  readonly result: number
  /** What Failed-AVP holds; empty where no AVP is to blame. */
  readonly failed: readonly AvpInput[]
  /** Error-Message, for people. */
  readonly text: string
}

/** The first AVP with the M flag that the dictionary does not know, at any depth, as DIAMETER_AVP_UNSUPPORTED (5001). */
export function unsupported(message: Message): Refusal | undefined {
  const { bytes, unknown } = message
  if (unknown < 0) return undefined
  return { result: 5001, failed: failedAvp(message, unknown), text: `AVP ${labelAt(bytes, unknown)} is not known here` }
}

/** The first of `names` that is not there, as DIAMETER_MISSING_AVP (5005): Failed-AVP shows an example of it with a value of zeros. */
export function missing(avps: Avps, names: readonly AvpName[]): Refusal | undefined {
  const name = names.find((each) => find(avps, definitionOf(each)) < 0)
  if (name === undefined) return undefined
  const { code, vendor, flags, codec } = definitionOf(name)
  const octets = new Uint8Array(codec?.size ?? 0)
  return { result: 5005, failed: [{ code, vendor, flags, octets }], text: `${name} is missing` }
}

/** The refusal of a message or value with a fault; `bytes` are the whole message, well formed or not. */
export function refusal(bytes: Uint8Array, fault: Fault): Refusal {
  const result = FAULT_RESULT[fault.fault]
  const text = `${fault.avp ?? 'the message'}: ${fault.fault} at octet ${fault.offset}`
  if (fault.offset < HEADER_LENGTH || result === 5012) return { result, failed: [], text }
  if (fault.fault === 'avp-length' || fault.fault === 'avp-overrun')
    return { result, failed: [headerOnly(bytes, fault.offset)], text }
  return { result, failed: failedAvp({ bytes, from: HEADER_LENGTH, end: bytes.length }, fault.offset), text }
}

/** What stands for an AVP whose length cannot be right: its header, zeros where it ends early, and an empty value of its format (§7.1.5). */
function headerOnly(bytes: Uint8Array, at: number): RawAvp {
  const head = new Uint8Array(12)
  head.set(bytes.subarray(at, Math.min(at + 12, bytes.length)))
  const vendor = u8(head, 4) & FLAG_VENDOR ? u32(head, 8) : 0
  const code = u32(head, 0)
  return { code, vendor, flags: u8(head, 4), octets: new Uint8Array(definitionAt(vendor, code)?.codec?.size ?? 0) }
}

/** The AVP at `at`, inside the groups that it is in, each of them with nothing else (RFC 6733 §7.5). */
function failedAvp({ bytes, from, end }: Avps, at: number): readonly AvpInput[] {
  for (let next = from; next < end; next += (u24(bytes, next + 5) + 3) & ~3) {
    const raw = rawAt(bytes, next)
    if (next === at) return [raw]
    const definition = definitionAt(raw.vendor, raw.code)
    const last = next + u24(bytes, next + 5)
    if (at < last && definition !== undefined && definition.codec === undefined)
      return [[definition.name, failedAvp({ bytes, from: last - raw.octets.length, end: last }, at)] as AvpInput]
  }
  return []
}

/** A value that must be there and well formed, or the refusal that says what is wrong. */
export function required<Value>(avps: Avps, name: AvpName, value: Value | Fault | undefined): Value | Refusal {
  if (value === undefined) return missing(avps, [name]) as Refusal
  return isFault(value) ? refusal(avps.bytes, value) : value
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && Array.isArray((value as Partial<Refusal>).failed)
}
