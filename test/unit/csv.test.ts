import fc from 'fast-check'
import t from 'tap'
import { createCsvReader, splitCsvLine } from '../../core/kernel/csv.ts'

const COLUMNS = { required: ['subscriber', 'imsi'], optional: ['payer'] }

t.test('the rules of RFC 4180 §2 for one line', async (t) => {
  t.same(splitCsvLine('aaa,bbb,ccc'), ['aaa', 'bbb', 'ccc'])
  t.same(splitCsvLine('"aaa","b""bb","ccc"'), ['aaa', 'b"bb', 'ccc'])
  t.same(splitCsvLine('"a,b",c'), ['a,b', 'c'])
  t.same(splitCsvLine('a,,'), ['a', '', ''])
  t.same(splitCsvLine(''), [''])
  for (const wrong of ['"a', 'a"b', '"a"b', '"a"",b']) t.equal(splitCsvLine(wrong), undefined, wrong)
})

t.test('columns come by name, in any order, and empty ones are absent', async (t) => {
  const read = createCsvReader(COLUMNS)
  t.equal(read('\uFEFFimsi,payer,subscriber'), undefined)
  t.same(read('001010000000001,,alice\r'), {
    line: 2,
    fields: { imsi: '001010000000001', payer: undefined, subscriber: 'alice' },
  })
  t.equal(read(''), undefined)
  t.match(read('001010000000002,acme,bob'), { line: 4, fields: { payer: 'acme' } })
})

t.test('a heading that does not fit says what was expected', async (t) => {
  for (const heading of ['', 'subscriber', 'subscriber,imsi,colour', 'subscriber,imsi,imsi', 'alice,00101', '"'])
    t.throws(() => createCsvReader(COLUMNS)(heading), {
      code: 'CSV_HEADER',
      message: `the first line must name the columns subscriber,imsi and, if wanted, payer, got '${heading}'`,
    })
})

t.test('a wrong line is reported by number and does not stop the next', async (t) => {
  const read = createCsvReader(COLUMNS)
  read('subscriber,imsi')
  const wrong = (line: string): unknown => {
    const record = read(line)
    return record && 'error' in record ? [record.line, record.error.code, record.error.message] : record
  }
  t.same(wrong('alice'), [2, 'CSV_ROW', 'expected the 2 values subscriber,imsi, got 1 values'])
  t.same(wrong('alice,'), [3, 'CSV_ROW', 'expected a value for imsi, got none'])
  t.match(wrong('"alice,00101'), [4, 'CSV_ROW', /quotes that do not match/])
  t.match(wrong(`alice,${'0'.repeat(5000)}`), [5, 'CSV_ROW', /too long/])
  t.match(read('alice,001010000000001'), { line: 6, fields: { subscriber: 'alice' } })
})

t.test('any values survive quoting and splitting', async () => {
  const value = fc.string().map((text) => text.trim())
  fc.assert(
    fc.property(fc.array(value, { minLength: 1 }), (values) => {
      const line = values.map((text) => `"${text.replaceAll('"', '""')}"`).join(',')
      return JSON.stringify(splitCsvLine(line)) === JSON.stringify(values)
    }),
  )
})
