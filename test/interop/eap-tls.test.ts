// EAP-TLS 1.2 and 1.3 against eapol_test, with OpenSSL on the other side of the table.
import { join } from 'node:path'
import t from 'tap'
import { openStore } from '../../core/store/store.ts'
import { makeCertificates } from '../emulators/eap-certificates.ts'
import { eapol } from '../emulators/eap-eapol.ts'
import { accessWorld, SECRET } from '../emulators/eap-world.ts'

const folder = t.testdir()
const ours = makeCertificates(join(folder, 'ours'), ['server', 's-0', 'nobody'])
const strangers = makeCertificates(join(folder, 'strangers'), ['s-0'])
const store = await openStore({ path: join(folder, 'tls.db') })
t.teardown(() => store.close())
const tls = { certificate: ours.read('server.pem'), key: ours.read('server.key'), clientCa: ours.read('ca.pem') }
const { port } = await accessWorld(t, store, { folder, sims: 1, tls })

const network = (name: string, from = ours, phase1 = ''): string[] => [
  'eap=TLS',
  'identity="anonymous@example.org"',
  `ca_cert="${ours.path('ca.pem')}"`,
  `client_cert="${from.path(`${name}.pem`)}"`,
  `private_key="${from.path(`${name}.key`)}"`,
  `phase1="${phase1}"`,
]
const run = (lines: readonly string[], args: readonly string[] = []) =>
  eapol({ port, secret: SECRET, network: lines, args, patience: 8 })

for (const [version, phase1] of [
  ['TLSv1.2', 'tls_disable_tlsv1_3=1'],
  ['TLSv1.3', 'tls_disable_tlsv1_3=0'],
] as const)
  t.test(version, async (t) => {
    const { exit, output } = await run(network('s-0', ours, phase1))
    t.equal(exit, 0, exit === 0 ? 'authenticated' : output.slice(-4000))
    t.match(output, /MPPE keys OK: 1 {2}mismatch: 0/)
    t.match(output, `Using TLS version ${version}`)
  })

t.test('again and again', async (t) => {
  const { exit, output } = await run(network('s-0', ours, 'tls_disable_tlsv1_3=0'), ['-r2'])
  t.equal(exit, 0, exit === 0 ? 'authenticated' : output.slice(-4000))
  t.match(output, /MPPE keys OK: 3 {2}mismatch: 0/)
})

t.test('a certificate of another authority', async (t) => {
  const { exit, output } = await run(network('s-0', strangers))
  t.not(exit, 0)
  t.match(output, /code=3 \(Access-Reject\)/)
})

t.test('a certificate of a subscriber that is none', async (t) => {
  const { exit, output } = await run(network('nobody'))
  t.not(exit, 0)
  t.match(output, /code=3 \(Access-Reject\)/)
})
