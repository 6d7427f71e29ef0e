// How the money stages book what they do: which accounts, which causes. One place, so that the chart of accounts stays whole.
import { microtokens, millis } from '../core/kernel/units.ts'
import type { RawDatabase } from '../core/store/store.ts'
import type { Reward } from './epoch/store.ts'
import { depositsOf, payableOf, rewardsOf, treasuryOf } from './ledger/accounts.ts'
import { balance, postTransfers, type Transfer } from './ledger/store.ts'
import type { PaidRow } from './settlement/settle.ts'
import type { Deposit } from './settlement/treasury.ts'

/** An epoch's close: the payer owes, the radio has earned. */
export function postRewards(database: RawDatabase, rewards: readonly Reward[]): void {
  const transfers = rewards.map(({ epoch, payer, radio, amount, at }) => ({
    cause: `reward:${epoch}:${payer}:${radio}`,
    debit: rewardsOf(payer),
    credit: payableOf(radio),
    amount,
    at,
  }))
  postTransfers(database, transfers)
}

/**
 * A final payout: what the radio has earned leaves the payer's treasury. A payment that the chain has made was covered there; what
 * the books do not know of yet is booked as a deposit first.
 */
export function postPayouts(database: RawDatabase, rows: readonly PaidRow[]): void {
  const [first] = rows
  if (!first) return
  // A transaction pays for one payer.
  const { payer, signature } = first
  const total = rows.reduce((sum, { amount }) => sum + amount, 0n)
  const short = total - balance(database, treasuryOf(payer))
  const transfers = rows.map(
    ({ epoch, radio, amount, at }): Transfer => ({
      cause: `payout:${epoch}:${payer}:${radio}`,
      debit: payableOf(radio),
      credit: treasuryOf(payer),
      amount: microtokens(amount),
      at: millis(at),
    }),
  )
  if (short > 0n) {
    const cause = `deposit:${payer}:seen:${signature}`
    const amount = microtokens(short)
    transfers.unshift({ cause, debit: treasuryOf(payer), credit: depositsOf(payer), amount, at: millis(first.at) })
  }
  postTransfers(database, transfers)
}

/** Tokens that reached a payer's treasury. */
export function postDeposit(database: RawDatabase, { payer, reference, amount, at }: Deposit): void {
  const cause = `deposit:${payer}:${reference}`
  postTransfers(database, [{ cause, debit: treasuryOf(payer), credit: depositsOf(payer), amount, at }])
}
