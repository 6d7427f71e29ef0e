// The USIM's side of AKA (TS 33.102 §6.3.3, Annex C.2), for emulated phones and for tests of the home network's side.
import { timingSafeEqual } from 'node:crypto'
import { makeAuts } from './auts.ts'
import { type AuthenticationFunctions, xor } from './functions.ts'
import { DELTA, IND_COUNT, indOf, joinSqn, readSqn, type Sqn, seqOf } from './sqn.ts'

/** SEQ_MS for each IND: the highest accepted one, 0 at first. */
export type UsimState = readonly bigint[]

export interface SqnLimits {
  /** Δ: the most by which a SEQ may run ahead of the highest accepted one (C.2.1). */
  readonly delta: bigint
  /** L: how far below the highest a SEQ may still be (C.2.2); without it, a free IND takes any age. */
  readonly age?: bigint
}

export type UsimResult =
  | {
      readonly verdict: 'accept'
      readonly state: UsimState
      readonly res: Uint8Array
      readonly ck: Uint8Array
      readonly ik: Uint8Array
    }
  /** MAC failure: AUTN is not from the home network, or malformed. */
  | { readonly verdict: 'mac-failure' }
  | { readonly verdict: 'synchronisation-failure'; readonly auts: Uint8Array }

/** A USIM that has accepted nothing yet. */
export const newUsim = (): UsimState => new Array<bigint>(IND_COUNT).fill(0n)

const highest = (state: UsimState): bigint => state.reduce((most, seq) => (seq > most ? seq : most), 0n)

/** The state after accepting `sqn`, or undefined when it is not fresh (TS 33.102 §C.2.2). */
export function acceptSqn(state: UsimState, sqn: Sqn, limits: SqnLimits = { delta: DELTA }): UsimState | undefined {
  const seq = seqOf(sqn)
  const ind = indOf(sqn)
  const most = highest(state)
  if (seq - most > limits.delta) return undefined
  if (limits.age !== undefined && most - seq >= limits.age) return undefined
  return seq > (state[ind] ?? 0n) ? state.with(ind, seq) : undefined
}

/** SQN_MS: the highest accepted number with the IND that it came under. */
export function sqnMs(state: UsimState): Sqn {
  const most = highest(state)
  return joinSqn(most, state.indexOf(most))
}

/** Answers a challenge. RAND is 16 octets; an AUTN of a wrong length is a MAC failure. */
export function answer(
  functions: AuthenticationFunctions,
  state: UsimState,
  rand: Uint8Array,
  autn: Uint8Array,
  limits?: SqnLimits,
): UsimResult {
  if (rand.length !== 16 || autn.length !== 16) return { verdict: 'mac-failure' }
  const { res, ck, ik, ak } = functions.f2345(rand)
  const octets = xor(autn.subarray(0, 6), ak)
  const mac = functions.f1(rand, octets, autn.subarray(6, 8))
  if (mac.length !== 8 || !timingSafeEqual(mac, autn.subarray(8))) return { verdict: 'mac-failure' }
  const next = acceptSqn(state, readSqn(octets), limits)
  if (next === undefined) {
    return { verdict: 'synchronisation-failure', auts: makeAuts(functions, rand, sqnMs(state)) }
  }
  return { verdict: 'accept', state: next, res, ck, ik }
}
