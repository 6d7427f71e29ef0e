// From the last octet of a bundle to the access point that ends the session (RFC 5176): rating, orders, delivery, on both engines.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import { createStanding } from '../../billing/charging/standing.ts'
import { createRatingStage } from '../../billing/rating/store.ts'
import type { RadioDirectory, SubscriberDirectory } from '../../core/events/ports.ts'
import { createSessionControl } from '../../core/events/sessions/control.ts'
import type { SessionControl } from '../../core/events/sessions/port.ts'
import { subscriberId } from '../../core/kernel/ids.ts'
import { microtokens, millis } from '../../core/kernel/units.ts'
import { createLogger } from '../../core/log/logger.ts'
import type { Store } from '../../core/store/store.ts'
import type { Requester } from '../../core/transport/radius/client.ts'
import { checkRequest } from '../../core/wire/radius/authenticator.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { attributes, CODE, decode, get, type Packet } from '../../core/wire/radius/packet.ts'
import { encodeResponse } from '../../core/wire/radius/response.ts'
import { createAccounting } from '../../offload/accounting/accounting.ts'
import { createControl } from '../../offload/control/control.ts'
import { until } from '../unit/radius-fixture.ts'
import { subscribers as byName, giveOctets, radios as noRadios, PLAN, prepare } from './charging-world.ts'
import { onEachEngine, type TestDatabase } from './engines.ts'

const SECRET = Buffer.from('testing123')
const IMSI = '001010000000001'
const BUNDLES = { ...PLAN, tariffs: [{ name: 'any', when: {}, price: { octets: 'bundle' } }] }
const FAIR = {
  ...BUNDLES,
  id: 'fair',
  fairUse: { period: 'month', octets: 500_000, throttle: { uplink: 128_000, downlink: 512_000 } },
}

type Reply = readonly [code: number, ...attributes: NamedAttribute[]] | 'silence'

interface AccessPoint {
  readonly port: number
  readonly requests: Packet[]
  /** What it answers next; the last stays. */
  readonly replies: Reply[]
  readonly socket: Socket
}

/** An access point's port for RFC 5176, which takes signed requests only. */
async function accessPoint(t: Test): Promise<AccessPoint> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  const requests: Packet[] = []
  const replies: Reply[] = []
  socket.on('message', (datagram, from) => {
    const packet = decode(datagram)
    if (isFault(packet) || checkRequest(packet, SECRET) !== 'ok') return
    requests.push(packet)
    const reply = (replies.length > 1 ? replies.shift() : replies[0]) ?? [packet.code + 1]
    if (reply === 'silence') return
    const [code, ...values] = reply
    socket.send(encodeResponse(packet, code, values, SECRET), from.port, from.address)
  })
  return { port: socket.address().port, requests, replies, socket }
}

interface World {
  readonly store: Store
  readonly nas: AccessPoint
  readonly sessions: SessionControl
  /** Accounting of alice's session, then rating. */
  report(session: string, status: 'Start' | 'Interim-Update' | 'Stop', octets: number): Promise<void>
  orders(): Promise<{ kind: string; state: string; cause: string; outcome: string | null }[]>
  /** Connections of the RadSec site. */
  readonly connections: Requester[]
}

async function world(
  t: Test,
  database: TestDatabase,
  plan: 'data' | 'fair' = 'data',
  options: { client?: string; patience?: number } = {},
): Promise<World> {
  const { client = 'c', patience = 300 } = options
  const store = await database.open()
  await prepare(store, [BUNDLES, FAIR])
  const alice = byName.byId(subscriberId(`alice-${plan}`))
  const subscribers: SubscriberDirectory = { ...byName, byImsi: (imsi) => (imsi === IMSI ? alice : undefined) }
  const radios: RadioDirectory = {
    ...noRadios,
    byNasIdentifier: () => undefined,
    byCalledStation: () => undefined,
    byCell: () => undefined,
  }
  const [log, metrics] = [createLogger({ level: 'silent' }), new Registry()]
  const clock = () => millis(Date.now())
  const price = microtokens(2000n)
  const accounting = createAccounting({ store, radios, subscribers, classes: { open: () => undefined }, metrics, log })
  const rating = createRatingStage({ store, subscribers, radios, node: 'n1' }, price)
  const sessions = createSessionControl({ store, clock, metrics, log }, { poll: 20 })
  const nas = await accessPoint(t)
  const connections: Requester[] = []
  const control = createControl(
    {
      ...{ store, clock, metrics, log },
      standing: createStanding({ store, subscribers, radioClass: () => undefined }, price),
      clients: [
        {
          ...{ name: 'c', address: '127.0.0.1', secret: SECRET, maker: undefined },
          control: { host: '127.0.0.1', port: nas.port },
        },
      ],
      isSite: (name) => name.startsWith('radsec/'),
      connections: () => connections,
    },
    { port: 3799, maker: 'mikrotik', roles: { slow: 'slow', normal: 'normal' }, poll: 20, patience },
  )
  sessions.register(control.listener)
  for (const part of [sessions, control]) await part.start()
  t.teardown(async () => {
    await control.stop()
    await sessions.stop()
  })
  const begun = Date.now() - 600_000
  let seconds = 0
  return {
    store,
    nas,
    sessions,
    connections,
    async report(session, status, octets) {
      seconds += 60
      const packet = decode(
        encode({
          code: CODE['Accounting-Request'],
          identifier: 1,
          attributes: [
            ['Acct-Status-Type', status],
            ['Acct-Session-Id', session],
            ['User-Name', IMSI],
            ['NAS-Identifier', 'ap-1'],
            ['Acct-Session-Time', seconds],
            ['Event-Timestamp', millis(Math.floor(begun / 1000) * 1000 + seconds * 1000)],
            ['Acct-Output-Octets', octets],
          ],
        }),
      )
      if (isFault(packet)) throw new Error(packet.fault)
      const from = { address: '127.0.0.1', port: 1, received: clock() }
      t.same(await accounting.handle([{ packet, client: { name: client, address: '127.0.0.1' }, ...from }]), ['accept'])
      while ((await rating.step()) > 0);
    },
    orders: () =>
      store.db.selectFrom('control_order').select(['kind', 'state', 'cause', 'outcome']).orderBy('order_no').execute(),
  }
}

const settled = (w: World) => async (): Promise<boolean> => {
  const orders = await w.orders()
  return orders.length > 0 && orders.every(({ state }) => state !== 'due')
}

onEachEngine('a bundle ends: its session is cut off, once', async (t, database) => {
  const w = await world(t, database)
  await giveOctets(w.store, 'subscriber:alice-data', 1_000_000n)
  await w.report('s-1', 'Start', 0)
  await w.report('s-1', 'Interim-Update', 900_000)
  t.same(await w.orders(), [], 'something is left')
  await w.report('s-1', 'Interim-Update', 1_100_000)
  await until(settled(w))
  t.same(await w.orders(), [{ kind: 'disconnect', state: 'done', cause: 'exhausted', outcome: 'acknowledged' }])
  t.equal(w.nas.requests.length, 1)
  const [request] = w.nas.requests
  t.same(request && attributes(request).map(({ name }) => name), [
    'Message-Authenticator',
    'NAS-Identifier',
    'User-Name',
    'Acct-Session-Id',
    'Event-Timestamp',
  ])
  t.equal(request && get(request, 'Acct-Session-Id'), 's-1')
  await w.report('s-1', 'Stop', 1_100_500)
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.equal(w.nas.requests.length, 1, 'what the session used last is no reason to end it again')
})

onEachEngine('fair use: the session is slowed down, and cut off when nothing is left', async (t, database) => {
  const w = await world(t, database, 'fair')
  await giveOctets(w.store, 'subscriber:alice-fair', 1_000_000n)
  await w.report('s-1', 'Start', 0)
  await w.report('s-1', 'Interim-Update', 600_000)
  await until(settled(w))
  const [slow] = w.nas.requests
  t.equal(slow?.code, CODE['CoA-Request'])
  t.equal(slow && get(slow, 'Mikrotik-Rate-Limit'), '128000/512000')
  await w.report('s-1', 'Interim-Update', 700_000)
  t.equal(w.nas.requests.length, 1, 'it is slow already')
  await w.report('s-1', 'Interim-Update', 1_000_000)
  await until(async () => (await w.orders()).length === 2)
  await until(settled(w))
  t.match(await w.orders(), [
    { kind: 'throttle', cause: 'throttled', state: 'done' },
    { kind: 'disconnect', cause: 'exhausted', state: 'done' },
  ])
})

onEachEngine('an access point that is silent, busy or particular', async (t, database) => {
  const w = await world(t, database)
  w.nas.replies.push('silence', [CODE['Disconnect-NAK'], ['Error-Cause', 'Resources Unavailable']])
  w.nas.replies.push([CODE['Disconnect-NAK'], ['Error-Cause', 'NAS Identification Mismatch']])
  w.nas.replies.push([CODE['Disconnect-NAK'], ['Error-Cause', 'Unsupported Attribute']], [CODE['Disconnect-ACK']])
  await w.report('s-1', 'Start', 0)
  await w.sessions.order({
    subscriber: subscriberId('alice-data'),
    imsi: undefined,
    action: 'drop',
    cause: 'suspended',
  })
  await until(settled(w))
  t.same(await w.orders(), [{ kind: 'disconnect', state: 'done', cause: 'suspended', outcome: 'acknowledged' }])
  t.same(
    w.nas.requests.map((packet) =>
      attributes(packet)
        .map(({ name }) => name)
        .slice(1, -1)
        .join(' '),
    ),
    [
      'NAS-Identifier User-Name Acct-Session-Id',
      'NAS-Identifier User-Name Acct-Session-Id',
      'NAS-Identifier User-Name Acct-Session-Id',
      'User-Name Acct-Session-Id',
      'Acct-Session-Id',
    ],
  )
})

onEachEngine('refusals that are final, and sessions that are over', async (t, database) => {
  const w = await world(t, database)
  const drop = () =>
    w.sessions.order({ subscriber: subscriberId('alice-data'), imsi: undefined, action: 'drop', cause: 'operator' })
  w.nas.replies.push([CODE['Disconnect-NAK'], ['Error-Cause', 'Administratively Prohibited']])
  await w.report('s-1', 'Start', 0)
  await drop()
  await until(settled(w))
  t.match(await w.orders(), [{ state: 'failed', outcome: 'Administratively Prohibited' }])
  await w.report('s-1', 'Stop', 0)
  w.nas.replies.splice(0, 1, [CODE['Disconnect-NAK'], ['Error-Cause', 'Session Context Not Found']])
  await w.report('s-2', 'Start', 0)
  await drop()
  await until(async () => (await w.orders()).length === 2)
  await until(settled(w))
  t.match((await w.orders())[1], { state: 'done', outcome: 'Session Context Not Found' })
})

onEachEngine('an order waits for the connection of its site, and for its session to end', async (t, database) => {
  const w = await world(t, database, 'data', { client: 'radsec/cafe' })
  const drop = () =>
    w.sessions.order({ subscriber: subscriberId('alice-data'), imsi: undefined, action: 'drop', cause: 'suspended' })
  await w.report('s-1', 'Start', 0)
  await drop()
  await until(async () => (await w.orders()).some(({ outcome }) => outcome === 'the access point is not connected'))
  const asked: number[] = []
  w.connections.push({
    async request({ code }) {
      asked.push(code)
      const reply = decode(encode({ code: code + 1, identifier: 0, attributes: [] }))
      return isFault(reply) ? 'timeout' : { packet: reply, reveal: () => undefined }
    },
    close: async () => {},
  })
  await until(settled(w))
  t.same(asked, [CODE['Disconnect-Request']])
  w.connections.splice(0)
  await w.report('s-2', 'Start', 0)
  await w.report('s-1', 'Stop', 0)
  await drop()
  await until(async () => (await w.orders()).length === 2)
  await w.report('s-2', 'Stop', 0)
  await until(settled(w))
  t.match((await w.orders())[1], { state: 'done', outcome: 'the session is over' })
})
