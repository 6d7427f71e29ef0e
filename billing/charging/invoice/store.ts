// The invoice run: what each subscriber was charged in money in a calendar month of its tenant, rounded once. What was booked late for a month
// that has its invoice goes into the next one, so nothing is asked for twice and nothing is lost.
import type { PayerId, SubscriberId } from '../../../core/kernel/ids.ts'
import { type Millis, millis } from '../../../core/kernel/units.ts'
import type { Sql, Target, Value } from '../../../core/store/sql.ts'
import {
  type AccountId,
  earnedOf,
  moneyOf,
  overuseOf,
  owedOf,
  payerAccount,
  type WalletOwner,
} from '../../ledger/accounts.ts'
import { free, openAccounts, postTransfers } from '../../ledger/store.ts'
import { keepMoney } from '../balances/store.ts'
import { readTenants, type Tenant } from '../catalogue/store.ts'
import { periodOf } from '../plan/calendar.ts'
import { roundPeriod } from '../plan/rounding.ts'
import { lockWallets } from '../wallet/store.ts'

const INVOICES: Target = {
  table: 'invoice',
  columns: [
    ...[
      'tenant_id',
      'period_start',
      'period_end',
      'subscriber_id',
      'currency',
      'exact',
      'rounded',
      'owed',
      'created_at',
    ],
  ],
}

interface Accrued {
  readonly amount: bigint
  readonly owed: bigint
}

/**
 * Makes invoices for the last month that has ended before `at`, for at most `limit` subscribers; resolves with how many were made, 0 when all
 * are. May run any number of times and on several nodes. Not to be called before all plans are renewed until `at`.
 */
export async function closePeriod(sql: Sql, tenant: Tenant, at: Millis, limit = 200): Promise<number> {
  const { tenant: id, timeZone } = tenant
  const end = periodOf('month', at, timeZone).start
  const { start } = periodOf('month', millis(end - 1n), timeZone)
  const due = await sql.rows<{ subscriber_id: SubscriberId }>(
    `select distinct subscriber_id from accrual a where tenant_id = ? and period_start <= ?
     and not exists (select 1 from invoice i where i.tenant_id = a.tenant_id and i.period_start = ? and i.subscriber_id = a.subscriber_id)
     order by subscriber_id limit ?`,
    id,
    start,
    start,
    BigInt(limit),
  )
  if (due.length === 0) return 0
  // Whoever charges a subscriber holds its wallet: what is read behind this lock is all there is.
  await lockWallets(
    sql,
    due.map(({ subscriber_id }): WalletOwner => `subscriber:${subscriber_id}`),
  )
  for (const { subscriber_id } of due) await makeInvoice(sql, tenant, subscriber_id, { start, end }, at)
  return due.length
}

async function makeInvoice(
  sql: Sql,
  tenant: Tenant,
  subscriber: SubscriberId,
  { start, end }: { readonly start: Millis; readonly end: Millis },
  at: Millis,
): Promise<void> {
  const { tenant: id, currency } = tenant
  // Another node may have made it while this one waited for the wallet.
  const known = await sql.row(
    'select invoice_no from invoice where tenant_id = ? and period_start = ? and subscriber_id = ?',
    ...[id, start, subscriber],
  )
  if (known) return
  const accrued = await sql.rows<Accrued>(
    'select amount, owed from accrual where tenant_id = ? and period_start <= ? and subscriber_id = ?',
    ...[id, start, subscriber],
  )
  if (accrued.length === 0) return
  const exact = accrued.reduce((sum, { amount }) => sum + amount, 0n)
  const rounded = roundPeriod(exact, tenant)
  const onCredit = await bookRounding(sql, tenant, subscriber, rounded - exact, start, at)
  const owed = accrued.reduce((sum, each) => sum + each.owed, 0n) + onCredit
  await sql.run(
    'delete from accrual where tenant_id = ? and period_start <= ? and subscriber_id = ?',
    ...[id, start, subscriber],
  )
  await sql.insert(INVOICES, [[id, start, end, subscriber, currency, exact, rounded, owed, at]])
}

/**
 * Books what rounding adds or takes, less than one coin: on credit where the subscriber is on credit, else on its money, and what its money does not
 * hold as overuse. Resolves with what of it is owed.
 */
async function bookRounding(
  sql: Sql,
  { tenant, currency }: Tenant,
  subscriber: SubscriberId,
  difference: bigint,
  period: Millis,
  at: Millis,
): Promise<bigint> {
  if (difference === 0n) return 0n
  const owner: WalletOwner = `subscriber:${subscriber}`
  const [money, owed, over] = [moneyOf(owner, currency), owedOf(subscriber, currency), overuseOf(subscriber, currency)]
  const rows = await openAccounts(sql, [money, owed, over], 'lock')
  const there = (account: AccountId): bigint => {
    const row = rows.get(account)
    return row ? free(row) : 0n
  }
  const amount = difference < 0n ? -difference : difference
  const account =
    difference > 0n
      ? there(owed) > 0n
        ? owed
        : there(money) >= amount
          ? money
          : over
      : ([owed, over].find((debt) => there(debt) >= amount) ?? money)
  // What is taken off is given back: the income of nodes stays out of it, which they move with every request.
  const [debit, credit] =
    difference > 0n
      ? [account, earnedOf(tenant, 'income', 'sales', currency)]
      : [payerAccount(tenant, 'refunds', currency), account]
  await postTransfers(sql, [{ cause: `rounding:${tenant}:${period}:${subscriber}`, debit, credit, amount, at }])
  if (difference < 0n && account === money) await keepMoney(sql, { owner, tenant, currency, at })
  return account === owed ? difference : 0n
}

/** Makes what invoices are due at `at` for one tenant after the other; resolves with how many were made. */
export async function closePeriods(sql: Sql, at: Millis, limit?: number): Promise<number> {
  const ids = await sql.rows<{ tenant_id: string }>('select tenant_id from tenant order by tenant_id')
  const tenants = await readTenants(
    sql,
    ids.map(({ tenant_id }) => tenant_id),
  )
  for (const tenant of tenants.values()) {
    const made = await closePeriod(sql, tenant, at, limit)
    if (made > 0) return made
  }
  return 0
}

export interface Invoice {
  readonly invoice_no: bigint
  readonly tenant_id: PayerId
  /** Half open. */
  readonly period_start: Millis
  readonly period_end: Millis
  readonly subscriber_id: SubscriberId
  readonly currency: string
  /** Micro-units of the currency: charged; as the invoice says; of it on credit, to be paid. */
  readonly exact: bigint
  readonly rounded: bigint
  readonly owed: bigint
  readonly created_at: Millis
}

export interface InvoiceFilter {
  readonly tenant: string | undefined
  readonly subscriber: string | undefined
  /** Invoices behind this number. */
  readonly after: bigint
  readonly limit: number
}

const INVOICE = `select invoice_no, tenant_id, period_start, period_end, subscriber_id, currency, exact, rounded, owed, created_at from invoice`

/** In the order of their numbers. */
export const listInvoices = (sql: Sql, { tenant, subscriber, after, limit }: InvoiceFilter): Promise<Invoice[]> => {
  const where: [string, Value][] = [['invoice_no > ?', after]]
  if (tenant !== undefined) where.push(['tenant_id = ?', tenant])
  if (subscriber !== undefined) where.push(['subscriber_id = ?', subscriber])
  return sql.rows<Invoice>(
    `${INVOICE} where ${where.map(([text]) => text).join(' and ')} order by invoice_no limit ?`,
    ...where.map(([, value]) => value),
    BigInt(limit),
  )
}

export const readInvoice = (sql: Sql, number: bigint): Promise<Invoice | undefined> =>
  sql.row<Invoice>(`${INVOICE} where invoice_no = ?`, number)
