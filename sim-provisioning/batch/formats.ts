// The forms in which SIMs come and go: pySim and sysmocom CSV, a card vendor's .out file, JSON Lines. Readers take lines as they come and
// never repeat what is in them; writers give lines.
import { fail, TallycellError } from '../../core/kernel/errors.ts'
import { type CsvColumns, createCsvReader } from '../../core/wire/csv.ts'
import { FIELDS, type SimFields } from './record.ts'

export const FORMATS = ['pysim', 'sysmocom', 'out', 'jsonl'] as const
export type Format = (typeof FORMATS)[number]

export type SimRecord =
  | { readonly line: number; readonly fields: SimFields }
  | { readonly line: number; readonly error: TallycellError }

export interface SimReader {
  /** The next lines of the file, however many. Throws SIM_FILE_HEADING or CSV_HEADER when there is no use in going on. */
  take(lines: readonly string[]): SimRecord[]
  /** What is wrong with the file as a whole, when its last line has been taken. */
  end(): SimRecord[]
}

const OURS = new Set<string>(FIELDS)
/** Other names that files have for fields. */
const NAMES: Readonly<Record<string, string>> = {
  k: 'ki',
  adm: 'adm1',
  pin_adm: 'adm1',
  admin: 'adm1',
  pin: 'pin1',
  puk: 'puk1',
  ser_nb: 'iccid',
  access_control: 'acc',
}

/** Our name of a field, in whatever case. */
function fieldName(heading: string): string {
  const name = heading.trim().toLowerCase().replaceAll(' ', '_')
  return NAMES[name] ?? name
}

/** Recognises a format by the name of the file; undefined for .csv, which may be either. */
export const formatOf = (path: string): Format | undefined =>
  /\.(jsonl|ndjson)$/i.test(path) ? 'jsonl' : /\.out$/i.test(path) ? 'out' : undefined

export function createSimReader(format: Format): SimReader {
  if (format === 'jsonl') return jsonLines()
  if (format === 'out') return outFile()
  // Headings name what they hold, so that one reader serves both: sysmocom's come in capitals and from spreadsheets, with ; or tabs.
  const columns: CsvColumns = {
    required: ['iccid', 'imsi', 'ki'],
    optional: FIELDS.filter((name) => !['iccid', 'imsi', 'ki'].includes(name)),
    named: fieldName,
    others: 'skip',
    delimiters: [',', ';', '\t'],
  }
  return { take: createCsvReader(columns), end: () => [] }
}

function jsonLines(): SimReader {
  let number = 0
  const read = (text: string): SimFields | undefined => {
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
      const fields: Record<string, string> = {}
      for (const [heading, item] of Object.entries(value)) {
        const name = fieldName(heading)
        if (OURS.has(name) && (typeof item === 'string' || typeof item === 'number') && item !== '')
          fields[name] = String(item)
      }
      return fields
    } catch {
      // The message of JSON.parse repeats the text.
      return undefined
    }
  }
  return {
    take: (lines) =>
      lines.flatMap((text): SimRecord[] => {
        const line = ++number
        if (text.trim() === '') return []
        const fields = read(text)
        return [
          fields === undefined
            ? wrong(line, 'line', 'an object in JSON', `${text.length} characters`)
            : { line, fields },
        ]
      }),
    end: () => [],
  }
}

/**
 * Header lines `Name: value`, comments from `*`, then `var_out:` with the names of the columns parted by `/`, then one line per SIM with
 * values parted by blanks; `-` for none. The header may say how many there are.
 */
function outFile(): SimReader {
  let number = 0
  let count = 0
  let names: readonly string[] | undefined
  let awaiting = false
  const header = new Map<string, string>()

  const columns = (text: string): void => {
    names = text
      .split('/')
      .map(fieldName)
      .filter((name) => name !== '')
    const missing = ['iccid', 'imsi', 'ki'].find((name) => !names?.includes(name))
    if (missing !== undefined) fail('SIM_FILE_HEADING', { format: 'out', reason: `var_out does not name ${missing}` })
  }
  const headerLine = (text: string): void => {
    const [, name = '', value = ''] = /^([\w ]+?)\s*:\s*(.*)$/.exec(text) ?? []
    if (awaiting) columns(text)
    else if (name.toLowerCase() !== 'var_out') header.set(name.toLowerCase(), value)
    else if (value === '') awaiting = true
    else columns(value)
  }
  return {
    take: (lines) =>
      lines.flatMap((line): SimRecord[] => {
        number++
        const text = line.trim()
        if (text === '' || text.startsWith('*')) return []
        if (names === undefined) {
          headerLine(text)
          return []
        }
        count++
        const values = text.split(/\s+/)
        if (values.length !== names.length) return [wrong(number, 'line', `${names.length} values`, `${values.length}`)]
        const fields: Record<string, string> = {}
        for (const [index, name] of names.entries()) {
          const value = values[index]
          if (OURS.has(name) && value !== undefined && value !== '-') fields[name] = value
        }
        return [{ line: number, fields }]
      }),
    end() {
      if (names === undefined) return fail('SIM_FILE_HEADING', { format: 'out', reason: 'it has no line var_out:' })
      const quantity = header.get('quantity')
      if (quantity === undefined || Number(quantity) === count) return []
      return [wrong(number + 1, 'quantity', `${quantity.slice(0, 12)} SIMs, as the header says`, `${count}`)]
    },
  }
}

const wrong = (line: number, field: string, expected: string, came: string): SimRecord => ({
  line,
  error: new TallycellError('SIM_ROW', { field, expected, came }),
})

export interface FileHead {
  readonly batch: string
  readonly tenant: string
  readonly quantity: number
  readonly transportKey: string | undefined
}

export interface SimWriter {
  head(): string
  line(fields: SimFields): string
}

/** `columns`: which of FIELDS the file has. No value of a SIM holds a delimiter or a quote. */
export function createSimWriter(format: Format, columns: readonly string[], file: FileHead): SimWriter {
  const heading = (name: string): string =>
    format === 'pysim' ? (name === 'adm1' ? 'pin_adm' : name) : name === 'ki' ? 'Ki' : name.toUpperCase()
  switch (format) {
    case 'jsonl':
      return {
        head: () => '',
        line: (fields) => {
          const kept = columns.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]] as const]))
          return `${JSON.stringify(Object.fromEntries(kept))}\n`
        },
      }
    case 'out':
      return {
        head: () =>
          [
            '*',
            `Customer: ${file.tenant}`,
            `Quantity: ${file.quantity}`,
            `Batch: ${file.batch}`,
            ...(file.transportKey === undefined ? [] : [`Transport_key: ${file.transportKey}`]),
            '*',
            `var_out:${columns.map((name) => name.toUpperCase()).join('/')}`,
            '',
          ].join('\n'),
        line: (fields) => `${columns.map((name) => fields[name] ?? '-').join(' ')}\n`,
      }
    default:
      return {
        head: () => `${columns.map(heading).join(',')}\n`,
        line: (fields) => `${columns.map((name) => fields[name] ?? '').join(',')}\n`,
      }
  }
}
