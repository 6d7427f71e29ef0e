import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { isTallycellError, type TallycellError } from '../../core/kernel/errors.ts'
import { createGroupCommit } from '../../core/store/group-commit.ts'
import type { Sql } from '../../core/store/sql.ts'
import { openStore } from '../../core/store/store.ts'
import { onEachEngine } from './engines.ts'

const addRadio = (sql: Sql, id: string): Promise<number> =>
  sql.run(
    `insert into radio (radio_id, access, owner_wallet, payout_wallet, created_at) values (?, 'wifi', 'w', 'w', 1)`,
    id,
  )

async function error(promise: Promise<unknown>): Promise<TallycellError> {
  const caught: unknown = await promise.then(
    () => undefined,
    (reason) => reason,
  )
  if (isTallycellError(caught)) return caught
  throw new Error(`expected an error of the catalogue, got ${caught}`)
}

onEachEngine('a new database gets the whole schema, and opens again', async (t, database) => {
  const store = await openStore(database.options)
  await store.batch((sql) => addRadio(sql, 'a'))
  await store.close()
  const again = await database.open()
  t.same(await again.db.selectFrom('radio').select('radio_id').execute(), [{ radio_id: 'a' }])
})

t.test('a file is made with its folder, in WAL mode', async (t) => {
  const store = await openStore({ path: join(t.testdir(), 'deep', 'tallycell.db') })
  t.teardown(() => store.close())
  const settings = await store.batch(async (sql) => [
    await sql.row('pragma journal_mode'),
    await sql.row('pragma synchronous'),
  ])
  t.same(settings, [{ journal_mode: 'wal' }, { synchronous: 1n }])
})

onEachEngine('a failed transaction changes nothing, and the store goes on', async (t, database) => {
  const store = await database.open()
  await t.rejects(
    store.batch(async (sql) => {
      await addRadio(sql, 'a')
      throw new RangeError('boom')
    }),
    { message: 'boom' },
  )
  await t.rejects(
    store.transaction(async (tx) => {
      await tx.insertInto('stage_cursor').values({ stage: 's', position: 1n }).execute()
      throw new RangeError('boom')
    }),
    { message: 'boom' },
  )
  t.same(await store.db.selectFrom('radio').selectAll().execute(), [])
  t.same(await store.db.selectFrom('stage_cursor').selectAll().execute(), [])
  await store.batch((sql) => addRadio(sql, 'b'))
  t.equal((await store.db.selectFrom('radio').selectAll().execute()).length, 1)
})

onEachEngine('a batch never lands inside another transaction', async (t, database) => {
  const store = await database.open()
  const slow = store.transaction(async (tx) => {
    await tx.insertInto('stage_cursor').values({ stage: 'slow', position: 1n }).execute()
    await new Promise((resolve) => setTimeout(resolve, 30))
    throw new RangeError('rolled back')
  })
  const batch = store.batch((sql) => addRadio(sql, 'a'))
  await t.rejects(slow, { message: 'rolled back' })
  await batch
  t.equal((await store.db.selectFrom('radio').selectAll().execute()).length, 1)
})

onEachEngine('a transaction that writes into journals', async (t, database) => {
  const store = await database.open()
  const event = {
    kind: 'claim',
    radio_id: 'r',
    owner_wallet: 'w',
    payout_wallet: 'w',
    at: 1n,
    reason: null,
    expires_at: null,
  }
  const ids = await Promise.all(
    [1, 2, 3].map(() =>
      store.transaction(
        async (tx) =>
          (await tx.insertInto('radio_event').values(event).returning('event_id').executeTakeFirstOrThrow()).event_id,
        ['radio_event', 'subscriber'],
      ),
    ),
  )
  t.equal(new Set(ids).size, 3)
})

t.test('database locked: STORE_LOCKED within the time-out, then all is well', async (t) => {
  const path = join(t.testdir(), 's.db')
  const store = await openStore({ path, busyTimeout: 20 })
  const other = new Database(path)
  other.exec('begin immediate')
  t.equal((await error(store.batch((sql) => addRadio(sql, 'a')))).code, 'STORE_LOCKED')
  t.equal((await error(store.transaction((tx) => tx.selectFrom('radio').selectAll().execute()))).code, 'STORE_LOCKED')
  other.exec('rollback')
  other.close()
  await store.batch((sql) => addRadio(sql, 'a'))
  await store.close()
})

t.test('disk full: STORE_FULL, nothing half written, and work goes on once there is room', async (t) => {
  const store = await openStore({ path: join(t.testdir(), 's.db') })
  // SQLite's own limit gives the same SQLITE_FULL as a full disk, without needing one.
  await store.batch(async (sql) => {
    const size = await sql.row<{ page_count: bigint }>('pragma page_count')
    await sql.row(`pragma max_page_count = ${size?.page_count}`)
  })
  const fill = async (sql: Sql): Promise<void> => {
    for (let index = 0; index < 2000; index++) await addRadio(sql, `radio-${index}`)
  }
  t.equal((await error(store.batch(fill))).code, 'STORE_FULL')
  t.same(await store.db.selectFrom('radio').selectAll().execute(), [])
  await store.batch((sql) => sql.row('pragma max_page_count = 1000000'))
  await store.batch(fill)
  t.equal((await store.db.selectFrom('radio').selectAll().execute()).length, 2000)
  await store.close()
})

t.test('files that are no database of ours are refused with the reason', async (t) => {
  const folder = t.testdir({
    'text.db': 'this is not a database, it is a sentence that is long enough to be read as a header',
  })
  t.equal((await error(openStore({ path: join(folder, 'text.db') }))).code, 'STORE_UNUSABLE')
  mkdirSync(join(folder, 'folder.db'))
  t.equal((await error(openStore({ path: join(folder, 'folder.db') }))).code, 'STORE_UNUSABLE')
  writeFileSync(join(folder, 'plain'), '')
  t.equal((await error(openStore({ path: join(folder, 'plain', 'x.db') }))).code, 'STORE_UNUSABLE')
  const newer = new Database(join(folder, 'newer.db'))
  newer.pragma('user_version = 999')
  newer.close()
  const refused = await error(openStore({ path: join(folder, 'newer.db') }))
  t.equal(refused.code, 'STORE_UNUSABLE')
  t.match(refused.message, /newer than this program/)
})

onEachEngine('what was committed survives SIGKILL', async (t, database) => {
  const program = `
    import { openStore } from ${JSON.stringify(new URL('../../core/store/store.ts', import.meta.url).href)}
    const store = await openStore(${JSON.stringify(database.options)})
    const target = { table: 'stage_cursor', columns: ['stage', 'position'], conflict: '(stage) do update set position = excluded.position' }
    for (let n = 1n; ; n++) {
      await store.batch((sql) => sql.insert(target, [['n', n]]))
      process.stdout.write(n + '\\n')
    }`
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = 0n
  let rest = ''
  for await (const chunk of child.stdout) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    told = BigInt(lines.at(-1) ?? told)
    if (told > 50n) child.kill('SIGKILL')
  }
  const store = await database.open()
  const row = await store.db.selectFrom('stage_cursor').select('position').executeTakeFirstOrThrow()
  t.ok(row.position >= told, `told ${told}, found ${row.position}`)
})

t.test('group commit: one transaction for many, answers in order', async (t) => {
  const batches: number[] = []
  const group = createGroupCommit<number, number>(
    async (items) => {
      batches.push(items.length)
      await new Promise((resolve) => setTimeout(resolve, 5))
      return items.map((item) => item * 2)
    },
    { maxDelay: 2, maxItems: 10, inFlight: 1 },
  )
  const answers = await Promise.all(Array.from({ length: 25 }, (_, index) => group.submit([index])))
  t.same(
    answers.flat(),
    Array.from({ length: 25 }, (_, index) => index * 2),
  )
  t.same(batches, [10, 10, 5])
})

t.test('group commit: requests that came together stay together', async (t) => {
  const batches: string[] = []
  const group = createGroupCommit<string, string>(
    async (items) => {
      batches.push(items.join(''))
      return items
    },
    { maxDelay: 0, maxItems: 4, inFlight: 1 },
  )
  const answers = await Promise.all([
    group.submit(['a', 'b', 'c']),
    group.submit(['d', 'e']),
    group.submit([...'fghijk']),
  ])
  t.same(answers, [['a', 'b', 'c'], ['d', 'e'], [...'fghijk']])
  t.same(batches, ['abc', 'de', 'fghijk'])
  t.same(await group.submit([]), [])
})

t.test('group commit: a failed commit rejects its batch only', async (t) => {
  let round = 0
  const group = createGroupCommit<number, number>(
    async (items) => {
      if (++round === 1) throw new RangeError('disk')
      return items
    },
    { maxDelay: 1, maxItems: 2, inFlight: 1 },
  )
  const results = await Promise.allSettled([1, 2, 3].map((item) => group.submit([item])))
  t.same(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  )
})

t.test('group commit: drain waits for everything', async (t) => {
  const done: number[] = []
  const group = createGroupCommit<number, number>(
    async (items) => {
      await new Promise((resolve) => setTimeout(resolve, 3))
      done.push(...items)
      return items
    },
    { maxDelay: 1000, maxItems: 4, inFlight: 1 },
  )
  for (let index = 0; index < 9; index++) void group.submit([index])
  await group.drain()
  t.equal(done.length, 9)
})

onEachEngine('reading sees one instant, keeps nobody from writing, and writes nothing', async (t, database) => {
  const [store, other] = [await database.open({ busyTimeout: 20 }), await database.open({ busyTimeout: 20 })]
  const count = async (sql: Sql) => (await sql.row<{ n: bigint }>('select count(*) as n from radio'))?.n
  await store.read(async (sql) => {
    t.equal(await count(sql), 0n)
    await other.batch((more) => addRadio(more, 'a'))
    t.equal(await count(sql), 0n, 'as it was')
  })
  t.equal(await store.read(count), 1n)
  await t.rejects(store.read((sql) => addRadio(sql, 'b')))
  await store.batch((sql) => addRadio(sql, 'b'))
  t.equal(await store.read(count), 2n)
})
