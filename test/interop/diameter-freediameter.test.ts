// Debian's freeDiameterd between an emulated SMF and our node, as a peer that calls and one that is called, in the clear and over TLS. It is the stack of
// Open5GS: what its dictionaries refuse, a real SMF refuses.
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { all, get, type Message } from '../../core/wire/diameter/message.ts'
import { message, recorded, recordings } from '../emulators/diameter-recording.ts'
import {
  type Certificate,
  createCertificates,
  type FreeDiameter,
  startFreeDiameter,
} from '../emulators/freediameter.ts'
import { createGySmf } from '../emulators/gy-smf.ts'
import { startNode, until } from '../unit/diameter-fixture.ts'

const HOST = '127.0.0.1'
const RELAY = 'relay.localdomain'
const OCS = 'ocs.localdomain'

const files = ({ ca, cert, key }: Certificate) => ({
  ca: readFileSync(ca),
  cert: readFileSync(cert),
  key: readFileSync(key),
})

async function relay(
  t: Test,
  folder: string,
  certificate: Certificate,
  options: {
    readonly admits?: readonly string[]
    readonly connects?: { identity: string; port: number; tls: boolean }[]
  },
): Promise<FreeDiameter> {
  const daemon = await startFreeDiameter({
    folder,
    identity: RELAY,
    realm: 'localdomain',
    admits: ['smf.localdomain'],
    certificate,
    ...options,
  })
  t.teardown(() => daemon.stop('SIGKILL'))
  return daemon
}

/** The CCRs of a recording, as sent. */
const ccrs = (name: string): Uint8Array[] =>
  recorded(name)
    .filter(({ octets, to }) => to === '127.0.0.30:3868' && message(octets).command === 272)
    .map(({ octets }) => octets)

/** Complaints in its log, but for what it says of connections that end. */
const complaints = (daemon: FreeDiameter): string[] =>
  daemon
    .output()
    .split('\n')
    .filter((line) => / (ERROR|FATAL!) /.test(line))

for (const tls of [false, true]) {
  t.test(`it calls us and relays every recorded CCR, ${tls ? 'over TLS' : 'in the clear'}`, async (t) => {
    const folder = t.testdir()
    const certificates = createCertificates(folder, [RELAY, OCS]) as Record<string, Certificate>
    const { port, handled, node } = await startNode(t, {
      peers: [{ identity: RELAY, tlsOnly: tls }],
      listen: [{ host: HOST, port: 0, ...(tls ? { tls: files(certificates[OCS] as Certificate) } : {}) }],
    })
    const daemon = await relay(t, folder, certificates[RELAY] as Certificate, {
      connects: [{ identity: OCS, port, tls }],
    })
    await until(() => node.connected().includes(RELAY))
    const smf = await createGySmf({ host: HOST, port: daemon.port })
    t.equal(get(smf.cea, 'Result-Code'), 2001)
    let count = 0
    for (const name of recordings()) {
      for (const octets of ccrs(name)) {
        const asked = message(octets)
        const answer = await smf.raw(octets)
        t.same(
          [get(answer, 'Result-Code'), get(answer, 'Origin-Host'), answer.hopByHop, answer.endToEnd],
          [2001, OCS, asked.hopByHop, asked.endToEnd],
          `${name}: ${String(get(asked, 'CC-Request-Type'))}`,
        )
        count++
      }
    }
    // Open5GS counts its End-to-End Identifiers from the time: two recordings that share one are one request.
    t.ok(handled.length > 50 && handled.length <= count, `${handled.length} of ${count}`)
    t.same(all((handled[0] as { message: Message }).message, 'Route-Record'), ['smf.localdomain'])
    t.same(complaints(daemon), [])
    smf.close()
  })
}

t.test('we call it, keep watch with it, and part from it', async (t) => {
  const folder = t.testdir()
  const certificates = createCertificates(folder, [RELAY, OCS]) as Record<string, Certificate>
  const daemon = await relay(t, folder, certificates[RELAY] as Certificate, { admits: [OCS, 'smf.localdomain'] })
  const { node, log } = await startNode(t, {
    listen: [],
    watchdog: 6000,
    peers: [{ identity: RELAY, connect: { host: HOST, port: daemon.port } }],
  })
  await until(() => node.connected().includes(RELAY))
  const smf = await createGySmf({ host: HOST, port: daemon.port })
  const [first] = ccrs('4g-attach-gy')
  if (first === undefined) return t.fail('no recording')
  t.equal(get(await smf.raw(first), 'Result-Code'), 2001)
  smf.close()
  await until(() => /Device-Watchdog-Answer/.test(daemon.output()))
  t.same(node.connected(), [RELAY])
  await daemon.stop('SIGTERM')
  // It parted with a DPR.
  await until(() => log.some(({ reason }) => reason === 'the peer disconnected'))
  t.same(node.connected(), [])
})

t.test('a certificate of another name is no peer', async (t) => {
  const certificates = createCertificates(t.testdir(), ['other.localdomain', RELAY, OCS]) as Record<string, Certificate>
  const { port, node, log } = await startNode(t, {
    peers: [{ identity: RELAY, tlsOnly: true }],
    listen: [{ host: HOST, port: 0, tls: files(certificates[OCS] as Certificate) }],
  })
  const call = (certificate: string) =>
    startNode(t, {
      identity: RELAY,
      listen: [],
      peers: [{ identity: OCS, connect: { host: HOST, port, tls: files(certificates[certificate] as Certificate) } }],
    })
  await call('other.localdomain')
  await until(() => log.some(({ result }) => result === 3010))
  t.same(node.connected(), [])
  await call(RELAY)
  await until(() => node.connected().includes(RELAY))
})

t.test('a request that nobody serves comes back from it with 3002', async (t) => {
  const folder = t.testdir()
  const certificates = createCertificates(folder, [RELAY]) as Record<string, Certificate>
  const daemon = await relay(t, folder, certificates[RELAY] as Certificate, {})
  const smf = await createGySmf({ host: HOST, port: daemon.port })
  const [first] = ccrs('4g-attach-gy')
  if (first === undefined) return t.fail('no recording')
  t.equal(get(await smf.raw(first), 'Result-Code'), 3002)
  smf.close()
})
