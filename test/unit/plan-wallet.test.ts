import t from 'tap'
import { grantFor } from '../../billing/charging/plan/grant.ts'
import { allowance, crossed, fairUseLeft, throttleFor } from '../../billing/charging/plan/limits.ts'
import type { Balance } from '../../billing/charging/plan/plan.ts'
import { roundPeriod } from '../../billing/charging/plan/rounding.ts'
import { eligible, pay, REMAINDER_PARTS, spend } from '../../billing/charging/plan/wallet.ts'
import { millis } from '../../core/kernel/units.ts'
import {
  AT_HOME,
  amounts,
  balances,
  meteredOf,
  NOON,
  parts,
  planNamed,
  quantity,
  ruleNamed,
  tableRows,
} from './plan-fixture.ts'

t.test('usage.table: who pays, and what is carried', async (t) => {
  let wallet: readonly Balance[] = []
  let remainder = 0n
  for (const row of tableRows('usage')) {
    const name = row('case')
    if (row('balances') !== '') {
      wallet = balances(row('balances'))
      remainder = 0n
    }
    const used = meteredOf(amounts(row('used')))
    const payment = pay(used, ruleNamed(row('rule')).rule, eligible(wallet, AT_HOME, 0n, NOON), remainder)
    t.same(payment.parts, parts(row('paid')), `${name}: paid`)
    t.same(payment.overuse, amounts(row('overuse')), `${name}: overuse`)
    t.equal(payment.charge, quantity(row('charge')).amount, `${name}: charge`)
    const [top = '', bottom = '1'] = row('carried').split('/')
    t.equal(payment.remainder, (BigInt(top) * REMAINDER_PARTS) / BigInt(bottom), `${name}: carried`)
    wallet = spend(wallet, payment.parts)
    remainder = payment.remainder
  }
})

const RESULTS: Readonly<Record<string, string>> = {
  granted: 'granted',
  limit: 'credit-limit-reached',
  denied: 'service-denied',
  'no rate': 'rating-failed',
}

t.test('grant.table: how much a session may use', async (t) => {
  for (const row of tableRows('grant')) {
    const { plan, rule } = ruleNamed(row('rule'))
    const wallet = balances(row('balances'))
    const cap = row('caps') === '' ? undefined : quantity(row('caps'))
    const grant = grantFor(plan, rule, eligible(wallet, AT_HOME, 0n, NOON), {
      at: NOON,
      until: row('until') === '' ? undefined : millis(NOON + BigInt(Number(row('until')) * 1000)),
      rate: row('rate') === '' ? undefined : quantity(row('rate')).amount,
      measured: ['octet'],
      left: {
        octets: cap?.unit === 'octet' ? cap.amount : undefined,
        money: cap?.unit === 'money' ? cap.amount : undefined,
      },
      fairUseLeft: row('fair') === '' ? undefined : quantity(row('fair')).amount,
    })
    const wanted = amounts(row('granted'))
    const units = grant.units ?? { octets: 0n, seconds: 0n, units: 0n }
    t.same(
      {
        result: grant.result,
        granted: [units.octets ?? 0n, units.seconds ?? 0n, units.units ?? 0n],
        reserved: grant.reserve,
        final: grant.final,
        threshold: grant.threshold,
        validity: grant.validity,
      },
      {
        result: RESULTS[row('result')],
        granted: [wanted.octet, wanted.second, wanted.message],
        reserved: parts(row('reserved')),
        final: row('final') === 'yes',
        threshold: row('ask at') === '' ? undefined : quantity(row('ask at')).amount,
        validity: BigInt(row('valid')),
      },
      row('case'),
    )
  }
})

t.test('limits.table: caps and fair use', async (t) => {
  const plan = planNamed('data')
  for (const row of tableRows('limits')) {
    const use = (period: string) => ({
      octets: quantity(row(`${period} octets`)).amount,
      money: quantity(row(`${period} money`)).amount,
    })
    t.same(
      allowance(plan, use('day'), use('month')),
      { octets: quantity(row('octets left')).amount, money: quantity(row('money left')).amount },
      row('case'),
    )
    const { octets } = use('month')
    const throttled = row('throttled') === 'yes'
    t.same(throttleFor(plan.fairUse, octets), throttled ? { uplink: 512_000n, downlink: 2_000_000n } : undefined)
    t.equal(fairUseLeft(plan.fairUse, octets), throttled ? undefined : 20_000_000_000n - octets)
  }
  const unlimited = planNamed('voice')
  const much = { octets: 1n << 60n, money: 1n << 60n }
  t.same(allowance(unlimited, much, much), { octets: undefined, money: undefined })
  t.equal(throttleFor(unlimited.fairUse, much.octets), undefined)
})

t.test('thresholds.table: each is reported once', async (t) => {
  for (const row of tableRows('thresholds')) {
    const [before, after, of] = [row('before'), row('after'), row('of')].map((cell) => quantity(cell).amount)
    const reached = row('reached') === '' ? [] : row('reached').split(', ').map(Number)
    t.same(crossed(before ?? 0n, after ?? 0n, of ?? 0n, [80, 100]), reached, row('case'))
  }
})

t.test('rounding.table: once per period', async (t) => {
  for (const row of tableRows('rounding'))
    for (const mode of ['half-even', 'half-up', 'up', 'down'] as const)
      t.equal(
        roundPeriod(quantity(row('amount')).amount, { decimals: Number(row('decimals')), mode }),
        quantity(row(mode)).amount,
        `${row('amount')} to ${row('decimals')} ${mode}`,
      )
})
