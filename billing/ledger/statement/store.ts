// Accounts and what was booked on them, for people.
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql, Value } from '../../../core/store/sql.ts'
import type { TransferRow } from '../audit/store.ts'
import { type AccountRow, posted } from '../store.ts'

export interface AccountState {
  readonly account: AccountRow['account_id']
  readonly unit: string
  /** On the account's normal side. */
  readonly posted: bigint
  /** Reserved by open sessions. */
  readonly pending: bigint
}

export interface AccountFilter {
  /** An account's id, or what ids begin with: `subscriber:alice`. */
  readonly of: string | undefined
  readonly unit: string | undefined
  readonly after: string | undefined
  readonly limit: number
}

const ACCOUNTS_OF = '(account_id = ? or (account_id >= ? and account_id < ?))'
/** ';' follows ':' in ASCII. */
const NUMBERS_OF = `select account_no from ledger_account where ${ACCOUNTS_OF}`
const rangeOf = (of: string): string[] => [of, `${of}:`, `${of};`]

/** In the order of their ids. */
export async function listAccounts(sql: Sql, { of, unit, after, limit }: AccountFilter): Promise<AccountState[]> {
  const conditions: [text: string, ...values: Value[]][] = []
  if (of !== undefined) conditions.push([ACCOUNTS_OF, ...rangeOf(of)])
  if (unit !== undefined) conditions.push(['unit = ?', unit])
  if (after !== undefined) conditions.push(['account_id > ?', after])
  const where = conditions.length === 0 ? '' : `where ${conditions.map(([text]) => text).join(' and ')}`
  const rows = await sql.rows<AccountRow & { readonly unit: string }>(
    `select account_no, account_id, unit, debits, credits, pending from ledger_account ${where} order by account_id limit ?`,
    ...conditions.flatMap(([, ...values]) => values),
    BigInt(limit),
  )
  return rows.map((row) => ({ account: row.account_id, unit: row.unit, posted: posted(row), pending: row.pending }))
}

export interface StatementFilter {
  /** As in AccountFilter. */
  readonly of: string
  /** Half open. */
  readonly from: Millis | undefined
  readonly to: Millis | undefined
  readonly limit: number
}

/** Transfers looked at in one step back through those that no index leads to. */
const STEP = 100_000n

const TRANSFERS = `select t.transfer_id, t.cause, d.account_id as debit, c.account_id as credit, d.unit, t.amount, t.at
  from ledger_transfer t join ledger_account d on d.account_no = t.debit_account
  join ledger_account c on c.account_no = t.credit_account`

interface Range {
  readonly text: string
  readonly values: readonly Value[]
}

/**
 * The newest `limit` transfers, oldest of them first. Bookings of usage have no index by account, which would cost every charge a page: the
 * journal of transfers is read backwards for them until enough are found, which takes a second for some millions.
 */
export async function readStatement(sql: Sql, { of, from, to, limit }: StatementFilter): Promise<TransferRow[]> {
  const range: Range = {
    text: `${from === undefined ? '' : 'and t.at >= ?'} ${to === undefined ? '' : 'and t.at < ?'}`,
    values: [from, to].filter((at) => at !== undefined),
  }
  const found = [...(await rareTransfers(sql, of, range, limit)), ...(await usageTransfers(sql, of, range, limit))]
  return found.sort((a, b) => Number(a.transfer_id - b.transfer_id)).slice(-limit)
}

/** What was not usage: found by the accounts. */
function rareTransfers(sql: Sql, of: string, { text, values }: Range, limit: number): Promise<TransferRow[]> {
  const booked = (side: string): string =>
    `select transfer_id from ledger_transfer where source = 'rare' and ${side} in (${NUMBERS_OF})`
  return sql.rows<TransferRow>(
    `${TRANSFERS} where t.transfer_id in (${booked('debit_account')} union ${booked('credit_account')}) ${text}
     order by t.transfer_id desc limit ?`,
    ...rangeOf(of),
    ...rangeOf(of),
    ...values,
    BigInt(limit),
  )
}

/** What was used, with a reservation or without. */
async function usageTransfers(sql: Sql, of: string, { text, values }: Range, limit: number): Promise<TransferRow[]> {
  const found: TransferRow[] = []
  const { newest } = (await sql.row<{ newest: bigint }>(
    'select cast(coalesce(max(transfer_id), 0) as bigint) as newest from ledger_transfer',
  )) ?? { newest: 0n }
  for (let last = newest; last > 0n && found.length < limit; last -= STEP)
    found.push(
      ...(await sql.rows<TransferRow>(
        `${TRANSFERS} where t.transfer_id > ? and t.transfer_id <= ? and t.source <> 'rare'
         and (t.debit_account in (${NUMBERS_OF}) or t.credit_account in (${NUMBERS_OF})) ${text} order by t.transfer_id desc limit ?`,
        last - STEP,
        last,
        ...rangeOf(of),
        ...rangeOf(of),
        ...values,
        BigInt(limit - found.length),
      )),
    )
  return found
}
