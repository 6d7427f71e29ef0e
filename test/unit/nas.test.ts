import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { millis } from '../../core/kernel/units.ts'
import { checkRequest, signResponse } from '../../core/wire/radius/authenticator.ts'
import { encode } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { authenticatorOf, CODE, decode, get, type Packet } from '../../core/wire/radius/packet.ts'
import { createNas, RFC5080, waits } from '../../deploy/demo/nas.ts'

const SECRET = Buffer.from('testing123')
const QUICK = { initial: 5, longest: 10, count: 50, duration: 5000 }

/** A server that gives each datagram to `answer`, which returns what goes back. */
async function server(t: Test, answer: (packet: Packet, count: number) => Uint8Array[]) {
  const socket = createSocket('udp4')
  t.teardown(() => new Promise<void>((resolve) => socket.close(resolve)))
  const datagrams: Buffer[] = []
  socket.on('message', (datagram, from: RemoteInfo) => {
    datagrams.push(datagram)
    const packet = decode(datagram)
    if (isFault(packet)) throw new Error(packet.fault)
    for (const reply of answer(packet, datagrams.length)) socket.send(reply, from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { host: '127.0.0.1', port: socket.address().port, datagrams }
}

function response(packet: Packet, secret = SECRET): Uint8Array {
  const bytes = encode({ code: CODE['Accounting-Response'], identifier: packet.identifier, attributes: [] })
  signResponse(bytes, authenticatorOf(packet), secret)
  return bytes
}

t.test('a session in 64-bit counters, signed', async (t) => {
  const { datagrams, ...address } = await server(t, (packet) => [response(packet)])
  const nas = await createNas({
    server: address,
    secret: SECRET,
    identifier: 'ap-1',
    calledStation: '00-11-22-33-44-55:offload',
  })
  t.teardown(() => nas.close())
  const session = nas.session({ id: 's-1', user: '001010000000001', station: '02-00-5E-10-00-01' })
  const at = millis(1_767_225_600_000)
  await session.start(at)
  await session.interim({ uplink: 1n, downlink: (5n << 32n) + 7n, seconds: 60, at })
  await session.stop({ uplink: 2n ** 64n - 1n, downlink: 2n ** 32n, seconds: 61, at })
  const packets = datagrams.map((datagram) => {
    const packet = decode(datagram)
    if (isFault(packet)) throw new Error(packet.fault)
    t.equal(checkRequest(packet, SECRET), 'ok')
    return packet
  })
  const read = (packet: Packet) =>
    (
      [
        'Acct-Status-Type',
        'Acct-Input-Octets',
        'Acct-Input-Gigawords',
        'Acct-Output-Octets',
        'Acct-Output-Gigawords',
      ] as const
    ).map((name) => get(packet, name))
  t.same(packets.map(read), [
    ['Start', undefined, undefined, undefined, undefined],
    ['Interim-Update', 1, 0, 7, 5],
    ['Stop', 0xffffffff, 0xffffffff, 0, 1],
  ])
  t.same(
    packets.map((packet) => [
      get(packet, 'Acct-Session-Id'),
      get(packet, 'NAS-Identifier'),
      get(packet, 'Event-Timestamp'),
    ]),
    Array.from({ length: 3 }, () => ['s-1', 'ap-1', at]),
  )
})

t.test('the same octets again until a valid answer comes', async (t) => {
  const seen: string[] = []
  const { datagrams, ...address } = await server(t, (packet, count) => {
    if (count < 3) return []
    if (count < 5) return [response(packet, Buffer.from('another secret')), Buffer.from('rubbish')]
    return [response(packet), response(packet)]
  })
  const nas = await createNas({
    server: address,
    secret: SECRET,
    identifier: 'ap-1',
    retransmission: QUICK,
    observe: (_datagram, direction) => seen.push(direction),
  })
  t.teardown(() => nas.close())
  await nas.on()
  t.ok(datagrams.length >= 5)
  for (const datagram of datagrams) t.same(datagram, datagrams[0])
  t.equal(seen.filter((direction) => direction === 'received').length, 1)
})

t.test('no answer', async (t) => {
  const { datagrams, ...address } = await server(t, () => [])
  const retransmission = { ...QUICK, count: 3 }
  const nas = await createNas({ server: address, secret: SECRET, identifier: 'ap-1', retransmission })
  await t.rejects(nas.on(), { code: 'RADIUS_NO_ANSWER' })
  t.equal(datagrams.length, 3)
  const waiting = t.rejects(nas.session({ id: 's', user: 'u' }).start(), { code: 'RADIUS_NO_ANSWER' })
  await nas.close()
  await waiting
})

t.test('more requests than identifiers take their turn', async (t) => {
  const { datagrams, ...address } = await server(t, (packet) => [response(packet)])
  const nas = await createNas({ server: address, secret: SECRET, identifier: 'ap-1', retransmission: QUICK })
  t.teardown(() => nas.close())
  await Promise.all(Array.from({ length: 600 }, (_, index) => nas.session({ id: `s-${index}`, user: 'u' }).start()))
  const sessions = datagrams.map((datagram) => {
    const packet = decode(datagram)
    return isFault(packet) ? undefined : get(packet, 'Acct-Session-Id')
  })
  t.equal(new Set(sessions).size, 600)
})

t.test('waits double up to the longest and end with the duration (RFC 5080 §2.2.1)', async (t) => {
  t.same([...waits(RFC5080, () => 0.5)], [2000, 4000, 8000, 16_000])
  t.same([...waits({ ...RFC5080, count: 3 }, () => 0.5)], [2000, 4000, 8000])
  const parameters = fc.record({
    initial: fc.integer({ min: 1, max: 5000 }),
    longest: fc.integer({ min: 1, max: 20_000 }),
    count: fc.integer({ min: 1, max: 20 }),
    duration: fc.integer({ min: 1, max: 60_000 }),
  })
  const random = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 })
  fc.assert(
    fc.property(parameters, random, (retransmission, rolls) => {
      let roll = 0
      const all = [...waits(retransmission, () => rolls[roll++ % rolls.length] ?? 0)]
      const longest = Math.max(retransmission.initial, retransmission.longest) * 1.1 + 1e-6
      const sum = all.reduce((total, wait) => total + wait, 0)
      return (
        all.length > 0 &&
        all.length <= retransmission.count &&
        all.every((wait) => wait > 0 && wait <= longest) &&
        sum <= retransmission.duration + 1e-6
      )
    }),
  )
})
