// Settings against their schema: fills defaults, collects every problem instead of stopping at the first.
import { Value } from 'typebox/value'
import { type Located, type Place, plain } from './located.ts'
import { didYouMean } from './nearest.ts'
import { advice, came, expected, type SchemaView } from './schema.ts'
import type { Setting } from './section.ts'

export interface Checking {
  /** From the environment, by path joined with '.'; these win over the file. */
  readonly overrides: ReadonlyMap<string, Located>
  complain(place: Place | undefined, path: string, problem: string): void
  record(setting: Setting): void
}

/** The value of the object `schema` at `path`: overrides, then what the file says, then defaults. */
export function checkObject(
  schema: SchemaView,
  located: Located | undefined,
  path: string,
  checking: Checking,
): unknown {
  const entries = entriesOf(located, path, checking)
  const properties = schema.properties ?? {}
  for (const [key, { place }] of entries)
    if (!Object.hasOwn(properties, key))
      checking.complain(place, join(path, key), `there is no such setting${didYouMean(key, Object.keys(properties))}`)
  const defaults = (schema.default ?? {}) as Readonly<Record<string, unknown>>
  const value: Record<string, unknown> = {}
  for (const [key, below] of Object.entries(properties)) {
    const item = checkProperty(below, entries.get(key)?.value, join(path, key), checking, {
      fallback: defaults[key] ?? below.default,
      required: schema.required?.includes(key) === true,
      at: located?.place,
    })
    if (item !== undefined) value[key] = item
  }
  return value
}

interface Absent {
  readonly fallback: unknown
  readonly required: boolean
  readonly at: Place | undefined
}

function checkProperty(
  schema: SchemaView,
  written: Located | undefined,
  path: string,
  checking: Checking,
  absent: Absent,
): unknown {
  if (schema.properties) {
    const inside = [...checking.overrides.keys()].some((name) => name.startsWith(`${path}.`))
    // An optional group that nobody mentions, or in which everything is commented out, stays away, with the defaults inside it.
    const group = present(written)
    return group || inside || absent.required || absent.fallback !== undefined
      ? checkObject(schema, group, path, checking)
      : undefined
  }
  const located = checking.overrides.get(path) ?? present(written)
  if (!located) {
    if (absent.fallback !== undefined) checking.record({ path, value: absent.fallback, origin: 'default' })
    else if (absent.required) checking.complain(absent.at, path, `is required: expected ${expected(schema)}`)
    return absent.fallback
  }
  const value = checkValue(schema, located, path, checking)
  checking.record({ path, value, origin: located.place.origin, place: located.place.text })
  return value
}

/** `key:` with nothing after it is the same as no key at all. */
function present(located: Located | undefined): Located | undefined {
  return located?.kind === 'scalar' && located.value === null ? undefined : located
}

function checkValue(schema: SchemaView, located: Located, path: string, checking: Checking): unknown {
  if (schema.properties)
    return checkObject(schema, located, path, { ...checking, overrides: new Map(), record: () => {} })
  const { items, patternProperties } = schema
  if (items && located.kind === 'list') {
    const list = located.items.map((item, index) => checkValue(items, item, `${path}[${index}]`, checking))
    checkLeaf({ ...schema, items: {} }, located, path, checking)
    return list
  }
  if (patternProperties && located.kind === 'map') return checkRecord(patternProperties, located, path, checking)
  return checkLeaf(schema, located, path, checking)
}

function checkRecord(
  patterns: Readonly<Record<string, SchemaView>>,
  located: Located & { kind: 'map' },
  path: string,
  checking: Checking,
): unknown {
  const rows: [string, unknown][] = []
  for (const [key, { place, value }] of located.entries) {
    const schema = Object.entries(patterns).find(([pattern]) => new RegExp(pattern, 'u').test(key))?.[1]
    if (schema) rows.push([key, checkValue(schema, value, join(path, key), checking)])
    else
      checking.complain(
        place,
        join(path, key),
        `this name is not allowed: expected the form ${Object.keys(patterns).join(' or ')}`,
      )
  }
  return Object.fromEntries(rows)
}

function checkLeaf(schema: SchemaView, located: Located, path: string, checking: Checking): unknown {
  const value = plain(located)
  if (!Value.Check(schema, value))
    checking.complain(located.place, path, `expected ${expected(schema)}, got ${came(value)}${advice(schema, value)}`)
  return value
}

function entriesOf(
  located: Located | undefined,
  path: string,
  checking: Checking,
): (Located & { kind: 'map' })['entries'] {
  if (located?.kind === 'map') return located.entries
  if (present(located) && located)
    checking.complain(located.place, path, `expected a group of keys, got ${came(plain(located))}`)
  return new Map()
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)
