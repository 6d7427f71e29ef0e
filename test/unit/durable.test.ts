import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { createDurable } from '../../core/store/durable.ts'

/** A disk whose syncs end when they are told to. */
function createDisk() {
  const syncs: { end: () => void; fail: (error: Error) => void }[] = []
  const sync = (): Promise<void> =>
    new Promise((resolve, reject) => {
      syncs.push({ end: resolve, fail: reject })
    })
  return { syncs, sync }
}

const settled = async (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setImmediate(resolve, false))])

t.test('a call during a sync waits for the next one, which all such calls share', async (t) => {
  const { syncs, sync } = createDisk()
  const durable = createDurable(sync)
  const first = durable()
  const [second, third] = [durable(), durable()]
  t.equal(syncs.length, 1)
  syncs[0]?.end()
  await first
  t.equal(await settled(second), false, 'the first sync began before the second call')
  t.equal(syncs.length, 2)
  const fourth = durable()
  syncs[1]?.end()
  await Promise.all([second, third])
  t.equal(await settled(fourth), false)
  syncs[2]?.end()
  await fourth
  t.equal(syncs.length, 3)
})

t.test('after a failed sync nothing is durable any more', async (t) => {
  const { syncs, sync } = createDisk()
  const durable = createDurable(sync)
  const [first, second] = [durable(), durable()]
  syncs[0]?.fail(new Error('EIO'))
  await t.rejects(first, { message: 'EIO' })
  await t.rejects(second, { message: 'EIO' })
  await t.rejects(durable(), { message: 'EIO' })
  t.equal(syncs.length, 1, 'no later sync is believed')
})

// What the disk surely holds after a power cut is what was in the files when the last finished sync began.
t.test('every commit is in what a sync has covered before it is answered', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 's.db')
  const image = join(folder, 'image.db')
  const real = fs.fdatasync
  let copies = 0
  const watched = (fd: number, done: (error: Error | null) => void): void => {
    const at = `${image}.${copies++}`
    for (const suffix of ['', '-wal']) fs.copyFileSync(path + suffix, at + suffix)
    real(fd, (error) => {
      for (const suffix of ['', '-wal']) fs.renameSync(at + suffix, image + suffix)
      done(error)
    })
  }
  fs.fdatasync = watched as typeof fs.fdatasync
  syncBuiltinESMExports()
  t.teardown(() => {
    fs.fdatasync = real
    syncBuiltinESMExports()
  })
  const { openStore } = await import('../../core/store/store.ts')
  const store = await openStore({ path })
  t.teardown(() => store.close())
  const inImage = (stage: string): bigint => {
    const copy = join(folder, `look-${copies}.db`)
    for (const suffix of ['', '-wal']) fs.copyFileSync(image + suffix, copy + suffix)
    const database = new Database(copy).defaultSafeIntegers(true)
    const row = database.prepare('select position from stage_cursor where stage = ?').get(stage) as
      | { position: bigint }
      | undefined
    database.close()
    return row?.position ?? -1n
  }
  const target = {
    table: 'stage_cursor',
    columns: ['stage', 'position'],
    conflict: '(stage) do update set position = excluded.position',
  }
  const answers = Array.from({ length: 20 }, (_, index) =>
    store
      .batch(async (sql) => sql.insert(target, [['batch', BigInt(index)]]))
      .then(() => t.ok(inImage('batch') >= BigInt(index), `batch ${index}`)),
  )
  await Promise.all(answers)
  t.ok(copies < 20, 'commits share syncs')
  await store.transaction((tx) => tx.insertInto('stage_cursor').values({ stage: 'tx', position: 7n }).execute())
  t.equal(inImage('tx'), 7n, 'a transaction')
  await store.db.insertInto('stage_cursor').values({ stage: 'single', position: 8n }).execute()
  t.equal(inImage('single'), 8n, 'a statement of its own')
})
