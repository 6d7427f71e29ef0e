// Every route of the SIM domain, as the OpenAPI document has it: another tenant's request is answered 404, the owner's by what is described.
import { join } from 'node:path'
import t from 'tap'
import { Value } from 'typebox/value'
import { checkPlan, suspendCharging } from '../../billing/module.ts'
import { iccid } from '../../core/kernel/iccid.ts'
import { planId, subscriberId } from '../../core/kernel/ids.ts'
import { confirmOrder, orderProfile } from '../../sim-provisioning/esim/orders.ts'
import { msisdn } from '../../sim-provisioning/profiles/msisdn.ts'
import { byHand, requestPort } from '../../sim-provisioning/profiles/porting/porting.ts'
import { activate } from '../../sim-provisioning/profiles/subscriptions/life.ts'
import { provisioningRoutes } from '../../sim-provisioning/routes/routes.ts'
import { testSqlite } from './engines.ts'
import { esimWorld } from './esim-world.ts'
import { type Json, partnerWorld } from './partner-world.ts'
import { ACME, act, clock, csvOf, testSim, testSims, testVault, testWorld } from './sim-world.ts'

const TAGS = ['batches', 'sims', 'subscriptions', 'esim-orders', 'port-ins', 'port-outs', 'ranges', 'home-network-keys']
const [ONE, TWO] = [testSim(1).iccid, testSim(2).iccid]
const NUMBER = msisdn('+14155552671')

/** Bodies that the schemas take, by what stands last in the path; none where there is nothing to be read. */
const BODIES: Readonly<Record<string, unknown>> = {
  sims: { iccid: testSim(70).iccid, imsi: testSim(70).imsi, ki: testSim(70).ki, opc: testSim(70).opc },
  sim: { iccid: TWO },
  msisdn: { msisdn: '+14155552672' },
  subscriptions: { subscription: 'bob', iccid: TWO, plan: 'flat' },
  'esim-orders': { iccid: testSim(3).iccid },
  productOrder: { productOrderItem: [{ id: '1', action: 'modify', product: { id: 'alice', status: 'suspended' } }] },
  'port-ins': { subscription: 'alice', msisdn: '+14155552679', partner: 'other' },
  'port-outs': { subscription: 'alice', msisdn: '+14155552671', partner: 'other' },
}

t.test('the document, every route of it', async (t) => {
  const store = await testSqlite(t).open()
  const esim = await esimWorld(t, store)
  const vault = testVault(t, store, join(t.testdirName, 'certificates'))
  const life = { store, vault, clock, suspendCharging, checkPlan, adapter: byHand, orders: () => esim.deps }
  const w = await partnerWorld(t, store, [provisioningRoutes(life)])
  const [acme, rival] = [await w.token(await w.client('acme')), await w.token(await w.client('rival'))]
  const alice = {
    subscriber: subscriberId('alice'),
    tenant: ACME,
    plan: planId('flat'),
    iccid: iccid(ONE),
    msisdn: NUMBER,
  }
  await activate(store, alice, act)
  const port = { subscriber: alice.subscriber, partner: 'other' }
  const out = await requestPort(life, { ...port, direction: 'out', msisdn: NUMBER }, act)
  const coming = await requestPort(life, { ...port, direction: 'in', msisdn: msisdn('+14155552678') }, act)
  const { orderId } = await orderProfile(esim.deps, { tenant: ACME, iccid: testSim(4).iccid }, act)
  await confirmOrder(esim.deps, orderId, { release: true }, act)
  const { batch } = await testWorld(t, store, vault).load(csvOf(testSims(1, 40)))
  const order = { productOrderItem: [{ id: '1', action: 'noChange', product: { id: 'alice' } }] }
  const made = await w.call(acme, 'POST', '/tmf-api/productOrderingManagement/v4/productOrder', { body: order })
  const productOrder: string = made.body.id
  const objects = (path: string): Record<string, string> => ({
    ...{
      iccid: ONE,
      subscription: 'alice',
      order: orderId,
      batch,
      id: path.includes('productOrder') ? productOrder : 'alice',
    },
    port: String(path.includes('port-ins') ? coming.portId : out.portId),
  })

  const document: Json = (await w.inject({ method: 'GET', url: '/openapi.json' })).body
  const operations = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods)
      .filter(([, spec]) => TAGS.includes(spec.tags[0]))
      .map(([method, spec]) => ({ method: method.toUpperCase(), path: path.replace('/partner/v1', ''), spec })),
  )
  t.ok(operations.length >= 40, `${operations.length} routes`)

  const send = (token: string | undefined, { method, path, spec }: (typeof operations)[number]) => {
    const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => objects(path)[name] ?? `no-${name}`)
    const media = Object.keys(spec.requestBody?.content ?? {})
    const json = media.length === 0 || media.includes('application/json')
    const body = json ? (BODIES[path.split('/').at(-1) ?? ''] ?? {}) : csvOf(testSims(1, 50))
    const headers = json ? {} : { 'content-type': 'text/csv' }
    return w.call(token, method, filled, method === 'GET' ? {} : { body, headers })
  }
  const snapshot = async (): Promise<string> => {
    const counts = ['sim_event', 'subscriber_notice', 'esim_order', 'number_port', 'subscription', 'sim'].map(
      (table) => `(select count(*) from ${table}) as ${table}`,
    )
    return JSON.stringify(
      await store.batch((sql) => sql.rows(`select ${counts.join(', ')}`)),
      (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
    )
  }

  const before = await snapshot()
  for (const operation of operations) {
    const named = `${operation.method} ${operation.path}`
    t.equal((await send(undefined, operation)).status, 401, `${named} without a token`)
    const { status, body } = await send(rival, operation)
    const own =
      operation.path.includes('{') ||
      ['/subscriptions', '/esim-orders', '/port-ins', '/port-outs'].includes(operation.path) ||
      operation.path.endsWith('/productOrder')
    if (operation.method === 'GET' && !operation.path.includes('{'))
      t.ok(status === 200 && (body.items ?? body.keys ?? body).length === 0, `${named} of another shows nothing`)
    else if (own) t.equal(status, 404, `${named} of another`)
    else t.equal(status, 202, `${named} is queued for another, as its own`)
  }
  t.equal(await snapshot(), before, 'nothing came of it')

  for (const operation of operations) {
    const named = `${operation.method} ${operation.path}`
    const { status, body, text, headers } = await send(acme, operation)
    t.ok(status < 500, `${named}: ${status} ${status < 500 ? '' : text}`)
    const described = operation.spec.responses[status]
    t.ok(described, `${named}: ${status} is described`)
    if (status >= 400) t.match(headers['content-type'], /^application\/problem\+json/, named)
    const schema = described?.content?.['application/json']?.schema
    if (schema && status < 400)
      t.ok(Value.Check(schema, body), `${named}: as described ${Value.Check(schema, body) ? '' : text.slice(0, 300)}`)
  }
})
