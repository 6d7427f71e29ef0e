// Tests made from the OpenAPI document: every route without a token, with another tenant's, with another's objects, and with nonsense. What the
// document says is what the API does.
import fc from 'fast-check'
import type { Test } from 'tap'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { createCharging } from '../../billing/charging/charging.ts'
import { billingRoutes, checkPlan, putPlan, suspendCharging, topUp } from '../../billing/module.ts'
import { fail } from '../../core/kernel/errors.ts'
import { imsi, payerId, planId, subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { addSubscriber, createSubscriberDirectory } from '../../sim-provisioning/module.ts'
import { byHand } from '../../sim-provisioning/profiles/porting/porting.ts'
import { provisioningRoutes } from '../../sim-provisioning/routes/routes.ts'
import type { Vault } from '../../sim-provisioning/vault/vault.ts'
import { NOON, request } from './charging-world.ts'
import { onEachEngine, type TestDatabase } from './engines.ts'
import { type Json, type PartnerWorld, partnerWorld, type Reply } from './partner-world.ts'
import { csvOf, testSim, testSims, testVault, testWorld } from './sim-world.ts'

const PLAN = {
  ...{ tenant: 'acme', id: 'data', version: 1, name: 'Data', kind: 'prepaid' },
  tariffs: [{ name: 'any', when: {}, price: { octets: 2_000_000 } }],
}

interface Operation {
  readonly method: string
  readonly path: string
  readonly spec: Json
}

interface World {
  readonly world: PartnerWorld
  readonly document: Json
  readonly operations: readonly Operation[]
  readonly acme: string
  readonly other: string
  /** Objects of acme by the name of the parameter. */
  readonly objects: Readonly<Record<string, string>>
}

async function prepare(t: Test, database: TestDatabase): Promise<World> {
  const store = await database.open()
  const vault = testVault(t, store)
  const routes = [
    billingRoutes({ voucherKey: async () => new Uint8Array(32) }),
    provisioningRoutes({
      ...{ store, vault, suspendCharging, checkPlan, adapter: byHand },
      clock: () => millis(NOON),
      orders: () => fail('ESIM_NOT_CONFIGURED', {}),
    }),
  ]
  const world = await partnerWorld(t, store, routes, { requestsPerSecond: 1_000_000 })
  const acme = await world.token(await world.client('acme'))
  const other = await world.token(await world.client('other'))
  await addSubscriber(
    store,
    {
      subscriber: subscriberId('alice'),
      imsi: imsi('001019999999999'),
      payer: payerId('acme'),
      plan: planId('data'),
    },
    millis(NOON),
  )
  await store.batch((sql) => putPlan(sql, PLAN, millis(NOON)))
  const hook = await world.call(acme, 'POST', '/webhooks', { body: { url: 'http://127.0.0.1:1/' } })
  const { webhook } = hook.body
  const { event } = (await world.call(acme, 'POST', `/webhooks/${webhook}/test`)).body
  const document = (await world.inject({ method: 'GET', url: '/openapi.json' })).body
  const operations = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, spec]) => ({ method: method.toUpperCase(), path, spec })),
  )
  const objects = {
    plan: 'data',
    offering: 'data',
    version: '1',
    subscriber: 'alice',
    webhook,
    event,
    ...(await more(world)),
    ...(await sims(t, world, vault, acme)),
  }
  return { world, document, operations, acme, other, objects }
}

/** SIMs of acme, a subscription, ports, orders. */
async function sims(t: Test, world: PartnerWorld, vault: Vault, acme: string): Promise<Record<string, string>> {
  const { store } = world
  const { batch } = await testWorld(t, store, vault).load(csvOf(testSims(3, 1)))
  const [one, two] = [testSim(1).iccid, testSim(2).iccid]
  const subscription = 'carol'
  const made = await world.call(acme, 'POST', '/subscriptions', {
    body: { subscription, iccid: one, plan: 'data', msisdn: '+14155552671' },
  })
  const out = await world.call(acme, 'POST', '/port-outs', {
    body: { subscription, msisdn: '+14155552671', partner: 'other', pin: '90125' },
  })
  t.same([made.status, out.status], [201, 202], made.text + out.text)
  await store.batch(async (sql) => {
    await sql.run(
      `insert into esim_order (order_id, tenant_id, iccid, cc_required, state, pending_until, created_at, changed_at, matching_id, smdp_address)
       values ('0123456789abcdef', 'acme', '${two}', 0, 'released', 0, 0, 0, 'AB-CD', 'smdp.example.net')`,
    )
    await sql.run(
      `insert into number_port (direction, msisdn, tenant_id, subscriber_id, partner, state, created_at, changed_at)
       values ('in', '14155550000', 'acme', 'carol', 'other', 'submitted', 0, 0)`,
    )
    await sql.run(
      `insert into product_order (order_id, tenant_id, document, created_at)
       values ('p-1', 'acme', '{"id":"p-1","href":"/x","@type":"ProductOrder","state":"completed"}', 0)`,
    )
  })
  return {
    ...{ batch, iccid: one, subscription, order: '0123456789abcdef', product: subscription },
    ...{ 'port-outs': String(out.body.port), 'port-ins': String(BigInt(out.body.port) + 1n), productOrder: 'p-1' },
  }
}

/** An invoice and a job of acme as rows, and a session of alice. */
async function more({ store }: PartnerWorld): Promise<Record<string, string>> {
  const job = '00000000-0000-4000-8000-000000000000'
  await store.batch(async (sql) => {
    await sql.run(
      `insert into invoice (tenant_id, period_start, period_end, subscriber_id, currency, exact, rounded, owed, created_at)
       values ('acme', 0, 1, 'alice', 'EUR', 1, 1, 0, 1)`,
    )
    await sql.run(
      `insert into partner_job (job_id, tenant_id, client_id, kind, state, done, created_at, changed_at)
       values ('${job}', 'acme', 'x', 'y', 'done', 0, 0, 0)`,
    )
  })
  await store.batch((sql) =>
    topUp(sql, {
      ...{ owner: 'subscriber:alice', tenant: payerId('acme'), currency: 'EUR', amount: 9_000_000n },
      ...{ reference: 'r', at: millis(NOON) },
    }),
  )
  const subscribers = createSubscriberDirectory(store)
  await subscribers.load()
  const charging = createCharging({ store, subscribers }, { price: microtokens(2000n) })
  await charging.open(request({ subscriber: 'alice', number: 0n }))
  await charging.close(request({ subscriber: 'alice', number: 1n, octets: 1_000_000n, wanted: false }))
  return { invoice: '1', job, usage: '1' }
}

const parametersOf = ({ spec }: Operation, place: string): Json[] =>
  (spec.parameters as Json[]).filter((parameter) => parameter.in === place)

const pathWith = (operation: Operation, values: Readonly<Record<string, string>>): string =>
  operation.path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => values[name] ?? `no-object-for-${name}`)

/** Parameters that mean different things in different places. */
function objectsFor({ path }: Operation, objects: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const port = objects[path.includes('/port-ins') ? 'port-ins' : 'port-outs'] ?? ''
  const id = objects[path.includes('productOrder') ? 'productOrder' : 'product'] ?? ''
  return { ...objects, port, id }
}

/** A request that the schema of the body allows, the simplest one. */
const sampleBody = ({ spec }: Operation): unknown => {
  const schema = spec.requestBody?.content['application/json']?.schema
  return schema && sample(schema)
}

function sample(schema: Json): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.anyOf) return sample(schema.anyOf[0])
  if (schema.type === 'object')
    return Object.fromEntries((schema.required ?? []).map((name: string) => [name, sample(schema.properties[name])]))
  if (schema.type === 'array') return Array.from({ length: schema.minItems ?? 0 }, () => sample(schema.items))
  if (schema.type === 'integer') return schema.minimum ?? 0
  if (schema.type === 'boolean') return false
  if (!schema.pattern) return 'x'.repeat(schema.minLength ?? 1)
  const known = ['1', 'a', 'a/b', '1.00', '2026-01-01T00:00:00Z', testSim(9).iccid, '14155552671'].find((text) =>
    new RegExp(schema.pattern).test(text),
  )
  return known ?? 'x'
}

const validators = new Map<Json, ReturnType<typeof Compile>>()
const valid = (schema: Json, value: unknown): boolean => {
  const known = validators.get(schema) ?? Compile(schema as TSchema)
  validators.set(schema, known)
  return known.Check(value)
}

/** What is wrong with an answer, by the document. */
function faultOf({ document }: World, { spec }: Operation, answer: Reply): string | undefined {
  const { status, headers, body } = answer
  // A node without an SM-DP+ says so.
  if (status >= 500 && body?.code !== 'ESIM_NOT_CONFIGURED') return `status ${status}: ${answer.text}`
  let described = spec.responses[status]
  if (described?.$ref) described = document.components.responses[described.$ref.split('/').at(-1)]
  if (status === 304 || (status === 404 && !described)) return undefined
  if (!described) return `status ${status} is not described: ${answer.text}`
  const problem = status >= 400
  if (problem && !/^application\/problem\+json/.test(headers['content-type'] ?? '')) return 'no problem+json'
  const schema = problem ? document.components.schemas.Problem : described.content?.['application/json']?.schema
  if (schema && !valid(schema, body)) return `not as described: ${answer.text.slice(0, 500)}`
  return undefined
}

const send = (of: World, token: string | undefined, operation: Operation, path: string, body: unknown) =>
  of.world.call(token, operation.method, path.replace('/partner/v1', ''), {
    body,
    ...(operation.spec.requestBody?.content['application/json'] === undefined && body !== undefined
      ? {
          headers: {
            'content-type': Object.keys(operation.spec.requestBody?.content ?? { 'text/plain': {} })[0] ?? '',
          },
        }
      : {}),
  })

/** Lists in which every tenant finds something: the trail of its own client, keys of the network. */
const SHARED = ['/partner/v1/audit-log', '/partner/v1/home-network-keys']

onEachEngine('every route by the OpenAPI document', async (t, database) => {
  const of = await prepare(t, database)
  const { document, operations } = of
  t.match(document, { openapi: '3.1.0', info: { title: /partner/ }, components: { securitySchemes: { oauth2: {} } } })
  t.ok(operations.length >= 60, `${operations.length} operations`)
  const ids = operations.map(({ spec }) => spec.operationId)
  t.equal(new Set(ids).size, ids.length, 'operation ids are unique')
  for (const operation of operations) {
    const objects = objectsFor(operation, of.objects)
    const name = `${operation.method} ${operation.path}`
    const names = parametersOf(operation, 'path').map((parameter) => parameter.name)
    for (const each of names) t.ok(each in objects, `${name}: there is an object for {${each}}`)
    const path = pathWith(operation, objects)
    const body = sampleBody(operation)
    const without = await send(of, undefined, operation, path, body)
    t.match(without, { status: 401, headers: { 'www-authenticate': /^Bearer/ } }, `${name} without a token`)
    t.equal(faultOf(of, operation, without), undefined)
    // Paths with an object of acme: nothing there for another tenant.
    if (names.length > 0) {
      const foreign = await send(of, of.other, operation, path, body)
      t.equal(foreign.status, 404, `${name} with another tenant's token: ${foreign.text}`)
      t.equal(faultOf(of, operation, foreign), undefined)
    }
  }
  for (const operation of operations.filter(({ method }) => method === 'GET')) {
    const objects = objectsFor(operation, of.objects)
    const needed = parametersOf(operation, 'query').filter((parameter) => parameter.required)
    const search = needed.map(({ name }) => `${name}=${objects.subscriber}`).join('&')
    const answer = await send(of, of.acme, operation, `${pathWith(operation, objects)}?${search}`, undefined)
    t.equal(answer.status, 200, `GET ${operation.path}: ${answer.text}`)
    t.equal(faultOf(of, operation, answer), undefined, `GET ${operation.path} is as described`)
    const foreign = await send(of, of.other, operation, `${pathWith(operation, objects)}?${search}`, undefined)
    if (foreign.status === 200 && !SHARED.includes(operation.path))
      t.same(foreign.body.items ?? foreign.body, [], `GET ${operation.path}: nothing of acme`)
    else if (needed.length > 0) t.equal(foreign.status, 404, `GET ${operation.path} for another's object`)
  }
})

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', 'a', '1', '-1', '9'.repeat(30), '%00', '../x'),
)

/** Now what the schema asks for, now something else, now nearly. */
function valueFor(schema: Json, depth = 0): fc.Arbitrary<unknown> {
  const nonsense = fc.oneof(
    text,
    fc.integer(),
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.jsonValue({ maxDepth: 2 }),
  )
  return fc.oneof({ weight: 6, arbitrary: rightFor(schema, depth) }, { weight: 1, arbitrary: nonsense })
}

function rightFor(schema: Json, depth: number): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((each: Json) => rightFor(each, depth + 1)))
  switch (schema.type) {
    case 'object': {
      const members = Object.entries<Json>(schema.properties ?? {}).map(([name, below]) => [
        name,
        valueFor(below, depth + 1),
      ])
      return fc.record(Object.fromEntries(members), { requiredKeys: schema.required ?? [] })
    }
    case 'array':
      return fc.array(valueFor(schema.items ?? {}, depth + 1), { maxLength: 3 })
    case 'integer':
      return fc.integer({
        min: schema.minimum ?? -5,
        max: Math.min(schema.maximum ?? 1_000_000, (schema.minimum ?? 0) + 100),
      })
    case 'boolean':
      return fc.boolean()
    case 'string':
      return schema.pattern ? fc.oneof(fc.stringMatching(new RegExp(schema.pattern)), text) : text
    default:
      return fc.jsonValue({ maxDepth: 2 })
  }
}

/** What no address can hold is left out. */
const wellFormed = (value: string): string => value.replaceAll(/\p{Surrogate}/gu, '')

/** A whole request of an operation. */
function requestFor(of: World, operation: Operation) {
  const path = fc.record(
    Object.fromEntries(
      parametersOf(operation, 'path').map(({ name, schema }) => [
        name,
        fc.oneof(
          fc.constant(objectsFor(operation, of.objects)[name] ?? 'x'),
          rightFor(schema, 0) as fc.Arbitrary<string>,
          text,
        ),
      ]),
    ),
  )
  const query = fc.record(
    Object.fromEntries(parametersOf(operation, 'query').map(({ name, schema }) => [name, valueFor(schema)])),
    { requiredKeys: [] },
  )
  const schema = operation.spec.requestBody?.content['application/json']?.schema
  const key = fc.option(fc.string({ minLength: 1, maxLength: 5, unit: 'grapheme-ascii' }), { nil: undefined })
  return fc.record({ path, query, body: schema ? valueFor(schema) : fc.constant(undefined), key, match: key })
}

onEachEngine('nonsense is answered with problems, never with a failure', async (t, database) => {
  const of = await prepare(t, database)
  const runs = database.engine === 'sqlite' ? 60 : 15
  for (const operation of of.operations) {
    const name = `${operation.method} ${operation.path}`
    const tried = await fc.check(
      fc.asyncProperty(requestFor(of, operation), async ({ path, query, body, key, match }) => {
        const values = Object.fromEntries(
          Object.entries(path as Record<string, string>).map(([each, value]) => [
            each,
            encodeURIComponent(wellFormed(value)),
          ]),
        )
        const search = new URLSearchParams(
          Object.entries(query).map(([each, value]): [string, string] => [
            each,
            typeof value === 'string' ? value : JSON.stringify(value),
          ]),
        )
        const answer = await of.world.inject({
          method: operation.method as never,
          url: `${pathWith(operation, values)}?${search}`,
          headers: {
            authorization: `Bearer ${of.acme}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(key === undefined ? {} : { 'idempotency-key': key }),
            ...(match === undefined ? {} : { 'if-match': match }),
          },
          ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
        })
        const fault = faultOf(of, operation, answer)
        if (fault !== undefined) throw new Error(fault)
      }),
      { numRuns: runs },
    )
    t.notOk(tried.failed, tried.failed ? `${name}: ${fc.defaultReportMessage(tried)}` : name)
  }
  t.equal(
    of.world.lines.filter((line) => line.includes('"level":50') && !line.includes('ESIM_NOT_CONFIGURED')).length,
    0,
    'nothing was logged as an error',
  )
})
