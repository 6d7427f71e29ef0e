// Reading a log that is served as files, by anybody: where the files come from is a port, and nothing that comes is believed
// further than its length; callers check what they compute against a signed checkpoint.
import { fail } from '../../../core/kernel/errors.ts'
import { HASH_SIZE, hashNode } from '../tree/hash.ts'
import { consistencyProof, type HashReader, inclusionProof, type Node, treeRoot } from '../tree/proof.ts'
import { decodeBundle, MAX_ENTRY, TILE_HEIGHT, TILE_WIDTH, type Tile, tilePath, tileWidth } from './layout.ts'

/** The files of a log, in a folder or behind a URL. */
export interface TileReader {
  /** The whole file, or undefined when there is none; rejects with LOG_TILE_UNREADABLE when it is longer than `limit` octets. */
  read(path: string, limit: number): Promise<Uint8Array | undefined>
}

const BUNDLE_LIMIT = TILE_WIDTH * (2 + MAX_ENTRY)
const TILE_LIMIT = TILE_WIDTH * HASH_SIZE

/** Sizes are those of checkpoints: only for them do the partial tiles exist (tlog-tiles, Partial Tiles). */
export interface LogReader {
  /** Entry `index` of the tree of `size` leaves. */
  entry(index: bigint, size: bigint): Promise<Uint8Array>
  /** The entries of the bundle `index` (256 to a bundle) of the tree of `size` leaves. */
  bundle(index: bigint, size: bigint): Promise<readonly Uint8Array[]>
  root(size: bigint): Promise<Uint8Array>
  inclusionProof(index: bigint, size: bigint): Promise<Uint8Array[]>
  consistencyProof(older: bigint, newer: bigint): Promise<Uint8Array[]>
}

/** All methods reject with LOG_TILE_MISSING or LOG_TILE_UNREADABLE where the files do not hold what a tree of that size must. */
export function createLogReader(tiles: TileReader): LogReader {
  const bundle = async (index: bigint, size: bigint): Promise<readonly Uint8Array[]> => {
    const width = tileWidth(0, index, size)
    if (width === 0) throw new RangeError(`no bundle ${index} in a tree of ${size}`)
    const tile = { level: 'entries', index, width } as const
    const entries = decodeBundle(await readTile(tiles, tile, BUNDLE_LIMIT))
    if (!entries || entries.length < width)
      return fail('LOG_TILE_UNREADABLE', { path: tilePath(tile), reason: `it does not hold ${width} entries` })
    return entries.slice(0, width)
  }
  return {
    bundle,
    async entry(index, size) {
      if (index < 0n || index >= size) throw new RangeError(`no entry ${index} in a tree of ${size}`)
      const entries = await bundle(index / BigInt(TILE_WIDTH), size)
      const entry = entries[Number(index % BigInt(TILE_WIDTH))]
      return entry ?? fail('LOG_TILE_MISSING', { path: `entry ${index}` })
    },
    root: (size) => treeRoot(size, hashesOf(tiles, size)),
    inclusionProof: (index, size) => inclusionProof(index, size, hashesOf(tiles, size)),
    consistencyProof: (older, newer) => consistencyProof(older, newer, hashesOf(tiles, newer)),
  }
}

/** The hashes of `level` in tile `index` of the tree of `size` leaves. */
export async function readHashes(tiles: TileReader, level: number, index: bigint, size: bigint): Promise<Uint8Array[]> {
  const width = tileWidth(level, index, size)
  if (width === 0) return fail('LOG_TILE_MISSING', { path: tilePath({ level, index, width: TILE_WIDTH }) })
  const tile = { level, index, width }
  const octets = await readTile(tiles, tile, TILE_LIMIT)
  if (octets.length % HASH_SIZE !== 0 || octets.length < width * HASH_SIZE)
    fail('LOG_TILE_UNREADABLE', { path: tilePath(tile), reason: `${octets.length} octets are not ${width} hashes` })
  return Array.from({ length: width }, (_, at) => octets.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE))
}

/** A partial tile may have been removed once the full one is there (tlog-tiles, Partial Tiles). */
async function readTile(tiles: TileReader, tile: Tile, limit: number): Promise<Uint8Array> {
  const found = await tiles.read(tilePath(tile), limit)
  if (found) return found
  const full = tile.width === TILE_WIDTH ? undefined : await tiles.read(tilePath({ ...tile, width: TILE_WIDTH }), limit)
  return full ?? fail('LOG_TILE_MISSING', { path: tilePath(tile) })
}

/** Each tile that the nodes need is read once. */
function hashesOf(tiles: TileReader, size: bigint): HashReader {
  return async (nodes) => {
    const wanted = new Map<string, Promise<Uint8Array[]>>()
    const parts = nodes.map((node) => {
      const place = locate(node)
      const key = `${place.level}/${place.tile}`
      const hashes = wanted.get(key) ?? readHashes(tiles, place.level, place.tile, size)
      wanted.set(key, hashes)
      return { ...place, hashes }
    })
    await Promise.all(wanted.values())
    return Promise.all(
      parts.map(async ({ hashes, at, count }) => perfectRoot((await hashes).slice(at, at + count), count)),
    )
  }
}

/** Where a node's hash comes from: `count` neighbouring hashes of a tile, the first at `at`. */
function locate({ level, index }: Node): { level: number; tile: bigint; at: number; count: number } {
  const within = level % TILE_HEIGHT
  const first = index << BigInt(within)
  return {
    level: (level - within) / TILE_HEIGHT,
    tile: first / BigInt(TILE_WIDTH),
    at: Number(first % BigInt(TILE_WIDTH)),
    count: 1 << within,
  }
}

/** The root of a perfect subtree over `count` hashes, a power of two. */
export function perfectRoot(hashes: readonly Uint8Array[], count: number): Uint8Array {
  if (hashes.length !== count) throw new RangeError(`${hashes.length} hashes where a perfect subtree has ${count}`)
  let row = hashes
  while (row.length > 1) {
    const above: Uint8Array[] = []
    for (let at = 0; at + 1 < row.length; at += 2) {
      const [left, right] = row.slice(at, at + 2)
      if (left && right) above.push(hashNode(left, right))
    }
    row = above
  }
  return row[0] ?? new Uint8Array(0)
}
