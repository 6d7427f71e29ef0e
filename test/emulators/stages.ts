// Rating and receipts follow the journal at their own pace: how far they are, seen from outside.
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'

export interface CaughtUp {
  /** Events that had no charge or no receipt yet, at first and at last. */
  readonly first: number
  readonly left: number
  readonly seconds: number
}

const PATIENCE = 300_000

/** Waits until both stages of the node on `path` have taken every event, five minutes at most. */
export async function waitForStages(path: string): Promise<CaughtUp> {
  const database = new Database(path, { readonly: true })
  try {
    const behind = database
      .prepare(
        `select coalesce((select max(event_id) from usage_event), 0)
           - coalesce((select min(position) from stage_cursor where stage in ('rating', 'receipts')), 0)`,
      )
      .pluck()
    const first = behind.get() as number
    const begin = performance.now()
    let left = first
    while (left > 0 && performance.now() - begin < PATIENCE) {
      await sleep(100)
      left = behind.get() as number
    }
    return { first, left, seconds: (performance.now() - begin) / 1000 }
  } finally {
    database.close()
  }
}
