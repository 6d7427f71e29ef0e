import fc from 'fast-check'
import t from 'tap'
import { createProgress } from '../../core/cli/progress.ts'
import { table } from '../../core/cli/table.ts'
import { displayWidth, painter, printable } from '../../core/cli/terminal.ts'

t.test('columns are aligned', async (t) => {
  const rows = [
    { id: 'ap-1', octets: '5', note: '' },
    { id: 'a-long-one', octets: '12345', note: 'x' },
  ]
  t.equal(
    table(rows, ['id', { name: 'octets', heading: 'carried', align: 'right' }, 'note']),
    ['ID          CARRIED  NOTE', 'ap-1              5', 'a-long-one    12345  x'].join('\n'),
  )
  t.equal(table([], ['id', 'note']), 'ID  NOTE')
})

t.test('cells on a terminal, not code units', async (t) => {
  const rows: [string, number][] = [
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['日本', 4],
    ['한글', 4],
    ['ｆ', 2],
    ['👍🏽', 2],
    ['👨‍👩‍👧', 2],
    ['🇨🇭', 2],
    ['░█', 2],
  ]
  for (const [text, cells] of rows) t.equal(displayWidth(text), cells, text)
  t.equal(
    table(
      [
        { a: '日本', b: 'x' },
        { a: 'abc', b: 'y' },
      ],
      ['a', 'b'],
    ),
    'A     B\n日本  x\nabc   y',
  )
})

t.test('texts of peers cannot steer the terminal', async (t) => {
  t.equal(printable('a\u001b[31mb\r\nc\u0000\u009b\u202ed'), 'a\ufffd[31mb\ufffd\ufffdc\ufffd\ufffd\ufffdd')
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (texts) => {
      const lines = table(
        texts.map((a) => ({ a })),
        ['a'],
      ).split('\n')
      return lines.length === texts.length + 1 && lines.every((line) => !/\p{Cc}/u.test(line))
    }),
  )
})

t.test('colours only at a terminal, and not where NO_COLOR is set', async (t) => {
  const output = (isTTY: boolean) => ({ write: () => {}, isTTY })
  t.equal(painter(output(true), {})('red', 'x'), '\u001b[31mx\u001b[39m')
  t.equal(painter(output(false), {})('red', 'x'), 'x')
  t.equal(painter(output(true), { NO_COLOR: '1' })('red', 'x'), 'x')
  t.equal(
    painter(output(true), { NO_COLOR: '' })('red', 'x'),
    '\u001b[31mx\u001b[39m',
    'an empty NO_COLOR counts as not set',
  )
  t.equal(painter(output(true), { TERM: 'dumb' })('red', 'x'), 'x')
})

t.test('progress: drawn at a terminal, not too often, and taken away at the end', async (t) => {
  const drawn: string[] = []
  let now = 0
  const bar = createProgress({ write: (text) => drawn.push(text), isTTY: true }, 'load\u001b', () => now)
  bar.update(0, 200)
  bar.update(1, 200)
  now = 150
  bar.update(50, 200)
  bar.update(200, 200)
  bar.update(0, 0)
  bar.end()
  bar.end()
  t.equal(drawn.length, 5)
  t.equal(drawn[1], '\r\u001b[Kload\ufffd ██████░░░░░░░░░░░░░░░░░░ 25 % (50 of 200)')
  t.match(drawn[2], '100 % (200 of 200)')
  t.equal(drawn[4], '\r\u001b[K')

  const silent = createProgress({ write: (text) => drawn.push(text), isTTY: false }, 'load')
  silent.update(1, 2)
  silent.end()
  t.equal(drawn.length, 5, 'nothing where nobody watches')
})
