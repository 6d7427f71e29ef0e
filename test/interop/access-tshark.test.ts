// Wireshark's dissector on conversations with our authentication server: nothing malformed, every authenticator of an answer right, EAP-AKA'
// and EAP-AKA read as what they are.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openStore } from '../../core/store/store.ts'
import { EAP_TYPE } from '../../core/wire/eap/packet.ts'
import { ap, authenticate, phone } from '../emulators/eap-peer.ts'
import { accessWorld, SECRET } from '../emulators/eap-world.ts'
import { findProgram, run } from '../emulators/program.ts'
import { type CapturedDatagram, pcap } from './pcap.ts'

const folder = t.testdir()
const store = await openStore({ path: join(folder, 'access.db') })
t.teardown(() => store.close())
const { port, sims } = await accessWorld(t, store, { folder, sims: 2, confirmSuccess: true })
const access = await ap(port, SECRET)
t.teardown(() => access.close())

const REALM = '@wlan.mnc001.mcc001.3gppnetwork.org'
const captured: CapturedDatagram[] = []
const [sim] = sims
if (sim === undefined) throw new Error('no SIM')
const unknown = { ...sim, imsi: '001019999999999' }
const phones = [
  phone(sim, EAP_TYPE.akaPrime),
  phone(sim, EAP_TYPE.aka),
  phone(sim, EAP_TYPE.akaPrime, `6anonymous${REALM}`),
  phone(unknown, EAP_TYPE.akaPrime),
]
for (const [index, peer] of phones.entries()) {
  const more = [
    ['Chargeable-User-Identity', Uint8Array.of(0)],
    ['Proxy-State', Uint8Array.of(index)],
  ] as const
  const { requests, answers } = await authenticate((octets) => access.ask(octets), peer, SECRET, more)
  for (const [round, octets] of requests.entries()) {
    captured.push({ octets, sourcePort: 40_000 + index, destinationPort: 1812 })
    const answer = answers[round]
    if (answer !== undefined) captured.push({ octets: answer.bytes, sourcePort: 1812, destinationPort: 40_000 + index })
  }
}
const file = join(folder, 'access.pcap')
writeFileSync(file, pcap(captured))

async function tshark(...words: string[]): Promise<string> {
  const program = findProgram('tshark')
  if (program === undefined) throw new Error('tshark is missing: install the Debian package tshark')
  const options = [`radius.shared_secret:${SECRET}`, 'radius.validate_authenticator:TRUE']
  return run(program, ['-r', file, ...options.flatMap((option) => ['-o', option]), ...words])
}

t.test('no complaints', async (t) => {
  const filter = '_ws.malformed or _ws.expert.severity >= 6291456 or radius.authenticator.invalid == 1 or not radius'
  t.equal(await tshark('-Y', filter, '-T', 'fields', '-e', 'frame.number', '-e', '_ws.expert.message'), '')
  t.ok(captured.length > 12)
})

t.test('what it reads', async (t) => {
  const fields = ['radius.code', 'eap.code', 'eap.type', 'eap.aka.subtype'].flatMap((field) => ['-e', field])
  const lines = (await tshark('-T', 'fields', ...fields)).trim().split('\n')
  const of = (code: number, type: string): string[] => lines.filter((line) => line.startsWith(`${code}\t1\t${type}`))
  t.ok(of(11, '50').length >= 4, "challenges of EAP-AKA'")
  t.ok(of(11, '23').length >= 1, 'challenges of EAP-AKA')
  t.equal(lines.filter((line) => line.startsWith('2\t3')).length, 2, 'two Access-Accepts with EAP-Success')
  t.equal(lines.filter((line) => line.startsWith('3\t4')).length, 2, 'two Access-Rejects with EAP-Failure')
})
