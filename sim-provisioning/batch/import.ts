// Loading a batch of SIMs from a file of any length: lines are read, checked, sealed and stored a thousand at a time, each thousand with
// the line it reaches in one transaction. So a load that was broken off goes on where it stopped, and the same file twice does no harm.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail, isTallycellError, type TallycellError } from '../../core/kernel/errors.ts'
import type { PayerId } from '../../core/kernel/ids.ts'
import type { AddOutcome } from '../../core/store/add-outcome.ts'
import type { Store } from '../../core/store/store.ts'
import type { MncDigits } from '../profiles/home-imsi.ts'
import { createRangeBook, listRanges, type RangeBook } from '../profiles/ranges/store.ts'
import { addSims, findTaken } from '../profiles/sims/store.ts'
import { maskImsi } from '../profiles/store.ts'
import type { Vault } from '../vault/vault.ts'
import { createSimReader, type Format, type SimRecord } from './formats.ts'
import { type RecordOptions, readSim } from './record.ts'
import { type PlacedSim, sealSim, VALUES_PER_SIM } from './seal.ts'
import {
  advanceBatch,
  type Batch,
  type BatchMode,
  type BatchState,
  findBatch,
  finishBatch,
  insertBatch,
  insertErrors,
  type LineError,
  listErrors,
  refuseBatch,
} from './store.ts'

export interface ImportOptions extends RecordOptions {
  readonly path: string
  /** The file where it is in memory; `path` is its name only. */
  readonly content?: Uint8Array | undefined
  readonly format: Format
  readonly tenant: PayerId
  /** Name of the batch; made of the file's contents, tenant and mode unless given. */
  readonly batch?: string | undefined
  /** `all`: not one SIM is added when one line is wrong. */
  readonly mode: BatchMode
  /** Says what would be done, and does nothing. */
  readonly dryRun: boolean
  /** Where neither the file nor a range says how long the MNC is. */
  readonly mncDigits?: MncDigits | undefined
  readonly form?: 'card' | 'esim' | undefined
}

export interface ImportDeps {
  readonly store: Store
  readonly vault: Vault
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Octets read so far, and all. */
  readonly progress?: ((done: number, total: number) => void) | undefined
}

export interface ImportReport {
  readonly batch: string
  /** `dry`: nothing was done; `stopped`: broken off by a signal. */
  readonly state: BatchState | 'dry' | 'stopped'
  readonly added: number
  readonly unchanged: number
  readonly refused: number
  /** How many of the refused have an ICCID or IMSI that another SIM has. */
  readonly duplicates: number
  /** The first errors, at most 1,000. */
  readonly errors: readonly LineError[]
}

const GROUP = 1000
const MAX_ERRORS = 1000
/** Lines by identifier, for naming the line that was first; beyond so many the database alone finds duplicates. */
const MAX_REMEMBERED = 1_000_000

/** Throws FILE_UNREADABLE, SIM_FILE_HEADING, CSV_HEADER, BATCH_UNFINISHED. */
export async function importBatch(deps: ImportDeps, options: ImportOptions): Promise<ImportReport> {
  const sha256 = await hashFile(options)
  const name = options.batch ?? nameOf(options, sha256)
  if (options.dryRun) return load(deps, options, name, undefined)
  const report = await deps.store.exclusive(`sim batch ${name}`, async () => {
    const batch = await openBatch(deps, options, name, sha256)
    return batch.state === 'running' ? load(deps, options, name, batch) : finished(deps.store, batch)
  })
  return report ?? fail('BATCH_UNFINISHED', { batch: name, state: 'being loaded by somebody else' })
}

async function openBatch(
  { store, clock }: ImportDeps,
  options: ImportOptions,
  name: string,
  sha256: string,
): Promise<Batch> {
  const { tenant, path, format, mode, transport } = options
  return store.batch(async (sql) => {
    const known = await findBatch(sql, name)
    if (known === undefined) {
      const source = basename(path)
      const made = { batch: name, tenant, source, sha256, format, mode, transportKey: transport?.id }
      return insertBatch(sql, made, clock())
    }
    const same = known.sha256 === sha256 && known.tenant === tenant && known.mode === mode
    return same
      ? known
      : fail('BATCH_UNFINISHED', { batch: name, state: 'there already, of another file, tenant or mode' })
  })
}

/** The same for the same load of the same file. */
const nameOf = ({ tenant, mode }: ImportOptions, sha256: string): string =>
  createHash('sha256').update(`${tenant} ${mode} ${sha256}`).digest('hex').slice(0, 16)

/** What an earlier load of the same file came to. */
async function finished(
  store: Store,
  { batchNo, batch, state, added, unchanged, refused }: Batch,
): Promise<ImportReport> {
  const errors = await store.batch((sql) => listErrors(sql, batchNo, MAX_ERRORS))
  const duplicates = errors.filter(({ code }) => code === 'SIM_EXISTS').length
  return {
    batch,
    state,
    added: state === 'done' ? 0 : added,
    unchanged: added + unchanged,
    refused,
    duplicates,
    errors,
  }
}

interface Count {
  added: number
  unchanged: number
  refused: number
  duplicates: number
  readonly errors: LineError[]
}

async function load(
  deps: ImportDeps,
  options: ImportOptions,
  name: string,
  batch: Batch | undefined,
): Promise<ImportReport> {
  const { store, clock, signal } = deps
  const reader = createSimReader(options.format)
  const book = createRangeBook(await store.batch(listRanges), options.tenant)
  const check = createChecker(options, book)
  const step = batch === undefined ? createTrial(store, options.tenant) : await createLoad(deps, options, batch)
  const count: Count = { added: 0, unchanged: 0, refused: 0, duplicates: 0, errors: [] }
  if (batch !== undefined) {
    const earlier = await store.batch((sql) => listErrors(sql, batch.batchNo, MAX_ERRORS))
    count.errors.push(...earlier)
    count.refused += batch.refused
    count.added += batch.added
    count.unchanged += batch.unchanged
    count.duplicates += earlier.filter(({ code }) => code === 'SIM_EXISTS').length
  }
  const done = batch?.position ?? 0

  const take = async (records: readonly SimRecord[], position: number): Promise<void> => {
    if (position <= done) return
    const group = check(records.filter(({ line }) => line > done))
    const { outcomes, errors } = await step(group, position)
    for (const outcome of outcomes) if (outcome === 'added' || outcome === 'unchanged') count[outcome]++
    count.refused += errors.length
    count.duplicates += errors.filter(({ code }) => code === 'SIM_EXISTS').length
    count.errors.push(...errors.slice(0, MAX_ERRORS - count.errors.length))
  }

  await readGroups(
    options,
    deps,
    async (lines, position) => take(reader.take(lines), position),
    async (position) => {
      const last = reader.end()
      if (last.length > 0) await take(last, position + 1)
    },
  )
  const state = await conclude()
  return { batch: name, ...count, added: state === 'refused' ? 0 : count.added, state }

  async function conclude(): Promise<ImportReport['state']> {
    if (signal.aborted) return 'stopped'
    if (batch === undefined) return 'dry'
    const refuse = batch.mode === 'all' && count.refused > 0
    await store.batch((sql) => (refuse ? refuseBatch : finishBatch)(sql, batch.batchNo, clock()))
    return refuse ? 'refused' : 'done'
  }
}

interface Group {
  readonly sims: readonly { readonly line: number; readonly sim: PlacedSim }[]
  readonly errors: readonly LineError[]
}

interface GroupResult {
  readonly outcomes: readonly AddOutcome[]
  readonly errors: readonly LineError[]
}

const lineError = (line: number, { code, message, hint }: TallycellError): LineError => ({ line, code, message, hint })

/** Checks records one by one, and against those before them. */
function createChecker(options: ImportOptions, book: RangeBook): (records: readonly SimRecord[]) => Group {
  const lines = new Map<bigint, number>()
  // As numbers: a part of a line would keep the whole line in memory. An ICCID has more digits than an IMSI, so neither is ever the other.
  const refuseRepeated = (what: string, digits: string): void => {
    const first = lines.get(BigInt(digits))
    if (first !== undefined) fail('SIM_EXISTS', { what, came: maskImsi(digits), where: `: line ${first} of this file` })
  }
  const place = (record: Extract<SimRecord, { readonly fields: unknown }>): PlacedSim => {
    const sim = readSim(record.fields, options)
    const range = book.check('imsi', sim.imsi)
    book.check('iccid', sim.iccid.slice(0, -1))
    if (sim.msisdn !== undefined) book.check('msisdn', sim.msisdn)
    const length = range?.mncDigits ?? sim.mncDigits ?? options.mncDigits
    if (length === undefined || (sim.mncDigits !== undefined && sim.mncDigits !== length))
      return fail('SIM_ROW', {
        field: 'mnc',
        expected: 'how long the MNC is: by an IMSI range, the column mnc, or --mnc-digits',
        came: length === undefined ? 'none of them' : `${sim.mncDigits}, and the range says ${length}`,
      })
    refuseRepeated('ICCID', sim.iccid)
    refuseRepeated('IMSI', sim.imsi)
    if (lines.size < MAX_REMEMBERED) lines.set(BigInt(sim.iccid), record.line).set(BigInt(sim.imsi), record.line)
    return { ...sim, mncDigits: length }
  }
  return (records) => {
    const sims: { line: number; sim: PlacedSim }[] = []
    const errors: LineError[] = []
    for (const record of records) {
      if ('error' in record) {
        errors.push(lineError(record.line, record.error))
        continue
      }
      try {
        sims.push({ line: record.line, sim: place(record) })
      } catch (error) {
        if (!isTallycellError(error)) throw error
        errors.push(lineError(record.line, error))
      }
    }
    return { sims, errors }
  }
}

type Step = (group: Group, position: number) => Promise<GroupResult>

function withOutcomes({ sims, errors }: Group, outcomes: readonly AddOutcome[]): GroupResult {
  const all = [...errors]
  for (const [index, { line }] of sims.entries()) {
    const outcome = outcomes[index]
    if (isTallycellError(outcome)) all.push(lineError(line, outcome))
  }
  return { outcomes, errors: all.sort((a, b) => a.line - b.line) }
}

/** Looks, and writes nothing. */
function createTrial(store: Store, tenant: PayerId): Step {
  return async (group) => {
    const outcomes = await store.batch(async (sql) => {
      // Keys are not compared: a fingerprint would have to be made with a key that may not be there yet.
      const taken = await findTaken(
        sql,
        group.sims.map(({ sim }) => ({ ...sim, tenant, fingerprint: '' })),
      )
      return group.sims.map(({ sim }) => taken({ ...sim, tenant, fingerprint: '' }))
    })
    return withOutcomes(group, outcomes)
  }
}

async function createLoad({ store, vault, clock }: ImportDeps, options: ImportOptions, batch: Batch): Promise<Step> {
  const fingerprint = await vault.fingerprints(clock())
  const terms = {
    tenant: options.tenant,
    batchNo: batch.batchNo,
    state: batch.mode === 'all' ? ('staged' as const) : ('inStock' as const),
    form: options.form ?? ('card' as const),
  }
  let reached = batch.position
  return async (group, position) => {
    const sealer = await vault.sealer(VALUES_PER_SIM * group.sims.length, clock())
    const sealed = group.sims.map(({ sim }) => sealSim(sim, terms, sealer, fingerprint))
    const result = await store.batch(async (sql) => {
      const found = withOutcomes(group, await addSims(sql, sealed, clock()))
      await insertErrors(sql, batch.batchNo, found.errors)
      const by = {
        position,
        added: found.outcomes.filter((outcome) => outcome === 'added').length,
        unchanged: found.outcomes.filter((outcome) => outcome === 'unchanged').length,
        refused: found.errors.length,
      }
      if (!(await advanceBatch(sql, batch.batchNo, reached, by)))
        fail('BATCH_UNFINISHED', { batch: batch.batch, state: 'being loaded by somebody else' })
      return found
    })
    reached = position
    return result
  }
}

/** Calls `take` with groups of lines and the number of the last of each; then `end`, unless it was broken off. */
async function readGroups(
  source: Source,
  { signal, progress }: ImportDeps,
  take: (lines: readonly string[], position: number) => Promise<void>,
  end: (position: number) => Promise<void>,
): Promise<void> {
  const file = await openSource(source)
  try {
    const { size } = file
    let lines: string[] = []
    let position = 0
    let octets = 0
    for await (const line of file.lines) {
      lines.push(line)
      octets += line.length + 1
      position++
      if (lines.length < GROUP) continue
      await take(lines, position)
      lines = []
      progress?.(Math.min(octets, size), size)
      if (signal.aborted) return
    }
    if (lines.length > 0) await take(lines, position)
    if (!signal.aborted) await end(position)
  } finally {
    await file.close()
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (error) {
    return unreadable(path, error)
  }
}

type Source = Pick<ImportOptions, 'path' | 'content'>

interface OpenSource {
  /** Octets. */
  readonly size: number
  readonly lines: AsyncIterable<string>
  close(): Promise<void>
}

async function openSource({ path, content }: Source): Promise<OpenSource> {
  if (content !== undefined) {
    const input = Readable.from([content])
    return { size: content.length, lines: createInterface({ input, crlfDelay: Infinity }), close: async () => {} }
  }
  const file = await openFile(path)
  const { size } = await file.stat()
  return { size, lines: file.readLines({ autoClose: false }), close: () => file.close() }
}

async function hashFile({ path, content }: Source): Promise<string> {
  const hash = createHash('sha256')
  if (content !== undefined) return hash.update(content).digest('hex')
  try {
    for await (const part of createReadStream(path)) hash.update(part as Uint8Array)
  } catch (error) {
    return unreadable(path, error)
  }
  return hash.digest('hex')
}

const unreadable = (path: string, error: unknown): never =>
  fail('FILE_UNREADABLE', { path, reason: error instanceof Error ? error.message : String(error) }, error)
