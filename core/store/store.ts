// The store port: one database, reached by kysely for everyday statements and by `batch` where thousands of rows share one commit.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { Kysely, type Transaction } from 'kysely'
import { fail, isTallycellError } from '../kernel/errors.ts'
import * as initial from './migrations/0001-initial.ts'
import type { Schema } from './schema.ts'
import { createMutex, sqliteDialect } from './sqlite-dialect.ts'

export type Tx = Transaction<Schema>
/** A prepared-statement connection for hot paths; integers come back as bigint unless the statement says otherwise. */
export type RawDatabase = Database.Database

export interface Store {
  /** Reads, and single-statement writes. */
  readonly db: Kysely<Schema>
  /** Runs `work` in one durable transaction; rejects with STORE_LOCKED or STORE_FULL where that is the cause, having changed nothing. */
  transaction<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result>
  /** As `transaction`, for synchronous work on prepared statements: the group commit path. */
  batch<Result>(work: (database: RawDatabase) => Result): Promise<Result>
  close(): Promise<void>
}

export interface StoreOptions {
  /** File of the database, created with its folder; `:memory:` for tests. */
  readonly path: string
  /** How long to wait for another process's write, milliseconds. */
  readonly busyTimeout?: number
}

const MIGRATIONS = [initial.up]

/** Opens the database and brings its schema up to date. Throws STORE_UNUSABLE or STORE_LOCKED. */
export async function openStore({ path, busyTimeout = 2000 }: StoreOptions): Promise<Store> {
  let database: Database.Database
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
    database = new Database(path, { timeout: busyTimeout })
    database.defaultSafeIntegers(true)
    database.pragma('journal_mode = wal')
    // FULL: a commit is on disk before it returns (sqlite.org/pragma.html#pragma_synchronous).
    database.pragma('synchronous = full')
    database.pragma('foreign_keys = on')
    database.pragma('wal_autocheckpoint = 4000')
  } catch (error) {
    // better-sqlite3 refuses a folder that does not exist with a TypeError.
    if (error instanceof TypeError) return fail('STORE_UNUSABLE', { path, reason: error.message }, error)
    throw translate(error, path)
  }
  const acquire = createMutex()
  const [begin, commit] = [database.prepare('begin immediate'), database.prepare('commit')]
  const db = new Kysely<Schema>({ dialect: sqliteDialect(database, acquire) })
  const store: Store = {
    db,
    async transaction(work) {
      try {
        return await db.transaction().execute(work)
      } catch (error) {
        throw translate(error, path)
      }
    },
    async batch(work) {
      const release = await acquire()
      try {
        begin.run()
        const result = work(database)
        commit.run()
        return result
      } catch (error) {
        if (database.inTransaction) database.exec('rollback')
        throw translate(error, path)
      } finally {
        release()
      }
    },
    close: () => db.destroy(),
  }
  try {
    await migrate(store, database)
  } catch (error) {
    database.close()
    throw error
  }
  return store
}

async function migrate(store: Store, database: Database.Database): Promise<void> {
  const version = (): number => Number(database.pragma('user_version', { simple: true }))
  if (version() > MIGRATIONS.length)
    fail('STORE_UNUSABLE', { path: database.name, reason: `its schema ${version()} is newer than this program` })
  if (version() === MIGRATIONS.length) return
  await store.transaction(async (tx) => {
    for (const up of MIGRATIONS.slice(version())) await up(tx)
    database.pragma(`user_version = ${MIGRATIONS.length}`)
  })
}

/** SQLite's words for the catalogue's; anything else passes unchanged. */
function translate(error: unknown, path: string): unknown {
  if (isTallycellError(error) || !(error instanceof Error)) return error
  const code = 'code' in error ? String(error.code) : ''
  try {
    if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) fail('STORE_LOCKED', { path }, error)
    if (code === 'SQLITE_FULL') fail('STORE_FULL', { path }, error)
    if (/^SQLITE_(CANTOPEN|NOTADB|CORRUPT|IOERR|READONLY|PERM)/.test(code) || /^E[A-Z]+$/.test(code))
      fail('STORE_UNUSABLE', { path, reason: error.message }, error)
  } catch (translated) {
    return translated
  }
  return error
}
