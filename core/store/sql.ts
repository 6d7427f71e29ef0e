// One transaction's statements, the same on SQLite and PostgreSQL: sets of rows in and out, so that a thousand requests cost a few
// statements. Texts are standard SQL with `?` for parameters; everyday single statements go through kysely instead. A parameter takes the type of
// the column it stands beside; where there is none, and for sums, write `cast(… as bigint)`: PostgreSQL sums 64 bits to more.
// A statement that fails fails its transaction, on PostgreSQL even where its error is caught.

/** Integers are bigint in both directions. */
export type Value = bigint | string | Uint8Array | null

/** Where rows go. */
export interface Target {
  readonly table: string
  readonly columns: readonly string[]
  /** What follows `on conflict`: `do nothing`, `(key) do update set total = account.total + excluded.total`. */
  readonly conflict?: string
}

export interface Sql {
  readonly engine: 'sqlite' | 'postgresql'
  /** All rows of a query. */
  rows<Row>(text: string, ...parameters: readonly Value[]): Promise<Row[]>
  /** The first row, if any. */
  row<Row>(text: string, ...parameters: readonly Value[]): Promise<Row | undefined>
  /** Runs a writing statement; resolves with the number of rows it changed. */
  run(text: string, ...parameters: readonly Value[]): Promise<number>
  /**
   * The rows whose `key` column is one of `keys` (none twice), in no certain order. `select`: `select a, b from t`, without `where`.
   * With `lock` nobody else can change them before this transaction ends; lock in one and the same order of tables everywhere.
   */
  find<Row>(select: string, key: string, keys: readonly Value[], lock?: 'lock'): Promise<Row[]>
  /** Inserts rows, values in the order of `columns`; resolves with the number inserted or updated. With `do update` no two rows may conflict with each other. */
  insert(target: Target, rows: readonly (readonly Value[])[]): Promise<number>
  /** As `insert`; resolves with what `returning` selects of each row inserted or updated, in no certain order. */
  insertReturning<Row>(target: Target, returning: string, rows: readonly (readonly Value[])[]): Promise<Row[]>
  /**
   * To be called before the first insert into a table that others read behind a cursor, `id > cursor`. PostgreSQL gives ids when rows are
   * inserted but shows rows when they are committed: without this lock, held until the transaction ends, a reader could pass an id that
   * becomes visible later, and never take its row. Several journals: in alphabetical order. SQLite has one writer anyway.
   */
  journal(table: string): Promise<void>
  /**
   * What has been read or written in earlier transactions under this name and is still true: a map to keep things in, empty at first and
   * again when a transaction was rolled back or somebody else has written. Undefined on PostgreSQL, where others write all the time.
   */
  memory<Key, Thing>(name: string): Map<Key, Thing> | undefined
}
