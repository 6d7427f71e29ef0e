import t from 'tap'
import { expiryOf, periodOf } from '../../billing/charging/plan/calendar.ts'
import { parsePlan } from '../../billing/charging/plan/document.ts'
import type { PeriodKind, Validity } from '../../billing/charging/plan/plan.ts'
import { type Leftover, renew, renewalsBetween } from '../../billing/charging/plan/renewal.ts'
import { tariffFor } from '../../billing/charging/plan/tariff.ts'
import { isTimeZone } from '../../billing/charging/plan/wall-clock.ts'
import type { Access } from '../../core/events/usage-event.ts'
import { AT_HOME, instant, instantOrNone, planNamed, quantity, tableRows } from './plan-fixture.ts'

t.test('calendar.table: days, weeks and months', async (t) => {
  for (const row of tableRows('calendar')) {
    const period = periodOf(row('period') as PeriodKind, instant(row('at')), row('zone'), Number(row('day')))
    t.same(period, { start: instant(row('start')), end: instant(row('end')) }, row('case'))
    t.equal(Number(period.end - period.start) / 3_600_000, Number(row('hours')), `${row('case')}: hours`)
  }
})

t.test('expiry.table: when a bundle ends', async (t) => {
  for (const row of tableRows('expiry')) {
    const [, days, period] = /^(?:([0-9]+) days?|rest of (\w+)|unlimited)$/.exec(row('validity')) ?? []
    const validity: Validity = days
      ? { kind: 'days', days: Number(days) }
      : period
        ? { kind: 'period', period: period as PeriodKind }
        : { kind: 'unlimited' }
    t.equal(expiryOf(validity, instant(row('given')), row('zone')), instantOrNone(row('expires')), row('case'))
  }
})

t.test('tariff.table: which rule, and until when', async (t) => {
  const plan = planNamed('data')
  for (const row of tableRows('tariff')) {
    const context = {
      access: row('access') as Access,
      radio: undefined,
      radioClass: row('class') || undefined,
      visitedPlmn: row('visited') || undefined,
    }
    const [at, zone] = [instant(row('at')), row('zone')]
    const { rule, until } = tariffFor(plan, context, BigInt(row('group')), at, zone)
    t.equal(rule?.name, row('rule'), row('case'))
    t.equal(until, instantOrNone(row('until')), `${row('case')}: until`)
    const local = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
    })
    t.equal(local.format(Number(at)).replace(',', ''), row('local'), `${row('case')}: the table says the local time`)
  }
})

/** A rule from `from` to `to` before one for all other times. `until`: when the answer at `at` ends. */
const CLOCK_CHANGES: readonly [
  name: string,
  zone: string,
  from: string,
  to: string,
  at: string,
  rule: string,
  until: string,
][] = [
  ['a beginning that is skipped', 'Europe/Berlin', '02:15', '05:00', '2026-03-29T00:30Z', 'other', '2026-03-29T01:00Z'],
  ['an end that is skipped', 'Europe/Berlin', '01:00', '02:15', '2026-03-29T00:30Z', 'timed', '2026-03-29T01:00Z'],
  ['hours that are skipped', 'Europe/Berlin', '02:15', '02:45', '2026-03-28T12:00Z', 'other', '2026-03-30T00:15Z'],
  [
    'hours that come twice, first',
    'Europe/Berlin',
    '02:15',
    '02:45',
    '2026-10-25T00:20Z',
    'timed',
    '2026-10-25T00:45Z',
  ],
  ['between the two', 'Europe/Berlin', '02:15', '02:45', '2026-10-25T00:50Z', 'other', '2026-10-25T01:15Z'],
  [
    'hours that come twice, again',
    'Europe/Berlin',
    '02:15',
    '02:45',
    '2026-10-25T01:20Z',
    'timed',
    '2026-10-25T01:45Z',
  ],
  [
    'a clock that goes back over midnight',
    'America/St_Johns',
    '23:30',
    '24:00',
    '2010-11-07T02:30:30Z',
    'other',
    '2010-11-07T03:00Z',
  ],
  [
    'and into the day before',
    'America/St_Johns',
    '23:00',
    '23:30',
    '2010-11-07T02:30:30Z',
    'other',
    '2010-11-07T02:31Z',
  ],
]

t.test('hours that the clock skips or shows twice', async (t) => {
  for (const [name, zone, from, to, at, rule, until] of CLOCK_CHANGES) {
    const plan = parsePlan({
      tenant: 'example',
      id: 'clock',
      version: 1,
      name: 'Clock',
      kind: 'prepaid',
      tariffs: [
        { name: 'timed', when: { from, to }, free: true },
        { name: 'other', free: true },
      ],
    })
    const now = tariffFor(plan, AT_HOME, 0n, instant(at), zone)
    t.equal(now.rule?.name, rule, name)
    t.equal(now.until && new Date(Number(now.until)).toISOString(), new Date(until).toISOString(), `${name}: until`)
  }
})

t.test('a plan without a rule for a service has no price for it', async (t) => {
  const context = { access: 'lte', radio: undefined, radioClass: undefined, visitedPlmn: undefined } as const
  t.same(tariffFor(planNamed('voice'), context, 31n, instant('2026-11-20T12:00Z'), 'UTC'), {
    rule: undefined,
    until: undefined,
    from: instant('2026-11-20T12:00Z'),
  })
})

t.test('a late request is judged by its own time, not by what was asked last', async (t) => {
  const plan = planNamed('data')
  const context = { access: 'lte', radio: undefined, radioClass: undefined, visitedPlmn: undefined } as const
  const at = (time: string) => tariffFor(plan, context, 0n, instant(time), 'UTC').rule?.name
  t.same(
    ['2026-11-17T23:00Z', '2026-11-17T21:00Z', '2026-11-18T01:00Z', '2026-11-18T08:00Z', '2026-11-17T23:30Z'].map(at),
    ['night', 'day', 'night', 'day', 'night'],
  )
})

const leftovers = (cell: string): Leftover[] =>
  cell === '-'
    ? []
    : cell.split('; ').map((item) => {
        const [, account = '', amount = '', rolled = ''] = /^#(\d+) (.+) x(\d+)$/.exec(item) ?? []
        return { account: BigInt(account), amount: quantity(amount).amount, rolled: Number(rolled) }
      })

t.test('renewal.table: what rolls over and what lapses', async (t) => {
  const [offer] = planNamed('data').bundles
  if (!offer) throw new Error('the plan has no bundle')
  for (const row of tableRows('renewal')) {
    const renewal = renew(offer, leftovers(row('left')))
    t.same(renewal.rolledOver, leftovers(row('rolls over')), `${row('case')}: rolls over`)
    t.same(renewal.lapsed, leftovers(row('lapses')), `${row('case')}: lapses`)
    t.equal(renewal.amount, 10_000_000_000n)
  }
  t.same(renew({ ...offer, rollOver: undefined }, [{ account: 1n, amount: 5n, rolled: 0 }]).rolledOver, [])
})

t.test('renewals are made up for after a standstill, each once', async (t) => {
  const from = instant('2026-01-31T00:00Z')
  const starts = renewalsBetween('month', from, instant('2026-05-31T00:00Z'), 'UTC', 31)
  t.same(starts, ['2026-02-28T00:00Z', '2026-03-31T00:00Z', '2026-04-30T00:00Z', '2026-05-31T00:00Z'].map(instant))
  t.same(renewalsBetween('month', instant('2026-05-31T00:00Z'), instant('2026-05-31T00:00Z'), 'UTC', 31), [])
  t.equal(renewalsBetween('day', instant('2026-03-27T23:00Z'), instant('2026-03-30T22:00Z'), 'Europe/Berlin').length, 3)
})

t.test('a time zone that nobody knows is told from one that exists', async (t) => {
  t.ok(isTimeZone('Pacific/Chatham'))
  t.notOk(isTimeZone('Europe/Atlantis'))
})
