// Roaming's pure parts: which way a name goes, what a hop changes in a packet, which server is asked.
import { pino } from 'pino'
import t from 'tap'
import { millis } from '../../core/kernel/units.ts'
import { secretHiding } from '../../core/transport/radius/answer.ts'
import type { Order, PeerReply, Requester, Silence } from '../../core/transport/radius/client.ts'
import { replyOf } from '../../core/transport/radius/client-udp.ts'
import { signResponse } from '../../core/wire/radius/authenticator.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { hidePassword, hideSalted, revealPassword, revealSalted } from '../../core/wire/radius/hidden.ts'
import {
  all,
  authenticatorOf,
  CODE,
  decode,
  get,
  octetsOf,
  type Packet,
  type RawAttribute,
} from '../../core/wire/radius/packet.ts'
import { backward, delayed, loops, onward, type Terms } from '../../offload/proxy/forward.ts'
import { askFirst, createServerPool } from '../../offload/proxy/pool.ts'
import { createRealmTable } from '../../offload/proxy/realm.ts'
import { until } from './radius-fixture.ts'

const route = (realm: string, ...consortia: string[]) => ({ realm, consortia })
const TABLE = createRealmTable(
  [
    route('example.org'),
    route('*.example.org'),
    route('wlan.mnc410.mcc310.3gppnetwork.org'),
    route('*.3gppnetwork.org'),
    route('hub.example', '5A03BA', 'baa2d0'),
  ],
  ['wlan.mnc001.mcc001.3gppnetwork.org', 'own.example'],
)
const way = (name: string, consortium?: string) => {
  const found = TABLE.routeOf(name, consortium)
  return found && [found.route.realm, found.userName]
}

t.test('realms (RFC 7542, TS 23.003)', async (t) => {
  t.same(way('bob@example.org'), ['example.org', undefined])
  t.same(way('bob@EXAMPLE.Org'), ['example.org', undefined], 'realms have no case')
  t.same(way('a@b@example.org'), ['example.org', undefined], 'the last @ counts')
  t.same(way('@dept.example.org'), ['*.example.org', undefined], 'an anonymous user has a realm')
  t.same(way('0310410123456789@wlan.mnc410.mcc310.3gppnetwork.org'), ['wlan.mnc410.mcc310.3gppnetwork.org', undefined])
  t.same(way('6310260123456789@wlan.mnc260.mcc310.3gppnetwork.org'), ['*.3gppnetwork.org', undefined])
  for (const ours of [
    'bob',
    'bob@',
    'bob@own.example',
    'bob@elsewhere.example',
    '0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org',
  ])
    t.equal(way(ours), undefined, ours)
  for (const nonsense of ['bob@-', 'bob@a..b', 'bob@exa mple.org', `bob@${'a'.repeat(254)}`, 'bob@example.org.'])
    t.equal(way(nonsense), undefined, nonsense)
})

t.test('decorated names, and Roaming Consortium identifiers', async (t) => {
  t.same(way('example.org!bob@own.example'), ['example.org', 'bob@example.org'])
  t.same(way('example.org!dept.example.org!bob@own.example'), ['example.org', 'dept.example.org!bob@example.org'])
  t.equal(way('own.example!bob@own.example'), undefined, 'home is here')
  t.equal(way('!bob@own.example'), undefined)
  t.same(way('bob@unknown.example', '5a03ba0000'), ['hub.example', undefined])
  t.same(way('bob@unknown.example', 'baa2d00000'), ['hub.example', undefined])
  t.equal(way('bob@unknown.example', 'f4f5e80000'), undefined)
  t.same(way('bob@example.org', '5a03ba'), ['example.org', undefined], 'what is said of the realm comes first')
  const everybody = createRealmTable([route('*')], ['own.example'])
  t.equal(everybody.routeOf('bob@any.example', undefined)?.route.realm, '*')
  t.equal(everybody.routeOf('bob', undefined), undefined, 'without a realm it is ours')
})

const NEAR = Buffer.from('near secret')
const FAR = Buffer.from('far secret')
const TAG = Buffer.from('ourselves')
const TERMS: Terms = { tag: TAG, operatorName: '1visited.example', offeredService: 'OpenRoaming Bronze' }

function packetOf(
  code: number,
  attributes: readonly (NamedAttribute | RawAttribute)[],
  authenticator = Buffer.alloc(16, 7),
): Packet {
  const packet = decode(encode({ code, identifier: 1, authenticator, attributes }))
  if (isFault(packet)) throw new Error(packet.fault)
  return packet
}

/** What the home server gets. */
function forwarded(packet: Packet, userName?: string): Packet {
  const authenticator = Buffer.alloc(16, 9)
  const sealing = { hidePassword: (password: Uint8Array) => hidePassword(password, FAR, authenticator) }
  return packetOf(packet.code, onward(packet, secretHiding(packet, NEAR), sealing, userName, TERMS), authenticator)
}

t.test('on: the password is hidden anew, nothing unknown is lost, we say who we are', async (t) => {
  const authenticator = Buffer.alloc(16, 7)
  const packet = packetOf(CODE['Access-Request'], [
    { type: 80, octets: new Uint8Array(16) },
    ['User-Name', 'example.org!bob@own.example'],
    ['User-Password', hidePassword(Buffer.from('open sesame'), NEAR, authenticator)],
    { type: 241, octets: Buffer.from('extended') },
    ['EAP-Message', Buffer.alloc(600, 1)],
    ['Proxy-State', Buffer.from('theirs')],
  ])
  const next = forwarded(packet, 'bob@example.org')
  t.equal(get(next, 'User-Name'), 'bob@example.org')
  const password = revealPassword(octetsOf(next, 'User-Password') ?? new Uint8Array(), FAR, authenticatorOf(next))
  t.equal(Buffer.from(password ?? []).toString(), 'open sesame')
  t.equal((get(next, 'EAP-Message') as Uint8Array).length, 600)
  t.equal(get(next, 'Operator-Name'), '1visited.example')
  t.equal(get(next, 'WBA-Offered-Service'), 'OpenRoaming Bronze')
  t.same(
    all(next, 'Proxy-State').map((octets) => Buffer.from(octets as Uint8Array).toString()),
    ['theirs', 'ourselves'],
  )
  t.equal(octetsOf(next, 'Message-Authenticator'), undefined, 'the next hop signs by itself')
  t.notOk(loops(packet, TAG))
  t.ok(loops(next, TAG), 'what has been here once')
  const many = packetOf(
    1,
    Array.from({ length: 12 }, () => ['Proxy-State', Buffer.from('x')] as const),
  )
  t.ok(loops(many, TAG), 'no real way is so long')
})

t.test('on: CHAP keeps its challenge (RFC 2865 §2.2), an Operator-Name that is there stays', async (t) => {
  const packet = packetOf(CODE['Access-Request'], [
    ['CHAP-Password', Buffer.alloc(17, 3)],
    ['Operator-Name', '1other.example'],
  ])
  const next = forwarded(packet)
  t.same(Buffer.from(octetsOf(next, 'CHAP-Challenge') ?? []), Buffer.alloc(16, 7))
  t.same(all(next, 'Operator-Name'), ['1other.example'])
})

t.test("back: keys are hidden anew, VLANs stay out, Proxy-State is the transport's", async (t) => {
  const request = packetOf(CODE['Access-Request'], [])
  const asked = Buffer.alloc(16, 9)
  const key = Buffer.from('0123456789abcdef0123456789abcdef')
  const bytes = encode({
    code: CODE['Access-Accept'],
    identifier: 1,
    attributes: [
      { type: 80, octets: new Uint8Array(16) },
      ['MS-MPPE-Send-Key', hideSalted(key, 1, FAR, asked)],
      ['MS-MPPE-Recv-Key', Buffer.from('nonsense')],
      ['Tunnel-Private-Group-ID', { tag: 0, value: '42' }],
      ['Session-Timeout', 60],
      ['WISPr-Bandwidth-Max-Up', 1000],
      ['Proxy-State', TAG],
    ],
  })
  signResponse(bytes, asked, FAR)
  const packet = decode(bytes) as Packet
  const hiding = secretHiding(request, NEAR)
  const reply = backward(replyOf(packet, asked, FAR), hiding, false)
  const back = packetOf(reply?.code ?? 0, reply?.attributes ?? [])
  const hidden = octetsOf(back, 'MS-MPPE-Send-Key') ?? new Uint8Array()
  t.same(Buffer.from(revealSalted(hidden, NEAR, authenticatorOf(request)) ?? []), key)
  t.equal(octetsOf(back, 'MS-MPPE-Recv-Key'), undefined, 'what cannot be read is not passed on')
  t.equal(octetsOf(back, 'Tunnel-Private-Group-ID'), undefined)
  t.equal(octetsOf(back, 'Proxy-State'), undefined)
  t.equal(octetsOf(back, 'Message-Authenticator'), undefined)
  t.equal(get(back, 'Session-Timeout'), 60)
  t.equal(get(back, 'WISPr-Bandwidth-Max-Up'), 1000)
  const open = backward(replyOf(packet, asked, FAR), hiding, true)
  t.ok(octetsOf(packetOf(2, open?.attributes ?? []), 'Tunnel-Private-Group-ID'))
  t.equal(backward(replyOf(packetOf(CODE['Accounting-Response'], []), asked, FAR), hiding, false), undefined)
})

t.test('accounting that has waited says for how long (RFC 2866 §5.2)', async (t) => {
  const packet = packetOf(CODE['Accounting-Request'], [
    ['Acct-Status-Type', 'Start'],
    ['Acct-Delay-Time', 5],
  ])
  const attributes = onward(packet, secretHiding(packet, NEAR), { hidePassword: (it) => it }, undefined, TERMS)
  const next = packetOf(4, delayed(attributes, packet, 1_000_000n, 1_090_000n))
  t.same(all(next, 'Acct-Delay-Time'), [95])
  t.equal(get(next, 'Event-Timestamp'), millis(995_000))
  const clocked = packetOf(CODE['Accounting-Request'], [['Event-Timestamp', millis(500_000)]])
  const same = packetOf(
    4,
    delayed(
      onward(clocked, secretHiding(clocked, NEAR), { hidePassword: (it) => it }, undefined, TERMS),
      clocked,
      1_000_000n,
      1_000_000n,
    ),
  )
  t.same(all(same, 'Event-Timestamp'), [millis(500_000)])
})

t.test('fail-over, and the way back by Status-Server (RFC 5997)', async (t) => {
  const asked: string[] = []
  const state = { first: 'timeout' as Silence | 'up' }
  const reply: PeerReply = { packet: packetOf(CODE['Access-Accept'], []), reveal: () => undefined }
  const requester = (name: string, answer: () => Silence | 'up'): Requester => ({
    async request({ code }: Order) {
      asked.push(`${name}:${code}`)
      const given = answer()
      return given === 'up' ? reply : given
    },
    close: async () => {},
  })
  const first = requester('first', () => state.first)
  const second = requester('second', () => 'up')
  const pool = createServerPool(
    [
      { name: 'first', requesters: { access: first, accounting: first }, statusServer: true },
      { name: 'second', requesters: { access: second, accounting: second }, statusServer: true },
    ],
    pino({ enabled: false }),
    { probe: 20, patience: 10 },
  )
  t.teardown(() => pool.close())
  const servers = [...pool.servers.values()]
  const order = { code: 1, attributes: () => [] }
  await askFirst(servers, 'access', order)
  t.same(asked.splice(0), ['first:1', 'second:1'])
  await askFirst(servers, 'access', order)
  asked.splice(0)
  t.notOk(servers[0]?.up(), 'two silences in a row')
  await askFirst(servers, 'access', order)
  t.ok(asked.includes('second:1') && !asked.includes('first:1'), 'nobody waits for it any more')
  await until(() => asked.filter((entry) => entry === 'first:12').length >= 2)
  t.notOk(servers[0]?.up())
  state.first = 'up'
  await until(() => servers[0]?.up() === true)
  asked.splice(0)
  await askFirst(servers, 'access', order)
  t.same(asked, ['first:1'])
})
