import fc from 'fast-check'
import t from 'tap'
import { rate } from '../../billing/rating/rate.ts'
import { microtokens, octets } from '../../core/kernel/units.ts'

t.test('an amount is the floor, and the rest is carried', async (t) => {
  t.same(rate(octets(1_000_000n), microtokens(2000n), 0n), { amount: 2000n, remainder: 0n })
  t.same(rate(octets(499n), microtokens(2000n), 0n), { amount: 0n, remainder: 998_000n })
  t.same(rate(octets(1n), microtokens(2000n), 998_000n), { amount: 1n, remainder: 0n })
})

t.test('nothing is lost or made over any series', async () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt(0n, 1n << 50n)), fc.bigInt(0n, 1n << 40n), (series, price) => {
      let carried = 0n
      let charged = 0n
      for (const volume of series) {
        const { amount, remainder } = rate(octets(volume), microtokens(price), carried)
        if (remainder < 0n || remainder >= 1_000_000n) return false
        charged += amount
        carried = remainder
      }
      return charged * 1_000_000n + carried === series.reduce((sum, volume) => sum + volume, 0n) * price
    }),
  )
})
