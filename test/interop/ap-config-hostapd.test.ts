// The files that we write for hostapd and radsecproxy, read by these programs. hostapd without a radio (driver=none) still reports
// itself to the accounting server and takes Disconnect-Requests: by its packets we see that it understood.
import { spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkRequest } from '../../core/wire/radius/authenticator.ts'
import { decode, get } from '../../core/wire/radius/packet.ts'
import { findProgram, launch, run as runProgram } from '../emulators/program.ts'
import { passpointShell, SECRET, SETTINGS } from '../unit/passpoint-world.ts'

function program(name: string, debian: string): string {
  const path = findProgram(name, ['/usr/sbin'])
  if (path === undefined) throw new Error(`${name} is missing: install the Debian package ${debian}`)
  return path
}

async function bound(): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { socket, port: socket.address().port }
}

async function freePort(): Promise<number> {
  const { socket, port } = await bound()
  socket.close()
  return port
}

/** What radclient says after a Disconnect-Request that names nobody's session. */
async function disconnect(port: number, secret: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const options = ['-x', '-r', '1', '-t', '2', `127.0.0.1:${port}`, 'disconnect', secret]
  const child = spawn(program('radclient', 'freeradius-utils'), options, { stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  child.stdin.end(`User-Name = "nobody"\nEvent-Timestamp = ${now}\nMessage-Authenticator = 0x00\n`)
  await once(child, 'close')
  return output
}

/** The file as it is, but for the radio, which there is none of, and the control socket, whose path would be too long here. */
const withoutRadio = (file: string): void =>
  writeFileSync(
    file,
    readFileSync(file, 'utf8')
      .replace(/^driver=.*$/m, 'driver=none')
      .replace(/^ctrl_interface=.*\n/m, ''),
  )

t.test('hostapd reports itself with the NAS-Identifier and the secret, and takes Disconnect-Requests', async (t) => {
  const { socket, port } = await bound()
  t.teardown(() => socket.close())
  const coaPort = await freePort()
  const { dir, run } = await passpointShell(t, {
    accessPoint: { server: '127.0.0.1', accountingPort: port, coaPort },
  })
  const file = join(dir, 'h.conf')
  await run('radio config', ['cafe-1'], { for: 'hostapd', out: file })
  withoutRadio(file)
  const packets = once(socket, 'message') as Promise<[Buffer]>
  const hostapd = await launch(program('hostapd', 'hostapd'), [file], {
    ready: (output) => output.includes('AP-ENABLED'),
    patience: 20_000,
  })
  t.teardown(() => hostapd.stop())
  const [octets] = await packets
  const packet = decode(octets)
  if (!('bytes' in packet)) throw new Error(`not a RADIUS packet: ${octets.toString('hex')}`)
  t.equal(checkRequest(packet, Buffer.from(SECRET)), 'ok', 'signed with the secret of the file')
  t.equal(get(packet, 'NAS-Identifier'), 'ap-cafe-1')
  t.match(get(packet, 'Called-Station-Id'), new RegExp(`:${SETTINGS.ssid}$`), 'with the SSID as it was set')
  t.match(await disconnect(coaPort, SECRET), /Disconnect-NAK[\s\S]*Session-Context-Not-Found/, 'understood')
  t.match(await disconnect(coaPort, 'another secret'), /No reply/, 'not from a stranger')
})

t.test('hostapd would have said so: a line that makes no sense is refused', async (t) => {
  const { dir, run } = await passpointShell(t, { accessPoint: { server: '127.0.0.1' } })
  const file = join(dir, 'h.conf')
  await run('radio config', ['cafe-1'], { for: 'hostapd', out: file })
  withoutRadio(file)
  const good = readFileSync(file, 'utf8')
  for (const [line, bad] of [
    [/^roaming_consortium=.*$/m, 'roaming_consortium=zz'],
    [/^anqp_3gpp_cell_net=.*$/m, 'anqp_3gpp_cell_net=1,2'],
    [/^radius_das_client=.*$/m, 'radius_das_client=nowhere x'],
  ] as const) {
    writeFileSync(file, good.replace(line, bad))
    await t.rejects(runProgram(program('hostapd', 'hostapd'), [file]), { message: /Line [0-9]+/ }, bad)
  }
})

t.test('radsecproxy takes its file', async (t) => {
  const { dir, run } = await passpointShell(t, {
    accessPoint: { server: '127.0.0.1', radsecServer: '127.0.0.1' },
  })
  const file = join(dir, 'radsecproxy.conf')
  await run('radio config', ['cafe-1'], { for: 'radsecproxy', out: file })
  const text = readFileSync(file, 'utf8')
    .replace('/etc/tallycell/authority.crt', join(dir, 'ca.pem'))
    .replace('/etc/tallycell/cafe-1.crt', join(dir, 'user.pem'))
    .replace('/etc/tallycell/cafe-1.key', join(dir, 'user.key'))
  writeFileSync(file, text)
  const radsecproxy = program('radsecproxy', 'radsecproxy')
  await runProgram(radsecproxy, ['-p', '-f', '-c', file])
  writeFileSync(file, text.replace('type tls', 'type pigeon'))
  await t.rejects(runProgram(radsecproxy, ['-p', '-f', '-c', file]), 'and not any file')
})
