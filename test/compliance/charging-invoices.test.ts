import t from 'tap'
import { balances, expire } from '../../billing/charging/balances/store.ts'
import { createCatalogue } from '../../billing/charging/catalogue/store.ts'
import { closePeriod, closePeriods, listInvoices } from '../../billing/charging/invoice/store.ts'
import { createRenewalPass } from '../../billing/charging/renewal/pass.ts'
import { suspend } from '../../billing/charging/suspension/store.ts'
import { subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { accounts, engine, faults, giveMoney, grantOf, NOON, PLAN, prepare, request, tenant } from './charging-world.ts'
import { onEachEngine, testSqlite } from './engines.ts'

const DAY = 86_400_000n
/** 2026-12-01 00:00 in Berlin. */
const DECEMBER = 1_796_079_600_000n
const JANUARY = DECEMBER + 31n * DAY
const TENANT = { tenant, currency: 'EUR', decimals: 2, mode: 'half-even', timeZone: 'Europe/Berlin' } as const
const FINE = { ...PLAN, tariffs: [{ name: 'any', when: {}, price: { octets: 123_456 } }] }
const alice = subscriberId('alice-data')

const invoices = async (store: Store) =>
  (await store.batch((sql) => listInvoices(sql, { tenant, subscriber: undefined, after: 0n, limit: 100 }))).map(
    ({ subscriber_id, period_start, exact, rounded, owed }) => [subscriber_id, period_start, exact, rounded, owed],
  )

const close = (store: Store, at: bigint, limit?: number) =>
  store.batch((sql) => closePeriod(sql, TENANT, millis(at), limit))

async function use(store: Store, subscriber: string, octets: bigint, at = NOON): Promise<void> {
  const charging = engine(store)
  const session = `${subscriber} ${at}`
  await charging.open(request({ subscriber, session, number: 0n, at }))
  await charging.close(request({ subscriber, session, number: 1n, octets, wanted: false, at }))
}

onEachEngine('a month is invoiced once, when it has ended, on however many nodes', async (t, database) => {
  const nodes = await Promise.all([database.open(), database.open()].slice(0, database.engine === 'sqlite' ? 1 : 2))
  const [store] = nodes
  if (!store) throw new Error('no store')
  await prepare(store, [FINE])
  const names = Array.from({ length: 7 }, (_, index) => `u${index}-data`)
  for (const name of names) {
    await giveMoney(store, name, 50_000_000n)
    await use(store, name, 10_000_000n)
  }
  t.equal(await close(store, DECEMBER - 1n), 0, 'not before its end')
  const run = async (node: Store): Promise<void> => {
    while ((await close(node, DECEMBER, 2)) > 0);
  }
  await Promise.all(nodes.map(run))
  const start = DECEMBER - 30n * DAY
  t.same(
    (await invoices(store)).sort(),
    names.map((name) => [name, start, 1_234_560n, 1_230_000n, 0n]),
  )
  t.equal(await close(store, DECEMBER + DAY), 0)
  t.equal((await accounts(store))['subscriber:u0-data:money:EUR'], 48_770_000n)
  const causes = await store.batch((sql) =>
    sql.rows<{ cause: string }>(`select cause from ledger_transfer where cause like 'rounding:%' order by cause`),
  )
  t.equal(causes[0]?.cause, `rounding:mvno:${start}:u0-data`)
  t.equal(causes.length, 7)
  t.same(await faults(store), [])
})

onEachEngine('what is booked late goes into the next invoice', async (t, database) => {
  const store = await database.open()
  await prepare(store, [FINE])
  await giveMoney(store, 'alice-data', 50_000_000n)
  await use(store, 'alice-data', 10_000_000n)
  t.equal(await close(store, DECEMBER), 1)
  await use(store, 'alice-data', 20_000_000n, DECEMBER - 5n)
  t.equal(await close(store, DECEMBER + 1n), 0)
  await use(store, 'alice-data', 1_000_000n, DECEMBER + DAY)
  t.equal(await store.batch((sql) => closePeriods(sql, millis(JANUARY))), 1)
  t.same((await invoices(store)).at(-1), ['alice-data', DECEMBER, 2_469_120n + 123_456n, 2_590_000n, 0n])
  t.equal((await accounts(store))['subscriber:alice-data:money:EUR'], 50_000_000n - 1_230_000n - 2_590_000n)
  t.same(await faults(store), [])
})

const ROUNDING = [
  // Charged 1.23456 in each; what is rounded up or down is less than a coin.
  { name: 'up, out of the money', mode: 'up', money: 2_000_000n, left: { money: 760_000n } },
  { name: 'up, and nothing is left', mode: 'up', money: 1_234_560n, left: { overuse: 5_440n } },
  { name: 'down, back to the money', mode: 'down', money: 2_000_000n, left: { money: 770_000n } },
  { name: 'down, back to money that was used up', mode: 'down', money: 1_234_560n, left: { money: 4_560n } },
  { name: 'down, off what was overused', mode: 'down', money: 1_000_000n, left: { overuse: 230_000n } },
] as const

for (const { name, mode, money, left } of ROUNDING)
  t.test(`rounding ${name}`, async (t) => {
    const store = await testSqlite(t).open()
    await prepare(store, [FINE])
    await giveMoney(store, 'alice-data', money)
    await use(store, 'alice-data', 10_000_000n)
    await store.batch((sql) => closePeriod(sql, { ...TENANT, mode }, millis(DECEMBER)))
    const after = await accounts(store)
    t.same(
      Object.entries(after).filter(([account]) => account.startsWith('subscriber:')),
      Object.entries(left).map(([kind, amount]) => [`subscriber:alice-data:${kind}:EUR`, amount]),
    )
    const free = (await store.batch((sql) => balances(sql, alice))).reduce((sum, balance) => sum + balance.free, 0n)
    t.equal(free, 'money' in left ? left.money : 0n, 'can be used')
    t.same(await faults(store), [])
  })

onEachEngine('a suspended session keeps its grant and gets no other', async (t, database) => {
  const store = await database.open()
  await prepare(store)
  await giveMoney(store, 'alice-data', 200_000_000n)
  const charging = engine(store)
  await charging.open(request({ number: 0n }))
  t.equal(grantOf(await charging.update(request({ number: 1n, octets: 900_000n }))), 1_000_000n)
  const held = async () => {
    const [balance] = await store.batch((sql) => balances(sql, alice))
    return (balance?.posted ?? 0n) - (balance?.free ?? 0n)
  }
  t.equal(await held(), 4_000_000n, 'two grants: a session begins with one to sixteen, by its number')
  for (const at of [NOON, NOON + 1n]) await store.batch((sql) => suspend(sql, alice, true, millis(at)))
  t.equal(await held(), 2_000_000n + 1_800_000n, 'the one that the peer has, and what it used')
  t.same(await faults(store), [])
  const refused = await charging.update(request({ number: 2n, octets: 0n }))
  t.equal(refused.result, 'suspended')
  t.equal(grantOf(refused), 0n)
  t.equal(await held(), 0n)
  t.equal((await accounts(store))['payer:mvno:income:n1:EUR'], 1_800_000n)
  await store.batch((sql) => suspend(sql, alice, false, millis(NOON + 2n)))
  t.equal(grantOf(await charging.update(request({ number: 3n, octets: 0n }))), 1_000_000n)
  const events = await store.batch((sql) =>
    sql.rows<{ kind: string; at: bigint }>('select kind, at from charging_event order by event_id'),
  )
  t.same(
    events.map(({ kind, at }) => [kind, at]),
    [
      ['suspended', NOON],
      ['resumed', NOON + 2n],
    ],
  )
  t.same(await faults(store), [])
})

onEachEngine('zero-rated services of a suspended subscriber end too', async (t, database) => {
  const store = await database.open()
  await prepare(store, [{ ...PLAN, tariffs: [{ name: 'any', when: {}, free: true }] }])
  const charging = engine(store)
  await charging.open(request({ number: 0n }))
  t.equal(grantOf(await charging.update(request({ number: 1n, octets: 1_000_000n }))), 1_000_000n)
  await store.batch((sql) => suspend(sql, alice, true, millis(NOON)))
  t.equal((await charging.update(request({ number: 2n, octets: 1_000_000n }))).result, 'suspended')
  t.same(await faults(store), [])
})

onEachEngine('nothing expires or is invoiced before the plans are renewed', async (t, database) => {
  const store = await database.open()
  const bundle = {
    ...{ id: 'base', unit: 'octet', amount: '1 GB', validity: { period: 'month' }, recurring: true },
    rollOver: { percent: 50, times: 1 },
  }
  await prepare(store, [{ ...PLAN, bundles: [bundle] }])
  const enrol = (index: number) =>
    store.db
      .insertInto('subscriber')
      .values({
        subscriber_id: `u${index}-data`,
        imsi: `00101000000000${index}`,
        payer_id: tenant,
        plan_id: 'data',
        created_at: NOON,
      })
      .execute()
  for (const index of [0, 1, 2]) await enrol(index)
  const pass = createRenewalPass(store, createCatalogue(microtokens(0n)), 2)
  const all = async (at: bigint) => {
    let rounds = 0
    while ((await pass.run(millis(at))) > 0) rounds++
    return rounds
  }
  const left = async (index: number) =>
    (await store.batch((sql) => balances(sql, subscriberId(`u${index}-data`)))).map(({ free }) => free).sort()
  t.equal(pass.settled(millis(NOON)), undefined)
  t.equal(await all(NOON), 2)
  t.equal(pass.settled(millis(NOON)), NOON)
  t.same(await left(2), [1_000_000_000n])
  t.equal(await all(NOON + 1n), 0, 'nothing begins')
  await enrol(3)
  t.equal(await all(NOON + 2n), 1, 'who is new')
  t.same(await left(3), [1_000_000_000n])
  const tomorrow = NOON - 12n * 3_600_000n + 23n * 3_600_000n
  t.equal(pass.settled(millis(DECEMBER)), tomorrow - 1n)
  await pass.run(millis(DECEMBER))
  t.equal(pass.settled(millis(DECEMBER)), tomorrow - 1n, 'under way')
  await all(DECEMBER)
  t.equal(pass.settled(millis(DECEMBER)), DECEMBER)
  await store.batch((sql) => expire(sql, millis(DECEMBER)))
  for (const index of [0, 1, 2, 3]) t.same(await left(index), [1_000_000_000n, 500_000_000n].sort())
  const renewed = await store.batch((sql) =>
    sql.rows<{ event_id: bigint }>(`select event_id from charging_event where kind = 'renewed'`),
  )
  t.equal(renewed.length, 8, 'once a period')
  t.same(await faults(store), [])
})
