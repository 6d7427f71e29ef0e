import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { encodeEntry } from '../../billing/log/entries/codec.ts'
import type { Entry } from '../../billing/log/entries/dictionary.ts'
import { openCheckpoint } from '../../billing/log/note/checkpoint.ts'
import { parseVkey } from '../../billing/log/note/note.ts'
import { createPublisher, type Publisher } from '../../billing/log/publish.ts'
import { appendEntries } from '../../billing/log/store.ts'
import { createTileDirectory, type TileWriter } from '../../billing/log/tiles/directory.ts'
import { createLogReader } from '../../billing/log/tiles/reader.ts'
import { directoryTiles, webTiles } from '../../billing/log/tiles/sources.ts'
import { hashLeaf } from '../../billing/log/tree/hash.ts'
import { verifyConsistency, verifyInclusion } from '../../billing/log/tree/proof.ts'
import type { Sql } from '../../core/store/sql.ts'
import { openStore, type Store } from '../../core/store/store.ts'
import { createTestKey, ORIGIN, openTestLog, START, type TestLog } from './log-fixture.ts'

const entry = (at: bigint): Entry => ({ type: 'correction', entry: at, reason: `entry ${at}`, octets: -at })

async function grow(store: Store, from: number, to: number): Promise<void> {
  const entries = Array.from({ length: to - from }, (_, at) => entry(BigInt(from + at)))
  await store.batch((sql) => appendEntries(sql, ORIGIN, entries))
}

/** What the world sees: the checkpoint, when there is one, is genuine, and the files below it hold its whole tree. */
async function audit(directory: string, samples: readonly number[]): Promise<bigint> {
  const tiles = directoryTiles(directory)
  const file = await tiles.read('checkpoint', 10_000)
  if (!file) return 0n
  const key = parseVkey(readFileSync(join(directory, 'log.vkey'), 'utf8').trim())
  const opened = key && openCheckpoint(Buffer.from(file).toString(), key)
  if (!opened?.ok) throw new Error('the checkpoint is not genuine')
  const { size, root } = opened.checkpoint
  const reader = createLogReader(tiles)
  if (Buffer.compare(await reader.root(size), root) !== 0) throw new Error('the tiles have another root')
  for (const index of samples.map(BigInt).filter((at) => at < size)) {
    const octets = await reader.entry(index, size)
    if (Buffer.compare(octets, encodeEntry(entry(index))) !== 0) throw new Error(`entry ${index} is another one`)
    if (!verifyInclusion(hashLeaf(octets), index, size, await reader.inclusionProof(index, size), root))
      throw new Error(`entry ${index} is not proven`)
  }
  return size
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name).slice(folder.length + 1))
    .toSorted()

t.test('files of a log as it grows: partial tiles give way to full ones', async (t) => {
  const { store, log, directory } = await openTestLog(t.testdir())
  t.equal(await log.flush(), 0n)
  t.same(filesBelow(directory), ['log.vkey'], 'nothing to sign yet')
  await grow(store, 0, 3)
  t.equal(await log.flush(), 3n)
  t.same(filesBelow(directory), ['checkpoint', 'log.vkey', 'tile/0/000.p/3', 'tile/entries/000.p/3'])
  t.equal(await log.flush(), 3n, 'nothing new')
  await grow(store, 3, 255)
  await log.flush()
  t.same(
    filesBelow(directory).filter((name) => name.startsWith('tile/0')),
    ['tile/0/000.p/255', 'tile/0/000.p/3'],
  )
  await grow(store, 255, 256)
  await log.flush()
  t.same(filesBelow(directory), ['checkpoint', 'log.vkey', 'tile/0/000', 'tile/1/000.p/1', 'tile/entries/000'])
  await grow(store, 256, 70_000)
  t.equal(await log.flush(), 70_000n)
  const files = filesBelow(directory)
  t.equal(files.filter((name) => /^tile\/0\/\d{3}$/.test(name)).length, 273)
  t.same(
    files.filter((name) => /\.p\//.test(name)),
    ['tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1', 'tile/entries/273.p/112'],
  )
  t.equal(await audit(directory, [0, 255, 256, 65_535, 65_536, 69_999]), 70_000n)
  await log.stop()
  await store.close()
})

t.test('proofs over the same files behind a web server', async (t) => {
  const { store, log, directory } = await openTestLog(t.testdir())
  await grow(store, 0, 600)
  await log.flush()
  const server = createServer((request, response) => {
    const file = join(directory, request.url ?? '')
    if (request.url === '/tile/0/001') response.writeHead(500).end()
    else if (existsSync(file)) response.end(readFileSync(file))
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const web = createLogReader(webTiles(new URL(`http://127.0.0.1:${port}/`), AbortSignal.timeout(20_000)))
  const own = await log.checkpoint()
  t.same(await web.inclusionProof(599n, 600n), await log.inclusionProof(599n, 600n))
  t.same(Buffer.from(await web.entry(599n, 600n)), encodeEntry(entry(599n)))
  t.equal(own?.size, 600n)
  await t.rejects(web.inclusionProof(300n, 600n), { code: 'LOG_TILE_UNREADABLE' }, 'the server answered 500')
  writeFileSync(join(directory, 'tile/0/002.p/88'), Buffer.alloc(8193))
  await t.rejects(web.root(600n), { code: 'LOG_TILE_UNREADABLE' }, 'longer than a tile can be')
  server.close()
  server.closeAllConnections()
  await t.rejects(web.root(600n), { code: 'LOG_TILE_UNREADABLE' }, 'the server is gone')
  await store.close()
})

/** Stops at the `fatal`-th effect, before it or after it: what a crash does. */
class Crash extends Error {
  override readonly message = 'crash'
}
function crashing(
  store: Store,
  tiles: TileWriter,
  fatal: number,
  after: boolean,
): { store: Store; tiles: TileWriter; steps: () => number } {
  let count = 0
  const effect = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    count++
    if (count > fatal || (count === fatal && !after)) throw new Crash()
    const result = await work()
    if (count === fatal) throw new Crash()
    return result
  }
  return {
    steps: () => count,
    store: { ...store, batch: (work) => effect(() => store.batch(work)) },
    tiles: {
      read: tiles.read,
      add: (path, octets) => effect(() => tiles.add(path, octets)),
      sync: () => effect(() => tiles.sync()),
      prepare: (path, octets) => effect(() => tiles.prepare(path, octets)),
      remove: (path) => effect(() => tiles.remove(path)),
    },
  }
}

const publisherOf = (store: Store, tiles: TileWriter, directory: string): Publisher =>
  createPublisher({ store, tiles, signer: createTestKey('log'), clock: () => START, directory }, ORIGIN)

for (const after of [false, true])
  t.test(`a crash ${after ? 'after' : 'before'} each step of publishing`, async (t) => {
    const samples = [0, 255, 256, 299, 300, 511, 512, 699, 700, 709]
    let fatal = 0
    for (let crashed = true; crashed; ) {
      fatal++
      const folder = t.testdir({ [String(fatal)]: {} })
      const directory = join(folder, String(fatal), 'log')
      const store = await openStore({ path: ':memory:' })
      await grow(store, 0, 300)
      await publisherOf(store, createTileDirectory(directory), directory).publish()
      await grow(store, 300, 700)
      const faulty = crashing(store, createTileDirectory(directory), fatal, after)
      try {
        await publisherOf(faulty.store, faulty.tiles, directory).publish()
        crashed = false
      } catch (error) {
        if (!(error instanceof Crash)) throw error
      }
      const seen = await audit(directory, samples)
      t.ok(seen === 300n || seen === 700n, `step ${fatal}: what is visible is whole`)
      // Somebody appends before the next start.
      await grow(store, 700, 710)
      const again = publisherOf(store, createTileDirectory(directory), directory)
      t.equal(await again.publish(), 710n)
      t.equal(await audit(directory, samples), 710n, `step ${fatal}: resumed`)
      await store.close()
    }
    t.ok(fatal > 12, `${fatal - 1} steps`)
  })

t.test('the checkpoint in the database was signed, the file not yet replaced, nothing new came', async (t) => {
  const folder = t.testdir()
  const directory = join(folder, 'log')
  const store = await openStore({ path: ':memory:' })
  await grow(store, 0, 5)
  const faulty = crashing(store, createTileDirectory(directory), 6, true)
  await t.rejects(publisherOf(faulty.store, faulty.tiles, directory).publish(), { message: 'crash' })
  t.equal((await store.db.selectFrom('log_checkpoint').select('size').execute()).length, 1)
  t.equal(await audit(directory, []), 0n)
  t.equal(await publisherOf(store, createTileDirectory(directory), directory).publish(), 5n)
  t.equal(await audit(directory, [0, 4]), 5n)
  t.equal((await store.db.selectFrom('log_checkpoint').select('size').execute()).length, 1, 'signed once')
  await store.close()
})

t.test('a checkpoint that another process has committed is not shown before it is on disk', async (t) => {
  const directory = join(t.testdir(), 'log')
  const tiles = createTileDirectory(directory)
  const store = await openStore({ path: ':memory:' })
  await grow(store, 0, 5)
  const other = crashing(store, tiles, 6, true)
  await t.rejects(publisherOf(other.store, other.tiles, directory).publish(), { message: 'crash' })
  let disk = (): void => undefined
  const synced = new Promise<void>((resolve) => {
    disk = resolve
  })
  let waiting = (): void => undefined
  const committed = new Promise<void>((resolve) => {
    waiting = resolve
  })
  const slow: Store = {
    ...store,
    async batch(work) {
      const result = await store.batch(work)
      waiting()
      await synced
      return result
    },
  }
  const publishing = publisherOf(slow, tiles, directory).publish()
  await committed
  t.notOk(existsSync(join(directory, 'checkpoint')), 'not while the disk is busy')
  disk()
  t.equal(await publishing, 5n)
  t.equal(await audit(directory, [0, 4]), 5n)
  await store.close()
})

async function emptyLog(sql: Sql): Promise<void> {
  for (const table of ['log_entry', 'log_state', 'log_checkpoint']) await sql.run(`delete from ${table}`)
}

/** A log of 300 entries, published and closed. */
async function published(folder: string): Promise<TestLog> {
  const made = await openTestLog(folder)
  await grow(made.store, 0, 300)
  await made.log.flush()
  return made
}

t.test('a database older than the published log signs nothing', async (t) => {
  const { store, log, directory } = await published(t.testdir())
  await store.batch(emptyLog)
  await grow(store, 0, 200)
  await t.rejects(log.flush(), { code: 'LOG_INCONSISTENT' })
  t.equal(await audit(directory, [0, 299]), 300n, 'the published log is untouched')
  t.match(log.health?.(), /not published/)
  await grow(store, 200, 400)
  t.equal(await log.flush(), 400n, 'with the same entries again it goes on')
  t.equal(log.health?.(), undefined)
  await store.close()
})

t.test('two nodes on one database, each with a folder of its own', async (t) => {
  const folder = t.testdir()
  const store = await openStore({ path: ':memory:' })
  const nodes = ['first', 'second'].map((name) => {
    const directory = join(folder, name, 'log')
    return { directory, publisher: publisherOf(store, createTileDirectory(directory), directory) }
  })
  const samples = [0, 199, 255, 256, 299, 511, 512, 700, 899]
  let size = 0
  for (const [turn, add] of [200, 0, 100, 0, 412, 88, 1, 0, 99, 0].entries()) {
    await grow(store, size, size + add)
    size += add
    const node = nodes[turn % 2]
    if (!node) return t.fail()
    t.equal(await node.publisher.publish(), BigInt(size))
    t.equal(await audit(node.directory, samples), BigInt(size), `turn ${turn}: all of it is in the folder of its node`)
    for (const { directory } of nodes) await audit(directory, samples)
  }
  const signed = await store.db.selectFrom('log_checkpoint').select('size').orderBy('size').execute()
  t.same(
    signed.map((row) => Number(row.size)),
    [200, 300, 712, 800, 801, 900],
    'each size is signed once',
  )
  await store.close()
})

t.test('another history signs nothing', async (t) => {
  const { store, log, directory } = await published(t.testdir())
  await store.batch(async (sql) => {
    await emptyLog(sql)
    await appendEntries(sql, ORIGIN, [entry(1n)])
  })
  await grow(store, 1, 400)
  await t.rejects(log.flush(), { code: 'LOG_TILE_DIFFERS' })
  rmSync(join(directory, 'tile'), { recursive: true })
  await t.rejects(
    log.flush(),
    { code: 'LOG_INCONSISTENT' },
    'even where the tiles are gone: the checkpoint is remembered',
  )
  await store.close()
})

t.test('damaged rows are not published', async (t) => {
  const { store, log } = await published(t.testdir())
  await grow(store, 300, 310)
  await store.batch((sql) => sql.run('update log_entry set entry = ? where entry_index = 305', Buffer.of(0xa0)))
  await t.rejects(log.flush(), { code: 'LOG_ENTRIES_DAMAGED' })
  await store.batch((sql) => sql.run('delete from log_entry where entry_index = 305'))
  await t.rejects(log.flush(), { code: 'LOG_ENTRIES_DAMAGED' })
  await store.close()
})

t.test('a lost folder is written again from the database; a truncated tile is never signed over', async (t) => {
  const first = await published(t.testdir())
  const checkpoint = readFileSync(join(first.directory, 'checkpoint'), 'utf8')
  await first.store.close()
  const folder = join(first.directory, '..')
  rmSync(first.directory, { recursive: true })
  const { store, log, directory } = await openTestLog(folder)
  await log.flush()
  t.equal(readFileSync(join(directory, 'checkpoint'), 'utf8'), checkpoint, 'the very same checkpoint')
  t.equal(await audit(directory, [0, 255, 256, 299]), 300n)
  writeFileSync(join(directory, 'tile/0/001.p/44'), Buffer.alloc(44 * 32 - 1))
  await store.close()
  const again = await openTestLog(folder)
  await grow(again.store, 300, 301)
  await t.rejects(again.log.flush(), { code: 'LOG_TILE_UNREADABLE' })
  await again.store.close()
})

t.test('another key or another name does not take over a log', async (t) => {
  const { store, directory } = await published(t.testdir())
  const tiles = createTileDirectory(directory)
  const other = createPublisher({ store, tiles, signer: createTestKey('other'), clock: () => START, directory }, ORIGIN)
  await t.rejects(other.publish(), { code: 'LOG_KEY_CHANGED' })
  await t.rejects(
    store.batch((sql) => appendEntries(sql, 'other.example', [entry(0n)])),
    { code: 'LOG_ORIGIN_CHANGED' },
  )
  appendFileSync(join(directory, 'log.vkey'), '\n')
  const same = createPublisher({ store, tiles, signer: createTestKey('log'), clock: () => START, directory }, ORIGIN)
  await t.rejects(same.publish(), { code: 'LOG_KEY_CHANGED' })
  await t.rejects(openTestLog(join(directory, '..'), 'a name with spaces'), { code: 'LOG_ORIGIN_INVALID' })
  await store.close()
})

t.test('a folder that cannot be written: said, kept in the database, made good later', async (t) => {
  const folder = t.testdir({ log: 'a file where the folder should be' })
  const { store, log, directory } = await openTestLog(folder)
  await grow(store, 0, 3)
  await t.rejects(log.flush(), { code: 'LOG_DIRECTORY_UNUSABLE' })
  rmSync(directory)
  t.equal(await log.flush(), 3n)
  await store.close()
})

t.test('the running part publishes by itself, and everything before it stops', async (t) => {
  const { store, log, directory } = await openTestLog(t.testdir())
  await log.start()
  await grow(store, 0, 10)
  while ((await audit(directory, [])) < 10n) await new Promise((resolve) => setTimeout(resolve, 5))
  await grow(store, 10, 20)
  await log.stop()
  t.equal(await audit(directory, [0, 19]), 20n)
  const checkpoint = await log.checkpoint()
  t.equal(checkpoint?.size, 20n)
  t.ok(
    verifyConsistency(
      20n,
      checkpoint?.root ?? Buffer.alloc(0),
      20n,
      await log.root(20n),
      await log.consistencyProof(20n, 20n),
    ),
  )
  await store.close()
})
