// The store on PostgreSQL: several nodes may work on one database.
import { setTimeout as sleep } from 'node:timers/promises'
import { CompiledQuery, Kysely, PostgresDialect, type PostgresPoolClient, type PostgresQueryResult } from 'kysely'
import type { Pool, PoolClient, QueryResult } from 'pg'
import { withoutPassword } from '../log/redact.ts'
import { createLeases } from './lease.ts'
import { migratePostgresql } from './migrate.ts'
import type { Store } from './port.ts'
import { checkServer, createPool, isConflict, isLost, type PoolOptions, postgresqlError } from './postgresql-pool.ts'
import { createTexts, JOURNAL_LOCK, postgresqlSql, type Query, type Texts } from './postgresql-sql.ts'
import type { Schema } from './schema.ts'

export interface PostgresqlOptions extends Omit<PoolOptions, 'connections'> {
  /** Most connections at once; one more is used where a node holds a name (`Store.exclusive`). */
  readonly connections?: number
}

/** Runs of one transaction. */
const MAX_RUNS = 5

/** Throws STORE_UNREACHABLE, STORE_REFUSED, STORE_DATABASE_MISSING, STORE_SERVER_UNFIT or STORE_UNUSABLE. */
export async function openPostgresql({ connections = 10, ...where }: PostgresqlOptions): Promise<Store> {
  const options: PoolOptions = { ...where, connections }
  const translated = (error: unknown): unknown => postgresqlError(error, options)
  let pool: Pool
  try {
    pool = createPool(options)
  } catch (error) {
    throw translated(error)
  }
  try {
    const client = await pool.connect()
    try {
      const database = withoutPassword(options.url)
      await checkServer(client, database)
      await migratePostgresql(client, database)
    } finally {
      client.release()
    }
  } catch (error) {
    await pool.end()
    throw translated(error)
  }
  const texts = createTexts()
  const db = new Kysely<Schema>({
    dialect: new PostgresDialect({
      pool: {
        connect: async () => {
          try {
            return kyselyClient(await pool.connect(), texts, translated)
          } catch (error) {
            throw translated(error)
          }
        },
        end: () => pool.end(),
      },
    }),
  })
  const leases = createLeases(options)
  return {
    db,
    async transaction(work, journals = []) {
      return settled(translated, () =>
        db.transaction().execute(async (tx) => {
          for (const journal of [...journals].sort()) await tx.executeQuery(CompiledQuery.raw(JOURNAL_LOCK, [journal]))
          return work(tx)
        }),
      )
    },
    batch: (work) =>
      settled(translated, () => inTransaction(pool, WRITING, (query) => work(postgresqlSql(query, texts)))),
    read: (work) =>
      settled(translated, () => inTransaction(pool, READING, (query) => work(postgresqlSql(query, texts)))),
    exclusive: (name, work) => leases.exclusive(name, work),
    async close() {
      await leases.close()
      await db.destroy()
      // kysely closes what it has used only.
      if (!pool.ending) await pool.end()
    },
  }
}

/** Runs a transaction until it gets through, `MAX_RUNS` times at most. */
async function settled<Result>(translated: (error: unknown) => unknown, once: () => Promise<Result>): Promise<Result> {
  for (let run = 1; ; run++) {
    try {
      return await once()
    } catch (error) {
      if (!isConflict(error) || run === MAX_RUNS) throw translated(error)
      // At random, so that those who stood in each other's way do not meet again.
      await sleep(Math.random() * 10 * 2 ** run)
    }
  }
}

const WRITING = 'read committed'
/** One snapshot for all statements. */
const READING = 'repeatable read, read only'

async function inTransaction<Result>(
  pool: Pool,
  isolation: typeof WRITING | typeof READING,
  work: (query: Query) => Promise<Result>,
): Promise<Result> {
  const client = await begin(pool, isolation)
  let failure: unknown
  let unfit = false
  const query: Query = async (statement, values) => {
    try {
      return await client.query({ ...statement, values })
    } catch (error) {
      failure ??= error
      throw error
    }
  }
  try {
    const result = await work(query)
    // The server answers `rollback` to the commit of a transaction in which a statement failed.
    if (failure !== undefined) throw failure
    await client.query('commit')
    return result
  } catch (error) {
    unfit = isLost(error) || isConflict(error)
    if (!isLost(error))
      await client.query('rollback').catch(() => {
        unfit = true
      })
    throw error
  } finally {
    client.release(unfit)
  }
}

/** A connection with a transaction begun. One that died while nobody used it may be met before the pool knows. */
async function begin(pool: Pool, isolation: string): Promise<PoolClient> {
  for (let retry = true; ; retry = false) {
    const client = await pool.connect()
    try {
      await client.query(`begin isolation level ${isolation}`)
      return client
    } catch (error) {
      client.release(true)
      if (!retry || !isLost(error)) throw error
    }
  }
}

/** What kysely sees of a connection: its statements prepared, its errors in the catalogue's words. */
function kyselyClient(client: PoolClient, texts: Texts, translated: (error: unknown) => unknown): PostgresPoolClient {
  let lost = false
  return {
    async query<Row>(text: string, values: readonly unknown[]) {
      try {
        const result: QueryResult = await client.query({ ...texts.named(text), values: [...values] })
        if (text === 'commit' && result.command === 'ROLLBACK')
          throw new Error('a statement of this transaction failed: nothing was committed')
        return result as unknown as PostgresQueryResult<Row>
      } catch (error) {
        lost ||= isLost(error)
        // What was not committed is undone already, and the caller is to hear of the first error, not of this one.
        if (lost && text === 'rollback')
          return { command: 'SELECT', rowCount: 0, rows: [] } satisfies PostgresQueryResult<Row>
        throw isConflict(error) ? error : translated(error)
      }
    },
    release: () => client.release(lost),
  } as PostgresPoolClient
}
