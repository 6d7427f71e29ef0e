// CDR files of TS 32.297: headers, names, and folders that readers and interrupted exports share.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { decodeCdr } from '../../billing/charging/cdr/ber.ts'
import {
  type CdrFile,
  CLOSURE,
  type ClosureReason,
  decodeCdrFile,
  encodeCdrFile,
  type FiledCdr,
  headerTime,
  isCdrFileFault,
} from '../../billing/charging/cdr/cdr-file.ts'
import { CSV_HEADER, formatCsv } from '../../billing/charging/cdr/csv.ts'
import { type CdrFileName, formatFileName, parseFileName } from '../../billing/charging/cdr/file-name.ts'
import { type CdrExport, exportCdrs } from '../../billing/charging/cdr/files.ts'
import { formatJsonLine } from '../../billing/charging/cdr/json-lines.ts'
import type { ChargingRecord } from '../../billing/charging/cdr/record.ts'
import { millis } from '../../core/kernel/units.ts'
import { NODE, RECORD } from './cdr-fixture.ts'

const SEED = 20_260_101
const FILE: CdrFile = {
  header: {
    high: { release: 17, version: 4 },
    low: { release: 9, version: 31 },
    opened: { month: 12, day: 31, hour: 23, minute: 59, utcOffset: -210 },
    appended: { month: 1, day: 2, hour: 3, minute: 4, utcOffset: 120 },
    sequence: 0x01020304n,
    reason: 'count-limit',
    address: '::ffff:192.0.2.9',
    lost: { count: 0, exact: true },
    routeingFilter: Buffer.from('f1f2', 'hex'),
    privateExtension: Buffer.from('e1', 'hex'),
  },
  cdrs: [
    { release: { release: 17, version: 4 }, format: 1, ts: 20, octets: Buffer.from('aabbcc', 'hex') },
    { release: { release: 3, version: 0 }, format: 4, ts: 7, octets: new Uint8Array(0) },
  ],
}

t.test('octet for octet', async (t) => {
  const expected = [
    '00000044', // file length
    '00000038', // header length
    'e4', // beyond Rel-9, version 4
    'df', // Rel-9, version 31
    'cfdfb0de', // 12-31 23:59 -03:30: 1100 11111 10111 111011 0 00011 011110
    '110c4880', // 01-02 03:04 +02:00: 0001 00010 00011 000100 1 00010 000000
    '00000002', // CDRs
    '01020304', // sequence number
    '03', // maximum number of CDRs
    'ffffffff00000000000000000000ffffc0000209',
    '00', // none lost
    '0002f1f2',
    '0001e1',
    '07', // high release 10 + 7
    '0003e43407aabbcc', // CDR length, release, BER and TS 32.255, release 10 + 7
    '00000087', // R99, XER and TS 32.251
  ].join('')
  t.equal(Buffer.from(encodeCdrFile(FILE)).toString('hex'), expected)
  t.same(decodeCdrFile(encodeCdrFile(FILE)), FILE)
})

t.test('lost CDRs', async (t) => {
  const rows = [
    [0, { count: 0, exact: true }],
    [1, { count: 1, exact: false }],
    [126, { count: 126, exact: false }],
    [128, { count: 0, exact: false }],
    [129, { count: 1, exact: true }],
    [254, { count: 126, exact: true }],
    [255, { count: 127, exact: false }],
  ] as const
  for (const [octet, lost] of rows) {
    const octets = encodeCdrFile({ ...FILE, header: { ...FILE.header, lost } })
    t.equal(octets[47], octet)
    t.match(decodeCdrFile(octets), { header: { lost } })
  }
})

const release = fc.record({ release: fc.integer({ min: 3, max: 265 }), version: fc.nat(31) })
const time = fc.record({
  month: fc.integer({ min: 1, max: 12 }),
  day: fc.integer({ min: 1, max: 31 }),
  hour: fc.nat(23),
  minute: fc.nat(59),
  utcOffset: fc.integer({ min: -1439, max: 1439 }),
})
const blob = (maxLength: number) => fc.uint8Array({ maxLength })
const anyFile: fc.Arbitrary<CdrFile> = fc.record({
  header: fc.record({
    high: release,
    low: release,
    opened: time,
    appended: time,
    sequence: fc.bigInt(0n, 2n ** 32n - 1n),
    reason: fc.constantFrom(...(Object.keys(CLOSURE) as ClosureReason[])),
    address: fc.constantFrom('::ffff:192.0.2.9', '2001:db8::1', '::'),
    lost: fc.oneof(
      fc.record({ count: fc.integer({ min: 1, max: 126 }), exact: fc.boolean() }),
      fc.constantFrom({ count: 0, exact: true }, { count: 0, exact: false }, { count: 127, exact: false }),
    ),
    routeingFilter: blob(20),
    privateExtension: blob(20),
  }),
  cdrs: fc.array(fc.record({ release, format: fc.nat(7), ts: fc.nat(31), octets: blob(40) }), { maxLength: 5 }),
})

const plain = (file: unknown): unknown =>
  JSON.parse(
    JSON.stringify(file, (_key, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value instanceof Uint8Array ? [...value] : value,
    ),
  )

t.test('any file survives; every cut is seen', async () => {
  fc.assert(
    fc.property(anyFile, fc.nat(), (file, cut) => {
      const octets = encodeCdrFile(file)
      const decoded = decodeCdrFile(octets)
      assert.ok(!isCdrFileFault(decoded))
      assert.deepEqual(plain(decoded), plain(file))
      assert.ok(isCdrFileFault(decodeCdrFile(octets.subarray(0, cut % octets.length))))
    }),
    { numRuns: 500, seed: SEED },
  )
  const octets = encodeCdrFile(FILE)
  for (let length = 0; length < octets.length; length++)
    assert.ok(isCdrFileFault(decodeCdrFile(octets.subarray(0, length))), `cut at ${length}`)
})

t.test('lengths and values that do not fit', async (t) => {
  const changed = (at: number, octet: number) => {
    const octets = Uint8Array.from(encodeCdrFile(FILE))
    octets[at] = octet
    return decodeCdrFile(octets)
  }
  t.match(changed(3, 0x43), { fault: 'length', field: 'file length' })
  t.match(changed(3, 0x45), { fault: 'truncated', field: 'file length' })
  t.match(changed(7, 0x39), { fault: 'length', field: 'header length' })
  t.match(changed(10, 0x0f), { fault: 'value', field: 'file opening time' })
  t.match(changed(14, 0xf1), { fault: 'value', field: 'time of the last CDR' })
  t.match(changed(21, 3), { fault: 'length', field: 'number of CDRs' })
  t.match(changed(21, 1), { fault: 'length', field: 'number of CDRs' })
  t.match(changed(26, 6), { fault: 'value', field: 'file closure trigger reason' })
  t.match(changed(48, 0xff), { fault: 'truncated', field: 'CDR routeing filter' })
  t.match(changed(52, 0xff), { fault: 'truncated', field: 'private extension' })
  t.match(changed(56, 0xff), { fault: 'truncated', field: 'CDR length' })
  t.match(changed(57, 6), { fault: 'truncated', field: 'CDR header', offset: 67 })
})

t.test('random octets are read or refused', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 120 }), fc.boolean(), (bytes, honest) => {
      if (honest && bytes.length > 4) bytes.set([0, 0, 0, bytes.length], 0)
      const file = decodeCdrFile(bytes)
      if (isCdrFileFault(file)) assert.ok(file.offset >= 0 && file.offset <= bytes.length)
    }),
    { numRuns: 3000, seed: SEED },
  )
})

t.test('what no file can hold', async (t) => {
  const cdr = FILE.cdrs[0] as FiledCdr
  const header = FILE.header
  const files: CdrFile[] = [
    { header: { ...header, address: 'host' }, cdrs: [] },
    { header: { ...header, sequence: 2n ** 32n }, cdrs: [] },
    { header: { ...header, high: { release: 266, version: 0 } }, cdrs: [] },
    { header: { ...header, low: { release: 8, version: 32 } }, cdrs: [] },
    { header: { ...header, opened: { ...header.opened, utcOffset: 1440 } }, cdrs: [] },
    { header, cdrs: [{ ...cdr, octets: new Uint8Array(65_536) }] },
    { header, cdrs: [{ ...cdr, ts: 32 }] },
  ]
  for (const file of files) t.throws(() => encodeCdrFile(file), RangeError)
})

t.test('time in a header is local', async (t) => {
  t.same(headerTime(millis(Date.parse('2026-12-31T22:30:59Z')), 120), {
    month: 1,
    day: 1,
    hour: 0,
    minute: 30,
    utcOffset: 120,
  })
})

t.test('names', async (t) => {
  const closed = (iso: string, utcOffset: number) => ({ at: millis(Date.parse(iso)), utcOffset })
  const rows: (readonly [string, CdrFileName])[] = [
    [
      'tally-1_-_1.20260101_-_0030+0200.cdr',
      {
        nodeId: 'tally-1',
        sequence: 1n,
        closed: closed('2025-12-31T22:30:00Z', 120),
        privateInformation: undefined,
        extension: 'cdr',
      },
    ],
    [
      'n.1_-_4294967295.20260101_-_0030-0330_-_a-b.csv',
      {
        nodeId: 'n.1',
        sequence: 4_294_967_295n,
        closed: closed('2026-01-01T04:00:00Z', -210),
        privateInformation: 'a-b',
        extension: 'csv',
      },
    ],
  ]
  for (const [name, parts] of rows) {
    t.equal(formatFileName(parts), name)
    t.same(parseFileName(name), parts)
  }
  t.match(parseFileName('a-0000_-_1.20260101_-_0030-0000.cdr'), { nodeId: 'a-0000', closed: { utcOffset: 0 } })
  for (const name of [
    'tally-1_-_0.20260101_-_0030+0200.cdr',
    'tally-1_-_1.20260230_-_0030+0200.cdr',
    'tally-1_-_1.20261301_-_0030+0200.cdr',
    'tally-1_-_1.20260101_-_2430+0200.cdr',
    'tally-1_-_1.20260101_-_0030+2400.cdr',
    'tally-1_-_1.20260101_-_0030+0260.cdr',
    'tally-1_-_1.20260101_-_0030+0200.cdr.part-00',
    '../x_-_1.20260101_-_0030+0200.cdr',
    'tally-1_-_1.20260101_-_0030.cdr',
  ])
    t.equal(parseFileName(name), undefined, name)
  const [, parts] = rows[0] as (typeof rows)[0]
  for (const change of [
    { nodeId: 'a/b' },
    { nodeId: '..' },
    { nodeId: 'a_b' },
    { sequence: 0n },
    { privateInformation: '_' },
  ])
    t.throws(() => formatFileName({ ...parts, ...change }), RangeError)
})

const records = (count: number, first = 1): ChargingRecord[] =>
  Array.from({ length: count }, (_, index) => ({
    ...RECORD,
    number: BigInt(first + index),
    access: (['wifi', 'lte', 'nr'] as const)[index % 3] as 'lte',
    closed: millis(RECORD.closed + BigInt(index) * 60_000n),
  }))

const exportOf = (folder: string, change: Partial<CdrExport> = {}): CdrExport => ({
  folder,
  format: 'ber',
  node: NODE,
  first: 7n,
  records: records(5),
  recordsPerFile: 2,
  ...change,
})

const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'hex')]))

t.test('an export', async (t) => {
  const folder = join(t.testdir(), 'new', 'folder')
  const exported = await exportCdrs(exportOf(folder))
  t.same(exported, {
    files: [
      'tally-1_-_7.20260101_-_0301+0200.cdr',
      'tally-1_-_8.20260101_-_0303+0200.cdr',
      'tally-1_-_9.20260101_-_0304+0200.cdr',
    ],
    next: 10n,
  })
  t.same(readdirSync(folder).sort(), exported.files)
  const files = exported.files.map((name) => decodeCdrFile(readFileSync(join(folder, name))))
  const back = files.flatMap((file, index) => {
    assert.ok(!isCdrFileFault(file))
    t.equal(file.header.sequence, BigInt(7 + index))
    t.equal(file.header.reason, index === 2 ? 'normal' : 'count-limit')
    t.equal(file.header.address, '::ffff:192.0.2.9')
    for (const cdr of file.cdrs) t.match(cdr, { format: 1, release: { release: 17, version: 4 } })
    return file.cdrs.map(({ octets, ts }) => {
      const record = decodeCdr(octets)
      t.equal(ts, 'access' in record && record.access === 'nr' ? 20 : 7)
      return record
    })
  })
  t.same(back, records(5))
})

t.test('the text formats', async (t) => {
  const folder = t.testdir()
  const csv = await exportCdrs(exportOf(folder, { format: 'csv', recordsPerFile: 10 }))
  t.same(csv, { files: ['tally-1_-_7.20260101_-_0304+0200.csv'], next: 8n })
  t.equal(readFileSync(join(folder, csv.files[0] ?? ''), 'utf8'), CSV_HEADER + records(5).map(formatCsv).join(''))
  const lines = await exportCdrs(exportOf(folder, { format: 'jsonl', recordsPerFile: 10 }))
  t.equal(readFileSync(join(folder, lines.files[0] ?? ''), 'utf8'), records(5).map(formatJsonLine).join(''))
  t.equal(readdirSync(folder).length, 2, 'formats have sequence numbers of their own')
})

t.test('done again it gives the same, wherever it was interrupted', async (t) => {
  const whole = join(t.testdir(), 'whole')
  await exportCdrs(exportOf(whole))
  const expected = contents(whole)
  for (const done of [0, 1, 2, 3]) {
    const folder = t.testdir({ [String(done)]: {} })
    const names = Object.keys(expected).sort().slice(0, done)
    for (const name of names) writeFileSync(join(folder, String(done), name), expected[name] ?? '', 'hex')
    // What a process that was killed while it wrote leaves behind.
    const torn = `${Object.keys(expected).sort()[done] ?? 'x'}.part-0123456789ab`
    writeFileSync(join(folder, String(done), torn), 'half')
    const again = await exportCdrs(exportOf(join(folder, String(done))))
    t.equal(again.next, 10n)
    const { [torn]: _left, ...there } = contents(join(folder, String(done)))
    t.same(there, expected)
  }
  const [one, two] = await Promise.all([exportCdrs(exportOf(whole)), exportCdrs(exportOf(whole))])
  t.same(one, two)
  t.same(contents(whole), expected)
})

t.test('the next export goes on where the last one ended', async (t) => {
  const folder = t.testdir()
  const first = await exportCdrs(exportOf(folder))
  const second = await exportCdrs(exportOf(folder, { first: first.next, records: records(1, 6) }))
  t.same(second, { files: ['tally-1_-_10.20260101_-_0300+0200.cdr'], next: 11n })
  t.same(await exportCdrs(exportOf(folder, { first: 11n, records: [] })), { files: [], next: 11n })
})

t.test('a sequence number is never used for something else', async (t) => {
  const folder = t.testdir()
  await exportCdrs(exportOf(folder))
  const before = contents(folder)
  const changed = records(5)
  changed[3] = { ...(changed[3] as ChargingRecord), charge: 1n }
  await t.rejects(exportCdrs(exportOf(folder, { records: changed })), {
    code: 'CDR_FILE_DIFFERS',
    context: { sequence: 8n },
  })
  // Other times make another name; the number is the same.
  await t.rejects(
    exportCdrs(exportOf(folder, { records: records(5).map((record) => ({ ...record, closed: RECORD.opened })) })),
    {
      code: 'CDR_FILE_DIFFERS',
    },
  )
  t.same(contents(folder), before)
})

t.test('what cannot be exported', async (t) => {
  const folder = t.testdir({ file: '' })
  const [one, two] = records(2) as [ChargingRecord, ChargingRecord]
  await t.rejects(exportCdrs(exportOf(folder, { records: [two, one] })), { code: 'CDR_RECORD_INVALID' })
  await t.rejects(exportCdrs(exportOf(folder, { records: [one, one] })), { code: 'CDR_RECORD_INVALID' })
  await t.rejects(exportCdrs(exportOf(folder, { records: [{ ...one, apn: 'é' }] })), { code: 'CDR_RECORD_INVALID' })
  await t.rejects(exportCdrs(exportOf(folder, { first: 0n })), RangeError)
  await t.rejects(exportCdrs(exportOf(folder, { first: 2n ** 32n - 2n })), RangeError)
  await t.rejects(exportCdrs(exportOf(folder, { recordsPerFile: 0 })), RangeError)
  await t.rejects(exportCdrs(exportOf(folder, { node: { ...NODE, nodeId: '../x' } })), RangeError)
  await t.rejects(exportCdrs(exportOf(join(folder, 'file', 'below'))), { code: 'CDR_FOLDER_UNUSABLE' })
  t.same(readdirSync(folder), ['file'])
})

t.test('a reader sees whole files only', async (t) => {
  const folder = join(t.testdir(), 'out')
  let ended = false
  const writing = exportCdrs(exportOf(folder, { records: records(120), recordsPerFile: 3 })).finally(() => {
    ended = true
  })
  let looked = 0
  while (!ended) {
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.cdr')) : []
    for (const name of names.slice(-3)) {
      assert.ok(!isCdrFileFault(decodeCdrFile(readFileSync(join(folder, name)))), name)
      looked++
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal((await writing).files.length, 40)
  t.ok(looked > 0)
})
