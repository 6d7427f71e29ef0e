// MD4 (RFC 1320), which MS-CHAPv2 and its keys are made with (RFC 2759 §8.3) and OpenSSL no longer has. It protects nothing by itself.
import { u8 } from './integers.ts'

const SHIFTS = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
] as const
const ORDER = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
] as const
const ADDED = [0, 0x5a827999, 0x6ed9eba1] as const
const START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const

const MIX = [
  (x: number, y: number, z: number): number => (x & y) | (~x & z),
  (x: number, y: number, z: number): number => (x & y) | (x & z) | (y & z),
  (x: number, y: number, z: number): number => x ^ y ^ z,
] as const

/** 16 octets. */
export function md4(message: Uint8Array): Uint8Array {
  const padded = pad(message)
  let state: readonly number[] = START
  for (let at = 0; at < padded.length; at += 64) state = compress(state, padded.subarray(at, at + 64))
  const digest = Buffer.alloc(16)
  for (const [index, word] of state.entries()) digest.writeUInt32LE(word >>> 0, index * 4)
  return digest
}

/** RFC 1320 §3.1, §3.2. */
function pad(message: Uint8Array): Uint8Array {
  const padded = Buffer.alloc(Math.ceil((message.length + 9) / 64) * 64)
  padded.set(message)
  padded[message.length] = 0x80
  padded.writeBigUInt64LE(BigInt(message.length) * 8n, padded.length - 8)
  return padded
}

/** RFC 1320 §3.4. */
function compress(state: readonly number[], block: Uint8Array): readonly number[] {
  const words = Array.from({ length: 16 }, (_, word) => little(block, word * 4))
  let [a = 0, b = 0, c = 0, d = 0] = state
  for (const [round, mix] of MIX.entries()) {
    for (const [step, word] of (ORDER[round] ?? []).entries()) {
      const sum = (a + mix(b, c, d) + (words[word] ?? 0) + (ADDED[round] ?? 0)) | 0
      const shift = SHIFTS[round]?.[step & 3] ?? 0
      ;[a, b, c, d] = [d, (sum << shift) | (sum >>> (32 - shift)), b, c]
    }
  }
  return [a, b, c, d].map((word, index) => (word + (state[index] ?? 0)) | 0)
}

const little = (octets: Uint8Array, at: number): number =>
  u8(octets, at) | (u8(octets, at + 1) << 8) | (u8(octets, at + 2) << 16) | (u8(octets, at + 3) << 24)
