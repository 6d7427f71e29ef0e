// TUAK (TS 35.231): f1 to f5* from Keccak-f[1600]. Every value enters and leaves the state with its last octet first (§6.1).
import { type AuthenticationFunctions, checkInputs, checkLength } from './functions.ts'
import { keccakF1600 } from './keccak.ts'

/** Lengths in bits. The AKA of UMTS, EPS and 5G carries a MAC of 64, CK and IK of 128 and a RES of 32 to 128 (TS 33.102 §6.3.7). */
export interface TuakOptions {
  readonly mac: 64 | 128 | 256
  readonly res: 32 | 64 | 128 | 256
  readonly ck: 128 | 256
  readonly ik: 128 | 256
  /** How often the permutation runs (TS 35.231 §6.2): 1 unless the operator chose more. */
  readonly iterations: number
}

const AKA: TuakOptions = { mac: 64, res: 64, ck: 128, ik: 128, iterations: 1 }

// Where the inputs lie in the state, octets (TS 35.231 §6.2 to §6.5).
const TOPC_AT = 0
const INSTANCE_AT = 32
const NAME_AT = 33
const RAND_AT = 40
const AMF_AT = 56
const SQN_AT = 58
const K_AT = 64
const PADDING_AT = 96
const PADDING_END = 135
/** AK and AK* are taken from here of the output, after room for RES, CK and IK of 256 bits each. */
const AK_AT = 96

const NAME = new TextEncoder().encode('TUAK1.0')

function put(state: Uint8Array, at: number, value: Uint8Array): void {
  for (let index = 0; index < value.length; index++) state[at + index] = value[value.length - 1 - index] as number
}

const take = (state: Uint8Array, at: number, length: number): Uint8Array => state.slice(at, at + length).reverse()

/** The state after the permutation. `instance` without its last bit, which tells the length of K. */
function core(
  instance: number,
  k: Uint8Array,
  top: Uint8Array,
  iterations: number,
  rand?: Uint8Array,
  sqn?: Uint8Array,
  amf?: Uint8Array,
): Uint8Array {
  const state = new Uint8Array(200)
  put(state, TOPC_AT, top)
  state[INSTANCE_AT] = instance | (k.length === 32 ? 1 : 0)
  put(state, NAME_AT, NAME)
  if (rand) put(state, RAND_AT, rand)
  if (amf) put(state, AMF_AT, amf)
  if (sqn) put(state, SQN_AT, sqn)
  put(state, K_AT, k)
  state[PADDING_AT] = 0x1f
  state[PADDING_END] = 0x80
  for (let run = 0; run < iterations; run++) keccakF1600(state)
  return state
}

/** TOPc of an operator's TOP for one subscriber (TS 35.231 §6.2). K is 16 or 32 octets, TOP 32. */
export function topcOf(k: Uint8Array, top: Uint8Array, iterations = 1): Uint8Array {
  checkLength('K', k, 16, 32)
  checkLength('TOP', top, 32)
  return take(core(0, k, top, iterations), 0, 32)
}

/** f1 to f5* of the subscriber with this K, of 16 or 32 octets, and TOPc, of 32. */
export function tuak(k: Uint8Array, topc: Uint8Array, options: Partial<TuakOptions> = {}): AuthenticationFunctions {
  checkLength('K', k, 16, 32)
  checkLength('TOPc', topc, 32)
  const key = Uint8Array.from(k)
  const top = Uint8Array.from(topc)
  const { mac, res, ck, ik, iterations } = { ...AKA, ...options }
  // TS 35.231 §6.3 and §6.4: the lengths are bits of INSTANCE, 64 as 001, 128 as 010, 256 as 100 and 32 as 000.
  const macInstance = mac >> 3
  const answerInstance = 0x40 | (res === 32 ? 0 : res >> 3) | (ck === 256 ? 4 : 0) | (ik === 256 ? 2 : 0)

  function f1(rand: Uint8Array, sqn: Uint8Array, amf: Uint8Array): Uint8Array {
    checkInputs(rand, sqn, amf)
    return take(core(macInstance, key, top, iterations, rand, sqn, amf), 0, mac >> 3)
  }
  const f2345 = (rand: Uint8Array) => {
    checkLength('RAND', rand, 16)
    const out = core(answerInstance, key, top, iterations, rand)
    return {
      res: take(out, 0, res >> 3),
      ck: take(out, 32, ck >> 3),
      ik: take(out, 64, ik >> 3),
      ak: take(out, AK_AT, 6),
    }
  }
  return {
    f1,
    f2345,
    f1star(rand, sqn, amf) {
      checkInputs(rand, sqn, amf)
      return take(core(0x80 | macInstance, key, top, iterations, rand, sqn, amf), 0, mac >> 3)
    },
    f5star(rand) {
      checkLength('RAND', rand, 16)
      return take(core(0xc0, key, top, iterations, rand), AK_AT, 6)
    },
    challenge: (rand, sqn, amf) => ({ macA: f1(rand, sqn, amf), ...f2345(rand) }),
  }
}
