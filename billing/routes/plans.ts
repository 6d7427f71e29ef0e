// /partner/v1/plans: the tenant's part of the catalogue, every version of it.
import { type TSchema, Type } from 'typebox'
import {
  ID,
  nullable,
  type PartnerRoutes,
  pageOf,
  TIME,
  timeOf,
  U64,
  unknown,
} from '../../core/http/partner/contract.ts'
import { type PayerId, planId } from '../../core/kernel/ids.ts'
import type { Sql } from '../../core/store/sql.ts'
import { listPlans, putPlan } from '../charging/catalogue/store.ts'
import { readVersions, type StoredPlan } from '../charging/commands/store.ts'
import { planSchema } from '../charging/plan/document-schema.ts'
import type { Plan } from '../charging/plan/plan.ts'

const { tenant: _tenant, ...properties } = planSchema.properties

interface JsonSchema {
  readonly [keyword: string]: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly required?: readonly string[]
}

/** What has a default may be left out by those who write a document. */
function asWritten(schema: JsonSchema): JsonSchema {
  const { properties: below, items, required, ...rest } = schema
  return {
    ...rest,
    ...(items === undefined ? {} : { items: asWritten(items) }),
    ...(below === undefined
      ? {}
      : {
          properties: Object.fromEntries(Object.entries(below).map(([name, each]) => [name, asWritten(each)])),
          required: (required ?? []).filter((name) => below[name]?.default === undefined),
          additionalProperties: false,
        }),
  }
}

const DOCUMENT = Type.Unsafe<Record<string, unknown>>({
  ...asWritten(JSON.parse(JSON.stringify(Type.Object(properties))) as JsonSchema),
  description: 'A plan as `tallycell plan example` explains it, without its tenant.',
} as TSchema)

const VERSION = Type.Object({
  plan: ID,
  version: U64,
  current: Type.Boolean({ description: 'true for the version that new sessions use' }),
  added: TIME,
  document: Type.Unknown({ description: 'as it was added' }),
})

const SUMMARY = Type.Object({
  plan: ID,
  version: U64,
  name: Type.String(),
  kind: Type.Enum(['prepaid', 'postpaid', 'hybrid']),
  bundles: Type.Array(
    Type.Object({
      bundle: Type.String(),
      unit: Type.String(),
      amount: U64,
      price: { ...U64, description: 'micro-units' },
    }),
  ),
  recurring: nullable(Type.Object({ period: Type.String(), price: U64 })),
})

const summary = ({ id, version, name, kind, bundles, recurring }: Plan) => ({
  plan: id,
  ...{ version, name, kind },
  bundles: bundles.map(({ id: bundle, unit, amount, price }) => ({ bundle, unit, amount, price })),
  recurring: recurring ?? null,
})

function versionBody(plan: string, { version, document, created_at, current }: StoredPlan) {
  const { tenant: _owner, ...written } = JSON.parse(document) as Record<string, unknown>
  return { plan, version, current: current === 1n, added: timeOf(created_at), document: written }
}

async function needVersion(sql: Sql, tenant: PayerId, plan: string, version?: string): Promise<StoredPlan> {
  const versions = await readVersions(sql, tenant, plan)
  const found = versions.find((one) => (version === undefined ? one.current === 1n : one.version === BigInt(version)))
  return found ?? unknown('plan', version === undefined ? plan : `${plan} version ${version}`)
}

export const planRoutes: PartnerRoutes = (api) => {
  api.list({
    url: '/plans',
    tag: 'plans',
    scope: 'plans:read',
    summary: 'Plans in the version that new sessions use, in the order of their ids',
    item: SUMMARY,
    async handler({ sql, tenant, page: { limit, after } }) {
      const plans = (await listPlans(sql, tenant)).filter(({ id }) => after === undefined || id > after)
      return pageOf(plans, limit, ({ id }) => id, summary)
    },
  })
  api.route({
    method: 'POST',
    url: '/plans',
    tag: 'plans',
    scope: 'plans:write',
    summary: 'Add a plan, or the next version of one: sessions that open from now on use it',
    description: 'The same document again changes nothing. A version never changes.',
    body: DOCUMENT,
    answers: { 201: VERSION },
    errors: ['PLAN_INVALID', 'PLAN_VERSION', 'TENANT_UNKNOWN'],
    async handler({ sql, tenant, body, at }) {
      const { id, version } = await putPlan(sql, { tenant, ...body }, at)
      const stored = await needVersion(sql, tenant, id, version.toString())
      return { body: versionBody(id, stored), location: `/plans/${id}/versions/${version}` }
    },
  })
  api.route({
    method: 'GET',
    url: '/plans/{plan}',
    tag: 'plans',
    scope: 'plans:read',
    summary: 'A plan in the version that new sessions use',
    params: Type.Object({ plan: ID }),
    answers: { 200: VERSION },
    handler: async ({ sql, tenant, params: { plan } }) => ({
      body: versionBody(planId(plan), await needVersion(sql, tenant, plan)),
    }),
  })
  api.list({
    url: '/plans/{plan}/versions',
    tag: 'plans',
    scope: 'plans:read',
    summary: 'All versions of a plan, the oldest first',
    params: Type.Object({ plan: ID }),
    item: VERSION,
    async handler({ sql, tenant, params: { plan }, page: { limit, after } }) {
      const versions = await readVersions(sql, tenant, plan)
      if (versions.length === 0) unknown('plan', plan)
      const wanted = versions.filter(({ version }) => after === undefined || version > BigInt(after))
      return pageOf(
        wanted,
        limit,
        ({ version }) => version,
        (each) => versionBody(plan, each),
      )
    },
  })
  api.route({
    method: 'GET',
    url: '/plans/{plan}/versions/{version}',
    tag: 'plans',
    scope: 'plans:read',
    summary: 'A version of a plan',
    params: Type.Object({ plan: ID, version: U64 }),
    answers: { 200: VERSION },
    handler: async ({ sql, tenant, params: { plan, version } }) => ({
      body: versionBody(plan, await needVersion(sql, tenant, plan, version)),
    }),
  })
}
