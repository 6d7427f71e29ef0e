// The transparency log's files as they lie on disk (C2SP tlog-tiles): the checkpoint changes, tiles never do.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { fail } from '../kernel/errors.ts'

// tlog-tiles: level 0 to 63 or `entries`, index in groups of three digits, `.p/W` for the W first of 256 hashes of the newest tile.
const TILE =
  /^tile\/(?:entries|[0-9]|[1-5][0-9]|6[0-3])\/(?:x[0-9]{3}\/)*[0-9]{3}(?<partial>\.p\/(?:[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?$/

const YEAR = 31_536_000
const DAY = 86_400

/** What is served under a path, or undefined: only the names of tlog-tiles, so no path leads out of the folder. */
export function logFile(path: string): { readonly type: string; readonly cacheControl: string } | undefined {
  if (path === 'checkpoint') return { type: 'text/plain; charset=utf-8', cacheControl: 'no-cache' }
  const tile = TILE.exec(path)
  if (!tile) return undefined
  // A partial tile is dropped once its tile is full, so caches need not keep it for ever.
  const cacheControl = tile.groups?.partial ? `public, max-age=${DAY}` : `public, max-age=${YEAR}, immutable`
  return { type: 'application/octet-stream', cacheControl }
}

/** Serves `directory` under /log/. The log is public, so pages of any origin may read it. */
export function logRoutes(directory: string): (app: FastifyInstance) => void {
  return (app) => {
    app.get<{ Params: { '*': string } }>('/log/*', async (request, reply) => {
      const path = request.params['*']
      const file = logFile(path)
      const octets = file && (await read(join(directory, path)))
      if (!file || !octets)
        return fail('HTTP_ROUTE_UNKNOWN', { method: request.method, path: request.url.slice(0, 200) })
      return reply
        .type(file.type)
        .header('cache-control', file.cacheControl)
        .header('access-control-allow-origin', '*')
        .send(octets)
    })
  }
}

async function read(file: string): Promise<Buffer | undefined> {
  try {
    const handle = await open(file)
    try {
      return (await handle.stat()).isFile() ? await handle.readFile() : undefined
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined
    throw error
  }
}
