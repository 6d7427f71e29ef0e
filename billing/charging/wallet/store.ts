// Wallets to and from their rows, in sets. Order of locks, the same for everybody: charging sessions, wallets by owner, accounts by number,
// what tenants earn by account id, the counter of records.
import type { PayerId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import { type AccountId, owedOf, usageOf, type WalletOwner } from '../../ledger/accounts.ts'
import {
  type AccountRow,
  addSums,
  lockAccounts,
  openAccounts,
  recordUsage,
  sumsOf,
  type Totals,
  writeAccounts,
} from '../../ledger/store.ts'
import { tellPartners } from '../notices/store.ts'
import { ANY_SERVICE, type Plan, type ServiceFilter, type Unit } from '../plan/plan.ts'
import { AccountsFull, type Accrual, type Book, type ChargingEvent } from './book.ts'
import type { Pot, Purse, WalletRow } from './purse.ts'

interface StoredWallet {
  readonly owner: WalletOwner
  readonly remainder: bigint
  readonly day_start: bigint
  readonly day_octets: bigint
  readonly day_money: bigint
  readonly month_start: bigint
  readonly month_octets: bigint
  readonly month_money: bigint
  readonly fair_start: bigint
  readonly fair_octets: bigint
  readonly held_octets: bigint
  readonly held_money: bigint
  readonly suspended: bigint
  readonly renewed_at: bigint
}

export interface BalanceRow {
  readonly account_no: bigint
  readonly owner: WalletOwner
  readonly tenant_id: PayerId
  readonly kind: 'bundle' | 'money'
  readonly unit: string
  readonly granted: bigint
  readonly priority: bigint
  readonly expires_at: Millis | null
  readonly services: string | null
  readonly offer: string | null
  readonly rolled: bigint
  readonly created_at: Millis
}

const SUMS = [
  ...['remainder', 'day_start', 'day_octets', 'day_money', 'month_start', 'month_octets', 'month_money', 'fair_start'],
  ...['fair_octets', 'held_octets', 'held_money', 'suspended', 'renewed_at'],
]
const NEW_WALLETS: Target = { table: 'wallet', columns: ['owner', ...SUMS], conflict: '(owner) do nothing' }
const WALLETS: Target = {
  table: 'wallet',
  columns: ['owner', ...SUMS],
  conflict: `(owner) do update set ${SUMS.map((column) => `${column} = excluded.${column}`).join(', ')}`,
}
const EVENTS: Target = {
  table: 'charging_event',
  columns: ['at', 'subscriber_id', 'kind', 'account_no', 'percent', 'amount', 'unit'],
}
const OPEN_BALANCES = `select account_no, owner, tenant_id, kind, unit, granted, priority, expires_at, services, offer, rolled, created_at
  from (select * from balance where state = 'open') open_balance`

/** The wallets of `owners`, made where they do not exist yet, locked until the transaction ends. */
export async function lockWallets(sql: Sql, owners: Iterable<WalletOwner>): Promise<Map<WalletOwner, WalletRow>> {
  const wanted = [...new Set(owners)].sort()
  const wallets = new Map<WalletOwner, WalletRow>()
  const read = async (keys: readonly WalletOwner[]): Promise<void> => {
    for (const row of await sql.find<StoredWallet>(
      `select owner, ${SUMS.join(', ')} from wallet`,
      'owner',
      keys,
      'lock',
    ))
      wallets.set(row.owner, walletOf(row))
  }
  await read(wanted)
  const missing = wanted.filter((owner) => !wallets.has(owner))
  if (missing.length === 0) return wallets
  await sql.insert(
    NEW_WALLETS,
    missing.map((owner) => [owner, ...SUMS.map(() => 0n)]),
  )
  await read(missing)
  return wallets
}

const walletOf = (row: StoredWallet): WalletRow => ({
  owner: row.owner,
  remainder: row.remainder,
  dayStart: row.day_start,
  dayOctets: row.day_octets,
  dayMoney: row.day_money,
  monthStart: row.month_start,
  monthOctets: row.month_octets,
  monthMoney: row.month_money,
  fairStart: row.fair_start,
  fairOctets: row.fair_octets,
  heldOctets: row.held_octets,
  heldMoney: row.held_money,
  suspended: row.suspended !== 0n,
  renewedAt: row.renewed_at,
  touched: false,
})

/** The open balances of owners whose wallets are locked. */
export const openBalances = (sql: Sql, owners: readonly WalletOwner[]): Promise<BalanceRow[]> =>
  sql.find<BalanceRow>(OPEN_BALANCES, 'owner', owners)

/** Which pool each subscriber belongs to, if any. */
export async function poolsOf(sql: Sql, subscribers: readonly SubscriberId[]): Promise<Map<SubscriberId, string>> {
  const rows = await sql.find<{ subscriber_id: SubscriberId; pool_id: string }>(
    'select subscriber_id, pool_id from pool_member',
    'subscriber_id',
    subscribers,
  )
  return new Map(rows.map(({ subscriber_id, pool_id }) => [subscriber_id, pool_id]))
}

export interface PurseWanted {
  readonly subscriber: SubscriberId
  readonly pool: string | undefined
  readonly tenant: PayerId
  readonly plan: Plan
  /** Undefined: the flat plan's microtokens. */
  readonly currency: string | undefined
  readonly timeZone: string
  /** Accounts that sessions hold something of, whatever has become of them. */
  readonly accounts: readonly bigint[]
}

/** Where a postpaid or hybrid subscriber's debt is booked. */
const creditAccountOf = ({ subscriber, currency }: Pick<PurseWanted, 'subscriber' | 'currency'>): AccountId =>
  currency === undefined ? usageOf(subscriber) : owedOf(subscriber, currency)

export interface Purses {
  /** By `purseKey`. */
  readonly purses: ReadonlyMap<string, Purse>
  readonly wallets: ReadonlyMap<WalletOwner, WalletRow>
  readonly pots: ReadonlyMap<bigint, Pot>
}

/** The purses of the subscribers, one each, everything in them locked until the transaction ends. */
export async function lockPurses(sql: Sql, wanted: readonly PurseWanted[]): Promise<Purses> {
  const ownersOf = ({ subscriber, pool }: PurseWanted): WalletOwner[] =>
    pool === undefined ? [`subscriber:${subscriber}`] : [`subscriber:${subscriber}`, `pool:${pool}`]
  const owners = [...new Set(wanted.flatMap(ownersOf))].sort()
  const wallets = await lockWallets(sql, owners)
  const balances = await openBalances(sql, owners)
  const credits = await openAccounts(sql, wanted.filter(({ plan }) => plan.kind !== 'prepaid').map(creditAccountOf))
  const numbers = new Set(balances.map(({ account_no }) => account_no))
  for (const { account_no } of credits.values()) numbers.add(account_no)
  for (const { accounts } of wanted) for (const account of accounts) numbers.add(account)
  const accounts = new Map((await lockAccounts(sql, [...numbers])).map((row) => [row.account_no, row]))
  const byOwner = new Map<WalletOwner, BalanceRow[]>(owners.map((owner) => [owner, []]))
  for (const row of balances) byOwner.get(row.owner)?.push(row)
  const pots = new Map<bigint, Pot>()
  const potOf = (number: bigint, terms: PotTerms): Pot | undefined => {
    const row = accounts.get(number)
    const known = pots.get(number)
    if (known || !row) return known
    const pot = makePot(row, terms)
    pots.set(number, pot)
    return pot
  }
  const purses = new Map<string, Purse>()
  for (const want of wanted) {
    const wallet = wallets.get(`subscriber:${want.subscriber}`)
    if (!wallet) throw new RangeError(`no wallet of ${want.subscriber}`)
    const key = purseKey(want)
    const own = new Map(purses.get(key)?.pots)
    const add = (number: bigint, terms: PotTerms): void => {
      const pot = potOf(number, terms)
      if (pot) own.set(number, pot)
    }
    for (const owner of ownersOf(want))
      for (const row of byOwner.get(owner) ?? [])
        if (row.kind !== 'money' || row.unit === want.currency) add(row.account_no, termsOf(row))
    const credit = want.plan.kind === 'prepaid' ? undefined : credits.get(creditAccountOf(want))
    if (credit) add(credit.account_no, { ...PLAIN, kind: 'credit', unit: 'money', limit: want.plan.creditLimit })
    for (const account of want.accounts) if (!own.has(account)) add(account, CLOSED)
    const { subscriber, tenant, currency, timeZone } = want
    purses.set(key, { subscriber, tenant, currency, timeZone, wallet, pots: own })
  }
  return { purses, wallets, pots }
}

/** A subscriber that changes plans may have a purse in each of two currencies. */
export const purseKey = ({ subscriber, currency }: Pick<PurseWanted, 'subscriber' | 'currency'>): string =>
  `${subscriber} ${currency ?? ''}`

type PotTerms = Pick<Pot, 'kind' | 'unit' | 'granted' | 'priority' | 'expires' | 'when' | 'limit' | 'open'>
const PLAIN = { granted: 0n, priority: 0, expires: undefined, when: ANY_SERVICE, limit: undefined, open: true } as const
/** Of a balance that is no longer open nothing is known but its account. */
const CLOSED: PotTerms = { ...PLAIN, kind: 'bundle', unit: 'octet', open: false }

const termsOf = ({ kind, unit, granted, priority, expires_at, services }: BalanceRow): PotTerms => ({
  kind,
  unit: kind === 'money' ? 'money' : (unit as Unit),
  granted,
  priority: Number(priority),
  expires: expires_at ?? undefined,
  when: services === null ? ANY_SERVICE : parseServices(services),
  limit: undefined,
  open: true,
})

/** A closed pot's unit stands in its account's id. */
function makePot({ account_no, account_id, debits, credits, pending }: AccountRow, terms: PotTerms): Pot {
  const unit = account_id.slice(account_id.lastIndexOf(':') + 1)
  const metered = unit === 'octet' || unit === 'second' || unit === 'message'
  const known: Unit = terms.open ? terms.unit : metered ? unit : 'money'
  return { ...terms, account: account_no, id: account_id, unit: known, debits, credits, pending, touched: false }
}

interface StoredServices {
  readonly access?: ServiceFilter['access']
  readonly radioClasses?: readonly string[]
  readonly ratingGroups?: readonly string[]
  readonly zones?: readonly string[]
}

/** A filter as JSON; null for anything. */
export function formatServices(services: ServiceFilter): string | null {
  if (Object.values(services).every((value) => value === undefined)) return null
  return JSON.stringify({ ...services, ratingGroups: services.ratingGroups?.map(String) })
}

export function parseServices(text: string): ServiceFilter {
  const { access, radioClasses, ratingGroups, zones } = JSON.parse(text) as StoredServices
  return { access, radioClasses, ratingGroups: ratingGroups?.map(BigInt), zones }
}

/** Writes back what has been booked on locked purses. Throws AccountsFull. */
export async function savePurses(sql: Sql, { wallets, pots }: Omit<Purses, 'purses'>, book: Book): Promise<void> {
  await sql.insert(
    WALLETS,
    [...wallets.values()].filter(({ touched }) => touched).map((wallet) => [wallet.owner, ...walletRow(wallet)]),
  )
  const touched = [...pots.values()].filter((pot) => pot.touched)
  await writeAccounts(
    sql,
    touched.map(({ account, id, debits, credits, pending }) => ({
      account_no: account,
      account_id: id,
      debits,
      credits,
      pending,
    })),
  )
  await saveEvents(sql, book.events)
  await saveAccruals(sql, book.accruals.values())
  if (book.transfers.length === 0) return
  const numbers = new Map<AccountId, bigint>([...pots.values()].map(({ id, account }) => [id, account]))
  const sums = new Map<AccountId, Totals>()
  for (const [account, sum] of sumsOf(book.transfers)) if (!numbers.has(account)) sums.set(account, sum)
  const added = await addSums(sql, sums)
  for (const { account_id, account_no } of added) numbers.set(account_id, account_no)
  if (added.length < sums.size) throw new AccountsFull([...sums.keys()].filter((account) => !numbers.has(account)))
  await recordUsage(sql, book.transfers, numbers)
}

/**
 * What `newBook` wants to know of accounts that were full: locked until the transaction ends. To be called when the purses are locked.
 */
export async function readCrowded(sql: Sql, accounts: Iterable<AccountId>): Promise<Map<AccountId, Totals>> {
  const rows = await openAccounts(sql, accounts, 'lock')
  return new Map([...rows].map(([account, { debits, credits }]) => [account, { debits, credits }]))
}

const ACCRUALS: Target = {
  table: 'accrual',
  columns: ['tenant_id', 'period_start', 'subscriber_id', 'amount', 'owed'],
  conflict:
    '(tenant_id, period_start, subscriber_id) do update set amount = accrual.amount + excluded.amount, owed = accrual.owed + excluded.owed',
}

/** Adds to what the next invoices ask for. The wallets of the subscribers are locked. */
export const saveAccruals = (sql: Sql, accruals: Iterable<Accrual>): Promise<number> =>
  sql.insert(
    ACCRUALS,
    [...accruals].map(({ tenant, period, subscriber, amount, owed }) => [tenant, period, subscriber, amount, owed]),
  )

const walletRow = (w: WalletRow): bigint[] => [
  w.remainder,
  w.dayStart,
  w.dayOctets,
  w.dayMoney,
  w.monthStart,
  w.monthOctets,
  w.monthMoney,
  w.fairStart,
  w.fairOctets,
  w.heldOctets,
  w.heldMoney,
  w.suspended ? 1n : 0n,
  w.renewedAt,
]

/** Appends to the journal of charging events. */
export async function saveEvents(sql: Sql, events: readonly ChargingEvent[]): Promise<void> {
  if (events.length === 0) return
  await sql.insert(
    EVENTS,
    events.map(({ at, subscriber, kind, account, percent, amount, unit }) => [
      at,
      subscriber,
      kind,
      account ?? null,
      percent ?? null,
      amount ?? null,
      unit ?? null,
    ]),
  )
  await tellPartners(sql, events)
}
