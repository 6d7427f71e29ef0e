// Webhooks: what partners are told, signed so that a foreign library takes it, again until it arrives, and never to where they must not lead.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import type { Test } from 'tap'
import { Type } from 'typebox'
import { createCharging } from '../../billing/charging/charging.ts'
import { billingRoutes, putPlan, topUp } from '../../billing/module.ts'
import { ACCEPTED, accepted, type PartnerRoutes } from '../../core/http/partner/contract.ts'
import { imsi, payerId, planId, subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { addSubscriber, createSubscriberDirectory } from '../../sim-provisioning/module.ts'
import { NOON, request } from './charging-world.ts'
import { onEachEngine } from './engines.ts'
import { type Json, type PartnerWorld, partnerWorld, until } from './partner-world.ts'

interface Told {
  readonly headers: Record<string, string>
  readonly body: string
  readonly event: Json
}

/** A partner's server; answers with the next of `answers`, then with 204. */
async function receiver(t: Test, answers: number[] = []) {
  const told: Told[] = []
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    told.push({ headers: request.headers as Record<string, string>, body, event: JSON.parse(body) })
    const status = answers.shift() ?? 204
    response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:1/' } : {}).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { told, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` }
}

async function startParts(t: Test, { service }: PartnerWorld): Promise<void> {
  for (const part of service.parts) await part.start()
  t.teardown(async () => {
    for (const part of [...service.parts].reverse()) await part.stop()
  })
}

const nap: PartnerRoutes = (api) => {
  api.route({
    method: 'POST',
    url: '/naps',
    tag: 'jobs',
    scope: 'jobs:write',
    summary: 'x',
    body: Type.Object({ callback: Type.String() }),
    answers: { 202: ACCEPTED },
    handler: async ({ later, body }) =>
      accepted(await later({ kind: 'nap', input: Buffer.from('x'), callback: body.callback })),
  })
  api.job('nap', async () => ({}))
}

onEachEngine('deliveries: signed, repeated, dead, replayed', async (t, database) => {
  const world = await partnerWorld(t, await database.open())
  const token = await world.token(await world.client('acme'))
  const other = await world.token(await world.client('other'))
  await startParts(t, world)
  const partner = await receiver(t, [500, 302, 200])
  const call = (method: string, path: string, body?: unknown) => world.call(token, method, path, { body })
  const { body: made, status } = await call('POST', '/webhooks', { url: partner.url })
  t.equal(status, 201)
  t.match(made, { secret: /^whsec_/, state: 'active', types: null })
  t.notOk('secret' in (await call('GET', `/webhooks/${made.webhook}`)).body, 'shown once')
  const stored = await world.store.batch((sql) => sql.rows<{ secret: Uint8Array }>('select secret from webhook'))
  t.notMatch(Buffer.from(stored[0]?.secret ?? []).toString('latin1'), made.secret, 'and kept sealed')

  const test = await call('POST', `/webhooks/${made.webhook}/test`)
  t.equal(test.status, 202)
  const deliveries = async (path = '') => (await call('GET', `/webhooks/${made.webhook}/deliveries${path}`)).body.items
  const advance = () => {
    world.now = millis(world.now + 1000n)
  }
  const first = await until(async () => {
    advance()
    return (await deliveries()).find(({ state }: Json) => state === 'delivered')
  })
  t.match(first, { event: test.body.event, type: 'webhook.test', attempts: 3, lastStatus: 200, next: null })
  t.equal(partner.told.length, 3)
  const verifier = new Webhook(made.secret)
  for (const { headers, body, event } of partner.told) {
    t.equal(headers['webhook-id'], test.body.event, 'the same for every attempt')
    t.match(event, {
      specversion: '1.0',
      id: test.body.event,
      type: 'org.tallycell.webhook.test',
      source: 'https://api.example.net/partner/v1',
      subject: made.webhook,
    })
    const own = verifier.sign(headers['webhook-id'] ?? '', new Date(Number(headers['webhook-timestamp']) * 1000), body)
    t.equal(headers['webhook-signature'], own, 'as the foreign library signs it')
  }

  const broken = await receiver(t, [500, 500, 500])
  t.match(await call('PATCH', `/webhooks/${made.webhook}`, { url: broken.url }), { status: 200 })
  const lost = (await call('POST', `/webhooks/${made.webhook}/test`)).body.event
  const dead = await until(async () => {
    advance()
    return (await deliveries('?state=dead'))[0]
  })
  t.match(dead, { event: lost, attempts: 3, lastStatus: 500, lastError: 'status 500' })
  t.equal(broken.told.length, 3)
  t.match(await call('POST', `/webhooks/${made.webhook}/events/${lost}/replay`), { status: 202 })
  await until(async () => (broken.told.length === 4 ? true : undefined))
  t.match(await call('POST', `/webhooks/${made.webhook}/events/evt_999/replay`), { status: 404 })

  for (const [method, path] of [
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['GET', '/deliveries'],
    ['POST', '/test'],
    ['POST', `/events/${lost}/replay`],
  ] as const)
    t.match(
      await world.call(other, method, `/webhooks/${made.webhook}${path}`, method === 'PATCH' ? { body: {} } : {}),
      { status: 404 },
      `${method} ${path}`,
    )
  const gone = await receiver(t, [410])
  await call('PATCH', `/webhooks/${made.webhook}`, { url: gone.url })
  await call('POST', `/webhooks/${made.webhook}/test`)
  await until(async () => ((await call('GET', `/webhooks/${made.webhook}`)).body.state === 'gone' ? true : undefined))
  t.match(await call('DELETE', `/webhooks/${made.webhook}`), { status: 204 })
  t.match(await call('GET', `/webhooks/${made.webhook}`), { status: 404 })
})

onEachEngine('what partners are told of their subscribers', async (t, database) => {
  const store = await database.open()
  const world = await partnerWorld(t, store, [billingRoutes({ voucherKey: async () => new Uint8Array(32) })])
  const acme = await world.client('acme')
  const token = await world.token(acme)
  await startParts(t, world)
  const partner = await receiver(t)
  await world.call(token, 'POST', '/webhooks', {
    body: { url: partner.url, types: ['balance.threshold', 'balance.exhausted'] },
  })
  await addSubscriber(
    store,
    { subscriber: subscriberId('alice'), imsi: imsi('001010000000001'), payer: acme.tenant, plan: planId('data') },
    millis(NOON),
  )
  await store.batch(async (sql) => {
    const plan = {
      ...{ tenant: 'acme', id: 'data', version: 1, name: 'Data', kind: 'prepaid', thresholds: [50, 100] },
      tariffs: [{ name: 'any', when: {}, price: { octets: 2_000_000 } }],
    }
    await putPlan(sql, plan, millis(NOON))
    const owner = 'subscriber:alice' as const
    await topUp(sql, {
      owner,
      tenant: payerId('acme'),
      currency: 'EUR',
      amount: 2_000_000n,
      reference: 'r',
      at: world.now,
    })
  })
  const subscribers = createSubscriberDirectory(store)
  await subscribers.load()
  const charging = createCharging({ store, subscribers }, { price: microtokens(2000n) })
  await charging.open(request({ subscriber: 'alice', number: 0n }))
  await charging.update(request({ subscriber: 'alice', number: 1n, octets: 600_000n }))
  const half = await until(async () => partner.told[0]?.event)
  t.match(half, {
    type: 'org.tallycell.balance.threshold',
    subject: 'alice',
    data: { subscriber: 'alice', kind: 'threshold', percent: '50', unit: 'EUR' },
  })
  await charging.close(request({ subscriber: 'alice', number: 2n, octets: 400_000n, wanted: false }))
  const whole = await until(async () => partner.told[1]?.event)
  t.match(whole, { type: 'org.tallycell.balance.exhausted', data: { percent: '100' } })
})

onEachEngine('a job tells its callback', async (t, database) => {
  const world = await partnerWorld(t, await database.open(), [nap])
  const token = await world.token(await world.client('acme'))
  await startParts(t, world)
  const partner = await receiver(t)
  const { body } = await world.call(token, 'POST', '/webhooks', { body: { url: partner.url, types: ['webhook.test'] } })
  t.match(await world.call(token, 'POST', '/naps', { body: { callback: body.webhook } }), { status: 202 })
  t.match(await until(async () => partner.told[0]?.event), {
    type: 'org.tallycell.job.finished',
    data: { kind: 'nap', state: 'done' },
  })
})

onEachEngine('webhooks lead nowhere inside', async (t, database) => {
  const world = await partnerWorld(t, await database.open(), [], { webhookTargets: 'public' })
  const token = await world.token(await world.client('acme'))
  const add = (url: string) => world.call(token, 'POST', '/webhooks', { body: { url } })
  for (const url of [
    ...['http://example.com/', 'ftp://example.com/', 'x', 'https://u:p@example.com/', 'https://example.com/#x'],
    ...['https://localhost/', 'https://db.internal/', 'https://127.0.0.1/', 'https://2130706433/', 'https://0x7f.1/'],
    ...['https://10.0.0.1/', 'https://169.254.169.254/latest', 'https://192.168.1.1/', 'https://100.64.0.1/'],
    ...['https://[::1]/', 'https://[fd00::1]/', 'https://[fe80::1]/', 'https://[::ffff:10.0.0.1]/'],
    ...['https://[64:ff9b::a00:1]/', 'https://[2002:a00:1::]/', 'https://224.0.0.1/', 'https://0.0.0.0/'],
  ])
    t.match(await add(url), { status: 400, body: { errors: [{ pointer: 'body/url' }] } }, url)
  t.match(await add('https://example.com/hook'), { status: 201 })
  t.match(await add('https://8.8.8.8/'), { status: 201 })
})
