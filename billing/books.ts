// How the money stages book what they do: which accounts, which causes. One place, so that the chart of accounts stays whole.
import { microtokens, millis } from '../core/kernel/units.ts'
import type { Sql } from '../core/store/sql.ts'
import type { Reward } from './epoch/store.ts'
import { depositsOf, payableOf, rewardsOf, treasuryOf } from './ledger/accounts.ts'
import { balance, openAccounts, postTransfers, type Transfer } from './ledger/store.ts'
import type { PaidRow } from './settlement/settle.ts'
import type { Deposit } from './settlement/treasury.ts'

/** An epoch's close: the payer owes, the radio has earned. */
export async function postRewards(sql: Sql, rewards: readonly Reward[]): Promise<void> {
  const transfers = rewards.map(({ epoch, payer, radio, amount, at }) => ({
    cause: `reward:${epoch}:${payer}:${radio}`,
    debit: rewardsOf(payer),
    credit: payableOf(radio),
    amount,
    at,
  }))
  await postTransfers(sql, transfers)
}

/**
 * A final payout: what the radio has earned leaves the payer's treasury. A payment that the chain has made was covered there; what
 * the books do not know of yet is booked as a deposit first.
 */
export async function postPayouts(sql: Sql, rows: readonly PaidRow[]): Promise<void> {
  const [first] = rows
  if (!first) return
  // A transaction pays for one payer.
  const { payer, signature } = first
  const total = rows.reduce((sum, { amount }) => sum + amount, 0n)
  // A deposit may come at any instant: the balance is read when nobody else can move it.
  const accounts = [depositsOf(payer), treasuryOf(payer), ...rows.map(({ radio }) => payableOf(radio))]
  await openAccounts(sql, accounts, 'lock')
  const short = total - (await balance(sql, treasuryOf(payer)))
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
  await postTransfers(sql, transfers)
}

/** Tokens that reached a payer's treasury. */
export async function postDeposit(sql: Sql, { payer, reference, amount, at }: Deposit): Promise<void> {
  const cause = `deposit:${payer}:${reference}`
  await postTransfers(sql, [{ cause, debit: treasuryOf(payer), credit: depositsOf(payer), amount, at }])
}
