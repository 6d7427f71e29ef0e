// Tenants and their plans. A version of a plan never changes, so what has been read of it is kept.
import { fail } from '../../../core/kernel/errors.ts'
import type { PayerId } from '../../../core/kernel/ids.ts'
import type { Microtokens, Millis } from '../../../core/kernel/units.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import { parsePlan } from '../plan/document.ts'
import type { Plan } from '../plan/plan.ts'
import type { Rounding } from '../plan/rounding.ts'
import { flatTerms, type Terms } from '../session/terms.ts'

export interface Tenant extends Rounding {
  readonly tenant: PayerId
  /** ISO 4217. */
  readonly currency: string
  /** IANA name. */
  readonly timeZone: string
}

interface TenantRow {
  readonly tenant_id: PayerId
  readonly currency: string
  readonly decimals: bigint
  readonly rounding: Rounding['mode']
  readonly time_zone: string
}

interface PlanRow {
  readonly plan_no: bigint
  readonly plan_key: string
  readonly version: bigint
  readonly document: string
}

const TENANTS: Target = {
  table: 'tenant',
  columns: ['tenant_id', 'currency', 'decimals', 'rounding', 'time_zone'],
  conflict:
    '(tenant_id) do update set decimals = excluded.decimals, rounding = excluded.rounding, time_zone = excluded.time_zone',
}
const PLANS: Target = {
  table: 'plan',
  columns: ['plan_key', 'version', 'document', 'created_at'],
  conflict: '(plan_key, version) do nothing',
}
const HEADS: Target = {
  table: 'plan_head',
  columns: ['plan_key', 'plan_no'],
  conflict: '(plan_key) do update set plan_no = excluded.plan_no',
}
const TENANT = 'select tenant_id, currency, decimals, rounding, time_zone from tenant'
const PLAN = 'select plan_no, plan_key, version, document from plan'

export const planKey = (tenant: string, plan: string): string => `${tenant}/${plan}`

/** Makes or changes a tenant; its currency stays what it was. Throws TENANT_CURRENCY where another is given. */
export async function putTenant(sql: Sql, { tenant, currency, decimals, mode, timeZone }: Tenant): Promise<void> {
  const known = (await readTenants(sql, [tenant])).get(tenant)
  if (known && known.currency !== currency)
    fail('TENANT_CURRENCY', { tenant, currency: known.currency, came: currency })
  await sql.insert(TENANTS, [[tenant, currency, BigInt(decimals), mode, timeZone]])
}

export async function readTenants(sql: Sql, tenants: Iterable<string>): Promise<Map<string, Tenant>> {
  const rows = await sql.find<TenantRow>(TENANT, 'tenant_id', [...new Set(tenants)].sort())
  return new Map(
    rows.map((row) => [
      row.tenant_id,
      {
        tenant: row.tenant_id,
        currency: row.currency,
        decimals: Number(row.decimals),
        mode: row.rounding,
        timeZone: row.time_zone,
      },
    ]),
  )
}

/** The time zones of all tenants. */
export const timeZones = async (sql: Sql): Promise<string[]> =>
  (await sql.rows<{ time_zone: string }>('select distinct time_zone from tenant order by time_zone')).map(
    ({ time_zone }) => time_zone,
  )

/**
 * Adds a version of a plan and makes it the one that new sessions use; the same document again changes nothing. Throws PLAN_INVALID,
 * TENANT_UNKNOWN, and PLAN_VERSION where that version says something else.
 */
export async function putPlan(sql: Sql, document: unknown, at: Millis): Promise<Plan> {
  const plan = parsePlan(document)
  if (!(await readTenants(sql, [plan.tenant])).has(plan.tenant)) fail('TENANT_UNKNOWN', { tenant: plan.tenant })
  const key = planKey(plan.tenant, plan.id)
  const text = JSON.stringify(document, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
  await sql.insert(PLANS, [[key, plan.version, text, at]])
  const row = (await sql.find<PlanRow>(PLAN, 'plan_key', [key])).find(({ version }) => version === plan.version)
  if (!row || row.document !== text) return fail('PLAN_VERSION', { plan: key, version: plan.version })
  await sql.insert(HEADS, [[key, row.plan_no]])
  return plan
}

const FLAT = 'flat'

/** Whether a tenant may charge by a plan: one of its catalogue, or the built-in one. Throws PLAN_UNKNOWN. */
export async function checkPlan(sql: Sql, tenant: string, plan: string): Promise<void> {
  const known = await sql.row('select 1 as one from plan_head where plan_key = ?', planKey(tenant, plan))
  if (plan !== FLAT && !known) fail('PLAN_UNKNOWN', { what: plan })
}

/** The version in use of each plan, of one tenant or of all. */
export async function listPlans(sql: Sql, tenant?: string): Promise<Plan[]> {
  const used = 'plan_no in (select plan_no from plan_head'
  const rows =
    tenant === undefined
      ? await sql.rows<PlanRow>(`${PLAN} where ${used}) order by plan_key`)
      : // '0' follows '/' in ASCII.
        await sql.rows<PlanRow>(
          `${PLAN} where ${used} where plan_key >= ? and plan_key < ?) order by plan_key`,
          ...[`${tenant}/`, `${tenant}0`],
        )
  return rows.map(({ document }) => parsePlan(JSON.parse(document)))
}

export interface Catalogue {
  /** By `planKey`: what sessions that open now are charged by. */
  current(sql: Sql, keys: Iterable<string>): Promise<Map<string, Terms>>
  /** By plan number: what a session was opened with. */
  byNumber(sql: Sql, numbers: Iterable<bigint>): Promise<Map<bigint, Terms>>
  /** The built-in plan of those whose plan is not in the catalogue. */
  readonly flat: Terms
}

/** `price` of the flat plan: microtokens per 1,000,000 octets. */
export function createCatalogue(price: Microtokens): Catalogue {
  const plans = new Map<bigint, Plan>()

  const byNumber = async (sql: Sql, numbers: Iterable<bigint>): Promise<Map<bigint, Terms>> => {
    const wanted = [...new Set(numbers)]
    const missing = wanted.filter((number) => !plans.has(number))
    for (const { plan_no, document } of await sql.find<PlanRow>(PLAN, 'plan_no', missing))
      plans.set(plan_no, parsePlan(JSON.parse(document)))
    const found = wanted.flatMap((number): [bigint, Plan][] => {
      const plan = plans.get(number)
      return plan ? [[number, plan]] : []
    })
    const tenants = await readTenants(
      sql,
      found.map(([, { tenant }]) => tenant),
    )
    return new Map(
      found.flatMap(([planNo, plan]): [bigint, Terms][] => {
        const tenant = tenants.get(plan.tenant)
        return tenant ? [[planNo, { planNo, plan, currency: tenant.currency, timeZone: tenant.timeZone }]] : []
      }),
    )
  }

  return {
    flat: flatTerms(price),
    byNumber,
    async current(sql, keys) {
      const heads = await sql.find<{ plan_key: string; plan_no: bigint }>(
        'select plan_key, plan_no from plan_head',
        'plan_key',
        [...new Set(keys)].sort(),
      )
      const terms = await byNumber(
        sql,
        heads.map(({ plan_no }) => plan_no),
      )
      return new Map(
        heads.flatMap(({ plan_key, plan_no }): [string, Terms][] => {
          const found = terms.get(plan_no)
          return found ? [[plan_key, found]] : []
        }),
      )
    },
  }
}
