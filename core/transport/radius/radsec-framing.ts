// Packets out of a stream (RFC 6613 §2.6.1): each says its own length. Never more than one packet's octets wait for the rest.
import { u16 } from '../../wire/bytes/integers.ts'
import { HEADER_LENGTH, MAX_LENGTH } from '../../wire/radius/packet.ts'

export interface Framer {
  /** Adds what has been read. */
  push(chunk: Uint8Array): void
  /** The next whole packet, its structure not judged; undefined while it is not all there; 'bad-length' when the stream can make no sense any more. */
  next(): Uint8Array | 'bad-length' | undefined
  /** Octets that wait. */
  size(): number
}

export function createFramer(): Framer {
  let buffer: Uint8Array = new Uint8Array(0)
  let at = 0
  return {
    push(chunk) {
      buffer = at === buffer.length ? chunk : Buffer.concat([buffer.subarray(at), chunk])
      at = 0
    },
    next() {
      const left = buffer.length - at
      if (left < 4) return undefined
      const length = u16(buffer, at + 2)
      // RFC 6613 §2.6.4: such a stream is closed.
      if (length < HEADER_LENGTH || length > MAX_LENGTH) return 'bad-length'
      if (left < length) return undefined
      const packet = buffer.subarray(at, at + length)
      at += length
      return packet
    },
    size: () => buffer.length - at,
  }
}
