// `Sql` means the same on both engines.
import fc from 'fast-check'
import t from 'tap'
import type { Sql, Target, Value } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { onEachEngine } from './engines.ts'

const EVENT: Target = {
  table: 'radio_event',
  columns: ['kind', 'radio_id', 'owner_wallet', 'payout_wallet', 'at', 'reason', 'expires_at'],
}
const CURSOR: Target = { table: 'stage_cursor', columns: ['stage', 'position'] }
const LOG: Target = { table: 'log_entry', columns: ['entry_index', 'type', 'entry', 'leaf_hash'] }
const MAX = 2n ** 63n - 1n
const MIN = -(2n ** 63n)

const event = (radio: string, over: { at?: bigint; reason?: string | null; expires?: bigint | null } = {}): Value[] => [
  'claim',
  radio,
  'w',
  'w',
  over.at ?? 1n,
  over.reason ?? null,
  over.expires ?? null,
]
const cursors = (store: Store): Promise<Record<string, bigint>> =>
  store.batch(async (sql) =>
    Object.fromEntries(
      (await sql.rows<{ stage: string; position: bigint }>('select stage, position from stage_cursor')).map((row) => [
        row.stage,
        row.position,
      ]),
    ),
  )

onEachEngine('integers of 64 bits come back as they went in, and none beyond', async (t, database) => {
  const store = await database.open()
  await store.batch((sql) =>
    sql.insert(CURSOR, [
      ['max', MAX],
      ['min', MIN],
      ['zero', 0n],
    ]),
  )
  t.same(await cursors(store), { max: MAX, min: MIN, zero: 0n })
  t.same(await store.db.selectFrom('stage_cursor').select('position').where('stage', '=', 'max').execute(), [
    { position: MAX },
  ])
  await t.rejects(store.batch((sql) => sql.insert(CURSOR, [['more', MAX + 1n]])))
  await t.rejects(store.batch((sql) => sql.run("update stage_cursor set position = ? where stage = 'max'", MIN - 1n)))
  t.equal((await cursors(store)).max, MAX)
})

onEachEngine('counts, sums and truth are bigint', async (t, database) => {
  const store = await database.open()
  await store.batch((sql) =>
    sql.insert(CURSOR, [
      ['a', 2n ** 62n],
      ['b', 3n],
    ]),
  )
  const row = await store.batch((sql) =>
    sql.row(
      `select count(*) as count, cast(sum(position) as bigint) as sum, max(position) > 2 as big, 7 as seven,
        cast(null as bigint) as missing from stage_cursor`,
    ),
  )
  t.same(row, { count: 2n, sum: 2n ** 62n + 3n, big: 1n, seven: 7n, missing: null })
})

onEachEngine('null, text and octets of every kind survive', async (t, database) => {
  const store = await database.open()
  const texts = [
    '',
    ' ',
    'null',
    'NULL',
    '"',
    '\\',
    '{}',
    '{a,b}',
    "it's ?",
    '$1',
    'ÄÖß',
    '日本',
    '😀',
    'a\nb\tc',
    '\u0001',
    '?',
  ]
  await store.batch((sql) =>
    sql.insert(EVENT, [...texts.map((text, n) => event(`r${n}`, { reason: text })), event('none')]),
  )
  const rows = await store.batch((sql) =>
    sql.rows<{ reason: string | null }>('select reason from radio_event order by event_id'),
  )
  t.same(
    rows.map(({ reason }) => reason),
    [...texts, null],
  )
  const octets = [
    new Uint8Array(0),
    Uint8Array.from({ length: 256 }, (_, n) => n),
    Buffer.from('\\x00'),
    new Uint8Array(70_000),
  ]
  await store.batch((sql) =>
    sql.insert(
      LOG,
      octets.map((entry, n) => [BigInt(n), 1n, entry, entry.subarray(0, 1)]),
    ),
  )
  const entries = await store.batch((sql) =>
    sql.rows<{ entry: Uint8Array; leaf_hash: Uint8Array }>(
      'select entry, leaf_hash from log_entry order by entry_index',
    ),
  )
  for (const [index, { entry, leaf_hash }] of entries.entries()) {
    t.ok(Buffer.from(octets[index] ?? []).equals(entry), `entry ${index}`)
    t.equal(leaf_hash.length, Math.min(1, octets[index]?.length ?? 0))
  }
  t.equal(
    (await store.batch((sql) => sql.rows('select 1 as one from log_entry where entry = ?', octets[1] ?? null))).length,
    1,
  )
})

onEachEngine('property: any text and any octets', async (_t, database) => {
  const store = await database.open()
  const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll('\0', ''))
  let next = 0n
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, fc.uint8Array()), { minLength: 1, maxLength: 8 }), async (pairs) => {
      const first = next
      next += BigInt(pairs.length)
      const found = await store.batch(async (sql) => {
        await sql.insert(
          LOG,
          pairs.map(([, octets], n) => [first + BigInt(n), 1n, octets, Buffer.from(pairs[n]?.[0] ?? '')]),
        )
        await sql.insert(
          { ...CURSOR, conflict: '(stage) do update set position = excluded.position' },
          dedupe(pairs, first),
        )
        return sql.find<{ entry_index: bigint; entry: Uint8Array }>(
          'select entry_index, entry from log_entry',
          'entry_index',
          pairs.map((_, n) => first + BigInt(n)),
        )
      })
      const byIndex = new Map(found.map((row) => [row.entry_index, row.entry]))
      const stages = await store.batch((sql) =>
        sql.find<{ stage: string }>('select stage from stage_cursor', 'stage', [
          ...new Set(pairs.map(([stage]) => stage)),
        ]),
      )
      return (
        pairs.every(([, octets], n) => Buffer.from(octets).equals(byIndex.get(first + BigInt(n)) ?? Buffer.of(1))) &&
        stages.length === new Set(pairs.map(([stage]) => stage)).size
      )
    }),
    { numRuns: 40 },
  )
})

const dedupe = (pairs: readonly (readonly [string, Uint8Array])[], position: bigint): Value[][] =>
  [...new Set(pairs.map(([stage]) => stage))].map((stage) => [stage, position])

onEachEngine('text is ordered by its octets', async (t, database) => {
  const store = await database.open()
  const names = ['a', 'B', 'ä', 'Z', '_', '10', '9', 'aa', 'Ab', 'ﬀ', '😀']
  await store.batch((sql) =>
    sql.insert(
      CURSOR,
      names.map((name) => [name, 1n]),
    ),
  )
  const rows = await store.db.selectFrom('stage_cursor').select('stage').orderBy('stage').execute()
  t.same(
    rows.map(({ stage }) => stage),
    [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
  const after = await store.batch((sql) =>
    sql.rows("select stage from stage_cursor where stage > 'Z' order by stage limit ?", 2n),
  )
  t.same(after, [{ stage: '_' }, { stage: 'a' }])
})

onEachEngine('sets of 20,000 rows', async (t, database) => {
  const store = await database.open()
  const rows = Array.from({ length: 20_000 }, (_, n): Value[] => [`stage-${n}`, BigInt(n)])
  t.equal(await store.batch((sql) => sql.insert(CURSOR, rows)), 20_000)
  const keys = rows.map(([stage]) => stage ?? null)
  for (const lock of [undefined, 'lock'] as const) {
    const found = await store.batch((sql) =>
      sql.find<{ stage: string; position: bigint }>(
        'select stage, position from stage_cursor',
        'stage',
        [...keys, 'none'],
        lock,
      ),
    )
    t.equal(found.length, 20_000)
    t.equal(
      found.reduce((sum, { position }) => sum + position, 0n),
      199_990_000n,
    )
  }
  const returned = await store.batch((sql) =>
    sql.insertReturning<{ position: bigint }>(
      { ...CURSOR, conflict: '(stage) do update set position = stage_cursor.position + excluded.position' },
      'position',
      rows,
    ),
  )
  t.equal(
    returned.reduce((sum, { position }) => sum + position, 0n),
    2n * 199_990_000n,
  )
})

onEachEngine('nothing in, nothing out', async (t, database) => {
  const store = await database.open()
  await store.batch(async (sql) => {
    t.same(await sql.find('select stage from stage_cursor', 'stage', [], 'lock'), [])
    t.equal(await sql.insert(CURSOR, []), 0)
    t.same(await sql.insertReturning(CURSOR, 'stage', []), [])
    t.equal(await sql.row('select stage from stage_cursor'), undefined)
    t.equal(await sql.run("delete from stage_cursor where stage = 'x'"), 0)
  })
})

const CONFLICTS: readonly [
  conflict: string,
  changed: number,
  returned: Record<string, bigint>,
  after: Record<string, bigint>,
][] = [
  ['do nothing', 1, { b: 2n }, { a: 1n, b: 2n }],
  ['(stage) do nothing', 1, { b: 2n }, { a: 1n, b: 2n }],
  ['(stage) do update set position = excluded.position', 2, { a: 5n, b: 2n }, { a: 5n, b: 2n }],
  ['(stage) do update set position = stage_cursor.position + excluded.position', 2, { a: 6n, b: 2n }, { a: 6n, b: 2n }],
  ['(stage) do update set position = excluded.position where excluded.position < 3', 1, { b: 2n }, { a: 1n, b: 2n }],
]
for (const [conflict, changed, returned, after] of CONFLICTS)
  onEachEngine(`on conflict ${conflict}`, async (t, database) => {
    const store = await database.open()
    const target: Target = { ...CURSOR, conflict }
    const rows: Value[][] = [
      ['a', 5n],
      ['b', 2n],
    ]
    await store.batch((sql) => sql.insert(CURSOR, [['a', 1n]]))
    await t.rejects(
      store.batch(async (sql) => {
        t.equal(await sql.insert(target, rows), changed)
        throw new RangeError('undone')
      }),
      { message: 'undone' },
    )
    const rowsReturned = await store.batch((sql) =>
      sql.insertReturning<{ stage: string; position: bigint }>(target, 'stage, position', rows),
    )
    t.same(Object.fromEntries(rowsReturned.map(({ stage, position }) => [stage, position])), returned)
    t.same(await cursors(store), after)
  })

onEachEngine('keys that the database gives grow', async (t, database) => {
  const store = await database.open()
  const add = (count: number): Promise<bigint[]> =>
    store.batch(async (sql) => {
      await sql.journal('radio_event')
      const rows = Array.from({ length: count }, (_, n) => event(`r${n}`))
      return (await sql.insertReturning<{ event_id: bigint }>(EVENT, 'event_id', rows)).map((row) => row.event_id)
    })
  const first = await add(40)
  t.equal(new Set(first).size, 40)
  await store.batch((sql) => sql.run('delete from radio_event'))
  const second = await add(1)
  t.ok((second[0] ?? 0n) > first.reduce((a, b) => (a > b ? a : b)), 'a key is not given again')
})

onEachEngine('what a transaction wrote it can read, and nobody has it when it fails', async (t, database) => {
  const store = await database.open()
  await t.rejects(
    store.batch(async (sql) => {
      await sql.insert(CURSOR, [['a', 1n]])
      t.same(await sql.row('select position from stage_cursor where stage = ?', 'a'), { position: 1n })
      throw new RangeError('boom')
    }),
    { message: 'boom' },
  )
  await t.rejects(
    store.batch((sql) =>
      sql.insert(CURSOR, [
        ['a', 1n],
        ['a', 2n],
      ]),
    ),
    'the same key twice',
  )
  await t.rejects(
    store.batch((sql) => sql.insert(LOG, [[1n, null, Buffer.of(1), Buffer.of(1)]])),
    'not null',
  )
  await t.rejects(store.batch((sql) => sql.rows('select nothing from nowhere')))
  t.same(await cursors(store), {})
  await store.batch((sql) => sql.insert(CURSOR, [['a', 1n]]))
  t.same(await cursors(store), { a: 1n })
})

onEachEngine('statements of one transaction may be asked for at once', async (t, database) => {
  const store = await database.open()
  const sums = await store.batch(async (sql: Sql) => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => sql.insert(CURSOR, [[`s${n}`, BigInt(n)]])))
    return Promise.all([
      sql.row<{ n: bigint }>('select count(*) as n from stage_cursor'),
      sql.row<{ n: bigint }>('select max(position) as n from stage_cursor'),
    ])
  })
  t.same(sums, [{ n: 50n }, { n: 49n }])
})

onEachEngine('two nodes open a new database at once', async (t, database) => {
  const stores = await Promise.all(Array.from({ length: 4 }, () => database.open()))
  for (const [n, store] of stores.entries()) await store.batch((sql) => sql.insert(CURSOR, [[`s${n}`, 1n]]))
  t.equal(Object.keys(await cursors(stores[0] as Store)).length, 4)
})

onEachEngine('a name is held by one at a time', async (t, database) => {
  const store = await database.open()
  const inner = await store.exclusive('settle', async (lost) => {
    t.equal(lost.aborted, false)
    t.equal(await store.exclusive('settle', async () => 'second'), undefined)
    return store.exclusive('sign', async () => 'other name')
  })
  t.equal(inner, 'other name')
  await t.rejects(
    store.exclusive('settle', async () => Promise.reject(new RangeError('boom'))),
    { message: 'boom' },
  )
  t.equal(await store.exclusive('settle', async () => 'free again'), 'free again')
})

t.comment(process.env.TEST_POSTGRESQL ? 'on both engines' : 'on SQLite')
