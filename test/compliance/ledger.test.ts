import fc from 'fast-check'
import { depositsOf, payableOf, rewardsOf, treasuryOf } from '../../billing/ledger/accounts.ts'
import { readStatement } from '../../billing/ledger/statement/store.ts'
import { postTransfers, totals } from '../../billing/ledger/store.ts'
import { createRatingStage, listUsage } from '../../billing/rating/store.ts'
import type { KnownSubscriber, SubscriberDirectory } from '../../core/events/ports.ts'
import { USAGE_FLAG } from '../../core/events/usage-event.ts'
import { payerId, radioId, subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { radios } from './charging-world.ts'
import { onEachEngine } from './engines.ts'

const payer = payerId('mvno')
const radio = radioId('ap-1')
const alice = subscriberId('alice')
const at = millis(1)

onEachEngine('a transfer is posted once per cause, and the books balance', async (t, database) => {
  const store = await database.open()
  const deposit = {
    cause: 'deposit:1',
    debit: treasuryOf(payer),
    credit: depositsOf(payer),
    amount: microtokens(100n),
    at,
  }
  t.equal(await store.batch((sql) => postTransfers(sql, [deposit, deposit])), 1)
  t.equal(await store.batch((sql) => postTransfers(sql, [deposit])), 0)
  t.same(await store.batch(totals), { debits: 100n, credits: 100n })
})

onEachEngine('an account never falls below zero: the whole transaction is refused', async (t, database) => {
  const store = await database.open()
  const earn = { cause: 'earn', debit: rewardsOf(payer), credit: payableOf(radio), amount: microtokens(60n), at }
  const pay = { cause: 'pay', debit: payableOf(radio), credit: treasuryOf(payer), amount: microtokens(60n), at }
  await t.rejects(
    store.batch((sql) => postTransfers(sql, [earn, pay])),
    { code: 'LEDGER_BELOW_ZERO' },
  )
  t.same(await store.batch(totals), { debits: 0n, credits: 0n })
})

onEachEngine('property: whatever is posted, in whatever pieces, sums to zero', async (_t, database) => {
  const store = await database.open()
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
      await store.batch(async (sql) => {
        await sql.run('delete from ledger_transfer')
        await sql.run('delete from ledger_account')
      })
      for (const batch of batches) {
        const transfers = batch.map((row) => ({ ...row, amount: microtokens(row.amount), at }))
        await store.batch((sql) => postTransfers(sql, transfers)).catch(() => 0)
      }
      const { debits, credits } = await store.batch(totals)
      const rows = await store.db.selectFrom('ledger_transfer').select('amount').execute()
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

const EVENTS = {
  table: 'usage_event',
  columns: [
    ...['origin', 'session_id', 'sequence', 'subscriber_id', 'radio_id', 'access', 'start_at', 'end_at', 'uplink'],
    ...['downlink', 'cause', 'received_at', 'flags'],
  ],
}

function addEvents(
  sql: Sql,
  events: readonly (readonly [subscriber: string | null, octets: bigint, flags?: bigint])[],
) {
  return sql.insert(
    EVENTS,
    events.map(([subscriber, octets, flags = 0n], at) => [
      ...['radius:a:b', 's', BigInt(at), subscriber, 'ap-1', 'wifi', 1n, 2n, octets, 0n, 'interim', 3n, flags],
    ]),
  )
}

async function drain(store: Store, batch: number): Promise<void> {
  const stage = createRatingStage({ store, subscribers, radios, node: 'n1' }, microtokens(2000n))
  while ((await stage.step(batch)) > 0);
}

onEachEngine(
  'rating charges each event once, carries what rounding leaves, and charges nothing in doubt',
  async (t, database) => {
    const store = await database.open()
    await store.batch((sql) =>
      addEvents(sql, [
        ...Array.from({ length: 10 }, () => ['alice', 1_000_250n] as const),
        [null, 5_000_000n],
        ['nobody', 5_000_000n],
        ['alice', 5_000_000n, BigInt(USAGE_FLAG.counterFell)],
      ]),
    )
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
  },
)

onEachEngine(
  'a statement tells of usage that came without a reservation, of everybody who was part of it',
  async (t, database) => {
    const store = await database.open()
    const deposit = {
      cause: 'deposit:1',
      debit: treasuryOf(payer),
      credit: depositsOf(payer),
      amount: microtokens(1n),
      at,
    }
    await store.batch((sql) => postTransfers(sql, [deposit]))
    await store.batch((sql) =>
      addEvents(
        sql,
        [...Array(3).keys()].map(() => ['alice', 1_000_000n] as const),
      ),
    )
    await drain(store, 100)
    const page = { from: undefined, to: undefined, limit: 10 }
    const causes = async (of: string, limit = 10) =>
      (await store.read((sql) => readStatement(sql, { ...page, of, limit }))).map(({ cause }) => cause)
    t.same(await causes('subscriber:alice'), ['usage:1', 'usage:2', 'usage:3'])
    t.same(await causes('payer:mvno'), ['deposit:1', 'usage:1', 'usage:2', 'usage:3'])
    t.same(await causes('payer:mvno:revenue', 2), ['usage:2', 'usage:3'], 'the newest')
    t.same(await causes('subscriber:bob'), [])
    t.same(await store.read((sql) => readStatement(sql, { ...page, of: 'subscriber:alice', to: millis(2) })), [])
  },
)
