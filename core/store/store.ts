// The one place that knows which engines there are.
import type { Store } from './port.ts'
import { openPostgresql, type PostgresqlOptions } from './postgresql-store.ts'
import { openSqlite, type SqliteOptions } from './sqlite-store.ts'

export type { Journal, Store, Tx } from './port.ts'

export type StoreOptions = SqliteOptions | PostgresqlOptions

/** Opens the database and brings its schema up to date. Throws the STORE_… errors of the catalogue. */
export function openStore(options: StoreOptions): Promise<Store> {
  return 'path' in options ? openSqlite(options) : openPostgresql(options)
}
