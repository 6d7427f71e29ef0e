// Deterministic CBOR (RFC 8949 §4.2.1) straight into octets: shortest heads, definite lengths. Entries are written by the million,
// and this is several times faster than building a map for a general encoder first; reading is cborg's work.

/** Major types of RFC 8949 §3.1 that entries use. */
const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5 } as const

export interface CborWriter {
  /** -2^64 to 2^64 - 1. */
  integer(value: bigint): void
  bytes(value: Uint8Array): void
  text(value: string): void
  /** Opens an array of `length` items. */
  array(length: number): void
  /** Opens a map of `pairs` keys and values; the caller writes the keys in order. */
  map(pairs: number): void
  /** The octets written since the last `finish`. */
  finish(): Uint8Array
}

const FIRST_SIZE = 4096

export function createCborWriter(): CborWriter {
  let buffer = Buffer.allocUnsafe(FIRST_SIZE)
  let at = 0

  const reserve = (length: number): void => {
    if (at + length <= buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + length))
    buffer.copy(larger, 0, 0, at)
    buffer = larger
  }

  /** RFC 8949 §3: the argument in the fewest octets. */
  const head = (major: number, argument: number): void => {
    reserve(9)
    const top = major << 5
    if (argument < 24) buffer[at++] = top | argument
    else if (argument < 0x100) {
      buffer[at++] = top | 24
      buffer[at++] = argument
    } else if (argument < 0x1_0000) {
      buffer[at++] = top | 25
      at = buffer.writeUInt16BE(argument, at)
    } else if (argument < 0x1_0000_0000) {
      buffer[at++] = top | 26
      at = buffer.writeUInt32BE(argument, at)
    } else {
      buffer[at++] = top | 27
      at = buffer.writeBigUInt64BE(BigInt(argument), at)
    }
  }

  const wideHead = (major: number, argument: bigint): void => {
    if (argument <= Number.MAX_SAFE_INTEGER) head(major, Number(argument))
    else {
      reserve(9)
      buffer[at++] = (major << 5) | 27
      at = buffer.writeBigUInt64BE(argument, at)
    }
  }

  return {
    integer: (value) => (value < 0n ? wideHead(MAJOR.negative, -1n - value) : wideHead(MAJOR.uint, value)),
    bytes(value) {
      head(MAJOR.bytes, value.length)
      reserve(value.length)
      buffer.set(value, at)
      at += value.length
    },
    text(value) {
      const length = Buffer.byteLength(value)
      head(MAJOR.text, length)
      reserve(length)
      at += buffer.write(value, at)
    },
    array: (length) => head(MAJOR.array, length),
    map: (pairs) => head(MAJOR.map, pairs),
    finish() {
      const octets = Buffer.from(buffer.subarray(0, at))
      at = 0
      return octets
    },
  }
}
