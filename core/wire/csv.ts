// Comma-separated values (RFC 4180), one record per line, columns named by the first line.
import { parse } from 'csv-parse/sync'
import { fail, TallycellError } from '../kernel/errors.ts'

export interface CsvColumns {
  readonly required: readonly string[]
  readonly optional: readonly string[]
  /** The name of ours that a heading stands for; the heading itself unless given. */
  readonly named?: (heading: string) => string
  /** Columns of other names are skipped instead of refused. */
  readonly others?: 'skip'
  /** Which may part the values; the one that the heading has most of. `,` unless given. */
  readonly delimiters?: readonly string[]
}

/** A line's fields by column name; a field left empty is absent. */
export type CsvFields = Readonly<Record<string, string | undefined>>

/** Line of the file, the first being 1, with its fields or with what is wrong with it. */
export type CsvRecord =
  | { readonly line: number; readonly fields: CsvFields }
  | { readonly line: number; readonly error: TallycellError }

/** Takes the next lines of a file, however many; empty ones yield nothing. */
export type CsvReader = (lines: readonly string[]) => CsvRecord[]

const MAX_LINE = 4096

/** Makes a reader that takes a file's lines in order. It throws `CSV_HEADER` at the first. */
export function createCsvReader(shape: CsvColumns): CsvReader {
  const { required } = shape
  let columns: readonly string[] | undefined
  let delimiter = ','
  let number = 0

  const record = (line: number, text: string, values: readonly string[] | undefined): CsvRecord => {
    const names = columns ?? []
    if (text.length > MAX_LINE || values?.length !== names.length)
      return { line, error: wrongLine(names, text.length > MAX_LINE ? undefined : values) }
    const fields: Record<string, string | undefined> = {}
    for (const [index, name] of names.entries()) if (name !== '') fields[name] = values[index] || undefined
    const missing = required.find((name) => fields[name] === undefined)
    if (missing === undefined) return { line, fields }
    return { line, error: new TallycellError('CSV_ROW', { expected: `a value for ${missing}`, came: 'none' }) }
  }

  return (lines) => {
    let rest = lines
    const [first] = lines
    if (columns === undefined && first !== undefined) {
      // Spreadsheets begin a file with a byte order mark.
      const heading = first.replace(/^\uFEFF/, '').slice(0, MAX_LINE)
      delimiter = delimiterOf(heading, shape.delimiters)
      columns = columnsOf(heading, splitLines([heading], delimiter)[0] ?? [], shape)
      number = 1
      rest = lines.slice(1)
    }
    const filled: { readonly line: number; readonly text: string }[] = []
    for (const text of rest) {
      number++
      if (text.trim() !== '') filled.push({ line: number, text })
    }
    const values = splitLines(
      filled.map(({ text }) => text),
      delimiter,
    )
    return filled.map(({ line, text }, index) => record(line, text, values[index]))
  }
}

const delimiterOf = (heading: string, delimiters: readonly string[] = [',']): string =>
  delimiters.reduce((best, one) => (heading.split(one).length > heading.split(best).length ? one : best))

function columnsOf(
  heading: string,
  headings: readonly string[],
  { required, optional, named, others }: CsvColumns,
): readonly string[] {
  const ours = new Set([...required, ...optional])
  const names = headings.map((text) => named?.(text) ?? text)
  const kept = names.filter((name) => ours.has(name))
  const known = others === 'skip' || kept.length === names.length
  if (known && new Set(kept).size === kept.length && required.every((name) => kept.includes(name)))
    return names.map((name) => (ours.has(name) ? name : ''))
  const extra = optional.length > 0 ? ` and, if wanted, ${optional.join(',')}` : ''
  return fail('CSV_HEADER', { expected: `${required.join(',')}${extra}`, came: heading.slice(0, 80) })
}

/** The values of each line; undefined where its quotes do not match. */
function splitLines(lines: readonly string[], delimiter: string): (string[] | undefined)[] {
  if (lines.length === 0) return []
  const together = split(lines.join('\n'), delimiter)
  // A quote that is not closed swallows lines: then each is looked at by itself.
  if (together?.length === lines.length) return together
  if (lines.length === 1) return [undefined]
  return lines.map((line) => splitLines([line], delimiter)[0])
}

/** A line end within quotes makes a record of several lines, which there cannot be: lines and records are one to one. */
function split(text: string, delimiter: string): string[][] | undefined {
  try {
    return parse(text, {
      delimiter,
      trim: true,
      relax_column_count: true,
      record_delimiter: ['\r\n', '\n'],
      max_record_size: MAX_LINE + 2,
    }) as string[][]
  } catch {
    return undefined
  }
}

function wrongLine(columns: readonly string[], values: readonly string[] | undefined): TallycellError {
  const came = values ? `${values.length} values` : 'quotes that do not match or a line that is too long'
  return new TallycellError('CSV_ROW', {
    expected: `the ${columns.filter(Boolean).length} values ${columns.filter(Boolean).join(',')}`,
    came,
  })
}
