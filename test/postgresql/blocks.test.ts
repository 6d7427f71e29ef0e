// The usage journal in blocks: made ahead, read as one table, dropped when old.
import t, { type Test } from 'tap'
import { dropBlock, makeBlock, readBlocks } from '../../core/store/blocks.ts'
import { lastSpareEvent } from '../../core/store/prune.ts'
import { atOnce, prune } from '../../core/store/retention.ts'
import type { Value } from '../../core/store/sql.ts'
import { openStore, type Store } from '../../core/store/store.ts'
import { ask, newDatabase } from '../compliance/engines.ts'

const server = process.env.TEST_POSTGRESQL ?? ''
const NOW = 1_795_000_000_000n
const DAY = 86_400_000n
const FIRST = 10_000_000n

async function open(t: Test): Promise<{ store: Store; url: string }> {
  const url = await newDatabase(t, server)
  const store = await openStore({ url, connections: 4 })
  t.teardown(() => store.close())
  return { store, url }
}

const COLUMNS = [
  ...[
    'origin',
    'session_id',
    'sequence',
    'access',
    'start_at',
    'end_at',
    'uplink',
    'downlink',
    'cause',
    'received_at',
    'flags',
  ],
]

/** Events with the ids that the database gives, from `from` on where that is told. */
async function write(store: Store, count: number, at: bigint, from?: bigint): Promise<void> {
  await store.batch(async (sql) => {
    if (from !== undefined) await sql.run(`alter sequence usage_event_event_id_seq restart with ${from}`)
    const row = (n: number): Value[] => ['radius:ap', `s${n}`, 1n, 'wifi', at, at, 1n, 1n, 'stop', at, 0n]
    await sql.insert(
      { table: 'usage_event', columns: COLUMNS },
      Array.from({ length: count }, (_, n) => row(n)),
    )
  })
}

const blocks = (store: Store): Promise<string[]> =>
  store.batch(async (sql) => (await readBlocks(sql)).map(({ from, to }) => `${from}-${to}`))
const make = (store: Store): Promise<string | undefined> => store.batch((sql) => makeBlock(sql, NOW))
const ids = (store: Store, after: bigint, limit: number): Promise<bigint[]> =>
  store.batch(async (sql) => {
    const rows = await sql.rows<{ event_id: bigint }>(
      'select event_id from usage_event where event_id > ? order by event_id limit ?',
      after,
      BigInt(limit),
    )
    return rows.map(({ event_id }) => event_id)
  })
const passed = (store: Store, position: bigint): Promise<number> =>
  store.batch((sql) =>
    sql.insert({ table: 'stage_cursor', columns: ['stage', 'position'] }, [
      ['rating', position],
      ['receipts', position],
    ]),
  )

t.test('the next block is made when the last is half full, and readers see one table', async (t) => {
  const { store } = await open(t)
  t.same(await blocks(store), [`0-${FIRST}`])
  t.equal(await make(store), undefined)
  await write(store, 3, NOW - 3n * DAY, 1n)
  await write(store, 2, NOW - DAY, FIRST / 2n)
  t.equal(await make(store), `usage_event_${FIRST}`)
  // 5,000,000 ids in three days.
  t.same(await blocks(store), [`0-${FIRST}`, `${FIRST}-${FIRST + 50_000_000n}`])
  t.equal(await make(store), undefined)
  await write(store, 4, NOW, FIRST - 2n)
  t.same(await ids(store, 0n, 100), [
    1n,
    2n,
    3n,
    FIRST / 2n,
    FIRST / 2n + 1n,
    FIRST - 2n,
    FIRST - 1n,
    FIRST,
    FIRST + 1n,
  ])
  t.same(await ids(store, FIRST - 2n, 2), [FIRST - 1n, FIRST])
  const plan = await store.batch((sql) =>
    sql.rows<{ 'QUERY PLAN': string }>(
      `explain (costs off) select event_id from usage_event where event_id > ${FIRST + 1n} order by event_id limit 10`,
    ),
  )
  const text = plan.map((row) => row['QUERY PLAN']).join('\n')
  t.notMatch(text, /usage_event_0\b/, 'a cursor does not look at blocks that it has passed')
  t.notMatch(text, /Sort\n|Seq Scan/)
})

t.test('events that outrun the blocks go to the rest, and the next block begins behind them', async (t) => {
  const { store } = await open(t)
  await write(store, 2, NOW, FIRST + 5n)
  const made = await make(store)
  t.equal(made, `usage_event_${FIRST + 6n + 1_000_000n}`)
  await write(store, 2, NOW)
  t.same(await ids(store, FIRST, 10), [FIRST + 5n, FIRST + 6n, FIRST + 7n, FIRST + 8n])
})

t.test('an old block is dropped whole when nobody needs it', async (t) => {
  const { store } = await open(t)
  await write(store, 2, NOW - 500n * DAY, 1n)
  await write(store, 2, NOW - 450n * DAY, FIRST / 2n)
  await make(store)
  await write(store, 2, NOW - 420n * DAY, FIRST)
  await write(store, 1, NOW)
  const drop = (last: bigint, before: bigint): Promise<string | undefined> =>
    store.batch((sql) => dropBlock(sql, { last, before }))
  t.equal(await drop(FIRST - 2n, NOW), undefined, 'not passed yet')
  t.equal(await drop(FIRST, NOW - 460n * DAY), undefined, 'its newest is too young')
  await passed(store, FIRST + 10n)
  t.equal(await store.batch(lastSpareEvent), FIRST + 1n)
  const removed = await prune(store, atOnce(new AbortController().signal), {
    before: NOW - 400n * DAY,
    rowsBefore: NOW - 431n * DAY,
    newestSession: undefined,
  })
  t.match(removed, { blocks: 1, usage_event: 0 }, 'what is left goes with its block')
  t.same(await ids(store, 0n, 10), [FIRST, FIRST + 1n, FIRST + 2n])
  await prune(store, atOnce(new AbortController().signal), { before: NOW - 400n * DAY, newestSession: undefined })
  t.same(await ids(store, 0n, 10), [FIRST + 2n])
})

t.test('who reads the whole journal holds nobody up: the block waits', async (t) => {
  const { store, url } = await open(t)
  await write(store, 2, NOW - 500n * DAY, 1n)
  await write(store, 2, NOW, FIRST / 2n)
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let read = (): void => {}
  const reading = new Promise<void>((resolve) => {
    read = resolve
  })
  const reader = store.batch(async (sql) => {
    await sql.run('lock table usage_event in access share mode')
    read()
    await held
  })
  await reading
  await t.rejects(make(store), { code: 'STORE_LOCKED' })
  await write(store, 1, NOW)
  release()
  await reader
  t.match(await make(store), /^usage_event_/)
  t.same(
    await ask(url, "select count(*)::int as n from pg_class where relname like 'usage_event_%' and relkind = 'r'"),
    [{ n: 3 }],
  )
})
