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

// Bookings of usage have no index by account: they are found through the sessions that could pay from it.
const SESSIONS: Readonly<Record<string, string>> = {
  subscriber: 'select session_no from charging_session where subscriber_id = ?',
  pool: 'select session_no from charging_session where pool_id = ?',
}

/**
 * The newest `limit` transfers, oldest of them first. Usage that came without reservations is not among them where it was booked by the
 * usage event alone: `usage list` has it.
 */
export async function readStatement(sql: Sql, { of, from, to, limit }: StatementFilter): Promise<TransferRow[]> {
  const [kind = '', id = ''] = of.split(':')
  const accounts = `select account_no from ledger_account where ${ACCOUNTS_OF}`
  const sessions = SESSIONS[kind]
  const booked = (side: string): string =>
    `select transfer_id from ledger_transfer where source = 'rare' and ${side} in (${accounts})`
  const used = sessions
    ? ` union select transfer_id from ledger_transfer where source = 'session' and reference in (${sessions})
        and (debit_account in (${accounts}) or credit_account in (${accounts}))`
    : ''
  const range = rangeOf(of)
  const rows = await sql.rows<TransferRow>(
    `select t.transfer_id, t.cause, d.account_id as debit, c.account_id as credit, d.unit, t.amount, t.at
     from ledger_transfer t join ledger_account d on d.account_no = t.debit_account
     join ledger_account c on c.account_no = t.credit_account
     where t.transfer_id in (${booked('debit_account')} union ${booked('credit_account')}${used})
     ${from === undefined ? '' : 'and t.at >= ?'} ${to === undefined ? '' : 'and t.at < ?'}
     order by t.transfer_id desc limit ?`,
    ...range,
    ...range,
    ...(sessions ? [id, ...range, ...range] : []),
    ...(from === undefined ? [] : [from]),
    ...(to === undefined ? [] : [to]),
    BigInt(limit),
  )
  return rows.reverse()
}

/** Has the transaction see the books at one instant, whoever writes meanwhile; to be called first. SQLite lets nobody else write anyway. */
export async function atOneInstant(sql: Sql): Promise<void> {
  if (sql.engine === 'postgresql') await sql.run('set transaction isolation level repeatable read, read only')
}
