// AUTS, by which a USIM says that it did not like our sequence number, and which one it has seen last (TS 33.102 §6.3.3, §6.3.5):
// (SQN_MS xor AK*) || MAC-S, 14 octets, where MAC-S is made with an AMF of 0 (AMF*).
import { timingSafeEqual } from 'node:crypto'
import { type AuthenticationFunctions, xor } from './functions.ts'
import { readSqn, type Sqn, sqnOctets } from './sqn.ts'

const AUTS_LENGTH = 14
const DUMMY_AMF = new Uint8Array(2)

export type AutsVerdict =
  | { readonly verdict: 'accept'; readonly sqnMs: Sqn }
  /** `length`: RAND is not 16 or AUTS not 14 octets. `mac-s`: not from this subscriber's USIM, or for another RAND. */
  | { readonly verdict: 'reject'; readonly reason: 'length' | 'mac-s' }

/** Verifies an AUTS that came for the challenge `rand`, both as the peer sent them. Never throws on them. */
export function openAuts(functions: AuthenticationFunctions, rand: Uint8Array, auts: Uint8Array): AutsVerdict {
  if (rand.length !== 16 || auts.length !== AUTS_LENGTH) return { verdict: 'reject', reason: 'length' }
  const sqnMs = xor(auts.subarray(0, 6), functions.f5star(rand))
  const macS = functions.f1star(rand, sqnMs, DUMMY_AMF)
  if (macS.length !== 8 || !timingSafeEqual(macS, auts.subarray(6))) return { verdict: 'reject', reason: 'mac-s' }
  return { verdict: 'accept', sqnMs: readSqn(sqnMs) }
}

/** The AUTS of a USIM whose highest accepted number is `sqnMs`. */
export function makeAuts(functions: AuthenticationFunctions, rand: Uint8Array, sqnMs: Sqn): Uint8Array {
  const plain = sqnOctets(sqnMs)
  const auts = new Uint8Array(AUTS_LENGTH)
  auts.set(xor(plain, functions.f5star(rand)), 0)
  auts.set(functions.f1star(rand, plain, DUMMY_AMF), 6)
  return auts
}
