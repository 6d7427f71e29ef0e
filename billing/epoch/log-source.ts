// A published log as `epoch verify` reads it: nothing is believed that the signed checkpoint does not cover.
import { fail } from '../../core/kernel/errors.ts'
import { CHECKPOINT_FAULTS, openCheckpoint } from '../log/note/checkpoint.ts'
import { parseVkey } from '../log/note/note.ts'
import { CHECKPOINT_PATH, TILE_WIDTH, VKEY_PATH } from '../log/tiles/layout.ts'
import { createLogReader, type TileReader } from '../log/tiles/reader.ts'
import type { LogSource } from './verify.ts'

const NOTE_LIMIT = 65_536

/** `vkey`: the log's verifier key; the one that lies with the tiles when left out. Throws LOG_NOT_PUBLISHED, LOG_TILE_UNREADABLE, RECEIPT_KEY_INVALID. */
export async function openLogSource(tiles: TileReader, vkey?: string): Promise<LogSource> {
  const read = async (path: string): Promise<string> => {
    const octets = await tiles.read(path, NOTE_LIMIT)
    return octets ? Buffer.from(octets).toString() : fail('LOG_TILE_MISSING', { path })
  }
  const line = vkey ?? (await read(VKEY_PATH)).trim()
  const key = parseVkey(line) ?? fail('RECEIPT_KEY_INVALID', { came: line.slice(0, 120) })
  const opened = openCheckpoint(await read(CHECKPOINT_PATH), key)
  if (!opened.ok) return fail('LOG_TILE_UNREADABLE', { path: CHECKPOINT_PATH, reason: CHECKPOINT_FAULTS[opened.fault] })
  const { origin, size, root } = opened.checkpoint
  const reader = createLogReader(tiles)
  const width = BigInt(TILE_WIDTH)
  return {
    origin,
    size,
    root,
    entries: async (from) => (await reader.bundle(from / width, size)).slice(Number(from % width)),
  }
}
