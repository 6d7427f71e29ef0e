// Closing epochs and checking them: every lie that a log or a chain can tell is named.
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import t from 'tap'
import { openLogSource } from '../../billing/epoch/log-source.ts'
import { payoutDigest } from '../../billing/epoch/payout-digest.ts'
import { type ClosedEpoch, closeEpoch, listEpochs, type Reward } from '../../billing/epoch/store.ts'
import { type ChainEvidence, type PayoutEvidence, verifyEpoch } from '../../billing/epoch/verify.ts'
import { encodeEntry } from '../../billing/log/entries/codec.ts'
import type { Entry } from '../../billing/log/entries/dictionary.ts'
import { ensurePolicy } from '../../billing/log/policy-entry.ts'
import { createReceiptsStage } from '../../billing/log/receipts.ts'
import { directoryTiles } from '../../billing/log/tiles/sources.ts'
import { appendLeaves, EMPTY_FRONTIER, frontierRoot } from '../../billing/log/tree/frontier.ts'
import { hashLeaf } from '../../billing/log/tree/hash.ts'
import { payerId } from '../../core/kernel/ids.ts'
import { microtokens } from '../../core/kernel/units.ts'
import {
  ORIGIN,
  openTestLog,
  SECRETS,
  SUBSCRIBERS,
  TERMS,
  type TestLog,
  WALLET,
  writeRadioEvents,
  writeUsage,
} from './log-fixture.ts'

interface Books extends TestLog {
  readonly rewards: Reward[]
  /** Judges all usage, closes, publishes. */
  close(): Promise<ClosedEpoch>
  reward(rate: bigint): Promise<void>
}

async function openBooks(folder: string): Promise<Books> {
  const test = await openTestLog(folder)
  const { store, log, clock } = test
  const rewards: Reward[] = []
  const reward = async (rate: bigint): Promise<void> => {
    const rates = [{ payer: payerId('partner'), access: 'wifi', rate: microtokens(rate) }] as const
    await ensurePolicy({ store, receiptLog: log, oracles: [] }, { ...TERMS, rates })
  }
  await reward(500n)
  await writeRadioEvents(store, [{ radio: 'cafe' }, { radio: 'kiosk' }])
  const stage = createReceiptsStage({
    store,
    receiptLog: log,
    subscribers: SUBSCRIBERS,
    secrets: SECRETS,
    clock: () => clock.now,
    metrics: new Registry(),
  })
  return {
    ...test,
    rewards,
    reward,
    async close() {
      while ((await stage.step()) > 0);
      const closed = await closeEpoch({
        store,
        clock: () => clock.now,
        origin: ORIGIN,
        postRewards: async (_sql, posted) => {
          rewards.push(...posted)
        },
      })
      await log.flush()
      return closed
    },
  }
}

const source = ({ directory }: Books) => openLogSource(directoryTiles(directory))

t.test('an epoch pays what was counted, carries the rest, and opens the next', async (t) => {
  const books = await openBooks(t.testdir())
  t.teardown(() => books.store.close())
  await writeUsage(books.store, [
    { session: 'a', uplink: 1000n, downlink: 2001n },
    { session: 'b', radio: 'kiosk', uplink: 0n, downlink: 1999n },
    { session: 'c', radio: 'nobody', downlink: 1_000_000n },
    { session: 'd', subscriber: 'guest', downlink: 1_000_000n },
  ])
  const first = await books.close()
  t.equal(first.unjudged, 0n)
  t.match(
    first.table.rows.map(({ radio, counted, amount, carryOut }) => [radio, counted, amount, carryOut]),
    [
      ['cafe', 3001n, 1n, 500_500n],
      ['kiosk', 1999n, 0n, 999_500n],
    ],
  )
  t.match(books.rewards, [{ radio: 'cafe', payer: 'partner', epoch: 1n, amount: 1n }])
  await writeUsage(books.store, [{ session: 'e', radio: 'kiosk', uplink: 0n, downlink: 1n }])
  const second = await books.close()
  t.match(
    second.table.rows.map(({ radio, carryIn, amount, carryOut }) => [radio, carryIn, amount, carryOut]),
    [['kiosk', 999_500n, 1n, 0n]],
  )
  const third = await books.close()
  t.same(third.table.rows, [], 'nothing to pay is closed too')
  t.equal(third.first, second.last + 1n)
  t.match(
    (await listEpochs(books.store, 9)).map(({ epoch, state, total }) => [epoch, state, total]),
    [
      [4n, 'open', 0n],
      [3n, 'closed', 0n],
      [2n, 'closed', 1n],
      [1n, 'closed', 1n],
    ],
  )
  await writeUsage(books.store, [{ session: 'f', radio: 'cafe', uplink: 0n, downlink: 1000n }])
  await books.close()
  const log = await source(books)
  for (const epoch of [1n, 2n, 3n, 4n])
    t.match(await verifyEpoch(epoch, { log, chain: undefined }), { difference: undefined, paid: undefined }, `${epoch}`)
  t.match(await verifyEpoch(5n, { log, chain: undefined }), { difference: 'the log holds no close entry of epoch 5' })
})

t.test('usage that nobody has judged yet falls into the next epoch', async (t) => {
  const books = await openBooks(t.testdir())
  t.teardown(() => books.store.close())
  await writeUsage(books.store, [{}])
  const { store, clock } = books
  const early = await closeEpoch({ store, clock: () => clock.now, origin: ORIGIN, postRewards: async () => undefined })
  t.equal(early.unjudged, 1n)
  t.same(early.table.rows, [])
  t.equal((await books.close()).table.total, 1n)
})

t.test('a rate holds from its policy entry on', async (t) => {
  const books = await openBooks(t.testdir())
  t.teardown(() => books.store.close())
  await writeUsage(books.store, [{ session: 'a', uplink: 0n, downlink: 1_000_000n }])
  const { store, log, clock } = books
  const metrics = new Registry()
  const stage = createReceiptsStage({
    store,
    receiptLog: log,
    subscribers: SUBSCRIBERS,
    secrets: SECRETS,
    clock: () => clock.now,
    metrics,
  })
  while ((await stage.step()) > 0);
  await books.reward(700n)
  await writeUsage(books.store, [{ session: 'b', uplink: 0n, downlink: 1_000_000n }])
  t.equal((await books.close()).table.total, 1200n)
  t.equal((await verifyEpoch(1n, { log: await source(books), chain: undefined })).difference, undefined)
})

t.test('a failing ledger closes nothing', async (t) => {
  const books = await openBooks(t.testdir())
  t.teardown(() => books.store.close())
  await writeUsage(books.store, [{}])
  const { store, clock } = books
  const failing = closeEpoch({
    store,
    clock: () => clock.now,
    origin: ORIGIN,
    postRewards: () => {
      throw new RangeError('no')
    },
  })
  await t.rejects(failing, { message: 'no' })
  t.match(await listEpochs(store, 9), [])
  t.equal((await books.close()).epoch, 1n)
})

/** A chain on which everything is as it must be, for an epoch with one owner. */
async function honest(books: Books, { epoch, table }: ClosedEpoch): Promise<Evidence> {
  const head = await books.log.checkpoint()
  if (!head) throw new RangeError('no checkpoint')
  const anchor = { signature: 'anchor', slot: 9n, ...head, tableHash: table.hash, total: table.total }
  const payout: PayoutEvidence = {
    signature: 'payout',
    slot: 10n,
    payer: 'partner',
    batch: 1n,
    digest: payoutDigest([{ wallet: WALLET, amount: table.total }]),
    fault: undefined,
    transfers: [{ tokenAccount: `account of ${WALLET}`, amount: table.total }],
  }
  return { epoch, anchors: [anchor], payouts: [payout] }
}

interface Evidence {
  readonly epoch: bigint
  readonly anchors: Awaited<ReturnType<ChainEvidence['anchors']>>
  readonly payouts: readonly PayoutEvidence[]
}

const chainOf = ({ anchors, payouts }: Evidence): ChainEvidence => ({
  anchors: async () => anchors,
  payouts: async () => payouts,
  tokenAccount: async (_payer, wallet) => `account of ${wallet}`,
})

t.test('what the chain says otherwise is named', async (t) => {
  const books = await openBooks(t.testdir())
  t.teardown(() => books.store.close())
  await writeUsage(books.store, [
    { session: 'a', uplink: 0n, downlink: 4000n },
    { session: 'b', radio: 'kiosk', uplink: 0n, downlink: 2000n },
  ])
  const closed = await books.close()
  const good = await honest(books, closed)
  await writeUsage(books.store, [{ session: 'c' }])
  await books.close()
  const log = await source(books)
  const [anchor] = good.anchors
  const [payout] = good.payouts
  if (!anchor || !payout) throw new RangeError('no evidence')
  const ask = async (change: Partial<Evidence>) => verifyEpoch(1n, { log, chain: chainOf({ ...good, ...change }) })
  const hash = createHash('sha256').update('another').digest()

  t.match(await ask({}), { difference: undefined, paid: 3n, total: 3n, transactions: ['payout'] })
  t.match(await ask({ payouts: [] }), { difference: undefined, paid: 0n }, 'not paid yet is no difference')
  const anchored = async (change: Partial<typeof anchor>) =>
    (await ask({ anchors: [{ ...anchor, ...change }] })).difference
  t.match((await ask({ anchors: [] })).difference, /not anchored/)
  t.match((await ask({ anchors: [anchor, anchor] })).difference, /anchored twice/)
  t.match(await anchored({ root: hash }), /another root/)
  t.match(await anchored({ tableHash: hash }), /another payout table/)
  t.match(await anchored({ total: 4n }), /names 4 microtokens, the log 3/)
  t.match(await anchored({ size: closed.last }), /not close entry/)
  t.match(await anchored({ size: log.size + 1n }), /more than the log's checkpoint/)
  const paid = async (change: Partial<PayoutEvidence>) =>
    (await ask({ payouts: [{ ...payout, ...change }] })).difference
  const tokenAccount = `account of ${WALLET}`
  t.match(await paid({ fault: 'it is strange' }), /transaction payout: it is strange/)
  t.match(await paid({ transfers: [{ tokenAccount, amount: 4n }] }), /pays .* 4 microtokens, but 3 were due/)
  t.match(
    await paid({ transfers: [{ tokenAccount: 'thief', amount: 1n }] }),
    /pays thief, which the payout table does not/,
  )
  t.match(await paid({ transfers: [{ tokenAccount, amount: 2n }] }), /another digest/)
  t.match(await paid({ payer: 'stranger' }), /does not name/)
  t.match((await ask({ payouts: [payout, { ...payout, signature: 'again' }] })).difference, /batch 1 .* paid twice/)
  t.match((await ask({ payouts: [payout, { ...payout, batch: 2n }] })).difference, /3 microtokens, but 0 were due/)
})

t.test('what the log says otherwise is named', async (t) => {
  const close = (closed: ClosedEpoch, change: Partial<Extract<Entry, { type: 'close' }>>): Entry => ({
    type: 'close',
    epoch: closed.epoch,
    first: closed.first,
    last: closed.last,
    tableHash: closed.table.hash,
    total: closed.table.total,
    at: closed.closedAt,
    ...change,
  })
  const lies: readonly [string, (closed: ClosedEpoch) => Entry, RegExp][] = [
    ['total', (closed) => close(closed, { total: microtokens(2n) }), /come to 1 microtokens, but close entry 4 says 2/],
    [
      'hash',
      (closed) => close(closed, { tableHash: new Uint8Array(32) }),
      /another than the one that close entry 4 names/,
    ],
    ['first', (closed) => close(closed, { first: 1n }), /says that it holds entries 1 to 4, but it holds 0 to 4/],
    ['type', () => ({ type: 'correction', entry: 0n, reason: 'x', octets: 1n }), /no close entry of epoch 1/],
  ]
  for (const [name, lie, difference] of lies) {
    const books = await openBooks(t.testdir({ [name]: {} }))
    await writeUsage(books.store, [{}])
    const closed = await books.close()
    const honestLog = await source(books)
    const log = {
      ...honestLog,
      entries: async (from: bigint) => {
        const entries = [...(await honestLog.entries(from))]
        entries[Number(closed.last - from)] = encodeEntry(lie(closed))
        return entries
      },
    }
    const { difference: found = 'none' } = await verifyEpoch(1n, { log, chain: undefined })
    t.match(
      found,
      name === 'octets' ? /root that the checkpoint signs/ : /root that the checkpoint signs/,
      `${name}: root`,
    )
    // Where the log's own signer lies, the root is that of the lie, and only the sums can tell.
    const root = frontierRoot(appendLeaves(EMPTY_FRONTIER, (await log.entries(0n)).map(hashLeaf)))
    const signed = await verifyEpoch(1n, { log: { ...log, root }, chain: undefined })
    t.match(signed.difference, difference, name)
    await books.store.close()
  }
})

t.test('an octet changed in the tiles is found', async (t) => {
  const books = await openBooks(t.testdir())
  t.teardown(() => books.store.close())
  await writeUsage(books.store, [{}])
  await books.close()
  const log = await source(books)
  const whole = Buffer.concat((await log.entries(0n)).map((entry) => Buffer.from(entry)))
  for (let place = 0; place < whole.length; place += 7) {
    const changed = {
      ...log,
      entries: async (from: bigint) => {
        let left = place
        return (await log.entries(from)).map((entry) => {
          const copy = Uint8Array.from(entry)
          if (left >= 0 && left < copy.length) copy[left] = (copy[left] ?? 0) ^ 1
          left -= copy.length
          return copy
        })
      },
    }
    t.type((await verifyEpoch(1n, { log: changed, chain: undefined })).difference, 'string', `octet ${place}`)
  }
  await writeFile(join(books.directory, 'checkpoint'), 'nonsense')
  await t.rejects(source(books), { code: 'LOG_TILE_UNREADABLE' })
})
