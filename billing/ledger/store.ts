// Double entry: every transfer debits one account and credits another of the same unit by the same amount, once per cause. Amounts
// that an open session may still use are pending on the account that will pay: posted less pending is free for others.
import { fail } from '../../core/kernel/errors.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Sql, Target, Value } from '../../core/store/sql.ts'
import { type AccountId, normalSide, unitOf } from './accounts.ts'

export interface Transfer {
  /** What made the transfer, unique for ever: `reward:<epoch>:<payer>:<radio>`. */
  readonly cause: string
  readonly debit: AccountId
  readonly credit: AccountId
  /** In the accounts' unit. */
  readonly amount: bigint
  readonly at: Millis
}

/**
 * A transfer made by usage. Its uniqueness is not the ledger's business: it is posted in the transaction that moves the charging
 * session's counter, or the cursor over the usage journal. `reference`: that session's or usage event's number.
 */
export interface UsageTransfer extends Transfer {
  readonly source: 'session' | 'usage'
  readonly reference: bigint
}

export interface Totals {
  readonly debits: bigint
  readonly credits: bigint
}

/** The largest total of an account. */
export const MOST_TOTAL: bigint = (1n << 63n) - 1n

export interface AccountRow extends Totals {
  readonly account_no: bigint
  readonly account_id: AccountId
  /** Debits reserved. */
  readonly pending: bigint
}

const OPEN = ['account_id', 'unit', 'normal_side', 'debits', 'credits', 'pending', 'remainder'] as const
const NEW_ACCOUNTS: Target = { table: 'ledger_account', columns: OPEN, conflict: '(account_id) do nothing' }
const SUMS: Target = {
  table: 'ledger_account',
  columns: OPEN,
  // A row that would not fit 64 bits is left alone, and missing in what is returned.
  conflict: `(account_id) do update set debits = ledger_account.debits + excluded.debits, credits = ledger_account.credits + excluded.credits
    where ledger_account.debits <= 9223372036854775807 - excluded.debits and ledger_account.credits <= 9223372036854775807 - excluded.credits`,
}
const STATES: Target = {
  table: 'ledger_account',
  columns: OPEN,
  conflict:
    '(account_id) do update set debits = excluded.debits, credits = excluded.credits, pending = excluded.pending',
}
const REMAINDERS: Target = {
  table: 'ledger_account',
  columns: OPEN,
  conflict: '(account_id) do update set remainder = excluded.remainder',
}
const TRANSFER = ['source', 'reference', 'cause', 'debit_account', 'credit_account', 'amount', 'at'] as const
const RARE: Target = {
  table: 'ledger_transfer',
  columns: TRANSFER,
  conflict: `(cause) where source = 'rare' do nothing`,
}
const USAGE: Target = { table: 'ledger_transfer', columns: TRANSFER }
const ACCOUNTS = 'select account_no, account_id, debits, credits, pending from ledger_account'

const accountRow = (
  account: AccountId,
  debits: bigint,
  credits: bigint,
  pending: bigint,
  remainder: bigint,
): Value[] => [account, unitOf(account), normalSide(account), debits, credits, pending, remainder]

/** The accounts, opened where they do not exist yet. */
export async function openAccounts(
  sql: Sql,
  accounts: Iterable<AccountId>,
  lock?: 'lock',
): Promise<Map<AccountId, AccountRow>> {
  const wanted = [...new Set(accounts)].sort()
  const found = new Map<AccountId, AccountRow>()
  const read = async (ids: readonly AccountId[]): Promise<void> => {
    for (const row of await sql.find<AccountRow>(ACCOUNTS, 'account_id', ids, lock)) found.set(row.account_id, row)
  }
  await read(wanted)
  const missing = wanted.filter((account) => !found.has(account))
  if (missing.length === 0) return found
  await sql.insert(
    NEW_ACCOUNTS,
    missing.map((account) => accountRow(account, 0n, 0n, 0n, 0n)),
  )
  await read(missing)
  return found
}

/** The accounts with these numbers, locked until the transaction ends. */
export const lockAccounts = (sql: Sql, numbers: readonly bigint[]): Promise<AccountRow[]> =>
  sql.find<AccountRow>(ACCOUNTS, 'account_no', [...numbers].sort(ascending), 'lock')

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * Posts transfers inside the caller's transaction and returns how many were new: a cause that has been posted is left alone.
 * Throws LEDGER_BELOW_ZERO, and the caller's transaction must not commit, when an account would fall below what is reserved of it;
 * LEDGER_FULL when its total would not fit 64 bits.
 */
export async function postTransfers(sql: Sql, transfers: readonly Transfer[]): Promise<number> {
  const byCause = new Map<string, Transfer>()
  for (const transfer of transfers)
    if (transfer.amount > 0n && !byCause.has(transfer.cause)) byCause.set(transfer.cause, transfer)
  if (byCause.size === 0) return 0
  const numbers = await numbersOf(sql, [...byCause.values()])
  const rows = [...byCause.values()].map((transfer) => ['rare', null, ...transferRow(transfer, numbers)])
  const posted = await sql.insertReturning<{ cause: string }>(RARE, 'cause', rows)
  await addAll(sql, sumsOf(posted.flatMap(({ cause }) => byCause.get(cause) ?? [])))
  return posted.length
}

/** Posts transfers made by usage inside the caller's transaction. Throws as `postTransfers` does. */
export async function postUsage(sql: Sql, transfers: readonly UsageTransfer[]): Promise<void> {
  const real = transfers.filter(({ amount }) => amount > 0n)
  const numbers = await numbersOf(sql, real)
  await recordUsage(sql, real, numbers)
  await addAll(sql, sumsOf(real))
}

/** Writes down transfers whose accounts' totals the caller moves. `numbers`: of all their accounts. */
export async function recordUsage(
  sql: Sql,
  transfers: readonly UsageTransfer[],
  numbers: ReadonlyMap<AccountId, bigint>,
): Promise<void> {
  await sql.insert(
    USAGE,
    transfers.map((transfer) => [transfer.source, transfer.reference, ...transferRow(transfer, numbers)]),
  )
}

async function numbersOf(sql: Sql, transfers: readonly Transfer[]): Promise<Map<AccountId, bigint>> {
  const accounts = new Set<AccountId>()
  for (const { debit, credit } of transfers) accounts.add(debit).add(credit)
  const rows = await openAccounts(sql, accounts)
  return new Map([...rows.values()].map(({ account_id, account_no }) => [account_id, account_no]))
}

function transferRow({ cause, debit, credit, amount, at }: Transfer, numbers: ReadonlyMap<AccountId, bigint>): Value[] {
  const [from, to] = [numbers.get(debit), numbers.get(credit)]
  if (from === undefined || to === undefined) throw new RangeError(`an account of ${cause} has no number`)
  if (unitOf(debit) !== unitOf(credit))
    throw new RangeError(`${cause} would turn ${unitOf(debit)} into ${unitOf(credit)}`)
  return [cause, from, to, amount, at]
}

/** What transfers add to the totals of their accounts. */
export function sumsOf(transfers: readonly Transfer[]): Map<AccountId, Totals> {
  const sums = new Map<AccountId, { debits: bigint; credits: bigint }>()
  const sum = (account: AccountId): { debits: bigint; credits: bigint } => {
    let entry = sums.get(account)
    if (!entry) {
      entry = { debits: 0n, credits: 0n }
      sums.set(account, entry)
    }
    return entry
  }
  for (const { debit, credit, amount } of transfers) {
    sum(debit).debits += amount
    sum(credit).credits += amount
  }
  return sums
}

/**
 * Adds to accounts' totals, opening accounts that do not exist yet; resolves with their rows. An account whose totals would not fit 64 bits
 * is left as it is and has no row: nothing may be committed then. Throws LEDGER_BELOW_ZERO.
 */
export async function addSums(sql: Sql, sums: ReadonlyMap<AccountId, Totals>): Promise<AccountRow[]> {
  const rows = await sql.insertReturning<AccountRow>(
    SUMS,
    'account_no, account_id, debits, credits, pending',
    [...sums]
      .filter(([, { debits, credits }]) => debits <= MOST_TOTAL && credits <= MOST_TOTAL)
      .sort(byAccount)
      .map(([account, { debits, credits }]) => accountRow(account, debits, credits, 0n, 0n)),
  )
  for (const row of rows) {
    const balance = free(row)
    if (balance < 0n) fail('LEDGER_BELOW_ZERO', { account: row.account_id, balance })
  }
  return rows
}

async function addAll(sql: Sql, sums: ReadonlyMap<AccountId, Totals>): Promise<void> {
  const rows = await addSums(sql, sums)
  if (rows.length === sums.size) return
  const added = new Set(rows.map(({ account_id }) => account_id))
  for (const account of sums.keys()) if (!added.has(account)) fail('LEDGER_FULL', { account })
}

const byAccount = ([a]: readonly [AccountId, unknown], [b]: readonly [AccountId, unknown]): number => (a < b ? -1 : 1)

/** Writes the states of accounts that the caller has locked. */
export async function writeAccounts(sql: Sql, accounts: readonly AccountRow[]): Promise<void> {
  await sql.insert(
    STATES,
    accounts.map(({ account_id, debits, credits, pending }) => accountRow(account_id, debits, credits, pending, 0n)),
  )
}

/** An account's balance on its normal side. */
export const posted = ({ account_id, debits, credits }: Omit<AccountRow, 'account_no' | 'pending'>): bigint =>
  normalSide(account_id) === 'debit' ? debits - credits : credits - debits

/** What is posted and not reserved. Debits reserved on a debit account will add to its balance, not take from it. */
export const free = (row: Omit<AccountRow, 'account_no'>): bigint =>
  normalSide(row.account_id) === 'debit' ? posted(row) : posted(row) - row.pending

/** An account's balance on its normal side, 0 where nothing was posted yet. */
export async function balance(sql: Sql, account: AccountId): Promise<bigint> {
  const [row] = await sql.find<AccountRow>(ACCOUNTS, 'account_id', [account])
  return row ? posted(row) : 0n
}

/** What rounding has left uncharged on each of the accounts that have been used, locked until the transaction ends. */
export async function readRemainders(sql: Sql, accounts: readonly AccountId[]): Promise<Map<AccountId, bigint>> {
  const rows = await sql.find<{ account_id: AccountId; remainder: bigint }>(
    'select account_id, remainder from ledger_account',
    'account_id',
    [...accounts].sort(),
    'lock',
  )
  return new Map(rows.map(({ account_id, remainder }) => [account_id, remainder]))
}

/** Sets what rounding has left uncharged. */
export async function writeRemainders(sql: Sql, remainders: ReadonlyMap<AccountId, bigint>): Promise<void> {
  await sql.insert(
    REMAINDERS,
    [...remainders].sort(byAccount).map(([account, remainder]) => accountRow(account, 0n, 0n, 0n, remainder)),
  )
}

/** Totals over all accounts, of all units: equal, or the books are wrong. */
export async function totals(sql: Sql): Promise<Totals> {
  const row = await sql.row<Totals>(
    'select cast(coalesce(sum(debits), 0) as bigint) as debits, cast(coalesce(sum(credits), 0) as bigint) as credits from ledger_account',
  )
  return row ?? { debits: 0n, credits: 0n }
}
