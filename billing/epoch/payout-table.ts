// What an epoch pays, pure: counted octets and rates in, one row per payer and radio out. Anybody who holds the log computes the
// same table, octet for octet, and so the same hash.
import { createHash } from 'node:crypto'
import { fail } from '../../core/kernel/errors.ts'
import type { PayerId, RadioId, Wallet } from '../../core/kernel/ids.ts'
import { type Microtokens, type Octets, RATE_OCTETS } from '../../core/kernel/units.ts'
import { createCborWriter } from '../log/entries/cbor-writer.ts'

/** Octets that a radio carried for a payer under one rate; a payer and radio may have several. */
export interface CountedUsage {
  readonly payer: PayerId
  readonly radio: RadioId
  readonly counted: Octets
  /** Microtokens per 1,000,000 octets. */
  readonly rate: Microtokens
}

export interface PayoutRow {
  readonly payer: PayerId
  readonly radio: RadioId
  /** Where the radio's owner is paid, as the log had it when the epoch was closed. */
  readonly wallet: Wallet
  readonly counted: Octets
  /** What earlier epochs left undivided: microtokens × octets / 1,000,000, below 1,000,000. */
  readonly carryIn: bigint
  readonly amount: Microtokens
  readonly carryOut: bigint
}

export interface PayoutTable {
  /** Sorted by payer, then radio, both by their octets. */
  readonly rows: readonly PayoutRow[]
  readonly total: Microtokens
  /** SHA-256 of the canonical table. */
  readonly hash: Uint8Array
}

/** SQL integers are 64-bit signed; a token account holds one bit more. */
const MAX_AMOUNT = (1n << 63n) - 1n

/** What is known of a payer's radio before the epoch. */
export interface PayoutContext {
  /** What the payer's last row for the radio carried out; 0 where there was none. */
  carry(payer: PayerId, radio: RadioId): bigint
  wallet(radio: RadioId): Wallet
}

/**
 * `amount = floor((Σ counted × rate + carry) / 1,000,000)`, the remainder carried: the one rounding of rewards.
 * Σ amount × 10⁶ + Σ carryOut = Σ counted × rate + Σ carryIn. A payer and radio without counted octets have no row, and keep their carry.
 * Throws EPOCH_AMOUNT_TOO_LARGE.
 */
export function payouts(usage: Iterable<CountedUsage>, context: PayoutContext): PayoutTable {
  const sums = new Map<string, { payer: PayerId; radio: RadioId; counted: bigint; earned: bigint }>()
  for (const { payer, radio, counted, rate } of usage) {
    if (counted === 0n) continue
    const key = `${payer} ${radio}`
    const sum = sums.get(key)
    if (sum) {
      sum.counted += counted
      sum.earned += counted * rate
    } else sums.set(key, { payer, radio, counted, earned: counted * rate })
  }
  const rows = [...sums.values()]
    .sort((a, b) => compare(a.payer, b.payer) || compare(a.radio, b.radio))
    .map(({ payer, radio, counted, earned }): PayoutRow => {
      const carryIn = context.carry(payer, radio)
      const exact = earned + carryIn
      const amount = exact / RATE_OCTETS
      if (amount > MAX_AMOUNT) fail('EPOCH_AMOUNT_TOO_LARGE', { payer, radio, amount })
      return {
        payer,
        radio,
        wallet: context.wallet(radio),
        counted: counted as Octets,
        carryIn,
        amount: amount as Microtokens,
        carryOut: exact % RATE_OCTETS,
      }
    })
  const total = rows.reduce((sum, { amount }) => sum + amount, 0n) as Microtokens
  return { rows, total, hash: createHash('sha256').update(encodePayoutTable(rows)).digest() }
}

/** Ids are ASCII, so that the order of UTF-16 is that of their octets. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Deterministic CBOR (RFC 8949 §4.2.1): an array of [payer, radio, wallet, counted, carryIn, amount, carryOut]. */
export function encodePayoutTable(rows: readonly PayoutRow[]): Uint8Array {
  const writer = createCborWriter()
  writer.array(rows.length)
  for (const { payer, radio, wallet, counted, carryIn, amount, carryOut } of rows) {
    writer.array(7)
    writer.text(payer)
    writer.text(radio)
    writer.text(wallet)
    for (const number of [counted, carryIn, amount, carryOut]) writer.integer(number)
  }
  return writer.finish()
}
