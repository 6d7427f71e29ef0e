// One node per data folder: two would both append to the same log. The lock is the one that SQLite takes on a file, because the
// system drops it when the process ends, however it ends, and because it holds between containers that share a folder.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { fail } from '../kernel/errors.ts'
import type { Part } from '../runtime/module.ts'

/** Holds `dataDir` while it runs; throws NODE_ALREADY_RUNNING or STORE_UNUSABLE at start. */
export function createNodeLock(dataDir: string): Part {
  // For messages only: the number is of no use once its process has gone.
  const pidFile = join(dataDir, 'node.pid')
  let held: Database.Database | undefined
  return {
    name: 'node-lock',
    async start() {
      held = acquire(dataDir, pidFile)
      writeFileSync(pidFile, `${process.pid}\n`)
    },
    async stop() {
      rmSync(pidFile, { force: true })
      held?.close()
    },
  }
}

function acquire(dataDir: string, pidFile: string): Database.Database {
  const path = join(dataDir, 'node.lock')
  let database: Database.Database | undefined
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 })
    database = new Database(path, { timeout: 0 })
    database.exec('begin exclusive')
    return database
  } catch (error) {
    database?.close()
    if (!(error instanceof Error) || !('code' in error || error instanceof TypeError)) throw error
    if ('code' in error && error.code === 'SQLITE_BUSY')
      fail('NODE_ALREADY_RUNNING', { dataDir, pid: holder(pidFile) }, error)
    return fail('STORE_UNUSABLE', { path, reason: error.message }, error)
  }
}

function holder(pidFile: string): string {
  try {
    return readFileSync(pidFile, 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
