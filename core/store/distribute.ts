// The tables that grow with the subscribers, spread over several machines by Citus (docs.citusdata.com). Nodes go on talking to its
// coordinator, which keeps the other tables.

import { fail } from '../kernel/errors.ts'
import { withoutPassword } from '../log/redact.ts'
import { MIGRATIONS } from './migrate.ts'
import { connectAlone, type PoolOptions, postgresqlError } from './postgresql-pool.ts'
import type { StoreOptions } from './store.ts'

export interface Distribution {
  readonly table: string
  readonly text: string
}

/** One statement for each table whose definition names a column to distribute it by. */
export function distributionStatements(): Distribution[] {
  return MIGRATIONS.flat().flatMap((definition) =>
    'table' in definition && definition.distribute !== undefined
      ? [
          {
            table: definition.table,
            text: `select create_distributed_table('${definition.table}', '${definition.distribute}')`,
          },
        ]
      : [],
  )
}

/** Distributes what is not distributed yet. Throws STORE_NOT_DISTRIBUTABLE where there is no Citus, and as `openStore` does. */
export async function distribute(options: StoreOptions): Promise<{ tables: string[]; already: string[] }> {
  if ('path' in options)
    return fail('STORE_NOT_DISTRIBUTABLE', { database: options.path, reason: 'it is a SQLite file' })
  const pool: PoolOptions = { ...options, connections: 1 }
  const database = withoutPassword(options.url)
  try {
    const client = await connectAlone(pool)
    try {
      const { rows: extension } = await client.query("select 1 from pg_extension where extname = 'citus'")
      if (extension.length === 0) fail('STORE_NOT_DISTRIBUTABLE', { database, reason: 'it has no extension citus' })
      const { rows } = await client.query('select table_name::text as table from citus_tables')
      const already = new Set(rows.map((row) => String(row.table)))
      const missing = distributionStatements().filter(({ table }) => !already.has(table))
      for (const { text } of missing) await client.query(text)
      return { tables: missing.map(({ table }) => table), already: [...already] }
    } finally {
      await client.end()
    }
  } catch (error) {
    throw postgresqlError(error, pool)
  }
}
