// What MILENAGE and TUAK have in common: the functions f1 to f5* of TS 33.102 §6.3 for one subscriber. The keys stay in the closure,
// so that a printed or serialised value shows none.
import { fail } from '../../core/kernel/errors.ts'

/** What f1 to f5 make of one challenge: MAC-A, RES, CK, IK and AK, in octets. */
export interface Challenge extends Answer {
  readonly macA: Uint8Array
}

/** RES (f2), CK (f3), IK (f4) and the 6 octets of AK (f5). */
export interface Answer {
  readonly res: Uint8Array
  readonly ck: Uint8Array
  readonly ik: Uint8Array
  readonly ak: Uint8Array
}

/** RAND is 16 octets, SQN 6, AMF 2; anything else throws `AUTH_LENGTH_INVALID`. */
export interface AuthenticationFunctions {
  /** MAC-A. */
  f1(rand: Uint8Array, sqn: Uint8Array, amf: Uint8Array): Uint8Array
  /** MAC-S, for resynchronisation. */
  f1star(rand: Uint8Array, sqn: Uint8Array, amf: Uint8Array): Uint8Array
  f2345(rand: Uint8Array): Answer
  /** The 6 octets of AK*, for resynchronisation. */
  f5star(rand: Uint8Array): Uint8Array
  /** f1 and f2 to f5 at once, which is cheaper than one after the other. */
  challenge(rand: Uint8Array, sqn: Uint8Array, amf: Uint8Array): Challenge
}

/** Throws `AUTH_LENGTH_INVALID` unless `value` has one of the lengths, octets. Never repeats the value. */
export function checkLength(what: string, value: Uint8Array, ...lengths: readonly number[]): void {
  if (lengths.includes(value.length)) return
  fail('AUTH_LENGTH_INVALID', { what, came: value.length, expected: lengths.join(' or ') })
}

/** Checks the inputs of f1 and f1*. */
export function checkInputs(rand: Uint8Array, sqn: Uint8Array, amf: Uint8Array): void {
  checkLength('RAND', rand, 16)
  checkLength('SQN', sqn, 6)
  checkLength('AMF', amf, 2)
}

/** `left` XOR `right`, as long as `left`; `right` must not be shorter. */
export function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  const out = new Uint8Array(left.length)
  for (let index = 0; index < out.length; index++) out[index] = (left[index] as number) ^ (right[index] as number)
  return out
}
