// Records as comma-separated values and as JSON Lines.
import assert from 'node:assert/strict'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import t from 'tap'
import { CSV_HEADER, formatCsv } from '../../billing/charging/cdr/csv.ts'
import { formatJsonLine } from '../../billing/charging/cdr/json-lines.ts'
import type { ChargingRecord } from '../../billing/charging/cdr/record.ts'
import { millis } from '../../core/kernel/units.ts'
import { anyRecord, RECORD } from './cdr-fixture.ts'

const SEED = 20_260_101

const split = (line: string): string[] => (parse(line) as string[][])[0] ?? []

t.test('CSV: one line per service, totals on the first', async (t) => {
  t.equal(
    CSV_HEADER,
    'record,line,partial,cause,tenant,subscriber,imsi,msisdn,access,origin,session,charging_id,radio,apn,node_address,visited_plmn,' +
      'opened,closed,record_seconds,rating_group,first_use,last_use,uplink_octets,downlink_octets,seconds,messages,bundle_octets,' +
      'zero_rated_octets,tariff,charge_micro,record_charge_micro,currency\r\n',
  )
  const common = (line: number, seconds: string) =>
    `1,${line},,normal-release,acme,sub-1,001010000000001,4915112345678,lte,gy:smf.example,smf.example;1;2,77,radio-1,internet,` +
    `198.51.100.7,26201,2026-01-01T00:00:00.000Z,2026-01-01T01:00:00.000Z,${seconds},`
  const used = '2026-01-01T00:00:01.000Z,2026-01-01T00:59:59.000Z,1000000,5000000000,3600'
  t.equal(
    formatCsv(RECORD),
    `${common(1, '3600')}10,${used},0,2000000000,0,day,1500000,1499995,EUR\r\n` +
      `${common(2, '')}0,${used},3,2000000000,0,,-5,,EUR\r\n`,
  )
  t.equal(formatCsv({ ...RECORD, services: [] }), `${common(1, '3600')},,,,,,,,,,,1499995,EUR\r\n`)
})

t.test('CSV: text that a spreadsheet would run, or that holds what separates', async (t) => {
  const cells: (readonly [string, string])[] = [
    ['=1+1', `"'=1+1"`],
    ['+49', `"'+49"`],
    ['-2', `"'-2"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    ['\t=1', `"'\t=1"`],
    [' =1', `"' =1"`],
    ['\r=1', `"'\r=1"`],
    ['|cmd', `"'|cmd"`],
    ['\uFF1D1', `"'\uFF1D1"`],
    ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
    ['a,b', '"a,b"'],
    ['a"b', '"a""b"'],
    ['a\r\nb', '"a\r\nb"'],
    ['a=b', 'a=b'],
    ['', ''],
  ]
  for (const [tenant, cell] of cells)
    t.ok(formatCsv({ ...RECORD, tenant }).startsWith(`1,1,,normal-release,${cell},sub-1,`), JSON.stringify(tenant))
})

t.test('CSV: every line has every column, and reads back', async () => {
  const columns = split(CSV_HEADER.trim()).length
  const plain = fc.stringMatching(/^[a-z",=+-]{1,12}$/)
  fc.assert(
    fc.property(anyRecord, plain, plain, (any, tenant, origin) => {
      const record: ChargingRecord = {
        ...any,
        tenant,
        origin,
        sessionId: 's',
        services: any.services.map((service) => ({ ...service, tariff: undefined })),
      }
      const lines = formatCsv(record).split('\r\n')
      assert.equal(lines.pop(), '')
      assert.equal(lines.length, Math.max(1, record.services.length))
      for (const line of lines) {
        const cells = split(line)
        assert.equal(cells.length, columns)
        assert.equal(cells[4]?.replace(/^'/, ''), tenant)
        assert.ok(!/^[=+@-]/.test(cells[4] ?? ''))
        assert.equal(cells[9]?.replace(/^'/, ''), origin)
      }
      const sum = (column: number) => lines.reduce((total, line) => total + BigInt(split(line)[column] || 0), 0n)
      assert.equal(
        sum(22),
        record.services.reduce((total, { uplink }) => total + uplink, 0n),
      )
      assert.equal(sum(30), record.charge)
    }),
    { numRuns: 200, seed: SEED },
  )
})

t.test('JSON Lines', async (t) => {
  const line = formatJsonLine({ ...RECORD, services: RECORD.services.slice(0, 1), opened: millis(5n) })
  t.equal(
    line,
    '{"number":"1","cause":"normal-release","tenant":"acme","subscriber":"sub-1","imsi":"001010000000001","msisdn":"4915112345678",' +
      '"access":"lte","origin":"gy:smf.example","sessionId":"smf.example;1;2","chargingId":"77","radio":"radio-1","apn":"internet",' +
      '"nodeAddress":"198.51.100.7","visitedPlmn":"26201","opened":"5","closed":"1767229200000","seconds":"3600","services":[' +
      '{"ratingGroup":"10","uplink":"1000000","downlink":"5000000000","seconds":"3600","messages":"0","firstUse":"1767225601000",' +
      '"lastUse":"1767229199000","tariff":"day","charge":"1500000","bundleOctets":"2000000000","zeroRatedOctets":"0"}],' +
      '"charge":"1499995","currency":"EUR"}\n',
  )
  const shuffled = Object.fromEntries(Object.entries(RECORD).reverse()) as unknown as ChargingRecord
  t.equal(formatJsonLine(shuffled), formatJsonLine(RECORD), 'the order of keys is ours')
  fc.assert(
    fc.property(anyRecord, (record) => {
      const text = formatJsonLine(record)
      assert.equal(text.indexOf('\n'), text.length - 1)
      const parsed = JSON.parse(text) as Record<string, unknown>
      assert.equal(BigInt(parsed.charge as string), record.charge)
      assert.equal(parsed.tenant, record.tenant)
    }),
    { numRuns: 200, seed: SEED },
  )
})
