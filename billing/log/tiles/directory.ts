// Writing a log's files so that they survive a crash at any instant: whole or not there, and on disk before anything refers to
// them. Immutable files are written once; the same octets again are welcome, other octets never.
import { randomBytes } from 'node:crypto'
import { renameSync } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail, isTallycellError } from '../../../core/kernel/errors.ts'
import type { TileReader } from './reader.ts'
import { directoryTiles } from './sources.ts'

export interface TileWriter extends TileReader {
  /** Writes an immutable file; rejects with LOG_TILE_DIFFERS when it is there with other octets. Durable after `sync`. */
  add(path: string, octets: Uint8Array): Promise<void>
  /** Makes the names of all files added so far durable. */
  sync(): Promise<void>
  /** Writes the next version of a file beside it. */
  prepare(path: string, octets: Uint8Array): Promise<Prepared>
  /** Removes a folder with all in it, if it is there. */
  remove(path: string): Promise<void>
}

/** The next version of a file, on disk under another name. */
export interface Prepared {
  /** Puts it in the place of the one before, at once. Durable after `sync`. */
  place(): void
  /** Removes it, if it was not placed. */
  discard(): Promise<void>
}

const ANY_LENGTH = Number.MAX_SAFE_INTEGER

/** Methods reject with LOG_DIRECTORY_UNUSABLE when the folder cannot be written. */
export function createTileDirectory(directory: string): TileWriter {
  const tiles = directoryTiles(directory)
  const made = new Set<string>()
  let unsynced = new Set<string>()

  /** Makes a folder, and notes it and those above it: each holds a new name. */
  const makeFolder = async (folder: string): Promise<void> => {
    if (made.has(folder)) return
    await mkdir(folder, { recursive: true, mode: 0o755 })
    made.add(folder)
    for (let at = folder; at.length > directory.length; at = dirname(at)) unsynced.add(dirname(at))
  }

  const prepare = async (path: string, octets: Uint8Array): Promise<Prepared> => {
    const target = join(directory, path)
    await makeFolder(dirname(target))
    const temporary = `${target}.new-${randomBytes(6).toString('hex')}`
    const file = await open(temporary, 'w', 0o644)
    try {
      await file.writeFile(octets)
      await file.sync()
    } finally {
      await file.close()
    }
    return {
      place() {
        renameSync(temporary, target)
        unsynced.add(dirname(target))
      },
      discard: () => rm(temporary, { force: true }),
    }
  }

  const sync = async (): Promise<void> => {
    const folders = unsynced
    unsynced = new Set()
    for (const folder of folders) await syncFolder(folder)
  }

  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      made.clear()
      if (isTallycellError(error)) throw error
      return fail(
        'LOG_DIRECTORY_UNUSABLE',
        { directory, reason: error instanceof Error ? error.message : String(error) },
        error,
      )
    }
  }

  return {
    read: tiles.read,
    add: (path, octets) =>
      guarded(async () => {
        const before = await tiles.read(path, ANY_LENGTH)
        if (before === undefined) return (await prepare(path, octets)).place()
        if (Buffer.compare(before, octets) !== 0) fail('LOG_TILE_DIFFERS', { path: join(directory, path) })
        // Another process may have renamed it a moment ago, its name not yet durable.
        unsynced.add(dirname(join(directory, path)))
      }),
    sync: () => guarded(sync),
    prepare: (path, octets) => guarded(() => prepare(path, octets)),
    remove: (path) =>
      guarded(async () => {
        made.delete(join(directory, path))
        await rm(join(directory, path), { recursive: true, force: true })
      }),
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
