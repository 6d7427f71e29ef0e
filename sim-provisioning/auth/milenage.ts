// MILENAGE (TS 35.206) over AES-128, with the constants r1..r5 and c1..c5 of §4.1.
//
// AES comes from node:crypto: one cipher per subscriber and one call for OUT1 to OUT4 together cost about 7 µs for a whole challenge.
// An own AES would save some of that, but its tables are indexed by key-dependent octets, and K would leak through the cache to
// whoever shares the processor; OpenSSL uses the processor's constant-time AES instructions.
import { type Cipher, createCipheriv } from 'node:crypto'
import { type Answer, type AuthenticationFunctions, checkInputs, checkLength, xor } from './functions.ts'

/** Rotations r1 to r5 in octets to the left, and the last octet of the constants c1 to c5. */
const ROTATION = [8, 0, 4, 8, 12] as const
const CONSTANT = [0, 1, 2, 4, 8] as const

const ecb = (k: Uint8Array): Cipher => createCipheriv('aes-128-ecb', k, null).setAutoPadding(false)

/** OPc of an operator's OP for one subscriber (TS 35.206 §4.1). All 16 octets. */
export function opcOf(k: Uint8Array, op: Uint8Array): Uint8Array {
  checkLength('K', k, 16)
  checkLength('OP', op, 16)
  return xor(op, ecb(k).update(op))
}

/** f1 to f5* of the subscriber with this K and OPc, 16 octets each. MAC and RES are 8 octets, CK and IK 16. */
export function milenage(k: Uint8Array, opc: Uint8Array): AuthenticationFunctions {
  checkLength('K', k, 16)
  checkLength('OPc', opc, 16)
  const op = Uint8Array.from(opc)
  const cipher = ecb(k)
  const temp = (rand: Uint8Array): Uint8Array => cipher.update(xor(rand, op))

  /** Writes the block that E makes OUT`n` of. For OUT1 it is TEMP and IN1 that are joined, for the others TEMP and c. */
  function block(n: 1 | 2 | 3 | 4 | 5, rotated: Uint8Array, added: Uint8Array | undefined, to: Uint8Array, at: number) {
    const rotation = ROTATION[n - 1] as number
    for (let index = 0; index < 16; index++) {
      const from = (index + rotation) & 15
      const octet = (rotated[from] as number) ^ (op[from] as number)
      to[at + index] = added === undefined ? octet : octet ^ (added[index] as number)
    }
    to[at + 15] = (to[at + 15] as number) ^ (CONSTANT[n - 1] as number)
  }

  function encrypt(blocks: Uint8Array): Uint8Array {
    const out = cipher.update(blocks)
    for (let index = 0; index < out.length; index++) {
      out[index] = (out[index] as number) ^ (op[index & 15] as number)
    }
    return out
  }

  function in1(sqn: Uint8Array, amf: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(16)
    bytes.set(sqn, 0)
    bytes.set(amf, 6)
    bytes.copyWithin(8, 0, 8)
    return bytes
  }

  function out1(rand: Uint8Array, sqn: Uint8Array, amf: Uint8Array): Uint8Array {
    checkInputs(rand, sqn, amf)
    const blocks = new Uint8Array(16)
    block(1, in1(sqn, amf), temp(rand), blocks, 0)
    return encrypt(blocks)
  }

  function blocks2345(t: Uint8Array, blocks: Uint8Array, at: number): void {
    block(2, t, undefined, blocks, at)
    block(3, t, undefined, blocks, at + 16)
    block(4, t, undefined, blocks, at + 32)
  }

  // Copies, not views: nobody who holds RES may reach CK through its buffer.
  const answer = (out: Uint8Array, at: number): Answer => ({
    res: Uint8Array.from(out.subarray(at + 8, at + 16)),
    ck: Uint8Array.from(out.subarray(at + 16, at + 32)),
    ik: Uint8Array.from(out.subarray(at + 32, at + 48)),
    ak: Uint8Array.from(out.subarray(at, at + 6)),
  })

  return {
    f1: (rand, sqn, amf) => Uint8Array.from(out1(rand, sqn, amf).subarray(0, 8)),
    f1star: (rand, sqn, amf) => Uint8Array.from(out1(rand, sqn, amf).subarray(8, 16)),
    f2345(rand) {
      checkLength('RAND', rand, 16)
      const blocks = new Uint8Array(48)
      blocks2345(temp(rand), blocks, 0)
      return answer(encrypt(blocks), 0)
    },
    f5star(rand) {
      checkLength('RAND', rand, 16)
      const blocks = new Uint8Array(16)
      block(5, temp(rand), undefined, blocks, 0)
      return Uint8Array.from(encrypt(blocks).subarray(0, 6))
    },
    challenge(rand, sqn, amf) {
      checkInputs(rand, sqn, amf)
      const t = temp(rand)
      const blocks = new Uint8Array(64)
      block(1, in1(sqn, amf), t, blocks, 0)
      blocks2345(t, blocks, 16)
      const out = encrypt(blocks)
      return { macA: Uint8Array.from(out.subarray(0, 8)), ...answer(out, 16) }
    },
  }
}
