// Who pays, and how much of it: usage against balances. The only place where usage becomes money; what rounding down leaves over is
// carried to the next call, so that over any series of calls nothing is lost or made.
import type { Millis } from '../../../core/kernel/units.ts'
import { matches } from './filter.ts'
import {
  type Amounts,
  type Balance,
  METERED,
  NOTHING,
  type Part,
  type TariffContext,
  type TariffRule,
  type Unit,
} from './plan.ts'

/** Parts of a micro-unit in which remainders are kept: a multiple of 1,000,000 (octets) and of 60 (seconds). */
export const REMAINDER_PARTS = 3_000_000n

/** What one unit at a price of 1 costs, in those parts: prices are per 1,000,000 octets, per 60 seconds, per message. */
export const PRICE_PARTS = { octet: 3n, second: 50_000n, message: 3_000_000n } as const satisfies Amounts

const KINDS = { bundle: 0, money: 1, credit: 2 } as const

/**
 * The balances that may pay for a service at `at`, in paying order: bundles, money, credit; among those the earliest expiry first,
 * then the smaller priority, then the smaller account number. The order of `balances` makes no difference.
 */
export function eligible(
  balances: readonly Balance[],
  context: TariffContext,
  ratingGroup: bigint,
  at: Millis,
): Balance[] {
  return balances
    .filter(({ expires, when }) => (expires === undefined || at < expires) && matches(when, context, ratingGroup))
    .sort(inPayingOrder)
}

function inPayingOrder(a: Balance, b: Balance): number {
  if (a.kind !== b.kind) return KINDS[a.kind] - KINDS[b.kind]
  if (a.expires !== b.expires) {
    if (a.expires === undefined) return 1
    return b.expires === undefined || a.expires < b.expires ? -1 : 1
  }
  if (a.priority !== b.priority) return a.priority - b.priority
  return a.account < b.account ? -1 : a.account > b.account ? 1 : 0
}

export interface Payment {
  /** What each account pays, each account at most once for a unit, none of them 0. */
  readonly parts: readonly Part[]
  /** What no account could pay: metered units where there is no price, micro-units where there is one. */
  readonly overuse: Readonly<Record<Unit, bigint>>
  /** Used, and not to be paid for: zero-rated, or a unit that the rule does not charge. */
  readonly free: Amounts
  /** Paid by bundles. */
  readonly bundled: Amounts
  /** Charged in money. */
  readonly rated: Amounts
  /** Micro-units: the sum of the money parts and of `overuse.money`. */
  readonly charge: bigint
  /** 0 to REMAINDER_PARTS − 1: the next call's `remainder`. */
  readonly remainder: bigint
}

/**
 * Pays `used` under `rule` (undefined: none applies) from `balances`, which stand in paying order. For each unit
 * used = free + bundled + rated + overuse, and charge × REMAINDER_PARTS + new remainder = Σ rated × price + `remainder`.
 * Use of a service that is denied or has no rule was never granted: it is overuse.
 */
export function pay(
  used: Amounts,
  rule: TariffRule | undefined,
  balances: readonly Balance[],
  remainder: bigint,
): Payment {
  const tariff = rule?.tariff
  if (tariff?.kind === 'free') return { ...UNPAID, free: used, remainder }
  if (tariff?.kind !== 'paid') return { ...UNPAID, overuse: { ...used, money: 0n }, remainder }
  const parts: Part[] = []
  const free = { octet: 0n, second: 0n, message: 0n }
  const bundled = { octet: 0n, second: 0n, message: 0n }
  const rated = { octet: 0n, second: 0n, message: 0n }
  const overuse = { octet: 0n, second: 0n, message: 0n, money: 0n }
  let exact = remainder
  for (const unit of METERED) {
    const price = tariff.price[unit]
    if (used[unit] === 0n) continue
    if (price === undefined) {
      free[unit] = used[unit]
      continue
    }
    const left = tariff.bundles ? take(balances, unit, used[unit], parts) : used[unit]
    bundled[unit] = used[unit] - left
    if (price === 'bundle') overuse[unit] = left
    else {
      rated[unit] = left
      exact += left * price * PRICE_PARTS[unit]
    }
  }
  const charge = exact / REMAINDER_PARTS
  overuse.money = take(balances, 'money', charge, parts)
  return { parts, overuse, free, bundled, rated, charge, remainder: exact % REMAINDER_PARTS }
}

const UNPAID = {
  parts: [],
  overuse: { ...NOTHING, money: 0n },
  free: NOTHING,
  bundled: NOTHING,
  rated: NOTHING,
  charge: 0n,
} as const

/** Takes up to `amount` from the balances in that unit, in their order, into `parts`; returns what is left to pay. */
export function take(balances: readonly Balance[], unit: Unit, amount: bigint, parts: Part[]): bigint {
  let left = amount
  for (const balance of balances) {
    if (left === 0n) break
    if (balance.unit !== unit || balance.available <= 0n) continue
    const part = balance.available < left ? balance.available : left
    parts.push({ account: balance.account, unit, amount: part })
    left -= part
  }
  return left
}

/** The balances once `parts` have left them, in the same order: for the second half of a request that a tariff change splits. */
export function spend(balances: readonly Balance[], parts: readonly Part[]): Balance[] {
  if (parts.length === 0) return [...balances]
  return balances.map((balance) => {
    const spent = parts.reduce((sum, { account, amount }) => (account === balance.account ? sum + amount : sum), 0n)
    return spent === 0n ? balance : { ...balance, available: balance.available - spent }
  })
}
