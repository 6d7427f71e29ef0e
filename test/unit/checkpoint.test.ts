// The write-ahead log is copied into the database while it is written.
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { openStore } from '../../core/store/store.ts'

const PAGE = 4096
const TARGET = { table: 'filler', columns: ['name', 'value'], conflict: '(name) do update set value = excluded.value' }
const ROWS = 200
const ROUNDS = 200

t.test('a log that would have grown to 160 MB stays small, and nothing is missing afterwards', async (t) => {
  const path = join(t.testdir(), 'tallycell.db')
  const store = await openStore({ path })
  await store.batch((sql) => sql.run('create table filler (name text primary key, value text not null)'))
  let largest = 0
  for (let round = 0; round < ROUNDS; round++) {
    // A row to a page, the same rows each time: about 200 pages to a commit.
    const rows = Array.from({ length: ROWS }, (_, row) => [`k${row}`, `${round} `.padEnd(PAGE - 600, '.')])
    await store.batch((sql) => sql.insert(TARGET, rows))
    largest = Math.max(largest, statSync(`${path}-wal`).size)
  }
  t.ok(largest < 64_000 * PAGE, `the log had ${largest} octets`)
  t.ok(largest < (ROUNDS * ROWS * PAGE) / 2, `the log had ${largest} octets`)
  t.ok(statSync(path).size > ROWS * PAGE, 'the pages are in the database while it is open')
  await store.close()
  t.notOk(existsSync(`${path}-wal`), 'the last connection has tidied up')
  const database = new Database(path, { readonly: true })
  t.teardown(() => database.close())
  t.equal(database.pragma('integrity_check', { simple: true }), 'ok')
  const last = database
    .prepare(`select count(*) from filler where value like '${ROUNDS - 1} %'`)
    .pluck()
    .get()
  t.equal(last, ROWS)
})
