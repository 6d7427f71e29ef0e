// A whole node between foreign programs: radsecproxy in front of our RadSec, FreeRADIUS as home server of roamers, as proxy to us and as the
// access point that is told to end a session.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { createCertificates } from '../emulators/freediameter.ts'
import { createTestNode, freeTcpPort, freeUdpPort, imsiOf, radioName } from '../emulators/node.ts'
import { findProgram, launch } from '../emulators/program.ts'
import { ROAMER, startRoamingFreeradius } from '../emulators/radius-proxy-freeradius.ts'
import { until } from '../unit/radius-fixture.ts'

const SECRET = 'interop secret'
const folder = t.testdir({ freeradius: {}, radsecproxy: {}, hub: {}, node: {} })
const us = { access: await freeUdpPort('127.0.0.1'), accounting: await freeUdpPort('127.0.0.1') }
const radsecPort = await freeTcpPort()
const freeradius = await startRoamingFreeradius({ folder: join(folder, 'freeradius'), secret: SECRET, us })
t.teardown(() => freeradius.stop())
const hubPort = await freeTcpPort()
const certificates = createCertificates(join(folder, 'hub'), ['hub', 'us'])
const dead = await freeUdpPort('127.0.0.1')
const at = (port: number): string => `127.0.0.1:${port}`

const node = await createTestNode({
  folder: join(folder, 'node'),
  secret: SECRET,
  client: { control: at(freeradius.control) },
  radius: {
    listen: [at(us.accounting)],
    access: { listen: [at(us.access)] },
    radsec: { listen: [at(radsecPort)] },
    proxy: {
      operatorName: '1visited.example',
      servers: [
        { name: 'dead', transport: 'udp', address: at(dead), secretFile: 'secret', accountingAddress: at(dead) },
        {
          ...{ name: 'partner', transport: 'udp', address: at(freeradius.home.access) },
          ...{ secretFile: 'secret', accountingAddress: at(freeradius.home.accounting) },
        },
        {
          ...{ name: 'hub', transport: 'tls', address: at(hubPort), serverName: 'hub' },
          ...{ certificateFile: certificates.us?.cert, keyFile: certificates.us?.key },
          authorityFile: certificates.us?.ca,
        },
        {
          ...{ name: 'ourselves', transport: 'udp', address: at(us.access) },
          ...{ secretFile: 'secret', accountingAddress: at(us.accounting) },
        },
      ],
      routes: [
        { realm: 'partner.example', servers: ['partner'] },
        { realm: 'hub.example', servers: ['hub'] },
        { realm: 'slow.example', servers: ['dead', 'partner'] },
        { realm: 'loop.example', servers: ['ourselves'] },
      ],
    },
  },
})
await node.provision(2, 2)
const site = join(folder, 'radsecproxy')
const issued = (await node.command('radio', 'cert', 'issue', radioName(0), '--out', site)) as { serial: string }
const running = await node.start()
t.teardown(() => running.stop())

/** Sends one request, a list of attribute lines. */
async function radclient(
  port: number,
  kind: 'auth' | 'acct' | 'status',
  lines: readonly string[],
  options: readonly string[] = ['-r', '2', '-t', '6'],
): Promise<{ readonly exit: number | null; readonly output: string }> {
  const program = findProgram('radclient')
  if (program === undefined) throw new Error('radclient is missing: install the Debian package freeradius-utils')
  const child = spawn(program, ['-x', ...options, at(port), kind, SECRET], { stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  child.stdin.end(`${lines.join('\n')}\n`)
  const [exit] = (await once(child, 'close')) as [number | null]
  return { exit, output }
}

function rows<Row>(query: string): Row[] {
  const database = new Database(node.database, { readonly: true })
  try {
    return database.prepare(query).all() as Row[]
  } finally {
    database.close()
  }
}

const report = (session: string, status: string, user: string, radio = 0, ...more: string[]): string[] => [
  `Acct-Status-Type = ${status}`,
  `Acct-Session-Id = "${session}"`,
  `User-Name = "${user}"`,
  `NAS-Identifier = "${radioName(radio)}"`,
  ...more,
]
const password = (name: string): string[] => [
  `User-Name = "${name}"`,
  `User-Password = "${ROAMER.password}"`,
  `NAS-Identifier = "${radioName(0)}"`,
  'Message-Authenticator = 0x00',
]

t.test('radsecproxy in front of our RadSec', async (t) => {
  const program = findProgram('radsecproxy', ['/usr/sbin'])
  if (program === undefined) throw new Error('radsecproxy is missing: install the Debian package radsecproxy')
  const port = await freeUdpPort('127.0.0.1')
  const file = join(site, 'radsecproxy.conf')
  writeFileSync(
    file,
    `
ListenUDP ${at(port)}
LogLevel 2

tls default {
  CACertificateFile ${site}/authority.crt
  CertificateFile ${site}/${radioName(0)}.crt
  CertificateKeyFile ${site}/${radioName(0)}.key
}
client nas {
  host 127.0.0.1
  type udp
  secret "${SECRET}"
}
server tallycell {
  host 127.0.0.1
  port ${radsecPort}
  type tls
  secret radsec
  certificateNameCheck off
  StatusServer on
}
realm * {
  server tallycell
  accountingServer tallycell
}
`,
  )
  const proxy = await launch(program, ['-f', '-c', file], {
    cwd: site,
    patience: 10_000,
    ready: async () =>
      (await radclient(port, 'status', ['Message-Authenticator = 0x00'], ['-r', '1', '-t', '1'])).exit === 0,
  })
  t.teardown(() => proxy.stop())
  const own = await radclient(port, 'acct', report('rs-1', 'Start', imsiOf(0)))
  t.equal(own.exit, 0, own.output)
  t.match(rows(`select origin, radio_id, subscriber_id, state from usage_session where session_key like '%rs-1'`), [
    {
      origin: `radius:radsec/${radioName(0)}:${radioName(0)}`,
      radio_id: radioName(0),
      subscriber_id: 's-0',
      state: 'open',
    },
  ])
  const other = await radclient(port, 'acct', report('rs-2', 'Start', imsiOf(0), 1), ['-r', '1', '-t', '1'])
  t.equal(other.exit, 1, 'another radio does not speak through this site')
  t.same(rows(`select 1 from usage_session where session_key like '%rs-2'`), [])
  const roamer = await radclient(port, 'auth', password(ROAMER.name))
  t.match(roamer.output, /Received Access-Accept/, 'a roamer behind a site is sent home')
  t.match(roamer.output, 'MS-MPPE-Send-Key = 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f')
  await node.command('radio', 'cert', 'revoke', issued.serial, '--reason', 'stolen')
  await until(() => running.output().includes('is revoked'))
  const after = await radclient(port, 'acct', report('rs-3', 'Start', imsiOf(0)), ['-r', '1', '-t', '2'])
  t.equal(after.exit, 1, after.output)
})

t.test('FreeRADIUS as the home server of a roamer', async (t) => {
  const { exit, output } = await radclient(us.access, 'auth', [...password(ROAMER.name), 'Proxy-State = 0x6162'])
  t.equal(exit, 0, output)
  t.match(output, /Received Access-Accept/)
  t.match(output, 'Session-Timeout = 3600')
  t.match(output, 'welcome from 1visited.example', 'it knows who we are')
  t.match(output, 'MS-MPPE-Send-Key = 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f')
  t.match(output, /Proxy-State = 0x6162\n/)
  t.notMatch(output, /Received[\s\S]*Tunnel-Private-Group/, 'no foreign VLAN')
  const wrong = await radclient(us.access, 'auth', [
    ...password(ROAMER.name).filter((line) => !line.startsWith('User-Password')),
    'User-Password = "wrong"',
  ])
  t.match(wrong.output, /Received Access-Reject/)
  const accounting = await radclient(us.accounting, 'acct', report('ro-1', 'Start', ROAMER.name))
  t.equal(accounting.exit, 0, accounting.output)
  await until(() => detail().includes('"ro-1"'))
  t.match(detail(), /User-Name = "bob@partner\.example"[\s\S]*Operator-Name = "1visited\.example"/)
  await until(() => rows('select 1 from proxy_accounting').length === 0)
  t.equal(rows(`select 1 from usage_session where session_key like '%ro-1'`).length, 1, 'and it is on our own record')
})

const detail = (): string => {
  try {
    return readFileSync(join(folder, 'freeradius/detail'), 'utf8')
  } catch {
    return ''
  }
}

t.test('radsecproxy as a roaming hub that we reach by RadSec', async (t) => {
  const program = findProgram('radsecproxy', ['/usr/sbin']) ?? ''
  const file = join(folder, 'hub/radsecproxy.conf')
  writeFileSync(
    file,
    `
ListenTLS ${at(hubPort)}
LogLevel 2
tls default {
  CACertificateFile ${certificates.hub?.ca}
  CertificateFile ${certificates.hub?.cert}
  CertificateKeyFile ${certificates.hub?.key}
}
client tallycell {
  host 127.0.0.1
  type tls
  secret radsec
  certificateNameCheck off
}
server home {
  host 127.0.0.1
  port ${freeradius.home.access}
  type udp
  secret "${SECRET}"
}
server home-accounting {
  host 127.0.0.1
  port ${freeradius.home.accounting}
  type udp
  secret "${SECRET}"
}
realm * {
  server home
  accountingServer home-accounting
}
`,
  )
  const hub = await launch(program, ['-f', '-c', file], {
    cwd: join(folder, 'hub'),
    patience: 10_000,
    ready: async () => {
      const { output } = await radclient(us.access, 'auth', password('bob@hub.example'), ['-r', '1', '-t', '3'])
      return output.includes('Received Access-Accept')
    },
  })
  t.teardown(() => hub.stop())
  const { output } = await radclient(us.access, 'auth', password('bob@hub.example'))
  t.match(
    output,
    'MS-MPPE-Send-Key = 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    'hidden three times over',
  )
  const accounting = await radclient(us.accounting, 'acct', report('hub-1', 'Start', 'bob@hub.example'))
  t.equal(accounting.exit, 0, accounting.output)
  await until(() => detail().includes('"hub-1"'))
})

t.test('a home server that is silent is passed over', async (t) => {
  const name = ROAMER.name.replace('partner', 'slow')
  const accounting = await radclient(us.accounting, 'acct', report('slow-1', 'Start', name))
  t.equal(accounting.exit, 0, 'the access point waits for our disk only')
  const { output } = await radclient(us.access, 'auth', password(name), ['-r', '1', '-t', '12'])
  t.match(output, /Received Access-Reject/, 'answered by the second server, which does not know the user')
  await until(() => detail().includes('"slow-1"'))
})

t.test('a loop ends', async (t) => {
  const { output } = await radclient(us.access, 'auth', password('bob@loop.example'))
  t.match(output, /Received Access-Reject/)
  const metrics = await (await fetch(`${node.http}/metrics`)).text()
  t.match(metrics, /tallycell_proxy_requests_total\{result="loop"\} 1/)
})

t.test('FreeRADIUS as a proxy to us', async (t) => {
  const accounting = await radclient(freeradius.proxy.accounting, 'acct', report('px-1', 'Start', imsiOf(1)))
  t.equal(accounting.exit, 0, accounting.output)
  t.equal(rows(`select 1 from usage_session where session_key like '%px-1' and subscriber_id = 's-1'`).length, 1)
  const access = await radclient(freeradius.proxy.access, 'auth', password('nobody@us'))
  t.match(access.output, /Received Access-Reject/)
})

t.test('a suspended subscriber is disconnected at the access point', async (t) => {
  await radclient(us.accounting, 'acct', report('dm-1', 'Start', imsiOf(1)))
  await node.command('subscriber', 'suspend', 's-1', '--reason', 'unpaid')
  await until(
    () =>
      /Packet-Type = Disconnect-Request[\s\S]*|Acct-Session-Id = "dm-1"/.test(detail()) && detail().includes('"dm-1"'),
  )
  await until(
    () =>
      rows(
        `select 1 from control_order join usage_session using (session_no) where session_key like '%dm-1' and control_order.state = 'done'`,
      ).length === 1,
  )
  t.match(
    rows(
      `select kind, outcome from control_order join usage_session using (session_no) where session_key like '%dm-1'`,
    ),
    [{ kind: 'disconnect', outcome: 'acknowledged' }],
  )
})
