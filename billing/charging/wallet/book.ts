// What a transaction books, gathered in memory: transfers, events, and what each subscriber's next invoice has to ask for.
import type { PayerId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { AccountId } from '../../ledger/accounts.ts'
import { MOST_TOTAL, type Totals, type Transfer, type UsageTransfer } from '../../ledger/store.ts'
import { periodOf } from '../plan/calendar.ts'

/** What somebody may want to be told. */
export interface ChargingEvent {
  readonly at: Millis
  readonly subscriber: SubscriberId
  readonly kind: 'threshold' | 'cap' | 'overuse' | 'expired' | 'suspended' | 'resumed' | 'renewed'
  readonly account: bigint | undefined
  readonly percent: bigint | undefined
  readonly amount: bigint | undefined
  readonly unit: string | undefined
}

/** Charged in money and not invoiced yet, micro-units of the tenant's currency; negative where more was given back. */
export interface Accrual {
  readonly tenant: PayerId
  readonly subscriber: SubscriberId
  /** Start of the tenant's month in which it was charged. */
  readonly period: Millis
  readonly amount: bigint
  /** Of it, on credit. */
  readonly owed: bigint
}

export interface Book {
  readonly node: string
  readonly transfers: UsageTransfer[]
  readonly events: ChargingEvent[]
  readonly accruals: Map<string, Accrual>
  /** Accounts that are not in a purse and near what 64 bits hold, with their totals as they will be. Of all others there is no doubt. */
  readonly crowded: Map<AccountId, Totals>
}

export const newBook = (node: string, crowded: Book['crowded'] = new Map()): Book => ({
  node,
  transfers: [],
  events: [],
  accruals: new Map(),
  crowded,
})

/**
 * Thrown out of a transaction: the totals of these accounts would not fit 64 bits. It has to be done anew with their totals known
 * (`readCrowded`), so that what does not fit is set aside by itself.
 */
export class AccountsFull extends Error {
  readonly accounts: readonly AccountId[]
  constructor(accounts: readonly AccountId[]) {
    super(`totals that would not fit 64 bits: ${accounts.join(', ')}`)
    this.accounts = accounts
  }
}

/** What makes a booking, and when. */
export type Cause = Pick<UsageTransfer, 'source' | 'reference' | 'cause' | 'at'>

type Move = Pick<Transfer, 'debit' | 'credit' | 'amount'>

/** Whether all of it would fit into the totals of accounts. `pots`: the purse's, by account id. */
export function fits({ crowded }: Book, pots: ReadonlyMap<AccountId, Totals>, moves: readonly Move[]): boolean {
  const after = new Map<AccountId, { debits: bigint; credits: bigint }>()
  const of = (account: AccountId): { debits: bigint; credits: bigint } => {
    const { debits, credits } = after.get(account) ?? pots.get(account) ?? crowded.get(account) ?? NOTHING_YET
    const totals = { debits, credits }
    after.set(account, totals)
    return totals
  }
  return moves.every(({ debit, credit, amount }) => {
    const [from, to] = [of(debit), of(credit)]
    from.debits += amount
    to.credits += amount
    return from.debits <= MOST_TOTAL && to.credits <= MOST_TOTAL
  })
}

const NOTHING_YET: Totals = { debits: 0n, credits: 0n }

/** Writes a transfer down. The totals of pots are the caller's. */
export function record(book: Book, transfer: UsageTransfer): void {
  const { debit, credit, amount } = transfer
  book.transfers.push(transfer)
  if (book.crowded.size === 0) return
  const [from, to] = [book.crowded.get(debit), book.crowded.get(credit)]
  if (from) book.crowded.set(debit, { ...from, debits: from.debits + amount })
  if (to) book.crowded.set(credit, { ...to, credits: to.credits + amount })
}

interface Payer {
  readonly tenant: PayerId
  readonly subscriber: SubscriberId
  /** Undefined: the flat plan. */
  readonly currency: string | undefined
  readonly timeZone: string
}

/** Notes what a subscriber was charged in money at `at`. Nothing of the flat plan, which has no invoices. */
export function accrue(
  book: Book,
  { tenant, subscriber, currency, timeZone }: Payer,
  at: Millis,
  amount: bigint,
  onCredit: boolean,
): void {
  if (currency === undefined) return
  const period = periodOf('month', at, timeZone).start
  const key = `${tenant} ${period} ${subscriber}`
  const before = book.accruals.get(key)
  book.accruals.set(key, {
    tenant,
    subscriber,
    period,
    amount: (before?.amount ?? 0n) + amount,
    owed: (before?.owed ?? 0n) + (onCredit ? amount : 0n),
  })
}

/** The totals of pots by account id, as `fits` wants them. */
export const totalsOf = (pots: Iterable<Totals & { readonly id: AccountId }>): Map<AccountId, Totals> => {
  const totals = new Map<AccountId, Totals>()
  for (const pot of pots) totals.set(pot.id, pot)
  return totals
}
