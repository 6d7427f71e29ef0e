// The store port: one database, reached by kysely for everyday statements and by `batch` where thousands of rows share one commit.
import type { Kysely, Transaction } from 'kysely'
import type { Schema } from './schema.ts'
import type { Sql } from './sql.ts'

export type Tx = Transaction<Schema>

export interface Store {
  /** Reads, and single-statement writes. */
  readonly db: Kysely<Schema>
  /**
   * Runs `work` in one durable transaction; rejects with STORE_LOCKED or STORE_FULL where that is the cause, having changed nothing.
   * `journals`: the tables that it inserts into and that others read behind a cursor (see `Sql.journal`).
   * On PostgreSQL work that met a deadlock is run again: it must have no effects but through its transaction. STORE_UNREACHABLE: the
   * connection was lost, and nobody knows whether a commit under way was made.
   */
  transaction<Result>(work: (tx: Tx) => Promise<Result>, journals?: readonly Journal[]): Promise<Result>
  /** As `transaction`, for work on sets of rows: the path of everything that is many. Several may run at once on PostgreSQL. */
  batch<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>
  /** Runs `work` on the database as it is at one instant, keeping nobody from writing meanwhile. `work` only reads: writing throws. */
  read<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>
  /**
   * Runs `work` while no other node on this database runs work of the same name; undefined, at once, when one does. What a node held is
   * free again when it dies. `lost` aborts when the connection that held the name is gone: another node may have begun then, so each
   * transaction of `work` still has to check what it builds on.
   */
  exclusive<Result>(name: string, work: (lost: AbortSignal) => Promise<Result>): Promise<Result | undefined>
  close(): Promise<void>
}

/** Tables that others read behind a cursor. */
export type Journal = 'radio_certificate_event' | 'radio_event' | 'subscriber' | 'usage_event'
