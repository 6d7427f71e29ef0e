// What was answered under an Idempotency-Key, kept with the effect: the same request gets the same answer, whatever was lost on the way.
import type { Millis } from '../../../kernel/units.ts'
import type { Sql, Target } from '../../../store/sql.ts'
import type { Box } from '../box.ts'

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Row {
  readonly request_hash: Uint8Array
  readonly status: bigint
  readonly headers: string
  readonly body: Uint8Array
}

const REPLAYS: Target = {
  table: 'partner_replay',
  columns: ['client_id', 'idempotency_key', 'request_hash', 'status', 'headers', 'body', 'created_at'],
  conflict: '(client_id, idempotency_key) do nothing',
}

/** Answers are kept so long, milliseconds. */
const KEPT = 86_400_000n

export interface ReplayKey {
  readonly client: string
  readonly key: string
  /** SHA-256 of method, path and body. */
  readonly requestHash: Uint8Array
}

/**
 * Takes the key for this request; resolves with what was answered to it before, 'other' where the key belongs to another request,
 * undefined for a new key. Whoever comes with the same key meanwhile waits until this transaction ends.
 */
export async function claimKey(
  sql: Sql,
  box: Box,
  { client, key, requestHash }: ReplayKey,
  at: Millis,
): Promise<Answered | 'other' | undefined> {
  if ((await sql.insert(REPLAYS, [[client, key, requestHash, 0n, '{}', new Uint8Array(), at]])) === 1) return undefined
  const row = await sql.row<Row>(
    'select request_hash, status, headers, body from partner_replay where client_id = ? and idempotency_key = ?',
    ...[client, key],
  )
  if (!row) return undefined
  if (Buffer.compare(row.request_hash, requestHash) !== 0) return 'other'
  return {
    status: Number(row.status),
    headers: JSON.parse(row.headers) as Record<string, string>,
    body: Buffer.from(box.open(nameOf(client, key), row.body)).toString('utf8'),
  }
}

export const keepAnswer = (
  sql: Sql,
  box: Box,
  { client, key }: ReplayKey,
  { status, headers, body }: Answered,
): Promise<number> =>
  sql.run(
    'update partner_replay set status = ?, headers = ?, body = ? where client_id = ? and idempotency_key = ?',
    ...[BigInt(status), JSON.stringify(headers), box.seal(nameOf(client, key), Buffer.from(body)), client, key],
  )

const nameOf = (client: string, key: string): string => `replay ${client} ${key}`

/** Forgets answers older than a day, at most `limit`; resolves with how many. */
export const forgetAnswers = (sql: Sql, now: Millis, limit = 1000): Promise<number> =>
  sql.run(
    `delete from partner_replay where (client_id, idempotency_key) in
     (select client_id, idempotency_key from partner_replay where created_at < ? order by created_at limit ?)`,
    ...[now - KEPT, BigInt(limit)],
  )
