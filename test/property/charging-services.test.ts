// A session's services, written and read again.
import fc from 'fast-check'
import t from 'tap'
import { decodeServices, encodeServices } from '../../billing/charging/session/services-codec.ts'
import { newService, type ServiceState } from '../../billing/charging/session/state.ts'
import { canTally, Tally } from '../../billing/charging/session/tally.ts'

const EDGES = [0n, 1n, 63n, 64n, (1n << 27n) - 1n, 1n << 27n, 1n << 28n, (1n << 48n) + 1n, 1n << 49n, (1n << 52n) - 1n]
const LARGE = [1n << 52n, 1n << 53n, (1n << 62n) - 1n, (1n << 63n) - 1n]
const whole = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
  fc.constantFrom(...EDGES, ...LARGE),
  fc.bigInt({ min: -(1n << 62n), max: -1n }),
)
const amount = fc.oneof(fc.bigInt({ min: 0n, max: (1n << 62n) - 1n }), fc.constantFrom(...EDGES))
const optional = fc.option(amount, { nil: undefined })
const part = fc.record({
  account: amount,
  kind: fc.constantFrom('bundle' as const, 'money' as const, 'credit' as const),
  unit: fc.constantFrom('octet' as const, 'second' as const, 'message' as const, 'money' as const),
  held: whole,
  spent: whole,
})
const used = fc.record({
  ...{ first: whole, last: whole, uplink: whole, downlink: whole, seconds: whole },
  ...{ messages: whole, charge: whole, bundled: whole, free: whole },
})
const service: fc.Arbitrary<ServiceState> = fc.record({
  ...{ ratingGroup: amount, rule: fc.integer({ min: -1, max: 300 }) },
  ...{ octets: optional, seconds: optional, units: optional, validity: whole, threshold: optional },
  ...{ throttled: fc.boolean(), change: optional, step: whole, until: whole, remainder: whole, settled: whole },
  ...{ chargedOctets: whole, chargedMoney: whole, heldOctets: whole, heldMoney: whole, used },
  parts: fc.array(part, { maxLength: 5 }),
})
const stored = fc.record({ records: amount, recordFrom: whole, services: fc.array(service, { maxLength: 8 }) })

t.test('what is written is read again', async () => {
  fc.assert(
    fc.property(stored, (value) => {
      t.same(decodeServices(encodeServices(value)), value)
    }),
    { numRuns: 500 },
  )
})

const small = fc.record({
  ...{ first: amount, last: amount, uplink: amount, downlink: amount, seconds: amount },
  ...{ messages: amount, charge: amount, bundled: amount, free: amount },
})
const countable = fc.tuple(service, small, fc.array(fc.tuple(part, amount, amount), { maxLength: 3 })).map(
  ([state, sums, parts]): ServiceState => ({
    ...{ ...state, used: sums, remainder: 5n, chargedOctets: sums.uplink, chargedMoney: sums.charge },
    parts: parts.map(([each, held, spent]) => ({ ...each, held, spent })),
  }),
)

t.test('a tally is written as the service that it counts for', async () => {
  fc.assert(
    fc.property(fc.array(countable, { maxLength: 4 }), (services) => {
      t.ok(services.every(canTally))
      const value = { records: 1n, recordFrom: 2n, services }
      const tallies = services.map((state) => new Tally(state))
      t.same(encodeServices({ ...value, tallies }), encodeServices(value))
      t.same(
        tallies.map((tally) => tally.toState()),
        services,
      )
    }),
    { numRuns: 300 },
  )
})

t.test('cut or lengthened octets are refused', async () => {
  fc.assert(
    fc.property(stored, fc.nat(), (value, at) => {
      const octets = encodeServices(value)
      t.throws(() => decodeServices(octets.subarray(0, at % octets.length)), RangeError)
      t.throws(() => decodeServices(Uint8Array.of(...octets, 0)), RangeError)
    }),
    { numRuns: 200 },
  )
})

t.test('many services fit, and a usual session takes few octets', async (t) => {
  const services = Array.from({ length: 100 }, (_, index) => newService(BigInt(index), 1_795_176_000_000n))
  const value = { records: 0n, recordFrom: 1_795_176_000_000n, services }
  t.same(decodeServices(encodeServices(value)), value)
  t.ok(encodeServices({ ...value, services: services.slice(0, 1) }).length < 48)
})
