// `tallycell cdr`: charging data records, looked at and exported.
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type { Command, Input } from '../../../core/cli/command.ts'
import { readPage } from '../../../core/cli/page.ts'
import { type Column, table } from '../../../core/cli/table.ts'
import type { Config } from '../../../core/config/section.ts'
import { fail } from '../../../core/kernel/errors.ts'
import { subscriberId } from '../../../core/kernel/ids.ts'
import { decimal, formatOctets } from '../../../core/kernel/units.ts'
import { formatMoney } from '../../ledger/amount.ts'
import { billingSection } from '../../settings.ts'
import type { CdrNode } from '../cdr/contents.ts'
import type { CdrFormat } from '../cdr/files.ts'
import { exportRecords, findRecord, type KeptRecord, listRecords, newestRecord } from '../cdr/store.ts'
import { formatInstant } from './instant.ts'
import { needProfile, readProfiles } from './store.ts'

export function cdrCommands(): Command[] {
  return [exportCommand, list, show]
}

const FORMATS: Readonly<Record<string, CdrFormat>> = { csv: 'csv', jsonl: 'jsonl', '3gpp': 'ber' }

const exportCommand: Command = {
  path: ['cdr', 'export'],
  summary: 'write the records that were not exported yet to files, each record once for a folder and format',
  options: {
    directory: { value: 'DIR', summary: 'folder for the files; billing.cdr.directory unless given' },
    format: {
      value: 'FORMAT',
      summary: 'csv, jsonl (JSON Lines) or 3gpp (TS 32.298 in TS 32.297 files)',
      default: 'csv',
    },
    from: { value: 'N', summary: 'begin anew with record N, also where it was exported before' },
  },
  examples: [
    'tallycell cdr export --directory /var/lib/tallycell/cdr --format 3gpp',
    'tallycell cdr export --directory ./cdr --format csv --from 1000',
  ],
  async run({ options }, context) {
    const format = readFormat(options.format ?? 'csv')
    const from = options.from === undefined ? undefined : decimal(options.from, '--from')
    const config = await context.config()
    const { cdr } = config.get(billingSection)
    const folder = options.directory === undefined ? resolve(config.dataDir, cdr.directory) : resolve(options.directory)
    const store = await context.store()
    const newest = await store.batch(newestRecord)
    if (from !== undefined && (from < 1n || from > newest + 1n))
      fail('ID_INVALID', {
        what: '--from',
        expected: `a record number from 1 to ${newest + 1n}`,
        came: from.toString(),
      })
    const bar = context.progress('exporting')
    const exported = await exportRecords(
      {
        store,
        identities: async (sql, subscribers) => {
          const profiles = await readProfiles(sql, subscribers)
          // Who has no SIM has no sessions that records are made of.
          const named = [...profiles].flatMap(([id, { imsi }]) =>
            imsi === null ? [] : [[id, { imsi, msisdn: undefined }] as const],
          )
          return new Map(named)
        },
      },
      {
        folder,
        format,
        node: nodeOf(config),
        recordsPerFile: cdr.recordsPerFile,
        from,
        signal: context.signal,
        progress: (done) => bar.update(Number(done), Number(newest)),
      },
    ).finally(() => bar.end())
    const { files, records, last, stopped } = exported
    const lines =
      files.length === 0
        ? [
            last === 0n
              ? 'There are no records yet.'
              : `Nothing new: records up to ${last} have been exported to ${folder} before.`,
          ]
        : [
            `Wrote ${counted(records, 'record')} to ${counted(files.length, 'file')} in ${folder}:`,
            ...files.map((file) => `  ${file}`),
            `The next export goes on at record ${last + 1n}.`,
          ]
    if (stopped) lines.push('Broken off: run it again to go on.')
    return {
      text: lines.join('\n'),
      json: { directory: folder, format: options.format, files, records, last, stopped },
      exit: stopped ? 130 : 0,
    }
  },
}

function readFormat(text: string): CdrFormat {
  const format = Object.hasOwn(FORMATS, text) ? FORMATS[text] : undefined
  if (format !== undefined) return format
  return fail('ID_INVALID', { what: '--format', expected: Object.keys(FORMATS).join(', '), came: text.slice(0, 64) })
}

function nodeOf(config: Config): CdrNode {
  const { node, address, utcOffset, functionId } = config.get(billingSection).cdr
  return { nodeId: node, address, utcOffset, functionId: functionId ?? functionIdOf(node) }
}

/** A UUID that stays the same as long as the name does (RFC 9562 §5.8). */
function functionIdOf(name: string): string {
  const hash = createHash('sha256').update(`tallycell charging function ${name}`).digest()
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6)
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8)
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const counted = (count: bigint | number, what: string): string => `${count} ${what}${BigInt(count) === 1n ? '' : 's'}`

const list: Command = {
  path: ['cdr', 'list'],
  summary: 'list charging data records, newest first',
  options: {
    subscriber: { value: 'ID', summary: 'only those of this subscriber' },
    before: { value: 'N', summary: 'only records with smaller numbers' },
    limit: { value: 'N', summary: 'rows at most, 1 to 10000', default: '50' },
  },
  examples: ['tallycell cdr list', 'tallycell cdr list --subscriber alice --limit 10'],
  async run(input: Input, context) {
    const { limit } = readPage(input)
    const { options } = input
    const subscriber = options.subscriber === undefined ? undefined : subscriberId(options.subscriber)
    const before = options.before === undefined ? undefined : decimal(options.before, '--before')
    const store = await context.store()
    const found = await store.batch(async (sql) => {
      if (subscriber !== undefined) await needProfile(sql, subscriber)
      return listRecords(sql, { subscriber, before, limit: limit + 1 })
    })
    const records = found.slice(0, limit)
    const more = found.length > limit
    const json = { records: records.map(recordJson), more }
    if (records.length === 0)
      return { text: 'No records. One is written when a charging session ends, and for parts of long ones.', json }
    const next = more ? `\nThere are more: add --before ${records.at(-1)?.number}` : ''
    return { text: table(records.map(cells), COLUMNS) + next, json }
  },
}

type Cell = 'record' | 'closed' | 'subscriber' | 'radio' | 'part' | 'cause' | 'up' | 'down' | 'charge'
const COLUMNS: readonly Column<Cell>[] = [
  { name: 'record', align: 'right' },
  { name: 'closed' },
  { name: 'subscriber' },
  { name: 'radio' },
  { name: 'part', align: 'right' },
  { name: 'cause' },
  { name: 'up', align: 'right' },
  { name: 'down', align: 'right' },
  { name: 'charge', align: 'right' },
]

const cells = (record: KeptRecord): Record<Cell, string> => ({
  record: record.number.toString(),
  closed: formatInstant(record.closed),
  subscriber: record.subscriber,
  radio: record.radio ?? '-',
  part: record.partial?.toString() ?? '-',
  cause: record.cause,
  up: formatOctets(record.services.reduce((sum, { uplink }) => sum + uplink, 0n)),
  down: formatOctets(record.services.reduce((sum, { downlink }) => sum + downlink, 0n)),
  charge: chargeOf(record.charge, record.currency),
})

/** Records of the flat plan are in tokens: no currency is involved (ISO 4217 XXX). */
const chargeOf = (micro: bigint, currency: string): string =>
  formatMoney(micro, currency === 'XXX' ? 'tokens' : currency)

/** Times as text; absent things are null. */
/** For programs. */
export const recordJson = (record: KeptRecord) => ({
  ...record,
  partial: record.partial ?? null,
  radio: record.radio ?? null,
  apn: record.apn ?? null,
  nodeAddress: record.nodeAddress ?? null,
  visitedPlmn: record.visitedPlmn ?? null,
  opened: formatInstant(record.opened),
  closed: formatInstant(record.closed),
  services: record.services.map((service) => ({
    ...service,
    tariff: service.tariff ?? null,
    firstUse: formatInstant(service.firstUse),
    lastUse: formatInstant(service.lastUse),
  })),
})

const show: Command = {
  path: ['cdr', 'show'],
  summary: 'show one charging data record, without the IMSI',
  positionals: [{ name: 'N', summary: 'number of the record', required: true }],
  examples: ['tallycell cdr show 12'],
  async run({ args }, context) {
    const number = decimal(args.N ?? '', 'the number of a record')
    const store = await context.store()
    const { record, newest } = await store.batch(async (sql) => ({
      record: await findRecord(sql, number),
      newest: await newestRecord(sql),
    }))
    if (!record) return fail('CDR_UNKNOWN', { number, newest })
    return { text: recordText(record), json: recordJson(record) }
  },
}

function recordText(record: KeptRecord): string {
  const { partial, currency, gaps, late } = record
  const facts: readonly (readonly [string, string])[] = [
    ['Subscriber', `${record.subscriber} of ${record.tenant}`],
    ['Session', `${record.origin} ${record.sessionId}`],
    [
      'Access',
      `${record.access}, radio ${record.radio ?? 'unknown'}${record.visitedPlmn === undefined ? '' : `, in ${record.visitedPlmn}`}`,
    ],
    ['From', `${formatInstant(record.opened)} to ${formatInstant(record.closed)}, ${record.seconds} s`],
    ['Ended', `${record.cause}${partial === undefined ? '' : `, part ${partial} of its session`}`],
    ['Charge', chargeOf(record.charge, currency)],
  ]
  const lines = facts.map(([name, value]) => `${`${name}:`.padEnd(12)}${value}`)
  if (gaps + late > 0n) lines.push(`${'Order:'.padEnd(12)}${gaps} requests missing, ${late} out of order`)
  if (record.services.length === 0) return `Record ${record.number}\n${lines.join('\n')}\nNothing was used.`
  const rows = record.services.map((service) => ({
    group: service.ratingGroup.toString(),
    tariff: service.tariff ?? '-',
    up: formatOctets(service.uplink),
    down: formatOctets(service.downlink),
    seconds: service.seconds.toString(),
    messages: service.messages.toString(),
    bundle: formatOctets(service.bundleOctets),
    free: formatOctets(service.zeroRatedOctets),
    charge: chargeOf(service.charge, currency),
  }))
  return `Record ${record.number}\n${lines.join('\n')}\n\n${table(rows, SERVICES)}`
}

const right = <Name extends string>(name: Name): Column<Name> => ({ name, align: 'right' })
const SERVICES: readonly Column<
  'group' | 'tariff' | 'up' | 'down' | 'seconds' | 'messages' | 'bundle' | 'free' | 'charge'
>[] = [
  { name: 'group', heading: 'rating group' },
  { name: 'tariff' },
  right('up'),
  right('down'),
  right('seconds'),
  right('messages'),
  { name: 'bundle', heading: 'by bundles', align: 'right' },
  { name: 'free', heading: 'zero-rated', align: 'right' },
  right('charge'),
]
