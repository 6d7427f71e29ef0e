import t from 'tap'
import { balances } from '../../billing/charging/balances/store.ts'
import { recordsAfter } from '../../billing/charging/session/store.ts'
import { subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import {
  accounts,
  engine,
  faults,
  giveMoney,
  giveOctets,
  grantOf,
  NOON,
  openWorld,
  PLAN,
  request,
} from './charging-world.ts'
import { onEachEngine } from './engines.ts'

onEachEngine('a session pays for what it used and gives back the rest', async (t, database) => {
  const { store, charging } = await openWorld(database)
  await giveOctets(store, 'subscriber:alice-data', 50_000_000n)
  const first = await charging.open(request({ number: 0n }))
  t.equal(first.result, 'success')
  t.equal(grantOf(first), 1_000_000n)
  t.same(await faults(store), [])
  for (let number = 1n; number <= 30n; number++)
    t.equal(grantOf(await charging.update(request({ number, octets: 900_000n, at: NOON + number }))), 1_000_000n)
  t.same(await faults(store), [])
  const [balance] = await store.batch((sql) => balances(sql, subscriberId('alice-data')))
  t.ok((balance?.free ?? 0n) < (balance?.posted ?? 0n), 'something is set aside')
  const last = await charging.close(request({ number: 31n, octets: 1n, wanted: false, at: NOON + 40n }))
  t.equal(last.result, 'success')
  t.same(await accounts(store), {
    'payer:mvno:consumed:n1:octet': 27_000_001n,
    'payer:mvno:issued:octet': 50_000_000n,
    'subscriber:alice-data:bundle:gift:octet': 22_999_999n,
  })
  t.same(await faults(store), [])
  const [record] = await store.batch((sql) => recordsAfter(sql, 0n, 10))
  const body = JSON.parse(record?.record ?? '{}')
  t.equal(body.cause, 'normal-release')
  t.same(body.services[0].bundleOctets, '27000001')
})

onEachEngine('repeats get the stored answer; skipped and late numbers are charged once', async (t, database) => {
  const { store, charging } = await openWorld(database)
  await giveMoney(store, 'alice-data', 100_000_000n)
  await charging.open(request({ number: 0n }))
  const second = await charging.update(request({ number: 2n, octets: 1_000_000n }))
  t.same(await charging.update(request({ number: 2n, octets: 1_000_000n })), second)
  const late = await charging.update(request({ number: 1n, octets: 500_000n }))
  t.equal(late.services[0]?.granted, undefined)
  t.same(await charging.update(request({ number: 1n, octets: 500_000n })), late)
  t.same(await charging.update(request({ number: 2n, octets: 1_000_000n })), second)
  t.same(await faults(store), [])
  await charging.close(request({ number: 3n, octets: 0n, wanted: false }))
  // 1,500,000 octets at 2 EUR a million.
  t.equal((await accounts(store))['payer:mvno:income:n1:EUR'], 3_000_000n)
  t.equal((await charging.update(request({ number: 9n, octets: 500_000n }))).result, 'unknown-session')
  t.equal((await accounts(store))['payer:mvno:income:n1:EUR'], 4_000_000n)
  t.equal((await charging.update(request({ number: 9n, octets: 500_000n }))).result, 'unknown-session')
  t.equal((await accounts(store))['payer:mvno:income:n1:EUR'], 4_000_000n)
  t.same(await faults(store), [])
})

onEachEngine('the last grant is final, overuse goes to its own account', async (t, database) => {
  const { store, charging } = await openWorld(database)
  await giveOctets(store, 'subscriber:alice-data', 1_000_000n)
  let granted = grantOf(await charging.open(request({ number: 0n })))
  let answer = await charging.update(request({ number: 1n, octets: granted }))
  for (let number = 2n; grantOf(answer) > 0n && answer.services[0]?.final === undefined; number++) {
    granted = grantOf(answer)
    answer = await charging.update(request({ number, octets: granted }))
  }
  t.same(answer.services[0]?.final, { action: 'terminate' })
  const rest = grantOf(answer)
  const refused = await charging.update(request({ number: 90n, octets: rest + 77n }))
  t.equal(refused.services[0]?.result, 'credit-limit-reached')
  t.same(await accounts(store), {
    'payer:mvno:consumed:n1:octet': 1_000_000n,
    'payer:mvno:income:n1:EUR': 154n,
    'payer:mvno:issued:octet': 1_000_000n,
    'subscriber:alice-data:overuse:EUR': 154n,
  })
  t.same(await faults(store), [])
})

onEachEngine('a second session gets what the first does not need', async (t, database) => {
  const { store, charging } = await openWorld(database, [{ ...PLAN, sessions: 2 }])
  await giveOctets(store, 'subscriber:alice-data', 40_000_000n)
  await charging.open(request({ number: 0n, session: 'a' }))
  let all = 1_000_000n
  let answer = await charging.open(request({ number: 0n, session: 'b' }))
  for (let number = 1n; grantOf(answer) > 0n; number++) {
    all += grantOf(answer)
    answer = await charging.update(request({ number, session: 'b', octets: grantOf(answer) }))
  }
  t.equal(all, 40_000_000n, 'all but the one grant of the other session')
  t.equal((await charging.open(request({ number: 0n, session: 'c' }))).result, 'too-many-sessions')
  t.same(await faults(store), [])
})

onEachEngine('supervision ends silent sessions and frees what they held', async (t, database) => {
  const { store, charging } = await openWorld(database)
  await giveMoney(store, 'alice-data', 10_000_000n)
  await charging.open(request({ number: 0n }))
  await charging.update(request({ number: 1n, octets: 1000n, at: NOON + 60_000n }))
  await charging.supervise(millis(NOON + 190_000n))
  t.same(await store.batch((sql) => recordsAfter(sql, 0n, 10)), [], 'still alive')
  await charging.supervise(millis(NOON + 240_001n))
  const [record] = await store.batch((sql) => recordsAfter(sql, 0n, 10))
  t.equal(JSON.parse(record?.record ?? '{}').cause, 'abnormal-release')
  const [balance] = await store.batch((sql) => balances(sql, subscriberId('alice-data')))
  t.equal(balance?.free, balance?.posted)
  t.same(await faults(store), [])
})

t.test('who nobody knows, and sessions nobody opened', async (t) => {
  const { testSqlite } = await import('./engines.ts')
  const store = await testSqlite(t).open()
  const charging = engine(store)
  t.equal((await charging.open(request({ number: 0n, subscriber: 'nobody' }))).result, 'unknown-subscriber')
  t.equal((await charging.update(request({ number: 1n }))).result, 'unknown-session')
  t.equal((await charging.close(request({ number: 1n }))).result, 'unknown-session')
})

const usedUnits = (downlink: bigint, tariff: 'before' | 'after' | undefined) => ({
  uplink: 0n,
  downlink,
  seconds: 0n,
  units: 0n,
  tariff,
})

onEachEngine('usage on both sides of a tariff change is priced apart', async (t, database) => {
  const night = { name: 'night', when: { from: '13:01', to: '14:00' }, price: { octets: 1_000_000 } }
  const { store, charging } = await openWorld(database, [{ ...PLAN, tariffs: [night, ...PLAN.tariffs] }])
  await giveMoney(store, 'alice-data', 100_000_000n)
  // 13:00:30 in Berlin: the change is nearer than the validity.
  const opened = await charging.open(request({ number: 0n, at: NOON + 30_000n }))
  t.equal(opened.services[0]?.tariffChange, NOON + 60_000n)
  const report = request({ number: 1n, wanted: false, at: NOON + 90_000n })
  const used = [usedUnits(300_000n, 'before'), usedUnits(100_000n, 'after')]
  await charging.close({ ...report, services: [{ ratingGroup: 0n, used, wanted: false }] })
  t.equal((await accounts(store))['payer:mvno:income:n1:EUR'], 600_000n + 100_000n)
  const records = (await store.batch((sql) => recordsAfter(sql, 0n, 10))).map(({ record }) => JSON.parse(record))
  t.same(
    records.map(({ partial, services }) => [partial, services[0].tariff, services[0].charge]),
    [
      ['1', 'any', '600000'],
      ['2', 'night', '100000'],
    ],
  )
  t.same(await faults(store), [])
})

onEachEngine('services of one session are granted, denied and free by themselves', async (t, database) => {
  const free = { name: 'free', when: { ratingGroups: [7] }, free: true }
  const never = { name: 'never', when: { ratingGroups: [9] }, deny: true }
  const { store, charging } = await openWorld(database, [{ ...PLAN, tariffs: [free, never, ...PLAN.tariffs] }])
  await giveMoney(store, 'alice-data', 2_000_000n)
  const services = (downlink: bigint) =>
    [0n, 7n, 9n].map((ratingGroup) => ({
      ratingGroup,
      used: ratingGroup === 9n ? [] : [usedUnits(downlink, undefined)],
      wanted: true,
    }))
  const opened = await charging.open({ ...request({ number: 0n }), services: services(0n) })
  t.same(
    opened.services.map(({ result }) => result),
    ['granted', 'granted', 'service-denied'],
  )
  for (let number = 1n; number < 4n; number++)
    t.equal((await charging.update({ ...request({ number }), services: services(10_000n) })).result, 'success')
  await charging.close({ ...request({ number: 5n, wanted: false }), services: [] })
  t.same(await accounts(store), {
    'payer:mvno:income:n1:EUR': 60_000n,
    'payer:mvno:received:EUR': 2_000_000n,
    'subscriber:alice-data:money:EUR': 1_940_000n,
  })
  t.same(await faults(store), [])
})
