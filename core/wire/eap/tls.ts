// EAP-TLS fragments (RFC 5216 §3): flags, the length of the whole flight in its first fragment, and a part of it.
import { putU32, u8, u32 } from '../bytes/integers.ts'

const FLAG = { length: 0x80, more: 0x40, start: 0x20 } as const

export interface TlsFragment {
  readonly start: boolean
  readonly more: boolean
  /** Octets of the whole flight; undefined where the L bit is clear. */
  readonly total: number | undefined
  /** A view. */
  readonly data: Uint8Array
}

/** The fragment in an EAP packet's data, or undefined when it is too short for its flags. */
export function decodeTlsFragment(data: Uint8Array): TlsFragment | undefined {
  if (data.length === 0) return undefined
  const flags = u8(data, 0)
  const long = (flags & FLAG.length) !== 0
  if (long && data.length < 5) return undefined
  return {
    start: (flags & FLAG.start) !== 0,
    more: (flags & FLAG.more) !== 0,
    total: long ? u32(data, 1) : undefined,
    data: data.subarray(long ? 5 : 1),
  }
}

/** The data of an EAP packet. */
export function encodeTlsFragment({ start, more, total, data }: TlsFragment): Uint8Array {
  const lead = total === undefined ? 1 : 5
  const bytes = new Uint8Array(lead + data.length)
  bytes[0] = (total === undefined ? 0 : FLAG.length) | (more ? FLAG.more : 0) | (start ? FLAG.start : 0)
  if (total !== undefined) putU32(bytes, 1, total)
  bytes.set(data, lead)
  return bytes
}
