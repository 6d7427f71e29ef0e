// The SIM domain's part of the partner API: a partner loads SIMs, opens and changes subscriptions, orders eSIMs, ports numbers; another
// partner sees nothing of it; and no key comes out anywhere.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { checkPlan, suspendCharging } from '../../billing/module.ts'
import { toJson } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { byHand } from '../../sim-provisioning/profiles/porting/porting.ts'
import { addRange } from '../../sim-provisioning/profiles/ranges/store.ts'
import { provisioningRoutes } from '../../sim-provisioning/routes/routes.ts'
import { addHomeKey, addTransportKey } from '../../sim-provisioning/vault/network-keys/network-keys.ts'
import { onEachEngine } from './engines.ts'
import { esimWorld, SMDP_ADDRESS } from './esim-world.ts'
import { type Json, type PartnerWorld, partnerWorld, type Reply, until } from './partner-world.ts'
import { ACME, act, csvOf, NOW, type TestSim, testSim, testSims, testVault } from './sim-world.ts'

interface World extends PartnerWorld {
  readonly acme: string
  readonly rival: string
  /** Requests of acme; every answer is kept. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>
  /** The result of the job that a 202 names. */
  done(reply: Reply): Promise<Json>
  readonly answers: string[]
  readonly esim: Awaited<ReturnType<typeof esimWorld>>
}

async function world(t: Test, store: Store): Promise<World> {
  // Loads SIMs 0 to 9 of acme.
  const esim = await esimWorld(t, store)
  const vault = testVault(t, store, join(t.testdirName, 'certificates'))
  const routes = provisioningRoutes({
    ...{ store, vault, suspendCharging, checkPlan },
    clock: () => partner.now,
    adapter: byHand,
    orders: () => esim.withClient({ timeout: 400 }),
  })
  const partner = await partnerWorld(t, store, [routes])
  // Events are written for tenants who listen; this one's deliveries wait.
  await store.batch((sql) =>
    sql.run(
      "insert into webhook (webhook_id, tenant_id, url, types, secret, state, created_at, changed_at) values ('w', 'acme', 'https://a.example', '*', ?, 'paused', 0, 0)",
      Buffer.alloc(1),
    ),
  )
  for (const part of partner.service.parts) await part.start()
  t.teardown(async () => {
    for (const part of partner.service.parts) await part.stop()
  })
  const [acme, rival] = [
    await partner.token(await partner.client('acme')),
    await partner.token(await partner.client('rival')),
  ]
  const answers: string[] = []
  const ask: World['ask'] = async (method, path, body, headers = {}) => {
    const reply = await partner.call(acme, method, path, { body, headers })
    answers.push(reply.text)
    return reply
  }
  return {
    ...partner,
    ...{ acme, rival, ask, answers, esim },
    async done({ body, status }) {
      t.equal(status, 202)
      return until(async () => {
        const { state, result, problem } = (await ask('GET', `/jobs/${body.job}`)).body
        return state === 'done' ? result : state === 'failed' ? { problem } : undefined
      })
    },
  }
}

/** The ways in which a careless program would leave a key. */
const traces = ({ ki, opc }: TestSim): (string | Buffer)[] =>
  [ki, opc].flatMap((hex) => {
    const octets = Buffer.from(hex, 'hex')
    return [
      hex,
      hex.toUpperCase(),
      octets,
      octets.toString('base64').slice(0, -2),
      octets.toString('base64url').slice(0, -2),
    ]
  })

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())

onEachEngine('a partner’s day', async (t, database) => {
  const store = await database.open()
  const w = await world(t, store)
  const { ask, done } = w
  const bad = { ...testSim(50), ki: 'zz' }

  // Batches: looked at, loaded, seen; by another partner not.
  const file = csvOf([...testSims(3, 20), testSim(20), bad])
  const csv = { 'content-type': 'text/csv' }
  const dry = await done(await ask('POST', '/batches?dryRun=true&mncDigits=2', file, csv))
  t.match(dry, {
    state: 'dry',
    added: 3,
    refused: 2,
    duplicates: 1,
    errors: [{ line: 5, code: 'SIM_EXISTS' }, { line: 6 }],
  })
  t.equal((await ask('GET', '/batches')).body.items.length, 1, 'nothing came of it')
  const upload = await ask('POST', '/batches?mncDigits=2&name=spring.csv', file, { ...csv, 'idempotency-key': 'one' })
  const loaded = await done(upload)
  t.match(loaded, { state: 'done', added: 3, refused: 2 })
  const batch = `/batches/${loaded.batch}`
  t.match((await ask('GET', batch)).body, { source: 'spring.csv', state: 'done', added: 3, refused: 2, lines: 6 })
  t.match((await ask('GET', `${batch}/errors?limit=1`)).body, { items: [{ line: 5 }], next: /./ })
  t.equal((await ask('GET', `${batch}/sims`)).body.items.length, 3)
  const again = await ask('POST', '/batches?mncDigits=2&name=spring.csv', file, { ...csv, 'idempotency-key': 'one' })
  t.equal(again.text, upload.text, 'the same key, the same job')
  t.equal((await w.call(w.rival, 'GET', batch)).status, 404)
  t.same((await w.call(w.rival, 'GET', '/batches')).body.items, [])
  const jsonl = `${JSON.stringify({ ...testSim(30), mnc: '01' })}\n`
  const all = await ask('POST', '/batches?mode=all', jsonl, { 'content-type': 'application/jsonl' })
  t.match(await done(all), { state: 'done', added: 1 })
  t.equal((await ask('POST', '/batches?transportKey=rival.k', file, csv)).status, 404)
  await addTransportKey(
    { store, vault: testVault(t, store, join(t.testdirName, 'certificates')) },
    {
      id: 'acme.k',
      cipher: 'aes-ecb',
      key: Buffer.alloc(16, 7),
    },
    act,
  )
  t.match(
    await done(await ask('POST', '/batches?transportKey=acme.k&mncDigits=2&dryRun=true', csvOf([testSim(60)]), csv)),
    {
      state: 'dry',
    },
  )
  t.equal((await ask('POST', '/batches?format=xls', file, csv)).status, 400)
  const { iccid, imsi, ki, opc } = testSim(31)
  t.match(await done(await ask('POST', '/sims', { iccid, imsi, ki, opc, mncDigits: 2 })), { state: 'done', added: 1 })
  t.equal((await ask('POST', '/sims', { iccid, imsi, ki: `${ki}0`, opc })).status, 400)
  t.equal((await ask('POST', '/sims', { iccid, imsi, ki, opc, k: ki })).status, 400)
  t.equal((await ask('POST', '/sims', { iccid: ki, imsi: opc, ki: ki.slice(2), opc: [opc], pin1: opc })).status, 400)

  // SIMs.
  const first = await ask('GET', '/sims?limit=2')
  t.equal(first.body.items.length, 2)
  const next = await ask('GET', `/sims?limit=2&cursor=${first.body.next}`)
  t.not(next.body.items[0].iccid, first.body.items[1].iccid)
  t.match((await ask('GET', `/sims/${iccid}`)).body, {
    imsi,
    state: 'inStock',
    fingerprint: /^[0-9a-f]{16}$/,
    subscriber: null,
  })
  t.equal((await w.call(w.rival, 'GET', `/sims/${iccid}`)).status, 404)
  t.equal((await w.call(w.rival, 'POST', `/sims/${iccid}/retire`, { body: {} })).status, 404)
  t.match((await ask('POST', `/sims/${iccid}/reserve`, {})).body, { state: 'reserved' })
  t.match((await ask('POST', `/sims/${iccid}/retire`, { cause: 'damaged', reason: 'bent' })).body, { state: 'retired' })
  t.match((await ask('POST', `/sims/${iccid}/resume`, {})).body, { code: 'SIM_STEP', status: 409 })

  // Subscriptions.
  const one = testSim(20).iccid
  const opened = await ask('POST', '/subscriptions', {
    subscription: 'alice',
    iccid: one,
    plan: 'flat',
    msisdn: '+14155552671',
  })
  t.match(opened, { status: 201, body: { state: 'active', iccid: one, msisdn: '14155552671', plan: 'flat' } })
  t.equal(opened.headers.location, '/partner/v1/subscriptions/alice')
  t.match((await ask('GET', `/sims/${one}`)).body, { state: 'active', subscriber: 'alice' })
  t.equal(
    (await ask('POST', '/subscriptions', { subscription: 'alice', iccid: testSim(21).iccid, plan: 'flat' })).status,
    409,
  )
  t.equal(
    (await ask('POST', '/subscriptions', { subscription: 'bob', iccid: testSim(21).iccid, plan: 'gold' })).status,
    404,
  )
  t.match((await ask('GET', `/sims/${testSim(21).iccid}`)).body, { state: 'inStock' }, 'nothing was done')
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['PATCH', '', { portLock: true }],
    ['POST', '/suspend', {}],
    ['POST', '/cease', {}],
    ['PUT', '/sim', { iccid: testSim(22).iccid }],
    ['PUT', '/msisdn', { msisdn: '+14155552672' }],
  ] as const)
    t.equal((await w.call(w.rival, method, `/subscriptions/alice${path}`, { body })).status, 404, `${method} ${path}`)
  t.match((await ask('POST', '/subscriptions/alice/suspend', { cause: 'unpaid', reason: 'May' })).body, {
    state: 'suspended',
    reason: 'May',
  })
  const orders = await store.batch((sql) => sql.rows('select action, cause from session_order'))
  t.match(orders, [{ action: 'drop', cause: 'suspended' }])
  t.match((await ask('POST', '/subscriptions/alice/suspend', {})).body, { code: 'SIM_STEP' })
  t.match((await ask('POST', '/subscriptions/alice/resume', {})).body, { state: 'active' })
  const seen = await ask('GET', '/subscriptions/alice')
  const stale = await ask('PATCH', '/subscriptions/alice', { simSwapLock: true }, { 'if-match': '"old"' })
  t.equal(stale.status, 412)
  const locked = await ask(
    'PATCH',
    '/subscriptions/alice',
    { simSwapLock: true, portLock: true, plan: 'flat' },
    {
      'if-match': seen.headers.etag ?? '',
    },
  )
  t.match(locked.body, { simSwapLock: true, portLock: true })
  const notices = async () =>
    (
      await store.batch((sql) => sql.rows<{ kind: string }>('select kind from subscriber_notice order by notice_id'))
    ).map(({ kind }) => kind)
  t.match(await ask('PUT', '/subscriptions/alice/sim', { iccid: testSim(22).iccid }), {
    status: 409,
    body: { code: 'SUBSCRIPTION_LOCKED' },
  })
  t.equal((await ask('PUT', '/subscriptions/alice/msisdn', { msisdn: '+14155552672' })).status, 409)
  t.equal((await notices()).filter((kind) => kind.endsWith('refused')).length, 2, 'the subscriber is told')
  await ask('PATCH', '/subscriptions/alice', { simSwapLock: false, portLock: false })
  t.match((await ask('PUT', '/subscriptions/alice/sim', { iccid: testSim(22).iccid, cause: 'lost' })).body, {
    iccid: testSim(22).iccid,
  })
  t.match((await ask('GET', `/sims/${one}`)).body, { state: 'retired' })
  t.match((await ask('PUT', '/subscriptions/alice/msisdn', { msisdn: '+14155552672' })).body, { msisdn: '14155552672' })
  t.match((await ask('GET', '/subscriptions?msisdn=%2B14155552672')).body.items, [{ subscription: 'alice' }])

  // Ports.
  const ported = await ask('POST', '/port-outs', {
    subscription: 'alice',
    msisdn: '+14155552672',
    partner: 'other',
    pin: '90125',
  })
  t.match(await done(ported), { state: 'submitted', reference: 'by hand 1', direction: 'out' })
  t.equal((await ask('GET', `/port-outs/${ported.body.port}`)).body.state, 'submitted')
  t.equal((await ask('GET', `/port-ins/${ported.body.port}`)).status, 404)
  t.equal((await w.call(w.rival, 'GET', `/port-outs/${ported.body.port}`)).status, 404)
  t.equal((await w.call(w.rival, 'POST', `/port-outs/${ported.body.port}/cancel`, { body: {} })).status, 404)
  t.match(await done(await ask('POST', `/port-outs/${ported.body.port}/cancel`, {})), { state: 'cancelled' })
  t.equal((await ask('POST', `/port-outs/${ported.body.port}/cancel`, {})).status, 409)
  t.match((await ask('GET', '/port-outs?open=false')).body.items, [{ state: 'cancelled', msisdn: '14155552672' }])
  t.same((await ask('GET', '/port-ins')).body.items, [])

  t.match((await ask('POST', '/subscriptions/alice/terminate', {})).body, {
    state: 'terminated',
    iccid: null,
    msisdn: null,
  })

  // Ranges and home network keys.
  await addRange(
    store,
    { kind: 'msisdn', first: '14155550000', last: '14155559999', tenant: ACME, mncDigits: undefined },
    NOW,
  )
  t.match((await ask('GET', '/ranges?kind=msisdn')).body.items, [{ first: '14155550000', left: '10000' }])
  t.same((await w.call(w.rival, 'GET', '/ranges')).body.items, [])
  const vault = testVault(t, store, join(t.testdirName, 'certificates'))
  await addHomeKey({ store, vault }, { id: 3, profile: 'B' }, act)
  const { keys } = (await ask('GET', '/home-network-keys')).body
  t.match(keys, [{ id: 3, profile: 'B', state: 'active', publicKey: /^0[23][0-9a-f]{64}$/ }])
  t.same(Object.keys(keys[0]).sort(), ['fingerprint', 'id', 'profile', 'publicKey', 'state'])

  // Webhooks are told in the transaction of what happened.
  const events = await store.batch((sql) =>
    sql.rows<{ type: string }>('select distinct type from partner_event order by type'),
  )
  for (const type of ['batch.finished', 'port.changed', 'sim.changed', 'subscription.changed'])
    t.ok(
      events.some((event) => event.type === type),
      type,
    )

  // No key anywhere: answers, log, database, with those of SIMs that were refused.
  const secrets = [...testSims(35), testSim(60)].flatMap(traces)
  const clean = (where: string, content: Buffer | string): void =>
    void t.notOk(
      secrets.some((secret) => Buffer.from(content).includes(secret)),
      `no key in ${where}`,
    )
  for (const answer of w.answers) clean(`an answer: ${answer.slice(0, 40)}`, answer)
  clean('the log', w.lines.join('\n'))
  clean('the document', (await w.inject({ method: 'GET', url: '/openapi.json' })).text)
  t.notMatch(w.answers.join('\n') + w.lines.join('\n'), '90125', 'nor a PIN of a port')
  if (database.engine === 'sqlite')
    for (const path of files(t.testdirName).filter((name) => !/sims-[0-9]+$/.test(name)))
      clean(path, readFileSync(path))
  else {
    const tables = await store.batch((sql) =>
      sql.rows<{ name: string }>(
        "select table_name as name from information_schema.tables where table_schema = 'public'",
      ),
    )
    for (const { name } of tables) {
      const rows = await store.batch((sql) => sql.rows<Record<string, unknown>>(`select * from ${name}`))
      for (const value of rows.flatMap((row) => Object.values(row)))
        if (value instanceof Uint8Array || typeof value === 'string')
          if (secrets.some((secret) => Buffer.from(value as string).includes(secret))) t.fail(`a key in ${name}`)
    }
  }
})

onEachEngine('an eSIM from order to code', async (t, database) => {
  const store = await database.open()
  const w = await world(t, store)
  const { ask, done, esim } = w
  const { iccid } = testSim(1)
  const made = await ask('POST', '/esim-orders', { iccid, confirmationCode: '4711' })
  t.match(await done(made), { state: 'released', iccid, confirmationCodeRequired: true, waitingFor: null })
  const order = `/esim-orders/${made.body.order}`
  const code = (await ask('GET', `${order}/activation-code`)).body
  t.equal(code.activationCode, `LPA:1$${SMDP_ADDRESS}$${esim.smdp.profiles.get(iccid)?.matchingId}$$1`)
  t.match(code.svg, /^<svg /)
  t.match(Buffer.from(code.png, 'base64').toString('latin1', 1, 4), 'PNG')
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/activation-code'],
    ['POST', '/confirm'],
    ['POST', '/release'],
    ['POST', '/cancel'],
  ] as const)
    t.equal((await w.call(w.rival, method, order + path, method === 'GET' ? {} : { body: {} })).status, 404, path)
  t.same((await w.call(w.rival, 'GET', '/esim-orders')).body.items, [])
  t.equal((await w.call(w.rival, 'POST', '/esim-orders', { body: { iccid: testSim(2).iccid } })).status, 404)
  t.equal((await ask('POST', '/esim-orders', { iccid })).status, 409)
  t.equal((await ask('POST', `${order}/confirm`, {})).status, 409)

  // One step after the other, with an answer lost on the way.
  const later = await ask('POST', '/esim-orders', { iccid: testSim(2).iccid, confirm: false })
  t.match(await done(later), { state: 'allocated' })
  const second = `/esim-orders/${later.body.order}`
  t.equal((await ask('GET', `${second}/activation-code`)).status, 409)
  esim.smdp.fail('silent', 'carry out and cut', 'silent')
  const lost = await done(await ask('POST', `${second}/confirm`, { release: false }))
  t.match(lost, { problem: { code: 'ESIM_UNANSWERED', status: 504 } })
  t.match((await ask('GET', second)).body, { state: 'allocated', waitingFor: 'confirmOrder' })
  t.match(await done(await ask('POST', `${second}/confirm`, { release: false })), { state: 'confirmed' })
  t.match(await done(await ask('POST', `${second}/release`, {})), { state: 'released' })
  t.match(await done(await ask('POST', `${second}/cancel`, { final: 'Unavailable' })), { state: 'cancelled' })
  t.equal(esim.smdp.profiles.get(testSim(2).iccid)?.state, 'Unavailable')
  t.match((await ask('GET', '/esim-orders?state=cancelled')).body.items, [{ iccid: testSim(2).iccid }])

  const refused = await done(await ask('POST', '/esim-orders', { iccid: testSim(9).iccid }))
  t.match(refused, { problem: { code: 'ESIM_REFUSED', status: 409, detail: /does not hold a profile/ } })
  const rows = toJson(await store.batch((sql) => sql.rows('select * from esim_order')))
  t.notMatch(rows + w.answers.join() + w.lines.join(), '4711', 'the confirmation code is kept nowhere')
  const told = await store.batch((sql) =>
    sql.rows<{ data: string }>("select data from partner_event where type = 'esim-order.changed'"),
  )
  t.ok(told.length >= 6)
  t.notMatch(told.map(({ data }) => data).join(), esim.smdp.profiles.get(iccid)?.matchingId ?? '-')
})
