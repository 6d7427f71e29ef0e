// A subscriber's wallet in memory for the length of one transaction: the accounts that can pay, locked, and what is posted to them. What
// happens here is written back in sets by ./store.ts.
import type { PayerId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import {
  type AccountId,
  earnedOf,
  overuseOf,
  payerAccount,
  revenueOf,
  type WalletOwner,
} from '../../ledger/accounts.ts'
import { periodOf } from '../plan/calendar.ts'
import { allowance, crossed, fairUseLeft, type PeriodUse, throttleFor, untilMark } from '../plan/limits.ts'
import type {
  Amounts,
  Balance,
  Cap,
  FairUse,
  Plan,
  ServiceFilter,
  TariffContext,
  TariffRule,
  Unit,
} from '../plan/plan.ts'
import { NO_LIMIT } from '../plan/plan.ts'
import { eligible, type Payment, pay } from '../plan/wallet.ts'
import { accrue, type Book, type Cause, fits, record, totalsOf } from './book.ts'

export interface Pot {
  readonly account: bigint
  readonly id: AccountId
  readonly kind: Balance['kind']
  readonly unit: Unit
  readonly granted: bigint
  readonly priority: number
  readonly expires: Millis | undefined
  readonly when: ServiceFilter
  /** Credit: the most that may be owed; undefined: no limit. */
  readonly limit: bigint | undefined
  /** False once it pays for nothing new: what is held of it still can be posted. */
  readonly open: boolean
  debits: bigint
  credits: bigint
  pending: bigint
  touched: boolean
}

export interface WalletRow {
  readonly owner: WalletOwner
  remainder: bigint
  dayStart: bigint
  dayOctets: bigint
  dayMoney: bigint
  monthStart: bigint
  monthOctets: bigint
  monthMoney: bigint
  fairStart: bigint
  fairOctets: bigint
  heldOctets: bigint
  heldMoney: bigint
  suspended: boolean
  renewedAt: bigint
  touched: boolean
}

export interface Purse {
  readonly subscriber: SubscriberId
  readonly tenant: PayerId
  /** Undefined: the flat plan's microtokens. */
  readonly currency: string | undefined
  /** The tenant's. */
  readonly timeZone: string
  readonly wallet: WalletRow
  /** By account number; a pool's pots are shared with the purses of its other members. */
  readonly pots: ReadonlyMap<bigint, Pot>
}

/** What the pot can still pay. */
export const freeOf = ({ kind, limit, debits, credits, pending }: Pot): bigint =>
  kind === 'credit' ? (limit ?? NO_LIMIT) - (debits - credits) - pending : credits - debits - pending

const ledgerUnit = ({ currency }: Purse, unit: Unit): string => (unit === 'money' ? (currency ?? 'microtoken') : unit)

function earnedBy(purse: Purse, unit: Unit, node: string): AccountId {
  if (unit !== 'money') return earnedOf(purse.tenant, 'consumed', node, unit)
  return purse.currency === undefined ? revenueOf(purse.tenant) : earnedOf(purse.tenant, 'income', node, purse.currency)
}

/** What a service had set aside of each account when it was used. */
export type Promised = readonly { readonly account: bigint; readonly amount: bigint }[]

/**
 * The balances that may pay, in paying order. What was `promised` pays first, even where its balance has expired since or is not for the
 * place where the session is now: it was granted.
 */
export function payersOf(
  { pots }: Purse,
  context: TariffContext,
  ratingGroup: bigint,
  at: Millis,
  promised: Promised = [],
): Balance[] {
  const balances: Balance[] = []
  for (const pot of pots.values()) if (pot.open) balances.push({ ...pot, available: freeOf(pot) })
  const payers = eligible(balances, context, ratingGroup, at)
  if (promised.length === 0) return payers
  const known = new Set(payers.map(({ account }) => account))
  const kept = promised.flatMap(({ account, amount }): Balance[] => {
    const pot = pots.get(account)
    if (!pot || known.has(account)) return []
    const free = freeOf(pot)
    return [{ ...pot, available: amount < free ? amount : free }]
  })
  return [...kept, ...payers]
}

const fromPot = (book: Book, purse: Purse, pot: Pot, amount: bigint) => ({
  debit: pot.id,
  credit: earnedBy(purse, pot.unit, book.node),
  amount,
})

/** Posts `amount` from a pot of the purse; records the thresholds that this reaches. False, with nothing done, where the books cannot take it. */
export function post(book: Book, purse: Purse, pot: Pot, amount: bigint, cause: Cause, plan: Plan): boolean {
  if (amount === 0n) return true
  const move = fromPot(book, purse, pot, amount)
  if (!fits(book, totalsOf([pot]), [move])) return false
  const before = usedOf(pot)
  pot.debits += amount
  pot.touched = true
  record(book, { ...cause, ...move })
  if (pot.unit === 'money') accrue(book, purse, cause.at, amount, pot.kind === 'credit')
  const total = totalOf(pot)
  for (const percent of crossed(before, usedOf(pot), total, plan.thresholds))
    book.events.push({
      at: cause.at,
      subscriber: purse.subscriber,
      kind: 'threshold',
      account: pot.account,
      percent: BigInt(percent),
      amount: freeOf(pot) + pot.pending,
      unit: ledgerUnit(purse, pot.unit),
    })
  return true
}

/** What thresholds are a part of. */
const totalOf = ({ kind, limit, granted }: Pot): bigint => (kind === 'credit' ? (limit ?? 0n) : granted)

/** What the pot may still pay before it reaches its next threshold; undefined: none is ahead. */
export const untilThreshold = (pot: Pot, { thresholds }: Plan): bigint | undefined =>
  untilMark(usedOf(pot), totalOf(pot), thresholds)

/** Returns to pots what they have paid. False, with nothing done, where the books cannot take it. */
export function giveBack(
  book: Book,
  purse: Purse,
  paid: readonly { readonly pot: Pot; readonly amount: bigint }[],
  cause: Cause,
): boolean {
  const moves = paid.map(({ pot, amount }) => ({
    debit: payerAccount(purse.tenant, 'refunds', ledgerUnit(purse, pot.unit)),
    credit: pot.id,
    amount,
  }))
  if (!fits(book, totalsOf(paid.map(({ pot }) => pot)), moves)) return false
  for (const { pot, amount } of paid) {
    pot.credits += amount
    pot.touched = true
    if (pot.unit === 'money') accrue(book, purse, cause.at, -amount, pot.kind === 'credit')
  }
  for (const move of moves) record(book, { ...cause, ...move })
  return true
}

const usedOf = ({ kind, granted, debits, credits }: Pot): bigint =>
  kind === 'credit' ? debits - credits : granted - (credits - debits)

/** Sets aside, or gives back where `amount` is negative. */
export function hold(pot: Pot, amount: bigint): void {
  pot.pending += amount
  pot.touched = true
}

/** More octets than this in one report, or a charge beyond `MOST_CHARGE` micro-units, is no usage but a fault. */
const MOST_UNITS = 1n << 50n
const MOST_CHARGE = 1n << 60n

/** Whether the books can take it. */
export const isPlausible = ({ octet, second, message }: Amounts): boolean =>
  octet <= MOST_UNITS && second <= MOST_UNITS && message <= MOST_UNITS

export interface Usage {
  readonly amounts: Amounts
  readonly rule: TariffRule | undefined
  readonly context: TariffContext
  readonly ratingGroup: bigint
  readonly at: Millis
  readonly remainder: bigint
  readonly promised?: Promised
}

/**
 * Pays usage out of the whole purse and books it; what nobody can pay goes to the subscriber's overuse. Undefined, with nothing booked,
 * where the charge would not fit the books.
 */
export function payFrom(book: Book, purse: Purse, plan: Plan, usage: Usage, cause: Cause): Payment | undefined {
  const { amounts, rule, context, ratingGroup, at, remainder, promised } = usage
  const payment = pay(amounts, rule, payersOf(purse, context, ratingGroup, at, promised), remainder)
  if (payment.charge > MOST_CHARGE) return undefined
  const paying = payment.parts.flatMap(({ account, amount }) => {
    const pot = purse.pots.get(account)
    return pot ? [{ pot, amount }] : []
  })
  const over = (['octet', 'second', 'message', 'money'] as const).flatMap((unit) => {
    const amount = payment.overuse[unit]
    if (amount === 0n) return []
    const held = ledgerUnit(purse, unit)
    const [debit, credit] = [overuseOf(purse.subscriber, held), earnedBy(purse, unit, book.node)]
    return [{ unit, held, move: { debit, credit, amount } }]
  })
  const moves = [...paying.map(({ pot, amount }) => fromPot(book, purse, pot, amount)), ...over.map(({ move }) => move)]
  if (!fits(book, totalsOf(paying.map(({ pot }) => pot)), moves)) return undefined
  for (const { pot, amount } of paying) post(book, purse, pot, amount, cause, plan)
  for (const { unit, held, move } of over) {
    record(book, { ...cause, ...move })
    if (unit === 'money') accrue(book, purse, cause.at, move.amount, false)
    book.events.push({
      at: cause.at,
      subscriber: purse.subscriber,
      kind: 'overuse',
      account: undefined,
      percent: undefined,
      amount: move.amount,
      unit: held,
    })
  }
  return payment
}

/** Turns the wallet's sums to the periods that `at` lies in. */
export function turn(wallet: WalletRow, plan: Plan, at: Millis, timeZone: string): void {
  const period = (kind: FairUse['period']): bigint => periodOf(kind, at, timeZone).start
  if (plan.caps.day.octets !== undefined || plan.caps.day.money !== undefined) {
    const day = period('day')
    if (day > wallet.dayStart) Object.assign(wallet, { dayStart: day, dayOctets: 0n, dayMoney: 0n, touched: true })
  }
  if (plan.caps.month.octets !== undefined || plan.caps.month.money !== undefined) {
    const month = period('month')
    if (month > wallet.monthStart)
      Object.assign(wallet, { monthStart: month, monthOctets: 0n, monthMoney: 0n, touched: true })
  }
  if (plan.fairUse) {
    const fair = period(plan.fairUse.period)
    if (fair > wallet.fairStart) Object.assign(wallet, { fairStart: fair, fairOctets: 0n, touched: true })
  }
}

/** The instant at which one of the plan's periods ends; undefined where it counts none. */
export function periodEnd(plan: Plan, at: Millis, timeZone: string): bigint | undefined {
  const { caps, fairUse } = plan
  const kinds = new Set<FairUse['period']>()
  if (caps.day.octets !== undefined || caps.day.money !== undefined) kinds.add('day')
  if (caps.month.octets !== undefined || caps.month.money !== undefined) kinds.add('month')
  if (fairUse) kinds.add(fairUse.period)
  let end: bigint | undefined
  for (const kind of kinds) {
    const next = periodOf(kind, at, timeZone).end
    if (end === undefined || next < end) end = next
  }
  return end
}

/** Counts what was charged towards caps and fair use; records the thresholds of the caps that this reaches. */
export function count(book: Book, purse: Purse, plan: Plan, at: Millis, octets: bigint, money: bigint): void {
  if (octets === 0n && money === 0n) return
  const { wallet } = purse
  const caps: [Cap, bigint, bigint][] = [
    [plan.caps.day, wallet.dayOctets, wallet.dayMoney],
    [plan.caps.month, wallet.monthOctets, wallet.monthMoney],
  ]
  const report = (before: bigint, used: bigint, cap: bigint | undefined, unit: string): void => {
    for (const percent of crossed(before, before + used, cap ?? 0n, plan.thresholds))
      book.events.push({
        at,
        subscriber: purse.subscriber,
        kind: 'cap',
        account: undefined,
        percent: BigInt(percent),
        amount: before + used,
        unit,
      })
  }
  for (const [cap, octetsBefore, moneyBefore] of caps) {
    report(octetsBefore, octets, cap.octets, 'octet')
    report(moneyBefore, money, cap.money, ledgerUnit(purse, 'money'))
  }
  wallet.dayOctets = sum(wallet.dayOctets, octets)
  wallet.dayMoney = sum(wallet.dayMoney, money)
  wallet.monthOctets = sum(wallet.monthOctets, octets)
  wallet.monthMoney = sum(wallet.monthMoney, money)
  wallet.fairOctets = sum(wallet.fairOctets, octets)
  wallet.touched = true
}

/** Counters stop at what no cap is above. */
const sum = (a: bigint, b: bigint): bigint => (a + b < NO_LIMIT ? a + b : NO_LIMIT)

/** What the caps leave for a further grant: what other sessions hold counts as used. */
export function capsLeft({ wallet }: Purse, plan: Plan): Cap {
  const used = (octets: bigint, money: bigint): PeriodUse => ({
    octets: octets + wallet.heldOctets,
    money: money + wallet.heldMoney,
  })
  return allowance(plan, used(wallet.dayOctets, wallet.dayMoney), used(wallet.monthOctets, wallet.monthMoney))
}

/** Octets until the fair-use profile applies, and whether it does. */
export const fairOf = (
  { wallet }: Purse,
  { fairUse }: Plan,
): { readonly left: bigint | undefined; readonly throttled: boolean } => ({
  left: fairUseLeft(fairUse, wallet.fairOctets),
  throttled: throttleFor(fairUse, wallet.fairOctets) !== undefined,
})
