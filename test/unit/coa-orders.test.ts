// Orders to access points (RFC 5176), the pure parts: who is meant, how fast, what an answer means.
import t from 'tap'
import type { KnownRadio } from '../../core/events/ports.ts'
import { radioId } from '../../core/kernel/ids.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { attributes, CODE, decode, type Packet } from '../../core/wire/radius/packet.ts'
import { identifications, sessionNameOf } from '../../offload/control/identification.ts'
import { type Maker, throttleAttributes } from '../../offload/control/throttle.ts'
import { backOff, judgeAnswer } from '../../offload/control/verdict.ts'
import { createWays } from '../../offload/control/ways.ts'
import { foreign } from '../../offload/radsec/binding.ts'

function packetOf(code: number, values: readonly NamedAttribute[] = []): Packet {
  const packet = decode(encode({ code, identifier: 1, attributes: values }))
  if (isFault(packet)) throw new Error(packet.fault)
  return packet
}

const shown = (way: Parameters<typeof encode>[0]['attributes']): unknown[] => {
  const packet = decode(encode({ code: 40, identifier: 1, attributes: way })) as Packet
  return attributes(packet).map(({ name, value }) => [name, value])
}

t.test('a session is named as its access point named it', async (t) => {
  const session = sessionNameOf('radius:c:ap-1', 'radius:c:ap-1\u001fs-1', 'bob')
  t.same(session, { client: 'c', nas: 'ap-1', sessionId: 's-1', user: 'bob' })
  t.same(session && identifications(session).map(shown), [
    [
      ['NAS-Identifier', 'ap-1'],
      ['User-Name', 'bob'],
      ['Acct-Session-Id', 's-1'],
    ],
    [
      ['User-Name', 'bob'],
      ['Acct-Session-Id', 's-1'],
    ],
    [['Acct-Session-Id', 's-1']],
  ])
  const by = (origin: string, user = '', id = 's') => {
    const name = sessionNameOf(origin, `${origin}\u001f${id}`, user)
    return name && identifications(name).map(shown)[0]
  }
  t.same(by('radius:c:192.0.2.1'), [
    ['NAS-IP-Address', '192.0.2.1'],
    ['Acct-Session-Id', 's'],
  ])
  t.same(by('radius:c:2001:db8::1'), [
    ['NAS-IPv6-Address', '2001:db8::1'],
    ['Acct-Session-Id', 's'],
  ])
  t.same(by('radius:c:c'), [['Acct-Session-Id', 's']], 'it said nothing of itself')
  const odd = sessionNameOf('radius:radsec/cafe:hex:fffe', 'radius:radsec/cafe:hex:fffe\u001fhex:00', 'hex:ff')
  t.same(odd && identifications(odd)[0], [
    { type: 32, octets: Buffer.from([0xff, 0xfe]) },
    { type: 1, octets: Buffer.from([0xff]) },
    { type: 44, octets: Buffer.from([0]) },
  ])
  t.equal(sessionNameOf('gy:smf', 'gy:smf\u001fs', ''), undefined)
})

t.test('a speed in the words of each maker', async (t) => {
  const roles = { slow: 'slow', normal: 'normal' }
  const at = (maker: Maker, up?: bigint, down?: bigint) =>
    Object.fromEntries(
      throttleAttributes(maker, { up, down }, roles).map((attribute) => attribute as [string, unknown]),
    )
  t.same(at('mikrotik', 128_000n, 512_000n), { 'Mikrotik-Rate-Limit': '128000/512000' })
  t.same(at('mikrotik'), { 'Mikrotik-Rate-Limit': '0/0' })
  t.same(at('wispr', 128_000n, 512_000n), { 'WISPr-Bandwidth-Max-Up': 128_000, 'WISPr-Bandwidth-Max-Down': 512_000 })
  t.same(at('wispr', 1n << 40n, 1n), { 'WISPr-Bandwidth-Max-Up': 0xffffffff, 'WISPr-Bandwidth-Max-Down': 1 })
  t.same(at('aruba', 1n, 1n), { 'Aruba-User-Role': 'slow' })
  t.same(at('aruba'), { 'Aruba-User-Role': 'normal' })
  t.match(at('ruckus', 1000n, 2000n), { 'Ruckus-User-Groups': 'slow', 'WISPr-Bandwidth-Max-Up': 1000 })
  t.match(at('cisco', 500n, 2_000_000n), {
    'Airespace-Data-Bandwidth-Average-Contract': 2000,
    'Airespace-Data-Bandwidth-Average-Contract-Upstream': 1,
  })
  t.match(at('cisco'), { 'Airespace-Data-Bandwidth-Average-Contract': 0 })
})

t.test('every Error-Cause has its consequence (RFC 5176 §3.5)', async (t) => {
  const nak = (cause?: number) =>
    judgeAnswer(packetOf(42, cause === undefined ? [] : [['Error-Cause', cause as never]])).verdict
  t.equal(judgeAnswer(packetOf(CODE['Disconnect-ACK'])).verdict, 'done')
  t.equal(judgeAnswer(packetOf(CODE['CoA-ACK'])).verdict, 'done')
  t.equal(judgeAnswer(packetOf(CODE['Access-Accept'])).verdict, 'retry')
  t.equal(nak(), 'reword')
  for (const cause of [201, 503, 507]) t.equal(nak(cause), 'done', String(cause))
  for (const cause of [401, 402, 403, 404, 407]) t.equal(nak(cause), 'reword', String(cause))
  for (const cause of [502, 504, 505, 506]) t.equal(nak(cause), 'retry', String(cause))
  for (const cause of [202, 405, 406, 501, 508, 999]) t.equal(nak(cause), 'failed', String(cause))
  t.equal(backOff(1, 0.5), 2000)
  t.equal(backOff(4, 0.5), 16_000)
  t.equal(backOff(60, 1), 330_000)
})

t.test('the way to an access point', async (t) => {
  const secret = Buffer.from('s')
  const client = (name: string, address: string, control?: { host: string; port: number }) => ({
    ...{ name, address, secret, control },
    maker: undefined,
  })
  const ways = createWays(
    {
      clients: [
        client('one', '127.0.0.1'),
        client('net', '127.0.0.0/24'),
        client('told', '10.0.0.0/8', { host: '127.0.0.9', port: 1700 }),
      ],
      isSite: (name) => name.startsWith('radsec/'),
      connections: () => [],
    },
    { port: 3799, maker: 'wispr' },
  )
  t.teardown(() => ways.close())
  const to = (name: string, nas: string) => ways.wayTo({ client: name, nas, sessionId: 's', user: '' })
  t.type(to('one', 'ap-1'), 'object')
  t.type(to('net', '127.0.0.7'), 'object', 'its NAS-IP-Address lies in the network')
  t.match(to('net', '192.0.2.1'), /nobody knows the address/, 'another address is not believed')
  t.match(to('net', 'ap-1'), /nobody knows the address/)
  t.type(to('told', 'ap-1'), 'object')
  t.match(to('gone', 'ap-1'), /has no gone any more/)
  t.equal(to('radsec/cafe', 'ap-1'), undefined, 'another node may have the connection')
})

t.test('a certificate covers its own site only', async (t) => {
  const known = (name: string): KnownRadio => ({ radio: radioId(name), access: 'wifi', class: undefined })
  let refreshed = 0
  const radios = {
    byNasIdentifier: (name: string) => (name.startsWith('ap-') ? known(name) : undefined),
    byCalledStation: (bssid: string) => (bssid === '001122334455' ? known('ap-9') : undefined),
    refresh: async () => {
      refreshed++
    },
  }
  const certificate = { radio: radioId('ap-1'), members: [radioId('ap-1'), radioId('ap-2')] }
  const judged = (...values: NamedAttribute[]) => foreign(certificate, radios, packetOf(4, values))
  t.equal(judged(['NAS-Identifier', 'ap-1']), undefined)
  t.equal(judged(['NAS-Identifier', 'ap-2']), undefined)
  t.match(judged(['NAS-Identifier', 'ap-3']), /names the radio ap-3/)
  t.match(judged(['NAS-Identifier', 'ap-1'], ['Called-Station-Id', '00-11-22-33-44-55:net']), /names the radio ap-9/)
  t.equal(refreshed, 0)
  t.match(judged(), /registered radio/)
  t.match(judged(['NAS-Identifier', 'stranger']), /registered radio/)
  t.equal(refreshed, 2, 'it may have been registered a moment ago')
})
