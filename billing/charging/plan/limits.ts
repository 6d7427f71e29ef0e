// Caps, thresholds and fair use: what is counted per period, and what follows from it.
import type { Cap, FairUse, Plan } from './plan.ts'

/** What has been used in a period. Money in micro-units; zero-rated octets count for neither. */
export interface PeriodUse {
  readonly octets: bigint
  readonly money: bigint
}

/** What the caps of the day and the month leave, the smaller of both, never below 0. Undefined: no limit. */
export function allowance({ caps }: Pick<Plan, 'caps'>, day: PeriodUse, month: PeriodUse): Cap {
  return {
    octets: least(left(caps.day.octets, day.octets), left(caps.month.octets, month.octets)),
    money: least(left(caps.day.money, day.money), left(caps.month.money, month.money)),
  }
}

const left = (cap: bigint | undefined, used: bigint): bigint | undefined =>
  cap === undefined ? undefined : used < cap ? cap - used : 0n

const least = (a: bigint | undefined, b: bigint | undefined): bigint | undefined =>
  a === undefined ? b : b === undefined || a < b ? a : b

/**
 * The thresholds (per cent of `total`) that use going from `before` to `after` reaches: each is reported once, by the request that
 * reaches it, however far that goes beyond.
 */
export function crossed(before: bigint, after: bigint, total: bigint, thresholds: readonly number[]): number[] {
  if (total <= 0n) return []
  return thresholds.filter((percent) => {
    const mark = total * BigInt(percent)
    return before * 100n < mark && after * 100n >= mark
  })
}

/** What may be used until the next of `thresholds`, percent of `total`, is reached; undefined: none is ahead. */
export function untilMark(used: bigint, total: bigint, thresholds: readonly number[]): bigint | undefined {
  let next: bigint | undefined
  for (const percent of thresholds) {
    const mark = (total * BigInt(percent) + 99n) / 100n
    if (used < mark && (next === undefined || mark < next)) next = mark
  }
  return next === undefined ? undefined : next - used
}

/** The throttle in force once `octets` have been used in the fair-use period. */
export function throttleFor(fairUse: FairUse | undefined, octets: bigint): FairUse['throttle'] | undefined {
  return fairUse && octets >= fairUse.octets ? fairUse.throttle : undefined
}

/** Octets until the throttle applies; undefined: it does already, or there is none. */
export function fairUseLeft(fairUse: FairUse | undefined, octets: bigint): bigint | undefined {
  return fairUse && octets < fairUse.octets ? fairUse.octets - octets : undefined
}
