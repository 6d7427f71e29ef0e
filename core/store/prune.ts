// What has been kept long enough goes, a few thousand rows at a time. Only what nobody needs any more: every stage has passed it, its epoch
// is closed, its session has ended. Receipts, the log's entries, the ledger, payouts and settlements are for ever. Of each table the newest row
// stays, because SQLite gives the key of a deleted last row again (tables.ts).
import type { Sql, Value } from './sql.ts'

export const PRUNED = [
  'usage_session',
  'usage_event',
  'cdr',
  'charging_session',
  'charging_event',
  'log_checkpoint',
] as const
export type Pruned = (typeof PRUNED)[number]

/** A walk through one table in the order of its keys, in steps of one transaction each. */
export interface Walk {
  readonly table: Pruned
  /** Looks at `limit` rows behind the key `after` at most. */
  step(sql: Sql, after: bigint, limit: number): Promise<Step>
}

export interface Step {
  /** Rows deleted; with `dryRun`, that would be. */
  readonly removed: number
  /** Where to go on; undefined at the end. */
  readonly next: bigint | undefined
}

export interface RoundOptions {
  /** What is older may go, milliseconds since 1970. */
  readonly before: bigint
  /** As `before`, for single rows of the usage journal where it is dropped in blocks as well; default `before`. */
  readonly rowsBefore?: bigint
  /**
   * The highest number of sessions that may go. Their time is by their access point's clock, which may be years behind: so a session that
   * is new by ours stays, whatever it says. Undefined: none may go.
   */
  readonly newestSession: bigint | undefined

  readonly dryRun?: boolean
}

export interface Round {
  /** To be walked through in this order: the later ones go by what the earlier ones found. */
  readonly walks: readonly Walk[]
  /** What may go of the journal, known once usage_session has been walked through. */
  journal(sql: Sql): Promise<{ readonly last: bigint; readonly before: bigint }>
}

const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** The stages that read the usage journal: rows of it stay until each has passed them. */
const STAGES = ['rating', 'receipts'] as const

/**
 * The last event that nobody needs: all stages have passed it, none of it is set aside, the epoch of its receipt is closed, and it is not the newest. 0 where there
 * is none. Receipts are written in the order of events, so those of the open epoch are the newest.
 */
export async function lastSpareEvent(sql: Sql): Promise<bigint> {
  const cursors = await sql.find<{ position: bigint }>('select position from stage_cursor', 'stage', STAGES)
  if (cursors.length < STAGES.length) return 0n
  const judged = await sql.row<{ event_id: bigint }>(
    `select event_id from receipt where entry_index >= (select min(first_index) from epoch where state = 'open')
     order by entry_index limit 1`,
  )
  const newest = await newestKey(sql, 'usage_event', 'event_id')
  const last = cursors.map(({ position }) => position).reduce(lesser, newest - 1n)
  const held = await sql.rows<{ source: string }>(
    `select source from rating_held where state = 'held' and (source like 'usage:%' or source like 'receipt:%')`,
  )
  const needed = [
    ...(judged ? [judged.event_id] : []),
    ...held.map(({ source }) => BigInt(source.slice(source.indexOf(':') + 1))),
  ]
  const spare = needed.reduce((least, event) => lesser(least, event - 1n), last)
  return spare > 0n ? spare : 0n
}

/**
 * The last checkpoint that nothing goes on from: a newer one is signed, and epochs that are not anchored yet are covered by later ones. Proofs
 * need none of them, since the tiles give the root of every size.
 */
async function lastSpareCheckpoint(sql: Sql): Promise<bigint> {
  const row = await sql.row<{ first: bigint | null }>(
    `select min(first_index) as first from epoch where state in ('open', 'closed')`,
  )
  const newest = await newestKey(sql, 'log_checkpoint', 'size')
  return lesser(newest - 1n, row?.first ?? newest)
}

async function newestKey(sql: Sql, table: string, key: string): Promise<bigint> {
  const row = await sql.row<{ newest: bigint }>(`select ${key} as newest from ${table} order by ${key} desc limit 1`)
  return row?.newest ?? 0n
}

/** The walks of one round, for which the options hold throughout. */
export function createRound({ before, rowsBefore = before, newestSession, dryRun = false }: RoundOptions): Round {
  /** Start of the oldest session that goes on: its usage stays together. */
  let oldestLive = before
  /** Time of the oldest record that stays: its session stays, too. */
  let oldestRecord = before
  const remove = async (sql: Sql, text: string, ...values: readonly Value[]): Promise<void> => {
    if (!dryRun) await sql.run(text, ...values)
  }

  /** Deletes from the front of a table whose keys are in the order of time, up to the first row that is too young. */
  const front =
    (
      table: Pruned,
      key: string,
      time: string,
      limits: (sql: Sql) => Promise<{ readonly last: bigint; readonly before: bigint }>,
    ): Walk['step'] =>
    async (sql, after, limit) => {
      const { last, before } = await limits(sql)
      const rows = await sql.rows<{ key: bigint; time: bigint }>(
        `select ${key} as key, ${time} as time from ${table} where ${key} > ? and ${key} <= ? order by ${key} limit ?`,
        after,
        last,
        BigInt(limit),
      )
      const young = rows.findIndex((row) => row.time >= before)
      const removed = young < 0 ? rows.length : young
      const to = rows[removed - 1]?.key
      if (to === undefined) return { removed: 0, next: undefined }
      await remove(sql, `delete from ${table} where ${key} > ? and ${key} <= ?`, after, to)
      return { removed, next: removed < limit ? undefined : to }
    }

  const journal = async (sql: Sql) => ({ last: await lastSpareEvent(sql), before: oldestLive })

  const sessions = async (sql: Sql, after: bigint, limit: number): Promise<Step> => {
    const rows = await sql.rows<UsageSessionRow>(
      `${USAGE_SESSIONS} where session_no > ? order by session_no limit ?`,
      after,
      BigInt(limit),
    )
    for (const { state, started_at, last_at } of rows)
      if (state === 'open' && last_at >= before) oldestLive = lesser(oldestLive, started_at)
    const end = rows.length < limit ? undefined : rows.at(-1)?.session_no
    if (newestSession === undefined) return { removed: 0, next: end }
    const newest = lesser(newestSession, (await newestKey(sql, 'usage_session', 'session_no')) - 1n)
    const old = rows.filter((row) => row.state !== 'open' && row.last_at < before && row.session_no <= newest)
    const to = old.at(-1)?.session_no
    if (to !== undefined && !dryRun) {
      // In the order in which accounting locks them: whoever is being reported on just now is not old any more when this returns.
      await sql.find(USAGE_SESSIONS, 'session_key', old.map(({ session_key }) => session_key).sort(), 'lock')
      await sql.run(DELETE_USAGE_SESSIONS, after, to, after, to, before)
      await sql.run(DELETE_USAGE_COUNTERS, after, to, after, to)
      // What accounting remembers of them is no longer true.
      sql.memory('usage_session')?.clear()
    }
    return { removed: old.length, next: end }
  }

  const charged = async (sql: Sql, after: bigint, limit: number): Promise<Step> => {
    const until = lesser(before, oldestRecord)
    const rows = await sql.rows<{ session_no: bigint; old: bigint | null }>(
      `${CHARGING_SESSIONS} where s.session_no > ? and s.session_no < ? order by s.session_no limit ?`,
      until,
      until,
      after,
      await newestKey(sql, 'charging_session', 'session_no'),
      BigInt(limit),
    )
    const old = rows.filter((row) => row.old === 1n).map(({ session_no }) => session_no)
    const to = old.at(-1)
    if (to !== undefined && !dryRun) {
      await sql.find('select session_no from charging_counter', 'session_no', old, 'lock')
      await sql.run(DELETE_CHARGING_SESSIONS, after, to, until, after, to, until)
      await sql.run(DELETE_CHARGING_COUNTERS, after, to, after, to)
    }
    return { removed: old.length, next: rows.length < limit ? undefined : rows.at(-1)?.session_no }
  }

  const exported = front('cdr', 'record_no', 'created_at', async (sql) => ({ last: await lastExported(sql), before }))
  const records = async (sql: Sql, after: bigint, limit: number): Promise<Step> => {
    const step = await exported(sql, after, limit)
    if (step.next !== undefined) return step
    // In a dry run what would have gone is still there.
    const kept = await sql.row<{ created_at: bigint }>(
      `select created_at from cdr where record_no > ? and (created_at >= ? or record_no > ?) order by record_no limit 1`,
      after,
      before,
      await lastExported(sql),
    )
    if (kept) oldestRecord = kept.created_at
    return step
  }

  return {
    walks: [
      { table: 'usage_session', step: sessions },
      {
        table: 'usage_event',
        step: front('usage_event', 'event_id', 'received_at', async (sql) => {
          const { last, before } = await journal(sql)
          return { last, before: lesser(before, rowsBefore) }
        }),
      },
      { table: 'cdr', step: records },
      { table: 'charging_session', step: charged },
      {
        table: 'charging_event',
        step: front('charging_event', 'event_id', 'at', async (sql) => ({
          last: (await newestKey(sql, 'charging_event', 'event_id')) - 1n,
          before,
        })),
      },
      {
        table: 'log_checkpoint',
        step: front('log_checkpoint', 'size', 'signed_at', async (sql) => ({
          last: await lastSpareCheckpoint(sql),
          before,
        })),
      },
    ],
    journal,
  }
}

/** The last record that every export has in a finished file; 0 where nothing is exported: then all records stay. */
async function lastExported(sql: Sql): Promise<bigint> {
  const row = await sql.row<{ last: bigint | null }>(
    `select cast(min(last) as bigint) as last from cdr_counter where name like 'export position %'`,
  )
  return row?.last ?? 0n
}

interface UsageSessionRow {
  readonly session_no: bigint
  readonly session_key: string
  readonly state: string
  readonly started_at: bigint
  readonly last_at: bigint
}

const USAGE_SESSIONS = `select session_no, session_key, state, started_at, last_at
  from usage_session join usage_counter using (session_no)`
// The range stands in the subqueries again: PostgreSQL does not conclude it from the equality, and would read the whole table.
const DELETE_USAGE_SESSIONS = `delete from usage_session where session_no > ? and session_no <= ? and state <> 'open' and session_no in
  (select session_no from usage_counter where session_no > ? and session_no <= ? and last_at < ?)`
const DELETE_USAGE_COUNTERS = `delete from usage_counter where session_no > ? and session_no <= ? and not exists
  (select 1 from usage_session s where s.session_no = usage_counter.session_no and s.session_no > ? and s.session_no <= ?)`

const CHARGING_SESSIONS = `select s.session_no, case when c.state <> 'open' and s.closed_at < ? and c.last_at < ? then 1 else 0 end as old
  from charging_session s join charging_counter c on c.session_no = s.session_no`
const DELETE_CHARGING_SESSIONS = `delete from charging_session where session_no > ? and session_no <= ? and closed_at < ? and session_no in
  (select session_no from charging_counter where session_no > ? and session_no <= ? and state <> 'open' and last_at < ?)`
const DELETE_CHARGING_COUNTERS = `delete from charging_counter where session_no > ? and session_no <= ? and not exists
  (select 1 from charging_session s where s.session_no = charging_counter.session_no and s.session_no > ? and s.session_no <= ?)`
