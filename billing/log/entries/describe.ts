// Entries for people and for programs that read JSON.
import { type Entry, rowsOf } from './dictionary.ts'

/** The fields that are there, in the order of the table: name and value in words. */
export function describeEntry(entry: Entry): readonly (readonly [name: string, value: string])[] {
  const values = entry as Readonly<Record<string, unknown>>
  return rowsOf(entry.type)
    .filter(({ name }) => values[name] !== undefined)
    .map(({ name, field }) => [name, field.show(values[name])] as const)
}

/** The entry for JSON: octets in hex; numbers are left to whoever writes the JSON. */
export function entryJson(entry: Entry): Readonly<Record<string, unknown>> {
  const plain = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
    if (Array.isArray(value)) return value.map(plain)
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
    return value
  }
  return Object.fromEntries(
    Object.entries(entry)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, plain(value)]),
  )
}
