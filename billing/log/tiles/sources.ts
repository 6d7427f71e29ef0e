// Where a log's files are read from: a folder, or a web server.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fail, isTallycellError } from '../../../core/kernel/errors.ts'
import type { TileReader } from './reader.ts'

export function directoryTiles(directory: string): TileReader {
  return {
    async read(path, limit) {
      try {
        const file = await open(join(directory, path), 'r')
        try {
          const { size } = await file.stat()
          if (size > limit) fail('LOG_TILE_UNREADABLE', { path, reason: tooLong(limit) })
          return await file.readFile()
        } finally {
          await file.close()
        }
      } catch (error) {
        if (isTallycellError(error)) throw error
        if (isMissing(error)) return undefined
        return fail(
          'LOG_TILE_UNREADABLE',
          { path, reason: error instanceof Error ? error.message : String(error) },
          error,
        )
      }
    },
  }
}

/** `prefix` as in tlog-tiles: a URL ending in '/'. `signal` ends every request. */
export function webTiles(prefix: URL, signal: AbortSignal): TileReader {
  return {
    async read(path, limit) {
      try {
        const answer = await fetch(new URL(path, prefix), { signal })
        if (answer.status === 404) {
          await answer.body?.cancel()
          return undefined
        }
        if (!answer.ok) fail('LOG_TILE_UNREADABLE', { path, reason: `the server answered ${answer.status}` })
        const parts: Uint8Array[] = []
        let length = 0
        for await (const part of answer.body ?? []) {
          length += part.length
          if (length > limit) fail('LOG_TILE_UNREADABLE', { path, reason: tooLong(limit) })
          parts.push(part)
        }
        return Buffer.concat(parts)
      } catch (error) {
        if (isTallycellError(error)) throw error
        return fail(
          'LOG_TILE_UNREADABLE',
          { path, reason: error instanceof Error ? error.message : String(error) },
          error,
        )
      }
    },
  }
}

const tooLong = (limit: number): string => `it is longer than ${limit} octets`

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
