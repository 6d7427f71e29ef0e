import fc from 'fast-check'
import t from 'tap'
import { decimal, formatOctets, formatTokens, microtokens, millis, octets, toJson } from '../../core/kernel/units.ts'

t.test('octets and microtokens are never negative', async (t) => {
  t.equal(octets(0n), 0n)
  t.equal(microtokens(2n ** 80n), 2n ** 80n)
  t.throws(() => octets(-1n), { code: 'UNIT_NEGATIVE', message: 'octets must not be negative, got -1' })
  t.throws(() => microtokens(-1n), { code: 'UNIT_NEGATIVE' })
  t.equal(millis(5), 5n)
})

t.test('decimal: digits only, 1 to 19 of them', async (t) => {
  t.equal(decimal('0', 'x'), 0n)
  t.equal(decimal('9999999999999999999', 'x'), 9999999999999999999n)
  for (const bad of ['', '-1', '+1', '1.0', '1e3', '0x10', ' 1', '1n', '1_000', '1'.repeat(20), '١'])
    t.throws(() => decimal(bad, '--limit'), { code: 'UNIT_INVALID', message: /--limit/ }, bad)
  fc.assert(fc.property(fc.bigInt(0n, 10n ** 19n - 1n), (value) => decimal(value.toString(), 'x') === value))
})

t.test('toJson writes bigint as decimal strings, at any depth', async (t) => {
  t.equal(toJson({ a: 1n, b: [2n, { c: -3n }], d: 4 }), '{"a":"1","b":["2",{"c":"-3"}],"d":4}')
  fc.assert(fc.property(fc.bigInt(), (value) => JSON.parse(toJson([value]))[0] === value.toString()))
})

t.test('octets for people', async (t) => {
  const rows: [bigint, string][] = [
    [0n, '0 B'],
    [999n, '999 B'],
    [1000n, '1.0 kB'],
    [1999n, '1.9 kB'],
    [999_999n, '999.9 kB'],
    [1_000_000n, '1.0 MB'],
    [50_123_456n, '50.1 MB'],
    [2n ** 32n, '4.2 GB'],
    [2n ** 64n, '18446.7 PB'],
  ]
  for (const [value, text] of rows) t.equal(formatOctets(value), text)
})

t.test('tokens for people lose nothing', async (t) => {
  t.equal(formatTokens(0n), '0.000000')
  t.equal(formatTokens(1n), '0.000001')
  t.equal(formatTokens(-1_500_000n), '-1.500000')
  fc.assert(fc.property(fc.bigInt(), (value) => BigInt(formatTokens(value).replace('.', '')) === value))
})
