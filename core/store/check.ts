// Is the database sound?
import Database from 'better-sqlite3'
import { fail } from '../kernel/errors.ts'
import { withoutPassword } from '../log/redact.ts'
import { MIGRATIONS, postgresqlVersion, sqliteVersion } from './migrate.ts'
import { checkServer, connectAlone, type PoolOptions, postgresqlError } from './postgresql-pool.ts'
import type { PostgresqlOptions } from './postgresql-store.ts'
import { sqliteError } from './sqlite-store.ts'

export interface CheckResult {
  /** Version of the schema. */
  readonly schema: number
  readonly rows: readonly { readonly table: string; readonly count: bigint }[]
  readonly problems: readonly string[]
  /** False where indexes could not be compared with their tables. */
  readonly thorough: boolean
}

/** The tables of schema `version`. */
const tablesOf = (version: number): string[] =>
  MIGRATIONS.slice(0, version)
    .flat()
    .flatMap((definition) => ('table' in definition ? [definition.table] : []))

const MAX_PROBLEMS = 100

/** Reads only. Throws STORE_UNUSABLE where there is no database. */
export function checkSqlite(path: string): CheckResult {
  let database: Database.Database | undefined
  try {
    database = new Database(path, { readonly: true, fileMustExist: true })
    database.defaultSafeIntegers(true)
    const schema = sqliteVersion(database)
    const sound = database.pragma(`integrity_check(${MAX_PROBLEMS})`) as { integrity_check: string }[]
    const orphans = database.pragma('foreign_key_check') as { table: string; rowid: bigint; parent: string }[]
    const counts = (table: string): bigint[] =>
      database?.prepare<[], bigint>(`select count(*) from ${table}`).pluck().all() ?? []
    return {
      schema,
      rows: tablesOf(schema).map((table) => ({ table, count: counts(table)[0] ?? 0n })),
      problems: [
        ...sound.map((row) => row.integrity_check).filter((line) => line !== 'ok'),
        ...orphans
          .slice(0, MAX_PROBLEMS)
          .map(({ table, rowid, parent }) => `row ${rowid} of ${table} names what ${parent} does not have`),
      ],
      thorough: true,
    }
  } catch (error) {
    if (error instanceof TypeError) fail('STORE_UNUSABLE', { path, reason: error.message }, error)
    // A page that cannot even be read.
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_CORRUPT') && database)
      return { schema: 0, rows: [], problems: [error.message], thorough: false }
    throw sqliteError(error, path)
  } finally {
    database?.close()
  }
}

/** Reads every row, and compares each index with its table where the extension amcheck is there. Throws as `openStore` does. */
export async function checkPostgresql({ connections = 1, ...where }: PostgresqlOptions): Promise<CheckResult> {
  const options: PoolOptions = { ...where, connections }
  try {
    const client = await connectAlone(options)
    try {
      const database = withoutPassword(options.url)
      await checkServer(client, database)
      const schema = await postgresqlVersion(client)
      const problems: string[] = []
      const attempt = async <Result>(what: string, work: () => Promise<Result>): Promise<Result | undefined> => {
        try {
          return await work()
        } catch (error) {
          // XX001 and XX002: data and index corrupted; XX000 is what amcheck reports by.
          if (!(error instanceof Error) || !('code' in error) || !/^XX/.test(String(error.code))) throw error
          problems.push(`${what}: ${error.message}`)
          return undefined
        }
      }
      const rows: { table: string; count: bigint }[] = []
      for (const table of tablesOf(schema)) {
        const result = await attempt(table, () =>
          client.query(`select count(*) as count, count(${table}::text) as read from ${table}`),
        )
        rows.push({ table, count: (result?.rows[0]?.count as bigint | undefined) ?? 0n })
      }
      const { rows: extension } = await client.query("select 1 from pg_extension where extname = 'amcheck'")
      const thorough = extension.length > 0
      if (thorough)
        for (const index of await indexes(client))
          await attempt(index, () => client.query('select bt_index_check($1::regclass, true)', [index]))
      return { schema, rows, problems, thorough }
    } finally {
      await client.end()
    }
  } catch (error) {
    throw postgresqlError(error, options)
  }
}

async function indexes(client: Awaited<ReturnType<typeof connectAlone>>): Promise<string[]> {
  const { rows } = await client.query(
    `select c.oid::regclass::text as index from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
      where a.amname = 'btree' and c.relkind = 'i' and i.indisvalid and c.relnamespace = current_schema()::regnamespace order by 1`,
  )
  return rows.map((row) => String(row.index))
}
