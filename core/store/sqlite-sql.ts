// `Sql` on one better-sqlite3 connection: statements are prepared once, and rows go in many to a statement, because a step of a
// statement costs more than a row.
import type Database from 'better-sqlite3'
import type { Sql, Target, Value } from './sql.ts'

/** Statements kept; then all are forgotten. */
const MAX_STATEMENTS = 512
/** Rows to a statement: many, some, one. */
const SIZES = [64, 8, 1] as const

export interface SqliteSql extends Sql {
  /** Empties `memory`: what was written since the last commit is no longer true. */
  forget(): void
}

/** The caller holds the connection, in a transaction, for as long as it uses this. */
export function sqliteSql(database: Database.Database): SqliteSql {
  const memories = new Map<string, Map<unknown, unknown>>()
  const forget = (): void => {
    for (const memory of memories.values()) memory.clear()
  }
  // Changes when another connection has committed (sqlite.org/pragma.html#pragma_data_version).
  const version = database.prepare<[], bigint>('pragma data_version').pluck()
  let seen: bigint | undefined
  const statements = new Map<string, Database.Statement>()
  const prepare = (text: string): Database.Statement => {
    const known = statements.get(text)
    if (known) return known
    if (statements.size >= MAX_STATEMENTS) statements.clear()
    const statement = database.prepare(text)
    statements.set(text, statement)
    return statement
  }
  const insertTexts = new Map<Target, Map<string, readonly string[]>>()
  const insertText = (target: Target, tail: string): readonly string[] => {
    let byTail = insertTexts.get(target)
    if (!byTail) {
      if (insertTexts.size >= MAX_STATEMENTS) insertTexts.clear()
      byTail = new Map()
      insertTexts.set(target, byTail)
    }
    let texts = byTail.get(tail)
    if (!texts) {
      texts = SIZES.map((size) => insertOf(target, size, tail))
      byTail.set(tail, texts)
    }
    return texts
  }
  /** Calls back with a statement and the values of the rows that it takes. */
  const each = (
    target: Target,
    tail: string,
    rows: readonly (readonly Value[])[],
    use: (statement: Database.Statement, values: readonly Value[]) => void,
  ): void => {
    let from = 0
    for (const [index, size] of SIZES.entries()) {
      if (from + size > rows.length) continue
      const statement = prepare(insertText(target, tail)[index] ?? '')
      for (; from + size <= rows.length; from += size)
        use(statement, size === 1 ? (rows[from] ?? []) : flat(rows, from, size))
    }
  }

  return {
    engine: 'sqlite',
    async rows<Row>(text: string, ...parameters: readonly Value[]) {
      return prepare(text).all(parameters) as Row[]
    },
    async row<Row>(text: string, ...parameters: readonly Value[]) {
      return prepare(text).get(parameters) as Row | undefined
    },
    async run(text, ...parameters) {
      return prepare(text).run(parameters).changes
    },
    async find<Row>(select: string, key: string, keys: readonly Value[]) {
      const rows: Row[] = []
      // Nobody else writes while this transaction does, so there is nothing to lock.
      let from = 0
      for (const size of SIZES) {
        if (from + size > keys.length) continue
        const statement = prepare(`${select} where ${key} in (${marks(size)})`)
        for (; from + size <= keys.length; from += size)
          for (const row of statement.all(keys.slice(from, from + size))) rows.push(row as Row)
      }
      return rows
    },
    async insert(target, rows) {
      let changes = 0
      each(target, '', rows, (statement, values) => {
        changes += statement.run(values).changes
      })
      return changes
    },
    async insertReturning<Row>(target: Target, returning: string, rows: readonly (readonly Value[])[]) {
      const returned: Row[] = []
      each(target, ` returning ${returning}`, rows, (statement, values) => {
        for (const row of statement.all(values)) returned.push(row as Row)
      })
      return returned
    },
    async journal() {},
    memory<Key, Thing>(name: string) {
      const now = version.get()
      if (now !== seen) forget()
      seen = now
      let memory = memories.get(name)
      if (!memory) {
        memory = new Map()
        memories.set(name, memory)
      }
      return memory as Map<Key, Thing>
    },
    forget,
  }
}

const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ')

function flat(rows: readonly (readonly Value[])[], from: number, size: number): Value[] {
  const values: Value[] = []
  for (let index = from; index < from + size; index++) for (const value of rows[index] ?? []) values.push(value)
  return values
}

function insertOf({ table, columns, conflict }: Target, rows: number, tail: string): string {
  const row = `(${marks(columns.length)})`
  const values = Array.from({ length: rows }, () => row).join(', ')
  return `insert into ${table} (${columns.join(', ')}) values ${values}${conflict === undefined ? '' : ` on conflict ${conflict}`}${tail}`
}
