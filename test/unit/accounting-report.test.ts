import t from 'tap'
import { millis } from '../../core/kernel/units.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { CODE, decode, type Packet } from '../../core/wire/radius/packet.ts'
import { imsiOf, readReport } from '../../offload/accounting/report.ts'

const NOW = 1_795_000_000_000n

function packet(attributes: readonly NamedAttribute[], raw: readonly number[] = []): Packet {
  const bytes = encode({ code: CODE['Accounting-Request'], identifier: 1, attributes })
  const whole = Buffer.concat([bytes, Buffer.from(raw)])
  whole.writeUInt16BE(whole.length, 2)
  const decoded = decode(whole)
  if (isFault(decoded)) throw new Error(decoded.fault)
  return decoded
}

const INTERIM: readonly NamedAttribute[] = [
  ['Acct-Status-Type', 'Interim-Update'],
  ['Acct-Session-Id', 's1'],
  ['User-Name', '001010000000001'],
  ['NAS-Identifier', 'ap-1'],
  ['Called-Station-Id', '00-00-5E-00-53-01:ssid'],
  ['Acct-Input-Octets', 7],
  ['Acct-Input-Gigawords', 2],
  ['Acct-Output-Octets', 9],
  ['Acct-Session-Time', 60],
]

t.test('an interim with everything', async (t) => {
  const read = readReport(packet([...INTERIM, ['Event-Timestamp', millis(1_794_999_000_000)]]), NOW)
  t.same(read, {
    kind: 'session',
    sessionId: 's1',
    report: {
      status: 'interim',
      at: 1_794_999_000_000n,
      timestamped: true,
      seconds: 60n,
      uplink: { total: 2n * 2n ** 32n + 7n, gigawords: true },
      downlink: { total: 9n, gigawords: false },
      identity: '001010000000001',
    },
    from: { nasIdentifier: 'ap-1', nas: 'ap-1', bssid: '00005e005301' },
  })
})

t.test('without Event-Timestamp the delay counts back from the receipt', async (t) => {
  const read = readReport(packet([...INTERIM, ['Acct-Delay-Time', 30]]), NOW)
  t.match(read, { report: { at: NOW - 30_000n, timestamped: false } })
})

t.test('a delay of decades does not lead before 1970', async (t) => {
  const read = readReport(packet([...INTERIM, ['Acct-Delay-Time', 0xffffffff]]), NOW)
  t.match(read, { report: { at: 0n, timestamped: false } })
})

t.test('what cannot be recorded is refused, never guessed', async (t) => {
  t.equal(readReport(packet([['Acct-Session-Id', 's1']]), NOW), 'no-status')
  t.equal(readReport(packet([['Acct-Status-Type', 'Interim-Update']]), NOW), 'no-session-id')
  t.equal(
    readReport(
      packet([
        ['Acct-Status-Type', 15],
        ['Acct-Session-Id', 's1'],
      ]),
      NOW,
    ),
    'unknown-status',
  )
  const start: NamedAttribute[] = [
    ['Acct-Status-Type', 'Start'],
    ['Acct-Session-Id', 's1'],
  ]
  // Acct-Input-Octets, Event-Timestamp and Acct-Delay-Time of three octets, Acct-Input-Gigawords of five.
  for (const wrong of [
    [42, 5, 1, 2, 3],
    [55, 5, 1, 2, 3],
    [41, 5, 1, 2, 3],
    [42, 6, 0, 0, 0, 1, 52, 7, 0, 0, 0, 0, 0],
  ])
    t.equal(readReport(packet(start, wrong), NOW), 'bad-value', `${wrong}`)
  t.equal(readReport(packet(start, [42, 6, 0, 0, 0, 1, 52, 6, 0, 0x10, 0, 0]), NOW), 'bad-value', '4 PiB')
  t.match(readReport(packet(start, [42, 6, 0, 0, 0, 1, 52, 6, 0, 0x0f, 0xff, 0xff]), NOW), { kind: 'session' })
})

t.test('an absent counter is absent, not zero', async (t) => {
  const read = readReport(
    packet([
      ['Acct-Status-Type', 'Stop'],
      ['Acct-Session-Id', 's1'],
    ]),
    NOW,
  )
  t.match(read, { report: { uplink: { total: -1n }, downlink: { total: -1n }, seconds: -1n } })
})

t.test('identifiers that are no text, or hold control characters, become hex', async (t) => {
  const start: NamedAttribute[] = [['Acct-Status-Type', 'Start']]
  t.match(readReport(packet(start, [44, 4, 0xff, 0xfe]), NOW), { sessionId: 'hex:fffe' })
  t.match(readReport(packet(start, [44, 4, 0x61, 0x1f]), NOW), { sessionId: 'hex:611f' })
})

t.test('who reports: NAS-Identifier, else the address; Accounting-On names no session', async (t) => {
  const on: NamedAttribute[] = [['Acct-Status-Type', 'Accounting-On']]
  t.match(readReport(packet([...on, ['NAS-IP-Address', '192.0.2.1']]), NOW), {
    kind: 'restart',
    from: { nas: '192.0.2.1' },
  })
  t.match(readReport(packet([...on, ['NAS-IPv6-Address', '2001:db8::1']]), NOW), { from: { nas: '2001:db8::1' } })
  t.match(readReport(packet(on, [32, 5, 0x61, 0x1f, 0x62]), NOW), { from: { nas: 'hex:611f62' } })
  t.match(readReport(packet(on), NOW), { kind: 'restart', at: NOW, from: { nas: undefined } })
})

t.test('the IMSI in a User-Name', async (t) => {
  t.equal(imsiOf('001010000000001'), '001010000000001')
  for (const method of ['0', '1', '6'])
    t.equal(imsiOf(`${method}001010000000001@wlan.mnc001.mcc001.3gppnetwork.org`), '001010000000001')
  t.equal(imsiOf('alice@example.org'), undefined)
  t.equal(imsiOf('2pseudonym@wlan.mnc001.mcc001.3gppnetwork.org'), undefined)
  t.equal(imsiOf(''), undefined)
})
