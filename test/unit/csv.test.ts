import fc from 'fast-check'
import t from 'tap'
import { createCsvReader } from '../../core/wire/csv.ts'

const COLUMNS = { required: ['subscriber', 'imsi'], optional: ['payer'] }
const ABC = { required: [], optional: ['a', 'b', 'c'] }

/** The values of one line under the heading a,b,c. */
function values(line: string): (string | undefined)[] | string {
  const [record] = createCsvReader(ABC)(['a,b,c', line])
  if (record === undefined) return 'nothing'
  return 'error' in record ? record.error.message : ['a', 'b', 'c'].map((name) => record.fields[name])
}

t.test('the rules of RFC 4180 §2 for one line', async (t) => {
  t.same(values('aaa,bbb,ccc'), ['aaa', 'bbb', 'ccc'])
  t.same(values('"aaa","b""bb","ccc"'), ['aaa', 'b"bb', 'ccc'])
  t.same(values('"a,b",c,'), ['a,b', 'c', undefined])
  t.same(values('a,,'), ['a', undefined, undefined])
  t.equal(values(''), 'nothing')
  for (const wrong of ['"a,b,c', 'a"b,b,c', '"a"b,b,c', '"a"",b,c'])
    t.match(values(wrong), /quotes that do not match/, wrong)
})

t.test('columns come by name, in any order, and empty ones are absent', async (t) => {
  const read = createCsvReader(COLUMNS)
  t.same(read(['\uFEFFimsi,payer,subscriber']), [])
  t.same(read(['001010000000001,,alice\r', '']), [
    { line: 2, fields: { imsi: '001010000000001', payer: undefined, subscriber: 'alice' } },
  ])
  t.match(read(['001010000000002,acme,bob']), [{ line: 4, fields: { payer: 'acme' } }])
})

t.test('other headings and other delimiters, where they are allowed', async (t) => {
  const read = createCsvReader({
    ...COLUMNS,
    named: (heading) => heading.toLowerCase(),
    others: 'skip',
    delimiters: [',', ';', '\t'],
  })
  t.same(read(['Subscriber;KIC1;IMSI', 'alice;secret;00101']), [
    { line: 2, fields: { subscriber: 'alice', imsi: '00101' } },
  ])
})

t.test('a heading that does not fit says what was expected', async (t) => {
  for (const heading of ['', 'subscriber', 'subscriber,imsi,colour', 'subscriber,imsi,imsi', 'alice,00101', '"'])
    t.throws(() => createCsvReader(COLUMNS)([heading]), {
      code: 'CSV_HEADER',
      message: `the first line must name the columns subscriber,imsi and, if wanted, payer, got '${heading}'`,
    })
})

t.test('a wrong line is reported by number and does not stop the next, alone or among others', async (t) => {
  const lines = [
    'alice',
    'alice,',
    '"alice,00101',
    `alice,${'0'.repeat(5000)}`,
    'alice,001010000000001',
    'b","ob,1',
    'carol,2',
  ]
  const expected = [
    [2, 'expected the 2 values subscriber,imsi, got 1 values'],
    [3, 'expected a value for imsi, got none'],
    [4, /quotes that do not match/],
    [5, /too long/],
    [6, 'alice'],
    [7, /quotes that do not match/],
    [8, 'carol'],
  ]
  for (const size of [1, 2, 3, lines.length]) {
    const read = createCsvReader(COLUMNS)
    read(['subscriber,imsi'])
    const found: unknown[] = []
    for (let from = 0; from < lines.length; from += size)
      for (const record of read(lines.slice(from, from + size)))
        found.push([record.line, 'error' in record ? record.error.message : record.fields.subscriber])
    t.match(found, expected, `${size} lines at a time`)
    t.equal(found.length, expected.length)
  }
})

t.test('any values survive quoting and splitting', async () => {
  const value = fc.string().map((text) => text.replace(/[\r\n]/g, '').trim())
  fc.assert(
    fc.property(fc.tuple(value, value, value), (three) => {
      const line = three.map((text) => `"${text.replaceAll('"', '""')}"`).join(',')
      return JSON.stringify(values(line)) === JSON.stringify(three.map((text) => text || undefined))
    }),
  )
})
