// Accounting from packet to journal on the real store: what is answered is durable, what is not is not answered.
import Database from 'better-sqlite3'
import { Registry } from 'prom-client'
import t from 'tap'
import type { KnownRadio, RadioDirectory, SubscriberDirectory } from '../../core/events/ports.ts'
import { payerId, planId, radioId, subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { createLogger } from '../../core/log/logger.ts'
import { metricProblems } from '../../core/metrics/metrics.ts'
import type { Store } from '../../core/store/store.ts'
import type { ReceivedRequest, Verdict } from '../../core/transport/radius/accounting-server.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { CODE, decode } from '../../core/wire/radius/packet.ts'
import { type Accounting, createAccounting } from '../../offload/accounting/accounting.ts'
import { onEachEngine, type TestDatabase, testSqlite } from './engines.ts'

const NOW = millis(1_795_000_000_000)
const IMSI = '001010000000001'
const known: KnownRadio = { radio: radioId('ap-1'), access: 'wifi', class: undefined }
const byBssid: KnownRadio = { radio: radioId('ap-2'), access: 'wifi', class: undefined }
const alice = { subscriber: subscriberId('alice'), payer: payerId('default'), plan: planId('flat') }

interface World {
  readonly store: Store
  readonly accounting: Accounting
  readonly metrics: Registry
  send(attributes: readonly NamedAttribute[], client?: string): Promise<Verdict | undefined>
  /** Octets of all events, and the number of events. */
  metered(): Promise<[octets: bigint, events: number]>
  outcomes(): Promise<Record<string, number>>
}

async function world(database: TestDatabase, late = false): Promise<World> {
  const store = await database.open({ busyTimeout: 20 })
  let here = !late
  const radios: RadioDirectory = {
    byId: () => undefined,
    byNasIdentifier: (name) => (here && name === 'ap-1' ? known : undefined),
    byCalledStation: (bssid) => (here && bssid === '00005e005302' ? byBssid : undefined),
    byCell: () => undefined,
    refresh: async () => {
      here = true
    },
  }
  const subscribers: SubscriberDirectory = {
    byImsi: (imsi) => (imsi === IMSI ? alice : undefined),
    byId: () => alice,
    imsiOf: () => undefined,
    refresh: async () => {},
  }
  const metrics = new Registry()
  const classes = { open: () => undefined }
  const log = createLogger({ level: 'silent' })
  const accounting = createAccounting({ store, radios, subscribers, classes, metrics, log })
  const request = (attributes: readonly NamedAttribute[], client: string): ReceivedRequest => {
    const packet = decode(encode({ code: CODE['Accounting-Request'], identifier: 1, attributes }))
    if (isFault(packet)) throw new Error(packet.fault)
    return { packet, client: { name: client, address: '127.0.0.1' }, address: '127.0.0.1', port: 1, received: NOW }
  }
  return {
    store,
    accounting,
    metrics,
    send: async (attributes, client = 'c') => (await accounting.handle([request(attributes, client)]))[0],
    async metered() {
      const rows = await store.db.selectFrom('usage_event').selectAll().execute()
      return [rows.reduce((sum, { uplink, downlink }) => sum + uplink + downlink, 0n), rows.length]
    },
    async outcomes() {
      const metric = await metrics.getSingleMetric('tallycell_accounting_records_total')?.get()
      return Object.fromEntries(metric?.values.map(({ labels, value }) => [labels.outcome, value]) ?? [])
    },
  }
}

const record = (
  status: 'Start' | 'Interim-Update' | 'Stop',
  minute: number,
  octets: number,
  extra: readonly NamedAttribute[] = [],
  session = 's1',
): NamedAttribute[] => [
  ['Acct-Status-Type', status],
  ['Acct-Session-Id', session],
  ['User-Name', IMSI],
  ['NAS-Identifier', 'ap-1'],
  ['Acct-Session-Time', minute * 60],
  ['Event-Timestamp', millis(NOW + BigInt(minute) * 60_000n)],
  ['Acct-Input-Octets', octets],
  ['Acct-Output-Octets', 0],
  ...extra,
]

onEachEngine('a session, repeated and reordered, is counted once', async (t, database) => {
  const { send, metered, store, metrics, outcomes } = await world(database)
  for (const attributes of [
    record('Start', 0, 0),
    record('Interim-Update', 2, 250),
    record('Interim-Update', 1, 100),
    record('Interim-Update', 2, 250),
    record('Stop', 3, 300),
    record('Stop', 3, 300),
    record('Interim-Update', 4, 900),
  ])
    t.equal(await send(attributes), 'accept')
  t.same(await metered(), [300n, 2])
  const [first] = await store.db.selectFrom('usage_event').selectAll().execute()
  t.match(first, {
    origin: 'radius:c:ap-1',
    session_id: 's1#1',
    sequence: 1n,
    subscriber_id: 'alice',
    radio_id: 'ap-1',
    uplink: 250n,
    cause: 'interim',
  })
  t.same(await outcomes(), { counted: 3, late: 3, repeated: 1 })
  t.same(await metricProblems(metrics), [])
})

onEachEngine('many records of one session in one batch are taken in their order', async (t, database) => {
  const { accounting, metered, send } = await world(database)
  await Promise.all([0, 1, 2, 3, 4].map((minute) => send(record('Interim-Update', minute, minute * 10))))
  t.same(await metered(), [40n, 4])
  t.equal(accounting.busy(), false)
})

onEachEngine('two nodes hear of the same sessions at once', async (t, database) => {
  const one = await world(database)
  // A second connection of this process to one SQLite file would stand in the way of the first.
  const two = database.engine === 'sqlite' ? one : await world(database)
  const SESSIONS = 20
  const REPORTS = 10
  const sent: Promise<Verdict | undefined>[] = []
  for (let minute = 1; minute <= REPORTS; minute++)
    for (let session = 0; session < SESSIONS; session++)
      for (const { send } of [one, two])
        sent.push(send(record('Interim-Update', minute, minute * 10, [], `s${session}`)))
  t.ok((await Promise.all(sent)).every((verdict) => verdict === 'accept'))
  // Whatever was late, the last word of each session is known.
  for (let session = 0; session < SESSIONS; session++)
    await two.send(record('Stop', REPORTS + 1, REPORTS * 10, [], `s${session}`))
  const [octets] = await one.metered()
  t.equal(octets, BigInt(SESSIONS * REPORTS * 10))
  const events = await one.store.db.selectFrom('usage_event').select(['session_id', 'sequence']).execute()
  t.equal(new Set(events.map(({ session_id, sequence }) => `${session_id} ${sequence}`)).size, events.length)
})

onEachEngine('sessions of other clients and access points are other sessions', async (t, database) => {
  const { send, metered } = await world(database)
  await send(record('Stop', 1, 10), 'one')
  await send(record('Stop', 1, 10), 'two')
  await send(
    [...record('Stop', 1, 10).filter(([name]) => name !== 'NAS-Identifier'), ['NAS-IP-Address', '192.0.2.9']],
    'one',
  )
  t.same(await metered(), [30n, 3])
})

onEachEngine('Accounting-On closes that access point’s sessions and no others', async (t, database) => {
  const { send, store } = await world(database)
  await send(record('Interim-Update', 1, 10))
  await send(record('Interim-Update', 1, 10), 'other')
  await send([
    ['Acct-Status-Type', 'Accounting-On'],
    ['NAS-Identifier', 'ap-1'],
    ['Event-Timestamp', millis(NOW + 600_000n)],
  ])
  const rows = await store.db.selectFrom('usage_session').select(['origin', 'state']).orderBy('origin').execute()
  t.same(rows, [
    { origin: 'radius:c:ap-1', state: 'closed' },
    { origin: 'radius:other:ap-1', state: 'open' },
  ])
})

onEachEngine(
  'the BSSID names the radio before the NAS-Identifier; who is unknown at first is looked up again',
  async (t, database) => {
    const { send, store } = await world(database, true)
    await send(record('Interim-Update', 1, 10, [['Called-Station-Id', '00-00-5E-00-53-02:ssid']]))
    await send(record('Interim-Update', 2, 20))
    await send([...record('Stop', 1, 10).filter(([name]) => name !== 'User-Name'), ['User-Name', 'stranger']], 'x')
    const rows = await store.db.selectFrom('usage_event').select(['radio_id', 'subscriber_id']).execute()
    t.same(rows, [
      { radio_id: 'ap-2', subscriber_id: 'alice' },
      { radio_id: 'ap-1', subscriber_id: 'alice' },
      { radio_id: 'ap-1', subscriber_id: null },
    ])
  },
)

onEachEngine('a request without status or session is not answered, and disturbs nobody', async (t, database) => {
  const { send, metered, outcomes } = await world(database)
  t.equal(await send([['Acct-Session-Id', 's1']]), 'ignore')
  t.equal(await send([['Acct-Status-Type', 'Start']]), 'ignore')
  t.equal(await send(record('Stop', 1, 10)), 'accept')
  t.same(await metered(), [10n, 1])
  t.match(await outcomes(), { 'no-status': 1, 'no-session-id': 1, counted: 1 })
})

t.test('database locked: not answered, then recorded when it comes again', async (t) => {
  const database = testSqlite(t)
  const { send, metered, outcomes } = await world(database)
  const other = new Database(database.options.path)
  other.exec('begin immediate')
  t.equal(await send(record('Stop', 1, 10)), 'ignore')
  other.exec('rollback')
  other.close()
  t.equal(await send(record('Stop', 1, 10)), 'accept')
  t.same(await metered(), [10n, 1])
  t.match(await outcomes(), { 'not-stored': 1, counted: 1 })
})

t.test('disk full: not answered, nothing half written, then recorded', async (t) => {
  const { send, metered, store } = await world(testSqlite(t))
  await store.batch(async (sql) => {
    const size = await sql.row<{ page_count: bigint }>('pragma page_count')
    await sql.row(`pragma max_page_count = ${size?.page_count}`)
  })
  const verdicts: (Verdict | undefined)[] = []
  const session = (n: number): NamedAttribute[] => [
    ...record('Stop', 1, 10).filter(([name]) => name !== 'Acct-Session-Id'),
    ['Acct-Session-Id', `session-${n}`.padEnd(200, 'x')],
  ]
  for (let n = 0; n < 60; n++) verdicts.push(await send(session(n)))
  t.ok(verdicts.includes('ignore'))
  const answered = verdicts.filter((verdict) => verdict === 'accept').length
  t.same(await metered(), [BigInt(answered * 10), answered])
  await store.batch((sql) => sql.row('pragma max_page_count = 1000000'))
  for (let n = 0; n < 60; n++) t.equal(await send(session(n)), 'accept')
  t.same(await metered(), [600n, 60])
})
