// `Sql` on one connection to PostgreSQL, inside a transaction: a set of rows is one array per column, so that a thousand rows cost
// one statement and the texts stay the same, prepared once per connection whatever the number of rows.
import type { QueryResult } from 'pg'
import type { Sql, Target, Value } from './sql.ts'

/** Rows to a statement. */
const ROWS = 8192
/** Prepared statements per connection; further texts are planned each time. */
const MAX_STATEMENTS = 500

export interface Statement {
  readonly text: string
  /** Prepared under this name, where there is one. */
  readonly name?: string
}

export type Query = (statement: Statement, values: unknown[]) => Promise<QueryResult>

/** What all connections of one pool know of the database and of their statements. */
export interface Texts {
  /** The statement for a text with `?`. */
  of(text: string): Statement
  /** The statement for a text that has `$1` already. */
  named(text: string): Statement
  /** Array types of a table's columns; `read` asks the catalogue when the table is new. */
  columnTypes(table: string, read: () => Promise<ReadonlyMap<string, string>>): Promise<ReadonlyMap<string, string>>
}

export function createTexts(): Texts {
  const statements = new Map<string, Statement>()
  const tables = new Map<string, Promise<ReadonlyMap<string, string>>>()
  const remember = (text: string, make: () => string): Statement => {
    const known = statements.get(text)
    if (known) return known
    if (statements.size >= MAX_STATEMENTS) return { text: make() }
    const statement = { text: make(), name: `s${statements.size}` }
    statements.set(text, statement)
    return statement
  }
  return {
    of: (text) => remember(text, () => numbered(text)),
    named: (text) => remember(text, () => text),
    columnTypes(table, read) {
      let types = tables.get(table)
      if (!types) {
        types = read()
        tables.set(table, types)
        types.then(
          (found) => found.size === 0 && tables.delete(table),
          () => tables.delete(table),
        )
      }
      return types
    },
  }
}

/** `?` outside quotes becomes `$1`, `$2`, …. */
function numbered(text: string): string {
  let count = 0
  return text.replace(/'[^']*'|"[^"]*"|\?/g, (match) => (match === '?' ? `$${++count}` : match))
}

/** The caller's transaction has begun on the connection behind `query`. */
export function postgresqlSql(query: Query, texts: Texts): Sql {
  const run = (text: string, values: readonly Value[]): Promise<QueryResult> => query(texts.of(text), [...values])

  const typesOf = (table: string): Promise<ReadonlyMap<string, string>> =>
    texts.columnTypes(table, async () => {
      const { rows } = await query(texts.named(COLUMN_TYPES), [table])
      return new Map(rows.map(({ name, type }) => [name, type]))
    })

  /** One result for each statement that the rows take. */
  const insert = async (target: Target, tail: string, rows: readonly (readonly Value[])[]): Promise<QueryResult[]> => {
    if (rows.length === 0) return []
    const { table, columns, conflict } = target
    const types = await typesOf(table)
    const arrays = columns.map((column, index) => `$${index + 1}::${types.get(column) ?? 'text'}[]`)
    const statement = texts.named(
      `insert into ${table} (${columns.join(', ')}) select * from unnest(${arrays.join(', ')})${conflict === undefined ? '' : ` on conflict ${conflict}`}${tail}`,
    )
    const results: QueryResult[] = []
    for (const part of parts(rows))
      results.push(
        await query(
          statement,
          columns.map((_, column) => arrayOf(part.map((row) => row[column] ?? null))),
        ),
      )
    return results
  }

  return {
    engine: 'postgresql',
    async rows<Row>(text: string, ...parameters: readonly Value[]) {
      return (await run(text, parameters)).rows as Row[]
    },
    async row<Row>(text: string, ...parameters: readonly Value[]) {
      return (await run(text, parameters)).rows[0] as Row | undefined
    },
    async run(text, ...parameters) {
      return (await run(text, parameters)).rowCount ?? 0
    },
    async find<Row>(select: string, key: string, keys: readonly Value[], lock?: 'lock') {
      const found: Row[] = []
      if (keys.length === 0) return found
      // Two that lock the same rows wait for each other for ever unless both go in one order. `no key update` keeps out whoever
      // would change or delete the row, but not those who only refer to it.
      const tail = lock ? ` order by ${key} for no key update` : ''
      const statement = texts.named(`${select} where ${key} = any($1::${arrayType(keys[0])})${tail}`)
      const ordered = lock && keys.length > ROWS ? [...keys].sort(compare) : keys
      for (const part of parts(ordered))
        for (const row of (await query(statement, [arrayOf(part)])).rows) found.push(row as Row)
      return found
    },
    async insert(target, rows) {
      let count = 0
      for (const { rowCount } of await insert(target, '', rows)) count += rowCount ?? 0
      return count
    },
    async insertReturning<Row>(target: Target, returning: string, rows: readonly (readonly Value[])[]) {
      const results = await insert(target, ` returning ${returning}`, rows)
      return results.length === 1 ? (results[0]?.rows as Row[]) : results.flatMap((result) => result.rows as Row[])
    },
    async journal(table) {
      await query(texts.named(JOURNAL_LOCK), [table])
    },
    memory: () => undefined,
  }
}

/** Takes the table's name. */
export const JOURNAL_LOCK = "select pg_advisory_xact_lock(hashtextextended('tallycell journal ' || $1, 0))"

const COLUMN_TYPES = `select attname::text as name, format_type(atttypid, null) as type
  from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`

function* parts<Item>(items: readonly Item[]): Iterable<readonly Item[]> {
  if (items.length <= ROWS) yield items
  else for (let from = 0; from < items.length; from += ROWS) yield items.slice(from, from + ROWS)
}

function arrayType(value: Value | undefined): string {
  if (typeof value === 'bigint') return 'bigint[]'
  return typeof value === 'string' ? 'text[]' : 'bytea[]'
}

/** The order of the server: by value, and bytewise for text in the collation "C". */
function compare(a: Value, b: Value): number {
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0
  return Buffer.compare(octets(a), octets(b))
}

const octets = (value: Value): Uint8Array => (value instanceof Uint8Array ? value : Buffer.from(String(value)))

/** An array as PostgreSQL reads it (PostgreSQL 8.15.6). */
function arrayOf(values: readonly Value[]): string {
  let text = '{'
  for (const value of values) {
    if (text.length > 1) text += ','
    if (value === null) text += 'NULL'
    else if (typeof value === 'bigint') text += value
    else if (typeof value === 'string')
      text += /["\\]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`
    else text += `"\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}"`
  }
  return `${text}}`
}
