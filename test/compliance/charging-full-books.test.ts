// Accounts near what 64 bits hold: what does not fit is set aside, the request is answered, and everybody else is charged as ever.
import t from 'tap'
import { type AccountId, earnedOf, overuseOf, payerAccount } from '../../billing/ledger/accounts.ts'
import { MOST_TOTAL, postTransfers } from '../../billing/ledger/store.ts'
import { subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import {
  accounts,
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

const income = earnedOf(tenant, 'income', 'n1', 'EUR')
const consumed = earnedOf(tenant, 'consumed', 'n1', 'octet')
const overuse = overuseOf(subscriberId('alice-data'), 'EUR')

/** Leaves room for `room` on both sides of a transfer of its own. */
const fill = (store: Store, debit: AccountId, credit: AccountId, room: bigint) =>
  store.batch((sql) =>
    postTransfers(sql, [{ cause: `fill:${debit}`, debit, credit, amount: MOST_TOTAL - room, at: millis(NOON) }]),
  )

const REASON = 'the charge would not fit the books'

onEachEngine('income that is nearly full takes what fits, and the rest is set aside', async (t, database) => {
  const { store, charging } = await openWorld(database)
  await giveMoney(store, 'alice-data', 100_000_000n)
  await giveMoney(store, 'bob-data', 100_000_000n)
  await giveOctets(store, 'subscriber:carol-data', 10_000_000n)
  // 3 EUR: one report of 1 MB at 2 EUR, not two.
  await fill(store, payerAccount(tenant, 'received', 'EUR'), income, 3_000_000n).then(
    () => t.fail('received already has the top-ups: it cannot take so much'),
    (error) => t.match(error, { code: 'LEDGER_FULL' }),
  )
  await fill(store, payerAccount(tenant, 'refunds', 'EUR'), income, 3_000_000n)
  const names = ['alice-data', 'bob-data', 'carol-data']
  for (const subscriber of names) await charging.open(request({ subscriber, session: subscriber, number: 0n }))
  const answers = await Promise.all(
    names.map((subscriber) =>
      charging.close(request({ subscriber, session: subscriber, number: 1n, octets: 1_000_000n, wanted: false })),
    ),
  )
  t.same(
    answers.map(({ result }) => result),
    ['success', 'success', 'success'],
  )
  const after = await accounts(store)
  t.equal(after[income], MOST_TOTAL - 1_000_000n, 'one of the two')
  t.equal(after[consumed], 1_000_000n, 'carol pays with her bundle')
  const rows = await heldUsage(store)
  t.same(
    rows.map(({ reason }) => reason),
    [REASON],
  )
  t.equal(
    (after['subscriber:alice-data:money:EUR'] ?? 0n) + (after['subscriber:bob-data:money:EUR'] ?? 0n),
    198_000_000n,
  )
  t.same(await faults(store), [])
})

onEachEngine('what a session had used out of its reservation is set aside too', async (t, database) => {
  const { store, charging } = await openWorld(database)
  await giveMoney(store, 'alice-data', 500_000_000n)
  await charging.open(request({ number: 0n }))
  t.equal(grantOf(await charging.update(request({ number: 1n, octets: 900_000n, at: NOON + 1n }))), 1_000_000n)
  t.equal((await accounts(store))[income], undefined, 'used and not posted yet')
  await fill(store, payerAccount(tenant, 'refunds', 'EUR'), income, 1_000_000n)
  const closed = await charging.close(request({ number: 2n, octets: 400_000n, wanted: false, at: NOON + 2n }))
  t.equal(closed.result, 'success')
  t.match(await heldUsage(store), [{ subscriber_id: 'alice-data', reason: REASON }], 'the 1.80; the 0.80 fits')
  t.equal((await accounts(store))[income], MOST_TOTAL - 200_000n)
  t.same(await faults(store), [])
})

onEachEngine('overuse stops where its account is full', async (t, database) => {
  const { store, charging } = await openWorld(database)
  await giveMoney(store, 'alice-data', 1_000_000n)
  await fill(store, overuse, payerAccount(tenant, 'expired', 'EUR'), 1_000_000n)
  await charging.open(request({ number: 0n }))
  const answer = await charging.update(request({ number: 1n, octets: 5_000_000n }))
  t.equal(answer.result, 'success')
  t.match(await heldUsage(store), [{ subscriber_id: 'alice-data', reason: REASON }])
  t.equal((await accounts(store))['subscriber:alice-data:money:EUR'], 1_000_000n, 'all of the report or nothing')
  t.equal((await charging.close(request({ number: 2n, octets: 500_000n, wanted: false }))).result, 'success')
  t.equal((await accounts(store))[income], 1_000_000n)
  t.same(await faults(store), [])
})

onEachEngine('charges that are too much together fill an account once', async (t, database) => {
  // 2^40 octets cost 2^59 or so: seventeen of them are more than 64 bits hold.
  const { store, charging } = await openWorld(database, [
    { ...PLAN, kind: 'postpaid', tariffs: [{ name: 'any', when: {}, price: { octets: '500000000000' } }] },
  ])
  const names = Array.from({ length: 18 }, (_, index) => `u${index}-data`)
  const answers = await Promise.all(
    names.map((subscriber) =>
      charging.open(request({ subscriber, session: subscriber, number: 0n, octets: 1n << 40n, wanted: false })),
    ),
  )
  t.ok(answers.every(({ result }) => result === 'success'))
  const charge = ((1n << 40n) * 500_000_000_000n) / 1_000_000n
  const most = MOST_TOTAL / charge
  t.equal((await accounts(store))[income], most * charge)
  t.equal((await heldUsage(store)).length, 18 - Number(most))
  t.same(await faults(store), [])
})

onEachEngine('one-time debits and refunds that do not fit fail by themselves', async (t, database) => {
  const { store, charging } = await openWorld(database)
  await giveMoney(store, 'alice-data', 9_000_000n)
  t.equal((await charging.event(oneTime('debit', 0n, 'a'))).result, 'success')
  await fill(store, payerAccount(tenant, 'refunds', 'EUR'), income, 1_999_999n).then(
    () => t.fail('income has 2 EUR already'),
    (error) => t.match(error, { code: 'LEDGER_FULL' }),
  )
  await fill(store, payerAccount(tenant, 'refunds', 'EUR'), payerAccount(tenant, 'expired', 'EUR'), 1n)
  t.equal((await charging.event(oneTime('refund', 1n, 'a'))).result, 'rating-failed')
  await fill(store, payerAccount(tenant, 'issued', 'EUR'), income, 3_000_000n)
  t.equal((await charging.event(oneTime('debit', 0n, 'b'))).result, 'rating-failed')
  t.equal((await accounts(store))['subscriber:alice-data:money:EUR'], 7_000_000n)
  t.same(await faults(store), [])
})

onEachEngine(
  'usage without reservations: what does not fit is set aside, and the stage goes on',
  async (t, database) => {
    const { store } = await openWorld(database)
    await giveMoney(store, 'alice-data', 9_000_000n)
    await fill(store, payerAccount(tenant, 'refunds', 'EUR'), income, 3_000_000n)
    const sizes = [1_000_000n, 1_000_000n, 500_000n]
    await meter(
      store,
      sizes.map((octets) => ({ subscriber: 'alice-data', octets })),
    )
    await rateAll(store)
    t.match(await heldUsage(store), [{ source: 'usage:2', reason: REASON }])
    const after = await accounts(store)
    t.equal(after[income], MOST_TOTAL)
    t.equal(after['subscriber:alice-data:money:EUR'], 6_000_000n)
    t.same(await faults(store), [])
  },
)

t.test('a transfer of anybody else that would not fit is refused', async (t) => {
  const { testSqlite } = await import('./engines.ts')
  const { store } = await openWorld(testSqlite(t))
  await giveMoney(store, 'alice-data', MOST_TOTAL - 1n)
  await t.rejects(giveMoney(store, 'alice-data', 2n, 'second'), { code: 'LEDGER_FULL' })
  t.equal((await accounts(store))['subscriber:alice-data:money:EUR'], MOST_TOTAL - 1n)
})
