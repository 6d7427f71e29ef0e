// What rounding may not do: lose a microtoken, make one, or depend on order.
import fc from 'fast-check'
import t from 'tap'
import {
  type CountedUsage,
  encodePayoutTable,
  type PayoutContext,
  type PayoutRow,
  payouts,
} from '../../billing/epoch/payout-table.ts'
import { payerId, radioId, wallet } from '../../core/kernel/ids.ts'
import { microtokens, octets } from '../../core/kernel/units.ts'

const OWNER = wallet('4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM')
const MAX = (1n << 63n) - 1n

const usage: fc.Arbitrary<CountedUsage> = fc.record({
  payer: fc.constantFrom('a', 'b', 'mvno-1').map(payerId),
  radio: fc.constantFrom('r', 'r-1', 'r-10', 'r-2').map(radioId),
  counted: fc.oneof(fc.bigInt(0n, 10_000_000n), fc.bigInt(0n, 1n << 50n)).map(octets),
  rate: fc.oneof(fc.constantFrom(0n, 1n, 999_999n, 1_000_000n, 1_000_001n), fc.bigInt(0n, 1n << 28n)).map(microtokens),
})

const context = (carries: ReadonlyMap<string, bigint> = new Map()): PayoutContext => ({
  carry: (payer, radio) => carries.get(`${payer} ${radio}`) ?? 0n,
  wallet: () => OWNER,
})

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n)
const carriesOf = (rows: readonly PayoutRow[]): [string, bigint][] =>
  rows.map(({ payer, radio, carryOut }) => [`${payer} ${radio}`, carryOut])

t.test('over any series of epochs nothing is lost and nothing is made', async () => {
  fc.assert(
    fc.property(fc.array(fc.array(usage, { maxLength: 12 }), { maxLength: 6 }), (epochs) => {
      const carries = new Map<string, bigint>()
      let paid = 0n
      for (const epoch of epochs) {
        const { rows, total } = payouts(epoch, context(carries))
        const exact = sum(epoch.map(({ counted, rate }) => counted * rate)) + sum(rows.map(({ carryIn }) => carryIn))
        if (total * 1_000_000n + sum(rows.map(({ carryOut }) => carryOut)) !== exact) return false
        if (rows.some(({ carryOut, amount }) => carryOut < 0n || carryOut >= 1_000_000n || amount < 0n)) return false
        for (const [key, carry] of carriesOf(rows)) carries.set(key, carry)
        paid += total
      }
      const earned = sum(epochs.flat().map(({ counted, rate }) => counted * rate))
      return paid * 1_000_000n + sum([...carries.values()]) === earned
    }),
    { numRuns: 500 },
  )
})

t.test('the table does not depend on the order of usage, nor on how it is cut', async () => {
  const cut = fc.array(usage, { maxLength: 12 }).chain((whole) =>
    fc.tuple(
      fc.constant(whole),
      fc.shuffledSubarray(
        whole.flatMap((part) => {
          const half = part.counted / 3n
          return [
            { ...part, counted: octets(half) },
            { ...part, counted: octets(part.counted - half) },
          ]
        }),
        { minLength: whole.length * 2 },
      ),
    ),
  )
  fc.assert(
    fc.property(cut, ([whole, parts]) => {
      const [a, b] = [payouts(whole, context()), payouts(parts, context())]
      return Buffer.compare(encodePayoutTable(a.rows), encodePayoutTable(b.rows)) === 0
    }),
  )
})

t.test('rows are sorted by payer and radio, each once, and none is empty', async () => {
  fc.assert(
    fc.property(fc.array(usage), (epoch) => {
      const keys = payouts(epoch, context()).rows.map(({ payer, radio }) => `${payer}\0${radio}`)
      return keys.every((key, at) => at === 0 || (keys[at - 1] ?? '') < key)
    }),
  )
})

t.test('one row, by hand', async (t) => {
  const radio = radioId('cafe')
  const payer = payerId('partner')
  const row = { payer, radio, counted: octets(1_999n), rate: microtokens(1000n) }
  const first = payouts([row], context())
  t.match(first.rows, [{ amount: 1n, carryIn: 0n, carryOut: 999_000n, counted: 1999n, wallet: OWNER }])
  const second = payouts([{ ...row, counted: octets(1n) }], context(new Map(carriesOf(first.rows))))
  t.match(second.rows, [{ amount: 1n, carryIn: 999_000n, carryOut: 0n }])
  // [["partner", "cafe", OWNER, 1, 999000, 1, 0]]: RFC 8949 §3 by hand.
  t.equal(
    Buffer.from(encodePayoutTable(second.rows)).toString('hex'),
    [
      '8187',
      `67${Buffer.from('partner').toString('hex')}`,
      `64${Buffer.from('cafe').toString('hex')}`,
      `78${OWNER.length.toString(16)}${Buffer.from(OWNER).toString('hex')}`,
      '01',
      '1a000f3e58',
      '01',
      '00',
    ].join(''),
  )
})

t.test('extremes', async (t) => {
  const row = { payer: payerId('p'), radio: radioId('r'), counted: octets(MAX), rate: microtokens(1_000_000n) }
  t.match(payouts([row], context()).rows, [{ amount: MAX, carryOut: 0n }])
  const carry = new Map([['p r', 1_000_000n]])
  t.throws(() => payouts([row], context(carry)), { code: 'EPOCH_AMOUNT_TOO_LARGE' })
  const none = payouts([], context())
  t.equal(none.total, 0n)
  t.equal(Buffer.from(encodePayoutTable(none.rows)).toString('hex'), '80')
})
