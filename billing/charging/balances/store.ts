// What subscribers and pools can pay with: money topped up, bundles bought or given, what expires. All inside the caller's transaction,
// with the wallet locked first.
import type { PayerId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import { type AccountId, bundleOf, earnedOf, moneyOf, payerAccount, type WalletOwner } from '../../ledger/accounts.ts'
import { accountStatement, type TransferRow } from '../../ledger/audit/store.ts'
import { type AccountRow, free, lockAccounts, openAccounts, posted, postTransfers } from '../../ledger/store.ts'
import { expiryOf, periodOf } from '../plan/calendar.ts'
import type { BundleOffer, Metered, ServiceFilter } from '../plan/plan.ts'
import {
  type BalanceRow,
  formatServices,
  lockWallets,
  openBalances,
  poolsOf,
  saveAccruals,
  saveEvents,
} from '../wallet/store.ts'

const BALANCES: Target = {
  table: 'balance',
  columns: [
    ...['account_no', 'owner', 'tenant_id', 'kind', 'unit', 'granted', 'priority', 'expires_at', 'services', 'offer'],
    ...['rolled', 'state', 'created_at'],
  ],
  conflict: `(account_no) do update set granted = excluded.granted, expires_at = excluded.expires_at, state = 'open'`,
}

export interface TopUp {
  readonly owner: WalletOwner
  readonly tenant: PayerId
  readonly currency: string
  /** Micro-units of the currency, more than 0. */
  readonly amount: bigint
  /** Names the payment, unique for the tenant: the same again changes nothing. */
  readonly reference: string
  readonly at: Millis
}

/** Adds money; false where that reference has been booked before. */
export async function topUp(sql: Sql, { owner, tenant, currency, amount, reference, at }: TopUp): Promise<boolean> {
  await lockWallets(sql, [owner])
  const account = moneyOf(owner, currency)
  const cause = `topup:${tenant}:${reference}`
  const debit = payerAccount(tenant, 'received', currency)
  if ((await postTransfers(sql, [{ cause, debit, credit: account, amount, at }])) === 0) return false
  await keepMoney(sql, { owner, tenant, currency, at })
  return true
}

/** Lets an owner pay with what is on its account of money. */
export async function keepMoney(
  sql: Sql,
  { owner, tenant, currency, at }: Pick<TopUp, 'owner' | 'tenant' | 'currency' | 'at'>,
): Promise<void> {
  const account = moneyOf(owner, currency)
  const row = (await openAccounts(sql, [account])).get(account)
  if (!row) throw new RangeError(`no account ${account}`)
  await putBalance(sql, row, { owner, tenant, kind: 'money', unit: currency, granted: posted(row), at })
}

interface NewBalance {
  readonly owner: WalletOwner
  readonly tenant: PayerId
  readonly kind: BalanceRow['kind']
  readonly unit: string
  /** Thresholds are per cent of it. */
  readonly granted: bigint
  readonly at: Millis
  readonly priority?: number
  readonly expires?: Millis | undefined
  readonly services?: ServiceFilter
  readonly offer?: string | undefined
  readonly rolled?: number
}

const putBalance = (sql: Sql, { account_no }: AccountRow, balance: NewBalance): Promise<number> =>
  sql.insert(BALANCES, [
    [
      account_no,
      balance.owner,
      balance.tenant,
      balance.kind,
      balance.unit,
      balance.granted,
      BigInt(balance.priority ?? 0),
      balance.expires ?? null,
      balance.services ? formatServices(balance.services) : null,
      balance.offer ?? null,
      BigInt(balance.rolled ?? 0),
      'open',
      balance.at,
    ],
  ])

export interface NewBundle {
  readonly owner: WalletOwner
  readonly tenant: PayerId
  readonly unit: Metered
  /** More than 0. */
  readonly amount: bigint
  /** Names the gift or purchase, unique: the same again changes nothing. */
  readonly reference: string
  readonly at: Millis
  readonly priority: number
  readonly expires: Millis | undefined
  readonly services: ServiceFilter
  /** `plan/bundle`, where it comes from one. */
  readonly offer?: string | undefined
  readonly rolled?: number
}

/** Gives a bundle; false where that reference has been booked before. */
export async function addBalance(sql: Sql, bundle: NewBundle): Promise<boolean> {
  const { owner, tenant, unit, amount, reference, at } = bundle
  await lockWallets(sql, [owner])
  const account = bundleOf(owner, reference, unit)
  const debit = payerAccount(tenant, 'issued', unit)
  if ((await postTransfers(sql, [{ cause: `bundle:${account}`, debit, credit: account, amount, at }])) === 0)
    return false
  const row = (await openAccounts(sql, [account])).get(account)
  if (!row) throw new RangeError(`no account ${account}`)
  await putBalance(sql, row, { ...bundle, kind: 'bundle', granted: amount })
  return true
}

export interface Purchase {
  readonly owner: WalletOwner
  readonly tenant: PayerId
  readonly currency: string
  readonly timeZone: string
  /** `plan/bundle`. */
  readonly name: string
  readonly offer: BundleOffer
  readonly reference: string
  readonly at: Millis
}

/** Buys a bundle with the owner's money; false where that reference has been booked before. Throws LEDGER_BELOW_ZERO. */
export async function buyBundle(
  sql: Sql,
  { owner, tenant, currency, timeZone, name, offer, reference, at }: Purchase,
): Promise<boolean> {
  const { unit, amount, priority, services, price } = offer
  const expires = expiryOf(offer.validity, at, timeZone)
  const given = await addBalance(sql, {
    owner,
    tenant,
    unit,
    amount,
    reference,
    at,
    priority,
    expires,
    services,
    offer: name,
  })
  if (!given) return false
  const debit = moneyOf(owner, currency)
  const credit = earnedOf(tenant, 'income', 'sales', currency)
  const sold = await postTransfers(sql, [{ cause: `sale:${owner}:${reference}`, debit, credit, amount: price, at }])
  // What a pool buys is on nobody's invoice: it has paid.
  const [kind, subscriber] = [owner.slice(0, owner.indexOf(':')), owner.slice(owner.indexOf(':') + 1) as SubscriberId]
  if (sold > 0 && kind === 'subscriber') {
    const period = periodOf('month', at, timeZone).start
    await saveAccruals(sql, [{ tenant, subscriber, period, amount: price, owed: 0n }])
  }
  return true
}

export interface BalanceState extends Omit<BalanceRow, 'account_no'> {
  readonly account: AccountId
  /** Posted, and of that not set aside by open sessions. */
  readonly posted: bigint
  readonly free: bigint
}

/** What a subscriber can pay with, its pool's balances included, in the order of their accounts. */
export async function balances(sql: Sql, subscriber: SubscriberId): Promise<BalanceState[]> {
  const pool = (await poolsOf(sql, [subscriber])).get(subscriber)
  const owners: WalletOwner[] = [`subscriber:${subscriber}`]
  if (pool !== undefined) owners.push(`pool:${pool}`)
  const rows = await openBalances(sql, owners)
  const accounts = await sql.find<AccountRow>(
    'select account_no, account_id, debits, credits, pending from ledger_account',
    'account_no',
    rows.map(({ account_no }) => account_no),
  )
  const byNumber = new Map(accounts.map((row) => [row.account_no, row]))
  return rows
    .flatMap(({ account_no, ...row }) => {
      const account = byNumber.get(account_no)
      return account ? [{ ...row, account: account.account_id, posted: posted(account), free: free(account) }] : []
    })
    .sort((a, b) => (a.account < b.account ? -1 : 1))
}

const POOL: Target = {
  table: 'pool_member',
  columns: ['subscriber_id', 'pool_id'],
  conflict: '(subscriber_id) do update set pool_id = excluded.pool_id',
}

/** Makes a subscriber a member of a pool, of one at a time; its open sessions stay with what they were opened with. */
export const joinPool = (sql: Sql, subscriber: SubscriberId, pool: string): Promise<number> =>
  sql.insert(POOL, [[subscriber, pool]])

export const leavePool = (sql: Sql, subscriber: SubscriberId): Promise<number> =>
  sql.run('delete from pool_member where subscriber_id = ?', subscriber)

/**
 * Takes away what has expired until `now`, at most `limit` balances; resolves with how many were found. What open sessions still hold
 * of one stays until they have given it back.
 */
export async function expire(sql: Sql, now: Millis, limit = 500): Promise<number> {
  const due = await sql.rows<{ account_no: bigint; owner: WalletOwner }>(
    `select account_no, owner from balance where state = 'open' and expires_at is not null and expires_at <= ?
     and not exists (select 1 from ledger_account a where a.account_no = balance.account_no and a.pending > 0) order by expires_at limit ?`,
    now,
    BigInt(limit),
  )
  if (due.length === 0) return 0
  await lockWallets(
    sql,
    due.map(({ owner }) => owner),
  )
  const rows = (await openBalances(sql, [...new Set(due.map(({ owner }) => owner))])).filter(
    ({ expires_at }) => expires_at !== null && expires_at <= now,
  )
  const accounts = new Map(
    (
      await lockAccounts(
        sql,
        rows.map(({ account_no }) => account_no),
      )
    ).map((row) => [row.account_no, row]),
  )
  const ended = rows.flatMap((row) => {
    const account = accounts.get(row.account_no)
    return account && account.pending === 0n ? [{ row, account }] : []
  })
  await postTransfers(
    sql,
    ended.map(({ row, account }) => ({
      cause: `expired:${account.account_id}:${row.expires_at}`,
      debit: account.account_id,
      credit: payerAccount(row.tenant_id, 'expired', row.unit),
      amount: free(account),
      at: now,
    })),
  )
  for (const { row } of ended) await sql.run(`update balance set state = 'closed' where account_no = ?`, row.account_no)
  await saveEvents(
    sql,
    ended.map(({ row, account }) => ({
      at: now,
      subscriber: row.owner.slice(row.owner.indexOf(':') + 1) as SubscriberId,
      kind: 'expired',
      account: row.account_no,
      percent: undefined,
      amount: free(account),
      unit: row.unit,
    })),
  )
  return due.length
}

/** All that has been booked on a subscriber's own accounts but usage, oldest first: merge it with its sessions for a statement. */
export async function statement(
  sql: Sql,
  subscriber: SubscriberId,
  page: { readonly after?: bigint; readonly limit: number },
): Promise<TransferRow[]> {
  const accounts = await sql.rows<{ account_id: AccountId }>(
    'select account_id from ledger_account where account_id >= ? and account_id < ? order by account_id',
    `subscriber:${subscriber}:`,
    `subscriber:${subscriber};`,
  )
  const rows = new Map<bigint, TransferRow>()
  for (const { account_id } of accounts)
    for (const row of await accountStatement(sql, account_id, page)) rows.set(row.transfer_id, row)
  return [...rows.values()].sort((a, b) => (a.transfer_id < b.transfer_id ? -1 : 1)).slice(0, page.limit)
}
