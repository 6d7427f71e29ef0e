// MD5 (RFC 1321) for short messages. RADIUS signs each packet with it, and for a few hundred octets the way into native code and
// back costs more than the hash itself: 0.5 µs here against 1.0 µs in node:crypto for 200 octets. Long messages go to node:crypto.
// MD5 is what the protocol says (RFC 2865 §3); nothing else here may use it.
import { hash } from 'node:crypto'

/** Above this many octets node:crypto is quicker. */
const LONG = 2048
/** The words below are read as the machine has them, and MD5's are little-endian. */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

export interface Md5 {
  /** Write the message here. */
  readonly input: Uint8Array
  /** The 16 octets of the digest of the first `length` octets of `input`: a view that the next call overwrites. `input` stays as it is up to `length`. */
  digest(length: number): Uint8Array
}

/** A hash with a message buffer of its own, so that hashing allocates nothing. `capacity`: longest message, octets. */
export function createMd5(capacity: number): Md5 {
  const words = new Int32Array(((capacity + 8) >>> 6) * 16 + 16)
  const bytes = new Uint8Array(words.buffer)
  const state = new Int32Array(4)
  const result = new Uint8Array(state.buffer)
  return {
    input: bytes.subarray(0, capacity),
    digest(length) {
      if (length > LONG || !LITTLE_ENDIAN) {
        result.set(hash('md5', bytes.subarray(0, length), 'buffer'))
        return result
      }
      const end = ((length + 8) >>> 6) * 16 + 16
      bytes[length] = 0x80
      bytes.fill(0, length + 1, end * 4)
      words[end - 2] = length << 3
      compress(words, end, state)
      return result
    },
  }
}

const word = (words: Int32Array, at: number): number => words[at] as number

/** Hashes `words` up to `end`, a multiple of 16, into `state`. Unrolled, so that all words of a block stay in registers or on the stack. */
function compress(words: Int32Array, end: number, state: Int32Array): void {
  let a0 = 0x67452301
  let b0 = 0xefcdab89 | 0
  let c0 = 0x98badcfe | 0
  let d0 = 0x10325476
  let t = 0
  for (let at = 0; at < end; at += 16) {
    const x0 = word(words, at)
    const x1 = word(words, at + 1)
    const x2 = word(words, at + 2)
    const x3 = word(words, at + 3)
    const x4 = word(words, at + 4)
    const x5 = word(words, at + 5)
    const x6 = word(words, at + 6)
    const x7 = word(words, at + 7)
    const x8 = word(words, at + 8)
    const x9 = word(words, at + 9)
    const x10 = word(words, at + 10)
    const x11 = word(words, at + 11)
    const x12 = word(words, at + 12)
    const x13 = word(words, at + 13)
    const x14 = word(words, at + 14)
    const x15 = word(words, at + 15)
    let a = a0
    let b = b0
    let c = c0
    let d = d0
    // RFC 1321 §3.4, round 1
    t = (a + (d ^ (b & (c ^ d))) + x0 - 680876936) | 0
    a = (((t << 7) | (t >>> 25)) + b) | 0
    t = (d + (c ^ (a & (b ^ c))) + x1 - 389564586) | 0
    d = (((t << 12) | (t >>> 20)) + a) | 0
    t = (c + (b ^ (d & (a ^ b))) + x2 + 606105819) | 0
    c = (((t << 17) | (t >>> 15)) + d) | 0
    t = (b + (a ^ (c & (d ^ a))) + x3 - 1044525330) | 0
    b = (((t << 22) | (t >>> 10)) + c) | 0
    t = (a + (d ^ (b & (c ^ d))) + x4 - 176418897) | 0
    a = (((t << 7) | (t >>> 25)) + b) | 0
    t = (d + (c ^ (a & (b ^ c))) + x5 + 1200080426) | 0
    d = (((t << 12) | (t >>> 20)) + a) | 0
    t = (c + (b ^ (d & (a ^ b))) + x6 - 1473231341) | 0
    c = (((t << 17) | (t >>> 15)) + d) | 0
    t = (b + (a ^ (c & (d ^ a))) + x7 - 45705983) | 0
    b = (((t << 22) | (t >>> 10)) + c) | 0
    t = (a + (d ^ (b & (c ^ d))) + x8 + 1770035416) | 0
    a = (((t << 7) | (t >>> 25)) + b) | 0
    t = (d + (c ^ (a & (b ^ c))) + x9 - 1958414417) | 0
    d = (((t << 12) | (t >>> 20)) + a) | 0
    t = (c + (b ^ (d & (a ^ b))) + x10 - 42063) | 0
    c = (((t << 17) | (t >>> 15)) + d) | 0
    t = (b + (a ^ (c & (d ^ a))) + x11 - 1990404162) | 0
    b = (((t << 22) | (t >>> 10)) + c) | 0
    t = (a + (d ^ (b & (c ^ d))) + x12 + 1804603682) | 0
    a = (((t << 7) | (t >>> 25)) + b) | 0
    t = (d + (c ^ (a & (b ^ c))) + x13 - 40341101) | 0
    d = (((t << 12) | (t >>> 20)) + a) | 0
    t = (c + (b ^ (d & (a ^ b))) + x14 - 1502002290) | 0
    c = (((t << 17) | (t >>> 15)) + d) | 0
    t = (b + (a ^ (c & (d ^ a))) + x15 + 1236535329) | 0
    b = (((t << 22) | (t >>> 10)) + c) | 0
    // RFC 1321 §3.4, round 2
    t = (a + (c ^ (d & (b ^ c))) + x1 - 165796510) | 0
    a = (((t << 5) | (t >>> 27)) + b) | 0
    t = (d + (b ^ (c & (a ^ b))) + x6 - 1069501632) | 0
    d = (((t << 9) | (t >>> 23)) + a) | 0
    t = (c + (a ^ (b & (d ^ a))) + x11 + 643717713) | 0
    c = (((t << 14) | (t >>> 18)) + d) | 0
    t = (b + (d ^ (a & (c ^ d))) + x0 - 373897302) | 0
    b = (((t << 20) | (t >>> 12)) + c) | 0
    t = (a + (c ^ (d & (b ^ c))) + x5 - 701558691) | 0
    a = (((t << 5) | (t >>> 27)) + b) | 0
    t = (d + (b ^ (c & (a ^ b))) + x10 + 38016083) | 0
    d = (((t << 9) | (t >>> 23)) + a) | 0
    t = (c + (a ^ (b & (d ^ a))) + x15 - 660478335) | 0
    c = (((t << 14) | (t >>> 18)) + d) | 0
    t = (b + (d ^ (a & (c ^ d))) + x4 - 405537848) | 0
    b = (((t << 20) | (t >>> 12)) + c) | 0
    t = (a + (c ^ (d & (b ^ c))) + x9 + 568446438) | 0
    a = (((t << 5) | (t >>> 27)) + b) | 0
    t = (d + (b ^ (c & (a ^ b))) + x14 - 1019803690) | 0
    d = (((t << 9) | (t >>> 23)) + a) | 0
    t = (c + (a ^ (b & (d ^ a))) + x3 - 187363961) | 0
    c = (((t << 14) | (t >>> 18)) + d) | 0
    t = (b + (d ^ (a & (c ^ d))) + x8 + 1163531501) | 0
    b = (((t << 20) | (t >>> 12)) + c) | 0
    t = (a + (c ^ (d & (b ^ c))) + x13 - 1444681467) | 0
    a = (((t << 5) | (t >>> 27)) + b) | 0
    t = (d + (b ^ (c & (a ^ b))) + x2 - 51403784) | 0
    d = (((t << 9) | (t >>> 23)) + a) | 0
    t = (c + (a ^ (b & (d ^ a))) + x7 + 1735328473) | 0
    c = (((t << 14) | (t >>> 18)) + d) | 0
    t = (b + (d ^ (a & (c ^ d))) + x12 - 1926607734) | 0
    b = (((t << 20) | (t >>> 12)) + c) | 0
    // RFC 1321 §3.4, round 3
    t = (a + (b ^ c ^ d) + x5 - 378558) | 0
    a = (((t << 4) | (t >>> 28)) + b) | 0
    t = (d + (a ^ b ^ c) + x8 - 2022574463) | 0
    d = (((t << 11) | (t >>> 21)) + a) | 0
    t = (c + (d ^ a ^ b) + x11 + 1839030562) | 0
    c = (((t << 16) | (t >>> 16)) + d) | 0
    t = (b + (c ^ d ^ a) + x14 - 35309556) | 0
    b = (((t << 23) | (t >>> 9)) + c) | 0
    t = (a + (b ^ c ^ d) + x1 - 1530992060) | 0
    a = (((t << 4) | (t >>> 28)) + b) | 0
    t = (d + (a ^ b ^ c) + x4 + 1272893353) | 0
    d = (((t << 11) | (t >>> 21)) + a) | 0
    t = (c + (d ^ a ^ b) + x7 - 155497632) | 0
    c = (((t << 16) | (t >>> 16)) + d) | 0
    t = (b + (c ^ d ^ a) + x10 - 1094730640) | 0
    b = (((t << 23) | (t >>> 9)) + c) | 0
    t = (a + (b ^ c ^ d) + x13 + 681279174) | 0
    a = (((t << 4) | (t >>> 28)) + b) | 0
    t = (d + (a ^ b ^ c) + x0 - 358537222) | 0
    d = (((t << 11) | (t >>> 21)) + a) | 0
    t = (c + (d ^ a ^ b) + x3 - 722521979) | 0
    c = (((t << 16) | (t >>> 16)) + d) | 0
    t = (b + (c ^ d ^ a) + x6 + 76029189) | 0
    b = (((t << 23) | (t >>> 9)) + c) | 0
    t = (a + (b ^ c ^ d) + x9 - 640364487) | 0
    a = (((t << 4) | (t >>> 28)) + b) | 0
    t = (d + (a ^ b ^ c) + x12 - 421815835) | 0
    d = (((t << 11) | (t >>> 21)) + a) | 0
    t = (c + (d ^ a ^ b) + x15 + 530742520) | 0
    c = (((t << 16) | (t >>> 16)) + d) | 0
    t = (b + (c ^ d ^ a) + x2 - 995338651) | 0
    b = (((t << 23) | (t >>> 9)) + c) | 0
    // RFC 1321 §3.4, round 4
    t = (a + (c ^ (b | ~d)) + x0 - 198630844) | 0
    a = (((t << 6) | (t >>> 26)) + b) | 0
    t = (d + (b ^ (a | ~c)) + x7 + 1126891415) | 0
    d = (((t << 10) | (t >>> 22)) + a) | 0
    t = (c + (a ^ (d | ~b)) + x14 - 1416354905) | 0
    c = (((t << 15) | (t >>> 17)) + d) | 0
    t = (b + (d ^ (c | ~a)) + x5 - 57434055) | 0
    b = (((t << 21) | (t >>> 11)) + c) | 0
    t = (a + (c ^ (b | ~d)) + x12 + 1700485571) | 0
    a = (((t << 6) | (t >>> 26)) + b) | 0
    t = (d + (b ^ (a | ~c)) + x3 - 1894986606) | 0
    d = (((t << 10) | (t >>> 22)) + a) | 0
    t = (c + (a ^ (d | ~b)) + x10 - 1051523) | 0
    c = (((t << 15) | (t >>> 17)) + d) | 0
    t = (b + (d ^ (c | ~a)) + x1 - 2054922799) | 0
    b = (((t << 21) | (t >>> 11)) + c) | 0
    t = (a + (c ^ (b | ~d)) + x8 + 1873313359) | 0
    a = (((t << 6) | (t >>> 26)) + b) | 0
    t = (d + (b ^ (a | ~c)) + x15 - 30611744) | 0
    d = (((t << 10) | (t >>> 22)) + a) | 0
    t = (c + (a ^ (d | ~b)) + x6 - 1560198380) | 0
    c = (((t << 15) | (t >>> 17)) + d) | 0
    t = (b + (d ^ (c | ~a)) + x13 + 1309151649) | 0
    b = (((t << 21) | (t >>> 11)) + c) | 0
    t = (a + (c ^ (b | ~d)) + x4 - 145523070) | 0
    a = (((t << 6) | (t >>> 26)) + b) | 0
    t = (d + (b ^ (a | ~c)) + x11 - 1120210379) | 0
    d = (((t << 10) | (t >>> 22)) + a) | 0
    t = (c + (a ^ (d | ~b)) + x2 + 718787259) | 0
    c = (((t << 15) | (t >>> 17)) + d) | 0
    t = (b + (d ^ (c | ~a)) + x9 - 343485551) | 0
    b = (((t << 21) | (t >>> 11)) + c) | 0
    a0 = (a0 + a) | 0
    b0 = (b0 + b) | 0
    c0 = (c0 + c) | 0
    d0 = (d0 + d) | 0
  }
  state[0] = a0
  state[1] = b0
  state[2] = c0
  state[3] = d0
}
