// The node over real sockets: an emulated SMF in front, other nodes behind.
import t from 'tap'
import { millis } from '../../core/kernel/units.ts'
import type { Answer } from '../../core/transport/diameter/answers.ts'
import type { AvpInput } from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { all, avpsOf, FLAG, get, type Message } from '../../core/wire/diameter/message.ts'
import { message, recorded, recordings } from '../emulators/diameter-recording.ts'
import { createGySmf, type GyReport, type GySession, renumbered } from '../emulators/gy-smf.ts'
import { grant, startNode, until } from './diameter-fixture.ts'

const SESSION: GySession = {
  sessionId: 'smf.localdomain;1;1;app_gy',
  imsi: '999707364000060',
  imeisv: '8665070040040503',
  apn: 'internet',
  chargingId: 1,
  address: '10.45.0.2',
  ggsn: '127.0.0.4',
  plmn: '99970',
  nsapi: Buffer.of(5),
  ratType: Buffer.of(6),
}
const INITIAL: GyReport = { type: 'INITIAL_REQUEST', number: 0, at: millis(1_795_176_186_000) }
const HOST = '127.0.0.1'

const request = (avps: readonly AvpInput[], fields: Partial<Message> = {}): Uint8Array =>
  encode({ flags: 0xc0, command: 272, application: 4, hopByHop: 77, endToEnd: 78, ...fields, avps })
const BASE: AvpInput[] = [
  ['Session-Id', 's'],
  ['Origin-Host', 'smf.localdomain'],
  ['Origin-Realm', 'localdomain'],
  ['Destination-Realm', 'localdomain'],
]

t.test('every recorded CCR, sent with its own octets after its own CER', async (t) => {
  for (const name of recordings()) {
    const toOcs = recorded(name).filter(({ to }) => to === '127.0.0.30:3868')
    const ccrs = toOcs
      .map(({ octets }) => octets)
      .filter((octets) => message(octets).command === 272 && message(octets).flags & FLAG.request)
    if (ccrs.length === 0) continue
    const { port, handled } = await startNode(t)
    const cer = toOcs.find(({ octets }) => message(octets).command === 257)?.octets
    const smf = await createGySmf({ host: HOST, port, ...(cer === undefined ? {} : { cer }) })
    t.match(
      ['Result-Code', 'Origin-Host', 'Origin-Realm', 'Host-IP-Address', 'Vendor-Id', 'Auth-Application-Id'].map((avp) =>
        get(smf.cea, avp as 'Origin-Host'),
      ),
      [2001, 'ocs.localdomain', 'localdomain', HOST, 0, 4],
    )
    const answers = await Promise.all(ccrs.map((octets) => smf.raw(octets)))
    for (const [index, octets] of ccrs.entries()) {
      const [sent, answer] = [message(octets), answers[index] as Message]
      t.equal(get(answer, 'Result-Code'), 2001, `${name} ${index}`)
      t.same([answer.hopByHop, answer.endToEnd, answer.flags], [sent.hopByHop, sent.endToEnd, FLAG.proxiable])
      for (const avp of ['Session-Id', 'CC-Request-Number', 'CC-Request-Type'] as const)
        t.equal(get(answer, avp), get(sent, avp))
    }
    t.equal(handled.length, ccrs.length)
    smf.close()
  }
})

t.test('who may connect', async (t) => {
  const { port, node } = await startNode(t, {
    peers: [
      { identity: 'smf.localdomain' },
      { identity: 'elsewhere.localdomain', addresses: ['192.0.2.1'] },
      { identity: 'tls.localdomain', tlsOnly: true },
    ],
  })
  const cea = async (identity: string, avps?: readonly AvpInput[]): Promise<Message> => {
    const cer =
      avps === undefined
        ? {}
        : { cer: encode({ flags: 0x80, command: 257, application: 0, hopByHop: 1, endToEnd: 1, avps }) }
    const smf = await createGySmf({ host: HOST, port, identity, ...cer })
    smf.close()
    return smf.cea
  }
  const stranger = await cea('stranger.localdomain')
  t.same([get(stranger, 'Result-Code'), stranger.flags], [3010, FLAG.error])
  t.equal(get(await cea('elsewhere.localdomain'), 'Result-Code'), 3010)
  t.equal(get(await cea('tls.localdomain'), 'Result-Code'), 5017)
  t.equal(get(await cea('SMF.LocalDomain'), 'Result-Code'), 2001, 'names are compared without case')
  await until(() => node.connected().length === 0)
  const said = (...rest: AvpInput[]): AvpInput[] => [
    ['Origin-Host', 'smf.localdomain'],
    ['Origin-Realm', 'localdomain'],
    ...rest,
  ]
  const rest: AvpInput[] = [
    ['Host-IP-Address', HOST],
    ['Vendor-Id', 0],
    ['Product-Name', 'x'],
  ]
  const none = await cea(
    '',
    said(...rest, [
      'Vendor-Specific-Application-Id',
      [
        ['Vendor-Id', 10_415],
        ['Auth-Application-Id', 16_777_238],
      ],
    ]),
  )
  t.same([get(none, 'Result-Code'), none.flags], [5010, 0])
  t.equal(get(await cea('x', said(['Auth-Application-Id', 4])), 'Result-Code'), 5005)
  t.equal(
    get(await cea('x', said(...rest, { code: 9999, vendor: 0, flags: 0x40, octets: Buffer.of(1) })), 'Result-Code'),
    5001,
  )
  t.equal(
    get(await cea('x', said(...rest, ['Auth-Application-Id', 0xffff_ffff])), 'Result-Code'),
    2001,
    'a relay has every application',
  )
})

t.test('nothing before the CER', async (t) => {
  const { port } = await startNode(t)
  await t.rejects(createGySmf({ host: HOST, port, cer: request(BASE) }), /connection ended/)
  await t.rejects(createGySmf({ host: HOST, port, cer: Buffer.from('GET / HTTP/1.1\r\n\r\n  ') }), /connection ended/)
})

t.test('answers of the base protocol', async (t) => {
  const { port, metric } = await startNode(t, { routes: [{ realm: 'far.example', peers: ['smf.localdomain'] }] })
  const smf = await createGySmf({ host: HOST, port })
  t.teardown(() => smf.close())
  const realm = (name: string): AvpInput[] => [...BASE.slice(0, 3), ['Destination-Realm', name]]
  const raw = (bytes: string): Uint8Array => Buffer.from(bytes, 'hex')
  const rows: [string, Uint8Array, number, boolean][] = [
    ['an unknown application', request(BASE, { application: 99 }), 3007, true],
    ['an unknown command', request(BASE, { command: 271 }), 3001, true],
    ['an unknown base command', request(BASE, { command: 999, application: 0 }), 3001, true],
    ['R and E', request(BASE, { flags: 0xe0 }), 3008, true],
    ['our name in a Route-Record', request([...BASE, ['Route-Record', 'ocs.localdomain']]), 3005, true],
    ['an unknown realm', request(realm('nowhere.example')), 3003, true],
    ['a realm with no other peer than the one who asks', request(realm('far.example')), 3002, true],
    ['another host of our realm', request([...BASE, ['Destination-Host', 'other.localdomain']]), 3002, true],
    [
      'an unknown AVP with M',
      request([...BASE, { code: 9999, vendor: 0, flags: 0x40, octets: Buffer.of(1) }]),
      5001,
      false,
    ],
    [
      'no Origin-Host',
      request([
        ['Session-Id', 's'],
        ['Origin-Realm', 'localdomain'],
      ]),
      5005,
      false,
    ],
    ['an AVP that cannot be so short', raw('0100001cc0000110000000040000004d0000004e0000010840000007'), 5014, false],
    ['an AVP past the end', raw('0100001cc0000110000000040000004d0000004e0000010840000070'), 5014, false],
  ]
  for (const [what, octets, result, isError] of rows) {
    const answer = await smf.raw(octets)
    t.same([get(answer, 'Result-Code'), (answer.flags & FLAG.error) !== 0], [result, isError], what)
    t.same([answer.hopByHop, answer.endToEnd, answer.flags & FLAG.request], [77, 78, 0], what)
    if (result === 5001 || result === 5005 || result === 5014) t.ok(get(answer, 'Failed-AVP'), `${what}: Failed-AVP`)
  }
  t.equal(await metric('tallycell_diameter_dropped_total', 'reason="malformed"'), 2)
  t.equal(get(await smf.ccr(SESSION, INITIAL), 'Result-Code'), 2001, 'and the connection is as good as before')
})

t.test('Proxy-Info comes back, Session-Id first', async (t) => {
  const { port } = await startNode(t)
  const smf = await createGySmf({ host: HOST, port })
  t.teardown(() => smf.close())
  const proxy: AvpInput = [
    'Proxy-Info',
    [
      ['Proxy-Host', 'p.localdomain'],
      ['Proxy-State', Buffer.from('state')],
    ],
  ]
  const answer = await smf.raw(request([...BASE, proxy]))
  t.same(all(answer, 'Proxy-Info').length, 1)
  t.equal(avpsOf(answer)[0]?.name, 'Session-Id')
})

t.test('repetitions get the first answer, over whichever connection', async (t) => {
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const { port, handled, metric } = await startNode(t, {
    peers: [{ identity: 'smf.localdomain', connections: 2 }],
    application: {
      async handle(request) {
        if (get(request.message, 'CC-Request-Number') === 1) await held
        return grant(request)
      },
    },
  })
  const one = await createGySmf({ host: HOST, port })
  const two = await createGySmf({ host: HOST, port })
  const ccr = (number: number, endToEnd: number, hopByHop: number): Uint8Array =>
    request([...BASE, ['CC-Request-Type', 'UPDATE_REQUEST'], ['CC-Request-Number', number]], {
      endToEnd,
      hopByHop,
      flags: hopByHop > 1 ? 0xd0 : 0xc0,
    })
  const first = await one.raw(ccr(0, 500, 1))
  const again = await two.raw(ccr(0, 500, 2))
  t.equal(again.hopByHop, 2)
  t.same(renumbered(again.bytes, 1, 500), Buffer.from(first.bytes))
  const both = [one.raw(ccr(1, 501, 1)), two.raw(ccr(1, 501, 2))]
  await until(async () => (await metric('tallycell_diameter_requests_total', 'outcome="repeated"')) === 2)
  release()
  t.same(
    (await Promise.all(both)).map((answer) => get(answer, 'Result-Code')),
    [2001, 2001],
  )
  t.equal(handled.length, 2)
  one.close()
  two.close()
})

t.test('a request repeated after a restart is put to the application', async (t) => {
  const durable = new Map<string, Answer>()
  const application = {
    async handle(request: Parameters<typeof grant>[0]) {
      const answer = await grant(request)
      durable.set(request.sessionId, answer)
      return answer
    },
    known: async ({ sessionId }: { sessionId: string }) => durable.get(sessionId),
  }
  const before = await startNode(t, { application })
  const smf = await createGySmf({ host: HOST, port: before.port })
  await smf.raw(request(BASE))
  await before.node.stop()
  const after = await startNode(t, { application })
  const back = await createGySmf({ host: HOST, port: after.port })
  t.equal(get(await back.raw(request(BASE, { flags: 0xd0 })), 'Result-Code'), 2001)
  t.equal(after.handled.length, 0)
  back.close()
})

t.test('requests of one session keep their order, those of others do not wait', async (t) => {
  const order: string[] = []
  const gates = new Map<string, () => void>()
  const { port } = await startNode(t, {
    application: {
      async handle(request) {
        const name = `${request.sessionId}${String(get(request.message, 'CC-Request-Number'))}`
        order.push(`begin ${name}`)
        await new Promise<void>((resolve) => gates.set(name, resolve))
        order.push(`end ${name}`)
        return grant(request)
      },
    },
  })
  const smf = await createGySmf({ host: HOST, port })
  t.teardown(() => smf.close())
  let id = 100
  const send = (sessionId: string, number: number): Promise<Message> =>
    smf.raw(
      request([['Session-Id', sessionId], ...BASE.slice(1), ['CC-Request-Number', number]], {
        hopByHop: ++id,
        endToEnd: id,
      }),
    )
  const answers = [send('a', 1), send('a', 2), send('b', 1)]
  await until(() => gates.has('b1'))
  gates.get('b1')?.()
  await answers[2]
  gates.get('a1')?.()
  await until(() => gates.has('a2'))
  gates.get('a2')?.()
  await Promise.all(answers)
  t.same(order, ['begin a1', 'begin b1', 'end b1', 'end a1', 'begin a2', 'end a2'])
})

t.test('late answers are not sent, failures stay unanswered and may come again', async (t) => {
  let failing = true
  const { port, metric } = await startNode(t, {
    application: {
      answerWithin: (asked) => (get(asked, 'CC-Request-Number') === 0 ? -1 : 5000),
      async handle(request) {
        if (failing && get(request.message, 'CC-Request-Number') === 1) throw new Error('no disk')
        return grant(request)
      },
    },
  })
  const smf = await createGySmf({ host: HOST, port })
  t.teardown(() => smf.close())
  const ccr = (number: number): Uint8Array =>
    request([...BASE, ['CC-Request-Number', number]], { hopByHop: 10 + number, endToEnd: 10 + number })
  void smf.raw(ccr(0)).catch(() => undefined)
  void smf.raw(ccr(1)).catch(() => undefined)
  await until(async () => (await metric('tallycell_diameter_requests_total', 'outcome="failed"')) === 1)
  t.equal(await metric('tallycell_diameter_requests_total', 'outcome="late"'), 1)
  failing = false
  t.equal(get(await smf.raw(ccr(1)), 'Result-Code'), 2001)
  t.equal(get(await smf.raw(ccr(0)), 'Result-Code'), 2001, 'the late answer was kept for a repetition')
})

t.test('too many requests are refused at once, those that must not be are taken', async (t) => {
  const { port, node } = await startNode(t, {
    maxOutstanding: 1,
    application: {
      sheddable: (asked) => get(asked, 'CC-Request-Type') === 'INITIAL_REQUEST',
      async handle(request) {
        if (request.sessionId === 'slow') await gate
        return grant(request)
      },
    },
  })
  let open: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const smf = await createGySmf({ host: HOST, port })
  t.teardown(() => smf.close())
  let id = 0
  const ccr = (sessionId: string, type: 'INITIAL_REQUEST' | 'TERMINATION_REQUEST'): Promise<Message> =>
    smf.raw(
      request([['Session-Id', sessionId], ...BASE.slice(1), ['CC-Request-Type', type]], {
        hopByHop: ++id,
        endToEnd: id,
      }),
    )
  const slow = ccr('slow', 'INITIAL_REQUEST')
  const busy = await ccr('second', 'INITIAL_REQUEST')
  t.same([get(busy, 'Result-Code'), busy.flags & FLAG.error], [3004, FLAG.error])
  t.equal(get(await ccr('third', 'TERMINATION_REQUEST'), 'Result-Code'), 2001)
  open()
  t.equal(get(await slow, 'Result-Code'), 2001)
  t.equal(get(await ccr('fourth', 'INITIAL_REQUEST'), 'Result-Code'), 2001)
  t.same(node.connected(), ['smf.localdomain'])
})

t.test('Origin-State-Id is told to the application, and a peer that restarted takes its place again', async (t) => {
  const states: [string, number][] = []
  const { port } = await startNode(t, {
    application: { originState: (host, state) => void states.push([host, state]) },
  })
  const first = await createGySmf({ host: HOST, port, originStateId: 7 })
  await t.rejects(
    createGySmf({ host: HOST, port, originStateId: 7 }),
    /connection ended/,
    'one connection is open, and one is allowed',
  )
  const second = await createGySmf({ host: HOST, port, originStateId: 8 })
  t.equal(get(await second.ccr(SESSION, INITIAL), 'Result-Code'), 2001)
  await t.rejects(first.ccr(SESSION, INITIAL), /connection ended/)
  t.same(states, [
    ['smf.localdomain', 7],
    ['smf.localdomain', 8],
  ])
  second.close()
})

t.test('a request of ours', async (t) => {
  const { port, node } = await startNode(t)
  const rar = {
    application: 4,
    command: 258,
    avps: [
      ['Session-Id', SESSION.sessionId],
      ['Re-Auth-Request-Type', 'AUTHORIZE_ONLY'],
    ] as AvpInput[],
  }
  await t.rejects(node.request({ ...rar, peers: ['smf.localdomain'] }), { code: 'DIAMETER_NO_PEER' })
  const smf = await createGySmf({ host: HOST, port })
  await until(() => node.connected().length === 1)
  t.equal(get(await node.request({ ...rar, peers: ['smf.localdomain'] }), 'Result-Code'), 2001)
  t.same(smf.reauthorised, [SESSION.sessionId])
  smf.close()
  await until(() => node.connected().length === 0)
  // Back after a failure it is watched for a while (RFC 3539 §3.4.1), but there is no other to ask.
  const back = await createGySmf({ host: HOST, port, mute: () => undefined })
  await until(() => node.connected().length === 1)
  const unanswered = node.request({ ...rar, peers: ['smf.localdomain'], within: 20 })
  await t.rejects(unanswered, { code: 'DIAMETER_NO_ANSWER' })
  back.close()
})

t.test('nodes in a row: a partner charges its own subscribers', async (t) => {
  const partner = await startNode(t, {
    identity: 'ocs.mvno.example',
    realm: 'mvno.example',
    peers: [{ identity: 'ocs.localdomain' }],
  })
  const relay = await startNode(t, {
    peers: [
      { identity: 'smf.localdomain' },
      { identity: 'ocs.mvno.example', connect: { host: HOST, port: partner.port } },
      { identity: 'spare.mvno.example' },
    ],
    routes: [{ realm: 'mvno.example', peers: ['spare.mvno.example', 'ocs.mvno.example'] }],
    deps: {
      homeRealm: (asked) =>
        JSON.stringify(Buffer.from(asked.bytes).toString('latin1')).includes('99970736') ? 'mvno.example' : undefined,
    },
  })
  await until(() => relay.node.connected().includes('ocs.mvno.example'))
  const smf = await createGySmf({ host: HOST, port: relay.port })
  t.teardown(() => smf.close())
  const first = await smf.ccr(SESSION, INITIAL)
  t.same([get(first, 'Result-Code'), get(first, 'Origin-Host')], [2001, 'ocs.mvno.example'])
  t.equal(relay.handled.length, 0)
  const [came] = partner.handled
  if (came === undefined) return t.fail('nothing came')
  t.same(all(came.message, 'Route-Record'), ['smf.localdomain'])
  t.same(all(came.message, 'Destination-Realm'), ['mvno.example'])
  t.equal(came.originHost, 'smf.localdomain')
  t.equal(came.message.endToEnd, first.endToEnd)
  // Open5GS now names the partner as Destination-Host, in its own realm.
  const next = await smf.ccr(
    { ...SESSION, server: 'ocs.mvno.example' },
    { ...INITIAL, type: 'UPDATE_REQUEST', number: 1 },
  )
  t.equal(get(next, 'Result-Code'), 2001)
  const own = await smf.ccr({ ...SESSION, imsi: '001010000000001', sessionId: 'own' }, INITIAL)
  t.equal(get(own, 'Origin-Host'), 'ocs.localdomain')
  await partner.node.stop()
  const gone = await smf.ccr({ ...SESSION, sessionId: 'gone' }, INITIAL)
  t.same([get(gone, 'Result-Code'), gone.flags & FLAG.error], [3002, FLAG.error])
})

t.test('a relayed request goes to another peer when the first is lost, with the T flag', async (t) => {
  let asked: () => void = () => undefined
  const came = new Promise<void>((resolve) => {
    asked = resolve
  })
  const relay = await startNode(t, {
    peers: [{ identity: 'smf.localdomain' }, { identity: 'a.far.example' }, { identity: 'b.far.example' }],
    routes: [{ realm: 'far.example', peers: ['a.far.example', 'b.far.example'] }],
  })
  const other = await startNode(t, {
    identity: 'b.far.example',
    realm: 'far.example',
    peers: [{ identity: 'ocs.localdomain', connect: { host: HOST, port: relay.port } }],
  })
  // The emulated SMF as the peer that takes a request and goes away.
  const silent = await createGySmf({
    host: HOST,
    port: relay.port,
    identity: 'a.far.example',
    realm: 'far.example',
    mute: asked,
  })
  await until(() => relay.node.connected().length === 2)
  const smf = await createGySmf({ host: HOST, port: relay.port })
  t.teardown(() => smf.close())
  const answer = smf.raw(request([...BASE.slice(0, 3), ['Destination-Realm', 'far.example']]))
  await came
  silent.close()
  t.equal(get(await answer, 'Origin-Host'), 'b.far.example')
  t.equal(other.handled[0]?.retransmitted, true)
})

t.test('two nodes that call each other at once keep one connection', async (t) => {
  const ports: number[] = []
  for (const identity of ['probe.a', 'probe.z']) {
    const probe = await startNode(t, { identity })
    ports.push(probe.port)
    await probe.node.stop()
  }
  const [portA = 0, portZ = 0] = ports
  const pair = (identity: string, port: number, peer: string, to: number) =>
    startNode(t, {
      identity,
      realm: 'example',
      reconnect: [5, 20],
      listen: [{ host: HOST, port }],
      peers: [{ identity: peer, connect: { host: HOST, port: to } }],
    })
  const [a, z] = await Promise.all([
    pair('a.example', portA, 'z.example', portZ),
    pair('z.example', portZ, 'a.example', portA),
  ])
  await until(() => a.node.connected().length === 1 && z.node.connected().length === 1)
  const session: AvpInput[] = [
    ['Session-Id', 's'],
    ['Destination-Realm', 'example'],
  ]
  for (const [node, peer] of [
    [a.node, 'z.example'],
    [z.node, 'a.example'],
  ] as const) {
    const answer = await node.request({ application: 4, command: 272, avps: session, peers: [peer] })
    t.equal(get(answer, 'Origin-Host'), peer)
  }
  t.equal(await a.metric('tallycell_diameter_open_connections', 'peer="z.example"'), 1)
  await z.node.stop()
  // It parted with a DPR.
  await until(() => a.log.some(({ reason }) => reason === 'the peer disconnected'))
  t.same(a.node.connected(), [])
})

t.test('a peer that is not there yet is called again', async (t) => {
  const probe = await startNode(t, { peers: [{ identity: 'caller.localdomain' }] })
  const { port } = probe
  await probe.node.stop()
  const caller = await startNode(t, {
    identity: 'caller.localdomain',
    reconnect: [10, 40],
    listen: [],
    peers: [{ identity: 'ocs.localdomain', connect: { host: HOST, port } }],
  })
  t.match(caller.node.health?.(), /ocs\.localdomain/)
  await startNode(t, { peers: [{ identity: 'caller.localdomain' }], listen: [{ host: HOST, port }] })
  await until(() => caller.node.connected().length === 1)
  t.equal(caller.node.health?.(), undefined)
})

t.test('mistakes in the configuration', async (t) => {
  await t.rejects(startNode(t, { peers: [{ identity: 'a' }, { identity: 'A' }] }), { code: 'DIAMETER_PEER_TWICE' })
  await t.rejects(startNode(t, { peers: [{ identity: 'a b' }] }), { code: 'DIAMETER_IDENTITY_INVALID' })
  await t.rejects(startNode(t, { listen: [{ host: '192.0.2.1', port: 3868 }] }), { code: 'DIAMETER_LISTEN_FAILED' })
})
