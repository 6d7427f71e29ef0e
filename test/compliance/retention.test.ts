// What is deleted after store.keepDays, and what must not be.
import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from 'prom-client'
import t from 'tap'
import { radioId, subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { createLogger } from '../../core/log/logger.ts'
import { metricProblems } from '../../core/metrics/metrics.ts'
import { lastSpareEvent } from '../../core/store/prune.ts'
import { atOnce, createPace, createRetention, prune, type Removed } from '../../core/store/retention.ts'
import type { Store } from '../../core/store/store.ts'
import { createAccountingStore, type SessionRecord } from '../../offload/accounting/store.ts'
import { engine, faults, giveOctets, grantOf, NOON, prepare, request } from './charging-world.ts'
import { onEachEngine } from './engines.ts'

const DAY = 86_400_000n
const NOW = 1_795_000_000_000n
const BEFORE = NOW - 400n * DAY
const ago = (days: bigint): bigint => NOW - days * DAY
const ALL = { before: BEFORE, newestSession: 1n << 62n }
const never = new AbortController().signal

const report = (session: string, at: bigint, octets: bigint, status: 'interim' | 'stop' = 'stop'): SessionRecord => ({
  kind: 'session',
  report: {
    status,
    at,
    timestamped: false,
    seconds: -1n,
    uplink: { total: 0n, gigawords: false },
    downlink: { total: octets, gigawords: false },
    identity: '',
  },
  origin: 'radius:ap',
  sessionId: session,
  radio: radioId('ap-1'),
  subscriber: subscriberId('alice'),
  access: 'wifi',
  received: at,
})

/** The stages have passed events up to these. */
const passed = (store: Store, rating: bigint, receipts: bigint): Promise<number> =>
  store.batch((sql) =>
    sql.insert(
      {
        table: 'stage_cursor',
        columns: ['stage', 'position'],
        conflict: '(stage) do update set position = excluded.position',
      },
      [
        ['rating', rating],
        ['receipts', receipts],
      ],
    ),
  )

const keys = async (store: Store, table: string, key: string): Promise<unknown[]> => {
  const rows = await store.batch((sql) =>
    sql.rows<{ key: unknown }>(`select ${key} as key from ${table} order by ${key}`),
  )
  return rows.map((row) => row.key)
}
const events = (store: Store): Promise<unknown[]> => keys(store, 'usage_event', 'event_id')
const sessions = async (store: Store): Promise<string[]> =>
  (await keys(store, 'usage_session', 'session_key')).map((key) => String(key).split('\u001f')[1] ?? '')

onEachEngine('usage goes when it is old, passed by every stage and of a closed epoch', async (t, database) => {
  const store = await database.open()
  const account = createAccountingStore(store)
  for (let n = 1n; n <= 6n; n++) await account([report(`s${n}`, n <= 4n ? ago(500n - n) : ago(n), 1000n)])
  const epoch = (number: bigint, state: string, first: bigint) => [number, state, 0n, first, 0n]
  const receipt = (event: bigint, epoch: bigint) => [
    event + 9n,
    event,
    epoch,
    'p',
    'ap-1',
    event,
    1n,
    'ok',
    Buffer.of(),
    event,
  ]
  await store.batch(async (sql) => {
    await sql.insert({ table: 'epoch', columns: ['epoch', 'state', 'opened_at', 'first_index', 'total'] }, [
      epoch(1n, 'closed', 0n),
      epoch(2n, 'open', 13n),
    ])
    const columns = ['entry_index', 'event_id', 'epoch', 'payer_id', 'radio_id', 'radio_seq', 'counted', 'verdict']
    await sql.insert({ table: 'receipt', columns: [...columns, 'session_ref', 'sequence'] }, [
      ...[1n, 2n, 3n].map((event) => receipt(event, 1n)),
      ...[4n, 5n].map((event) => receipt(event, 2n)),
    ])
  })
  const spare = (): Promise<bigint> => store.batch(lastSpareEvent)
  t.equal(await spare(), 0n, 'no stage has run')
  for (const [rating, receipts, last] of [
    [0n, 6n, 0n],
    [6n, 0n, 0n],
    [2n, 6n, 2n],
    [6n, 1n, 1n],
    [6n, 6n, 3n],
  ] as const) {
    await passed(store, rating, receipts)
    t.equal(await spare(), last, `rating at ${rating}, receipts at ${receipts}`)
  }
  const dry = await prune(store, atOnce(never), { ...ALL, dryRun: true })
  t.match(dry, { usage_event: 3, usage_session: 4, cdr: 0, charging_session: 0, charging_event: 0 })
  t.equal((await events(store)).length, 6, 'a dry run deletes nothing')
  t.same(await prune(store, atOnce(never), ALL), dry)
  t.same(await events(store), [4n, 5n, 6n])
  t.same(await sessions(store), ['s5', 's6'])
  t.same(await keys(store, 'usage_counter', 'session_no'), [5n, 6n])
  await store.batch((sql) => sql.run("update epoch set state = 'closed'"))
  await store.batch((sql) =>
    sql.run("insert into epoch (epoch, state, opened_at, first_index, total) values (3, 'open', 0, 20, 0)"),
  )
  await prune(store, atOnce(never), { ...ALL, before: NOW })
  t.same(await events(store), [6n], 'the newest stays, however old: its number must not be given again')
  t.same(await sessions(store), ['s6'])
  t.equal((await keys(store, 'receipt', 'event_id')).length, 5, 'receipts stay')
  const anew = createAccountingStore(store)
  await anew([report('s7', NOW, 5n)])
  t.same(await events(store), [6n, 7n])
})

onEachEngine('sessions that go on keep their usage, and those that are new by our clock stay', async (t, database) => {
  const store = await database.open()
  const account = createAccountingStore(store)
  await account([report('old', ago(600n), 1n), report('dead', ago(590n), 1n, 'interim')])
  await account([report('live', ago(500n), 1n, 'interim'), report('after', ago(450n), 1n)])
  await account([
    report('live', ago(1n), 2n, 'interim'),
    report('clock is wrong', ago(9000n), 1n),
    report('x', NOW, 1n),
  ])
  await passed(store, 100n, 100n)
  await prune(store, atOnce(never), { ...ALL, newestSession: 4n })
  t.same(await sessions(store), ['clock is wrong', 'dead', 'live', 'x'])
  const kept = await store.db.selectFrom('usage_event').select('session_id').orderBy('event_id').execute()
  t.same(
    kept.map(({ session_id }) => session_id),
    ['live#1', 'after#1', 'live#1', 'clock is wrong#1', 'x#1'],
    'from the start of the oldest session that goes on',
  )
  await prune(store, atOnce(never), { ...ALL, newestSession: undefined })
  t.same(await sessions(store), ['clock is wrong', 'dead', 'live', 'x'])
})

onEachEngine('a session that comes back after it was deleted is a new one, counted once', async (t, database) => {
  const store = await database.open()
  await createAccountingStore(store)([report('again', ago(500n), 1000n), report('last', ago(1n), 1n)])
  await passed(store, 100n, 100n)
  await prune(store, atOnce(never), ALL)
  const account = createAccountingStore(store)
  t.same(await account([report('again', NOW, 300n, 'interim')]), ['counted'])
  t.same(await account([report('again', NOW, 300n, 'interim')]), ['repeated'])
  t.same(await createAccountingStore(store)([report('again', NOW + 1n, 400n)]), ['counted'])
  const rows = await store.db.selectFrom('usage_event').select(['downlink', 'sequence']).orderBy('event_id').execute()
  t.same(
    rows.map(({ downlink, sequence }) => [downlink, sequence]),
    [
      [1n, 1n],
      [300n, 1n],
      [100n, 2n],
    ],
  )
})

onEachEngine('charging: exported records, then their sessions; books and open sessions stay', async (t, database) => {
  const store = await database.open()
  await prepare(store)
  await giveOctets(store, 'subscriber:alice-data', 100_000_000n)
  const charging = engine(store)
  const day = (n: bigint): bigint => NOON + n * DAY
  for (const [n, name] of ['a', 'b', 'c', 'd'].entries()) {
    const at = day(BigInt(n))
    await charging.open(request({ session: name, number: 0n, at }))
    if (name !== 'c')
      await charging.close(request({ session: name, number: 1n, octets: 1000n, wanted: false, at: at + 1n }))
  }
  await store.batch((sql) =>
    sql.insert({ table: 'charging_event', columns: ['at', 'subscriber_id', 'kind'] }, [
      [day(0n), 'alice-data', 'threshold'],
      [day(9n), 'alice-data', 'threshold'],
    ]),
  )
  const charged = (): Promise<Removed> => prune(store, atOnce(never), { ...ALL, before: day(500n) })
  const named = async (): Promise<string[]> =>
    (await keys(store, 'charging_session', 'session_key')).map((key) => String(key).split('\n')[1] ?? '')
  const transfers = (await keys(store, 'ledger_transfer', 'transfer_id')).length
  t.match(await charged(), { cdr: 0, charging_session: 0, charging_event: 1 }, 'nothing has been exported')
  const exported = (target: string, last: bigint): Promise<number> =>
    store.batch((sql) =>
      sql.insert({ table: 'cdr_counter', columns: ['name', 'last'] }, [[`export position ${target}`, last]]),
    )
  await exported('one', 3n)
  await exported('two', 1n)
  t.match(await charged(), { cdr: 1, charging_session: 1 }, 'every export has it')
  t.same(await named(), ['b', 'c', 'd'])
  t.same(await keys(store, 'cdr', 'record_no'), [2n, 3n])
  await store.batch((sql) => sql.run("update cdr_counter set last = 3 where name = 'export position two'"))
  t.match(await charged(), { cdr: 2, charging_session: 1 })
  t.same(await named(), ['c', 'd'], 'the open one, and the newest')
  t.same(await keys(store, 'charging_counter', 'session_no'), await keys(store, 'charging_session', 'session_no'))
  t.equal((await keys(store, 'ledger_transfer', 'transfer_id')).length, transfers)
  t.same(await faults(store), [])
  const after = engine(store)
  t.ok(grantOf(await after.update(request({ session: 'c', number: 1n, octets: 1000n, at: day(501n) }))) > 0n)
  await after.close(request({ session: 'c', number: 2n, octets: 1000n, wanted: false, at: day(502n) }))
  t.same(await faults(store), [])
  t.equal((await keys(store, 'cdr', 'record_no'))[0], 4n, 'numbers go on')
})

onEachEngine('checkpoints go when newer ones stand and their epochs are anchored', async (t, database) => {
  const store = await database.open()
  const checkpoint = (size: bigint, days: bigint) => [size, Buffer.alloc(32), `note ${size}`, ago(days)]
  await store.batch((sql) =>
    sql.insert({ table: 'log_checkpoint', columns: ['size', 'root', 'note', 'signed_at'] }, [
      checkpoint(5n, 900n),
      checkpoint(10n, 800n),
      checkpoint(20n, 700n),
      checkpoint(25n, 600n),
      checkpoint(30n, 500n),
      checkpoint(40n, 1n),
    ]),
  )
  const epochs = (rows: readonly (readonly [number: bigint, state: string, first: bigint])[]) =>
    store.batch((sql) =>
      sql.insert(
        {
          table: 'epoch',
          columns: ['epoch', 'state', 'opened_at', 'first_index', 'total'],
          conflict: '(epoch) do update set state = excluded.state',
        },
        rows.map(([number, state, first]) => [number, state, 0n, first, 0n]),
      ),
    )
  await epochs([
    [1n, 'settled', 0n],
    [2n, 'closed', 12n],
    [3n, 'open', 27n],
  ])
  const left = () => keys(store, 'log_checkpoint', 'size')
  t.match(await prune(store, atOnce(never), { ...ALL, dryRun: true }), { log_checkpoint: 2 })
  t.match(await prune(store, atOnce(never), ALL), { log_checkpoint: 2 })
  t.same(await left(), [20n, 25n, 30n, 40n], '20 is the smallest that may cover the closed epoch')
  await epochs([
    [2n, 'anchored', 12n],
    [3n, 'anchored', 27n],
    [4n, 'open', 40n],
  ])
  t.match(await prune(store, atOnce(never), ALL), { log_checkpoint: 3 })
  t.same(await left(), [40n])
  t.match(await prune(store, atOnce(never), { ...ALL, before: NOW }), { log_checkpoint: 0 }, 'the newest stays')
})

onEachEngine('the chore works beside accounting: nothing is lost, nothing is counted twice', async (t, database) => {
  const store = await database.open()
  const account = createAccountingStore(store)
  const old = Array.from({ length: 600 }, (_, n) => report(`old ${n}`, ago(500n) + BigInt(n), 10n))
  await account(old)
  await account([report('new', ago(1n), 10n)])
  await passed(store, 1n << 40n, 1n << 40n)
  const metrics = new Registry()
  const retention = createRetention(
    {
      store,
      clock: () => millis(NOW),
      metrics,
      log: createLogger({ level: 'silent' }),
      busy: () => false,
    },
    { keepDays: 400, interval: 1, watch: 1 },
  )
  await retention.start()
  const live = Array.from({ length: 20 }, (_, n) => `live ${n}`)
  let rounds = 0n
  // One more round of reports for as long as there is something to delete.
  while ((await sessions(store)).some((name) => name.startsWith('old'))) {
    rounds++
    await sleep(5)
    const fresh = createAccountingStore(store)
    await fresh(live.map((name) => report(name, NOW + rounds, rounds * 100n, 'interim')))
  }
  while ((await events(store)).length > 20 * Number(rounds) + 1) await sleep(5)
  await retention.stop()
  t.equal(retention.health?.(), undefined)
  const { sum } = await store.batch(
    async (sql) =>
      (await sql.row<{ sum: bigint }>(
        "select cast(sum(downlink) as bigint) as sum from usage_event where session_id like 'live%'",
      )) ?? {
        sum: 0n,
      },
  )
  t.equal(sum, 20n * rounds * 100n)
  t.same(await metricProblems(metrics), [])
  t.match(await metrics.metrics(), /tallycell_store_pruned_rows_total\{table="usage_event"\} 600/)
})

t.test('steps shrink until they are short, grow when they are, and stop when told to', async (t) => {
  const stop = new AbortController()
  const pace = createPace('sqlite', () => false, stop.signal)
  const first = await pace.next()
  t.ok((await pace.next({ rows: first, took: 12 })) < first)
  for (let n = 0; n < 10; n++) await pace.next({ rows: 1, took: 12 })
  t.equal(await pace.next({ rows: 1, took: 12 }), 50)
  for (let n = 0; n < 10; n++) await pace.next({ rows: 1, took: 0.1 })
  t.equal(await pace.next({ rows: 1, took: 0.1 }), 5000)
  stop.abort()
  t.equal(await pace.next({ rows: 1, took: 0.1 }), 0)
})
