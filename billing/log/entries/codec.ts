// Entries to octets and back: deterministic CBOR (RFC 8949 §4.2.1), driven by the tables of dictionary.ts.
import { decode } from 'cborg'
import { fail } from '../../../core/kernel/errors.ts'
import { MAX_ENTRY } from '../tiles/layout.ts'
import { createCborWriter } from './cbor-writer.ts'
import { ENTRY_TYPES, type Entry, type EntryName, type EntryOf, entryName, rowsOf } from './dictionary.ts'

export const ENTRY_FAULTS = {
  'too-long': `it is longer than ${MAX_ENTRY} octets`,
  malformed: 'it is not CBOR as RFC 8949 §4.2.1 writes it',
  'not-an-entry': 'it is not a map that begins with a known type',
  missing: 'a field is missing',
  unexpected: 'it has a field that its type does not have',
  invalid: 'a field does not hold what its type allows',
  'not-canonical': 'it could have been written otherwise',
} as const

export interface EntryFault {
  readonly code: keyof typeof ENTRY_FAULTS
  /** The field concerned. */
  readonly field?: string
}

export type Decoded = { readonly ok: true; readonly entry: Entry } | { readonly ok: false; readonly fault: EntryFault }

const TYPE_KEY = 0n
const writer = createCborWriter()

/** Throws LOG_ENTRY_INVALID when a value is outside what its field allows. */
export function encodeEntry(entry: Entry): Uint8Array {
  const octets = write(entry)
  if (octets.length <= MAX_ENTRY) return octets
  return fail('LOG_ENTRY_INVALID', { type: entry.type, field: 'size', expected: `at most ${MAX_ENTRY} octets` })
}

function write(entry: Entry): Uint8Array {
  const { type } = entry
  const values = entry as Readonly<Record<string, unknown>>
  const present = rowsOf(type).filter(({ name, field, optional }) => {
    const value = values[name]
    if (value === undefined && optional) return false
    if (value === undefined || !field.accepts(value))
      fail('LOG_ENTRY_INVALID', { type, field: name, expected: field.words })
    return true
  })
  writer.map(present.length + 1)
  writer.integer(TYPE_KEY)
  writer.integer(BigInt(ENTRY_TYPES[type].type))
  for (const { key, name, field } of present) {
    writer.integer(BigInt(key))
    field.write(writer, values[name])
  }
  return writer.finish()
}

/** Total: any octets give an entry or a fault, and an entry encodes to the same octets again. */
export function decodeEntry(octets: Uint8Array): Decoded {
  if (octets.length > MAX_ENTRY) return refuse('too-long')
  const map = parse(octets)
  if (map === undefined) return refuse('malformed')
  const type = map instanceof Map ? entryName(map.get(0)) : undefined
  if (!(map instanceof Map) || !type) return refuse('not-an-entry')
  const entry: Record<string, unknown> = { type }
  let taken = 1
  for (const { key, name, field, optional } of rowsOf(type)) {
    if (!map.has(key)) {
      if (optional) continue
      return refuse('missing', name)
    }
    const value = field.read(map.get(key))
    if (value === undefined) return refuse('invalid', name)
    entry[name] = value
    taken++
  }
  if (taken !== map.size) return refuse('unexpected')
  const decoded = entry as unknown as Entry
  return Buffer.compare(write(decoded), octets) === 0 ? { ok: true, entry: decoded } : refuse('not-canonical')
}

/** Narrows a decoded entry to the type that the reader asked for. */
export function isEntry<Name extends EntryName>(entry: Entry, name: Name): entry is EntryOf<Name> & Entry {
  return entry.type === name
}

function refuse(code: EntryFault['code'], field?: string): Decoded {
  return { ok: false, fault: field === undefined ? { code } : { code, field } }
}

/** cborg throws for what it refuses, and runs out of stack on nesting no entry has. */
function parse(octets: Uint8Array): unknown {
  try {
    return decode(octets, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      useMaps: true,
      rejectDuplicateMapKeys: true,
    })
  } catch {
    return undefined
  }
}
