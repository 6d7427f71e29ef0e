import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { depositsOf, payableOf, rewardsOf, treasuryOf } from '../../billing/ledger/accounts.ts'
import { postTransfers, totals } from '../../billing/ledger/store.ts'
import { createRatingStage, listUsage } from '../../billing/rating/store.ts'
import type { KnownSubscriber, SubscriberDirectory } from '../../core/events/ports.ts'
import { USAGE_FLAG } from '../../core/events/usage-event.ts'
import { payerId, radioId, subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { openStore, type RawDatabase, type Store } from '../../core/store/store.ts'

const payer = payerId('mvno')
const radio = radioId('ap-1')
const alice = subscriberId('alice')
const at = millis(1)

t.test('a transfer is posted once per cause, and the books balance', async (t) => {
  const store = await openStore({ path: join(t.testdir(), 's.db') })
  const deposit = {
    cause: 'deposit:1',
    debit: treasuryOf(payer),
    credit: depositsOf(payer),
    amount: microtokens(100n),
    at,
  }
  t.equal(await store.batch((database) => postTransfers(database, [deposit, deposit])), 1)
  t.equal(await store.batch((database) => postTransfers(database, [deposit])), 0)
  t.same(await store.batch(totals), { debits: 100n, credits: 100n })
  await store.close()
})

t.test('an account never falls below zero: the whole transaction is refused', async (t) => {
  const store = await openStore({ path: join(t.testdir(), 's.db') })
  const earn = { cause: 'earn', debit: rewardsOf(payer), credit: payableOf(radio), amount: microtokens(60n), at }
  const pay = { cause: 'pay', debit: payableOf(radio), credit: treasuryOf(payer), amount: microtokens(60n), at }
  await t.rejects(
    store.batch((database) => postTransfers(database, [earn, pay])),
    { code: 'LEDGER_BELOW_ZERO' },
  )
  t.same(await store.batch(totals), { debits: 0n, credits: 0n })
  await store.close()
})

t.test('property: whatever is posted, in whatever pieces, sums to zero', async (t) => {
  const folder = t.testdir()
  let run = 0
  const accounts = [treasuryOf(payer), depositsOf(payer), rewardsOf(payer), payableOf(radio)] as const
  const pick = fc.constantFrom(...accounts)
  const transfer = fc.record({
    cause: fc.string({ maxLength: 2 }),
    debit: pick,
    credit: pick,
    amount: fc.bigInt(0n, 1000n),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(transfer, { maxLength: 5 }), { maxLength: 6 }), async (batches) => {
      const store = await openStore({ path: join(folder, `${run++}.db`) })
      for (const batch of batches) {
        const transfers = batch.map((row) => ({ ...row, amount: microtokens(row.amount), at }))
        await store.batch((database) => postTransfers(database, transfers)).catch(() => 0)
      }
      const { debits, credits } = await store.batch(totals)
      const rows = await store.db.selectFrom('ledger_transfer').select('amount').execute()
      await store.close()
      return debits === credits && debits === rows.reduce((sum, { amount }) => sum + amount, 0n)
    }),
    { numRuns: 25 },
  )
})

const subscribers: SubscriberDirectory = {
  byImsi: () => undefined,
  byId: (id): KnownSubscriber | undefined => (id === alice ? { subscriber: alice, payer, plan: 'flat' } : undefined),
  imsiOf: () => undefined,
  refresh: async () => {},
}

function addEvent(database: RawDatabase, subscriber: string | null, octets: bigint, flags = 0): void {
  database
    .prepare(
      `insert into usage_event (origin, session_id, sequence, subscriber_id, radio_id, access, start_at, end_at, uplink, downlink,
        cause, received_at, flags) values ('radius:a:b', 's', (select count(*) from usage_event), ?, 'ap-1', 'wifi', 1, 2, ?, 0, 'interim', 3, ?)`,
    )
    .run(subscriber, octets, flags)
}

async function drain(store: Store, batch: number): Promise<void> {
  const stage = createRatingStage({ store, subscribers }, microtokens(2000n))
  while ((await stage.step(batch)) > 0);
}

t.test('rating charges each event once, carries what rounding leaves, and charges nothing in doubt', async (t) => {
  const store = await openStore({ path: join(t.testdir(), 's.db') })
  await store.batch((database) => {
    for (let n = 0; n < 10; n++) addEvent(database, 'alice', 1_000_250n)
    addEvent(database, null, 5_000_000n)
    addEvent(database, 'nobody', 5_000_000n)
    addEvent(database, 'alice', 5_000_000n, USAGE_FLAG.counterFell)
  })
  await drain(store, 3)
  await drain(store, 100)
  // 10 × 1,000,250 octets × 2000 / 10⁶ = 20,005 exactly; rounding each event by itself would give 20,000.
  t.same(await store.batch(totals), { debits: 20_005n, credits: 20_005n })
  const rows = await listUsage(store, { subscriber: 'alice', radio: undefined, limit: 3 })
  t.same(
    rows.map(({ event_id, charge }) => [event_id, charge]),
    [
      [13n, null],
      [10n, 2001n],
      [9n, 2000n],
    ],
  )
  await store.close()
})
