// From the database to files and a signature. The order is the whole point: tiles on disk, then the checkpoint in the database, then
// the checkpoint file. Stopped between any two steps, the next run does the rest; run by two processes at once, both write the
// same octets. What was signed is only ever continued.
import type { Clock } from '../../core/kernel/clock.ts'
import { fail, isTallycellError } from '../../core/kernel/errors.ts'
import type { SigningKey } from '../../core/runtime/keys.ts'
import type { Store } from '../../core/store/store.ts'
import { openCheckpoint, signCheckpoint } from './note/checkpoint.ts'
import { formatNote, formatVkey, SIGNATURE_TYPE, type VerifierKey, verifierKey } from './note/note.ts'
import {
  insertCheckpoint,
  type LogHead,
  lockLog,
  newestCheckpoint,
  readCheckpoint,
  readEntries,
  readHead,
} from './store.ts'
import type { TileWriter } from './tiles/directory.ts'
import {
  CHECKPOINT_PATH,
  encodeBundle,
  partialsPath,
  TILE_HEIGHT,
  TILE_WIDTH,
  type Tile,
  tilePath,
  tileWidth,
  VKEY_PATH,
} from './tiles/layout.ts'
import { createLogReader, type LogReader, perfectRoot, readHashes } from './tiles/reader.ts'
import { EMPTY_ROOT, equalHashes, hashLeaf } from './tree/hash.ts'
import { verifyConsistency } from './tree/proof.ts'

export interface PublisherDeps {
  readonly store: Store
  readonly signer: SigningKey
  readonly tiles: TileWriter
  readonly clock: Clock
  /** Named in errors. */
  readonly directory: string
}

export interface Publisher {
  readonly key: VerifierKey
  /** Publishes all entries that are committed; answers the size of the newest checkpoint, 0 before the first. */
  publish(): Promise<bigint>
}

/** Longest checkpoint or key file read back. */
const NOTE_LIMIT = 65_536

/** One publisher runs one `publish` at a time. `publish` rejects with the LOG_ errors that say why nothing was signed. */
export function createPublisher({ store, signer, tiles, clock, directory }: PublisherDeps, origin: string): Publisher {
  const key = verifierKey(origin, SIGNATURE_TYPE.ed25519, signer.publicKey)
  const reader = createLogReader(tiles)

  /** The key file is there from the beginning and never changes. */
  const keepKey = async (): Promise<void> => {
    const line = Buffer.from(`${formatVkey(key)}\n`)
    const before = await tiles.read(VKEY_PATH, NOTE_LIMIT)
    if (before === undefined) {
      ;(await tiles.prepare(VKEY_PATH, line)).place()
      await tiles.sync()
    } else if (Buffer.compare(before, line) !== 0)
      fail('LOG_KEY_CHANGED', { directory, before: Buffer.from(before).toString().trim(), now: formatVkey(key) })
  }

  /** What has been signed so far, by the file that the world sees and by the database: the larger counts. */
  const signedBefore = async (): Promise<{ size: bigint; root: Uint8Array }> => {
    const file = await tiles.read(CHECKPOINT_PATH, NOTE_LIMIT)
    const seen = file && openCheckpoint(Buffer.from(file).toString(), key)
    const stored = await readCheckpoint(store)
    const shown = seen?.ok ? seen.checkpoint : undefined
    if (shown && (!stored || shown.size > stored.size)) return shown
    return stored ?? { size: 0n, root: EMPTY_ROOT }
  }

  /** Whether the files hold the tree of the database, and that tree begins with what was signed. */
  const continues = async (signed: Pick<LogHead, 'size' | 'root'>, { size, root }: LogHead): Promise<boolean> => {
    if (!equalHashes(await reader.root(size), root)) return false
    if (signed.size === 0n) return true
    return verifyConsistency(signed.size, signed.root, size, root, await reader.consistencyProof(signed.size, size))
  }

  const sign = async (head: LogHead): Promise<void> => {
    await store.batch(async (sql) => {
      await lockLog(sql, origin)
      const newest = await newestCheckpoint(sql)
      if (newest && newest.size >= head.size) return
      const note = signCheckpoint({ origin, size: head.size, root: head.root }, signer)
      await insertCheckpoint(sql, { size: head.size, root: head.root, note: formatNote(note) }, clock())
    })
  }

  /**
   * Placed under the lock of the log, so that of two processes none puts an older checkpoint over a newer one. What another node has
   * signed is shown once its tiles are here too: each node may have a folder of its own.
   */
  const show = async (): Promise<void> => {
    const stored = await readCheckpoint(store)
    const file = await tiles.read(CHECKPOINT_PATH, NOTE_LIMIT)
    if (!stored || stored.size > whole || (file && Buffer.from(file).toString() === stored.note)) return
    // Another process may have committed this checkpoint a moment ago, and what is committed can be read before it is durable. A batch
    // waits for the disk, and so for everything committed before it: the world never sees a checkpoint that a power cut takes back.
    await store.batch((sql) => lockLog(sql, origin))
    const next = await tiles.prepare(CHECKPOINT_PATH, Buffer.from(stored.note))
    let placed = false
    await store.batch(async (sql) => {
      await lockLog(sql, origin)
      if (placed || (await newestCheckpoint(sql))?.size !== stored.size) return
      next.place()
      // A transaction that the database gave up is run again.
      placed = true
    })
    await next.discard()
    await tiles.sync()
  }

  /** The folder was found to hold the tree of so many entries, or made to. */
  let whole = 0n

  return {
    key,
    async publish() {
      await keepKey()
      // In this order, or what another node appends and signs in between looks like a log that has lost entries.
      const signed = await signedBefore()
      const head = await readHead(store, origin)
      if (head.size < signed.size) refuse(head, signed.size)
      if (whole !== head.published && (await isReadable(reader, head.published))) whole = head.published
      if (whole === head.size && head.size === signed.size && head.published === head.size) {
        await show()
        return head.size
      }
      const filled = await writeTiles(store, tiles, whole, head.size)
      if (!(await continues(signed, head))) refuse(head, signed.size)
      whole = head.size
      await sign(head)
      await show()
      for (const tile of filled) await tiles.remove(partialsPath(tile))
      return head.size
    },
  }

  function refuse({ size }: LogHead, signed: bigint): never {
    return fail('LOG_INCONSISTENT', { origin, size, signed })
  }
}

/** False when the folder does not hold the tree of `size` leaves: it is new, or was lost. */
async function isReadable(reader: LogReader, size: bigint): Promise<boolean> {
  try {
    await reader.root(size)
    return true
  } catch (error) {
    if (isTallycellError(error) && error.code === 'LOG_TILE_MISSING') return false
    throw error
  }
}

/** Writes what a tree of `size` leaves has and one of `before` has not; answers the tiles that became full. Durable at the end. */
async function writeTiles(store: Store, tiles: TileWriter, before: bigint, size: bigint): Promise<Tile[]> {
  const filled: Tile[] = []
  const levels = await readLevels(tiles, before)

  const add = async (tile: Tile, octets: Uint8Array): Promise<void> => {
    await tiles.add(tilePath(tile), octets)
    if (tile.width === TILE_WIDTH) filled.push(tile)
  }
  const push = async (level: number, hash: Uint8Array): Promise<void> => {
    const row = levels[level] ?? { index: 0n, hashes: [] }
    levels[level] = row
    row.hashes.push(hash)
    if (row.hashes.length < TILE_WIDTH) return
    await add({ level, index: row.index, width: TILE_WIDTH }, Buffer.concat(row.hashes))
    levels[level] = { index: row.index + 1n, hashes: [] }
    await push(level + 1, perfectRoot(row.hashes, TILE_WIDTH))
  }

  const width = BigInt(TILE_WIDTH)
  for (let index = before / width; index * width < size; index++) {
    const end = (index + 1n) * width
    const rows = await readEntries(store, index * width, end < size ? end : size)
    const hashes = rows.map(({ leafHash }) => leafHash)
    const tile = { index, width: rows.length }
    if (
      rows.length !== tileWidth(0, index, size) ||
      rows.some(({ entry, leafHash }) => !equalHashes(hashLeaf(entry), leafHash))
    )
      fail('LOG_ENTRIES_DAMAGED', { first: index * width, last: end - 1n })
    await Promise.all([
      add({ ...tile, level: 'entries' }, encodeBundle(rows.map(({ entry }) => entry))),
      add({ ...tile, level: 0 }, Buffer.concat(hashes)),
    ])
    if (rows.length === TILE_WIDTH) await push(1, perfectRoot(hashes, TILE_WIDTH))
  }
  for (const [level, row] of levels.entries())
    if (row && row.hashes.length > 0)
      await add({ level, index: row.index, width: row.hashes.length }, Buffer.concat(row.hashes))
  await tiles.sync()
  return filled
}

interface Level {
  readonly index: bigint
  readonly hashes: Uint8Array[]
}

/** The rightmost, unfinished tile of each level above 0 in the tree of `size` leaves. */
async function readLevels(tiles: TileWriter, size: bigint): Promise<(Level | undefined)[]> {
  const levels: (Level | undefined)[] = [undefined]
  for (let level = 1; size >> BigInt(TILE_HEIGHT * level) > 0n; level++) {
    const index = size >> BigInt(TILE_HEIGHT * (level + 1))
    const begun = tileWidth(level, index, size) > 0
    levels.push({ index, hashes: begun ? await readHashes(tiles, level, index, size) : [] })
  }
  return levels
}
