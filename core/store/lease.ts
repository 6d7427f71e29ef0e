// Names that one node at a time may hold: advisory locks of a session (PostgreSQL 13.3.5), all on one connection of their own, which the
// server gives up when the node or its connection dies.
import type { Client } from 'pg'
import { connectAlone, type PoolOptions, postgresqlError } from './postgresql-pool.ts'

export interface Leases {
  /** As `Store.exclusive`. */
  exclusive<Result>(name: string, work: (lost: AbortSignal) => Promise<Result>): Promise<Result | undefined>
  close(): Promise<void>
}

interface Session {
  readonly client: Client
  readonly lost: AbortSignal
}

const KEY = "hashtextextended('tallycell exclusive ' || $1, 0)"

/** Connects on first use, and again after the connection was lost. */
export function createLeases(options: PoolOptions): Leases {
  // A session may take its own lock twice, so those who hold a name here are known by name.
  const held = new Set<string>()
  let opening: Promise<Session> | undefined

  const open = async (): Promise<Session> => {
    const client = await connectAlone(options)
    const ended = new AbortController()
    client.once('end', () => {
      opening = undefined
      ended.abort()
    })
    return { client, lost: ended.signal }
  }
  const session = (): Promise<Session> => {
    opening ??= open().catch((error) => {
      opening = undefined
      throw error
    })
    return opening
  }

  return {
    async exclusive(name, work) {
      if (held.has(name)) return undefined
      held.add(name)
      try {
        const { client, lost } = await session()
        const { rows } = await client.query(`select pg_try_advisory_lock(${KEY}) as taken`, [name])
        if (!rows[0]?.taken) return undefined
        try {
          return await work(lost)
        } finally {
          // A lock that cannot be given back is given up with its connection.
          await client.query(`select pg_advisory_unlock(${KEY})`, [name]).catch(() => client.end().catch(() => {}))
        }
      } catch (error) {
        throw postgresqlError(error, options)
      } finally {
        held.delete(name)
      }
    },
    async close() {
      const last = await opening?.catch(() => undefined)
      await last?.client.end().catch(() => {})
    },
  }
}
