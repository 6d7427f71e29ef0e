// The tenant's calendar: days, weeks and months as people mean them, with month ends and daylight saving.
import { type Millis, millis } from '../../../core/kernel/units.ts'
import type { PeriodKind, Validity } from './plan.ts'
import { DAY, floorDiv, instantOf, type Wall, wallAt } from './wall-clock.ts'

/** Half open: `start` belongs to it, `end` to the next. */
export interface Period {
  readonly start: Millis
  readonly end: Millis
}

/**
 * The period that `at` lies in. `anchorDay`: for a month the day on which it begins (1 to 31; the last day of a shorter month),
 * for a week 1 (Monday) to 7; a day has none. Periods begin at midnight or, where the clock skips it, at the first instant of the day.
 */
export function periodOf(kind: PeriodKind, at: Millis, timeZone: string, anchorDay = 1): Period {
  const key = `${kind} ${anchorDay} ${timeZone}`
  const last = latest.get(key)
  if (last && last.start <= at && at < last.end) return last
  const period = find(kind, at, timeZone, anchorDay)
  latest.set(key, period)
  return period
}

// Nearly every question is about the current period.
const latest = new Map<string, Period>()

function find(kind: PeriodKind, at: Millis, timeZone: string, anchorDay: number): Period {
  const wall = wallAt(at, timeZone)
  let index = indexOf(kind, wall, anchorDay)
  // A clock that goes back over midnight shows the day before once more: the new day has begun all the same.
  if (instantOf(startOf(kind, index + 1n, anchorDay), timeZone) <= at) index += 1n
  return {
    start: instantOf(startOf(kind, index, anchorDay), timeZone),
    end: instantOf(startOf(kind, index + 1n, anchorDay), timeZone),
  }
}

// Weeks are counted from Monday 1969-12-29, months from year 0.
const FIRST_MONDAY = -3n

function indexOf(kind: PeriodKind, wall: Wall, anchorDay: number): bigint {
  const day = floorDiv(wall, DAY)
  if (kind === 'day') return day
  if (kind === 'week') return floorDiv(day - FIRST_MONDAY - BigInt(anchorDay - 1), 7n)
  const date = new Date(Number(wall))
  const month = BigInt(date.getUTCFullYear() * 12 + date.getUTCMonth())
  return wall < startOf('month', month, anchorDay) ? month - 1n : month
}

function startOf(kind: PeriodKind, index: bigint, anchorDay: number): Wall {
  if (kind === 'day') return index * DAY
  if (kind === 'week') return (index * 7n + FIRST_MONDAY + BigInt(anchorDay - 1)) * DAY
  const [year, month] = [Number(index / 12n), Number(index % 12n)]
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  return BigInt(Date.UTC(year, month, Math.min(anchorDay, last)))
}

/** When units given at `at` expire; undefined: never. Days keep the time of day, also over daylight saving. */
export function expiryOf(validity: Validity, at: Millis, timeZone: string, anchorDay = 1): Millis | undefined {
  switch (validity.kind) {
    case 'unlimited':
      return undefined
    case 'period':
      return periodOf(validity.period, at, timeZone, anchorDay).end
    case 'days':
      return millis(instantOf(wallAt(at, timeZone) + BigInt(validity.days) * DAY, timeZone))
  }
}
