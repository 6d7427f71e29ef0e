// Comma-separated values (RFC 4180), one record per line, columns named by the first line.
import { fail, TallycellError } from './errors.ts'

export interface CsvColumns {
  readonly required: readonly string[]
  readonly optional: readonly string[]
}

/** A line's fields by column name; a field left empty is absent. */
export type CsvFields = Readonly<Record<string, string | undefined>>

/** Line of the file, the first being 1, with its fields or with what is wrong with it. */
export type CsvRecord =
  | { readonly line: number; readonly fields: CsvFields }
  | { readonly line: number; readonly error: TallycellError }

const MAX_LINE = 4096
const FIELD = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y

/** The fields of one line; undefined where quotes do not match (RFC 4180 §2: 5 to 7). */
export function splitCsvLine(line: string): string[] | undefined {
  const fields: string[] = []
  FIELD.lastIndex = 0
  for (;;) {
    const match = FIELD.exec(line)
    if (!match) return undefined
    fields.push((match[1]?.replaceAll('""', '"') ?? match[2] ?? '').trim())
    if (match[3] === '') return fields
  }
}

/** Makes a reader that takes a file's lines in order. It throws `CSV_HEADER` at the first; an empty line yields undefined. */
export function createCsvReader({ required, optional }: CsvColumns): (line: string) => CsvRecord | undefined {
  let columns: readonly string[] | undefined
  let number = 0

  const header = (line: string): readonly string[] => {
    // Spreadsheets begin a file with a byte order mark.
    const names = splitCsvLine(line.replace(/^\uFEFF/, '').slice(0, MAX_LINE)) ?? []
    const known = names.every((name) => required.includes(name) || optional.includes(name))
    if (known && new Set(names).size === names.length && required.every((name) => names.includes(name))) return names
    const extra = optional.length > 0 ? ` and, if wanted, ${optional.join(',')}` : ''
    return fail('CSV_HEADER', { expected: `${required.join(',')}${extra}`, came: line.slice(0, 80) })
  }

  return (line) => {
    number++
    if (!columns) {
      columns = header(line)
      return undefined
    }
    if (line.trim() === '') return undefined
    const values = line.length > MAX_LINE ? undefined : splitCsvLine(line)
    if (values?.length !== columns.length) return { line: number, error: wrongLine(columns, values) }
    const fields: Record<string, string | undefined> = {}
    for (const [index, name] of columns.entries()) fields[name] = values[index] || undefined
    const missing = required.find((name) => fields[name] === undefined)
    if (missing === undefined) return { line: number, fields }
    return { line: number, error: new TallycellError('CSV_ROW', { expected: `a value for ${missing}`, came: 'none' }) }
  }
}

function wrongLine(columns: readonly string[], values: readonly string[] | undefined): TallycellError {
  const came = values ? `${values.length} values` : 'quotes that do not match or a line that is too long'
  return new TallycellError('CSV_ROW', { expected: `the ${columns.length} values ${columns.join(',')}`, came })
}
