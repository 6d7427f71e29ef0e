// A kysely dialect over one better-sqlite3 connection: one statement or transaction at a time, write transactions taken at once
// (BEGIN IMMEDIATE, so that two processes never fail half-way), prepared statements kept, integers as bigint.
import type Database from 'better-sqlite3'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Durable } from './durable.ts'

const MAX_STATEMENTS = 256

/** First come, first served: `acquire` resolves with the function that hands the lock on. */
export function createMutex(): () => Promise<() => void> {
  let tail: Promise<void> = Promise.resolve()
  return () => {
    const before = tail
    const { promise, release } = latch()
    tail = promise
    return before.then(() => release)
  }
}

function latch(): { promise: Promise<void>; release: () => void } {
  let release = (): void => {}
  const promise = new Promise<void>((resolve) => {
    release = resolve
  })
  return { promise, release }
}

class Connection implements DatabaseConnection {
  readonly #database: Database.Database
  readonly #statements = new Map<string, Database.Statement>()

  readonly #durable: Durable

  constructor(database: Database.Database, durable: Durable) {
    this.#database = database
    this.#durable = durable
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const statement = this.#prepare(query.sql)
    const result = this.#execute<Row>(statement, query.parameters)
    // Outside a transaction every writing statement is one, and so is `commit`.
    if (!(statement.readonly && statement.reader) && !this.#database.inTransaction) await this.#durable()
    return result
  }

  #execute<Row>(statement: Database.Statement, parameters: readonly unknown[]): QueryResult<Row> {
    if (statement.reader) return { rows: statement.all(parameters) as Row[] }
    const { changes, lastInsertRowid } = statement.run(parameters)
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    for (const row of this.#database.prepare(query.sql).iterate(query.parameters)) yield { rows: [row as Row] }
  }

  #prepare(text: string): Database.Statement {
    let statement = this.#statements.get(text)
    if (!statement) {
      if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear()
      statement = this.#database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }
}

class SqliteDriver implements Driver {
  readonly #connection: Connection
  readonly #database: Database.Database
  readonly #acquire: () => Promise<() => void>
  #release = (): void => {}

  constructor(database: Database.Database, acquire: () => Promise<() => void>, durable: Durable) {
    this.#database = database
    this.#connection = new Connection(database, durable)
    this.#acquire = acquire
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    this.#release = await this.#acquire()
    return this.#connection
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A full disk or an I/O error has rolled back already.
    if (this.#database.inTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  async releaseConnection(): Promise<void> {
    this.#release()
  }

  async destroy(): Promise<void> {
    this.#database.close()
  }
}

/**
 * `acquire` is shared with whoever else uses `database`, so that nobody runs inside another's transaction; `durable` is awaited
 * after each commit.
 */
export function sqliteDialect(
  database: Database.Database,
  acquire: () => Promise<() => void>,
  durable: Durable,
): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new SqliteDriver(database, acquire, durable),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}
