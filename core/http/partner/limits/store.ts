// Limits of tenants, and the requests that they have used of their day.
import type { PayerId } from '../../../kernel/ids.ts'
import type { Millis } from '../../../kernel/units.ts'
import type { Sql, Target } from '../../../store/sql.ts'

export interface Limits {
  /** Requests per second. */
  readonly perSecond: number
  /** Requests per UTC day. */
  readonly perDay: number
}

const LIMITS: Target = {
  table: 'partner_limit',
  columns: ['tenant_id', 'per_second', 'per_day'],
  conflict: '(tenant_id) do update set per_second = excluded.per_second, per_day = excluded.per_day',
}
const QUOTAS: Target = {
  table: 'partner_quota',
  columns: ['tenant_id', 'day', 'used'],
  conflict: '(tenant_id, day) do nothing',
}

/** Undefined: as configured. */
export const setLimits = (sql: Sql, tenant: PayerId, { perSecond, perDay }: Partial<Limits>): Promise<number> =>
  sql.insert(LIMITS, [[tenant, numberOf(perSecond), numberOf(perDay)]])

const numberOf = (value: number | undefined): bigint | null => (value === undefined ? null : BigInt(value))

export async function readLimits(sql: Sql, tenant: PayerId, configured: Limits): Promise<Limits> {
  const row = await sql.row<{ per_second: bigint | null; per_day: bigint | null }>(
    'select per_second, per_day from partner_limit where tenant_id = ?',
    tenant,
  )
  return {
    perSecond: Number(row?.per_second ?? configured.perSecond),
    perDay: Number(row?.per_day ?? configured.perDay),
  }
}

/** Takes at most `wanted` requests of the day's `limit` for one node to spend; resolves with how many it got. */
export async function takeQuota(
  sql: Sql,
  tenant: PayerId,
  day: Millis,
  limit: number,
  wanted: number,
): Promise<number> {
  await sql.insert(QUOTAS, [[tenant, day, 0n]])
  // Locks it, too.
  const row = await sql.row<{ used: bigint }>(
    'update partner_quota set used = used + 0 where tenant_id = ? and day = ? returning used',
    ...[tenant, day],
  )
  const left = BigInt(limit) - (row?.used ?? 0n)
  const got = left < BigInt(wanted) ? (left < 0n ? 0n : left) : BigInt(wanted)
  await sql.run('update partner_quota set used = used + ? where tenant_id = ? and day = ?', got, tenant, day)
  return Number(got)
}
