// Sequence numbers of the home network (TS 33.102 §6.3 and Annex C.1.1.2: not from a clock, SEQ grows by one).
// 48 bits = SEQ (43) || IND (5). The state of a subscriber is one number, SQN_HE: the last one issued. Only the SEQ of it counts;
// IND is chosen anew for whoever asks (C.1.2), so that phones that move between an MME, an AMF and an IMS accept them in any order.
import { fail } from '../../core/kernel/errors.ts'
import type { Branded } from '../../core/kernel/ids.ts'

/** A sequence number of 48 bits. */
export type Sqn = Branded<bigint, 'Sqn'>

const IND_BITS = 5
/** How many elements the USIM's array has. */
export const IND_COUNT = 32
export const SEQ_MAX = (1n << 43n) - 1n
/** Δ of TS 33.102 §C.3: the most by which a SEQ may run ahead of the USIM's. It takes 2^15 such leaps to use SEQ up. */
export const DELTA = 1n << 28n

const SQN_MAX = (1n << 48n) - 1n

/** Checks the range; throws `ID_INVALID`. */
export function sqn(value: bigint): Sqn {
  if (value >= 0n && value <= SQN_MAX) return value as Sqn
  return fail('ID_INVALID', { what: 'SQN', expected: 'a number of 48 bits', came: String(value).slice(0, 32) })
}

export const seqOf = (value: Sqn): bigint => value >> BigInt(IND_BITS)
export const indOf = (value: Sqn): number => Number(value & BigInt(IND_COUNT - 1))

/** SEQ and IND (0 to 31) as one number; throws `ID_INVALID` when either is out of range. */
export function joinSqn(seq: bigint, ind: number): Sqn {
  if (!Number.isInteger(ind) || ind < 0 || ind >= IND_COUNT) {
    fail('ID_INVALID', { what: 'IND', expected: `0 to ${IND_COUNT - 1}`, came: ind })
  }
  return sqn((seq << BigInt(IND_BITS)) | BigInt(ind))
}

/** The 6 octets of a sequence number. */
export function sqnOctets(value: Sqn): Uint8Array {
  const bytes = new Uint8Array(6)
  let rest = Number(value)
  for (let index = 5; index >= 0; index--) {
    bytes[index] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return bytes
}

/** The sequence number in the first 6 octets of `bytes`. */
export function readSqn(bytes: Uint8Array): Sqn {
  let value = 0
  for (let index = 0; index < 6; index++) value = value * 256 + (bytes[index] as number)
  return BigInt(value) as Sqn
}

/** What a batch of vectors gets: the sequence numbers in order, and the new state, to be stored before any of them is used. */
export interface Issued {
  readonly sqns: readonly Sqn[]
  readonly last: Sqn
}

/**
 * The next `count` sequence numbers after `last` for the entity with this IND; one IND for the whole batch (C.1.2). Undefined when SEQ
 * would pass its end: it never wraps around (C.1.1.3), the subscriber needs a new K.
 */
export function issueSqns(last: Sqn, ind: number, count = 1): Issued | undefined {
  const seq = seqOf(last)
  if (seq + BigInt(count) > SEQ_MAX) return undefined
  const sqns = Array.from({ length: count }, (_, index) => joinSqn(seq + BigInt(index + 1), ind))
  return { sqns, last: sqns.at(-1) ?? last }
}

/**
 * The state after an AUTS with this SQN_MS was verified (TS 33.102 §6.3.5 step 3 to 5). When the USIM would accept our next number as
 * it is, nothing changes: so an old AUTS that somebody sends again cannot turn the counter back and make used numbers fresh.
 */
export function resynchronise(last: Sqn, sqnMs: Sqn, delta = DELTA): { readonly last: Sqn; readonly moved: boolean } {
  const next = seqOf(last) + 1n
  const ms = seqOf(sqnMs)
  return next > ms && next - ms <= delta ? { last, moved: false } : { last: sqnMs, moved: true }
}

/** Which IND each serving entity has, by its name (Diameter host, NF instance, realm). */
export type IndTable = ReadonlyMap<string, number>

/**
 * The IND of an entity: the one it has, else the lowest free one (C.3.4). When all 32 are given away, entities share: that costs a
 * resynchronisation at times, never security. The table is returned anew if it grew.
 */
export function assignInd(table: IndTable, entity: string): { readonly ind: number; readonly table: IndTable } {
  const known = table.get(entity)
  if (known !== undefined) return { ind: known, table }
  const taken = new Set(table.values())
  for (let ind = 0; ind < IND_COUNT; ind++) {
    if (!taken.has(ind)) return { ind, table: new Map(table).set(entity, ind) }
  }
  let hash = 0
  for (let index = 0; index < entity.length; index++) hash = (Math.imul(hash, 31) + entity.charCodeAt(index)) >>> 0
  return { ind: hash % IND_COUNT, table }
}
