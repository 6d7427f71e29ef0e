// The rows that settlement moves: a payout is in one batch at most, and whoever comes second changes nothing.
import type { DueRow } from '../../billing/settlement/batches.ts'
import {
  beginAttempt,
  insertBatch,
  insertPlanned,
  keepMessage,
  keepSignatures,
  listPayable,
  listUnfinished,
  markAnchored,
  markPaid,
  markWaiting,
  moveTransaction,
  type PlannedTransaction,
  readBatch,
  readEpochState,
  releaseRows,
  settleEpoch,
  sumBatched,
} from '../../billing/settlement/store.ts'
import { type PayerId, payerId, radioId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { onEachEngine, type TestDatabase } from './engines.ts'

const PARTNER = payerId('partner')
const OTHER = payerId('other')
const NOW = millis(1_763_640_000_000n)

const dueRow = (number: number, epoch = 1n, payer: PayerId = PARTNER): DueRow => ({
  epoch,
  payer,
  radio: radioId(`r-${number}`),
  wallet: `w-${number % 7}`,
  amount: BigInt(number + 1),
})

const some = (count: number, epoch?: bigint, payer?: PayerId): DueRow[] =>
  Array.from({ length: count }, (_, number) => dueRow(number, epoch, payer))

const planned = (batch: string, epoch = 1n): PlannedTransaction => ({
  batch_id: batch,
  epoch,
  kind: 'payout',
  payer_id: PARTNER,
  chain: 'chain',
  since_slot: 9n,
  memo: `memo ${batch}`,
  digest: Buffer.from(batch),
})

/** A store in which `rows` are due in anchored epochs. */
async function openDue(database: TestDatabase, rows: readonly DueRow[]): Promise<Store> {
  const store = await database.open()
  await store.batch(async (sql) => {
    const epochs = [...new Set(rows.map(({ epoch }) => epoch))]
    await sql.insert(
      { table: 'epoch', columns: ['epoch', 'state', 'opened_at', 'closed_at', 'first_index', 'last_index', 'total'] },
      epochs.map((epoch) => [epoch, 'anchored', NOW, NOW, 0n, 1n, 0n]),
    )
    await sql.insert(
      {
        table: 'payout',
        columns: [
          'epoch',
          'payer_id',
          'radio_id',
          'payout_wallet',
          'counted',
          'carry_in',
          'amount',
          'carry_out',
          'state',
        ],
      },
      rows.map(({ epoch, payer, radio, wallet, amount }) => [epoch, payer, radio, wallet, 1n, 0n, amount, 0n, 'due']),
    )
  })
  return store
}

/** How many rows stand in each state, by epoch and payer. */
async function tally({ db }: Store): Promise<Record<string, number>> {
  const rows = await db.selectFrom('payout').select(['epoch', 'payer_id', 'state', 'batch_id']).execute()
  const counts: Record<string, number> = {}
  for (const { epoch, payer_id, state, batch_id } of rows) {
    const key = [epoch, payer_id, state, ...(batch_id === null ? [] : [batch_id])].join(' ')
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

const insert = (store: Store, batch: string, rows: readonly DueRow[]): Promise<boolean> =>
  store.batch((sql) => insertBatch(sql, planned(batch, rows[0]?.epoch), rows, NOW))

for (const count of [1, 99, 100, 101, 250])
  onEachEngine(`a batch of ${count} rows takes those and no others`, async (t, database) => {
    const rows = some(count)
    const store = await openDue(database, [...some(count + 1), ...some(count, 1n, OTHER), ...some(count, 2n)])
    t.equal(await insert(store, 'p:1', rows), true)
    t.same(await tally(store), {
      '1 partner batched p:1': count,
      '1 partner due': 1,
      '1 other due': count,
      '2 partner due': count,
    })
    t.equal((await readBatch(store, 'p:1')).length, count)
    t.equal(
      await sumBatched(store, PARTNER),
      rows.reduce((sum, { amount }) => sum + amount, 0n),
    )
  })

onEachEngine('a batch whose rows are not all free is not made, and changes nothing', async (t, database) => {
  const store = await openDue(database, some(300))
  t.equal(await insert(store, 'p:1', some(300).slice(299)), true)
  const before = await tally(store)
  t.equal(await insert(store, 'p:2', some(300)), false, 'one row is taken')
  t.equal(await insert(store, 'p:2', [...some(3), dueRow(999)]), false, 'one row does not exist')
  t.equal(await insert(store, 'p:1', some(3)), false, 'the batch exists')
  t.same(await tally(store), before)
  t.match(await listUnfinished(store), [{ batch_id: 'p:1', state: 'planned', attempt: 1n, wire: null }])
})

onEachEngine('of two batches made at once for the same rows one is made', async (t, database) => {
  const store = await openDue(database, some(120))
  const made = await Promise.all(['p:1', 'p:2', 'p:3'].map((batch) => insert(store, batch, some(120))))
  t.equal(made.filter(Boolean).length, 1)
  t.equal((await listUnfinished(store)).length, 1)
  t.equal(Object.keys(await tally(store)).length, 1)
})

onEachEngine('what waits may be batched; what is batched or paid does not wait', async (t, database) => {
  const store = await openDue(database, [...some(150), ...some(150, 2n)])
  t.equal(await insert(store, 'p:1', some(50)), true)
  await store.batch((sql) => markWaiting(sql, [...some(150), ...some(120, 2n)]))
  t.same(await tally(store), {
    '1 partner batched p:1': 50,
    '1 partner waiting': 100,
    '2 partner waiting': 120,
    '2 partner due': 30,
  })
  t.equal((await listPayable(store, NOW)).length, 250)
  t.equal(await insert(store, 'p:2', some(150, 2n)), true)
  await store.batch((sql) => releaseRows(sql, { batch_id: 'p:2', epoch: 2n }))
  t.match(await tally(store), { '2 partner due': 150 })
})

onEachEngine('a transaction moves from the state and attempt that were read, once', async (t, database) => {
  const store = await openDue(database, some(1))
  await insert(store, 'p:1', some(1))
  const [row] = await listUnfinished(store)
  if (!row) throw new RangeError('nothing is planned')
  const move = (): Promise<boolean> =>
    store.batch(async (sql) => {
      if (!(await moveTransaction(sql, row, 'built', NOW))) return false
      await keepMessage(sql, 'p:1', {
        wire: Uint8Array.of(0, 255),
        lastValidBlockHeight: 5n,
        chain: 'b',
        sinceSlot: 7n,
      })
      return true
    })
  t.same(await Promise.all([move(), move()]), [true, false])
  const [built] = await listUnfinished(store)
  if (!built) throw new RangeError('it is gone')
  t.match(built, { state: 'built', chain: 'b', since_slot: 7n, last_valid_block_height: 5n, signature: null })
  t.same([...(built.wire ?? [])], [0, 255])
  await store.batch(async (sql) => {
    await moveTransaction(sql, built, 'signed', NOW)
    await keepSignatures(sql, 'p:1', Uint8Array.of(1), 'signature')
    await beginAttempt(sql, 'p:1')
  })
  const [again] = await listUnfinished(store)
  t.match(again, { attempt: 2n, wire: null, signature: null, last_valid_block_height: null })
  t.equal(await store.batch((sql) => moveTransaction(sql, { ...built, state: 'signed' }, 'sent', NOW)), false)
})

onEachEngine('an epoch is settled with its last payout, even where the last ones come at once', async (t, database) => {
  const epochs = Array.from({ length: 8 }, (_, at) => BigInt(at + 1))
  const batches = epochs.flatMap((epoch) => [0, 1, 2].map((at) => ({ batch_id: `p:${epoch}:${at}`, epoch, at })))
  const store = await openDue(
    database,
    epochs.flatMap((epoch) => some(3, epoch)),
  )
  for (const { batch_id, epoch, at } of batches) await insert(store, batch_id, [dueRow(at, epoch)])
  const paid = await Promise.all(
    batches.map((batch) =>
      store.batch(async (sql) => {
        const rows = await markPaid(sql, batch)
        await settleEpoch(sql, batch.epoch)
        return rows
      }),
    ),
  )
  t.same(
    paid,
    batches.map(({ epoch, at }) => [dueRow(at, epoch)]),
  )
  t.same(
    await Promise.all(epochs.map((epoch) => readEpochState(store, epoch))),
    epochs.map(() => 'settled'),
  )
})

onEachEngine('an epoch that pays nothing is settled by its anchor, and not before', async (t, database) => {
  const store = await openDue(database, some(1))
  await store.batch(async (sql) => {
    await sql.run("update epoch set state = 'closed'")
    await sql.run("update payout set state = 'paid'")
    await settleEpoch(sql, 1n)
  })
  t.equal(await readEpochState(store, 1n), 'closed')
  const anchor: PlannedTransaction = { ...planned('a:1'), kind: 'anchor', payer_id: null }
  t.equal(await store.batch((sql) => insertPlanned(sql, anchor, NOW)), true)
  t.equal(await store.batch((sql) => insertPlanned(sql, anchor, NOW)), false)
  await store.batch(async (sql) => {
    await markAnchored(sql, 1n)
    await settleEpoch(sql, 1n)
  })
  t.equal(await readEpochState(store, 1n), 'settled')
})
