// Double entry: every transfer debits one account and credits another by the same amount, once per cause.
import { fail } from '../../core/kernel/errors.ts'
import type { Microtokens, Millis } from '../../core/kernel/units.ts'
import type { RawDatabase } from '../../core/store/store.ts'
import { type AccountId, normalSide } from './accounts.ts'

export interface Transfer {
  /** What made the transfer, unique for ever: `usage:<event>`, `epoch:<n>:<payer>:<radio>`. */
  readonly cause: string
  readonly debit: AccountId
  readonly credit: AccountId
  readonly amount: Microtokens
  readonly at: Millis
}

/**
 * Posts transfers inside the caller's transaction and returns how many were new: a cause that has been posted is left alone.
 * Throws LEDGER_BELOW_ZERO, and the caller's transaction must not commit, when an account would fall below zero.
 */
export function postTransfers(database: RawDatabase, transfers: readonly Transfer[]): number {
  const insert = database.prepare(
    `insert into ledger_transfer (cause, debit_account, credit_account, amount, at) values (?, ?, ?, ?, ?)
     on conflict (cause) do nothing`,
  )
  const open = accountOpener(database)
  const sums = new Map<AccountId, { debits: bigint; credits: bigint }>()
  const sum = (account: AccountId): { debits: bigint; credits: bigint } => {
    let entry = sums.get(account)
    if (!entry) {
      open(account)
      entry = { debits: 0n, credits: 0n }
      sums.set(account, entry)
    }
    return entry
  }
  let posted = 0
  for (const { cause, debit, credit, amount, at } of transfers) {
    if (amount === 0n) continue
    const debitSums = sum(debit)
    const creditSums = sum(credit)
    if (insert.run(cause, debit, credit, amount, at).changes === 0) continue
    debitSums.debits += amount
    creditSums.credits += amount
    posted++
  }
  const update = database.prepare(
    `update ledger_account set debits = debits + ?, credits = credits + ? where account_id = ? returning debits, credits`,
  )
  for (const [account, { debits, credits }] of sums) {
    const total = update.get(debits, credits, account) as { debits: bigint; credits: bigint }
    const balance = normalSide(account) === 'debit' ? total.debits - total.credits : total.credits - total.debits
    if (balance < 0n) fail('LEDGER_BELOW_ZERO', { account, balance })
  }
  return posted
}

/** An account's balance on its normal side, 0 where nothing was posted yet. */
export function balance(database: RawDatabase, account: AccountId): bigint {
  const row = database.prepare('select debits, credits from ledger_account where account_id = ?').get(account) as
    | Totals
    | undefined
  const { debits, credits } = row ?? { debits: 0n, credits: 0n }
  return normalSide(account) === 'debit' ? debits - credits : credits - debits
}

/** What rounding has left uncharged on an account, and the means to set it; both inside the caller's transaction. */
export function remainders(database: RawDatabase): {
  read(account: AccountId): bigint
  write(account: AccountId, remainder: bigint): void
} {
  const select = database.prepare('select remainder from ledger_account where account_id = ?')
  const update = database.prepare('update ledger_account set remainder = ? where account_id = ?')
  const open = accountOpener(database)
  return {
    read: (account) => (select.get(account) as { remainder: bigint } | undefined)?.remainder ?? 0n,
    write(account, remainder) {
      if (update.run(remainder, account).changes > 0) return
      open(account)
      update.run(remainder, account)
    },
  }
}

export interface Totals {
  readonly debits: bigint
  readonly credits: bigint
}

/** Totals over all accounts: equal, or the books are wrong. */
export function totals(database: RawDatabase): Totals {
  return database
    .prepare('select coalesce(sum(debits), 0) as debits, coalesce(sum(credits), 0) as credits from ledger_account')
    .get() as Totals
}

/** Makes an account that does not exist yet. */
function accountOpener(database: RawDatabase): (account: AccountId) => void {
  const insert = database.prepare(
    `insert into ledger_account (account_id, normal_side, debits, credits, remainder) values (?, ?, 0, 0, 0)
     on conflict (account_id) do nothing`,
  )
  return (account) => insert.run(account, normalSide(account))
}
