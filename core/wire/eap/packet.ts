// EAP packets (RFC 3748 §4): code, identifier, length, and for requests and responses a type with its data. Decoding never throws.
import { u8, u16 } from '../bytes/integers.ts'

/** RFC 3748 §4. */
export const EAP_CODE = { request: 1, response: 2, success: 3, failure: 4 } as const

/** Method types (IANA registry of EAP types). */
export const EAP_TYPE = {
  identity: 1,
  notification: 2,
  nak: 3,
  md5: 4,
  tls: 13,
  sim: 18,
  aka: 23,
  akaPrime: 50,
} as const

export const EAP_HEADER = 4

export interface EapPacket {
  readonly code: number
  /** 0 to 255: a response repeats its request's. */
  readonly identifier: number
  /** 0 in Success and Failure, which have none. */
  readonly type: number
  /** What follows the type: a view. */
  readonly data: Uint8Array
  /** The whole packet without padding, for checksums over it: a view. */
  readonly bytes: Uint8Array
}

/** `too-short`: no header, or a request without type. `bad-length`: the Length field is below 4 or above what came. `bad-code`: none of the four. */
export type EapFault = { readonly fault: 'too-short' | 'bad-length' | 'bad-code' }

export const isEapFault = (packet: EapPacket | EapFault): packet is EapFault => 'fault' in packet

/** Checks the structure; octets after Length are padding of the layer below and ignored (RFC 3748 §4.1). */
export function decodeEap(bytes: Uint8Array): EapPacket | EapFault {
  if (bytes.length < EAP_HEADER) return { fault: 'too-short' }
  const code = u8(bytes, 0)
  const length = u16(bytes, 2)
  if (length < EAP_HEADER || length > bytes.length) return { fault: 'bad-length' }
  if (code < EAP_CODE.request || code > EAP_CODE.failure) return { fault: 'bad-code' }
  const whole = bytes.subarray(0, length)
  const identifier = u8(bytes, 1)
  if (code >= EAP_CODE.success) return { code, identifier, type: 0, data: whole.subarray(EAP_HEADER), bytes: whole }
  if (length === EAP_HEADER) return { fault: 'too-short' }
  return { code, identifier, type: u8(bytes, EAP_HEADER), data: whole.subarray(EAP_HEADER + 1), bytes: whole }
}

/** A request or response of a method. */
export function encodeEap(code: number, identifier: number, type: number, data: Uint8Array): Uint8Array {
  const length = EAP_HEADER + 1 + data.length
  const bytes = Buffer.allocUnsafe(length)
  bytes[0] = code
  bytes[1] = identifier
  bytes.writeUInt16BE(length, 2)
  bytes[4] = type
  bytes.set(data, 5)
  return bytes
}

/** Success or Failure (RFC 3748 §4.2). */
export const encodeEapResult = (
  code: typeof EAP_CODE.success | typeof EAP_CODE.failure,
  identifier: number,
): Uint8Array => Buffer.from([code, identifier, 0, EAP_HEADER])
