// Records as CDRs and back: every record survives, every cut is seen, no octets end the reader.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { decodeCdr, encodeCdr } from '../../billing/charging/cdr/ber.ts'
import type { CdrNode } from '../../billing/charging/cdr/contents.ts'
import { IMSI, IP_ADDRESS, MSISDN, PLMN_ID, TIME_STAMP } from '../../billing/charging/cdr/octet-strings.ts'
import { PGW_RECORD, PGW_RECORD_TAG } from '../../billing/charging/cdr/pgw-cdr.ts'
import type { ChargingRecord } from '../../billing/charging/cdr/record.ts'
import { imsi, type subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { context, type Element, readElement, writeElement } from '../../core/wire/ber/element.ts'
import { isBerFault } from '../../core/wire/ber/fault.ts'
import type { BerType } from '../../core/wire/ber/type.ts'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../core/wire/bytes/address.ts'
import { putU32 } from '../../core/wire/bytes/integers.ts'
import { anyNode, anyRecord, NODE, RECORD, SERVICE } from './cdr-fixture.ts'

const SEED = 20_260_101
const EACH_ACCESS: readonly ChargingRecord[] = (['wifi', 'lte', 'nr'] as const).map((access) => ({ ...RECORD, access }))

function element(octets: Uint8Array): Element {
  const read = readElement(octets)
  assert.ok(!isBerFault(read))
  return read
}

t.test('octet strings', async (t) => {
  const time = (iso: string, utcOffset: number) => ({ at: millis(Date.parse(iso)), utcOffset })
  const row = <Value>(type: BerType<Value>, value: Value, text: string) => ({
    type: type as BerType<unknown>,
    value: value as unknown,
    text,
  })
  const rows = [
    row(IMSI, imsi('001010000000001'), '0408 00010100000000f1'),
    row(IMSI, imsi('262011'), '0403 620211'),
    row(MSISDN, '4915112345678', '0408 91945111325476f8'),
    row(MSISDN, '1', '0402 91f1'),
    row(PLMN_ID, '26201', '0403 62f210'),
    row(PLMN_ID, '310410', '0403 130014'),
    row(TIME_STAMP, time('2026-01-01T00:00:00Z', 0), '0409 2601010000002b0000'),
    row(TIME_STAMP, time('2026-03-29T23:30:59Z', 330), '0409 2603300500592b0530'),
    row(TIME_STAMP, time('2000-01-01T03:30:00Z', -210), '0409 0001010000002d0330'),
    row(TIME_STAMP, time('2024-02-29T12:00:00Z', 0), '0409 2402291200002b0000'),
    row(IP_ADDRESS, '192.0.2.9', '8004 c0000209'),
    row(IP_ADDRESS, '2001:db8::1', '8110 20010db8000000000000000000000001'),
  ]
  for (const { type, value, text } of rows) {
    const written = type.write(value)
    t.equal(written && Buffer.from(written).toString('hex'), text.replaceAll(' ', ''))
    t.same(type.read(element(Buffer.from(text.replaceAll(' ', ''), 'hex'))), value)
  }
  const read = (type: BerType<unknown>, text: string) =>
    type.read(element(Buffer.from(text.replaceAll(' ', ''), 'hex')))
  t.equal(read(IP_ADDRESS as BerType<unknown>, '8209 3139322e302e322e39'), '192.0.2.9', 'as text')
  t.equal(read(IP_ADDRESS as BerType<unknown>, '8304 3a3a3132'), '::12', 'as text')
  t.equal(
    read(IP_ADDRESS as BerType<unknown>, 'a415 0410 20010db8000000000000000000000000 020140'),
    '2001:db8::',
    'with a prefix length',
  )
  const refused: (readonly [BerType<unknown>, string])[] = [
    [IMSI, '0403 6202f1'],
    [IMSI, '0403 6f0211'],
    [IMSI, '0403 62f211'],
    [IMSI, '0408 0001010000000011'],
    [MSISDN, '0402 81f1'],
    [MSISDN, '0402 91ff'],
    [PLMN_ID, '0403 62a210'],
    [PLMN_ID, '0403 6ff210'],
    [PLMN_ID, '0403 62f2f0'],
    [TIME_STAMP, '0409 2602290000002b0000'],
    [TIME_STAMP, '0409 2613010000002b0000'],
    [TIME_STAMP, '0409 2600010000002b0000'],
    [TIME_STAMP, '0409 2601000000002b0000'],
    [TIME_STAMP, '0409 2601012400002b0000'],
    [TIME_STAMP, '0409 2601010060002b0000'],
    [TIME_STAMP, '0409 2601010000602b0000'],
    [TIME_STAMP, '0409 260101000000200000'],
    [TIME_STAMP, '0409 2601010000002b2400'],
    [TIME_STAMP, '0409 2601010000002b0060'],
    [TIME_STAMP, '0409 2601010a00002b0000'],
    [IP_ADDRESS, '8003 c00002'],
    [IP_ADDRESS, '8207 3939392e302e30'],
    [IP_ADDRESS, '8500'],
    [IP_ADDRESS, '0404 c0000209'],
  ] as (readonly [BerType<unknown>, string])[]
  for (const [type, text] of refused) t.ok(isBerFault(read(type, text)), text)
  t.equal(MSISDN.write('+49'), undefined)
  t.equal(PLMN_ID.write('2620'), undefined)
  t.equal(TIME_STAMP.write(time('1999-12-31T23:59:59Z', 0)), undefined)
  t.equal(TIME_STAMP.write(time('2099-12-31T23:59:59Z', 60)), undefined)
  t.equal(TIME_STAMP.write(time('2026-01-01T00:00:00Z', 1440)), undefined)
  t.equal(IP_ADDRESS.write('host'), undefined)
})

t.test('what the standard fields say', async (t) => {
  const causes = [
    ['normal-release', 0n, [4]],
    ['abnormal-release', 4n, [4]],
    ['volume-limit', 16n, [26]],
    ['time-limit', 17n, [25]],
    ['management', 20n, [24]],
  ] as const
  for (const [cause, code, change] of causes) {
    const octets = encodeCdr({ ...RECORD, cause, partial: 3n, number: 2n ** 32n + 5n }, NODE)
    const record = PGW_RECORD.read(element(octets), context(PGW_RECORD_TAG))
    assert.ok(!isBerFault(record))
    t.equal(record.causeForRecClosing, code)
    t.same(record.listOfServiceData?.[0]?.serviceConditionChange, change)
    t.equal(record.recordSequenceNumber, 3n)
    t.equal(record.localSequenceNumber, 5n, 'wraps')
    t.same(record.recordOpeningTime, { at: RECORD.opened, utcOffset: 120 })
    t.equal(record.nodeID, 'tally-1')
    t.equal(record.rATType, 6n)
  }
  const wifi = PGW_RECORD.read(element(encodeCdr({ ...RECORD, access: 'wifi' }, NODE)), context(PGW_RECORD_TAG))
  assert.ok(!isBerFault(wifi))
  t.equal(wifi.rATType, 3n)
  t.same(wifi.servingNodeType, [6n])
})

t.test('services of one rating group are together in a CHF-CDR, and come back in their order', async (t) => {
  const services = [10n, 0n, 10n, 7n, 0n].map((ratingGroup, index) => ({
    ...SERVICE,
    ratingGroup,
    charge: BigInt(index),
  }))
  const record: ChargingRecord = { ...RECORD, access: 'nr', services }
  const octets = encodeCdr(record, NODE)
  const list = element(octets).children.find(({ tag }) => tag.number === 5)
  t.same(
    list?.children.map(({ children }) => children[1]?.children.length),
    [2, 2, 1],
  )
  t.same(decodeCdr(octets), record)
})

/** What a record is once it has been a CDR: an address that was not known is the node's. */
function expected(record: ChargingRecord, node: CdrNode): ChargingRecord {
  const address = record.nodeAddress ?? node.address
  const v4 = parseIpv4(address)
  if (v4 < 0) return { ...record, nodeAddress: formatIpv6(parseIpv6(address) as Uint8Array) }
  const quad = new Uint8Array(4)
  putU32(quad, 0, v4)
  return { ...record, nodeAddress: formatIpv4(quad) }
}

t.test('any record survives', async () => {
  fc.assert(
    fc.property(anyRecord, anyNode, (record, node) => {
      const octets = encodeCdr(record, node)
      assert.deepEqual(decodeCdr(octets), expected(record, node))
      assert.deepEqual(encodeCdr(record, node), octets)
    }),
    { numRuns: 500, seed: SEED },
  )
})

t.test('what is below a second is cut off', async (t) => {
  const decoded = decodeCdr(encodeCdr({ ...RECORD, opened: millis(RECORD.opened + 999n) }, NODE))
  t.match(decoded, { opened: RECORD.opened })
})

t.test('cut at every octet', async (t) => {
  for (const record of EACH_ACCESS) {
    const octets = encodeCdr(record, NODE)
    t.same(decodeCdr(octets), record)
    for (let length = 0; length < octets.length; length++)
      assert.ok(isBerFault(decodeCdr(octets.subarray(0, length))), `${record.access} cut at ${length}`)
    t.match(decodeCdr(Buffer.concat([octets, Uint8Array.of(0)])), { fault: 'trailing', offset: octets.length })
  }
})

t.test('octets changed at random are read or refused', async (t) => {
  let read = 0
  const good = EACH_ACCESS.map((record) => encodeCdr(record, NODE))
  const changes = fc.array(fc.tuple(fc.nat(1000), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(fc.constantFrom(...good), changes, (octets, list) => {
      const changed = Uint8Array.from(octets)
      for (const [at, octet] of list) changed[at % changed.length] = octet
      const record = decodeCdr(changed)
      if (isBerFault(record)) return assert.ok(record.offset >= 0 && record.offset <= changed.length)
      read++
      // Unknown components are passed over, so the octets may differ; what was understood does not.
      assert.deepEqual(decodeCdr(encodeCdr(record, NODE)), expected(record, NODE))
    }),
    { numRuns: 4000, seed: SEED },
  )
  t.ok(read > 100, 'many were still records')
})

t.test('records of other writers', async (t) => {
  const whole = element(encodeCdr(RECORD, NODE))
  const write = (components: readonly Uint8Array[]) => writeElement(whole.tag, true, components)
  const without = (number: number) =>
    write(whole.children.filter(({ tag }) => tag.number !== number).map(({ octets }) => octets))
  const parts = whole.children.map(({ octets }) => octets)
  t.same(decodeCdr(write([...parts].reverse())), RECORD, 'components of a SET in any order')
  t.same(decodeCdr(write([...parts, writeElement(context(72), false, [])])), RECORD, 'components of a later release')
  t.match(decodeCdr(write([...parts, parts[3] as Uint8Array])), { fault: 'order' })
  t.match(decodeCdr(without(19)), { fault: 'missing', field: 'recordExtensions' })
  t.match(decodeCdr(without(5)), { fault: 'missing', field: 'chargingID' })
  t.match(decodeCdr(without(3)), { fault: 'missing', field: 'servedIMSI' })
  t.match(decodeCdr(without(34)), { fault: 'value', field: 'listOfServiceData' })
  t.match(decodeCdr(without(30)), { fault: 'value', field: 'rATType' })
  t.match(decodeCdr(writeElement(context(78), true, parts)), { fault: 'wrong-tag' })
  t.match(decodeCdr(writeElement(context(79), false, parts)), { fault: 'wrong-tag' })
})

t.test('records that no CDR can hold', async (t) => {
  const refused: (readonly [Partial<ChargingRecord>, RegExp])[] = [
    [{ apn: 'x'.repeat(64) }, /accessPointNameNI/],
    [{ apn: 'é' }, /accessPointNameNI/],
    [{ chargingId: 2n ** 32n }, /chargingID/],
    [{ seconds: -1n }, /duration/],
    [{ msisdn: '+49' }, /servedMSISDN/],
    [{ nodeAddress: 'gateway' }, /p-GWAddress/],
    [{ visitedPlmn: '262' }, /servingNodePLMNIdentifier/],
    [{ opened: millis(0) }, /recordOpeningTime/],
    [{ currency: 'EURO' }, /currency/],
    [{ tenant: '' }, /tenant/],
    [{ subscriber: 'No Name' as ReturnType<typeof subscriberId> }, /subscriber/],
    [{ services: [{ ...SERVICE, uplink: -1n }] }, /datavolumeFBCUplink/],
    [{ services: [{ ...SERVICE, ratingGroup: 2n ** 32n }] }, /ratingGroup/],
    [{ services: Array.from({ length: 900 }, () => SERVICE) }, /at most 65535/],
  ]
  for (const [change, reason] of refused)
    t.throws(() => encodeCdr({ ...RECORD, number: 42n, ...change }, NODE), {
      code: 'CDR_RECORD_INVALID',
      message: reason,
      context: { number: 42n },
    })
  t.throws(() => encodeCdr(RECORD, { ...NODE, nodeId: 'x'.repeat(21) }), { message: /nodeID/ })
  t.throws(() => encodeCdr(RECORD, { ...NODE, utcOffset: 0.5 }), { code: 'CDR_RECORD_INVALID' })
})
