// Closing an epoch once, whoever asks and however often, and what a payer and radio carry from one epoch to the next.
import { join } from 'node:path'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import { postRewards } from '../../billing/books.ts'
import { type ClosedEpoch, closeEpoch, currentEpoch, listEpochs, listPayouts } from '../../billing/epoch/store.ts'
import { payableOf } from '../../billing/ledger/accounts.ts'
import { balance, totals } from '../../billing/ledger/store.ts'
import { ENTRY_TYPES } from '../../billing/log/entries/dictionary.ts'
import { createLog, type ReceiptLog } from '../../billing/log/log.ts'
import { ensurePolicy } from '../../billing/log/policy-entry.ts'
import { createReceiptsStage } from '../../billing/log/receipts.ts'
import { appendEntries } from '../../billing/log/store.ts'
import { payerId, radioId } from '../../core/kernel/ids.ts'
import { microtokens } from '../../core/kernel/units.ts'
import { createLogger } from '../../core/log/logger.ts'
import type { Store } from '../../core/store/store.ts'
import {
  createTestKey,
  ORIGIN,
  SECRETS,
  START,
  SUBSCRIBERS,
  TERMS,
  type TestUsage,
  writeRadioEvents,
  writeUsage,
} from '../unit/log-fixture.ts'
import { onEachEngine, type TestDatabase } from './engines.ts'

interface Node {
  readonly store: Store
  /** Usage with its receipts; 2,000 octets earn 1 microtoken from the partner, 1,000 from the stranger. */
  use(...usage: readonly TestUsage[]): Promise<void>
  /** Takes what is there, and answers how much. */
  judge(): Promise<number>
  close(epoch?: bigint): Promise<ClosedEpoch>
}

function nodeOn(t: Test, store: Store): Node {
  const now = () => START
  const log = createLog(
    {
      store,
      signer: createTestKey('log'),
      directory: join(t.testdirName, 'log'),
      clock: now,
      metrics: new Registry(),
      log: createLogger({ level: 'silent' }),
    },
    { origin: ORIGIN },
  )
  const deps = { store, receiptLog: log, subscribers: SUBSCRIBERS, secrets: SECRETS, clock: now }
  const stage = createReceiptsStage({ ...deps, metrics: new Registry() })
  let sessions = 0
  return {
    store,
    async use(...usage) {
      await writeUsage(
        store,
        usage.map((row) => ({ session: `s-${sessions++}`, uplink: 0n, ...row })),
      )
      while ((await stage.step()) > 0);
    },
    judge: () => stage.step(),
    close: (epoch) => closeEpoch({ store, clock: now, origin: ORIGIN, postRewards }, epoch),
  }
}

/** As many nodes as are asked for on one database; on SQLite, which one process opens, they share the connection. */
async function openNodes(t: Test, database: TestDatabase, count: number): Promise<Node[]> {
  const first = await database.open()
  const stores = [first]
  while (stores.length < count) stores.push(database.engine === 'sqlite' ? first : await database.open())
  const rates = [
    { payer: payerId('partner'), access: 'wifi', rate: microtokens(500n) },
    { payer: payerId('stranger'), access: 'wifi', rate: microtokens(1000n) },
  ] as const
  const append: ReceiptLog['append'] = (sql, entries) => appendEntries(sql, ORIGIN, entries)
  await ensurePolicy({ store: first, receiptLog: { origin: ORIGIN, append }, oracles: [] }, { ...TERMS, rates })
  await writeRadioEvents(first, [{ radio: 'cafe' }, { radio: 'kiosk' }])
  return stores.map((store) => nodeOn(t, store))
}

async function openNode(t: Test, database: TestDatabase): Promise<Node> {
  const [node] = await openNodes(t, database, 1)
  if (!node) throw new RangeError('no node')
  return node
}

/** Close entries of the log. */
const closes = async ({ store }: Node): Promise<bigint> => {
  const found = await store.batch((sql) =>
    sql.row<{ closes: bigint }>(
      'select count(*) as closes from log_entry where type = ?',
      BigInt(ENTRY_TYPES.close.type),
    ),
  )
  return found?.closes ?? 0n
}

const states = async ({ store }: Node) => (await listEpochs(store, 9)).map(({ epoch, state }) => [epoch, state])

onEachEngine('two nodes that close at once close one epoch, and are told the same', async (t, database) => {
  const [node, second] = await openNodes(t, database, 2)
  if (!node || !second) throw new RangeError('no nodes')
  await node.use({ downlink: 5000n }, { downlink: 2001n, radio: 'kiosk' })
  const [one, other] = await Promise.all([node.close(), second.close()])
  t.same(one, other)
  t.equal(one?.epoch, 1n)
  t.same(
    one?.table.rows.map(({ radio, amount, carryOut }) => [radio, amount, carryOut]),
    [
      ['cafe', 2n, 500_000n],
      ['kiosk', 1n, 500n],
    ],
  )
  t.same(await states(node), [
    [2n, 'open'],
    [1n, 'closed'],
  ])
  t.equal(await closes(node), 1n)
  await node.store.batch(async (sql) => {
    t.equal(await balance(sql, payableOf(radioId('cafe'))), 2n)
    t.same(await totals(sql), { debits: 3n, credits: 3n })
  })
})

onEachEngine('a closed epoch is told again as it was; one to come is unknown', async (t, database) => {
  const node = await openNode(t, database)
  t.equal(await currentEpoch(node.store), 1n, 'before the first receipt too')
  await node.use({ downlink: 2000n })
  const closed = await node.close(1n)
  t.equal(await currentEpoch(node.store), 2n)
  await node.use({ downlink: 8000n })
  t.same(await node.close(1n), closed)
  await t.rejects(node.close(3n), { code: 'EPOCH_UNKNOWN' })
  t.same(await states(node), [
    [2n, 'open'],
    [1n, 'closed'],
  ])
  t.equal((await node.close()).table.total, 4n)
  t.equal(await closes(node), 2n)
})

const CARRIES: readonly {
  readonly epoch: readonly TestUsage[]
  /** Payer, radio, carry in, amount, carry out. */
  readonly rows: readonly (readonly [string, string, bigint, bigint, bigint])[]
}[] = [
  {
    epoch: [{ downlink: 1999n }, { downlink: 1001n, subscriber: 'guest' }],
    rows: [
      ['partner', 'cafe', 0n, 0n, 999_500n],
      ['stranger', 'cafe', 0n, 1n, 1000n],
    ],
  },
  { epoch: [{ downlink: 1000n, radio: 'kiosk' }], rows: [['partner', 'kiosk', 0n, 0n, 500_000n]] },
  { epoch: [], rows: [] },
  {
    epoch: [{ downlink: 1n }, { downlink: 1000n, radio: 'kiosk' }, { downlink: 999n, subscriber: 'guest' }],
    rows: [
      ['partner', 'cafe', 999_500n, 1n, 0n],
      ['partner', 'kiosk', 500_000n, 1n, 0n],
      ['stranger', 'cafe', 1000n, 1n, 0n],
    ],
  },
]

onEachEngine('each payer and radio carries from its own last row, however long ago', async (t, database) => {
  const node = await openNode(t, database)
  for (const [at, { epoch, rows }] of CARRIES.entries()) {
    await node.use(...epoch)
    const closed = await node.close()
    t.same(
      closed.table.rows.map(({ payer, radio, carryIn, amount, carryOut }) => [payer, radio, carryIn, amount, carryOut]),
      rows,
      `epoch ${at + 1}`,
    )
    t.same(
      (await listPayouts(node.store, closed.epoch)).map(({ amount, state }) => [amount, state]),
      rows.map(([, , , amount]) => [amount, amount > 0n ? 'due' : 'paid']),
    )
  }
})

onEachEngine('nodes that meter, judge and close all at once count everything once', async (t, database) => {
  const nodes = await openNodes(t, database, 3)
  const told = new Map<bigint, unknown>()
  const work = nodes.map(async (node, at) => {
    for (let round = 0; round < 12; round++) {
      // One node meters: its journal is in order without a lock.
      if (at === 0)
        await writeUsage(node.store, [
          { session: `s-${round}`, uplink: 0n, downlink: 1500n, radio: round % 2 ? 'cafe' : 'kiosk' },
        ])
      await node.judge()
      if (round % 3 !== at) continue
      const { unjudged: _, ...closed } = await node.close()
      if (told.has(closed.epoch)) t.same(closed, told.get(closed.epoch), `epoch ${closed.epoch}`)
      told.set(closed.epoch, closed)
    }
  })
  await Promise.all(work)
  const [last] = nodes
  if (!last) throw new RangeError('no nodes')
  while ((await last.judge()) > 0);
  await last.close()

  const epochs = (await listEpochs(last.store, 99)).toReversed()
  t.equal(await closes(last), BigInt(epochs.length - 1))
  let next = 0n
  for (const { epoch, first, last: end } of epochs) {
    t.equal(first, next, `epoch ${epoch} begins where the one before ended`)
    next = (end ?? first) + 1n
  }
  await last.store.batch(async (sql) => {
    const paid = await sql.row(
      'select cast(sum(counted) as bigint) as counted, cast(sum(amount) as bigint) as amount from payout',
    )
    t.same(paid, { counted: 18_000n, amount: 8n }, '4.5 for each radio, of which a half is carried')
    const outside = await sql.row(
      `select count(*) as receipts from receipt r join epoch e on e.epoch = r.epoch
       where r.entry_index < e.first_index or r.entry_index >= e.last_index`,
    )
    t.same(outside, { receipts: 0n }, 'every receipt stands among the entries of its epoch')
    const { debits, credits } = await totals(sql)
    t.equal(debits, credits)
  })
})
