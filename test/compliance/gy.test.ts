// Gy and Rf, request by request, through sockets and the whole engine, on each database.

import { listRecords } from '../../billing/charging/cdr/store.ts'
import { systemClock } from '../../core/kernel/clock.ts'
import { millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import type { AvpInput, Avps } from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { all, FLAG, get, type Message } from '../../core/wire/diameter/message.ts'
import { ccrAvps, createGySmf, type GyReport, type GySession, type GySmf } from '../emulators/gy-smf.ts'
import { accounts, faults, giveMoney, PLAN } from './charging-world.ts'
import { onEachEngine } from './engines.ts'
import { bearer, IMSI, locationOf, preparePhones, registerCell, startGy, told } from './gy-world.ts'

const HOST = '127.0.0.1'
const now = systemClock()
const at = millis(now - (now % 1000n))

const initial: GyReport = { type: 'INITIAL_REQUEST', number: 0, at }
const update = (number: number, downlink: bigint, uplink = 0n): GyReport => ({
  type: 'UPDATE_REQUEST',
  number,
  at,
  used: { seconds: 4, uplink, downlink },
  reason: 'QUOTA_EXHAUSTED',
})
const termination = (number: number, downlink = 0n): GyReport => ({
  type: 'TERMINATION_REQUEST',
  number,
  at,
  used: { seconds: 4, uplink: 0n, downlink },
  reason: 'FINAL',
})

let ends = 0
/** A request of ours with AVPs that Open5GS does not send. */
const send = (
  smf: GySmf,
  command: number,
  application: number,
  avps: readonly AvpInput[],
  flags = 0,
): Promise<Message> => {
  ends++
  return smf.raw(
    encode({
      flags: FLAG.request | FLAG.proxiable | flags,
      command,
      application,
      hopByHop: 0x1000 + ends,
      endToEnd: 0x7000_0000 + ends,
      avps,
    }),
  )
}

const origin = { identity: 'smf.localdomain', realm: 'localdomain' }
/** A CCR of Open5GS with its service group and further AVPs replaced. */
const rich = (session: GySession, report: GyReport, services: readonly AvpInput[]): AvpInput[] => [
  ...ccrAvps(origin, session, report).filter(
    (avp) => !Array.isArray(avp) || avp[0] !== 'Multiple-Services-Credit-Control',
  ),
  ...services,
]

const usage = (store: Store) =>
  store.batch((sql) =>
    sql.rows<{ radio_id: string | null; access: string; uplink: bigint; downlink: bigint; cause: string }>(
      'select radio_id, access, uplink, downlink, cause from usage_event order by event_id',
    ),
  )
const sessions = (store: Store) =>
  store.batch((sql) =>
    sql.rows<{ session_key: string; state: string }>(
      `select s.session_key, c.state from charging_session s join charging_counter c on c.session_no = s.session_no order by s.session_no`,
    ),
  )

onEachEngine('a refused attach leaves nothing open', async (t, database) => {
  const store = await database.open()
  await preparePhones(store, [IMSI], { octets: 0n })
  const { port } = await startGy(t, store)
  const smf = await createGySmf({ host: HOST, port })
  const refused = await smf.ccr(bearer('a'), initial)
  t.match(told(refused), { result: 4012, service: 4012, octets: undefined })
  t.match(await sessions(store), [{ state: 'closed' }])
  t.match(told(await smf.ccr(bearer('a'), initial)), { result: 4012, service: 4012 })
  const stranger = await smf.ccr(bearer('b', { imsi: '999700000000099' }), initial)
  t.match(told(stranger), { result: 5030, service: undefined })
  t.equal((await sessions(store)).length, 1)
  t.same(await faults(store), [])
  smf.close()
})

onEachEngine('the last grant is final, then nothing is granted, and nothing is lost', async (t, database) => {
  const store = await database.open()
  await preparePhones(store, [IMSI], { octets: 25_000n })
  const { port } = await startGy(t, store)
  const smf = await createGySmf({ host: HOST, port })
  t.match(told(await smf.ccr(bearer('a'), initial)), { result: 2001, octets: 10_000n, final: undefined })
  t.match(told(await smf.ccr(bearer('a'), update(1, 10_000n))), { octets: 15_000n, final: 'TERMINATE' })
  t.match(told(await smf.ccr(bearer('a'), update(2, 15_000n))), { result: 2001, service: 4012, octets: undefined })
  t.match(told(await smf.ccr(bearer('a'), termination(3, 10n))), { result: 2001, service: undefined })
  t.equal((await accounts(store))['payer:mvno:consumed:n1:octet'], 25_000n)
  t.same(
    (await usage(store)).map(({ downlink, cause }) => [downlink, cause]),
    [
      [10_000n, 'interim'],
      [15_000n, 'interim'],
      [10n, 'stop'],
    ],
  )
  t.same(await faults(store), [])
  smf.close()
})

onEachEngine('each radio gets what it carried, at the tariff of its place', async (t, database) => {
  const plan = {
    ...PLAN,
    tariffs: [
      { name: 'indoor', when: { radioClasses: ['indoor'] }, free: true },
      { name: 'any', when: {}, price: { octets: 2_000_000 } },
    ],
  }
  const store = await database.open()
  await preparePhones(store, [IMSI], { plans: [plan] })
  await registerCell(store, 'outside', '99970-0000100')
  const { port, metric } = await startGy(t, store)
  // Registered while the node runs, as an eNB with all its cells.
  await registerCell(store, 'inside', '99970-00002', { radioClass: 'indoor' as never })
  const smf = await createGySmf({ host: HOST, port })
  const [outside, inside] = [locationOf(0x100), locationOf(0x2ff)].map((location) => bearer('a', { location }))
  await smf.ccr(inside as GySession, initial)
  await smf.ccr(inside as GySession, update(1, 100n, 1n))
  // It has moved: what it reports, it used inside.
  await smf.ccr(outside as GySession, update(2, 200n))
  await smf.ccr(outside as GySession, update(3, 300n))
  await smf.ccr(outside as GySession, termination(4, 50n))
  t.same(
    (await usage(store)).map(({ radio_id, uplink, downlink }) => [radio_id, uplink, downlink]),
    [
      ['inside', 1n, 100n],
      ['inside', 0n, 200n],
      ['outside', 0n, 300n],
      ['outside', 0n, 50n],
    ],
  )
  t.equal((await accounts(store))['payer:mvno:consumed:n1:octet'], 350n)
  await smf.ccr(bearer('b', { location: locationOf(0x900) }), initial)
  t.equal(await metric('tallycell_gy_unknown_cells_total'), 1)
  t.match(
    await store.batch((sql) => sql.rows('select device, apn, gateway, charging_id from charging_session_detail')),
    [{ device: '8665070400405301', apn: 'internet', gateway: '127.0.0.4', charging_id: 7n }, {}],
  )
  const [record] = await store.batch((sql) => listRecords(sql, { subscriber: undefined, before: undefined, limit: 1 }))
  t.match(record, { apn: 'internet', nodeAddress: '127.0.0.4', chargingId: 7n, radio: 'outside' })
  t.same(await faults(store), [])
  smf.close()
})

onEachEngine(
  'updates of 5G sessions that were never opened are let be; those of LTE are taken in',
  async (t, database) => {
    const store = await database.open()
    await preparePhones(store, [IMSI])
    const { port, metric } = await startGy(t, store)
    const smf = await createGySmf({ host: HOST, port })
    const { sgsn: _sgsn, location: _location, timeZone: _timeZone, ...rest } = bearer('5g')
    const orphan: GySession = { ...rest, nsapi: Uint8Array.of(0), ratType: Uint8Array.of(0) }
    for (const number of [1, 1, 2])
      t.match(told(await smf.ccr(orphan, update(number, 104_858_000n))), { result: 2001, service: undefined })
    t.equal(await metric('tallycell_gy_requests_total', 'interface="gy",outcome="orphan"'), 3)
    t.same(await usage(store), [])
    t.same(await sessions(store), [])
    t.match(told(await smf.ccr(bearer('lte'), update(5, 700n))), { result: 2001, octets: 1_000_000n })
    t.match(told(await smf.ccr(bearer('lte'), update(5, 700n))), { result: 2001, octets: 1_000_000n })
    t.match(told(await smf.ccr(bearer('lte'), update(6, 800n))), { result: 2001, octets: 1_000_000n })
    t.match(told(await smf.ccr(bearer('gone'), termination(9, 30n))), { result: 2001 })
    t.equal(
      (await usage(store)).reduce((sum, { downlink }) => sum + downlink, 0n),
      1530n,
    )
    t.same(
      (await sessions(store)).map(({ state }) => state),
      ['open', 'closed'],
    )
    t.same(await faults(store), [])
    smf.close()
  },
)

onEachEngine('every request under way gets its own answer again, after a restart too', async (t, database) => {
  const store = await database.open()
  await preparePhones(store, [IMSI], { octets: 2_600_000n })
  const before = await startGy(t, store)
  const first = await createGySmf({ host: HOST, port: before.port })
  await first.ccr(bearer('a'), initial)
  const sent = [update(1, 900_000n), update(2, 900_000n), update(3, 100_000n), update(4, 10n)]
  const answers = await Promise.all(sent.map((report) => first.ccr(bearer('a'), report)))
  const given = answers.map(told)
  t.ok(new Set(given.map(({ octets }) => octets)).size > 1, 'different answers')
  const charged = await accounts(store)
  first.close()
  await before.stop()
  const after = await startGy(t, await database.open())
  const second = await createGySmf({ host: HOST, port: after.port })
  for (const index of [3, 0, 1, 2, 0]) {
    const again = await send(second, 272, 4, ccrAvps(origin, bearer('a'), sent[index] as GyReport), FLAG.retransmitted)
    t.same(told(again), given[index], `request ${index + 1}`)
  }
  t.same(await accounts(store), charged)
  t.equal((await usage(store)).length, 4)
  t.same(await faults(store), [])
  second.close()
})

onEachEngine('a host that has restarted has lost its sessions, and only those', async (t, database) => {
  const store = await database.open()
  await preparePhones(store, [IMSI])
  const peers = [{ identity: 'smf.localdomain' }, { identity: 'smf2.localdomain' }]
  const world = await startGy(t, store, { peers })
  const other = await createGySmf({ host: HOST, port: world.port, identity: 'smf2.localdomain', originStateId: 5 })
  await send(other, 272, 4, ccrAvps({ identity: 'smf2.localdomain', realm: 'localdomain' }, bearer('x'), initial))
  const first = await createGySmf({ host: HOST, port: world.port, originStateId: 100 })
  await first.ccr(bearer('a'), initial)
  await first.ccr(bearer('b'), initial)
  first.close()
  // It comes back with the number that it had: a new connection, nothing more.
  const same = await createGySmf({ host: HOST, port: world.port, originStateId: 100 })
  await world.settled()
  t.same(
    (await sessions(store)).map(({ state }) => state),
    ['open', 'open', 'open'],
  )
  same.close()
  await world.stop()
  // And is started anew while we are away.
  const again = await startGy(t, store, { peers })
  const restarted = await createGySmf({ host: HOST, port: again.port, originStateId: 101 })
  t.match(told(await restarted.ccr(bearer('c'), initial)), { result: 2001 })
  await again.settled()
  t.same(
    (await sessions(store)).map(({ state }) => state),
    ['open', 'closed', 'closed', 'open'],
  )
  t.equal(await again.metric('tallycell_gy_lost_sessions_total'), 2)
  t.same(await faults(store), [])
  for (const smf of [other, restarted]) smf.close()
})

onEachEngine(
  'a peer that names its services gets each of them, with all that the standard has',
  async (t, database) => {
    const soon = new Date(Number(at) + 300_000).toISOString().slice(11, 16)
    const past = new Date(Number(at) - 600_000).toISOString().slice(11, 16)
    const plan = {
      ...PLAN,
      tariffs: [
        { name: 'soon', when: { from: soon, to: past }, price: { octets: 1_000_000 } },
        { name: 'any', when: {}, price: { octets: 2_000_000 } },
      ],
      grant: { ...PLAN.grant, validity: 3600 },
      final: { action: 'redirect', address: 'https://top-up.example.com' },
    }
    const store = await database.open()
    await preparePhones(store, [IMSI], { plans: [plan], octets: 25_000n })
    const { port } = await startGy(t, store)
    const smf = await createGySmf({ host: HOST, port })
    const group = (ratingGroup: number, ...more: AvpInput[]): AvpInput => [
      'Multiple-Services-Credit-Control',
      [...more, ['Rating-Group', ratingGroup]],
    ]
    const wanted: AvpInput = ['Requested-Service-Unit', []]
    const opened = await send(smf, 272, 4, rich(bearer('a'), initial, [group(10, wanted), group(20, wanted)]))
    const services = all(opened, 'Multiple-Services-Credit-Control') as Avps[]
    t.same(
      services.map((each) => [get(each, 'Rating-Group'), get(each, 'Result-Code')]),
      [
        [10, 2001],
        [20, 2001],
      ],
    )
    t.equal(get(opened, 'Credit-Control-Failure-Handling'), 'RETRY_AND_TERMINATE')
    const [first, second] = services.map((each) => get(each, 'Granted-Service-Unit') as Avps)
    t.ok(get(first as Avps, 'Tariff-Time-Change'), 'the change is announced')
    t.equal(get(first as Avps, 'CC-Total-Octets'), 10_000n)
    t.equal(get(second as Avps, 'CC-Total-Octets'), 15_000n)
    const final = get(services[1] as Avps, 'Final-Unit-Indication') as Avps
    t.equal(get(final, 'Final-Unit-Action'), 'REDIRECT')
    t.equal(get(get(final, 'Redirect-Server') as Avps, 'Redirect-Server-Address'), 'https://top-up.example.com')
    const used = (side: 'UNIT_BEFORE_TARIFF_CHANGE' | 'UNIT_AFTER_TARIFF_CHANGE', octets: bigint): AvpInput => [
      'Used-Service-Unit',
      [
        ['Tariff-Change-Usage', side],
        ['CC-Total-Octets', octets],
      ],
    ]
    const both = group(10, used('UNIT_BEFORE_TARIFF_CHANGE', 70n), used('UNIT_AFTER_TARIFF_CHANGE', 30n))
    const closed = await send(smf, 272, 4, rich(bearer('a'), termination(1), [both]))
    t.equal(get(closed, 'Result-Code'), 2001)
    t.equal((await accounts(store))['payer:mvno:consumed:n1:octet'], 100n)
    t.same(await faults(store), [])
    smf.close()
  },
)

onEachEngine('one-time events debit, refund, tell the price and the balance', async (t, database) => {
  const plan = { ...PLAN, tariffs: [{ name: 'any', when: {}, price: { messages: 50_000 } }] }
  const store = await database.open()
  await preparePhones(store, [IMSI], { plans: [plan], octets: 0n })
  await giveMoney(store, 's-1', 60_000n)
  const { port } = await startGy(t, store)
  const smf = await createGySmf({ host: HOST, port })
  const event = (
    session: string,
    number: number,
    action: 'DIRECT_DEBITING' | 'REFUND_ACCOUNT' | 'CHECK_BALANCE' | 'PRICE_ENQUIRY',
  ) =>
    send(smf, 272, 4, [
      ['Session-Id', `smf.localdomain;${session}`],
      ['Origin-Host', origin.identity],
      ['Origin-Realm', origin.realm],
      ['Destination-Realm', origin.realm],
      ['Auth-Application-Id', 4],
      ['Service-Context-Id', '32274@3gpp.org'],
      ['CC-Request-Type', 'EVENT_REQUEST'],
      ['CC-Request-Number', number],
      ['Requested-Action', action],
      [
        'Subscription-Id',
        [
          ['Subscription-Id-Type', 'END_USER_IMSI'],
          ['Subscription-Id-Data', IMSI],
        ],
      ],
      ['Requested-Service-Unit', [['CC-Service-Specific-Units', 1n]]],
    ])
  const money = async () => (await accounts(store))['subscriber:s-1:money:EUR'] ?? 0n
  const price = await event('p', 0, 'PRICE_ENQUIRY')
  const unit = get(get(price, 'Cost-Information') as Avps, 'Unit-Value') as Avps
  t.same([get(unit, 'Value-Digits'), get(unit, 'Exponent')], [50_000n, -6])
  t.equal(get(await event('c', 0, 'CHECK_BALANCE'), 'Check-Balance-Result'), 'ENOUGH_CREDIT')
  const debit = await event('d', 0, 'DIRECT_DEBITING')
  t.equal(get(debit, 'Result-Code'), 2001)
  t.equal(get(get(debit, 'Granted-Service-Unit') as Avps, 'CC-Service-Specific-Units'), 1n)
  t.equal(await money(), 10_000n)
  t.equal(get(await event('d', 0, 'DIRECT_DEBITING'), 'Result-Code'), 2001)
  t.equal(await money(), 10_000n, 'a repeat costs nothing')
  t.equal(get(await event('e', 0, 'DIRECT_DEBITING'), 'Result-Code'), 4012)
  t.equal(get(await event('d', 1, 'REFUND_ACCOUNT'), 'Result-Code'), 2001)
  t.equal(await money(), 60_000n)
  t.same(await faults(store), [])
  smf.close()
})

onEachEngine('what is missing or malformed is named, and charges nothing', async (t, database) => {
  const store = await database.open()
  await preparePhones(store, [IMSI])
  const { port, metric } = await startGy(t, store)
  const smf = await createGySmf({ host: HOST, port })
  const without = (name: string) =>
    send(
      smf,
      272,
      4,
      ccrAvps(origin, bearer('a'), initial).filter((avp) => !Array.isArray(avp) || avp[0] !== name),
    )
  for (const name of ['CC-Request-Type', 'CC-Request-Number', 'Service-Context-Id', 'Auth-Application-Id']) {
    const refused = await without(name)
    t.equal(get(refused, 'Result-Code'), 5005, name)
    t.ok(get(refused, 'Failed-AVP'), name)
  }
  t.equal(get(await without('Subscription-Id'), 'Result-Code'), 5030)
  const short = { code: 412, vendor: 0, flags: 0x40, octets: Uint8Array.of(0, 0, 0, 9) }
  const bad = rich(bearer('a'), update(1, 0n), [['Multiple-Services-Credit-Control', [['Used-Service-Unit', [short]]]]])
  t.equal(get(await send(smf, 272, 4, bad), 'Result-Code'), 5014)
  t.same(await sessions(store), [])
  t.same(await usage(store), [])
  t.equal(await metric('tallycell_gy_requests_total', 'interface="gy",outcome="refused"'), 6)
  t.equal(get(await smf.ccr(bearer('a'), initial), 'Result-Code'), 2001)
  smf.close()
})

onEachEngine('accounting records are charged once, started or not', async (t, database) => {
  const store = await database.open()
  await preparePhones(store, [IMSI], { octets: 1000n })
  await registerCell(store, 'cell-1', '99970-0000100')
  const { port } = await startGy(t, store, { offline: true })
  const cer = encode({
    flags: FLAG.request,
    command: 257,
    application: 0,
    hopByHop: 1,
    endToEnd: 1,
    avps: [
      ['Origin-Host', origin.identity],
      ['Origin-Realm', origin.realm],
      ['Host-IP-Address', '127.0.0.4'],
      ['Vendor-Id', 0],
      ['Product-Name', 'cdf test'],
      ['Acct-Application-Id', 3],
    ],
  })
  const ctf = await createGySmf({ host: HOST, port, cer })
  t.equal(get(ctf.cea, 'Result-Code'), 2001)
  type Kind = 'EVENT_RECORD' | 'START_RECORD' | 'INTERIM_RECORD' | 'STOP_RECORD'
  const record = (session: string, type: Kind, number: number, downlink?: bigint) =>
    send(ctf, 271, 3, [
      ['Session-Id', `smf.localdomain;${session}`],
      ['Origin-Host', origin.identity],
      ['Origin-Realm', origin.realm],
      ['Destination-Realm', origin.realm],
      ['Accounting-Record-Type', type],
      ['Accounting-Record-Number', number],
      ['Acct-Application-Id', 3],
      [
        'Service-Information',
        [
          [
            'Subscription-Id',
            [
              ['Subscription-Id-Type', 'END_USER_IMSI'],
              ['Subscription-Id-Data', IMSI],
            ],
          ],
          [
            'PS-Information',
            [
              ...(downlink === undefined
                ? []
                : ([
                    [
                      'Service-Data-Container',
                      [
                        ['Rating-Group', 1],
                        ['Accounting-Input-Octets', 1n],
                        ['Accounting-Output-Octets', downlink],
                      ],
                    ],
                  ] as const)),
              ['3GPP-User-Location-Info', locationOf(0x100)],
              ['3GPP-RAT-Type', Uint8Array.of(6)],
            ],
          ],
        ],
      ],
    ])
  const steps: [string, Kind, number, bigint | undefined][] = [
    ['a', 'START_RECORD', 0, undefined],
    ['a', 'INTERIM_RECORD', 1, 99n],
    ['a', 'INTERIM_RECORD', 1, 99n],
    ['a', 'STOP_RECORD', 2, 199n],
    ['a', 'STOP_RECORD', 2, 199n],
    // Its start got lost.
    ['b', 'STOP_RECORD', 4, 299n],
    ['b', 'STOP_RECORD', 4, 299n],
    // More than the balance has: used all the same.
    ['c', 'EVENT_RECORD', 0, 999n],
    ['c', 'EVENT_RECORD', 0, 999n],
  ]
  for (const [session, type, number, downlink] of steps) {
    const answer = await record(session, type, number, downlink)
    t.same(
      [get(answer, 'Result-Code'), get(answer, 'Accounting-Record-Type'), get(answer, 'Accounting-Record-Number')],
      [2001, type, number],
    )
  }
  t.same(
    (await usage(store)).map(({ radio_id, uplink, downlink }) => [radio_id, uplink, downlink]),
    [99n, 199n, 299n, 999n].map((downlink) => ['cell-1', 1n, downlink]),
  )
  t.equal((await accounts(store))['payer:mvno:consumed:n1:octet'], 1000n)
  t.same(
    (await sessions(store)).map(({ state }) => state),
    ['closed', 'closed', 'closed'],
  )
  t.same(await faults(store), [])
  ctf.close()
})
