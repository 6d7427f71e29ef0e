// Wireshark's dissector on what we send: nothing malformed, every authenticator right, every attribute by the name we know.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { millis } from '../../core/kernel/units.ts'
import { signRequest, signResponse } from '../../core/wire/radius/authenticator.ts'
import type { Definition } from '../../core/wire/radius/dictionary.ts'
import { definitions } from '../../core/wire/radius/dictionary.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { CODE } from '../../core/wire/radius/packet.ts'
import { createNas } from '../../deploy/demo/nas.ts'
import { createTestNode, imsiOf, radioName } from '../emulators/node.ts'
import { findProgram, run } from '../emulators/program.ts'
import { type CapturedDatagram, pcap } from './pcap.ts'

const SECRET = 'interop secret'
const CLIENT_PORT = 40_000
const SERVER_PORT = 1813

/** Writes a capture and has tshark read it with the shared secret. */
async function tshark(t: Test, datagrams: readonly CapturedDatagram[], ...args: string[]): Promise<string> {
  const program = findProgram('tshark')
  if (program === undefined) throw new Error('tshark is missing: install the Debian package tshark')
  const file = join(t.testdir(), 'radius.pcap')
  writeFileSync(file, pcap(datagrams))
  const options = [`radius.shared_secret:${SECRET}`, 'radius.validate_authenticator:TRUE', 'ip.check_checksum:TRUE']
  return run(program, ['-r', file, ...options.flatMap((option) => ['-o', option]), ...args])
}

/** Frames that tshark finds fault with, each with its words. It checks the authenticators of responses, not those of requests. */
function complaints(t: Test, datagrams: readonly CapturedDatagram[]): Promise<string> {
  const filter = '_ws.malformed or _ws.expert or radius.authenticator.invalid == 1 or not radius'
  return tshark(t, datagrams, '-Y', filter, '-T', 'fields', '-e', 'frame.number', '-e', '_ws.expert.message')
}

const request = (octets: Uint8Array): CapturedDatagram => ({
  octets,
  sourcePort: CLIENT_PORT,
  destinationPort: SERVER_PORT,
})
const response = (octets: Uint8Array): CapturedDatagram => ({
  octets,
  sourcePort: SERVER_PORT,
  destinationPort: CLIENT_PORT,
})

t.test('a session between our access point and our server', async (t) => {
  const node = await createTestNode({ folder: t.testdir(), secret: SECRET })
  await node.provision(1, 1)
  const running = await node.start()
  t.teardown(() => running.stop())
  const datagrams: CapturedDatagram[] = []
  const nas = await createNas({
    server: node.radius,
    secret: Buffer.from(SECRET),
    identifier: radioName(0),
    calledStation: '00-11-22-33-44-55:offload',
    observe: (octets, direction) => {
      datagrams.push(direction === 'sent' ? request(octets) : response(octets))
    },
  })
  t.teardown(() => nas.close())
  await nas.on()
  const session = nas.session({ id: 'tshark-1', user: imsiOf(0), station: '02-00-5E-10-00-01' })
  await session.start()
  await session.interim({ uplink: 5n << 32n, downlink: (7n << 32n) + 9n, seconds: 60 })
  await session.stop({ uplink: 6n << 32n, downlink: 8n << 32n, seconds: 120 })
  t.equal(await complaints(t, datagrams), '')
  const valid = await tshark(t, datagrams, '-Y', 'radius.authenticator.valid == 1', '-T', 'fields', '-e', 'radius.id')
  t.equal(valid.trimEnd().split('\n').length, 4)
  const fields = ['radius.code', 'radius.Acct_Status_Type', 'radius.Acct_Output_Octets', 'radius.Acct_Output_Gigawords']
  const text = await tshark(t, datagrams, '-T', 'fields', ...fields.flatMap((field) => ['-e', field]))
  t.same(
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd().split('\t')),
    [['4', '7'], ['5'], ['4', '1'], ['5'], ['4', '3', '9', '7'], ['5'], ['4', '2', '0', '8'], ['5']],
  )
})

t.test('a wrong authenticator shows, so that its absence means something', async (t) => {
  const good = encode({ code: CODE['Accounting-Request'], identifier: 1, attributes: [['NAS-Identifier', 'ap']] })
  signRequest(good, Buffer.from(SECRET))
  const reply = encode({ code: CODE['Accounting-Response'], identifier: 1, attributes: [] })
  signResponse(reply, good.subarray(4, 20), Buffer.from('another'))
  t.match(await complaints(t, [request(good), response(reply)]), /^2\t/)
  const torn = good.slice()
  torn[21] = 200
  t.match(await complaints(t, [request(torn)]), /^1\t/)
})

/** What Wireshark 4.0 has no names for: the newer attributes of the Wireless Broadband Alliance, the Wi-Fi Alliance's, and one of CoovaChilli's. */
const NAMELESS = /^(WBA|HS20)-|^ChilliSpot-Max-Total-Gigawords$/

t.test('every attribute of the dictionary', async (t) => {
  const known = definitions().filter(({ row }) => row.hidden === undefined)
  const datagrams = known.map((definition, index) => {
    const bytes = encode({
      code: CODE['Accounting-Request'],
      identifier: index % 256,
      attributes: [[definition.name, sample(definition)] as NamedAttribute],
    })
    signRequest(bytes, Buffer.from(SECRET))
    return request(bytes)
  })
  t.equal(await complaints(t, datagrams), '')
  const text = await tshark(t, datagrams, '-V')
  const shown = text
    .split(/^Frame /m)
    .slice(1)
    .map((frame, index) => {
      // A vendor's attribute is shown below the Vendor-Specific that it is in.
      const rows = [...frame.matchAll(/(?:AVP|VSA): t=([^(\n]*\([0-9]+\))/g)].map(([, row]) => row?.toLowerCase())
      return known[index]?.vendor === 0 ? rows[0] : rows[1]
    })
  t.same(
    shown,
    known.map(({ name, code }) =>
      `${NAMELESS.test(name) ? 'Unknown-Attribute' : (OTHER_NAMES[name] ?? name)}(${code})`.toLowerCase(),
    ),
  )
})

/** A value of the attribute's type. */
function sample({ row }: Definition): unknown {
  const [enumerated] = Object.values(row.values ?? {})
  const plain = enumerated ?? CONTENT[row.name] ?? SAMPLES[row.type]
  return row.tagged ? { tag: 1, value: plain } : plain
}

/** Wireshark's names where they are not the standard's: older uses of a code, or none. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'Operator-Name': 'Multi-Link-Flag',
  'MS-ARAP-Password-Change-Reason': 'MS-ARAP-PW-Change-Reason',
  'MS-ARAP-Challenge': 'Unknown-Attribute',
  '3GPP-CG-Address': '3GPP-Charging-Gateway-Address',
  '3GPP-CG-IPv6-Address': '3GPP-Charging-Gateway-IPv6-Address',
}

/** Where the octets or the text have a form of their own. */
const CONTENT: Readonly<Record<string, unknown>> = {
  // Enterprise number 32473 is for examples (RFC 5612).
  'Vendor-Specific': Buffer.from('00007ed9010601020304', 'hex'),
  // Request of type Identity (RFC 3748 §4, §5.1).
  'EAP-Message': Buffer.from('0101000501', 'hex'),
  'Message-Authenticator': new Uint8Array(16),
  '3GPP-IMSI': '001010000000001',
  '3GPP-GPRS-Negotiated-QoS-Profile': '99-0b921f7397fefe74f9ffff00',
}

const SAMPLES = {
  text: 'text',
  octets: Buffer.from('0102030405060708', 'hex'),
  concat: Buffer.from('0104000a', 'hex'),
  u8: 1,
  u32: 1,
  u64: 1n,
  date: millis(1_767_225_600_000),
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  ipv6prefix: '2001:db8::/32',
  ifid: '0200:5eff:fe10:0001',
} as const
