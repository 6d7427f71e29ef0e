// The books from outside: the proof that they are whole, what an account has seen, and every transfer for an auditor.
import { decimal, type Millis } from '../../../core/kernel/units.ts'
import type { Sql } from '../../../core/store/sql.ts'
import type { AccountId } from '../accounts.ts'

export interface Finding {
  readonly account: string
  readonly problem: string
}

/** What open reservations hold of each account, by account number. */
export type Reserved = ReadonlyMap<bigint, bigint>

const SUM = (column: string): string => `cast(coalesce(sum(${column}), 0) as bigint)`

/**
 * Everything that is wrong with the books, nothing where they are whole: per unit debits equal credits, no balance and no free amount
 * is below zero, every total is the sum of its transfers, between accounts of one unit, and `pending` is what open sessions
 * hold (`reserved`). It reads all transfers: minutes on large books.
 */
export async function checkLedger(sql: Sql, reserved: Reserved): Promise<Finding[]> {
  const findings: Finding[] = []
  // Each total fits 64 bits, their sum need not: it is taken in two halves.
  const units = await sql.rows<{
    unit: string
    debits: bigint
    more_debits: bigint
    credits: bigint
    more_credits: bigint
  }>(
    `select unit, ${SUM('debits % 4294967296')} as debits, ${SUM('debits / 4294967296')} as more_debits,
     ${SUM('credits % 4294967296')} as credits, ${SUM('credits / 4294967296')} as more_credits
     from ledger_account group by unit order by unit`,
  )
  for (const { unit, debits, more_debits, credits, more_credits } of units) {
    const [left, right] = [(more_debits << 32n) + debits, (more_credits << 32n) + credits]
    if (left !== right) findings.push({ account: unit, problem: `debits ${left} and credits ${right} do not balance` })
  }
  const below = await sql.rows<{ account_id: string; balance: bigint }>(
    `select account_id, case when normal_side = 'debit' then debits - credits else credits - debits - pending end as balance
     from ledger_account where case when normal_side = 'debit' then debits - credits else credits - debits - pending end < 0`,
  )
  for (const { account_id, balance } of below) findings.push({ account: account_id, problem: `fell to ${balance}` })
  const wrong = await sql.rows<{
    account_id: string
    debits: bigint
    credits: bigint
    debited: bigint
    credited: bigint
  }>(
    `select account_id, debits, credits, coalesce(d.total, 0) as debited, coalesce(c.total, 0) as credited from ledger_account a
     left join (select debit_account, ${SUM('amount')} as total from ledger_transfer group by debit_account) d on d.debit_account = a.account_no
     left join (select credit_account, ${SUM('amount')} as total from ledger_transfer group by credit_account) c on c.credit_account = a.account_no
     where a.debits <> coalesce(d.total, 0) or a.credits <> coalesce(c.total, 0)`,
  )
  for (const { account_id, debits, credits, debited, credited } of wrong)
    findings.push({
      account: account_id,
      problem: `holds ${debits} and ${credits}, which is not the sum of its transfers, ${debited} and ${credited}`,
    })
  const mixed = await sql.rows<{ cause: string }>(
    `select cause from ledger_transfer t join ledger_account d on d.account_no = t.debit_account
     join ledger_account c on c.account_no = t.credit_account where d.unit <> c.unit`,
  )
  for (const { cause } of mixed) findings.push({ account: cause, problem: 'moves between different units' })
  const open = await sql.rows<{ account_no: bigint; account_id: string; pending: bigint }>(
    'select account_no, account_id, pending from ledger_account where pending <> 0',
  )
  const left = new Map(reserved)
  for (const { account_no, account_id, pending } of open) {
    const held = left.get(account_no) ?? 0n
    left.delete(account_no)
    if (held !== pending)
      findings.push({ account: account_id, problem: `${pending} are pending, sessions hold ${held}` })
  }
  for (const [account, held] of left)
    if (held !== 0n)
      findings.push({ account: `number ${account}`, problem: `nothing is pending, sessions hold ${held}` })
  return findings
}

export interface TransferRow {
  readonly transfer_id: bigint
  readonly cause: string
  readonly debit: AccountId
  readonly credit: AccountId
  readonly unit: string
  readonly amount: bigint
  readonly at: Millis
}

const TRANSFERS = `select t.transfer_id, t.cause, d.account_id as debit, c.account_id as credit, d.unit, t.amount, t.at
  from ledger_transfer t join ledger_account d on d.account_no = t.debit_account join ledger_account c on c.account_no = t.credit_account`

/** The transfers of `account` but those of usage, oldest first, from behind `after` on. */
export async function accountStatement(
  sql: Sql,
  account: AccountId,
  { after = 0n, limit }: { readonly after?: bigint; readonly limit: number },
): Promise<TransferRow[]> {
  const row = await sql.row<{ account_no: bigint }>(
    'select account_no from ledger_account where account_id = ?',
    account,
  )
  if (!row) return []
  return sql.rows<TransferRow>(
    `${TRANSFERS} where t.transfer_id in (
       select transfer_id from ledger_transfer where source = 'rare' and debit_account = ? and transfer_id > ?
       union select transfer_id from ledger_transfer where source = 'rare' and credit_account = ? and transfer_id > ?)
     order by t.transfer_id limit ?`,
    row.account_no,
    after,
    row.account_no,
    after,
    BigInt(limit),
  )
}

/** All transfers behind `after`, oldest first: the audit trail, to be read on from the last id received. */
export const transfersAfter = (sql: Sql, after: bigint, limit: number): Promise<TransferRow[]> =>
  sql.rows<TransferRow>(`${TRANSFERS} where t.transfer_id > ? order by t.transfer_id limit ?`, after, BigInt(limit))

/** The newest transfer that can be seen; 0 where there is none. */
export async function newestTransfer(sql: Sql): Promise<bigint> {
  const row = await sql.row<{ newest: bigint }>(
    'select cast(coalesce(max(transfer_id), 0) as bigint) as newest from ledger_transfer',
  )
  return row?.newest ?? 0n
}

/**
 * The transactions that are writing transfers at this moment. PostgreSQL shows a row when it is committed, not when it got its id: below the newest
 * transfer seen before there is none to come once all of these have ended. Nobody has to wait for the reader, as with a lock.
 */
export async function transferWriters(sql: Sql): Promise<string[]> {
  if (sql.engine === 'sqlite') return []
  const rows = await sql.rows<{ writer: string }>(
    `select distinct virtualtransaction as writer from pg_locks where locktype = 'relation' and granted
     and relation = to_regclass('ledger_transfer') and mode = 'RowExclusiveLock'
     and database = (select oid from pg_database where datname = current_database()) and pid <> pg_backend_pid()`,
  )
  return rows.map(({ writer }) => writer)
}

/** One line of the audit export; amounts and times are decimal strings, as JSON has no 64-bit integers. */
export const auditLine = ({ transfer_id, cause, debit, credit, unit, amount, at }: TransferRow): string =>
  `${JSON.stringify({
    id: transfer_id.toString(),
    at: at.toString(),
    cause,
    debit,
    credit,
    unit,
    amount: amount.toString(),
  })}\n`

/** The id after which an export that ended with `line` goes on. Throws UNIT_INVALID where that is no line of ours. */
export const resumeAfter = (line: string): bigint => decimal(String((JSON.parse(line) as { id?: unknown }).id), 'id')
