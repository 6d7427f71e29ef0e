// Checkpoints of SQLite's write-ahead log (sqlite.org/wal.html#checkpointing) while others write. Copying thousands of pages and waiting for the
// disk takes tens of milliseconds, so a thread with a connection of its own does it; only the few pages that came meanwhile are
// left to the writer, which then begins the log anew.
import { readSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type Database from 'better-sqlite3'
import { threadEntry } from '../runtime/thread-entry.ts'

/** Pages in the log that call for a checkpoint. */
const ENOUGH = 4000
/** Pages that the writer copies itself. */
const FEW = 1000
/** Pages at which SQLite itself steps in, should the thread have come to grief. */
const TOO_MANY = 64_000
/** Of the index's first octets: mxFrame and nBackfill (sqlite.org/walformat.html#the_wal_index_file_format). */
const [HEADER, MX_FRAME, BACKFILLED] = [100, 16, 96]
const ENTRY = threadEntry('./checkpoint-thread', import.meta.url)

export interface Checkpoints {
  /** To be called after commits: costs a few microseconds. */
  look(): void
  /** Resolves when the thread, if any, has closed its connection. */
  stop(): Promise<void>
}

export interface CheckpointDeps {
  readonly database: Database.Database
  /** Descriptor of the log's index. */
  readonly index: number
  /** Resolves when nobody else uses the connection, with how to give it back. */
  readonly acquire: () => Promise<() => void>
}

export function createCheckpoints({ database, index, acquire }: CheckpointDeps): Checkpoints {
  const header = Buffer.alloc(HEADER)
  let worker: Worker | undefined
  let ended: Promise<void> = Promise.resolve()
  let busy = false
  let stopping = false
  database.pragma(`wal_autocheckpoint = ${TOO_MANY}`)

  /** Pages in the log, and those of them that are not in the database yet. */
  const pages = (): { readonly all: number; readonly missing: number } => {
    if (readSync(index, header, 0, HEADER, 0) < HEADER) return { all: 0, missing: 0 }
    // The index is in the machine's own byte order: both that Node.js runs SQLite on are little-endian.
    const all = header.readUInt32LE(MX_FRAME)
    return { all, missing: all - header.readUInt32LE(BACKFILLED) }
  }
  const start = (): Worker => {
    const thread = new Worker(ENTRY.url, {
      workerData: database.name,
      execArgv: ENTRY.execArgv,
      // It keeps nothing.
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 },
    })
    ended = new Promise((resolve) => thread.once('exit', () => resolve()))
    // SQLite's own checkpoints go on.
    thread.on('error', () => {})
    thread.on('message', () => void copied())
    thread.unref()
    return thread
  }
  const copied = async (): Promise<void> => {
    if (stopping) return
    if (pages().missing > FEW) {
      worker?.postMessage('again')
      return
    }
    const release = await acquire()
    try {
      if (database.open) database.pragma('wal_checkpoint(passive)')
      busy = false
    } catch {
      // A disk that is full or broken: SQLite's own checkpoint will tell it to whoever writes then.
    } finally {
      release()
    }
  }
  return {
    look() {
      if (busy || stopping || pages().all < ENOUGH) return
      busy = true
      worker ??= start()
      worker.postMessage('begin')
    },
    async stop() {
      stopping = true
      worker?.ref()
      worker?.postMessage('stop')
      await ended
    },
  }
}
