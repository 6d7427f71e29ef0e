import t from 'tap'
import { parse } from 'yaml'
import { parsePlan } from '../../billing/charging/plan/document.ts'
import { isTallycellError } from '../../core/kernel/errors.ts'
import { planText } from './plan-fixture.ts'

const read = (name: string, options = {}): unknown => parse(planText(name), options)
type Loose = { [key: string]: Loose }

t.test('a document becomes a plan with every default filled in', async (t) => {
  const plan = parsePlan(read('data'))
  t.equal(plan.version, 3n)
  t.strictSame(plan.tariffs[5], {
    name: 'night',
    when: {
      access: undefined,
      radioClasses: undefined,
      ratingGroups: undefined,
      zones: undefined,
      days: undefined,
      from: 1320,
      to: 420,
    },
    tariff: { kind: 'paid', price: { octet: 1000n, second: undefined, message: undefined }, bundles: true },
  })
  t.strictSame(plan.tariffs[0]?.when.ratingGroups, [99n])
  t.strictSame(plan.tariffs[0]?.tariff, { kind: 'deny' })
  t.strictSame(plan.tariffs[1]?.tariff, { kind: 'free' })
  t.strictSame(plan.bundles[1], {
    id: 'day-pass',
    unit: 'octet',
    amount: 1_000_000_000n,
    validity: { kind: 'days', days: 1 },
    priority: 10,
    price: 1_500_000n,
    rollOver: undefined,
    services: { access: undefined, radioClasses: undefined, ratingGroups: undefined, zones: undefined },
    shared: false,
    recurring: false,
  })
  t.strictSame(plan.bundles[0]?.rollOver, { percent: 50, limit: 4_000_000_000n, times: 2 })
  t.strictSame(plan.caps, {
    day: { octets: undefined, money: 5_000_000n },
    month: { octets: 50_000_000_000n, money: undefined },
  })
  t.strictSame(plan.thresholds, [80, 100])
  t.strictSame(plan.grant, {
    largest: { octet: 100_000_000n, second: 3600n, message: 10n },
    least: { octet: 400_000n, second: 30n, message: 1n },
    validity: 600n,
  })
  t.strictSame(plan.final, { action: 'redirect', address: 'https://top-up.example.org/' })
})

t.test('a price of bundle, thresholds in any order, roll-over with its defaults', async (t) => {
  const plan = parsePlan(read('voice'))
  t.equal(plan.creditLimit, 20_000_000n)
  t.strictSame(plan.thresholds, [50, 80, 100])
  t.match(plan.tariffs[3]?.tariff, { price: { octet: 'bundle' } })
  t.strictSame(plan.bundles[2]?.rollOver, { percent: 100, limit: undefined, times: 1 })
  t.equal(plan.final.action, 'terminate')
})

t.test('JSON, and a parser that gives bigint, say the same', async (t) => {
  t.strictSame(parsePlan(JSON.parse(JSON.stringify(read('data')))), parsePlan(read('data')))
  t.strictSame(parsePlan(read('data', { intAsBigInt: true })), parsePlan(read('data')))
  const large = { ...(read('voice') as object), creditLimit: 9_007_199_254_740_993n }
  t.equal(parsePlan(large).creditLimit, 9_007_199_254_740_993n)
  t.equal(parsePlan({ ...large, creditLimit: '9007199254740993' }).creditLimit, 9_007_199_254_740_993n)
})

/** A change to plans/data.yaml, and the complaint that it must bring: path, what was expected, what came. */
const FAULTS: readonly [change: (plan: Loose) => unknown, complaint: string][] = [
  [(plan) => Object.assign(plan, { tarifs: [] }), "tarifs: there is no such setting; did you mean 'tariffs'?"],
  [(plan) => delete plan.tenant, 'tenant: is required: expected text of the form ^[a-z0-9]'],
  [
    (plan) => Object.assign(plan, { kind: 'free' }),
    'kind: expected "prepaid", "postpaid" or "hybrid", got the text "free"',
  ],
  [
    (plan) => Object.assign(plan, { version: 0 }),
    'version: expected a whole number from 1 to 9007199254740991, got the number 0',
  ],
  [(plan) => Object.assign(plan, { tariffs: [] }), 'tariffs: expected a list of at least 1'],
  [
    (plan) => Object.assign(plan.tariffs?.[5]?.when ?? {}, { from: '25:00' }),
    'tariffs[5].when.from: expected text of the form ^([01][0-9]|2[0-3]):[0-5][0-9]$, such as "22:00", got the text "25:00"',
  ],
  [
    (plan) => Object.assign(plan.tariffs?.[5]?.when ?? {}, { until: '07:00' }),
    'tariffs[5].when.until: there is no such setting',
  ],
  [
    (plan) => Object.assign(plan.tariffs?.[5]?.price ?? {}, { octets: 0.5 }),
    'tariffs[5].price.octets: expected a whole number from 0 to 9007199254740991, text of the form ^[0-9]{1,18}$, such as "2000" or "bundle", got the number 0.5',
  ],
  [(plan) => Object.assign(plan.tariffs?.[5]?.price ?? {}, { octets: -1 }), 'tariffs[5].price.octets: expected'],
  [(plan) => Object.assign(plan.tariffs?.[5]?.price ?? {}, { octets: 1e20 }), 'tariffs[5].price.octets: expected'],
  [
    (plan) => Object.assign(plan.tariffs?.[5]?.price ?? {}, { octet: 5 }),
    "tariffs[5].price.octet: there is no such setting; did you mean 'octets'?",
  ],
  [
    (plan) => Object.assign(plan.tariffs?.[2]?.when ?? {}, { zones: ['26'] }),
    'tariffs[2].when.zones[0]: expected text',
  ],
  [(plan) => Object.assign(plan.tariffs?.[2]?.when ?? {}, { zones: [26201] }), ': put it in quotes'],
  [
    (plan) => Object.assign(plan.tariffs?.[2]?.when ?? {}, { access: [] }),
    'tariffs[2].when.access: expected a list of at least 1',
  ],
  [(plan) => Object.assign(plan.tariffs?.[0] ?? {}, { deny: false }), 'tariffs[0].deny: expected true, got false'],
  [
    (plan) => Object.assign(plan.tariffs?.[0] ?? {}, { free: true }),
    'tariffs[0]: expected exactly one of deny, free, price; got deny and free',
  ],
  [(plan) => delete plan.tariffs?.[0]?.deny, 'tariffs[0]: expected exactly one of deny, free, price; got none'],
  [
    (plan) => delete plan.tariffs?.[5]?.price?.octets,
    'tariffs[5].price: expected a price for octets, seconds or messages',
  ],
  [(plan) => Object.assign(plan.tariffs?.[2]?.price ?? {}, { octets: 'bundle' }), 'tariffs[2].bundles: expected true'],
  [
    (plan) => Object.assign(plan.tariffs?.[5]?.when ?? {}, { to: '22:00' }),
    "tariffs[5].when.to: expected another time than 'from'",
  ],
  [
    (plan) => Object.assign(plan.tariffs?.[3] ?? {}, { name: 'blocked' }),
    "tariffs[3].name: expected a name of its own, got 'blocked' of tariffs[0]",
  ],
  [(plan) => Object.assign(plan.bundles?.[1] ?? {}, { id: 'month-10' }), 'bundles[1].id: expected a name of its own'],
  [(plan) => Object.assign(plan.bundles?.[1] ?? {}, { amount: '1 GiB' }), 'bundles[1].amount: expected'],
  [(plan) => Object.assign(plan.bundles?.[1] ?? {}, { amount: 0 }), 'bundles[1].amount: expected an amount from 1 to'],
  [
    (plan) => Object.assign(plan.bundles?.[1] ?? {}, { amount: '5000000 TB' }),
    'bundles[1].amount: expected an amount from 1 to',
  ],
  [
    (plan) => Object.assign(plan.bundles?.[1]?.validity ?? {}, { period: 'day' }),
    'bundles[1].validity: expected days or period, got both',
  ],
  [
    (plan) => Object.assign(plan.bundles?.[0] ?? {}, { validity: {} }),
    'bundles[0].validity.period: is required of a recurring bundle',
  ],
  [
    (plan) => Object.assign(plan.bundles?.[0] ?? {}, { recurring: false }),
    'bundles[0].rollOver: expected only on a recurring bundle',
  ],
  [(plan) => Object.assign(plan, { creditLimit: 5 }), 'creditLimit: expected none on a prepaid plan, got 5'],
  [(plan) => Object.assign(plan, { kind: 'hybrid' }), 'creditLimit: is required of a hybrid plan'],
  [
    (plan) => Object.assign(plan.grant?.least ?? {}, { octets: '1 GB' }),
    'grant.least.octets: expected 1 to 100000000, the largest grant, got 1000000000',
  ],
  [
    (plan) => Object.assign(plan, { thresholds: [101] }),
    'thresholds[0]: expected a whole number from 1 to 100, got the number 101',
  ],
  [(plan) => delete plan.final?.address, 'final.address: is required to redirect'],
  [(plan) => Object.assign(plan.final ?? {}, { action: 'restrict' }), 'final.filter: is required to restrict'],
  [
    (plan) => Object.assign(plan.final ?? {}, { action: 'terminate' }),
    'final.address: expected only with the action redirect',
  ],
]

const complaint = (document: unknown): string => {
  try {
    parsePlan(document)
    return 'no complaint'
  } catch (error) {
    if (!isTallycellError(error) || error.code !== 'PLAN_INVALID') throw error
    return error.message
  }
}

t.test('what is wrong is named by its path, with what was expected and what came', async (t) => {
  for (const [change, words] of FAULTS) {
    const plan = read('data') as Loose
    change(plan)
    const message = complaint(plan)
    t.ok(message.includes(words), words, { found: message })
  }
})

t.test('all problems are told at once', async (t) => {
  const plan = { ...(read('data') as object), sessions: 0, colour: 'blue', name: '' }
  t.match(complaint(plan), /^the plan has 3 problem\(s\):\n {2}colour: .*\n {2}name: .*\n {2}sessions: /)
})

t.test('a document that is no group of keys', async (t) => {
  for (const document of [[], 'plan', 5]) t.match(complaint(document), /expected a group of keys/)
  for (const document of [null, undefined, {}]) t.match(complaint(document), /tenant: is required/)
})
