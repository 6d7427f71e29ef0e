// Which rule of a plan applies, and until when. A rule is a function of what the wall clock shows, so that daylight saving needs no
// rule of its own: an hour that comes twice is charged twice as that hour, one that is skipped not at all.
import { type Millis, millis } from '../../../core/kernel/units.ts'
import { inZone, matches } from './filter.ts'
import type { Day, Plan, TariffContext, TariffRule, TariffWhen } from './plan.ts'
import { DAY, floorDiv, instantsOf, MINUTE, nextChange, wallAt } from './wall-clock.ts'

export interface TariffNow {
  /** Undefined: the plan has no price for this service (Result-Code 5031). */
  readonly rule: TariffRule | undefined
  /** The next instant from which another rule applies because of the time of day (Tariff-Time-Change, RFC 8506 §8.20). */
  readonly until: Millis | undefined
}

interface Known extends TariffNow {
  readonly from: Millis
}

interface Candidates {
  readonly rules: readonly TariffRule[]
  last: Known | undefined
}

interface Compiled {
  /** What the rules tell apart: everything else makes no difference, which bounds the number of candidate lists. */
  readonly ratingGroups: ReadonlySet<bigint>
  readonly radioClasses: ReadonlySet<string>
  readonly zones: readonly string[]
  readonly candidates: Map<string, Candidates>
}

const compiled = new WeakMap<Plan, Map<string, Compiled>>()

/** The first rule of `plan` that matches at the instant `at`, by the clock of the tenant's `timeZone` (IANA name). */
export function tariffFor(
  plan: Plan,
  context: TariffContext,
  ratingGroup: bigint,
  at: Millis,
  timeZone: string,
): TariffNow {
  const candidates = candidatesFor(compile(plan, timeZone), plan, context, ratingGroup)
  const { last } = candidates
  if (last && last.from <= at && (last.until === undefined || at < last.until)) return last
  const known = evaluate(candidates.rules, at, timeZone)
  // A late report must not push out what the others ask for.
  if (!last || at > last.from) candidates.last = known
  return known
}

function compile(plan: Plan, timeZone: string): Compiled {
  let zones = compiled.get(plan)
  if (!zones) {
    zones = new Map()
    compiled.set(plan, zones)
  }
  let made = zones.get(timeZone)
  if (!made) {
    const whens = plan.tariffs.map(({ when }) => when)
    made = {
      ratingGroups: new Set(whens.flatMap((when) => when.ratingGroups ?? [])),
      radioClasses: new Set(whens.flatMap((when) => when.radioClasses ?? [])),
      zones: [...new Set(whens.flatMap((when) => when.zones ?? []))],
      candidates: new Map(),
    }
    zones.set(timeZone, made)
  }
  return made
}

function candidatesFor(made: Compiled, plan: Plan, context: TariffContext, ratingGroup: bigint): Candidates {
  const group = made.ratingGroups.has(ratingGroup) ? ratingGroup : ''
  const { radioClass, visitedPlmn } = context
  const known = radioClass !== undefined && made.radioClasses.has(radioClass) ? radioClass : ''
  const zones =
    made.zones.length === 0 ? '' : made.zones.map((zone) => (inZone(zone, visitedPlmn) ? '1' : '0')).join('')
  const key = `${context.access} ${group} ${zones} ${known}`
  let candidates = made.candidates.get(key)
  if (!candidates) {
    candidates = { rules: plan.tariffs.filter(({ when }) => matches(when, context, ratingGroup)), last: undefined }
    made.candidates.set(key, candidates)
  }
  return candidates
}

const isTimed = ({ days, from, to }: TariffWhen): boolean =>
  days !== undefined || from !== undefined || to !== undefined

// A week repeats itself, but for a skipped or repeated hour: what does not change in two weeks and a day never does.
const HORIZON_DAYS = 15

function evaluate(rules: readonly TariffRule[], at: Millis, timeZone: string): Known {
  const first = rules.findIndex(({ when }) => !isTimed(when))
  // Rules behind one that always matches are never reached.
  const reachable = first < 0 ? rules : rules.slice(0, first + 1)
  const rule = ruleAt(reachable, at, timeZone)
  if (first === 0 || reachable.length === 0) return { rule, until: undefined, from: at }
  const minutes = new Set([0, ...reachable.flatMap(({ when }) => [when.from ?? 0, when.to ?? 0])])
  const midnight = floorDiv(wallAt(at, timeZone), DAY) * DAY
  let until: Millis | undefined
  for (let day = -1; day <= HORIZON_DAYS; day++) {
    const start = midnight + BigInt(day) * DAY
    const found = until !== undefined
    const instants = [...minutes].flatMap((minute) => instantsOf(start + BigInt(minute) * MINUTE, timeZone))
    const change = nextChange(start - DAY, start + DAY, timeZone)
    if (change !== undefined) instants.push(change)
    for (const instant of instants)
      if (instant > at && (until === undefined || instant < until) && ruleAt(reachable, instant, timeZone) !== rule)
        until = instant
    // One day more: a clock that is put back shows the end of a day after the beginning of the next.
    if (found) break
  }
  return { rule, until, from: at }
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const satisfies readonly Day[]
const MONDAY = 3n

function ruleAt(rules: readonly TariffRule[], at: bigint, timeZone: string): TariffRule | undefined {
  const wall = wallAt(millis(at), timeZone)
  const day = floorDiv(wall, DAY)
  const minute = Number(floorDiv(wall - day * DAY, MINUTE))
  const weekday = Number((((day + MONDAY) % 7n) + 7n) % 7n)
  return rules.find(({ when }) => covers(when, weekday, minute))
}

function covers({ days, from = 0, to = 1440 }: TariffWhen, weekday: number, minute: number): boolean {
  const on = (index: number): boolean => days === undefined || days.includes(DAYS[(index + 7) % 7] ?? 'mon')
  if (from < to) return minute >= from && minute < to && on(weekday)
  return (minute >= from && on(weekday)) || (minute < to && on(weekday - 1))
}
