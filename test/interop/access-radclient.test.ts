// FreeRADIUS' radclient at the authentication port: is anybody there, and what becomes of requests that are none of ours.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { openStore } from '../../core/store/store.ts'
import { identityResponse } from '../emulators/eap-peer.ts'
import { accessWorld, SECRET } from '../emulators/eap-world.ts'
import { findProgram } from '../emulators/program.ts'

const folder = t.testdir()
const store = await openStore({ path: join(folder, 'access.db') })
t.teardown(() => store.close())
const { port, metrics } = await accessWorld(t, store, { folder })

async function radclient(command: 'auth' | 'status', lines: readonly string[], secret = SECRET) {
  const program = findProgram('radclient')
  if (program === undefined) throw new Error('radclient is missing: install the Debian package freeradius-utils')
  const child = spawn(program, ['-x', '-r', '1', '-t', '2', `127.0.0.1:${port}`, command, secret])
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  child.stdin.end(`${lines.join('\n')}\n`)
  const [exit] = (await once(child, 'close')) as [number | null]
  return { exit, output }
}

t.test('Status-Server', async (t) => {
  const { exit, output } = await radclient('status', ['Message-Authenticator = 0x00'])
  t.equal(exit, 0, output)
  t.match(output, 'Received Access-Accept')
})

t.test('a password is no EAP: refused, signed', async (t) => {
  const lines = [
    'User-Name = "alice"',
    'User-Password = "secret"',
    'Message-Authenticator = 0x00',
    'Proxy-State = 0x0102',
  ]
  const { output } = await radclient('auth', lines)
  t.match(output, 'Received Access-Reject')
  const [, reply = ''] = output.split('Received Access-Reject')
  t.match(reply, /\tMessage-Authenticator = 0x[0-9a-f]{32}\n\tProxy-State = 0x0102/)
})

t.test('without Message-Authenticator there is no answer', async (t) => {
  const { exit, output } = await radclient('auth', ['User-Name = "alice"', 'User-Password = "secret"'])
  t.equal(exit, 1)
  t.match(output, 'No reply from server')
  t.match(await metrics.metrics(), /access_requests_total\{outcome="no-message-authenticator"\} 1/)
})

t.test('an identity alone gets a challenge with State', async (t) => {
  const eap = Buffer.from(identityResponse('6001010000000000')).toString('hex')
  const lines = ['User-Name = "6001010000000000"', `EAP-Message = 0x${eap}`, 'Message-Authenticator = 0x00']
  const { output } = await radclient('auth', lines)
  t.match(output, 'Received Access-Challenge')
  t.match(output, /\tState = 0x[0-9a-f]+/)
})
