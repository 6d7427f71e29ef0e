// The thread that copies the write-ahead log into the database: a pass for every message but the last, which says stop.
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'

const database = new Database(workerData as string)
database.pragma('synchronous = normal')
parentPort?.on('message', (message: 'begin' | 'again' | 'stop') => {
  if (message === 'stop') {
    database.close()
    parentPort?.close()
    return
  }
  // Passive: it waits for nobody, and nobody for it (sqlite.org/c3ref/wal_checkpoint_v2.html).
  database.pragma('wal_checkpoint(passive)')
  parentPort?.postMessage('copied')
})
