// What was set aside, until somebody decides: charged and receipted after all, or dropped. Nothing is deleted.
import { fail } from '../../core/kernel/errors.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Sql } from '../../core/store/sql.ts'

export interface HeldRow {
  readonly held_id: bigint
  /** `usage:`, `receipt:` or `registry:` and the id of a journal row, else the session and its request. */
  readonly source: string
  /** When it happened. */
  readonly at: Millis
  readonly subscriber_id: string | null
  readonly reason: string
  /** JSON of what is held. */
  readonly usage: string
  readonly state: 'held' | 'released' | 'dropped'
  readonly decided_at: Millis | null
}

const SELECT = 'select held_id, source, at, subscriber_id, reason, usage, state, decided_at from rating_held'

/** In the order in which they were set aside, behind `after`; only what nobody has decided yet, unless `all`. */
export const listHeld = (
  sql: Sql,
  { after, limit, all }: { readonly after: bigint; readonly limit: number; readonly all: boolean },
): Promise<HeldRow[]> =>
  sql.rows<HeldRow>(
    `${SELECT} where held_id > ? ${all ? '' : `and state = 'held'`} order by held_id limit ?`,
    after,
    BigInt(limit),
  )

/** What is still to be decided, locked to the end of the transaction. Throws HELD_UNKNOWN or HELD_DECIDED. */
export async function lockHeld(sql: Sql, id: bigint): Promise<HeldRow> {
  const [row] = await sql.find<HeldRow>(SELECT, 'held_id', [id], 'lock')
  if (!row) return fail('HELD_UNKNOWN', { id })
  if (row.state !== 'held') fail('HELD_DECIDED', { id, state: row.state })
  return row
}

export const decideHeld = (sql: Sql, id: bigint, state: 'released' | 'dropped', now: Millis): Promise<number> =>
  sql.run('update rating_held set state = ?, decided_at = ? where held_id = ?', state, now, id)

/** Why a source is set aside at this moment, undefined where it is not. */
export async function reasonHeld(sql: Sql, source: string): Promise<string | undefined> {
  const row = await sql.row<{ reason: string }>(
    `select reason from rating_held where source = ? and state = 'held' order by held_id desc limit 1`,
    source,
  )
  return row?.reason
}
