// Where a stage has got to in its journal, kept in the transaction of what the stage wrote.
import type { RawDatabase } from './store.ts'

/** The last journal row that `stage` has taken; 0 before the first. */
export function readCursor(database: RawDatabase, stage: string): bigint {
  const row = database.prepare('select position from stage_cursor where stage = ?').get(stage) as
    | { position: bigint }
    | undefined
  return row?.position ?? 0n
}

/** Moves the cursor; call it in the transaction of the stage's own writes. */
export function writeCursor(database: RawDatabase, stage: string, position: bigint): void {
  database
    .prepare(
      'insert into stage_cursor (stage, position) values (?, ?) on conflict (stage) do update set position = excluded.position',
    )
    .run(stage, position)
}
