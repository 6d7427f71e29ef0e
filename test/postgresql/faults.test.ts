// What goes wrong with a server, on one that this test may stop and start.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type ErrorCode, isTallycellError } from '../../core/kernel/errors.ts'
import type { Target } from '../../core/store/sql.ts'
import { openStore, type Store } from '../../core/store/store.ts'
import { ask } from '../compliance/engines.ts'
import { createCluster } from '../emulators/postgresql.ts'

const CURSOR: Target = { table: 'stage_cursor', columns: ['stage', 'position'] }

const folder = mkdtempSync(join(tmpdir(), 'tallycell-pg-'))
chmodSync(folder, 0o711)
const cluster = await createCluster(join(folder, 'c'), {
  user: 'boss',
  settings: ['max_connections=12', 'superuser_reserved_connections=1', 'fsync=off', 'shared_buffers=16MB'],
})
if (!cluster) throw new Error('PostgreSQL is not installed')
let server = await cluster.start()
t.teardown(async () => {
  await server.stop('SIGINT')
  rmSync(folder, { recursive: true, force: true })
})
const urlOf = (database: string, user = 'boss'): string =>
  `postgresql://${user}@${encodeURIComponent(cluster.socket)}/${database}`
let made = 0
async function freshDatabase(): Promise<string> {
  const name = `d${made++}`
  await cluster?.psql('-c', `create database ${name}`)
  return urlOf(name)
}
async function open(t: Test, connections = 3): Promise<{ store: Store; url: string }> {
  const url = await freshDatabase()
  const store = await openStore({ url, connections })
  t.teardown(() => store.close())
  return { store, url }
}
async function rejects(t: Test, promise: Promise<unknown>, code: ErrorCode): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason) => reason,
  )
  t.equal(isTallycellError(error) ? error.code : error, code)
  return error instanceof Error ? error.message : ''
}
const add = (store: Store, stage: string): Promise<number> => store.batch((sql) => sql.insert(CURSOR, [[stage, 1n]]))
const stages = async (store: Store): Promise<string[]> =>
  (await store.db.selectFrom('stage_cursor').select('stage').orderBy('stage').execute()).map(({ stage }) => stage)

t.test(
  'a connection killed in the middle of a batch: an error, nothing written, and the next batch is sound',
  async (t) => {
    const { store, url } = await open(t)
    const kill =
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
    await rejects(
      t,
      store.batch(async (sql) => {
        await sql.insert(CURSOR, [['lost', 1n]])
        await ask(url, kill)
        await sql.insert(CURSOR, [['lost too', 1n]])
      }),
      'STORE_UNREACHABLE',
    )
    await rejects(
      t,
      store.transaction(async (tx) => {
        await tx.insertInto('stage_cursor').values({ stage: 'lost', position: 1n }).execute()
        await ask(url, kill)
        await tx.insertInto('stage_cursor').values({ stage: 'lost too', position: 1n }).execute()
      }),
      'STORE_UNREACHABLE',
    )
    await add(store, 'kept')
    // Connections that nobody uses at that moment.
    await Promise.all([1, 2, 3].map(() => store.batch((sql) => sql.rows('select pg_sleep(0.01)'))))
    await ask(url, kill)
    await add(store, 'kept too')
    t.same(await stages(store), ['kept', 'kept too'])
  },
)

t.test('the server stops and comes back: errors meanwhile, then all is well without anybody’s help', async (t) => {
  const { store, url } = await open(t)
  await add(store, 'before')
  await server.stop('SIGQUIT')
  await rejects(t, add(store, 'meanwhile'), 'STORE_UNREACHABLE')
  await rejects(
    t,
    store.transaction((tx) => tx.selectFrom('radio').selectAll().execute()),
    'STORE_UNREACHABLE',
  )
  await rejects(t, store.db.selectFrom('radio').selectAll().execute(), 'STORE_UNREACHABLE')
  await rejects(
    t,
    store.exclusive('settle', async () => 1),
    'STORE_UNREACHABLE',
  )
  await rejects(t, openStore({ url }), 'STORE_UNREACHABLE')
  server = await cluster.start()
  await add(store, 'after')
  t.equal(await store.exclusive('settle', async () => 1), 1)
  t.same(await stages(store), ['after', 'before'])
})

t.test('batches in flight when the server is killed: what was answered is there', async (t) => {
  const { store } = await open(t)
  const answered: string[] = []
  let going = true
  const lane = async (lane: number): Promise<void> => {
    for (let n = 0; going && n < 100_000; n++)
      await add(store, `${lane}-${n}`).then(
        () => answered.push(`${lane}-${n}`),
        () => {
          going = false
        },
      )
  }
  const lanes = Promise.all([lane(0), lane(1), lane(2)])
  while (answered.length < 100) await new Promise(setImmediate)
  await server.stop('SIGQUIT')
  await lanes
  server = await cluster.start()
  const there = new Set(await stages(store))
  t.same(
    answered.filter((stage) => !there.has(stage)),
    [],
  )
})

t.test('all connections taken: who waits too long is told, and the others are not disturbed', async (t) => {
  const { store } = await open(t, 2)
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const holders = [0, 1].map((n) =>
    store.batch(async (sql) => {
      await sql.insert(CURSOR, [[`holder-${n}`, 1n]])
      await held
    }),
  )
  t.match(await rejects(t, add(store, 'waiting'), 'STORE_BUSY'), /of 2/)
  release()
  await Promise.all(holders)
  await add(store, 'later')
  t.same(await stages(store), ['holder-0', 'holder-1', 'later'])
})

t.test('more work than connections waits its turn', async (t) => {
  const { store } = await open(t, 2)
  await Promise.all(Array.from({ length: 100 }, (_, n) => add(store, `s${n}`)))
  t.equal((await stages(store)).length, 100)
})

t.test('the server has no connection left', async (t) => {
  const url = await freshDatabase()
  await cluster.psql('-c', 'create role plain login')
  const stores: Store[] = []
  t.teardown(() => Promise.all(stores.map((store) => store.close())))
  const holder = await openStore({ url, connections: 11 })
  stores.push(holder)
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const ready: Promise<void>[] = []
  const holding = Array.from({ length: 11 }, () => {
    const { promise, open } = started()
    ready.push(promise)
    return holder.batch(async (sql) => {
      await sql.row('select 1 as one')
      open()
      await held
    })
  })
  await Promise.all(ready)
  await rejects(t, openStore({ url: url.replace('boss', 'plain') }), 'STORE_UNREACHABLE')
  release()
  await Promise.all(holding)
})

function started(): { promise: Promise<void>; open: () => void } {
  let open = (): void => {}
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

t.test('who cannot be let in is told why, and no message holds a password', async (t) => {
  await cluster.psql('-c', "create role guest login password 'right'", '-c', 'create database guests owner guest')
  await cluster.psql('-c', "alter system set listen_addresses = ''")
  const socket = encodeURIComponent(cluster.socket)
  const seen: string[] = []
  const cases: readonly [url: string, code: ErrorCode][] = [
    [urlOf('nowhere'), 'STORE_DATABASE_MISSING'],
    [`postgresql://stranger:hunter2@${socket}/guests`, 'STORE_REFUSED'],
    [`postgresql://boss:hunter2@${encodeURIComponent(`${cluster.socket}/none`)}/guests`, 'STORE_UNREACHABLE'],
    ['postgresql://boss:hunter2@127.0.0.1:1/guests', 'STORE_UNREACHABLE'],
    ['postgresql://boss:hunter2@host.invalid/guests', 'STORE_UNREACHABLE'],
  ]
  for (const [url, code] of cases) seen.push(await rejects(t, openStore({ url }), code))
  await cluster.psql('-c', "create database latin encoding 'LATIN1' template template0 locale 'C'")
  seen.push(await rejects(t, openStore({ url: urlOf('latin') }), 'STORE_SERVER_UNFIT'))
  // A database of somebody else's: since PostgreSQL 15 a stranger may not make tables in it.
  await cluster.psql('-c', 'create database others')
  seen.push(await rejects(t, openStore({ url: urlOf('others', 'guest') }), 'STORE_REFUSED'))
  t.notMatch(seen.join('\n'), /hunter2/)
})

t.test('passwords: wrong, right, in the address and apart', async (t) => {
  const hba = join(cluster.socket, 'data', 'pg_hba.conf')
  const { writeFileSync } = await import('node:fs')
  writeFileSync(hba, 'local all boss trust\nlocal all all scram-sha-256\n')
  await cluster.psql('-c', 'select pg_reload_conf()')
  const socket = encodeURIComponent(cluster.socket)
  const plain = `postgresql://guest@${socket}/guests`
  const message = await rejects(t, openStore({ url: `postgresql://guest:wrong@${socket}/guests` }), 'STORE_REFUSED')
  t.notMatch(message, /wrong/)
  await rejects(t, openStore({ url: plain }), 'STORE_REFUSED')
  await rejects(t, openStore({ url: plain, password: 'wrong' }), 'STORE_REFUSED')
  for (const options of [{ url: plain, password: 'right' }, { url: `postgresql://guest:right@${socket}/guests` }]) {
    const store = await openStore(options)
    await store.exclusive('settle', async () => 1)
    await store.close()
  }
})

t.test('a database that a newer program has changed is left alone', async (t) => {
  const { store, url } = await open(t)
  await ask(url, 'update schema_version set version = 999')
  t.match(await rejects(t, openStore({ url }), 'STORE_UNUSABLE'), /newer than this program/)
  await add(store, 'a node that runs goes on')
})
