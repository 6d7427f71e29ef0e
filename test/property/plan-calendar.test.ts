// Calendar and tariff against what Intl's own clock shows, minute by minute, around changes of daylight saving.
import fc from 'fast-check'
import t from 'tap'
import { periodOf } from '../../billing/charging/plan/calendar.ts'
import { ANY_SERVICE, type Day, type Plan, type TariffWhen } from '../../billing/charging/plan/plan.ts'
import { tariffFor } from '../../billing/charging/plan/tariff.ts'
import { instantOf, instantsOf, wallAt } from '../../billing/charging/plan/wall-clock.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import { AT_HOME, instant, planNamed } from '../unit/plan-fixture.ts'

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Santiago',
  'America/Havana',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Pacific/Apia',
]
const zone = fc.constantFrom(...ZONES)
const anyTime: fc.Arbitrary<Millis> = fc.bigInt(BigInt(Date.UTC(2005, 0)), BigInt(Date.UTC(2035, 0))).map(millis)

t.test('every instant lies in one period, and periods follow each other without a gap', async () => {
  const kind = fc.constantFrom('day', 'week', 'month')
  fc.assert(
    fc.property(kind, anyTime, zone, fc.integer({ min: 1, max: 31 }), (kind, at, timeZone, day) => {
      const anchor = kind === 'week' ? ((day - 1) % 7) + 1 : day
      const { start, end } = periodOf(kind, at, timeZone, anchor)
      const next = periodOf(kind, end, timeZone, anchor)
      const before = periodOf(kind, millis(start - 1n), timeZone, anchor)
      const same = periodOf(kind, start, timeZone, anchor)
      return start <= at && at < end && next.start === end && before.end === start && same.end === end
    }),
    { numRuns: 2000 },
  )
})

t.test('a month begins on its day, or on the last day of a shorter month', async () => {
  fc.assert(
    fc.property(anyTime, zone, fc.integer({ min: 1, max: 31 }), (at, timeZone, anchor) => {
      const { start } = periodOf('month', at, timeZone, anchor)
      const date = new Date(Number(wallAt(start, timeZone)))
      const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
      return date.getUTCDate() === Math.min(anchor, last)
    }),
  )
})

t.test('an instant is among those at which the clock shows what it shows', async () => {
  fc.assert(
    fc.property(anyTime, zone, (at, timeZone) => {
      const all = instantsOf(wallAt(at, timeZone), timeZone)
      return all.includes(at) && all.length <= 2 && instantOf(wallAt(at, timeZone), timeZone) === all[0]
    }),
    { numRuns: 2000 },
  )
})

const NAMES = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const DAYS: readonly Day[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const MINUTE = 60_000n
const SCANNED_DAYS = 3

/** Minutes since Monday 00:00 on the wall, as Intl writes them. */
function minuteOfWeek(format: Intl.DateTimeFormat, at: bigint): number {
  const part = Object.fromEntries(format.formatToParts(Number(at)).map(({ type, value }) => [type, value]))
  return NAMES.indexOf(part.weekday ?? '') * 1440 + Number(part.hour) * 60 + Number(part.minute)
}

/** Whether one of the rule's days began so long ago that its hours still last. */
function applies({ days = DAYS, from = 0, to = 1440 }: TariffWhen, minute: number): boolean {
  const length = from < to ? to - from : to + 1440 - from
  return days.some((day) => (minute - (DAYS.indexOf(day) * 1440 + from) + 2 * 10_080) % 10_080 < length)
}

t.test('the rule and the instant of its end are those of a scan, minute by minute', async () => {
  const clock = fc.oneof(
    fc.integer({ min: 0, max: 1439 }),
    fc.integer({ min: 0, max: 240 }),
    fc.constantFrom(60, 90, 120, 150, 180, 1380, 1410),
  )
  const when = fc
    .record({
      days: fc.option(fc.uniqueArray(fc.constantFrom(...DAYS), { minLength: 1 }), { nil: undefined }),
      from: fc.option(clock, { nil: undefined }),
      to: fc.option(clock, { nil: undefined }),
    })
    .filter(({ from = 0, to = 1440 }) => from !== to && to !== 0)
  // Nights on which clocks change in 2026, each with a day before and after, and any time of that year.
  const nights = ['03-08', '03-29', '04-05', '09-06', '09-27', '10-04', '10-25', '11-01', '02-15', '03-22'].map((day) =>
    instant(`2026-${day}T00:00Z`),
  )
  const near = fc
    .tuple(fc.constantFrom(...nights), fc.integer({ min: -2160, max: 2880 }))
    .map(([night, minutes]) => millis(night + BigInt(minutes) * MINUTE))
  const base = planNamed('data')
  fc.assert(
    fc.property(fc.array(when, { minLength: 1, maxLength: 4 }), near, zone, (whens, at, timeZone) => {
      const tariffs = whens.map((one, index) => ({
        name: String(index),
        when: { ...ANY_SERVICE, ...one },
        tariff: { kind: 'free' } as const,
      }))
      const plan: Plan = { ...base, tariffs }
      const format = new Intl.DateTimeFormat('en-US', {
        timeZone,
        weekday: 'short',
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      })
      const byScan = (time: bigint) => tariffs.find(({ when }) => applies(when, minuteOfWeek(format, time)))
      const { rule, until } = tariffFor(plan, AT_HOME, 0n, at, timeZone)
      if (rule !== byScan(at)) return false
      for (let minute = 1n; minute <= BigInt(SCANNED_DAYS * 1440); minute++) {
        const time = at + minute * MINUTE
        if (byScan(time) !== rule) return until === time
      }
      return until === undefined || until > at + BigInt(SCANNED_DAYS * 1440) * MINUTE
    }),
    { numRuns: 150 },
  )
})

t.test('an answer from memory is the answer of a first question', async () => {
  const base = planNamed('data')
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 6000 }), { minLength: 1, maxLength: 20 }),
      zone,
      (minutes, timeZone) => {
        const used: Plan = { ...base }
        return minutes.every((minute) => {
          const at = millis(instant('2026-10-23T00:00Z') + BigInt(minute) * MINUTE)
          const remembered = tariffFor(used, AT_HOME, 0n, at, timeZone)
          const fresh = tariffFor({ ...base }, AT_HOME, 0n, at, timeZone)
          return remembered.rule === fresh.rule && remembered.until === fresh.until
        })
      },
    ),
  )
})
