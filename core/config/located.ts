// Configuration values that remember where they were written, so that a complaint can name the line.
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml'
import type { Setting } from './section.ts'

export interface Place {
  readonly origin: Setting['origin']
  /** For people: `tallycell.yaml:3`, `TALLYCELL_HTTP_LISTEN`. */
  readonly text: string
}

export type Located =
  | { readonly kind: 'map'; readonly place: Place; readonly entries: ReadonlyMap<string, Entry> }
  | { readonly kind: 'list'; readonly place: Place; readonly items: readonly Located[] }
  | { readonly kind: 'scalar'; readonly place: Place; readonly value: unknown }

export interface Entry {
  /** Of the key. */
  readonly place: Place
  readonly value: Located
}

// A configuration is small; these bound what aliases can multiply it to.
const MAX_NODES = 20_000
const MAX_DEPTH = 24

/** Parses YAML 1.2; every fault is passed to `complain` with its place. `placeAt` names a line (counted from 1). */
export function parseYaml(
  text: string,
  placeAt: (line: number, column: number) => Place,
  complain: (place: Place, problem: string) => void,
): Located | undefined {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, intAsBigInt: true })
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return placeAt(line, col)
  }
  const faults = [...document.errors, ...document.warnings]
  for (const fault of faults) {
    const { line, col } = lines.linePos(fault.pos[0])
    complain(placeAt(line, col), `invalid YAML at column ${col}: ${fault.message.replace(/\s+/g, ' ')}`)
  }
  if (faults.length > 0 || document.contents === null) return undefined
  const budget = { nodes: MAX_NODES, complained: false }
  return locate(document.contents, { document, at, complain, budget }, 0)
}

interface Reading {
  readonly document: Document.Parsed
  readonly at: (offset: number) => Place
  readonly complain: (place: Place, problem: string) => void
  readonly budget: { nodes: number; complained: boolean }
}

function locate(node: ParsedNode | null, reading: Reading, depth: number): Located {
  const place = reading.at(node?.range?.[0] ?? 0)
  if (--reading.budget.nodes < 0 || depth > MAX_DEPTH) {
    if (!reading.budget.complained) reading.complain(place, 'too deep or too large for a configuration')
    reading.budget.complained = true
    return { kind: 'scalar', place, value: null }
  }
  if (isAlias(node)) return locate((node.resolve(reading.document) ?? null) as ParsedNode | null, reading, depth + 1)
  if (isMap<ParsedNode, ParsedNode | null>(node)) {
    const entries = new Map<string, Entry>()
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : String(key)
      entries.set(name, { place: reading.at(key.range[0]), value: locate(value, reading, depth + 1) })
    }
    return { kind: 'map', place, entries }
  }
  if (isSeq<ParsedNode>(node))
    return { kind: 'list', place, items: node.items.map((item) => locate(item, reading, depth + 1)) }
  return { kind: 'scalar', place, value: isScalar(node) ? scalar(node.value) : null }
}

/** Integers are read as bigint, so that one too large for a number is seen and not rounded. */
function scalar(value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** A plain value set by the program itself. */
export function fromValue(value: unknown, place: Place): Located {
  if (Array.isArray(value)) return { kind: 'list', place, items: value.map((item) => fromValue(item, place)) }
  if (typeof value !== 'object' || value === null) return { kind: 'scalar', place, value }
  const entries = Object.entries(value).map(([key, item]): [string, Entry] => [
    key,
    { place, value: fromValue(item, place) },
  ])
  return { kind: 'map', place, entries: new Map(entries) }
}

/** The value without its places. */
export function plain(located: Located): unknown {
  if (located.kind === 'list') return located.items.map(plain)
  if (located.kind === 'scalar') return located.value
  return Object.fromEntries([...located.entries].map(([key, { value }]) => [key, plain(value)]))
}
