// Operators: people who may let keys leave. Each proves by a token of its own who it is; the name that somebody gives at a command line does not
// count here. Only a hash of the token is kept: it has 256 random bits, so a plain one cannot be turned back.
import { createHash, randomBytes } from 'node:crypto'
import { fail } from '../../../core/kernel/errors.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import { recordUses } from '../store.ts'

const OPERATOR: Target = {
  table: 'key_operator',
  columns: ['operator_id', 'token_hash', 'created_by', 'created_at'],
  conflict: 'do nothing',
}
const TOKEN_OCTETS = 32
/** Two can agree; whoever comes later is let in by one of them. */
const FOUNDERS = 2

const hashOf = (token: string): string => createHash('sha256').update(`tallycell operator ${token}`).digest('hex')

export interface Operator {
  readonly operator: string
  readonly createdBy: string
  readonly created: Millis
  readonly revoked: Millis | undefined
}

interface Row {
  readonly operator_id: string
  readonly created_by: string
  readonly created_at: Millis
  readonly revoked_at: Millis | null
}

export async function listOperators(sql: Sql): Promise<Operator[]> {
  const rows = await sql.rows<Row>(
    'select operator_id, created_by, created_at, revoked_at from key_operator order by operator_id',
  )
  return rows.map(({ operator_id, created_by, created_at, revoked_at }) => ({
    operator: operator_id,
    createdBy: created_by,
    created: created_at,
    revoked: revoked_at ?? undefined,
  }))
}

/** Whose token this is. Throws OPERATOR_TOKEN_WRONG. */
export async function operatorOf(sql: Sql, token: string): Promise<string> {
  const row = await sql.row<{ operator_id: string }>(
    'select operator_id from key_operator where token_hash = ? and revoked_at is null',
    hashOf(token),
  )
  return row?.operator_id ?? fail('OPERATOR_TOKEN_WRONG', {})
}

export interface NewOperator {
  readonly operator: string
  /** Of the operator who lets this one in; not needed by the first two. */
  readonly by: string | undefined
  /** For the record of the first two. */
  readonly actor: string
}

/** The new operator's token, which is shown this once. Throws OPERATOR_EXISTS, also for a name that was revoked, OPERATOR_TOKEN_WRONG. */
export async function addOperator(sql: Sql, { operator, by, actor }: NewOperator, now: Millis): Promise<string> {
  await sql.journal('key_operator')
  const { count } = (await sql.row<{ count: bigint }>('select count(*) as count from key_operator')) ?? { count: 0n }
  const sponsor = by === undefined && count < FOUNDERS ? actor : await operatorOf(sql, by ?? '')
  const token = randomBytes(TOKEN_OCTETS).toString('base64url')
  if ((await sql.insert(OPERATOR, [[operator, hashOf(token), sponsor, now]])) === 0)
    fail('OPERATOR_EXISTS', { operator })
  await recordUses(sql, [{ actor: sponsor, purpose: 'add', subject: `operator:${operator}`, count: 1n }], now)
  return token
}

/** Lets an operator approve nothing more; any operator may. Throws OPERATOR_TOKEN_WRONG, OPERATOR_UNKNOWN. */
export async function revokeOperator(sql: Sql, operator: string, by: string, now: Millis): Promise<void> {
  const actor = await operatorOf(sql, by)
  const changed = await sql.run(
    'update key_operator set revoked_at = ? where operator_id = ? and revoked_at is null',
    now,
    operator,
  )
  if (changed === 0) fail('OPERATOR_UNKNOWN', { operator: operator.slice(0, 64) })
  await recordUses(sql, [{ actor, purpose: 'retire', subject: `operator:${operator}`, count: 1n }], now)
}
