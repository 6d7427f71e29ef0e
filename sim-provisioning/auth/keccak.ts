// The permutation Keccak-f[1600] (FIPS 202 §3.3), which TUAK is made of; node:crypto has SHA-3 but not the bare permutation.
// Lanes are pairs of 32-bit words, because 64-bit BigInts are allocated one by one. No index and no branch depends on the data.

const ROUNDS = 24

/** Round constants as low and high words, from the shift register of FIPS 202 §3.2.5. */
const IOTA = new Int32Array(2 * ROUNDS)
/** Where ρ and π take the lanes 1 to 24 in the order of their walk, and by how many bits they rotate. */
const PI_LANE = new Uint8Array(24)
const RHO = new Uint8Array(24)

let register = 1
for (let round = 0; round < ROUNDS; round++) {
  for (let power = 0; power < 7; power++) {
    const bit = 2 ** power - 1
    if (register & 1) IOTA[2 * round + (bit >> 5)] = (IOTA[2 * round + (bit >> 5)] as number) ^ (1 << (bit & 31))
    register = (register << 1) ^ (register & 0x80 ? 0x171 : 0)
  }
}
for (let step = 0, x = 1, y = 0; step < 24; step++) {
  const next = (2 * x + 3 * y) % 5
  x = y
  y = next
  PI_LANE[step] = x + 5 * y
  RHO[step] = (((step + 1) * (step + 2)) / 2) % 64
}

/** Permutes the 200 octets of `bytes` in place; lanes are little-endian as in FIPS 202 §B.1. */
export function keccakF1600(bytes: Uint8Array): void {
  const s = new Int32Array(50)
  for (let word = 0, at = 0; word < 50; word++, at += 4) {
    s[word] =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
  }
  permute(s)
  for (let word = 0, at = 0; word < 50; word++, at += 4) {
    const value = s[word] as number
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
  }
}

const w = (words: Int32Array, at: number): number => words[at] as number

function permute(s: Int32Array): void {
  const column = new Int32Array(10)
  for (let round = 0; round < ROUNDS; round++) {
    for (let x = 0; x < 10; x++) column[x] = w(s, x) ^ w(s, x + 10) ^ w(s, x + 20) ^ w(s, x + 30) ^ w(s, x + 40)
    for (let x = 0; x < 10; x += 2) {
      const left = (x + 8) % 10
      const right = (x + 2) % 10
      const low = w(column, left) ^ ((w(column, right) << 1) | (w(column, right + 1) >>> 31))
      const high = w(column, left + 1) ^ ((w(column, right + 1) << 1) | (w(column, right) >>> 31))
      for (let lane = x; lane < 50; lane += 10) {
        s[lane] = w(s, lane) ^ low
        s[lane + 1] = w(s, lane + 1) ^ high
      }
    }
    let low = w(s, 2)
    let high = w(s, 3)
    for (let step = 0; step < 24; step++) {
      const at = 2 * (PI_LANE[step] as number)
      const bits = RHO[step] as number
      const nextLow = w(s, at)
      const nextHigh = w(s, at + 1)
      // Words change places above 31 bits; no rotation of the table is 0 or 32.
      const a = bits < 32 ? low : high
      const b = bits < 32 ? high : low
      const shift = bits & 31
      s[at] = (a << shift) | (b >>> (32 - shift))
      s[at + 1] = (b << shift) | (a >>> (32 - shift))
      low = nextLow
      high = nextHigh
    }
    for (let row = 0; row < 50; row += 10) {
      const first = w(s, row)
      const second = w(s, row + 1)
      const third = w(s, row + 2)
      const fourth = w(s, row + 3)
      for (let x = 0; x < 6; x++) s[row + x] = w(s, row + x) ^ (~w(s, row + x + 2) & w(s, row + x + 4))
      s[row + 6] = w(s, row + 6) ^ (~w(s, row + 8) & first)
      s[row + 7] = w(s, row + 7) ^ (~w(s, row + 9) & second)
      s[row + 8] = w(s, row + 8) ^ (~first & third)
      s[row + 9] = w(s, row + 9) ^ (~second & fourth)
    }
    s[0] = w(s, 0) ^ w(IOTA, 2 * round)
    s[1] = w(s, 1) ^ w(IOTA, 2 * round + 1)
  }
}
