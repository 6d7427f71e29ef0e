// Rows that a stage cannot take, or does not believe: set aside, passed, and taken once when somebody says so.

import { releaseHeld } from '../../billing/held/release.ts'
import { decideHeld, listHeld, lockHeld } from '../../billing/held/store.ts'
import { earnedOf, payerAccount } from '../../billing/ledger/accounts.ts'
import { MOST_TOTAL, postTransfers } from '../../billing/ledger/store.ts'
import { createRatingStage, type RatingStage } from '../../billing/rating/store.ts'
import { createStageRunner } from '../../core/events/journal.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { createLogger } from '../../core/log/logger.ts'
import { lastSpareEvent } from '../../core/store/prune.ts'
import type { Store } from '../../core/store/store.ts'
import { accounts, faults, giveMoney, meter, NOON, openWorld, radios, subscribers, tenant } from './charging-world.ts'
import { onEachEngine } from './engines.ts'

const stageOf = (store: Store): RatingStage =>
  createRatingStage({ store, subscribers, radios, node: 'n1' }, microtokens(2000n))

const drain = (stage: RatingStage): Promise<void> =>
  createStageRunner([stage], { log: createLogger({ level: 'silent' }), busy: () => false }, RUN).drain()
const RUN = { batch: 250, crowdedBatch: 50, idle: 1, patience: 1 }

const held = (store: Store, all = false) => store.read((sql) => listHeld(sql, { after: 0n, limit: 10, all }))
const receipts = { release: () => Promise.reject(new Error('not asked')) }
const refresh = async () => undefined

onEachEngine('a row that rating cannot take is set aside, and the rows behind it are charged', async (t, database) => {
  const { store } = await openWorld(database)
  await giveMoney(store, 'alice-data', 9_000_000n)
  const plan = await store.read((sql) => sql.row<{ document: string }>('select document from plan'))
  await store.batch((sql) => sql.run(`update plan set document = '{'`))
  await meter(store, [
    { subscriber: 'bob-flat', octets: 1_000_000n },
    { subscriber: 'alice-data', octets: 1_000_000n },
    { subscriber: 'bob-flat', octets: 1_000_000n },
    { subscriber: 'alice-data', octets: 2_000_000n },
  ])
  await drain(stageOf(store))
  t.equal((await accounts(store))['subscriber:bob-flat:usage'], 4000n, 'charged as ever')
  const rows = await held(store)
  t.match(rows, [
    { source: 'usage:2', subscriber_id: 'alice-data', state: 'held', reason: /JSON/ },
    { source: 'usage:4', subscriber_id: 'alice-data', state: 'held' },
  ])
  t.match(JSON.parse(rows[0]?.usage ?? ''), { uplink: '1000000', radio_id: 'ap-1' }, 'whole')
  t.ok((await store.batch(lastSpareEvent)) < 2n, 'retention leaves it')

  const [first, second] = rows.map(({ held_id }) => held_id)
  if (first === undefined || second === undefined) throw new Error('nothing is held')
  const release = (id: bigint) => releaseHeld({ store, rating: stageOf(store), receipts, refresh }, id, millis(NOON))
  await t.rejects(release(first), /JSON/, 'still broken')
  t.equal((await held(store)).length, 2)
  await store.batch((sql) => sql.run('update plan set document = ?', plan?.document ?? ''))
  const results = await Promise.allSettled([release(first), release(first)])
  t.same(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'], 'once')
  t.equal((await accounts(store))['subscriber:alice-data:money:EUR'], 7_000_000n)
  await store.batch(async (sql) => {
    await lockHeld(sql, second)
    await decideHeld(sql, second, 'dropped', millis(NOON))
  })
  await t.rejects(release(second), { code: 'HELD_DECIDED' })
  await t.rejects(release(99n), { code: 'HELD_UNKNOWN' })
  t.same(await held(store), [])
  t.same(
    (await held(store, true)).map(({ state }) => state),
    ['released', 'dropped'],
  )
  t.equal((await accounts(store))['subscriber:alice-data:money:EUR'], 7_000_000n)
  t.same(await faults(store), [])
})

onEachEngine('what cannot be true is charged when somebody believes it, if it fits', async (t, database) => {
  const { store } = await openWorld(database)
  await meter(store, [
    { subscriber: 'alice-data', octets: 1n << 60n },
    { subscriber: 'bob-flat', octets: 1n << 60n },
  ])
  const stage = stageOf(store)
  await drain(stage)
  const [alice, bob] = await held(store)
  if (!alice || !bob) throw new Error('nothing is held')
  const release = (id: bigint) => releaseHeld({ store, rating: stage, receipts, refresh }, id, millis(NOON))
  const income = earnedOf(tenant, 'income', 'n1', 'EUR')
  const fill = { debit: payerAccount(tenant, 'refunds', 'EUR'), credit: income, amount: MOST_TOTAL - 1n }
  await store.batch((sql) => postTransfers(sql, [{ ...fill, cause: 'fill', at: millis(NOON) }]))
  await t.rejects(release(alice.held_id), { code: 'HELD_UNFIT', message: /would not fit the books/ })
  t.equal((await held(store)).length, 2, 'it stays, once')
  await release(bob.held_id)
  t.equal((await accounts(store))['subscriber:bob-flat:usage'], ((1n << 60n) * 2000n) / 1_000_000n)
  t.same(await faults(store), [])
})

onEachEngine('what a charging session could not post is decided by people', async (t, database) => {
  const { store } = await openWorld(database)
  const row = ['gy:smf s 3', NOON, 'alice-data', 'implausible', '{}']
  const columns = ['source', 'at', 'subscriber_id', 'reason', 'usage']
  await store.batch((sql) => sql.insert({ table: 'rating_held', columns }, [row, ['usage:77', ...row.slice(1)]]))
  const [session, gone] = await held(store)
  const release = (id = 0n) => releaseHeld({ store, rating: stageOf(store), receipts, refresh }, id, millis(NOON))
  await t.rejects(release(session?.held_id), { code: 'HELD_OF_SESSION' })
  await t.rejects(release(gone?.held_id), { code: 'HELD_GONE' })
  t.equal((await held(store)).length, 2)
})
