// The static layout of a log: C2SP tlog-tiles, tiles of height 8. Pure: coordinates, paths, and the octets of an entry bundle.

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256
/** Tree levels in a tile. */
export const TILE_HEIGHT = 8
/** Longest entry: its length is a 2-octet prefix (tlog-tiles, Log entries). */
export const MAX_ENTRY = 65_535

export const CHECKPOINT_PATH = 'checkpoint'
/** The log's verifier key, beside its checkpoint. */
export const VKEY_PATH = 'log.vkey'

/** `width` of `TILE_WIDTH` is a full tile. */
export interface Tile {
  /** 0 holds leaf hashes; `entries` is an entry bundle. */
  readonly level: number | 'entries'
  readonly index: bigint
  readonly width: number
}

/** `tile/<L>/<N>[.p/<W>]` (tlog-tiles, Merkle Tree). */
export function tilePath({ level, index, width }: Tile): string {
  const path = `tile/${level}/${groups(index)}`
  return width === TILE_WIDTH ? path : `${path}.p/${width}`
}

/** The folder of a tile's partial versions. */
export function partialsPath({ level, index }: Tile): string {
  return `tile/${level}/${groups(index)}.p`
}

/** 1234067 as `x001/x234/067`. */
function groups(index: bigint): string {
  const digits = index.toString()
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0')
  const parts = padded.match(/.{3}/g) ?? []
  return parts.map((part, at) => (at === parts.length - 1 ? part : `x${part}`)).join('/')
}

/** How many hashes the tile `index` of `level` has in a tree of `size` leaves; 0 when there is no such tile. */
export function tileWidth(level: number, index: bigint, size: bigint): number {
  const hashes = size >> BigInt(TILE_HEIGHT * level)
  const width = hashes - index * BigInt(TILE_WIDTH)
  if (width <= 0n) return 0
  return width >= BigInt(TILE_WIDTH) ? TILE_WIDTH : Number(width)
}

/** Entries one after the other, each behind its length as 2 octets, big-endian (tlog-tiles, Log entries). */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  const parts = entries.flatMap((entry) => {
    if (entry.length > MAX_ENTRY) throw new RangeError(`an entry of ${entry.length} octets does not fit a bundle`)
    return [Buffer.of(entry.length >> 8, entry.length & 0xff), entry]
  })
  return Buffer.concat(parts)
}

/** Undefined unless `octets` holds whole entries and nothing else. */
export function decodeBundle(octets: Uint8Array): Uint8Array[] | undefined {
  const entries: Uint8Array[] = []
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  for (let at = 0; at < octets.length; ) {
    if (octets.length - at < 2) return undefined
    const length = view.getUint16(at)
    if (octets.length - at - 2 < length) return undefined
    entries.push(octets.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return entries
}
