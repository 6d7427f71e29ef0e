// Brings a database to the schema of this program. Each migration runs once, all that are missing in one transaction.
import type Database from 'better-sqlite3'
import type { Client } from 'pg'
import { fail } from '../kernel/errors.ts'
import { definitions as initial } from './migrations/0001-initial.ts'
import { charging } from './migrations/0002-charging.ts'
import { sim } from './migrations/0003-sim.ts'
import { partner } from './migrations/0004-partner.ts'
import { esim } from './migrations/0005-esim.ts'
import { sessions } from './migrations/0006-sessions.ts'
import { diameter } from './migrations/0007-diameter.ts'
import { access } from './migrations/0008-access.ts'
import { radsec } from './migrations/0009-radsec.ts'
import { type Definition, definitionSql } from './tables.ts'

/** In the order of their numbers; what has been released is never changed. */
export const MIGRATIONS: readonly (readonly Definition[])[] = [
  initial,
  charging,
  sim,
  partner,
  esim,
  sessions,
  diameter,
  access,
  radsec,
]

/** The version of the schema that this program works with: 1 for the first. */
export const SCHEMA_VERSION = MIGRATIONS.length

/** What is wanted for a database of version `from`; throws STORE_UNUSABLE for one that a newer program has changed. */
function missing(from: number, path: string): readonly Definition[] {
  if (from > SCHEMA_VERSION)
    fail('STORE_UNUSABLE', {
      path,
      reason: `its schema ${from} is newer than this program, which knows ${SCHEMA_VERSION}`,
    })
  return MIGRATIONS.slice(from).flat()
}

/** The version of the schema in the file, 0 for an empty one. */
export const sqliteVersion = (database: Database.Database): number =>
  Number(database.pragma('user_version', { simple: true }))

/** Two programs may come at once: the second waits and finds nothing to do. */
export function migrateSqlite(database: Database.Database): void {
  if (missing(sqliteVersion(database), database.name).length === 0) return
  database.exec('begin immediate')
  try {
    for (const definition of missing(sqliteVersion(database), database.name))
      database.exec(definitionSql(definition, 'sqlite'))
    database.pragma(`user_version = ${SCHEMA_VERSION}`)
    database.exec('commit')
  } catch (error) {
    if (database.inTransaction) database.exec('rollback')
    throw error
  }
}

type Queries = Pick<Client, 'query'>

/** As `sqliteVersion`. */
export async function postgresqlVersion(client: Queries): Promise<number> {
  const { rows } = await client.query("select to_regclass('schema_version') is not null as there")
  if (!rows[0]?.there) return 0
  const found = await client.query('select version from schema_version')
  return Number(found.rows[0]?.version ?? 0)
}

/** As `migrateSqlite`. `database` is for messages. */
export async function migratePostgresql(client: Queries, database: string): Promise<void> {
  if (missing(await postgresqlVersion(client), database).length === 0) return
  await client.query('begin')
  try {
    await client.query('set local lock_timeout = 0')
    await client.query("select pg_advisory_xact_lock(hashtextextended('tallycell migrate', 0))")
    await client.query('create table if not exists schema_version (version bigint not null)')
    for (const definition of missing(await postgresqlVersion(client), database))
      await client.query(definitionSql(definition, 'postgresql'))
    await client.query('delete from schema_version')
    await client.query('insert into schema_version values ($1)', [SCHEMA_VERSION])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}
