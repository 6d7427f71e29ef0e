import pino from 'pino'
import { Registry } from 'prom-client'
import t from 'tap'
import { releaseHeld } from '../../billing/held/release.ts'
import { listHeld } from '../../billing/held/store.ts'
import { decodeEntry } from '../../billing/log/entries/codec.ts'
import type { Entry, EntryOf } from '../../billing/log/entries/dictionary.ts'
import { ensurePolicy } from '../../billing/log/policy-entry.ts'
import { createReferenceSecrets, sessionReference, subscriberReference } from '../../billing/log/receipts/references.ts'
import { createReplay } from '../../billing/log/receipts/replay.ts'
import { createReceiptsStage } from '../../billing/log/receipts.ts'
import { createStageRunner, type Stage } from '../../core/events/journal.ts'
import { imsi, payerId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import {
  ORIGIN,
  openTestLog,
  SECRETS,
  START,
  SUBSCRIBERS,
  TERMS,
  type TestLog,
  WALLET,
  writeRadioEvents,
  writeUsage,
} from './log-fixture.ts'

interface Bench extends TestLog {
  readonly stage: Stage
  readonly metrics: Registry
}

async function open(folder: string, batch = 1000): Promise<Bench> {
  const made = await openTestLog(folder)
  await ensurePolicy({ store: made.store, receiptLog: made.log, oracles: [] }, TERMS)
  const metrics = new Registry()
  return { ...made, metrics, stage: stageOf(made, batch, metrics) }
}

const stageOf = ({ store, log, clock }: TestLog, batch: number, metrics = new Registry()): Stage =>
  createReceiptsStage(
    { store, receiptLog: log, subscribers: SUBSCRIBERS, secrets: SECRETS, clock: () => clock.now, metrics },
    { batch },
  )

async function entriesOf(store: Store): Promise<Entry[]> {
  const rows = await store.db.selectFrom('log_entry').select('entry').orderBy('entry_index').execute()
  return rows.map(({ entry }) => {
    const decoded = decodeEntry(entry)
    if (!decoded.ok) throw new Error(decoded.fault.code)
    return decoded.entry
  })
}

const usagesOf = async (store: Store): Promise<EntryOf<'usage'>[]> =>
  (await entriesOf(store)).filter((entry) => entry.type === 'usage')

async function drain(stage: Stage): Promise<number> {
  let taken = 0
  for (let rows = -1; rows !== 0; taken += rows) rows = await stage.step()
  return taken
}

/** Anybody's judgement of the log, from its entries alone. */
async function faults(store: Store): Promise<string[]> {
  const replay = createReplay(ORIGIN)
  return (await entriesOf(store)).flatMap((entry) => replay.take(entry) ?? [])
}

t.test('usage becomes receipts: entries, rows, sequence, epoch, cursor', async (t) => {
  const { store, log, stage, metrics } = await open(t.testdir())
  await writeRadioEvents(store, [{}])
  await writeUsage(store, [
    { sequence: 1n },
    { sequence: 2n, uplink: 5n, downlink: 7n },
    { session: 'other', radio: 'library' },
    { session: 'third', radio: null, subscriber: null },
    { session: 'fourth', subscriber: 'guest' },
  ])
  t.equal(await drain(stage), 6)
  const rows = await store.db.selectFrom('receipt').selectAll().orderBy('entry_index').execute()
  t.match(rows, [
    {
      entry_index: 2n,
      event_id: 1n,
      epoch: 1n,
      payer_id: 'partner',
      radio_id: 'cafe',
      radio_seq: 1n,
      counted: 3000n,
      verdict: 'VALID',
    },
    { entry_index: 3n, event_id: 2n, radio_id: 'cafe', radio_seq: 2n, counted: 12n, verdict: 'VALID' },
    { entry_index: 4n, radio_id: 'library', radio_seq: 1n, counted: 0n, verdict: 'HOLD(unknown-radio)' },
    { entry_index: 5n, radio_id: '', payer_id: '', radio_seq: 1n, counted: 0n, verdict: 'HOLD(unknown-radio)' },
    { entry_index: 6n, radio_id: 'cafe', payer_id: 'stranger', radio_seq: 3n, counted: 0n, verdict: 'HOLD(no-rate)' },
  ])
  t.match(await store.db.selectFrom('epoch').selectAll().execute(), [
    { epoch: 1n, state: 'open', opened_at: START, first_index: 0n, last_index: null },
  ])
  t.match(await store.db.selectFrom('policy_radio').selectAll().execute(), [
    {
      radio_id: 'cafe',
      owner_wallet: WALLET,
      payout_wallet: WALLET,
      next_seq: 4n,
      claim_seq: 0n,
      banned_from: null,
      banned_until: null,
    },
  ])
  const entries = await entriesOf(store)
  t.same(
    entries.map(({ type }) => type),
    ['policy', 'registry', 'usage', 'usage', 'usage', 'usage', 'usage'],
  )
  const [, second, , nobody] = await usagesOf(store)
  t.match(second, {
    radio: 'cafe',
    radioSeq: 2n,
    epoch: 1n,
    payer: 'partner',
    sequence: 2n,
    access: 'wifi',
    uplink: 5n,
    downlink: 7n,
    counted: 12n,
  })
  t.notOk(
    nobody && ('payer' in nobody || 'radio' in nobody || 'subscriberRef' in nobody),
    'nothing is invented for the unknown',
  )
  t.same(await faults(store), [])
  t.match(await metrics.metrics(), /tallycell_log_receipts_total{outcome="VALID"} 2\n/)
  t.equal(await log.flush(), 7n)
  await store.close()
})

t.test('no IMSI and no subscriber in the public log; one reference a month, another the next', async (t) => {
  const { store, stage } = await open(t.testdir())
  await writeRadioEvents(store, [{}])
  const november = BigInt(Date.UTC(2025, 10, 30, 23, 59, 59, 999))
  await writeUsage(store, [
    { sequence: 1n, start: november, end: november },
    { sequence: 2n, start: november, end: november + 1n },
    { session: 'more', start: november - 1000n, end: november - 1000n },
    { session: 'more', sequence: 2n, subscriber: 'sub-2', start: november, end: november },
  ])
  await drain(stage)
  const usages = await usagesOf(store)
  const subscriber = usages.map(({ subscriberRef }) => Buffer.from(subscriberRef ?? []).toString('hex'))
  t.equal(subscriber[0], subscriber[2])
  t.equal(new Set(subscriber).size, 3)
  t.equal(new Set(usages.map(({ sessionRef }) => Buffer.from(sessionRef).toString('hex'))).size, 2)
  const log = Buffer.concat(
    (await store.db.selectFrom('log_entry').select('entry').execute()).map(({ entry }) => entry),
  ).toString('latin1')
  for (const secret of ['001010000', 'sub-1', 'radius:ap', 'more']) t.notOk(log.includes(secret), secret)
  await store.close()
})

t.test('registry events come first, and standings follow them', async (t) => {
  const { store, stage } = await open(t.testdir())
  const minute = 60_000n
  const at = (n: bigint): bigint => START + n * minute
  await writeRadioEvents(store, [{ at: START }])
  await writeUsage(store, [{ session: 'a', start: START, end: at(1n) }])
  await drain(stage)
  await writeRadioEvents(store, [
    { kind: 'ban', at: at(5n), reason: 'moved\u0007 away\n'.repeat(40), expires: at(50n) },
  ])
  // Usage of before the ban arrives after it; usage of the ban; the ban is ended; usage of after it; late usage of within it.
  await writeUsage(store, [
    { session: 'b', start: at(4n), end: at(5n) },
    { session: 'c', start: at(5n), end: at(6n) },
  ])
  await drain(stage)
  await writeRadioEvents(store, [
    { kind: 'unban', at: at(20n) },
    { kind: 'payout', at: at(21n), payout: '11111111111111111111111111111111' },
  ])
  await writeUsage(store, [
    { session: 'd', start: at(20n), end: at(21n) },
    { session: 'e', start: at(18n), end: at(19n) },
  ])
  await drain(stage)
  t.same(
    (await usagesOf(store)).map(({ verdict, radioSeq }) => `${radioSeq} ${verdict}`),
    ['1 VALID', '2 VALID', '3 REJECT(banned)', '4 VALID', '5 REJECT(banned)'],
  )
  const ban = (await entriesOf(store)).find((entry) => entry.type === 'registry' && entry.kind === 'ban')
  if (ban?.type !== 'registry') return t.fail()
  t.match(ban, { at: at(5n), expires: at(50n) })
  t.match(ban.reason, /^moved {2}away moved/)
  t.ok(Buffer.byteLength(ban.reason ?? '') <= 256)
  t.match(await store.db.selectFrom('policy_radio').selectAll().execute(), [
    { payout_wallet: '11111111111111111111111111111111', banned_from: at(5n), banned_until: at(20n), next_seq: 6n },
  ])
  t.same(await faults(store), [])
  await store.close()
})

t.test('a radio that is claimed later goes on with its numbers', async (t) => {
  const { store, stage } = await open(t.testdir())
  await writeUsage(store, [{ session: 'a' }, { session: 'b' }])
  await drain(stage)
  await writeRadioEvents(store, [{}])
  await writeUsage(store, [{ session: 'c' }])
  await drain(stage)
  t.same(
    (await usagesOf(store)).map(({ radioSeq, verdict }) => [radioSeq, verdict]),
    [
      [1n, 'HOLD(unknown-radio)'],
      [2n, 'HOLD(unknown-radio)'],
      [3n, 'VALID'],
    ],
  )
  t.same(await faults(store), [])
  await store.close()
})

t.test('cursors set back: no event gets a second receipt', async (t) => {
  const { store, stage } = await open(t.testdir())
  await writeRadioEvents(store, [{}])
  await writeUsage(store, [{ session: 'a' }, { session: 'b' }])
  await drain(stage)
  await store.batch((sql) => sql.run(`update stage_cursor set position = 0 where stage = 'receipts'`))
  await writeUsage(store, [{ session: 'c' }])
  t.equal(await drain(stage), 3)
  t.same(
    (await usagesOf(store)).map(({ radioSeq }) => radioSeq),
    [1n, 2n, 3n],
  )
  await store.close()
})

t.test('a repeated piece is refused, in a later batch and in the same', async (t) => {
  const { store, stage } = await open(t.testdir())
  await writeRadioEvents(store, [{}])
  await writeUsage(store, [{ session: 'a' }])
  await drain(stage)
  await writeUsage(store, [{ session: 'a' }, { session: 'b' }, { session: 'b' }])
  await drain(stage)
  t.same(
    (await usagesOf(store)).map(({ verdict }) => verdict),
    ['VALID', 'REJECT(duplicate)', 'VALID', 'REJECT(duplicate)'],
  )
  t.same(await faults(store), [])
  await store.close()
})

t.test('batches, a crash in the middle of one, and another process that appends', async (t) => {
  const bench = await open(t.testdir(), 7)
  const { store, log, stage } = bench
  await writeRadioEvents(
    store,
    Array.from({ length: 10 }, (_, at) => ({ radio: `ap-${at}` })),
  )
  await writeUsage(
    store,
    Array.from({ length: 50 }, (_, at) => ({ session: `s-${at}`, radio: `ap-${at % 10}` })),
  )
  let crashes = 0
  const broken = createReceiptsStage(
    {
      ...bench,
      receiptLog: {
        origin: log.origin,
        async append(sql, entries) {
          const first = await log.append(sql, entries)
          if (crashes++ % 2 === 0) throw new Error('crash')
          return first
        },
      },
      subscribers: SUBSCRIBERS,
      secrets: SECRETS,
      clock: () => START,
      metrics: new Registry(),
    },
    { batch: 7 },
  )
  const sizes: number[] = []
  for (let taken = -1; taken !== 0; ) {
    try {
      taken = await broken.step()
      sizes.push(taken)
      await store.batch((sql) => log.append(sql, [{ type: 'correction', entry: 0n, reason: 'another', octets: 0n }]))
    } catch (error) {
      t.match(error, { message: 'crash' })
    }
  }
  t.same(sizes, [7, 7, 7, 7, 7, 7, 7, 7, 4, 0])
  const receipts = await store.db
    .selectFrom('receipt')
    .select(['event_id', 'radio_id', 'radio_seq'])
    .orderBy('event_id')
    .execute()
  t.same(
    receipts.map(({ event_id }) => event_id),
    Array.from({ length: 50 }, (_, at) => BigInt(at + 1)),
  )
  t.same(
    receipts.filter(({ radio_id }) => radio_id === 'ap-3').map(({ radio_seq }) => radio_seq),
    [1n, 2n, 3n, 4n, 5n],
  )
  t.same(await faults(store), [])
  t.equal(await stage.step(), 0)
  await store.close()
})

t.test('two nodes at once: one policy, one receipt for each event, numbers without gaps', async (t) => {
  const made = await openTestLog(t.testdir())
  const { store } = made
  const ensured = await Promise.all([1, 2].map(() => ensurePolicy({ store, receiptLog: made.log, oracles: [] }, TERMS)))
  t.same(ensured.toSorted(), [0n, undefined])
  // Every tenth piece is reported twice; of 45 radios nobody has claimed 40.
  await writeRadioEvents(
    store,
    Array.from({ length: 5 }, (_, at) => ({ radio: `ap-${at}` })),
  )
  await writeUsage(
    store,
    Array.from({ length: 330 }, (_, at) => ({ session: `s-${at % 300}`, radio: `ap-${at % 45}` })),
  )
  const taken = await Promise.all([41, 70].map((batch) => drain(stageOf(made, batch))))
  t.equal(taken[0] && taken[1] && taken[0] + taken[1], 335, 'each node has done a part')
  const receipts = await store.db.selectFrom('receipt').selectAll().orderBy('entry_index').execute()
  t.same(
    receipts.map(({ event_id }) => event_id),
    Array.from({ length: 330 }, (_, at) => BigInt(at + 1)),
  )
  t.equal(receipts.filter(({ verdict }) => verdict === 'REJECT(duplicate)').length, 30)
  for (let at = 0; at < 45; at++) {
    const numbers = receipts.flatMap(({ radio_id, radio_seq }) => (radio_id === `ap-${at}` ? [radio_seq] : []))
    t.same(
      numbers,
      numbers.map((_, place) => BigInt(place + 1)),
      `ap-${at}`,
    )
  }
  t.same(await faults(store), [])
  await store.close()
})

t.test('epochs: the open one, the one after the last, the first', async (t) => {
  const { store, stage, clock } = await open(t.testdir())
  await writeRadioEvents(store, [{}])
  await writeUsage(store, [{ session: 'a' }])
  await drain(stage)
  await store.batch((sql) => sql.run(`update epoch set state = 'closed', last_index = 41, closed_at = 1`))
  clock.now = millis(START + 1n)
  await writeUsage(store, [{ session: 'b' }])
  await drain(stage)
  t.match(await store.db.selectFrom('epoch').selectAll().orderBy('epoch').execute(), [
    { epoch: 1n, state: 'closed' },
    { epoch: 2n, state: 'open', opened_at: START + 1n, first_index: 42n },
  ])
  t.same(
    (await usagesOf(store)).map(({ epoch }) => epoch),
    [1n, 2n],
  )
  t.same(await faults(store), ['it names epoch 2 while 1 was open'], 'no close entry was written here')
  await store.close()
})

t.test('without a policy nothing is judged, and nothing is lost', async (t) => {
  const made = await openTestLog(t.testdir())
  const stage = stageOf(made, 10)
  t.equal(await stage.step(), 0)
  await writeUsage(made.store, [{}])
  await t.rejects(stage.step(), { code: 'LOG_NO_POLICY' })
  await ensurePolicy({ store: made.store, receiptLog: made.log, oracles: [] }, TERMS)
  t.equal(await stage.step(), 1)
  await made.store.close()
})

t.test('a log that was tampered with is found by replaying it', async (t) => {
  const { store, stage } = await open(t.testdir())
  await writeRadioEvents(store, [{}])
  await writeUsage(store, [{ session: 'a' }, { session: 'b', flags: 1n }])
  await drain(stage)
  const entries = await entriesOf(store)
  const replayed = (change: (entry: Entry, at: number) => Entry | undefined): string[] => {
    const replay = createReplay(ORIGIN)
    return entries.flatMap((entry, at) => {
      const changed = change(entry, at)
      return (changed && replay.take(changed)) ?? []
    })
  }
  t.same(
    replayed((entry) => entry),
    [],
  )
  const usage = (change: (entry: EntryOf<'usage'>) => Entry) => (entry: Entry, at: number) =>
    at === 3 && entry.type === 'usage' ? change(entry) : entry
  t.match(replayed(usage((entry) => ({ ...entry, verdict: 'VALID', counted: entry.uplink }))), [/verdict/])
  t.match(replayed(usage((entry) => ({ ...entry, flags: 0n, verdict: 'VALID', counted: entry.uplink }))), [/counts/])
  t.match(replayed(usage((entry) => ({ ...entry, radioSeq: 3n }))), [/receipt 3/])
  t.match(replayed(usage((entry) => ({ ...entry, epoch: 2n }))), [/epoch 2/])
  t.match(
    replayed((entry, at) => (at === 2 ? undefined : entry)),
    [/receipt 2/],
    'a receipt left out',
  )
  t.match(
    replayed((entry, at) => (at === 0 ? undefined : entry)),
    [/policy/, /policy/],
    'the policy left out',
  )
  t.match(
    replayed((entry, at) => (at === 1 ? undefined : entry)),
    [/verdict/, /verdict/],
    'the claim left out',
  )
  const replay = createReplay(ORIGIN)
  t.equal(
    replay.take({
      type: 'close',
      epoch: 1n,
      first: 0n,
      last: 0n,
      tableHash: new Uint8Array(32),
      total: TERMS.rates[0]?.rate ?? (0n as never),
      at: START,
    }),
    undefined,
  )
  t.equal(replay.epoch(), 2n)
  await store.close()
})

t.test('references', async (t) => {
  const secrets = createReferenceSecrets(new Uint8Array(32).fill(7))
  const partner = payerId('partner')
  const reference = (who: string, payer = partner, at = START): string =>
    Buffer.from(subscriberReference(secrets, payer, imsi(who), at)).toString('hex')
  t.match(reference('001010000000001'), /^[0-9a-f]{32}$/)
  t.equal(reference('001010000000001'), reference('001010000000001'))
  t.not(reference('001010000000001'), reference('001010000000002'))
  t.not(reference('001010000000001'), reference('001010000000001', payerId('other')), 'two payers cannot compare')
  t.notSame(sessionReference(secrets, 'ab', 'c'), sessionReference(secrets, 'a', 'bc'))
})

t.test('a registry row that the log cannot take is set aside, and written once it is mended', async (t) => {
  const { store, log, clock } = await open(t.testdir())
  const stage = createReceiptsStage({
    store,
    receiptLog: log,
    subscribers: SUBSCRIBERS,
    secrets: SECRETS,
    clock: () => clock.now,
    metrics: new Registry(),
  })
  await writeRadioEvents(store, [{ radio: 'broken', payout: 'no wallet' }, {}])
  await writeUsage(store, [{}, { radio: 'broken', session: 'b' }])
  const run = { batch: 10, crowdedBatch: 1, idle: 1, patience: 1 }
  await createStageRunner([stage], { log: pino({ level: 'silent' }), busy: () => false }, run).drain()
  const rows = () => store.read((sql) => listHeld(sql, { after: 0n, limit: 10, all: false }))
  const [row] = await rows()
  t.match(row, { source: 'registry:1', reason: /wallet 'no wallet' is not valid/ })
  t.same(
    (await usagesOf(store)).map(({ radio, verdict }) => `${radio} ${verdict}`),
    ['cafe VALID', 'broken HOLD(unknown-radio)'],
  )
  const rating = { release: () => Promise.reject(new Error('not asked')) }
  const release = () =>
    releaseHeld({ store, rating, receipts: stage, refresh: SUBSCRIBERS.refresh }, row?.held_id ?? 0n, clock.now)
  await t.rejects(release(), { code: 'ID_INVALID' })
  t.equal((await rows()).length, 1)
  await store.batch((sql) => sql.run('update radio_event set payout_wallet = ? where event_id = 1', WALLET))
  await release()
  await t.rejects(release(), { code: 'HELD_DECIDED' })
  t.equal((await entriesOf(store)).filter((entry) => entry.type === 'registry').length, 2)
  t.same(await faults(store), [])
  await store.close()
})
