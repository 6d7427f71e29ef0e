// hostapd takes our orders (RFC 5176): it wants Message-Authenticator and a fresh Event-Timestamp, and says what it thinks of them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { millis } from '../../core/kernel/units.ts'
import { type Attributes, isSilence } from '../../core/transport/radius/client.ts'
import { createUdpClient } from '../../core/transport/radius/client-udp.ts'
import { CODE } from '../../core/wire/radius/packet.ts'
import { identifications } from '../../offload/control/identification.ts'
import { throttleAttributes } from '../../offload/control/throttle.ts'
import { judgeAnswer, type Verdict } from '../../offload/control/verdict.ts'
import { freeUdpPort } from '../emulators/node.ts'
import { findProgram, launch } from '../emulators/program.ts'

const SECRET = 'interop secret'
const SESSION = { client: 'c', nas: 'ap-1', sessionId: '0123456789ABCDEF', user: 'bob' }

const program = findProgram('hostapd', ['/usr/sbin'])
if (program === undefined) throw new Error('hostapd is missing: install the Debian package hostapd')
const port = await freeUdpPort('127.0.0.1')
const file = join(t.testdir(), 'hostapd.conf')
writeFileSync(
  file,
  `
interface=wlan-test
driver=none
ieee8021x=1
own_ip_addr=127.0.0.1
nas_identifier=ap-1
auth_server_addr=127.0.0.1
auth_server_port=${await freeUdpPort('127.0.0.1')}
auth_server_shared_secret=${SECRET}
radius_das_port=${port}
radius_das_client=127.0.0.1 ${SECRET}
radius_das_require_event_timestamp=1
radius_das_require_message_authenticator=1
`,
)

/** Sends an order about a session that nobody has. */
async function ask(code: number, more: Attributes = [], secret = SECRET, at = Date.now()): Promise<Verdict | string> {
  const client = createUdpClient({ host: '127.0.0.1', port, secret: Buffer.from(secret) })
  const [identification = []] = identifications(SESSION)
  try {
    const attributes = (): Attributes => [...identification, ...more, ['Event-Timestamp', millis(at)]]
    const answer = await client.request({ code, attributes, patience: 1000 })
    return isSilence(answer) ? answer : judgeAnswer(answer.packet)
  } finally {
    await client.close()
  }
}

const hostapd = await launch(program, ['-d', file], {
  patience: 10_000,
  ready: async () => (await ask(CODE['Disconnect-Request'])) !== 'timeout',
})
t.teardown(() => hostapd.stop())

t.test('a session that it does not have', async (t) => {
  t.same(await ask(CODE['Disconnect-Request']), { verdict: 'done', outcome: 'Session Context Not Found' })
})

t.test('attributes that it does not take', async (t) => {
  const rates = throttleAttributes('wispr', { up: 1000n, down: 1000n }, { slow: 'slow', normal: 'normal' })
  t.match(await ask(CODE['CoA-Request'], rates), { verdict: 'reword' })
})

t.test('another secret, and a request of yesterday, get no answer', async (t) => {
  t.equal(await ask(CODE['Disconnect-Request'], [], 'another'), 'timeout')
  t.equal(await ask(CODE['Disconnect-Request'], [], SECRET, Date.now() - 86_400_000), 'timeout')
})
