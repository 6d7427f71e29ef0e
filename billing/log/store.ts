// The log in the database: entries, the frontier to grow them by, and the checkpoints signed over them. Everything that appends
// runs inside the caller's transaction and locks the frontier there: another process may have appended a moment ago.
import { fail } from '../../core/kernel/errors.ts'
import type { Sql, Target } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { encodeEntry } from './entries/codec.ts'
import { ENTRY_TYPES, type Entry } from './entries/dictionary.ts'
import {
  appendLeaves,
  decodeFrontier,
  EMPTY_FRONTIER,
  encodeFrontier,
  type Frontier,
  frontierRoot,
} from './tree/frontier.ts'
import { hashLeaf } from './tree/hash.ts'

/** The whole log in the database, published or not. */
export interface LogHead {
  readonly size: bigint
  readonly root: Uint8Array
  /** Entries whose tiles are on disk. */
  readonly published: bigint
}

export interface StoredCheckpoint {
  readonly size: bigint
  readonly root: Uint8Array
  readonly note: string
}

export interface StoredEntry {
  readonly entry: Uint8Array
  readonly leafHash: Uint8Array
}

interface StateRow {
  readonly origin: string
  readonly size: bigint
  readonly frontier: Uint8Array
  readonly published_size: bigint
}

const ENTRIES: Target = { table: 'log_entry', columns: ['entry_index', 'type', 'entry', 'leaf_hash'] }
const NEW_STATE: Target = {
  table: 'log_state',
  columns: ['origin', 'size', 'frontier', 'published_size'],
  conflict: '(origin) do nothing',
}
const CHECKPOINTS: Target = { table: 'log_checkpoint', columns: ['size', 'root', 'note', 'signed_at'] }

/**
 * From here to the end of the caller's transaction nobody else appends: what it reads of the log, the policy or the open epoch stays
 * true until it commits. Whoever decides by them locks first; stage cursors are locked before the log. Answers the size of the log.
 * Throws LOG_ORIGIN_CHANGED when the database holds another log.
 */
export async function lockLog(sql: Sql, origin: string): Promise<bigint> {
  return (await lockFrontier(sql, origin)).size
}

/** Appends entries in the caller's transaction; answers the index of the first. */
export async function appendEntries(sql: Sql, origin: string, entries: readonly Entry[]): Promise<bigint> {
  const frontier = await lockFrontier(sql, origin)
  const first = frontier.size
  if (entries.length === 0) return first
  const leaves: Uint8Array[] = []
  let index = first
  const rows = entries.map((entry) => {
    const octets = encodeEntry(entry)
    const leaf = hashLeaf(octets)
    leaves.push(leaf)
    return [index++, BigInt(ENTRY_TYPES[entry.type].type), octets, leaf]
  })
  await sql.insert(ENTRIES, rows)
  const grown = appendLeaves(frontier, leaves)
  await sql.run('update log_state set size = ?, frontier = ?', grown.size, encodeFrontier(grown))
  return first
}

async function lockFrontier(sql: Sql, origin: string): Promise<Frontier> {
  const row = await lockState(sql, origin)
  if (row) return frontierOf(row, origin)
  const other = await sql.row<StateRow>('select * from log_state')
  if (other) return frontierOf(other, origin)
  // What is not there cannot be locked; another node may be making it at this moment.
  await sql.insert(NEW_STATE, [[origin, 0n, encodeFrontier(EMPTY_FRONTIER), 0n]])
  const made = await lockState(sql, origin)
  return made ? frontierOf(made, origin) : EMPTY_FRONTIER
}

async function lockState(sql: Sql, origin: string): Promise<StateRow | undefined> {
  const [row] = await sql.find<StateRow>('select * from log_state', 'origin', [origin], 'lock')
  return row
}

function frontierOf(row: StateRow, origin: string): Frontier {
  if (row.origin !== origin) fail('LOG_ORIGIN_CHANGED', { before: row.origin, now: origin })
  const frontier = decodeFrontier(row.size, row.frontier)
  return frontier ?? fail('LOG_INCONSISTENT', { origin, size: row.size, signed: row.published_size })
}

/** Throws LOG_ORIGIN_CHANGED when the database holds another log. */
export async function readHead(store: Store, origin: string): Promise<LogHead> {
  const row = await store.db.selectFrom('log_state').selectAll().executeTakeFirst()
  const frontier = row ? frontierOf(row, origin) : EMPTY_FRONTIER
  return { size: frontier.size, root: frontierRoot(frontier), published: row?.published_size ?? 0n }
}

/** Entries [from, to), in order. */
export async function readEntries(store: Store, from: bigint, to: bigint): Promise<StoredEntry[]> {
  const rows = await store.db
    .selectFrom('log_entry')
    .select(['entry', 'leaf_hash as leafHash'])
    .where('entry_index', '>=', from)
    .where('entry_index', '<', to)
    .orderBy('entry_index')
    .execute()
  return rows
}

/** The newest checkpoint, or undefined before the first. */
export async function readCheckpoint(store: Store): Promise<StoredCheckpoint | undefined> {
  return store.db
    .selectFrom('log_checkpoint')
    .select(['size', 'root', 'note'])
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** As `readCheckpoint`, in the caller's transaction. */
export function newestCheckpoint(sql: Sql): Promise<StoredCheckpoint | undefined> {
  return sql.row('select size, root, note from log_checkpoint order by size desc limit 1')
}

/** The caller has locked the log. */
export async function insertCheckpoint(
  sql: Sql,
  { size, root, note }: StoredCheckpoint,
  signedAt: bigint,
): Promise<void> {
  await sql.insert(CHECKPOINTS, [[size, root, note, signedAt]])
  await sql.run('update log_state set published_size = ? where published_size < ?', size, size)
}

/** The octets of the newest entry of a type, which must not be usage. */
export async function newestEntry(sql: Sql, type: Exclude<Entry['type'], 'usage'>): Promise<Uint8Array | undefined> {
  // `type <> 1`: the condition of the index, which no parameter implies.
  const row = await sql.row<{ entry: Uint8Array }>(
    'select entry from log_entry where type = ? and type <> 1 order by entry_index desc limit 1',
    BigInt(ENTRY_TYPES[type].type),
  )
  return row?.entry
}

/** The index of the receipt `sequence` of a radio. */
export async function findReceipt(store: Store, radio: string, sequence: bigint): Promise<bigint | undefined> {
  const row = await store.db
    .selectFrom('receipt')
    .select('entry_index')
    .where('radio_id', '=', radio)
    .where('radio_seq', '=', sequence)
    .executeTakeFirst()
  return row?.entry_index
}
