// What paying and granting may never do: make or lose an octet or a coin, take more than there is, or depend on the order of a list.
import fc from 'fast-check'
import t from 'tap'
import { type Demand, grantFor } from '../../billing/charging/plan/grant.ts'
import { crossed } from '../../billing/charging/plan/limits.ts'
import {
  type Amounts,
  ANY_SERVICE,
  type Balance,
  METERED,
  type Metered,
  type Plan,
  type Price,
  type TariffRule,
} from '../../billing/charging/plan/plan.ts'
import { renew } from '../../billing/charging/plan/renewal.ts'
import { roundPeriod } from '../../billing/charging/plan/rounding.ts'
import { eligible, PRICE_PARTS, pay, REMAINDER_PARTS, spend } from '../../billing/charging/plan/wallet.ts'
import { millis } from '../../core/kernel/units.ts'
import { AT_HOME, NOON, planNamed, sum } from '../unit/plan-fixture.ts'

const volume = fc.oneof(
  fc.bigInt(0n, 2_000_000n),
  fc.bigInt(0n, 1n << 40n),
  fc.constantFrom(0n, 1n, 59n, 60n, 999_999n),
)
const coins = fc.oneof(fc.bigInt(0n, 3n), fc.bigInt(0n, 10_000_000n), fc.bigInt(0n, 1n << 45n))
const price: fc.Arbitrary<Price> = fc.oneof(
  fc.constantFrom<Price>(undefined, 'bundle', 0n, 1n, 7n, 1_000_000n),
  fc.bigInt(0n, 1n << 30n),
)
const amounts: fc.Arbitrary<Amounts> = fc.record({ octet: volume, second: volume, message: volume })
const remainder = fc.bigInt(0n, REMAINDER_PARTS - 1n)

const paid = (unitPrice: fc.Arbitrary<Price>): fc.Arbitrary<TariffRule> =>
  fc
    .record({ octet: unitPrice, second: unitPrice, message: unitPrice, bundles: fc.boolean() })
    .map(({ bundles, ...prices }) => ({
      name: 'any',
      when: { ...ANY_SERVICE, days: undefined, from: undefined, to: undefined },
      tariff: { kind: 'paid', price: prices, bundles },
    }))
const rule: fc.Arbitrary<TariffRule | undefined> = fc.oneof(
  { weight: 8, arbitrary: paid(price) },
  fc.constantFrom(undefined, planNamed('data').tariffs[0], planNamed('data').tariffs[1]),
)

const balance: fc.Arbitrary<Balance> = fc
  .record({
    account: fc.bigInt(1n, 1n << 40n),
    kind: fc.constantFrom('bundle', 'bundle', 'bundle', 'money', 'credit'),
    unit: fc.constantFrom<Metered>('octet', 'octet', 'second', 'message'),
    bundle: volume,
    money: coins,
    priority: fc.integer({ min: 0, max: 2 }),
    expires: fc.option(fc.bigInt(-1n, 3n), { nil: undefined }),
  })
  .map(({ bundle, money, expires, ...rest }) => ({
    ...rest,
    unit: rest.kind === 'bundle' ? rest.unit : 'money',
    available: rest.kind === 'bundle' ? bundle : money,
    granted: rest.kind === 'bundle' ? bundle : money,
    expires: expires === undefined ? undefined : millis(NOON + expires * 60_000n),
    when: ANY_SERVICE,
  }))
const wallet = fc.uniqueArray(balance, { selector: ({ account }) => account, maxLength: 8 })

const inOrder = (balances: readonly Balance[]): Balance[] => eligible(balances, AT_HOME, 0n, NOON)
const worth = (
  { octet, second, message }: Amounts,
  { octet: a, second: b, message: c }: Record<Metered, Price>,
): bigint =>
  [[octet, a, 'octet'] as const, [second, b, 'second'] as const, [message, c, 'message'] as const].reduce(
    (total, [amount, each, unit]) => total + (typeof each === 'bigint' ? amount * each * PRICE_PARTS[unit] : 0n),
    0n,
  )

t.test('what is used is covered exactly once, and money is exact, over any series of reports', async () => {
  const report = fc.record({ used: amounts, rule })
  fc.assert(
    fc.property(wallet, remainder, fc.array(report, { maxLength: 6 }), (balances, carried, reports) => {
      let left: readonly Balance[] = inOrder(balances)
      let rest = carried
      let [charged, exact] = [0n, carried]
      for (const { used, rule } of reports) {
        const before = left
        const { parts, overuse, free, bundled, rated, charge, remainder } = pay(used, rule, left, rest)
        for (const unit of METERED) {
          if (free[unit] + bundled[unit] + rated[unit] + overuse[unit] !== used[unit]) return false
          if (sum(parts.filter((part) => part.unit === unit)) !== bundled[unit]) return false
        }
        if (sum(parts.filter(({ unit }) => unit === 'money')) + overuse.money !== charge) return false
        if (rule?.tariff.kind === 'paid') exact += worth(rated, rule.tariff.price)
        if (remainder < 0n || remainder >= REMAINDER_PARTS) return false
        left = spend(left, parts)
        if (left.some(({ available }) => available < 0n)) return false
        if (
          sum(before.map(({ available: amount }) => ({ amount }))) - sum(parts) !==
          sum(left.map(({ available: amount }) => ({ amount })))
        )
          return false
        charged += charge
        rest = remainder
      }
      return charged * REMAINDER_PARTS + rest === exact
    }),
    { numRuns: 2000 },
  )
})

t.test('overuse only when nothing is left that could have paid', async () => {
  fc.assert(
    fc.property(wallet, amounts, paid(price), remainder, (balances, used, rule, carried) => {
      const { parts, overuse } = pay(used, rule, inOrder(balances), carried)
      const left = spend(inOrder(balances), parts)
      const empty = (unit: string): boolean => left.every((one) => one.unit !== unit || one.available === 0n)
      const bundles = rule.tariff.kind === 'paid' && rule.tariff.bundles
      return (
        (overuse.money === 0n || empty('money')) &&
        METERED.every((unit) => overuse[unit] === 0n || !bundles || empty(unit))
      )
    }),
  )
})

t.test('neither payment nor grant depends on the order of the list of balances', async () => {
  const shuffled = wallet.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length })),
  )
  fc.assert(
    fc.property(shuffled, ([list, other]) => {
      const [a, b] = [inOrder(list), inOrder(other)]
      return a.length === b.length && a.every(({ account }, index) => account === b[index]?.account)
    }),
  )
})

t.test('one report or many: the same parts from the same accounts', async () => {
  fc.assert(
    fc.property(wallet, paid(price), remainder, amounts, amounts, (balances, rule, carried, first, second) => {
      const whole = pay(
        {
          octet: first.octet + second.octet,
          second: first.second + second.second,
          message: first.message + second.message,
        },
        rule,
        inOrder(balances),
        carried,
      )
      const one = pay(first, rule, inOrder(balances), carried)
      const two = pay(second, rule, spend(inOrder(balances), one.parts), one.remainder)
      const byAccount = new Map<bigint, bigint>()
      for (const { account, amount } of [...one.parts, ...two.parts])
        byAccount.set(account, (byAccount.get(account) ?? 0n) + amount)
      return (
        byAccount.size === whole.parts.length &&
        whole.parts.every(({ account, amount }) => byAccount.get(account) === amount) &&
        two.remainder === whole.remainder &&
        METERED.every((unit) => one.overuse[unit] + two.overuse[unit] === whole.overuse[unit])
      )
    }),
  )
})

const demand: fc.Arbitrary<Demand> = fc
  .record({
    rate: fc.option(fc.bigInt(0n, 20_000_000n), { nil: undefined }),
    octets: fc.option(volume, { nil: undefined }),
    money: fc.option(coins, { nil: undefined }),
    fairUseLeft: fc.option(fc.bigInt(1n, 1n << 40n), { nil: undefined }),
    until: fc.option(fc.bigInt(1n, 2_000_000n), { nil: undefined }),
  })
  .map(({ rate, octets, money, fairUseLeft, until }) => ({
    at: NOON,
    until: until === undefined ? undefined : millis(NOON + until),
    rate,
    measured: ['octet'],
    left: { octets, money },
    fairUseLeft,
  }))

const PLAN: Plan = planNamed('data')
const charging = paid(price).filter(
  ({ tariff }) => tariff.kind === 'paid' && METERED.some((unit) => tariff.price[unit] !== undefined),
)

t.test('a grant is never more than is available, nor than the caps and the plan allow', async () => {
  fc.assert(
    fc.property(wallet, charging, demand, (balances, rule, demand) => {
      const own = inOrder(balances)
      const { result, units, reserve, validity } = grantFor(PLAN, rule, own, demand)
      if (validity < 1n || validity > PLAN.grant.validity) return false
      if (result !== 'granted') return units === undefined && reserve.length === 0
      const { octets, money } = demand.left
      const granted = { octet: units?.octets ?? 0n, second: units?.seconds ?? 0n, message: units?.units ?? 0n }
      return (
        spend(own, reserve).every(({ available }) => available >= 0n) &&
        reserve.every(({ account, unit }) => own.some((one) => one.account === account && one.unit === unit)) &&
        new Set(reserve.map(({ account }) => account)).size === reserve.length &&
        METERED.every((unit) => granted[unit] <= PLAN.grant.largest[unit]) &&
        (octets === undefined || granted.octet <= octets) &&
        (money === undefined || sum(reserve.filter(({ unit }) => unit === 'money')) <= money)
      )
    }),
    { numRuns: 2000 },
  )
})

t.test('what was reserved pays for what was granted, however it is reported and whatever is carried', async () => {
  const cuts = fc.array(fc.bigInt(0n, 1000n), { maxLength: 4 })
  fc.assert(
    fc.property(wallet, charging, demand, remainder, cuts, (balances, rule, demand, carried, cuts) => {
      const own = inOrder(balances)
      const { units, reserve } = grantFor(PLAN, rule, own, demand)
      if (!units) return true
      const all = { octet: units.octets ?? 0n, second: units.seconds ?? 0n, message: units.units ?? 0n }
      let held: readonly Balance[] = own.map((one) => ({
        ...one,
        available: sum(reserve.filter(({ account }) => account === one.account)),
      }))
      let rest = carried
      let left = all
      for (const cut of [...cuts, 1000n]) {
        const part = (amount: bigint): bigint => (amount * cut) / 1000n
        const used = { octet: part(left.octet), second: part(left.second), message: part(left.message) }
        left = {
          octet: left.octet - used.octet,
          second: left.second - used.second,
          message: left.message - used.message,
        }
        const payment = pay(used, rule, held, rest)
        if (Object.values(payment.overuse).some((amount) => amount > 0n)) return false
        held = spend(held, payment.parts)
        rest = payment.remainder
      }
      return true
    }),
    { numRuns: 2000 },
  )
})

t.test(
  'a grant that is not final is followed by another, and one unit alone leaves nothing behind a final one',
  async () => {
    fc.assert(
      fc.property(wallet, charging, demand, (balances, rule, demand) => {
        const own = inOrder(balances)
        const grant = grantFor(PLAN, rule, own, demand)
        if (!grant.units) return true
        const left = {
          octets: demand.left.octets === undefined ? undefined : demand.left.octets - (grant.units.octets ?? 0n),
          money:
            demand.left.money === undefined
              ? undefined
              : demand.left.money - sum(grant.reserve.filter(({ unit }) => unit === 'money')),
        }
        const next = grantFor(PLAN, rule, spend(own, grant.reserve), { ...demand, left })
        if (!grant.final) return next.result === 'granted'
        const charged = METERED.filter((unit) => rule.tariff.kind === 'paid' && rule.tariff.price[unit] !== undefined)
        return charged.length > 1 || next.result === 'credit-limit-reached'
      }),
      { numRuns: 2000 },
    )
  },
)

t.test('sessions that share a balance never hold more than it has, and use it up', async () => {
  const { tariffs } = PLAN
  const day = tariffs.find(({ name }) => name === 'day')
  fc.assert(
    fc.property(
      fc.bigInt(1n, 5_000_000_000n),
      fc.array(fc.nat(4), { minLength: 1, maxLength: 30 }),
      (amount, turns) => {
        let pot: readonly Balance[] = [
          {
            account: 1n,
            kind: 'bundle',
            unit: 'octet',
            available: amount,
            granted: amount,
            priority: 0,
            expires: undefined,
            when: ANY_SERVICE,
          },
        ]
        const held = new Map<number, bigint>()
        const demand: Demand = {
          at: NOON,
          until: undefined,
          rate: undefined,
          measured: ['octet'],
          left: { octets: undefined, money: undefined },
          fairUseLeft: undefined,
        }
        for (const session of turns) {
          const { reserve } = grantFor(PLAN, day, pot, demand)
          pot = spend(pot, reserve)
          held.set(session, (held.get(session) ?? 0n) + sum(reserve))
        }
        const given = [...held.values()].reduce((a, b) => a + b, 0n)
        if (given + (pot[0]?.available ?? 0n) !== amount) return false
        let grants = 0
        while (pot.some(({ available }) => available > 0n) && grants++ < 200)
          pot = spend(pot, grantFor(PLAN, day, pot, demand).reserve)
        return pot.every(({ available }) => available === 0n)
      },
    ),
  )
})

t.test('each threshold is reached once, however use is cut into reports', async () => {
  const steps = fc.array(fc.bigInt(0n, 400n), { maxLength: 20 })
  const thresholds = fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 5 })
  fc.assert(
    fc.property(steps, fc.bigInt(1n, 1000n), thresholds, (steps, total, percents) => {
      let used = 0n
      const reached: number[] = []
      for (const step of steps) {
        reached.push(...crossed(used, used + step, total, percents))
        used += step
      }
      const expected = percents.filter((percent) => used * 100n >= total * BigInt(percent))
      return reached.length === expected.length && expected.every((percent) => reached.includes(percent))
    }),
  )
})

t.test('what is left at a renewal rolls over or lapses, nothing else', async () => {
  const leftover = fc.record({ account: fc.bigInt(1n, 1n << 40n), amount: volume, rolled: fc.nat(4) })
  const rollOver = fc.option(
    fc.record({
      percent: fc.integer({ min: 1, max: 100 }),
      limit: fc.option(volume, { nil: undefined }),
      times: fc.integer({ min: 1, max: 4 }),
    }),
    { nil: undefined },
  )
  const [offer] = PLAN.bundles
  if (!offer) throw new Error('the plan has no bundle')
  fc.assert(
    fc.property(fc.uniqueArray(leftover, { selector: ({ account }) => account }), rollOver, (leftovers, rollOver) => {
      const { rolledOver, lapsed } = renew({ ...offer, rollOver }, leftovers)
      return (
        sum(rolledOver) + sum(lapsed) === sum(leftovers) &&
        [...rolledOver, ...lapsed].every(({ amount }) => amount > 0n) &&
        sum(rolledOver) <= (rollOver ? (rollOver.limit ?? sum(leftovers)) : 0n) &&
        rolledOver.every(({ rolled }) => rollOver !== undefined && rolled <= rollOver.times)
      )
    }),
  )
})

t.test('an invoice is rounded to whole coins, by less than one, and alike on both sides of zero', async () => {
  const modes = fc.constantFrom('half-even', 'half-up', 'up', 'down')
  fc.assert(
    fc.property(fc.bigInt(-(1n << 50n), 1n << 50n), fc.integer({ min: 0, max: 6 }), modes, (amount, decimals, mode) => {
      const coin = 10n ** BigInt(6 - decimals)
      const rounded = roundPeriod(amount, { decimals, mode })
      const off = rounded > amount ? rounded - amount : amount - rounded
      const limit = mode === 'half-even' || mode === 'half-up' ? off * 2n <= coin : off < coin
      return rounded % coin === 0n && limit && roundPeriod(-amount, { decimals, mode }) === -rounded
    }),
  )
})
