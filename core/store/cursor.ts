// Where a stage has got to in its journal, kept in the transaction of what the stage wrote.
import type { Sql, Target } from './sql.ts'

const CURSOR: Target = {
  table: 'stage_cursor',
  columns: ['stage', 'position'],
  conflict: '(stage) do update set position = excluded.position',
}
const NEW_CURSOR: Target = { ...CURSOR, conflict: '(stage) do nothing' }

/**
 * The last journal row that `stage` has taken; 0 before the first. Held until the transaction ends, so that of several nodes one at a
 * time runs the stage: cursors are read before anything else is locked.
 */
export async function readCursor(sql: Sql, stage: string): Promise<bigint> {
  const position = await lockCursor(sql, stage)
  if (position !== undefined) return position
  // What is not there cannot be locked; another node may be making it at this moment.
  await sql.insert(NEW_CURSOR, [[stage, 0n]])
  return (await lockCursor(sql, stage)) ?? 0n
}

async function lockCursor(sql: Sql, stage: string): Promise<bigint | undefined> {
  const [row] = await sql.find<{ position: bigint }>('select position from stage_cursor', 'stage', [stage], 'lock')
  return row?.position
}

/** Moves the cursor; call it in the transaction of the stage's own writes. */
export async function writeCursor(sql: Sql, stage: string, position: bigint): Promise<void> {
  await sql.insert(CURSOR, [[stage, position]])
}
