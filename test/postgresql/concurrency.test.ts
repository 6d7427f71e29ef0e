// Several nodes on one PostgreSQL database: what waits, what is run again, what is seen in which order.
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Target } from '../../core/store/sql.ts'
import { openStore, type Store } from '../../core/store/store.ts'
import { ask, newDatabase } from '../compliance/engines.ts'

const server = process.env.TEST_POSTGRESQL ?? ''
const CURSOR: Target = { table: 'stage_cursor', columns: ['stage', 'position'] }
const EVENT: Target = {
  table: 'radio_event',
  columns: ['kind', 'radio_id', 'owner_wallet', 'payout_wallet', 'at'],
}

async function nodes(t: Test, count: number): Promise<{ stores: Store[]; url: string }> {
  const url = await newDatabase(t, server)
  const stores = await Promise.all(Array.from({ length: count }, () => openStore({ url, connections: 4 })))
  t.teardown(() => Promise.all(stores.map((store) => store.close())))
  return { stores, url }
}

/** Resolves once a connection to the database waits for a lock. */
async function somebodyWaits(url: string): Promise<void> {
  const waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
  while ((await ask(url, waiting)).length === 0) await sleep(5)
}

function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

t.test('a locked row can be changed by nobody else until the transaction ends; others can', async (t) => {
  const { stores, url } = await nodes(t, 2)
  const [one, two] = stores as [Store, Store]
  await one.batch((sql) =>
    sql.insert(CURSOR, [
      ['a', 10n],
      ['b', 10n],
    ]),
  )
  const held = gate()
  const locked = gate()
  const first = one.batch(async (sql) => {
    const [row] = await sql.find<{ position: bigint }>('select position from stage_cursor', 'stage', ['a'], 'lock')
    locked.open()
    await held.passed
    await sql.run("update stage_cursor set position = ? where stage = 'a'", (row?.position ?? 0n) - 7n)
  })
  await locked.passed
  t.equal(await two.batch((sql) => sql.run("update stage_cursor set position = 1 where stage = 'b'")), 1)
  const seen: (bigint | undefined)[] = []
  const second = two.batch(async (sql) => {
    const [row] = await sql.find<{ position: bigint }>('select position from stage_cursor', 'stage', ['a'], 'lock')
    seen.push(row?.position)
  })
  await somebodyWaits(url)
  t.same(seen, [])
  held.open()
  await Promise.all([first, second])
  t.same(seen, [3n], 'the second sees what the first left')
})

t.test('nodes that take from one balance at the same time never take more than there is', async (t) => {
  const { stores } = await nodes(t, 3)
  await stores[0]?.batch((sql) => sql.insert(CURSOR, [['balance', 100n]]))
  const take = (store: Store): Promise<boolean> =>
    store.batch(async (sql) => {
      const [row] = await sql.find<{ position: bigint }>(
        'select position from stage_cursor',
        'stage',
        ['balance'],
        'lock',
      )
      const left = (row?.position ?? 0n) - 7n
      if (left < 0n) return false
      await sql.run("update stage_cursor set position = ? where stage = 'balance'", left)
      return true
    })
  const taken = await Promise.all(Array.from({ length: 60 }, (_, n) => take(stores[n % 3] as Store)))
  t.equal(taken.filter(Boolean).length, 14)
  t.same(await stores[0]?.db.selectFrom('stage_cursor').select('position').execute(), [{ position: 2n }])
})

t.test('a deadlock: one of the two is run again, and both get through', async (t) => {
  const { stores } = await nodes(t, 2)
  const [one, two] = stores as [Store, Store]
  await one.batch((sql) =>
    sql.insert(CURSOR, [
      ['a', 0n],
      ['b', 0n],
    ]),
  )
  let runs = 0
  const met = [gate(), gate()] as const
  const add = (store: Store, me: 0 | 1, order: readonly [string, string]): Promise<void> =>
    store.batch(async (sql) => {
      runs++
      await sql.run('update stage_cursor set position = position + 1 where stage = ?', order[0])
      met[me].open()
      await met[1 - me]?.passed
      await sql.run('update stage_cursor set position = position + 1 where stage = ?', order[1])
    })
  await Promise.all([add(one, 0, ['a', 'b']), add(two, 1, ['b', 'a'])])
  t.ok(runs > 2, `${runs} runs`)
  t.same(await one.db.selectFrom('stage_cursor').select('position').execute(), [{ position: 2n }, { position: 2n }])
})

t.test('the same for kysely’s transactions', async (t) => {
  const { stores } = await nodes(t, 2)
  const [one, two] = stores as [Store, Store]
  await one.batch((sql) =>
    sql.insert(CURSOR, [
      ['a', 0n],
      ['b', 0n],
    ]),
  )
  let runs = 0
  const met = [gate(), gate()] as const
  const add = (store: Store, me: 0 | 1, order: readonly [string, string]): Promise<void> =>
    store.transaction(async (tx) => {
      runs++
      for (const stage of order) {
        await tx
          .updateTable('stage_cursor')
          .set((eb) => ({ position: eb('position', '+', 1n) }))
          .where('stage', '=', stage)
          .execute()
        met[me].open()
        await met[1 - me]?.passed
      }
    })
  await Promise.all([add(one, 0, ['a', 'b']), add(two, 1, ['b', 'a'])])
  t.ok(runs > 2, `${runs} runs`)
  t.same(await one.db.selectFrom('stage_cursor').select('position').execute(), [{ position: 2n }, { position: 2n }])
})

t.test('large sets that lock the same rows in opposite orders do not meet in a deadlock', async (t) => {
  const { stores } = await nodes(t, 2)
  const keys = Array.from({ length: 10_000 }, (_, n) => `s${n}`)
  await stores[0]?.batch((sql) =>
    sql.insert(
      CURSOR,
      keys.map((key) => [key, 0n]),
    ),
  )
  let runs = 0
  const lockAll = (store: Store, order: readonly string[]): Promise<void> =>
    store.batch(async (sql) => {
      runs++
      t.equal((await sql.find('select position from stage_cursor', 'stage', order, 'lock')).length, keys.length)
    })
  const backwards = [...keys].reverse()
  for (let round = 0; round < 5; round++)
    await Promise.all([lockAll(stores[0] as Store, keys), lockAll(stores[1] as Store, backwards)])
  t.equal(runs, 10)
})

t.test('a reader behind a cursor misses no row of a journal, however many write', async (t) => {
  const { stores } = await nodes(t, 3)
  const [reader, ...writers] = stores as [Store, Store, Store]
  const BATCHES = 60
  let writing: number = writers.length
  const write = async (store: Store, n: number): Promise<void> => {
    for (let batch = 0; batch < BATCHES; batch++)
      await Promise.all(
        [0, 1].map((lane) =>
          store.batch(async (sql) => {
            await sql.journal('radio_event')
            await sql.insert(EVENT, [['claim', `${n}-${batch}-${lane}`, 'w', 'w', 1n]])
            // Without the lock another batch would overtake this one here.
            if ((batch + lane) % 3 === 0) await sleep(2)
            await sql.insert(EVENT, [['claim', `${n}-${batch}-${lane}b`, 'w', 'w', 1n]])
          }),
        ),
      )
    writing--
  }
  const taken: string[] = []
  const read = async (): Promise<void> => {
    let cursor = 0n
    for (;;) {
      const last = writing === 0
      const rows = await reader.db
        .selectFrom('radio_event')
        .select(['event_id', 'radio_id'])
        .where('event_id', '>', cursor)
        .orderBy('event_id')
        .limit(10)
        .execute()
      for (const row of rows) {
        taken.push(row.radio_id)
        cursor = row.event_id
      }
      if (last && rows.length === 0) return
    }
  }
  await Promise.all([read(), ...writers.map(write)])
  t.equal(new Set(taken).size, taken.length)
  t.equal(taken.length, 2 * BATCHES * 2 * 2)
})

t.test('an error that work swallows still undoes the transaction, and the next one is sound', async (t) => {
  const { stores } = await nodes(t, 1)
  const [store] = stores as [Store]
  await t.rejects(
    store.batch(async (sql) => {
      await sql.insert(CURSOR, [['a', 1n]])
      await sql.rows('select 1 / 0').catch(() => {})
    }),
    { message: 'division by zero' },
  )
  await t.rejects(
    store.transaction(async (tx) => {
      await tx.insertInto('stage_cursor').values({ stage: 'a', position: 1n }).execute()
      await tx
        .insertInto('stage_cursor')
        .values({ stage: 'a', position: 1n })
        .execute()
        .catch(() => {})
    }),
  )
  for (let n = 0; n < 12; n++) await t.rejects(store.batch((sql) => sql.rows('select nonsense')))
  t.same(await store.db.selectFrom('stage_cursor').selectAll().execute(), [])
  await store.batch((sql) => sql.insert(CURSOR, [['a', 1n]]))
})

t.test('a table that another node changes under prepared statements', async (t) => {
  const { stores, url } = await nodes(t, 1)
  const [store] = stores as [Store]
  await ask(url, 'create table later (a bigint)')
  const all = (): Promise<unknown[]> => store.batch((sql) => sql.rows('select * from later'))
  t.same(await all(), [])
  await ask(url, 'alter table later add column b bigint default 1')
  await ask(url, 'insert into later values (1)')
  t.same(await all(), [{ a: 1n, b: 1n }])
})

t.test('one node at a time holds a name; it is free when the node that held it has died', async (t) => {
  const { stores, url } = await nodes(t, 2)
  const [one, two] = stores as [Store, Store]
  const killed = await one.exclusive('settle', async (lost) => {
    t.equal(await two.exclusive('settle', async () => 'both'), undefined)
    t.equal(await two.exclusive('sign', async () => 'other'), 'other')
    const gone = new Promise<void>((resolve) => lost.addEventListener('abort', () => resolve()))
    await ask(
      url,
      "select pg_terminate_backend(pid) from pg_locks join pg_database d on d.oid = database where locktype = 'advisory' and datname = current_database()",
    )
    await gone
    return two.exclusive('settle', async () => 'inherited')
  })
  t.equal(killed, 'inherited')
  t.equal(await one.exclusive('settle', async () => 'again'), 'again')
})
