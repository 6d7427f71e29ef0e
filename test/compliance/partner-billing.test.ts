// Plans, balances, usage, vouchers and invoices over the partner API, on the same books as the command line.

import { readTenants } from '../../billing/charging/catalogue/store.ts'
import { createCharging } from '../../billing/charging/charging.ts'
import { closePeriod } from '../../billing/charging/invoice/store.ts'
import { billingRoutes } from '../../billing/module.ts'
import { imsi, payerId, planId, subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { addSubscriber, createSubscriberDirectory } from '../../sim-provisioning/module.ts'
import { faults, NOON, request } from './charging-world.ts'
import { onEachEngine } from './engines.ts'
import { partnerWorld } from './partner-world.ts'

const PLAN = {
  id: 'data',
  version: 1,
  name: 'Data',
  kind: 'prepaid',
  tariffs: [{ name: 'any', when: {}, price: { octets: 2_000_000 }, bundles: true }],
  bundles: [{ id: 'pass', unit: 'octet', amount: '1 GB', validity: { days: 1 }, price: 3_000_000 }],
}
const routes = [billingRoutes({ voucherKey: async () => new Uint8Array(32).fill(7) })]

const subscribe = (store: Store, name: string, payer: string, digits: string): Promise<void> =>
  addSubscriber(
    store,
    { subscriber: subscriberId(name), imsi: imsi(digits), payer: payerId(payer), plan: planId('data') },
    millis(NOON),
  )

onEachEngine('a partner sells and charges', async (t, database) => {
  const world = await partnerWorld(t, await database.open(), routes)
  const { store } = world
  const token = await world.token(await world.client('acme'))
  const other = await world.token(await world.client('other'))
  await subscribe(store, 'alice', 'acme', '001010000000001')
  await subscribe(store, 'bob', 'other', '001010000000002')
  const call = (method: string, path: string, body?: unknown) => world.call(token, method, path, { body })

  t.match(await call('POST', '/plans', PLAN), {
    status: 201,
    headers: { location: '/partner/v1/plans/data/versions/1' },
    body: { plan: 'data', version: '1', current: true, document: { name: 'Data' } },
  })
  t.match(await call('POST', '/plans', PLAN), { status: 201 }, 'the same again')
  t.match(await call('POST', '/plans', { ...PLAN, name: 'More' }), { status: 409, body: { code: 'PLAN_VERSION' } })
  t.match(await call('POST', '/plans', { ...PLAN, version: 2, name: 'More' }), { status: 201 })
  t.match(await call('POST', '/plans', { ...PLAN, tenant: 'other' }), {
    status: 400,
    body: { errors: [{ pointer: 'body/tenant' }] },
  })
  t.match(await call('POST', '/plans', { ...PLAN, version: 3, tariffs: [{ name: 'x', price: {}, odd: 1 }] }), {
    status: 400,
  })
  t.match((await call('GET', '/plans')).body, { items: [{ plan: 'data', version: '2', name: 'More' }], next: null })
  t.match((await call('GET', '/plans/data')).body, { version: '2', document: { name: 'More' } })
  t.notOk('tenant' in (await call('GET', '/plans/data')).body.document)
  t.match((await call('GET', '/plans/data/versions?limit=1')).body, { items: [{ version: '1', current: false }] })
  t.match((await call('GET', '/plans/data/versions/1')).body, { document: { name: 'Data' } })
  for (const path of ['/plans/data', '/plans/data/versions', '/plans/data/versions/1'])
    t.match(await world.call(other, 'GET', path), { status: 404 }, path)
  t.same((await world.call(other, 'GET', '/plans')).body.items, [])

  const pay = { amount: '20.00', reference: 'till/1' }
  t.match(await call('POST', '/balances/alice/top-ups', pay), {
    status: 201,
    body: { amount: '20000000', currency: 'EUR', added: true, balance: '20000000' },
  })
  t.match(await call('POST', '/balances/alice/top-ups', pay), { body: { added: false, balance: '20000000' } })
  t.match(await call('POST', '/balances/alice/top-ups', { ...pay, amount: '21.00' }), {
    status: 409,
    body: { code: 'REFERENCE_TAKEN' },
  })
  t.match(await call('POST', '/balances/alice/top-ups', { amount: '0.001', reference: 'x' }), { status: 400 })
  t.match(await call('POST', '/balances/bob/top-ups', pay), { status: 404, body: { code: 'SUBSCRIBER_UNKNOWN' } })
  t.match(await call('GET', '/balances/bob'), { status: 404 })
  t.match(await call('POST', '/balances/alice/bundles', { bundle: 'data/pass', paid: true, reference: 'b1' }), {
    status: 201,
    body: { unit: 'octet', amount: '1000000000', added: true },
  })
  t.match(await call('POST', '/balances/alice/bundles', { bundle: 'data/none', reference: 'b2' }), { status: 404 })
  t.match((await call('GET', '/balances/alice')).body, {
    subscriber: 'alice',
    plan: { id: 'data', version: '2' },
    currency: 'EUR',
    balances: [
      { kind: 'bundle', left: '1000000000', offer: 'data/pass' },
      { kind: 'money', left: '17000000' },
    ],
  })

  const made = await world.call(token, 'POST', '/vouchers', {
    body: { count: 2, amount: '5.00', series: 'spring' },
    headers: { 'idempotency-key': 'v1' },
  })
  t.match(made, { status: 201, body: { series: 'spring', codes: [/^(\w{4}-){3}\w{4}$/, /-/] } })
  t.same(
    (
      await world.call(token, 'POST', '/vouchers', {
        body: { count: 2, amount: '5.00', series: 'spring' },
        headers: { 'idempotency-key': 'v1' },
      })
    ).body,
    made.body,
    'an answer that was lost can be had again',
  )
  const stored = await store.batch((sql) => sql.rows<{ body: Uint8Array }>('select body from partner_replay'))
  for (const { body } of stored) t.notMatch(Buffer.from(body).toString('latin1'), made.body.codes[0])
  const [code] = made.body.codes
  t.match(await world.call(other, 'POST', '/vouchers/redemptions', { body: { code, subscriber: 'bob' } }), {
    status: 409,
    body: { code: 'VOUCHER_REFUSED' },
  })
  t.match(await call('POST', '/vouchers/redemptions', { code, subscriber: 'alice' }), { status: 200 })
  t.match((await call('GET', '/vouchers')).body.items, [
    { series: 'spring', made: '2', redeemed: '1', amount: '5000000' },
  ])
  t.match(await call('POST', '/vouchers', { count: 1 }), { status: 400 })

  const subscribers = createSubscriberDirectory(store)
  await subscribers.load()
  const charging = createCharging({ store, subscribers }, { price: microtokens(2000n) })
  const alice = { subscriber: 'alice' }
  await charging.open(request({ ...alice, number: 0n }))
  await charging.close(request({ ...alice, number: 1n, octets: 1_500_000n, wanted: false }))
  t.match((await call('GET', '/usage?subscriber=alice')).body, {
    items: [{ subscriber: 'alice', services: [{ downlink: '1500000' }], currency: 'EUR' }],
    next: null,
  })
  t.equal((await call('GET', '/usage?to=2020-01-01T00:00:00Z')).body.items.length, 0)
  t.equal((await call('GET', '/usage?from=2020-01-01T00:00:00Z')).body.items.length, 1)
  t.match(await call('GET', '/usage?subscriber=bob'), { status: 404 })
  t.same((await world.call(other, 'GET', '/usage')).body.items, [])

  await store.batch(async (sql) => {
    const tenant = (await readTenants(sql, ['acme'])).get('acme')
    if (tenant) await closePeriod(sql, tenant, millis(NOON + 40n * 86_400_000n))
  })
  const { body } = await call('GET', '/invoices')
  t.match(body.items, [{ subscriber: 'alice', month: '2026-11', currency: 'EUR' }])
  const number = body.items[0].invoice
  t.match((await call('GET', `/invoices/${number}`)).body, { invoice: number })
  t.match(await world.call(other, 'GET', `/invoices/${number}`), { status: 404 })
  t.same(await faults(store), [], 'the books are whole')
})
