// The pseudo-random function of FIPS 186-2 change notice 1, as EAP-SIM and EAP-AKA expand their master key (RFC 4186 Appendix B, RFC
// 4187 Appendix A): the modulus is left away, and G is the bare compression function of SHA-1, which no library offers.
import { u32 } from '../bytes/integers.ts'

const OCTETS = 20
const words = new Int32Array(80)

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))

/** SHA-1's compression of one block, the 20 octets of `key` and zeros, from its initial state, into `out` at `at`. */
function compress(key: Uint8Array, out: Uint8Array, at: number): void {
  for (let index = 0; index < 16; index++) words[index] = index < 5 ? u32(key, index * 4) | 0 : 0
  for (let index = 16; index < 80; index++) {
    const mixed = at16(index - 3) ^ at16(index - 8) ^ at16(index - 14) ^ at16(index - 16)
    words[index] = rotate(mixed, 1)
  }
  let [a, b, c, d, e] = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0]
  for (let index = 0; index < 80; index++) {
    const next = (rotate(a, 5) + round(index, b, c, d) + e + at16(index)) | 0
    e = d
    d = c
    c = rotate(b, 30)
    b = a
    a = next
  }
  put(out, at, a + 0x67452301)
  put(out, at + 4, b + (0xefcdab89 | 0))
  put(out, at + 8, c + (0x98badcfe | 0))
  put(out, at + 12, d + 0x10325476)
  put(out, at + 16, e + (0xc3d2e1f0 | 0))
}

const at16 = (index: number): number => words[index] as number

function round(index: number, b: number, c: number, d: number): number {
  if (index < 20) return ((b & c) | (~b & d)) + 0x5a827999
  if (index < 40) return (b ^ c ^ d) + 0x6ed9eba1
  if (index < 60) return ((b & c) | (b & d) | (c & d)) + (0x8f1bbcdc | 0)
  return (b ^ c ^ d) + (0xca62c1d6 | 0)
}

function put(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}

/** `length` octets from a key of 20. */
export function fips186Prf(key: Uint8Array, length: number): Uint8Array {
  if (key.length !== OCTETS) throw new RangeError(`a key has ${OCTETS} octets`)
  const state = Uint8Array.from(key)
  const out = new Uint8Array(Math.ceil(length / OCTETS) * OCTETS)
  for (let at = 0; at < out.length; at += OCTETS) {
    compress(state, out, at)
    // XKEY = (1 + XKEY + w) mod 2^160
    let carry = 1
    for (let index = OCTETS - 1; index >= 0; index--) {
      const sum = (state[index] as number) + (out[at + index] as number) + carry
      state[index] = sum
      carry = sum >>> 8
    }
  }
  return out.subarray(0, length)
}
