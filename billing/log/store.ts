// The log in the database: entries, the frontier to grow them by, and the checkpoints signed over them. Everything that appends
// runs inside the caller's transaction and reads the frontier there: another process may have appended a moment ago.
import { fail } from '../../core/kernel/errors.ts'
import type { RawDatabase, Store } from '../../core/store/store.ts'
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

/** Appends entries in the caller's transaction; answers the index of the first. */
export function appendEntries(database: RawDatabase, origin: string, entries: readonly Entry[]): bigint {
  const frontier = readFrontier(database, origin)
  const first = frontier.size
  if (entries.length === 0) return first
  const insert = database.prepare('insert into log_entry (entry_index, type, entry, leaf_hash) values (?, ?, ?, ?)')
  let index = first
  const leaves = entries.map((entry) => {
    const octets = encodeEntry(entry)
    const leaf = hashLeaf(octets)
    insert.run(index++, ENTRY_TYPES[entry.type].type, octets, leaf)
    return leaf
  })
  const grown = appendLeaves(frontier, leaves)
  database
    .prepare(
      `insert into log_state (origin, size, frontier, published_size) values (?, ?, ?, 0)
       on conflict (origin) do update set size = excluded.size, frontier = excluded.frontier`,
    )
    .run(origin, grown.size, encodeFrontier(grown))
  return first
}

function readFrontier(database: RawDatabase, origin: string): Frontier {
  const row = database.prepare('select * from log_state limit 1').get() as StateRow | undefined
  return row ? frontierOf(row, origin) : EMPTY_FRONTIER
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
export function newestCheckpoint(database: RawDatabase): StoredCheckpoint | undefined {
  return database.prepare('select size, root, note from log_checkpoint order by size desc limit 1').get() as
    | StoredCheckpoint
    | undefined
}

export function insertCheckpoint(
  database: RawDatabase,
  { size, root, note }: StoredCheckpoint,
  signedAt: bigint,
): void {
  database
    .prepare('insert into log_checkpoint (size, root, note, signed_at) values (?, ?, ?, ?)')
    .run(size, root, note, signedAt)
  database.prepare('update log_state set published_size = max(published_size, ?)').run(size)
}

/** The octets of the newest entry of a type, which must not be usage. */
export function newestEntry(database: RawDatabase, type: Exclude<Entry['type'], 'usage'>): Uint8Array | undefined {
  const row = database
    .prepare('select entry from log_entry where type = ? and type <> 1 order by entry_index desc limit 1')
    .get(ENTRY_TYPES[type].type) as { entry: Uint8Array } | undefined
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
