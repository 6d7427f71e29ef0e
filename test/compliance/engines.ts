// The engines that a store test runs on: SQLite always, PostgreSQL where TEST_POSTGRESQL names a server (`make test-pg`). Each test has a
// new database of its own.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { openStore, type Store, type StoreOptions } from '../../core/store/store.ts'

export interface TestDatabase {
  readonly engine: 'sqlite' | 'postgresql'
  readonly options: StoreOptions
  /** Opens the database, once more at each call, as another node would; closed when the test ends. */
  open(options?: { readonly connections?: number; readonly busyTimeout?: number }): Promise<Store>
}

/** Runs a test once on each engine. */
export function onEachEngine(name: string, test: (t: Test, database: TestDatabase) => Promise<void>): void {
  t.test(`${name} (sqlite)`, (t) => test(t, testSqlite(t)))
  const server = process.env.TEST_POSTGRESQL
  if (server)
    t.test(`${name} (postgresql)`, async (t) => {
      const url = await newDatabase(t, server)
      await test(t, testDatabase(t, 'postgresql', { url }))
    })
}

/** A SQLite file, for what only it has. */
export function testSqlite(t: Test): TestDatabase & { readonly options: { readonly path: string } } {
  const options = { path: join(t.testdir(), 's.db') }
  return { ...testDatabase(t, 'sqlite', options), options }
}

function testDatabase(t: Test, engine: TestDatabase['engine'], options: StoreOptions): TestDatabase {
  return {
    engine,
    options,
    async open(more = {}) {
      const store = await openStore({ ...options, ...more })
      t.teardown(() => store.close())
      return store
    },
  }
}

/** Makes a database on `server`; it goes when the test ends. */
export async function newDatabase(t: Test, server: string): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await ask(server, `create database ${name} template template_tallycell`)
  t.teardown(() => ask(server, `drop database ${name} with (force)`))
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

/** Runs one statement on a connection of its own. */
export async function ask(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text, [...values])).rows
  } finally {
    await client.end()
  }
}
