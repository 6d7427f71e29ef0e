// Wireshark's dissector on what we send: nothing malformed, no fault found, whichever AVP of the dictionary it is.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { millis } from '../../core/kernel/units.ts'
import type { ValueType } from '../../core/wire/diameter/dict/row.ts'
import { type AvpInput, type Definition, definitions } from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { message, recorded } from '../emulators/diameter-recording.ts'
import { createGySmf } from '../emulators/gy-smf.ts'
import { findProgram, run } from '../emulators/program.ts'
import { startNode } from '../unit/diameter-fixture.ts'
import { pcap } from './pcap.ts'

async function tshark(t: Test, messages: readonly Uint8Array[], ...args: string[]): Promise<string[]> {
  const program = findProgram('tshark')
  if (program === undefined) throw new Error('tshark is missing: install the Debian package tshark')
  const file = join(t.testdir(), 'diameter.pcap')
  writeFileSync(file, pcap(messages.map((octets) => ({ octets, sourcePort: 3868, destinationPort: 3868 }))))
  const text = await run(program, [
    '-r',
    file,
    '-d',
    'udp.port==3868,diameter',
    '-o',
    'udp.check_checksum:FALSE',
    ...args,
  ])
  return text.split('\n').filter((line) => line !== '')
}
const FIELDS = ['-T', 'fields', '-e', 'frame.number', '-e', '_ws.expert.message', '-e', 'diameter.avp.code']
const complaints = (t: Test, messages: readonly Uint8Array[]): Promise<string[]> =>
  tshark(t, messages, '-Y', '_ws.malformed or _ws.expert or not diameter', ...FIELDS)

/** Frames of less than 36 octets are not taken for Diameter. */
const SESSION: AvpInput = ['Session-Id', 'host.example.com;1;2']

const SAMPLES: Record<Exclude<ValueType, 'group'>, unknown> = {
  octets: Buffer.from('0102030405060708', 'hex'),
  text: 'text',
  identity: 'host.example.com',
  uri: 'aaa://host.example.com:3868;transport=tcp',
  filter: 'permit out ip from any to any',
  i32: -1,
  i64: -1n,
  u32: 1,
  u64: 1n,
  f32: 0.5,
  enum: 1,
  address: '192.0.2.1',
  time: millis(1_767_225_600_000),
  ipv4: '192.0.2.1',
}
/** Where the octets or the text have a form of their own. */
const CONTENT: Readonly<Record<string, unknown>> = {
  '3GPP-GPRS-Negotiated-QoS-Profile': '99-0b921f7397fefe74f9ffff00',
  '3GPP-IMSI-MCC-MNC': '00101',
  '3GPP-SGSN-MCC-MNC': '00101',
  '3GPP-SGSN-Ipv6-Address': Buffer.from('20010db8000000000000000000000001', 'hex'),
  // An SSID of four octets (TS 29.274 §8.100).
  'TWAN-Identifier': Buffer.from('000474657374', 'hex'),
  'RAN-NAS-Release-Cause': Buffer.from('1001', 'hex'),
  'Presence-Reporting-Area-Elements-List': Buffer.alloc(16),
  'Visited-PLMN-Id': Buffer.from('00f110', 'hex'),
  'Group-PLMN-Id': Buffer.from('00f110', 'hex'),
}

function sample({ name, row }: Definition): AvpInput {
  const [known] = Object.values(row.values ?? {})
  const value = CONTENT[name] ?? known ?? (row.type === 'group' ? [SESSION] : SAMPLES[row.type])
  return [name, value] as unknown as AvpInput
}

t.test('every AVP of the dictionary', async (t) => {
  const messages = definitions().map((definition, index) =>
    encode({
      flags: 0xc0,
      command: 272,
      application: 4,
      hopByHop: index,
      endToEnd: index,
      avps: [SESSION, sample(definition)],
    }),
  )
  const names = new Map(definitions().map(({ name }, index) => [String(index + 1), name]))
  // Wireshark 4.0 does not have all of RFC 8506 and of the later 3GPP releases.
  const lines = (await complaints(t, messages)).filter((line) => !/\tUnknown AVP [0-9]+ [^\t]*\t/.test(line))
  t.ok(messages.length > 950)
  t.same(
    lines.map((line) => `${names.get(line.split('\t')[0] ?? '')}: ${line}`),
    [],
  )
})

t.test('a torn AVP shows, so that its absence means something', async (t) => {
  const torn = Buffer.from(
    encode({ flags: 0xc0, command: 272, application: 4, hopByHop: 1, endToEnd: 1, avps: [SESSION, ['CC-Time', 1]] }),
  )
  torn[51] = 200
  t.equal((await complaints(t, [torn])).length, 1)
})

t.test('what our node answers to the recorded requests', async (t) => {
  const { port } = await startNode(t)
  const smf = await createGySmf({ host: '127.0.0.1', port })
  t.teardown(() => smf.close())
  const requests = recorded('4g-attach-gy').filter(
    ({ octets, to }) => to === '127.0.0.30:3868' && message(octets).command === 272,
  )
  const answers = [smf.cea]
  for (const { octets } of requests) answers.push(await smf.raw(octets))
  const messages = answers.map(({ bytes }) => bytes)
  t.same(await complaints(t, messages), [])
  const fields = [
    'diameter.cmd.code',
    'diameter.Result-Code',
    'diameter.CC-Request-Number',
    'diameter.CC-Total-Octets',
    'diameter.Validity-Time',
  ]
  t.same(await tshark(t, messages, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])), [
    '257\t2001\t\t\t',
    ...requests.map((_, index) => `272\t2001,2001\t${index}\t1000000\t12`),
  ])
})
