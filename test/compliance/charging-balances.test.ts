import { randomBytes } from 'node:crypto'
import { balances, expire, joinPool, statement } from '../../billing/charging/balances/store.ts'
import { createCatalogue, listPlans, putPlan } from '../../billing/charging/catalogue/store.ts'
import { renew } from '../../billing/charging/renewal/store.ts'
import { suspend } from '../../billing/charging/suspension/store.ts'
import { createVouchers, redeemVoucher } from '../../billing/charging/vouchers/store.ts'
import { auditLine, resumeAfter, transfersAfter } from '../../billing/ledger/audit/store.ts'
import { USAGE_FLAG } from '../../core/events/usage-event.ts'
import { subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import {
  accounts,
  engine,
  faults,
  giveMoney,
  giveOctets,
  grantOf,
  heldUsage,
  meter,
  NOON,
  oneTime,
  openWorld,
  PLAN,
  rateAll,
  request,
  tenant,
} from './charging-world.ts'
import { onEachEngine } from './engines.ts'

const alice = subscriberId('alice-data')

onEachEngine('a payment is booked once', async (t, database) => {
  const { store } = await openWorld(database)
  t.equal(await giveMoney(store, 'alice-data', 5n), true)
  t.equal(await giveMoney(store, 'alice-data', 5n), false)
  t.equal(await giveMoney(store, 'alice-data', 7n, 'second'), true)
  const [money] = await store.batch((sql) => balances(sql, alice))
  t.match(money, { posted: 12n, free: 12n, granted: 12n, unit: 'EUR' })
  t.same(
    (await store.batch((sql) => statement(sql, alice, { limit: 10 }))).map(({ cause, amount }) => [cause, amount]),
    [
      ['topup:mvno:alice-data/first', 5n],
      ['topup:mvno:alice-data/second', 7n],
    ],
  )
  const lines = (await store.batch((sql) => transfersAfter(sql, 0n, 1))).map(auditLine)
  const rest = await store.batch((sql) => transfersAfter(sql, resumeAfter(lines[0] ?? ''), 10))
  t.same(
    rest.map(({ amount }) => amount),
    [7n],
  )
})

onEachEngine('a version of a plan never changes', async (t, database) => {
  const { store } = await openWorld(database)
  await t.rejects(
    store.batch((sql) => putPlan(sql, { ...PLAN, sessions: 9 }, millis(NOON))),
    { code: 'PLAN_VERSION' },
  )
  await store.batch((sql) => putPlan(sql, { ...PLAN, version: 2, sessions: 9 }, millis(NOON)))
  t.same(
    (await store.batch((sql) => listPlans(sql, 'mvno'))).map(({ version, sessions }) => [version, sessions]),
    [[2n, 9]],
  )
})

onEachEngine('a voucher is worth its amount once', async (t, database) => {
  const { store } = await openWorld(database)
  const key = randomBytes(32)
  const [code = ''] = await store.batch((sql) =>
    createVouchers(
      sql,
      key,
      { tenant, series: 'x', count: 1, amount: 9n, offer: undefined, expires: undefined },
      randomBytes,
    ),
  )
  const redeem = (subscriber: string) =>
    store.batch((sql) =>
      redeemVoucher(sql, key, {
        code: code.toLowerCase(),
        subscriber: subscriberId(subscriber),
        tenant,
        at: millis(NOON),
      }),
    )
  await redeem('alice-data')
  await redeem('alice-data')
  await t.rejects(redeem('bob-data'), { code: 'VOUCHER_REFUSED' })
  t.equal((await accounts(store))['subscriber:alice-data:money:EUR'], 9n)
  t.same(await faults(store), [])
})

onEachEngine('a recurring bundle comes once a period, and part of the old one rolls over', async (t, database) => {
  const bundle = {
    id: 'base',
    unit: 'octet',
    amount: '1 GB',
    validity: { period: 'month' },
    recurring: true,
    rollOver: { percent: 50, times: 1 },
  }
  const { store } = await openWorld(database, [
    { ...PLAN, recurring: { period: 'month', price: 5_000_000 }, bundles: [bundle] },
  ])
  await giveMoney(store, 'alice-data', 12_000_000n)
  await store.db
    .insertInto('subscriber')
    .values({ subscriber_id: alice, imsi: '001010000000001', payer_id: tenant, plan_id: 'data', created_at: NOON })
    .execute()
  const catalogue = createCatalogue(microtokens(0n))
  const run = (at: bigint) =>
    store.batch(async (sql) => {
      await renew(sql, catalogue, millis(at), 0n)
      await expire(sql, millis(at))
    })
  const held = async () =>
    (await store.batch((sql) => balances(sql, alice))).filter(({ kind }) => kind === 'bundle').map(({ free }) => free)
  await run(NOON)
  await run(NOON + 1n)
  t.same(await held(), [1_000_000_000n])
  t.equal((await accounts(store))['subscriber:alice-data:money:EUR'], 7_000_000n)
  const month = 30n * 86_400_000n
  await run(NOON + month)
  t.same((await held()).sort(), [1_000_000_000n, 500_000_000n].sort())
  await run(NOON + 2n * month)
  t.same((await held()).sort(), [1_000_000_000n, 500_000_000n].sort(), 'rolls once')
  t.same(
    await accounts(store).then((all) => [
      all['subscriber:alice-data:money:EUR'],
      all['subscriber:alice-data:overuse:EUR'],
    ]),
    [undefined, 3_000_000n],
  )
  t.same(await faults(store), [])
})

onEachEngine('a family shares, and each member keeps its own', async (t, database) => {
  const { store, charging } = await openWorld(database)
  await giveOctets(store, 'pool:family', 2_000_000n)
  for (const member of ['alice-data', 'bob-data'])
    await store.batch((sql) => joinPool(sql, subscriberId(member), 'family'))
  const drain = async (subscriber: string) => {
    let answer = await charging.open(request({ subscriber, session: subscriber, number: 0n }))
    let used = 0n
    for (let number = 1n; grantOf(answer) > 0n && number < 4n; number++) {
      used += grantOf(answer)
      answer = await charging.update(request({ subscriber, session: subscriber, number, octets: grantOf(answer) }))
    }
    await charging.close(request({ subscriber, session: subscriber, number: 9n, wanted: false }))
    return used
  }
  const used = (await drain('alice-data')) + (await drain('bob-data'))
  t.equal((await accounts(store))['pool:family:bundle:gift:octet'], 2_000_000n - used)
  t.same(await faults(store), [])
})

onEachEngine('one-time requests: priced, checked, debited once, refunded once', async (t, database) => {
  const { store, charging } = await openWorld(database)
  await giveMoney(store, 'alice-data', 3_000_000n)
  t.match(await charging.event(oneTime('price-enquiry', 0n, 'p')), { result: 'success', price: 2_000_000n })
  t.match(await charging.event(oneTime('check-balance', 0n, 'c')), { result: 'success', enough: true })
  const debited = await charging.event(oneTime('debit', 0n))
  t.match(debited, { result: 'success', price: 2_000_000n })
  t.same(await charging.event(oneTime('debit', 0n)), debited)
  t.equal((await charging.event(oneTime('debit', 0n, 'f'))).result, 'credit-limit-reached')
  t.match(await charging.event(oneTime('check-balance', 0n, 'd')), { enough: false })
  t.match(await charging.event(oneTime('refund', 1n)), { result: 'success', price: 2_000_000n })
  t.match(await charging.event(oneTime('refund', 1n)), { result: 'success', price: 2_000_000n })
  t.equal((await charging.event(oneTime('refund', 2n))).result, 'unknown-session')
  t.equal((await accounts(store))['subscriber:alice-data:money:EUR'], 3_000_000n)
  t.same(await faults(store), [])
})

onEachEngine('a suspended subscriber is granted nothing', async (t, database) => {
  const { store, charging } = await openWorld(database)
  await giveMoney(store, 'alice-data', 3_000_000n)
  await store.batch((sql) => suspend(sql, alice, true, millis(NOON)))
  t.equal((await charging.open(request({ number: 0n }))).result, 'suspended')
  await store.batch((sql) => suspend(sql, alice, false, millis(NOON)))
  t.ok(grantOf(await charging.update(request({ number: 1n }))) > 0n)
  t.same(await faults(store), [])
})

onEachEngine('caps, fair use and thresholds', async (t, database) => {
  const day = { octets: '3 MB' }
  const fairUse = { octets: '2 MB', period: 'day', throttle: { uplink: 64_000, downlink: 128_000 } }
  const { store, charging } = await openWorld(database, [{ ...PLAN, caps: { day }, fairUse, thresholds: [80, 100] }])
  await giveOctets(store, 'subscriber:alice-data', 100_000_000n)
  let answer = await charging.open(request({ number: 0n }))
  let used = 0n
  let throttledAt: bigint | undefined
  for (let number = 1n; grantOf(answer) > 0n; number++) {
    used += grantOf(answer)
    answer = await charging.update(request({ number, octets: grantOf(answer) }))
    if (answer.services[0]?.throttle) throttledAt ??= used
  }
  t.equal(used, 3_000_000n)
  t.ok(throttledAt !== undefined && throttledAt >= 2_000_000n)
  const events = await store.batch((sql) =>
    sql.rows<{ kind: string; percent: bigint }>(
      `select kind, percent from charging_event where kind = 'cap' order by event_id`,
    ),
  )
  t.same(
    events.map(({ percent }) => percent),
    [80n, 100n],
  )
  const tomorrow = NOON + 86_400_000n
  t.ok(grantOf(await charging.open(request({ session: 't', number: 0n, at: tomorrow }))) > 0n, 'a new day')
  t.same(await faults(store), [])
})

onEachEngine(
  'usage without a reservation is charged by the same plans, and what cannot be true is set aside',
  async (t, database) => {
    const { store } = await openWorld(database)
    await giveOctets(store, 'subscriber:alice-data', 1_500_000n)
    await meter(store, [
      { subscriber: 'alice-data', octets: 1_000_000n },
      { subscriber: 'alice-data', octets: 1_000_000n, flags: USAGE_FLAG.charged },
      { subscriber: 'alice-data', octets: 1n << 60n },
      { subscriber: 'bob-flat', octets: 1_000_000n },
      { subscriber: 'bob-flat', octets: 1n << 60n },
      { subscriber: 'alice-data', octets: 1_000_000n },
    ])
    await rateAll(store, { limit: 2 })
    t.same(await accounts(store), {
      'payer:mvno:consumed:n1:octet': 1_500_000n,
      'payer:mvno:income:n1:EUR': 1_000_000n,
      'payer:mvno:issued:octet': 1_500_000n,
      'payer:mvno:revenue': 2000n,
      'subscriber:alice-data:overuse:EUR': 1_000_000n,
      'subscriber:bob-flat:usage': 2000n,
    })
    t.same(
      (await heldUsage(store)).map(({ source }) => source),
      ['usage:3', 'usage:5'],
    )
    t.same(await faults(store), [])
  },
)

onEachEngine('the flat plan is served by the quota port too', async (t, database) => {
  const store = await database.open()
  const charging = engine(store)
  t.ok(grantOf(await charging.open(request({ subscriber: 'bob-flat', number: 0n }))) > 0n)
  await charging.close(request({ subscriber: 'bob-flat', number: 1n, octets: 1_000_000n, wanted: false }))
  t.same(await accounts(store), { 'payer:mvno:revenue': 2000n, 'subscriber:bob-flat:usage': 2000n })
  t.same(await faults(store), [])
})
