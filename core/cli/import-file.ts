// Loading many rows from a file: what is right goes in, group by group, what is wrong is listed with its line. Loading the same
// file again does no harm, so a load that was broken off is simply started again.
import { type FileHandle, open } from 'node:fs/promises'
import { fail, isTallycellError, type TallycellError } from '../kernel/errors.ts'
import type { AddOutcome } from '../store/add-outcome.ts'
import { type CsvColumns, type CsvFields, createCsvReader } from '../wire/csv.ts'
import type { CommandContext, Output } from './command.ts'

export interface Import<Item> {
  readonly path: string
  readonly columns: CsvColumns
  /** Makes an item of a line; throws an error of the catalogue. */
  readonly parse: (fields: CsvFields) => Item
  /** Adds a group in one transaction; outcomes in order. */
  readonly add: (items: readonly Item[]) => Promise<readonly AddOutcome[]>
}

export interface Refusal {
  readonly line: number
  readonly code: string
  readonly message: string
  readonly hint: string
}

export interface ImportResult {
  readonly added: number
  readonly unchanged: number
  readonly refused: number
  /** The first refusals, at most 1,000. */
  readonly refusals: readonly Refusal[]
  /** Broken off by a signal. */
  readonly stopped: boolean
}

const GROUP = 500
const MAX_REFUSALS = 1000
const SHOWN_REFUSALS = 20

/** Throws FILE_UNREADABLE or CSV_HEADER, having added nothing. */
export async function importFile<Item>(
  { path, columns, parse, add }: Import<Item>,
  { progress, signal }: Pick<CommandContext, 'progress' | 'signal'>,
): Promise<ImportResult> {
  const read = createCsvReader(columns)
  const count = { added: 0, unchanged: 0, refused: 0 }
  const refusals: Refusal[] = []
  let group: { line: number; item: Item }[] = []

  const refuse = (line: number, { code, message, hint }: TallycellError): void => {
    count.refused++
    if (refusals.length < MAX_REFUSALS) refusals.push({ line, code, message, hint })
  }
  const flush = async (): Promise<void> => {
    const outcomes = await add(group.map(({ item }) => item))
    for (const [index, { line }] of group.entries()) {
      const outcome = outcomes[index]
      if (isTallycellError(outcome)) refuse(line, outcome)
      else if (outcome) count[outcome]++
    }
    group = []
  }
  const take = async (lines: readonly string[]): Promise<void> => {
    for (const record of read(lines)) {
      if ('error' in record) {
        refuse(record.line, record.error)
        continue
      }
      try {
        group.push({ line: record.line, item: parse(record.fields) })
      } catch (error) {
        if (!isTallycellError(error)) throw error
        refuse(record.line, error)
      }
    }
    await flush()
  }

  const file = await openFile(path)
  const bar = progress('loading')
  try {
    const { size } = await file.stat()
    let octets = 0
    let lines: string[] = []
    for await (const text of file.readLines({ autoClose: false })) {
      lines.push(text)
      octets += text.length + 1
      if (lines.length >= GROUP) {
        await take(lines)
        lines = []
        bar.update(Math.min(octets, size), size)
      }
      if (signal.aborted) break
    }
    if (!signal.aborted) await take(lines)
  } finally {
    bar.end()
    await file.close()
  }
  return { ...count, refusals, stopped: signal.aborted }
}

async function openFile(path: string): Promise<FileHandle> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    if (!(await file.stat()).isDirectory()) return file
  } catch (error) {
    fail('FILE_UNREADABLE', { path, reason: error instanceof Error ? error.message : String(error) }, error)
  }
  await file.close()
  return fail('FILE_UNREADABLE', { path, reason: 'it is a folder' })
}

/** The result for people and programs; exit 65 when a line was refused (sysexits.h EX_DATAERR), 130 when broken off. */
export function describeImport(result: ImportResult, noun: string): Output {
  const lines = [
    `${plural(result.added, noun)} added, ${result.unchanged} there already, ${plural(result.refused, 'line')} refused`,
    ...result.refusals
      .slice(0, SHOWN_REFUSALS)
      .map(({ line, message, hint }) => `  line ${line}: ${message} (${hint})`),
  ]
  if (result.refused > SHOWN_REFUSALS) lines.push(`  and ${result.refused - SHOWN_REFUSALS} more: see them with --json`)
  if (result.stopped) lines.push('Broken off: load the file again to go on.')
  if (result.added + result.unchanged + result.refused === 0 && !result.stopped)
    lines.push('The file holds no lines below its heading.')
  const exit = result.stopped ? 130 : result.refused > 0 ? 65 : 0
  return { text: lines.join('\n'), json: result, exit }
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
