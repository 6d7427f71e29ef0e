import fc from 'fast-check'
import t from 'tap'
import { judge } from '../../billing/policy/judge.ts'
import { splitVerdict } from '../../billing/policy/verdict.ts'
import { payerId } from '../../core/kernel/ids.ts'
import { millis, octets } from '../../core/kernel/units.ts'
import { TERMS, WALLET } from '../unit/log-fixture.ts'

const time = fc.bigInt({ min: -(1n << 62n), max: 1n << 62n }).map(millis)
const amount = fc.bigInt({ min: 0n, max: 1n << 62n }).map(octets)
const usage = fc.record({
  payer: fc.constantFrom(payerId('partner'), payerId('stranger'), undefined),
  access: fc.constantFrom('wifi', 'lte', 'nr'),
  start: time,
  end: time,
  uplink: amount,
  downlink: amount,
  received: time,
  flags: fc.nat(7),
})
const near = usage.map((drawn) => ({ ...drawn, received: drawn.end, start: millis(drawn.end - 1_000_000n) }))
const state = fc.record({
  radio: fc.option(
    fc.record({
      owner: fc.constant(WALLET),
      payout: fc.constant(WALLET),
      ban: fc.option(fc.record({ from: time, until: fc.option(time, { nil: undefined }) }), { nil: undefined }),
    }),
    { nil: undefined },
  ),
  repeated: fc.boolean(),
})

t.test('every usage gets one verdict; all of it counts or none, and the same again gives the same', async () => {
  fc.assert(
    fc.property(fc.oneof(usage, near), state, (drawn, log) => {
      const { verdict, counted } = judge(TERMS, log, drawn)
      const again = judge(TERMS, log, drawn)
      const { outcome } = splitVerdict(verdict)
      return again.verdict === verdict && counted === (outcome === 'VALID' ? drawn.uplink + drawn.downlink : 0n)
    }),
    { numRuns: 2000 },
  )
})

t.test('more octets never make a refused or held piece valid', async () => {
  fc.assert(
    fc.property(near, state, amount, (drawn, log, more) => {
      const before = judge(TERMS, log, drawn).verdict
      const after = judge(TERMS, log, { ...drawn, downlink: octets(drawn.downlink + more) }).verdict
      return before === 'VALID' || after === before
    }),
    { numRuns: 2000 },
  )
})
