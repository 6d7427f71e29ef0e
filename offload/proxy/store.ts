// Accounting of roamers on its way to their home servers: on record before the access point is answered, gone when the home server has it.
import { createHash } from 'node:crypto'
import type { Millis } from '../../core/kernel/units.ts'
import type { Sql, Target } from '../../core/store/sql.ts'

export interface NewRecord {
  /** Name of the RADIUS client that sent it. */
  readonly client: string
  /** Of the route. */
  readonly realm: string
  readonly packet: Uint8Array
  readonly received: Millis
}

export interface WaitingRecord {
  readonly record_no: bigint
  readonly realm: string
  readonly packet: Uint8Array
  readonly received_at: Millis
  readonly attempt: bigint
  readonly next_at: Millis
}

const RECORDS: Target = {
  table: 'proxy_accounting',
  columns: ['digest', 'realm', 'packet', 'received_at', 'attempt', 'next_at'],
  conflict: '(digest) do nothing',
}

export const keepRecords = (sql: Sql, records: readonly NewRecord[]): Promise<number> =>
  sql.insert(
    RECORDS,
    records.map(({ client, realm, packet, received }) => [
      createHash('sha256').update(client).update('\n').update(packet).digest(),
      ...[realm, packet, received, 0n, received],
    ]),
  )

/** Records whose time has come, oldest first. */
export const dueRecords = (sql: Sql, now: Millis, limit: number): Promise<WaitingRecord[]> =>
  sql.rows<WaitingRecord>(
    `select record_no, realm, packet, received_at, attempt, next_at from proxy_accounting where next_at <= ? order by next_at, record_no limit ?`,
    now,
    BigInt(limit),
  )

/** Takes a record until `until`, unless another node did since it was read. */
export async function claimRecord(sql: Sql, { record_no, next_at }: WaitingRecord, until: Millis): Promise<boolean> {
  const changed = await sql.run(
    'update proxy_accounting set next_at = ?, attempt = attempt + 1 where record_no = ? and next_at = ?',
    ...[until, record_no, next_at],
  )
  return changed === 1
}

export const putOff = (sql: Sql, record: bigint, until: Millis): Promise<number> =>
  sql.run('update proxy_accounting set next_at = ? where record_no = ?', until, record)

export const forgetRecord = (sql: Sql, record: bigint): Promise<number> =>
  sql.run('delete from proxy_accounting where record_no = ?', record)
