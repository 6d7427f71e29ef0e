// The usage journal on PostgreSQL lies in blocks of ids (partitions, PostgreSQL 5.11), made ahead of need: an old one is dropped at once, which
// costs nothing, where deleting its rows would cost as much as writing them did. By ids and not by months, because the key
// has to hold what the table is parted by, and readers go by `event_id > cursor order by event_id`.
import type { Sql } from './sql.ts'
import { SMALLEST_BLOCK } from './tables.ts'

/** Ids from `from` on, below `to`. */
export interface Block {
  readonly table: string
  readonly from: bigint
  readonly to: bigint
}

/** A block is to last so long, so that what is kept too long with its newest row is little, milliseconds. */
const SPAN = 30n * 86_400_000n
/** The rate is not known better than by so long, milliseconds. */
const SHORTEST = 60_000n
/** Ids that may be given out while a block is being made. */
const MARGIN = 1_000_000n
/** Others wait behind a lock that is waited for: a backup may hold it for hours, so it is asked for again later, milliseconds. */
const PATIENCE = '250ms'

/** Ids that the next block should have when `ids` were given out in `elapsed` milliseconds: those of 30 days. */
export function blockSize(ids: bigint, elapsed: bigint): bigint {
  const month = (ids * SPAN) / (elapsed > SHORTEST ? elapsed : SHORTEST)
  return month > SMALLEST_BLOCK ? month : SMALLEST_BLOCK
}

/** In the order of their ids; the rest, which has no bounds, is not among them. */
export async function readBlocks(sql: Sql): Promise<Block[]> {
  const rows = await sql.rows<{ table: string; bound: string }>(
    `select c.relname::text as table, pg_get_expr(c.relpartbound, c.oid) as bound
     from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'usage_event'::regclass`,
  )
  const blocks = rows.flatMap(({ table, bound }): Block[] => {
    const [, from, to] = /^FOR VALUES FROM \((?:'(\d+)'|MINVALUE)\) TO \('(\d+)'\)$/.exec(bound) ?? []
    return to === undefined ? [] : [{ table, from: BigInt(from ?? 0), to: BigInt(to) }]
  })
  return blocks.sort((a, b) => (a.from < b.from ? -1 : 1))
}

/**
 * Makes the next block when the last is half full; resolves with its name. `now`: milliseconds. Rejects with STORE_LOCKED when somebody
 * reads the whole journal just now: to be tried again.
 */
export async function makeBlock(sql: Sql, now: bigint): Promise<string | undefined> {
  const last = (await readBlocks(sql)).at(-1)
  const { from: first, to: end } = last ?? { from: 0n, to: 0n }
  const newest = await sql.row<{ event_id: bigint }>('select event_id from usage_event order by event_id desc limit 1')
  const tip = newest?.event_id ?? 0n
  if (tip < first + (end - first) / 2n) return undefined
  const oldest = await sql.row<{ event_id: bigint; received_at: bigint }>(
    'select event_id, received_at from usage_event where event_id >= ? order by event_id limit 1',
    first,
  )
  const from = tip < end ? end : tip + MARGIN
  const to = from + blockSize(tip - (oldest?.event_id ?? tip), now - (oldest?.received_at ?? now))
  const table = `usage_event_${from}`
  await sql.run(`set local lock_timeout = '${PATIENCE}'`)
  // Attached, not created in place: that would keep out readers and writers alike.
  await sql.run(`create table ${table} (like usage_event including defaults including constraints)`)
  await sql.run(`alter table usage_event attach partition ${table} for values from (${from}) to (${to})`)
  return table
}

/**
 * Drops the first block, if it ends at `last` at the latest and its newest row came before `before`; resolves with its name. Rejects as
 * `makeBlock` does.
 */
export async function dropBlock(
  sql: Sql,
  { last, before }: { readonly last: bigint; readonly before: bigint },
): Promise<string | undefined> {
  const [block] = await readBlocks(sql)
  if (!block || block.to > last + 1n) return undefined
  const newest = await sql.row<{ received_at: bigint }>(
    'select received_at from usage_event where event_id >= ? and event_id < ? order by event_id desc limit 1',
    block.from,
    block.to,
  )
  if (newest && newest.received_at >= before) return undefined
  await sql.run(`set local lock_timeout = '${PATIENCE}'`)
  await sql.run(`drop table ${block.table}`)
  return block.table
}
