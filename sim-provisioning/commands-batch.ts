// Batches of SIMs at the command line.
import type { Command, Input, Output } from '../core/cli/command.ts'
import { moreLine, PAGE_OPTIONS, readPage } from '../core/cli/page.ts'
import { table } from '../core/cli/table.ts'
import { fail } from '../core/kernel/errors.ts'
import { payerId } from '../core/kernel/ids.ts'
import { decimal } from '../core/kernel/units.ts'
import { approveExport, exportBatch, requestExport } from './batch/export.ts'
import { FORMATS, type Format, formatOf } from './batch/formats.ts'
import { generateBatch } from './batch/generate.ts'
import { type ImportReport, importBatch } from './batch/import.ts'
import { type Batch, listBatches, listErrors, needBatch } from './batch/store.ts'
import { AS_OPTION, actorOf, instant, openVault, readText, readToken } from './command-deps.ts'
import { formOf } from './commands-sim.ts'
import { mncDigits } from './profiles/home-imsi.ts'
import type { Algorithm } from './vault/material.ts'
import { openTransportKey } from './vault/network-keys/network-keys.ts'

const SHOWN_ERRORS = 20
const FORMAT = { value: 'FORMAT', summary: `${FORMATS.join(', ')}; by the name of the file unless given` } as const
const TENANT = { value: 'TENANT', summary: 'whose SIMs they are', default: 'default' } as const

export function batchCommands(): Command[] {
  return [load, generate, exportCommand, approve, list, show]
}

const load: Command = {
  path: ['batch', 'import'],
  summary: 'load SIMs from a file; a load that was broken off goes on where it stopped',
  positionals: [
    { name: 'file', summary: 'pySim or sysmocom CSV, .out of a card maker, or JSON Lines', required: true },
  ],
  options: {
    format: FORMAT,
    tenant: TENANT,
    name: { value: 'BATCH', summary: "name of the batch; of the file's contents unless given" },
    'dry-run': { summary: 'say what would be done, and what is wrong, and do nothing' },
    all: { summary: 'all or nothing: load no SIM when one line is wrong' },
    'mnc-digits': { value: 'N', summary: 'length of the network code, 2 or 3, where neither file nor range says it' },
    'transport-key': { value: 'ID', summary: 'under which the keys in the file are wrapped' },
    wrapped: { value: 'NAMES', summary: 'which of ki,opc,topc are wrapped', default: 'ki,opc,topc' },
    'home-key': { value: 'N', summary: 'id of the home network key on the SIMs' },
    form: { value: 'FORM', summary: 'card or esim', default: 'card' },
    ...AS_OPTION,
  },
  examples: [
    'tallycell batch import sims.csv --dry-run --mnc-digits 2',
    'tallycell batch import vendor.out --transport-key vendor-7 --tenant acme --all',
  ],
  async run({ args, options }, context) {
    const opened = await openVault(context)
    const path = args.file ?? ''
    const act = { actor: actorOf(options.as), now: context.clock() }
    const key = options['transport-key']
    const transport = key === undefined ? undefined : await openTransportKey(opened, key, 'unwrap', act)
    const bar = context.progress('loading')
    const report = await importBatch(
      {
        ...opened,
        clock: context.clock,
        signal: context.signal,
        progress: (done, total) => bar.update(done, total),
      },
      {
        path,
        format: readFormat(options.format, path),
        tenant: payerId(options.tenant ?? ''),
        batch: options.name === undefined ? undefined : payerId(options.name),
        mode: options.all === undefined ? 'row' : 'all',
        dryRun: options['dry-run'] !== undefined,
        mncDigits: options['mnc-digits'] === undefined ? undefined : mncDigits(options['mnc-digits']),
        transport,
        wrapped: new Set(options.wrapped?.split(',')),
        homeKey: readHomeKey(options['home-key']),
        form: formOf(options.form),
      },
    ).finally(() => bar.end())
    return describe(report)
  },
}

function readFormat(text: string | undefined, path: string): Format {
  const format = text === undefined ? (formatOf(path) ?? 'pysim') : FORMATS.find((name) => name === text)
  return format ?? fail('ID_INVALID', { what: 'format', expected: FORMATS.join(', '), came: String(text) })
}

function readHomeKey(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const id = Number(decimal(text, 'home network key'))
  return id <= 255 ? id : fail('ID_INVALID', { what: 'home network key', expected: '0 to 255', came: text })
}

/** Exit 65 when a line was refused, 130 when broken off. */
function describe(report: ImportReport): Output {
  const { state, batch, added, unchanged, refused, duplicates, errors } = report
  const verb = state === 'dry' ? 'would be added' : 'added'
  const lines = [
    `Batch ${batch}: ${added} ${verb}, ${unchanged} there already, ${refused} refused, ${duplicates} of them duplicates`,
    ...errors.slice(0, SHOWN_ERRORS).map(({ line, message, hint }) => `  line ${line}: ${message} (${hint})`),
  ]
  if (refused > SHOWN_ERRORS) lines.push(`  and ${refused - SHOWN_ERRORS} more: tallycell batch show ${batch} --json`)
  if (state === 'refused') lines.push('Nothing was loaded: not all of it is right.')
  if (state === 'stopped') lines.push('Broken off: load the file again to go on.')
  const exit = state === 'stopped' ? 130 : refused > 0 ? 65 : 0
  return { text: lines.join('\n'), json: report, exit }
}

const generate: Command = {
  path: ['batch', 'generate'],
  summary: "make a new batch: identifiers from the tenant's ranges, keys from the system's generator",
  positionals: [{ name: 'batch', summary: 'its name', required: true }],
  options: {
    count: { value: 'N', summary: 'how many SIMs', required: true },
    tenant: TENANT,
    algorithm: { value: 'NAME', summary: 'milenage or tuak', default: 'milenage' },
    op: { value: 'FILE', summary: "the operator's OP or TOP in hex; each SIM has an OPc of its own without it" },
    'home-key': { value: 'N', summary: 'id of the home network key to be put on the SIMs' },
    form: { value: 'FORM', summary: 'card or esim', default: 'card' },
  },
  examples: ['tallycell batch generate spring --count 1000 --tenant acme'],
  async run({ args, options }, context) {
    const count = Number(decimal(options.count ?? '', 'number of SIMs'))
    const batch = payerId(args.batch ?? '')
    const algorithm = readAlgorithm(options.algorithm)
    await generateBatch(
      { ...(await openVault(context)), clock: context.clock },
      {
        batch,
        tenant: payerId(options.tenant ?? ''),
        count,
        algorithm,
        op: options.op === undefined ? undefined : Buffer.from((await readText(options.op)).trim(), 'hex'),
        homeKey: readHomeKey(options['home-key']),
        form: formOf(options.form),
      },
    )
    const text = `Batch ${batch}: ${count} SIMs made.\nGive them to a card maker: tallycell batch export ${batch} --transport-key ID`
    return { text, json: { batch, count, algorithm } }
  },
}

function readAlgorithm(text: string | undefined): Algorithm {
  if (text === 'milenage' || text === 'tuak') return text
  return fail('ID_INVALID', { what: 'algorithm', expected: 'milenage or tuak', came: String(text) })
}

const BATCH = { name: 'batch', summary: 'the batch', required: true } as const

const exportCommand: Command = {
  path: ['batch', 'export'],
  summary: 'write a batch to a file: without keys, or with wrapped keys when two operators agree',
  positionals: [BATCH],
  options: {
    out: { value: 'FILE', summary: 'where to' },
    format: FORMAT,
    'transport-key': { value: 'ID', summary: 'ask for an export with the keys wrapped under this one' },
    approval: { value: 'N', summary: 'the number of the export that another operator has approved' },
    'token-file': { value: 'FILE', summary: 'your operator token, for an export with keys' },
  },
  examples: [
    'tallycell batch export spring --out spring.csv',
    'tallycell batch export spring --transport-key vendor-7 --token-file alice.token',
    'tallycell batch export spring --approval 1 --out spring.out --token-file alice.token',
  ],
  async run({ args, options }, context) {
    const opened = await openVault(context)
    const batch = args.batch ?? ''
    const now = context.clock()
    const key = options['transport-key']
    if (key !== undefined) {
      const id = await requestExport(opened, batch, key, { token: await readToken(options['token-file']), now })
      const text = `Export ${id} waits a day for another operator: tallycell batch approve ${id} --token-file FILE`
      return { text, json: { export: id, batch, transportKey: key } }
    }
    const path = options.out
    if (path === undefined)
      return fail('CLI_ARGUMENT_MISSING', {
        name: '--out',
        expected: '--out FILE, or --transport-key ID to ask for the keys',
        usage: 'tallycell batch export BATCH --out FILE',
      })
    const approval =
      options.approval === undefined
        ? undefined
        : { id: decimal(options.approval, 'number of the export'), token: await readToken(options['token-file']), now }
    const count = await exportBatch(opened, { batch, path, format: readFormat(options.format, path), approval })
    return { text: `${count} SIMs written to ${path}.`, json: { batch, path, count, keys: approval !== undefined } }
  },
}

const approve: Command = {
  path: ['batch', 'approve'],
  summary: 'agree that the keys of a batch leave; not for the operator who asked',
  positionals: [{ name: 'export', summary: 'its number', required: true }],
  options: { 'token-file': { value: 'FILE', summary: 'your operator token', required: true } },
  examples: ['tallycell batch approve 1 --token-file bob.token'],
  async run({ args, options }, context) {
    const id = decimal(args.export ?? '', 'number of the export')
    const signed = { token: await readToken(options['token-file']), now: context.clock() }
    const approvedBy = await approveExport(await openVault(context), id, signed)
    return { text: `Export ${id} is approved by ${approvedBy}.`, json: { export: id, approvedBy } }
  },
}

const batchJson = (batch: Batch) => ({
  batch: batch.batch,
  tenant: batch.tenant,
  source: batch.source,
  format: batch.format,
  state: batch.state,
  added: batch.added,
  unchanged: batch.unchanged,
  refused: batch.refused,
  lines: batch.position,
  created: instant(batch.created),
})

const list: Command = {
  path: ['batch', 'list'],
  summary: 'list the batches',
  options: PAGE_OPTIONS,
  examples: ['tallycell batch list'],
  async run(input: Input, context) {
    const { batches, more } = await (await context.store()).batch((sql) => listBatches(sql, readPage(input)))
    const json = { batches: batches.map(batchJson), more }
    if (batches.length === 0) return { text: 'No batches yet. Load one: tallycell batch import FILE', json }
    const rows = batches.map((batch) => {
      const { batch: name, tenant, source, state, added, refused } = batchJson(batch)
      return { name, tenant, source, state, added: String(added), refused: String(refused) }
    })
    const columns = [
      { name: 'name', heading: 'batch' },
      'tenant',
      'source',
      'state',
      { name: 'added', align: 'right' },
      { name: 'refused', align: 'right' },
    ] as const
    return { text: table(rows, columns) + moreLine('batch list', more ? batches.at(-1)?.batch : undefined), json }
  },
}

const show: Command = {
  path: ['batch', 'show'],
  summary: 'show a batch and what was wrong with its file, line by line',
  positionals: [BATCH],
  options: { limit: PAGE_OPTIONS.limit, after: { value: 'LINE', summary: 'errors after this line' } },
  examples: ['tallycell batch show spring --json'],
  async run(input, context) {
    const after = input.options.after === undefined ? 0 : Number(decimal(input.options.after, 'line'))
    const { limit } = readPage({ ...input, options: { ...input.options, after: undefined } })
    const store = await context.store()
    const json = await store.batch(async (sql) => {
      const batch = await needBatch(sql, input.args.batch ?? '')
      return { ...batchJson(batch), errors: await listErrors(sql, batch.batchNo, limit, after) }
    })
    const { errors, ...plain } = json
    const lines = Object.entries(plain).map(([name, value]) => `${name.padEnd(12)} ${value}`)
    for (const { line, message, hint } of errors) lines.push(`  line ${line}: ${message} (${hint})`)
    return { text: lines.join('\n'), json }
  },
}
