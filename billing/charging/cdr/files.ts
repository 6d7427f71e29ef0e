// Exports records to a folder. A reader sees whole files only: each is written beside its place under a name that ends in `.part-...`,
// made durable, and then renamed. Nothing in a file depends on when it is written: the same records under the same sequence number
// give the same octets, so an export that was interrupted is simply done again.
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '../../../core/kernel/errors.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import { encodeCdr } from './ber.ts'
import {
  type ClosureReason,
  DATA_RECORD_FORMAT,
  encodeCdrFile,
  type FiledCdr,
  headerTime,
  type Release,
  TS_NUMBER,
} from './cdr-file.ts'
import type { CdrNode } from './contents.ts'
import { CSV_HEADER, formatCsv } from './csv.ts'
import { fileNameStem, formatFileName, isFileNodeId } from './file-name.ts'
import { formatJsonLine } from './json-lines.ts'
import type { ChargingRecord } from './record.ts'

/** TS 32.298 V17.4.0, whose fields we write. */
const RELEASE: Release = { release: 17, version: 4 }
const MAX_SEQUENCE = 2n ** 32n - 1n

export type CdrFormat = 'ber' | 'csv' | 'jsonl'
const EXTENSION: Readonly<Record<CdrFormat, string>> = { ber: 'cdr', csv: 'csv', jsonl: 'jsonl' }

export interface CdrExport {
  readonly folder: string
  readonly format: CdrFormat
  readonly node: CdrNode
  /** Sequence number of the first file, from 1. */
  readonly first: bigint
  /** In ascending order of their numbers. */
  readonly records: readonly ChargingRecord[]
  /** A file is closed after so many records. */
  readonly recordsPerFile: number
}

export interface CdrExported {
  /** Names within the folder, in order of their sequence numbers. */
  readonly files: readonly string[]
  /** Where the next export goes on. */
  readonly next: bigint
}

/**
 * Writes the records to as many files as they need; none where there are none. Files that are there already with the same octets are
 * left alone. Rejects with CDR_RECORD_INVALID, CDR_FILE_DIFFERS, CDR_FOLDER_UNUSABLE; files before the one that failed stay.
 */
export async function exportCdrs(request: CdrExport): Promise<CdrExported> {
  const { folder, node, first, records, recordsPerFile } = request
  check(request)
  try {
    await mkdir(folder, { recursive: true, mode: 0o750 })
    const present = await readdir(folder)
    const files: string[] = []
    let sequence = first
    for (let from = 0; from < records.length; from += recordsPerFile, sequence++) {
      const batch = records.slice(from, from + recordsPerFile)
      const { name, octets } = composeFile(request, sequence, batch)
      const stem = fileNameStem(node.nodeId, sequence)
      const before = present.find((other) => other.startsWith(stem) && other.endsWith(`.${EXTENSION[request.format]}`))
      if (before === undefined) await place(folder, name, octets)
      else if (before !== name || Buffer.compare(await readFile(join(folder, before)), octets) !== 0)
        fail('CDR_FILE_DIFFERS', { file: join(folder, before), sequence })
      files.push(name)
    }
    // A name that was found may be of an export that ended before its folder was durable.
    if (files.length > 0) await syncFolder(folder)
    return { files, next: sequence }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    return fail('CDR_FOLDER_UNUSABLE', { folder, reason: error.message }, error)
  }
}

function check({ node, first, records, recordsPerFile }: CdrExport): void {
  if (!isFileNodeId(node.nodeId) || !(Number.isInteger(recordsPerFile) && recordsPerFile > 0))
    throw new RangeError('a node id that no file name holds, or no whole number of records per file')
  const files = BigInt(Math.ceil(records.length / recordsPerFile))
  if (first < 1n || first + files - 1n > MAX_SEQUENCE)
    throw new RangeError('a sequence number below 1 or above 2^32 - 1')
  for (const [index, { number }] of records.entries()) {
    const before = records[index - 1]
    if (before !== undefined && before.number >= number)
      fail('CDR_RECORD_INVALID', { number, reason: `it comes after number ${before.number}` })
  }
}

/** Name and octets of one file. `batch` has one record at least; the file's times are those of its records. */
function composeFile(
  { format, node, recordsPerFile }: Pick<CdrExport, 'format' | 'node' | 'recordsPerFile'>,
  sequence: bigint,
  batch: readonly ChargingRecord[],
): { name: string; octets: Uint8Array } {
  const closings = batch.map(({ closed }) => closed)
  const opened = closings.reduce((a, b) => (b < a ? b : a))
  const appended = closings.reduce((a, b) => (b > a ? b : a))
  const { nodeId, utcOffset } = node
  const name = formatFileName({
    nodeId,
    sequence,
    closed: { at: appended, utcOffset },
    privateInformation: undefined,
    extension: EXTENSION[format],
  })
  if (format === 'csv') return { name, octets: Buffer.from(CSV_HEADER + batch.map(formatCsv).join(''), 'utf8') }
  if (format === 'jsonl') return { name, octets: Buffer.from(batch.map(formatJsonLine).join(''), 'utf8') }
  const reason = batch.length === recordsPerFile ? 'count-limit' : 'normal'
  return { name, octets: berFile(node, sequence, batch, { opened, appended, reason }) }
}

function berFile(
  node: CdrNode,
  sequence: bigint,
  batch: readonly ChargingRecord[],
  { opened, appended, reason }: { opened: Millis; appended: Millis; reason: ClosureReason },
): Uint8Array {
  const none = new Uint8Array(0)
  return encodeCdrFile({
    header: {
      high: RELEASE,
      low: RELEASE,
      opened: headerTime(opened, node.utcOffset),
      appended: headerTime(appended, node.utcOffset),
      sequence,
      reason,
      address: node.address,
      lost: { count: 0, exact: true },
      routeingFilter: none,
      privateExtension: none,
    },
    cdrs: batch.map(
      (record): FiledCdr => ({
        release: RELEASE,
        format: DATA_RECORD_FORMAT.ber,
        ts: TS_NUMBER[record.access === 'nr' ? 'TS 32.255' : 'TS 32.251'],
        octets: encodeCdr(record, node),
      }),
    ),
  })
}

async function place(folder: string, name: string, octets: Uint8Array): Promise<void> {
  const temporary = join(folder, `${name}.part-${randomBytes(6).toString('hex')}`)
  try {
    const file = await open(temporary, 'wx', 0o640)
    try {
      await file.writeFile(octets)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, join(folder, name))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
