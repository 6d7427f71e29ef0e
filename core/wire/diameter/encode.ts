// Messages from values, or from the octets of another message. A value that cannot be written is the caller's mistake and throws.
import { fail } from '../../kernel/errors.ts'
import { putU24, putU32 } from '../bytes/integers.ts'
import { type AvpInput, type Definition, definitionOf, FLAG_VENDOR, type NamedAvp, type RawAvp } from './dictionary.ts'
import { HEADER_LENGTH } from './message.ts'

export interface MessageFields {
  /** The command flags octet. */
  readonly flags: number
  readonly command: number
  readonly application: number
  /** Fills in who is asked over a connection: replaced at every hop. */
  readonly hopByHop: number
  readonly endToEnd: number
  readonly avps: readonly AvpInput[]
}

/** Longest message that we make; the length field could say 16 MiB. */
export const MAX_LENGTH = 1_048_576

/** Messages are put together here and copied out at their length. */
let draft = new Uint8Array(16_384)

const isRaw = (avp: AvpInput): avp is RawAvp => !Array.isArray(avp)

/**
 * The octets of a message, AVPs in the order given.
 * Throws `DIAMETER_VALUE_INVALID` for a value out of its format's range, `DIAMETER_MESSAGE_TOO_LONG` above `MAX_LENGTH`.
 */
export function encode({ flags, command, application, hopByHop, endToEnd, avps }: MessageFields): Uint8Array {
  draft[0] = 1
  draft[4] = flags
  putU24(draft, 5, command)
  putU32(draft, 8, application)
  putU32(draft, 12, hopByHop)
  putU32(draft, 16, endToEnd)
  const end = writeAll(avps, HEADER_LENGTH)
  putU24(draft, 1, end)
  const bytes = Buffer.allocUnsafe(end)
  bytes.set(draft.subarray(0, end))
  return bytes
}

/** The octets of one AVP, padding included: for Failed-AVP and for tests. Throws as `encode`. */
export function encodeAvp(avp: AvpInput): Uint8Array {
  return draft.slice(0, write(avp, 0))
}

function writeAll(avps: readonly AvpInput[], from: number): number {
  let at = from
  for (const avp of avps) at = write(avp, at)
  return at
}

/** Makes room for `octets` more at `at`. */
function reserve(at: number, octets: number): void {
  if (at + octets <= draft.length) return
  if (at + octets > MAX_LENGTH) fail('DIAMETER_MESSAGE_TOO_LONG', { limit: MAX_LENGTH })
  const larger = new Uint8Array(Math.min(MAX_LENGTH, Math.max(draft.length * 2, at + octets)))
  larger.set(draft)
  draft = larger
}

function write(avp: AvpInput, at: number): number {
  reserve(at, 16)
  if (isRaw(avp)) {
    const data = header(avp.code, avp.flags, avp.vendor, at)
    reserve(data, avp.octets.length + 3)
    draft.set(avp.octets, data)
    return finish(at, data + avp.octets.length)
  }
  const definition = definitionOf(avp[0])
  const data = header(definition.code, definition.flags, definition.vendor, at)
  return finish(
    at,
    definition.codec === undefined ? writeAll(avp[1] as readonly AvpInput[], data) : value(definition, avp, data),
  )
}

function header(code: number, flags: number, vendor: number, at: number): number {
  putU32(draft, at, code)
  draft[at + 4] = flags
  if ((flags & FLAG_VENDOR) === 0) return at + 8
  putU32(draft, at + 8, vendor)
  return at + 12
}

function value(definition: Definition, [, given]: NamedAvp, at: number): number {
  const { codec } = definition
  for (;;) {
    const length = codec?.write(given, draft, at, draft.length - at - 3) ?? -1
    if (length >= 0) return at + length
    // Out of its format's range, or only out of room: a long text or octets are tried again in a larger draft.
    const octets = typeof given === 'string' ? given.length * 3 : given instanceof Uint8Array ? given.length : 0
    if (at + octets + 3 <= draft.length) break
    reserve(at, octets + 3)
  }
  return fail('DIAMETER_VALUE_INVALID', { avp: definition.name, expected: expectation(definition) })
}

/** Writes the length and the padding of the AVP from `at` to `end`; returns where the next begins. */
function finish(at: number, end: number): number {
  putU24(draft, at + 5, end - at)
  const next = at + ((end - at + 3) & ~3)
  for (let pad = end; pad < next; pad++) draft[pad] = 0
  return next
}

function expectation({ row }: Definition): string {
  return row.values === undefined ? row.type : `a number or one of ${Object.values(row.values).join(', ')}`
}
