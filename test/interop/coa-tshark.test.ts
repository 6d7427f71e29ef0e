// Wireshark's dissector on what we send when nobody asks: orders to access points, roamers' requests to home servers, our RadSec client.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { millis } from '../../core/kernel/units.ts'
import type { Attributes } from '../../core/transport/radius/client.ts'
import { createUdpClient, STATUS_SERVER } from '../../core/transport/radius/client-udp.ts'
import { CLASSIC } from '../../core/transport/radius/radsec-dialect.ts'
import { CODE, decode, type Packet } from '../../core/wire/radius/packet.ts'
import { encodeResponse } from '../../core/wire/radius/response.ts'
import { identifications } from '../../offload/control/identification.ts'
import { MAKERS, throttleAttributes } from '../../offload/control/throttle.ts'
import { findProgram, run } from '../emulators/program.ts'
import { type CapturedDatagram, pcap } from './pcap.ts'

const SESSION = {
  client: 'c',
  nas: 'ap-1',
  sessionId: '5F3A-1',
  user: '0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org',
}
const PORT = { [CODE['Disconnect-Request']]: 3799, [CODE['CoA-Request']]: 3799 } as Readonly<Record<number, number>>

/** Has tshark read a capture with the shared secret. */
async function tshark(
  t: Test,
  secret: string,
  datagrams: readonly CapturedDatagram[],
  ...args: string[]
): Promise<string> {
  const program = findProgram('tshark')
  if (program === undefined) throw new Error('tshark is missing: install the Debian package tshark')
  const file = join(t.testdir(), 'radius.pcap')
  writeFileSync(file, pcap(datagrams))
  const options = [`radius.shared_secret:${secret}`, 'radius.validate_authenticator:TRUE']
  return run(program, ['-r', file, ...options.flatMap((option) => ['-o', option]), ...args])
}

const FAULTS = ['-Y', '_ws.malformed or _ws.expert or radius.authenticator.invalid == 1 or not radius']

/** Request and answer, as they went over the wire. */
function exchange(bytes: Uint8Array, answer: number, secret: string): CapturedDatagram[] {
  const request = decode(bytes) as Packet
  const port = PORT[request.code] ?? 1812
  return [
    { octets: bytes, sourcePort: 40_000, destinationPort: port },
    { octets: encodeResponse(request, answer, [], Buffer.from(secret)), sourcePort: port, destinationPort: 40_000 },
  ]
}

t.test('orders over UDP: nothing malformed, every attribute known', async (t) => {
  const secret = 'interop secret'
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  const seen: CapturedDatagram[] = []
  socket.on('message', (datagram, from) => {
    const [request, response] = exchange(datagram, (datagram[0] ?? 0) + 1, secret)
    if (request && response) seen.push(request, response)
    if (response) socket.send(response.octets, from.port, from.address)
  })
  const client = createUdpClient({ host: '127.0.0.1', port: socket.address().port, secret: Buffer.from(secret) })
  t.teardown(() => client.close())
  const [identification = []] = identifications(SESSION)
  const roles = { slow: 'slow', normal: 'normal' }
  const demands: Attributes[] = MAKERS.map((maker) =>
    throttleAttributes(maker, { up: 128_000n, down: 512_000n }, roles),
  )
  const time = ['Event-Timestamp', millis(1_795_000_000_000)] as const
  for (const [code, more] of [
    [CODE['Disconnect-Request'], []],
    ...demands.map((demand) => [CODE['CoA-Request'], demand] as const),
    [
      CODE['CoA-Request'],
      [
        ['Service-Type', 'Authorize Only'],
        ['State', Buffer.from('order:1')],
      ],
    ],
  ] as readonly (readonly [number, Attributes])[]) {
    const answer = await client.request({ code, attributes: () => [...identification, ...more, time], patience: 5000 })
    t.type(answer, 'object')
  }
  t.equal(await tshark(t, secret, seen, ...FAULTS), '')
  const decoded = await tshark(t, secret, seen, '-V')
  for (const words of [
    'Disconnect-Request (40)',
    'CoA-Request (43)',
    'Mikrotik-Rate-Limit',
    'Aruba-User-Role',
    'WISPr-Bandwidth-Max-Up',
    'Airespace',
  ])
    t.match(decoded, words)
  t.notMatch(decoded, /Unknown-Attribute|unknown/i)
})

t.test('what our RadSec client writes, without its TLS', async (t) => {
  const secret = 'radsec'
  const attributes: Attributes = [
    ['User-Name', 'bob@partner.example'],
    ['Operator-Name', '1visited.example'],
  ]
  const frames = [
    exchange(CLASSIC.request(1, { ...STATUS_SERVER, patience: 1 }).bytes, CODE['Access-Accept'], secret),
    exchange(
      CLASSIC.request(2, {
        code: CODE['Access-Request'],
        attributes: ({ hidePassword }) => [...attributes, ['User-Password', hidePassword(Buffer.from('open sesame'))]],
        patience: 1,
      }).bytes,
      CODE['Access-Reject'],
      secret,
    ),
    exchange(
      CLASSIC.request(3, {
        code: CODE['Accounting-Request'],
        attributes: () => [['Acct-Status-Type', 'Start'], ['Acct-Session-Id', 's'], ...attributes],
        patience: 1,
      }).bytes,
      CODE['Accounting-Response'],
      secret,
    ).map((frame) => ({
      ...frame,
      ...(frame.sourcePort === 40_000 ? { destinationPort: 1813 } : { sourcePort: 1813 }),
    })),
  ].flat()
  t.equal(await tshark(t, secret, frames, ...FAULTS), '')
  t.match(await tshark(t, secret, frames, '-V'), 'open sesame', 'the password is readable with the secret')
})
