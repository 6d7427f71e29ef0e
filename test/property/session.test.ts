import fc from 'fast-check'
import t from 'tap'
import { USAGE_FLAG } from '../../core/events/usage-event.ts'
import { merge, type Report, type Session } from '../../offload/accounting/session.ts'

const GIB4 = 1n << 32n
const base: Report = {
  status: 'interim',
  at: 1_000_000n,
  timestamped: true,
  seconds: 0n,
  uplink: { total: 0n, gigawords: true },
  downlink: { total: 0n, gigawords: true },
  identity: '001010000000001',
}
const start: Report = { ...base, status: 'start' }
const interim = (minute: number, uplink: bigint, extra: Partial<Report> = {}): Report => ({
  ...base,
  at: base.at + BigInt(minute) * 60_000n,
  seconds: BigInt(minute) * 60n,
  uplink: { total: uplink, gigawords: true },
  ...extra,
})
const stop = (minute: number, uplink: bigint): Report => interim(minute, uplink, { status: 'stop' })

function run(reports: readonly Report[]): {
  session: Session | undefined
  deltas: bigint[]
  flags: number
  outcomes: string[]
} {
  let session: Session | undefined
  let flags = 0
  const deltas: bigint[] = []
  const outcomes: string[] = []
  for (const report of reports) {
    const merged = merge(session, report)
    session = merged.session
    outcomes.push(merged.outcome)
    if (merged.delta) {
      deltas.push(merged.delta.uplink)
      flags |= merged.delta.flags
    }
  }
  return { session, deltas, flags, outcomes }
}

t.test('a plain session: differences of cumulative counters', async (t) => {
  const { session, deltas, flags } = run([start, interim(1, 100n), interim(2, 250n), stop(3, 300n)])
  t.same(deltas, [100n, 150n, 50n])
  t.equal(flags, 0)
  t.equal(session?.open, false)
  t.equal(session?.sequence, 3n)
})

t.test('repeated and reordered interims count once', async (t) => {
  t.same(run([start, interim(2, 250n), interim(1, 100n), interim(2, 250n), interim(3, 300n)]).deltas, [250n, 50n])
})

t.test('without any clock of the access point a fall is not believed', async (t) => {
  const vague = (uplink: bigint): Report => interim(1, uplink, { timestamped: false, seconds: -1n })
  const { deltas, outcomes, session } = run([start, vague(200n), vague(100n), vague(300n)])
  t.same(deltas, [200n, 100n])
  t.equal(outcomes[2], 'suspect')
  t.equal(session?.anomalies, 1n)
})

t.test('a counter that falls while time goes on counts from zero, flagged', async (t) => {
  const { deltas, flags, session } = run([start, interim(1, 1000n), interim(2, 10n), interim(3, 30n)])
  t.same(deltas, [1000n, 10n, 20n])
  t.equal(flags, USAGE_FLAG.counterFell)
  t.equal(session?.anomalies, 1n)
})

t.test('4 GiB wrap: with Gigawords exact, without them inferred and flagged', async (t) => {
  const withGigawords = run([start, interim(1, GIB4 - 10n), interim(2, GIB4 + 20n)])
  t.same(withGigawords.deltas, [GIB4 - 10n, 30n])
  t.equal(withGigawords.flags, 0)
  const bare = (minute: number, uplink: bigint): Report =>
    interim(minute, 0n, { uplink: { total: uplink, gigawords: false }, downlink: { total: 0n, gigawords: false } })
  const without = run([start, bare(1, GIB4 - 10n), bare(2, 20n), bare(3, 50n)])
  t.same(without.deltas, [GIB4 - 10n, 30n, 30n])
  t.equal(without.flags, USAGE_FLAG.wrapAssumed)
  t.equal(without.session?.uplink, GIB4 + 50n)
})

t.test('a Stop without a Start opens and closes a session, flagged', async (t) => {
  const { deltas, flags, session } = run([stop(5, 500n)])
  t.same(deltas, [500n])
  t.equal(flags, USAGE_FLAG.noStart)
  t.equal(session?.open, false)
})

t.test('an interim after the Stop, and a second Stop, change nothing', async (t) => {
  const { deltas, outcomes } = run([start, stop(2, 100n), interim(3, 900n), stop(2, 100n)])
  t.same(deltas, [100n])
  t.same(outcomes.slice(2), ['late', 'late'])
})

t.test('a Stop whose counters are zero or absent closes the session and takes nothing back', async (t) => {
  for (const total of [0n, -1n]) {
    const silent = interim(3, 0n, {
      status: 'stop',
      uplink: { total, gigawords: false },
      downlink: { total, gigawords: false },
    })
    const { deltas, session } = run([start, interim(1, 100n), silent])
    t.same(deltas, [100n])
    t.equal(session?.open, false)
    t.equal(session?.uplink, 100n)
  }
})

t.test('the same identifier used again is a new session; a repeated Start is not', async (t) => {
  const again = { ...start, at: start.at + 3_600_000n }
  const { deltas, session, outcomes } = run([
    start,
    start,
    interim(1, 100n),
    start,
    stop(2, 150n),
    again,
    interim(61, 70n),
  ])
  t.same(outcomes.slice(0, 4), ['counted', 'repeated', 'counted', 'repeated'])
  t.same(deltas, [100n, 50n, 70n])
  t.equal(session?.incarnation, 2n)
})

t.test('property: any order, with repetitions, never counts more than the access point did', async () => {
  const counters = fc.array(fc.bigInt(0n, 1n << 34n), { minLength: 1, maxLength: 12 }).map((steps) => {
    let total = 0n
    return steps.map((step) => {
      total += step
      return total
    })
  })
  fc.assert(
    fc.property(counters, fc.array(fc.nat(), { maxLength: 40 }), fc.boolean(), (totals, picks, clocks) => {
      const extra = clocks ? {} : { timestamped: false, seconds: -1n }
      const reports = totals.map((total, index) => interim(index + 1, total, extra))
      const shuffled = picks.map((pick) => reports[pick % reports.length] ?? start)
      const last = reports.at(-1) ?? start
      const { deltas, session, flags } = run([start, ...shuffled, last])
      const counted = deltas.reduce((sum, delta) => sum + delta, 0n)
      return counted === last.uplink.total && session?.uplink === counted && flags === 0
    }),
  )
})

t.test('property: hostile reports keep every delta positive and the sequence without gaps', async () => {
  const counter = fc.record({ total: fc.bigInt(-1n, (1n << 64n) - 1n), gigawords: fc.boolean() })
  const report: fc.Arbitrary<Report> = fc.record({
    status: fc.constantFrom('start' as const, 'interim' as const, 'stop' as const),
    at: fc.bigInt(0n, 1n << 42n),
    timestamped: fc.boolean(),
    seconds: fc.bigInt(-1n, (1n << 32n) - 1n),
    uplink: counter,
    downlink: counter,
    identity: fc.constantFrom('', 'a', 'b'),
  })
  fc.assert(
    fc.property(fc.array(report, { maxLength: 30 }), (reports) => {
      let session: Session | undefined
      for (const next of reports) {
        const before: Session | undefined = session
        const merged = merge(before, next)
        session = merged.session
        if (!merged.delta) continue
        if (merged.delta.uplink < 0n || merged.delta.downlink < 0n || merged.delta.start < 0n) return false
        const carriedOn = before !== undefined && before.incarnation === session.incarnation
        if (merged.delta.sequence !== (carriedOn ? before.sequence + 1n : 1n)) return false
      }
      return true
    }),
  )
})
