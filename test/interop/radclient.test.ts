// FreeRADIUS' radclient as the access point: it signs, sends again, and checks our answers with code that is not ours.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import Database from 'better-sqlite3'
import t from 'tap'
import { createTestNode, imsiOf, radioName } from '../emulators/node.ts'
import { findProgram } from '../emulators/program.ts'

const SECRET = 'interop secret'
const CLIENTS = ['127.0.0.1', '::1']

const node = await createTestNode({
  folder: t.testdir(),
  secret: SECRET,
  clients: CLIENTS,
  hosts: ['127.0.0.1', '::1'],
})
await node.provision(2, 2)
const running = await node.start()
t.teardown(() => running.stop())

interface Answer {
  readonly exit: number | null
  readonly output: string
}

/** Sends requests, each a list of attribute lines, one after the other; once each unless `options` say otherwise. */
async function radclient(
  requests: readonly (readonly string[])[],
  { secret = SECRET, host = '127.0.0.1', options = ['-r', '1', '-t', '5'] } = {},
): Promise<Answer> {
  const program = findProgram('radclient')
  if (program === undefined) throw new Error('radclient is missing: install the Debian package freeradius-utils')
  const server = `${host.includes(':') ? `[${host}]` : host}:${node.radius.port}`
  const child = spawn(program, ['-x', ...options, server, 'acct', secret], { stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  child.stdin.end(requests.map((lines) => `${lines.join('\n')}\n`).join('\n'))
  const [exit] = (await once(child, 'close')) as [number | null]
  return { exit, output }
}

interface Recorded {
  readonly sessions: {
    origin: string
    state: string
    uplink: bigint
    downlink: bigint
    subscriber_id: string
    radio_id: string
  }[]
  readonly events: { sequence: bigint; uplink: bigint; downlink: bigint; cause: string; flags: bigint }[]
}

/** What the database holds of a session, by its Acct-Session-Id. */
function recorded(id: string): Recorded {
  const database = new Database(node.database, { readonly: true })
  try {
    database.defaultSafeIntegers(true)
    const sessions = database
      .prepare(
        `select origin, state, uplink, downlink, subscriber_id, radio_id from usage_session join usage_counter using (session_no)
         where substr(session_key, length(origin) + 2) = ?`,
      )
      .all(id) as Recorded['sessions']
    const events = database
      .prepare(
        `select sequence, uplink, downlink, cause, flags from usage_event where session_id = ? || '#1' order by event_id`,
      )
      .all(id) as Recorded['events']
    return { sessions, events }
  } finally {
    database.close()
  }
}

const count = (text: string, part: string): number => text.split(part).length - 1
const begun = Math.floor(Date.now() / 1000) - 600

/** A report of session `id`: `kind`, seconds since its start, then more attributes. */
const report = (id: string, kind: string, seconds: number, ...more: string[]): string[] => [
  `Acct-Status-Type = ${kind}`,
  `Acct-Session-Id = "${id}"`,
  `User-Name = "${imsiOf(0)}"`,
  `NAS-Identifier = "${radioName(0)}"`,
  'Called-Station-Id = "00-11-22-33-44-55:offload"',
  'Calling-Station-Id = "02-00-5E-10-00-01"',
  'NAS-Port-Type = Wireless-802.11',
  `Acct-Session-Time = ${seconds}`,
  `Event-Timestamp = ${begun + seconds}`,
  ...more,
]
const octets = (uplink: number, downlink: number): string[] => [
  `Acct-Input-Octets = ${uplink}`,
  `Acct-Output-Octets = ${downlink}`,
]
const gigawords = (uplink: number, downlink: number): string[] => [
  `Acct-Input-Gigawords = ${uplink}`,
  `Acct-Output-Gigawords = ${downlink}`,
]

t.test('Start, Interim-Update, Stop', async (t) => {
  const { exit, output } = await radclient([
    report('rc-1', 'Start', 0),
    report('rc-1', 'Interim-Update', 60, ...octets(1_000_000, 9_000_000)),
    report('rc-1', 'Interim-Update', 120, ...octets(1_000_000, 9_500_000)),
    report('rc-1', 'Stop', 150, ...octets(2_000_000, 50_000_000), 'Acct-Terminate-Cause = User-Request'),
  ])
  t.equal(exit, 0, output)
  t.equal(count(output, 'Received Accounting-Response'), 4)
  t.same(recorded('rc-1'), {
    sessions: [
      {
        origin: `radius:client-0:${radioName(0)}`,
        state: 'closed',
        uplink: 2_000_000n,
        downlink: 50_000_000n,
        subscriber_id: 's-0',
        radio_id: radioName(0),
      },
    ],
    events: [
      { sequence: 1n, uplink: 1_000_000n, downlink: 9_000_000n, cause: 'interim', flags: 0n },
      { sequence: 2n, uplink: 0n, downlink: 500_000n, cause: 'interim', flags: 0n },
      { sequence: 3n, uplink: 1_000_000n, downlink: 40_500_000n, cause: 'stop', flags: 0n },
    ],
  })
})

t.test('Gigawords', async (t) => {
  const { exit, output } = await radclient([
    report('rc-2', 'Start', 0),
    report('rc-2', 'Interim-Update', 60, ...octets(4_294_967_295, 0), ...gigawords(0, 1)),
    report('rc-2', 'Stop', 120, ...octets(0, 5), ...gigawords(1, 3)),
  ])
  t.equal(exit, 0, output)
  t.match(recorded('rc-2'), {
    sessions: [{ uplink: 1n << 32n, downlink: (3n << 32n) + 5n }],
    events: [
      { uplink: (1n << 32n) - 1n, downlink: 1n << 32n },
      { uplink: 1n, downlink: (2n << 32n) + 5n },
    ],
  })
})

t.test('over IPv6, with IPv6 attributes', async (t) => {
  const attributes = [
    'NAS-IPv6-Address = 2001:db8::5',
    'Framed-IPv6-Prefix = 2001:db8:1::/64',
    'Framed-Interface-Id = 0:0:0:1',
  ]
  const { exit, output } = await radclient(
    [report('rc-3', 'Start', 0, ...attributes), report('rc-3', 'Stop', 60, ...octets(10, 20), ...attributes)],
    { host: '::1' },
  )
  t.equal(exit, 0, output)
  t.match(recorded('rc-3').sessions, [{ origin: `radius:client-1:${radioName(0)}`, uplink: 10n, downlink: 20n }])
})

t.test('a wrong secret gets no answer and leaves nothing', async (t) => {
  const { exit, output } = await radclient([report('rc-4', 'Start', 0)], {
    secret: 'another',
    options: ['-r', '1', '-t', '1'],
  })
  t.equal(exit, 1)
  t.match(output, 'No reply from server')
  t.same(recorded('rc-4'), { sessions: [], events: [] })
  const metrics = await (await fetch(`${node.http}/metrics`)).text()
  t.match(metrics, /^tallycell_radius_requests_total\{outcome="bad-authenticator"\} 1$/m)
})

t.test('the same report a hundred times, at once', async (t) => {
  await radclient([report('rc-5', 'Start', 0)])
  const { exit, output } = await radclient([report('rc-5', 'Interim-Update', 60, ...octets(1000, 2000))], {
    options: ['-r', '2', '-t', '5', '-c', '100', '-p', '20'],
  })
  t.equal(exit, 0)
  t.equal(count(output, 'Received Accounting-Response'), 100)
  t.match(recorded('rc-5').events, [{ sequence: 1n, uplink: 1000n, downlink: 2000n }])
  t.equal(recorded('rc-5').events.length, 1)
})

t.test('Proxy-State comes back in order (RFC 2865 §5.33), and nothing else', async (t) => {
  const { exit, output } = await radclient([report('rc-6', 'Start', 0, 'Proxy-State = 0x0102', 'Proxy-State = 0x03')])
  t.equal(exit, 0, output)
  const [, reply = ''] = output.split('Received Accounting-Response')
  t.same(reply.match(/^\t.*$/gm), ['\tProxy-State = 0x0102', '\tProxy-State = 0x03'])
})

t.test('vendor and unknown attributes are no obstacle', async (t) => {
  const attributes = ['WISPr-Location-Name = "hall"', 'Cisco-AVPair = "key=value"', 'Attr-241 = 0x0102']
  const { exit, output } = await radclient([report('rc-7', 'Start', 0, ...attributes)])
  t.equal(exit, 0, output)
  t.equal(recorded('rc-7').sessions.length, 1)
})

t.test('a Message-Authenticator in the request', async (t) => {
  const { exit, output } = await radclient([report('rc-9', 'Start', 0, 'Message-Authenticator = 0x00')], {
    options: ['-r', '1', '-t', '1'],
  })
  t.equal(exit, 0, output)
  t.equal(recorded('rc-9').sessions.length, 1)
})

t.test('Accounting-On ends the sessions of its access point', async (t) => {
  await radclient([report('rc-8', 'Start', 0)])
  const on = [
    'Acct-Status-Type = Accounting-On',
    `NAS-Identifier = "${radioName(0)}"`,
    `Event-Timestamp = ${begun + 300}`,
  ]
  const { exit } = await radclient([on])
  t.equal(exit, 0)
  t.match(recorded('rc-8').sessions, [{ state: 'closed' }])
})
