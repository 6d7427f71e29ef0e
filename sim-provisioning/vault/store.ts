// Rows of the vault: data keys, which are themselves sealed, and the account of every use of a secret.
import type { Millis } from '../../core/kernel/units.ts'
import type { Sql, Target } from '../../core/store/sql.ts'

export type DataKeyPurpose = 'seal' | 'fingerprint'

export interface DataKeyRow {
  readonly key_no: bigint
  readonly purpose: DataKeyPurpose
  readonly envelope: Uint8Array
}

const DATA_KEY: Target = { table: 'data_key', columns: ['purpose', 'envelope', 'uses', 'open', 'created_at'] }
const KEY_USE: Target = { table: 'key_use', columns: ['at', 'actor', 'purpose', 'subject', 'count'] }
const SELECT = 'select key_no, purpose, envelope from data_key'

/** Keeps everybody else from making a data key until the transaction ends. */
export const lockDataKeys = (sql: Sql): Promise<void> => sql.journal('data_key')

export const readDataKeys = (sql: Sql, numbers: readonly bigint[]): Promise<DataKeyRow[]> =>
  sql.find<DataKeyRow>(SELECT, 'key_no', numbers)

/** Takes room for `values` more values under the newest open key, if one has it. */
export async function takeRoom(
  sql: Sql,
  purpose: DataKeyPurpose,
  values: bigint,
  most: bigint,
): Promise<DataKeyRow | undefined> {
  const row = await sql.row<DataKeyRow>(
    `${SELECT} where purpose = ? and open = 1 and uses + ? <= ? order by key_no desc limit 1`,
    purpose,
    values,
    most,
  )
  if (row && values > 0n) await sql.run('update data_key set uses = uses + ? where key_no = ?', values, row.key_no)
  return row
}

export async function insertDataKey(
  sql: Sql,
  purpose: DataKeyPurpose,
  envelope: Uint8Array,
  uses: bigint,
  now: Millis,
): Promise<DataKeyRow> {
  const [row] = await sql.insertReturning<DataKeyRow>(DATA_KEY, 'key_no, purpose, envelope', [
    [purpose, envelope, uses, 1n, now],
  ])
  if (row === undefined) throw new Error('a data key was not inserted')
  return row
}

/** No further values are sealed under the keys that are open now. */
export const closeDataKeys = (sql: Sql): Promise<number> =>
  sql.run("update data_key set open = 0 where open = 1 and purpose = 'seal'")

export const allDataKeys = (sql: Sql): Promise<DataKeyRow[]> => sql.rows<DataKeyRow>(`${SELECT} order by key_no`)

export async function replaceEnvelope(sql: Sql, keyNo: bigint, envelope: Uint8Array, now: Millis): Promise<void> {
  await sql.run('update data_key set envelope = ?, rewrapped_at = ? where key_no = ?', envelope, now, keyNo)
}

export type KeyPurpose =
  | 'vector'
  | 'resync'
  | 'export-request'
  | 'export-approval'
  | 'export'
  | 'rewrap'
  | 'deconceal'
  | 'unwrap'
  | 'rotate'
  | 'retire'
  | 'add'

export interface KeyUse {
  /** Who: a serving entity, or a person at the command line. */
  readonly actor: string
  readonly purpose: KeyPurpose
  /** What it was: iccid:…, home:…, transport:…, batch:…, data-key:…. */
  readonly subject: string
  readonly count: bigint
}

/** Writes down uses of secrets. */
export async function recordUses(sql: Sql, uses: readonly KeyUse[], now: Millis): Promise<void> {
  await sql.insert(
    KEY_USE,
    uses.map(({ actor, purpose, subject, count }) => [now, actor, purpose, subject, count]),
  )
}

export interface RecordedUse extends KeyUse {
  readonly at: Millis
}

/** The newest uses of a subject, at most `limit`. */
export const listUses = (sql: Sql, subject: string, limit: number): Promise<RecordedUse[]> =>
  sql.rows<RecordedUse>(
    'select at, actor, purpose, subject, count from key_use where subject = ? order by use_id desc limit ?',
    subject,
    BigInt(limit),
  )
