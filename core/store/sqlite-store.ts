// The store on one SQLite file, or in memory for tests.
import { closeSync, fdatasync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import { Kysely } from 'kysely'
import { fail, isTallycellError } from '../kernel/errors.ts'
import { createCheckpoints } from './checkpoint.ts'
import { createDurable, type Durable } from './durable.ts'
import { migrateSqlite } from './migrate.ts'
import type { Store } from './port.ts'
import type { Schema } from './schema.ts'
import { createMutex, sqliteDialect } from './sqlite-dialect.ts'
import { sqliteSql } from './sqlite-sql.ts'

export interface SqliteOptions {
  /** File of the database, created with its folder; `:memory:` for tests. */
  readonly path: string
  /** How long to wait for another process's write, milliseconds. */
  readonly busyTimeout?: number
}

/** Throws STORE_UNUSABLE or STORE_LOCKED. */
export async function openSqlite({ path, busyTimeout = 2000 }: SqliteOptions): Promise<Store> {
  let database: Database.Database
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
    database = new Database(path, { timeout: busyTimeout })
    database.defaultSafeIntegers(true)
    database.pragma('journal_mode = wal')
    // NORMAL: SQLite itself waits for the disk at checkpoints only (sqlite.org/pragma.html#pragma_synchronous); `durable` does at commits.
    database.pragma('synchronous = normal')
    database.pragma('foreign_keys = on')
    // Room for the pages that many sessions keep busy, KiB.
    database.pragma('cache_size = -16384')
  } catch (error) {
    // better-sqlite3 refuses a folder that does not exist with a TypeError.
    if (error instanceof TypeError) return fail('STORE_UNUSABLE', { path, reason: error.message }, error)
    throw sqliteError(error, path)
  }
  try {
    migrateSqlite(database)
  } catch (error) {
    database.close()
    throw sqliteError(error, path)
  }
  const acquire = createMutex()
  const sql = sqliteSql(database)
  const [begin, commit] = [database.prepare('begin immediate'), database.prepare('commit')]
  const log = path === ':memory:' ? undefined : openLog(database)
  const checkpoints = log && createCheckpoints({ database, index: log.index, acquire })
  const durable: Durable =
    log === undefined
      ? () => Promise.resolve()
      : createDurable(() => {
          checkpoints?.look()
          return datasync(log.pages)
        })
  const db = new Kysely<Schema>({ dialect: sqliteDialect(database, acquire, durable) })
  const held = new Set<string>()
  return {
    db,
    async transaction(work) {
      try {
        return await db.transaction().execute(work)
      } catch (error) {
        throw sqliteError(error, path)
      }
    },
    async batch(work) {
      const release = await acquire()
      let result: Awaited<ReturnType<typeof work>>
      try {
        begin.run()
        result = await work(sql)
        commit.run()
      } catch (error) {
        sql.forget()
        if (database.inTransaction) database.exec('rollback')
        throw sqliteError(error, path)
      } finally {
        release()
      }
      try {
        await durable()
      } catch (error) {
        throw sqliteError(error, path)
      }
      return result
    },
    async read(work) {
      const release = await acquire()
      try {
        database.pragma('query_only = on')
        // A snapshot from the first statement on, beside which others commit (sqlite.org/isolation.html).
        database.exec('begin')
        return await work(sql)
      } catch (error) {
        throw sqliteError(error, path)
      } finally {
        if (database.inTransaction) database.exec('rollback')
        database.pragma('query_only = off')
        release()
      }
    },
    // The node lock leaves one node to a file.
    async exclusive(name, work) {
      if (held.has(name)) return undefined
      held.add(name)
      try {
        return await work(new AbortController().signal)
      } finally {
        held.delete(name)
      }
    },
    async close() {
      // The last connection to be closed tidies up.
      await checkpoints?.stop()
      await db.destroy()
      // kysely closes what it has used only.
      if (database.open) database.close()
      if (log !== undefined) for (const descriptor of [log.pages, log.index]) closeSync(descriptor)
    },
  }
}

const datasync = promisify(fdatasync)

interface LogFiles {
  readonly pages: number
  readonly index: number
}

/** The write-ahead log and its index, which stay the same files as long as a connection is open. */
function openLog(database: Database.Database): LogFiles {
  // The files are there from the first read on.
  database.pragma('user_version')
  return { pages: openSync(`${database.name}-wal`, 'r+'), index: openSync(`${database.name}-shm`, 'r') }
}

/** SQLite's words in the catalogue's; anything else passes unchanged. */
export function sqliteError(error: unknown, path: string): unknown {
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
