// The start of a new period: recurring bundles given anew, what was left rolled over or lapsed.
import type { Millis } from '../../../core/kernel/units.ts'
import { periodOf } from './calendar.ts'
import type { BundleOffer, PeriodKind } from './plan.ts'

/** The instants in (`after`, `until`] at which a period begins, in order: what has to be renewed, also after a standstill. */
export function renewalsBetween(
  kind: PeriodKind,
  after: Millis,
  until: Millis,
  timeZone: string,
  anchorDay = 1,
): Millis[] {
  const starts: Millis[] = []
  let { end } = periodOf(kind, after, timeZone, anchorDay)
  while (end <= until) {
    starts.push(end)
    end = periodOf(kind, end, timeZone, anchorDay).end
  }
  return starts
}

/** What an expiring balance of an offer has left. */
export interface Leftover {
  readonly account: bigint
  readonly amount: bigint
  /** How often these units have rolled over already. */
  readonly rolled: number
}

export interface Renewal {
  /** The new period's own units. */
  readonly amount: bigint
  /** To be moved into a balance of the new period, in the order of the leftovers. None of them 0. */
  readonly rolledOver: readonly Leftover[]
  /** To be taken away. None of them 0. */
  readonly lapsed: readonly Leftover[]
}

/**
 * What happens to a recurring offer's units when a period begins. The roll-over limit is for all leftovers together; units that have
 * rolled over least often come first, then the smaller account number. Σ rolledOver + Σ lapsed = Σ leftovers.
 */
export function renew({ amount, rollOver }: BundleOffer, leftovers: readonly Leftover[]): Renewal {
  const rolledOver: Leftover[] = []
  const lapsed: Leftover[] = []
  let room = rollOver?.limit
  for (const leftover of leftovers.toSorted((a, b) => a.rolled - b.rolled || (a.account < b.account ? -1 : 1))) {
    const { account, rolled } = leftover
    const share = rollOver && rolled < rollOver.times ? (leftover.amount * BigInt(rollOver.percent)) / 100n : 0n
    const kept = room !== undefined && room < share ? room : share
    if (room !== undefined) room -= kept
    if (kept > 0n) rolledOver.push({ account, amount: kept, rolled: rolled + 1 })
    if (leftover.amount > kept) lapsed.push({ account, amount: leftover.amount - kept, rolled })
  }
  return { amount, rolledOver, lapsed }
}
