// Foreign readers of our records: Wireshark's dissector of TS 32.298, which finds PGW-CDRs in GTP' (TS 32.295), and OpenSSL's reader of
// ASN.1, which knows no schema, for the structure of those and of CHF-CDRs.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { encodeCdr } from '../../billing/charging/cdr/ber.ts'
import { EXTENSION_OID } from '../../billing/charging/cdr/extension.ts'
import { PGW_RECORD_TAG } from '../../billing/charging/cdr/pgw-cdr.ts'
import type { ChargingRecord, ServiceContainer } from '../../billing/charging/cdr/record.ts'
import { imsi } from '../../core/kernel/ids.ts'
import { type Element, readElement, TAG_CLASS } from '../../core/wire/ber/element.ts'
import { isBerFault } from '../../core/wire/ber/fault.ts'
import { putU16 } from '../../core/wire/bytes/integers.ts'
import { findProgram, run } from '../emulators/program.ts'
import { NODE, RECORD, SERVICE } from '../unit/cdr-fixture.ts'
import { type CapturedDatagram, pcap } from './pcap.ts'

const GTP_PRIME_PORT = 3386
const DATA_RECORD_TRANSFER_REQUEST = 240
const SEND_DATA_RECORD_PACKET = Buffer.from([126, 1])
const DATA_RECORD_PACKET = 252
/** One record, BER, application 1 and release 7 or later, version 4. */
const ONE_RECORD = Buffer.from([1, 1, 0x17, 4])

/** A Data Record Transfer Request (TS 32.295 §6.2.4) with one CDR. */
function transfer(cdr: Uint8Array): CapturedDatagram {
  const packet = Buffer.concat([Buffer.from([DATA_RECORD_PACKET, 0, 0]), ONE_RECORD, Buffer.alloc(2), cdr])
  putU16(packet, 1, packet.length - 3)
  putU16(packet, 7, cdr.length)
  const body = Buffer.concat([SEND_DATA_RECORD_PACKET, packet])
  // Version 2, header of six octets.
  const header = Buffer.from([0x4f, DATA_RECORD_TRANSFER_REQUEST, 0, 0, 0, 1])
  putU16(header, 2, body.length)
  return { octets: Buffer.concat([header, body]), sourcePort: GTP_PRIME_PORT, destinationPort: GTP_PRIME_PORT }
}

function program(name: string): string {
  const path = findProgram(name)
  if (path === undefined) throw new Error(`${name} is missing: install the Debian package ${name}`)
  return path
}

function tshark(t: Test, cdrs: readonly Uint8Array[], ...args: string[]): Promise<string> {
  const file = join(t.testdir(), 'cdr.pcap')
  writeFileSync(file, pcap(cdrs.map(transfer)))
  return run(program('tshark'), ['-r', file, ...args])
}

/** What tshark says against each frame. It has no dissector for our extension: that it says so is left out. */
async function complaints(t: Test, cdrs: readonly Uint8Array[]): Promise<(readonly string[])[]> {
  const wanted = ['gprscdr.GPRSRecord', '_ws.malformed', '_ws.expert.message']
  const args = ['-T', 'fields', '-E', 'separator=|', '-E', 'aggregator=^', ...wanted.flatMap((name) => ['-e', name])]
  const lines = (await tshark(t, cdrs, ...args)).trimEnd().split('\n')
  return lines.map((line) => {
    const [record, malformed = '', messages = ''] = line.split('|')
    const found = [...malformed.split('^'), ...messages.split('^')].filter(
      (word) => word !== '' && !word.includes(NO_DISSECTOR),
    )
    return record === String(PGW_RECORD_TAG) ? found : ['not a PGW-CDR', ...found]
  })
}
const NO_DISSECTOR = 'Dissector for OID not implemented'

async function fields(t: Test, record: ChargingRecord, names: readonly string[]): Promise<Record<string, string>> {
  const args = ['-T', 'fields', '-E', 'separator=|', ...names.flatMap((name) => ['-e', name])]
  const values = (await tshark(t, [encodeCdr(record, NODE)], ...args)).trimEnd().split('|')
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
}

const gprscdr = (values: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`gprscdr.${name}`, value]))

/** tshark shows volumes in 32 bits. */
const small = (service: ServiceContainer): ServiceContainer => ({ ...service, downlink: 2_000_000_000n })

t.test('a PGW-CDR, field by field', async (t) => {
  const record: ChargingRecord = { ...RECORD, partial: 2n, cause: 'time-limit', services: RECORD.services.map(small) }
  const expected = {
    'e212.imsi': '001010000000001',
    'e164.msisdn': '4915112345678',
    'e212.mcc': '1,262',
    ...gprscdr({
      GPRSRecord: '79',
      recordType: '85',
      iPBinV4Address: '198.51.100.7',
      chargingID: '77',
      accessPointNameNI: 'internet',
      recordOpeningTime: '2601010200002b0200',
      duration: '3600',
      causeForRecClosing: '17',
      recordSequenceNumber: '2',
      nodeID: 'tally-1',
      localSequenceNumber: '1,1,2',
      chargingCharacteristics: '0800',
      servingNodePLMNIdentifier: '62f210',
      rATType: '6',
      ServingNodeType: '2',
      ratingGroup: '10,0',
      timeOfFirstUsage: '2601010200012b0200,2601010200012b0200',
      timeOfLastUsage: '2601010259592b0200,2601010259592b0200',
      timeUsage: '3600,3600',
      serviceConditionChange: '00000040,00000040',
      datavolumeFBCUplink: '1000000,1000000',
      datavolumeFBCDownlink: '2000000000,2000000000',
      timeOfReport: '2601010300002b0200,2601010300002b0200',
      numberOfEvents: '3',
    }),
  }
  t.same(await fields(t, record, Object.keys(expected)), expected)
})

t.test('Wi-Fi, IPv6, a short IMSI and three MNC digits', async (t) => {
  const record: ChargingRecord = {
    ...RECORD,
    access: 'wifi',
    imsi: imsi('310410123'),
    msisdn: undefined,
    nodeAddress: '2001:db8::7',
    visitedPlmn: '310410',
  }
  const expected = {
    'e212.imsi': '310410123',
    'e164.msisdn': '',
    'e212.mcc': '310,310',
    'e212.mnc': '410,410',
    ...gprscdr({ iPBinV6Address: '2001:db8::7', rATType: '3', ServingNodeType: '6', servedMSISDN: '' }),
  }
  t.same(await fields(t, record, Object.keys(expected)), expected)
})

t.test('nothing is malformed', async (t) => {
  const causes = ['normal-release', 'time-limit', 'volume-limit', 'management', 'abnormal-release'] as const
  const absent = {
    msisdn: undefined,
    radio: undefined,
    apn: undefined,
    nodeAddress: undefined,
    visitedPlmn: undefined,
    services: [],
  }
  const largest = { ...SERVICE, uplink: 2n ** 64n - 1n, downlink: 2n ** 64n - 1n, ratingGroup: 2n ** 32n - 1n }
  const records: ChargingRecord[] = [
    ...causes.map((cause): ChargingRecord => ({ ...RECORD, cause })),
    { ...RECORD, ...absent },
    { ...RECORD, services: [largest], chargingId: 2n ** 32n - 1n, number: 2n ** 64n - 1n },
    { ...RECORD, services: Array.from({ length: 300 }, () => SERVICE) },
  ]
  const cdrs = records.flatMap((record) =>
    (['lte', 'wifi'] as const).map((access) => encodeCdr({ ...record, access }, NODE)),
  )
  t.same(
    await complaints(t, cdrs),
    cdrs.map(() => []),
  )
})

t.test('a fault shows, so that its absence means something', async (t) => {
  const good = encodeCdr(RECORD, NODE)
  const wrongChoice = good.slice()
  // GPRSRecord has no [80].
  wrongChoice[1] = 80
  t.match(await complaints(t, [wrongChoice]), [['not a PGW-CDR']])
  const wrongType = good.slice()
  // recordType [0] becomes [1], which PGWRecord has not.
  wrongType[wrongType.indexOf(0x80)] = 0x81
  const words = (await complaints(t, [wrongType])).flat().join(' ')
  t.match(words, /Unknown field in SET/)
  t.match(words, /Missing field in SET/)
})

/** Depth, header length, length, form and tag of every element, as `openssl asn1parse` prints them. */
function structure(element: Element, depth = 0): string[] {
  const { tag, contents, octets, constructed, children } = element
  const head = `d=${depth} hl=${octets.length - contents.length} l=${contents.length} ${constructed ? 'cons' : 'prim'}`
  const line = `${head} ${tag.class === TAG_CLASS.context ? `cont [ ${tag.number} ]` : (UNIVERSAL[tag.number] ?? '?')}`
  return [line, ...children.flatMap((child) => structure(child, depth + 1))]
}
const UNIVERSAL: Readonly<Record<number, string>> = {
  2: 'INTEGER',
  4: 'OCTET STRING',
  6: 'OBJECT',
  10: 'ENUMERATED',
  16: 'SEQUENCE',
  17: 'SET',
}

t.test('OpenSSL sees the same elements', async (t) => {
  for (const access of ['nr', 'lte', 'wifi'] as const) {
    const octets = encodeCdr({ ...RECORD, access }, NODE)
    const file = join(t.testdir(), `${access}.ber`)
    writeFileSync(file, octets)
    const text = await run(program('openssl'), ['asn1parse', '-inform', 'DER', '-in', file])
    const seen = text
      .trimEnd()
      .split('\n')
      .map((line) => /^ *\d+:(d=\d+) +(hl=\d+) +l= *(\d+) (cons|prim): +(cont \[ \d+ \]|[A-Z ]+?) *(?::|$)/.exec(line))
      .map((match) => (match ? `${match[1]} ${match[2]} l=${match[3]} ${match[4]} ${match[5]}` : 'not understood'))
    const element = readElement(octets)
    if (isBerFault(element)) throw new Error(element.fault)
    t.same(seen, structure(element))
    t.ok(text.includes(`:${EXTENSION_OID}`))
  }
})
