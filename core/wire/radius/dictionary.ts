// All dictionary files as one: names to definitions, codes to definitions, and the TypeScript types of the values.
import { THREE_GPP } from './dict/3gpp.ts'
import { AIRESPACE, ARUBA, CHILLISPOT, MIKROTIK, RUCKUS, WIFI_ALLIANCE } from './dict/access-points.ts'
import { MICROSOFT } from './dict/microsoft.ts'
import { RFC2865 } from './dict/rfc2865.ts'
import { RFC2866 } from './dict/rfc2866.ts'
import { RFC2868 } from './dict/rfc2868.ts'
import { RFC2869 } from './dict/rfc2869.ts'
import { RFC3162 } from './dict/rfc3162.ts'
import { RFC4372 } from './dict/rfc4372.ts'
import { RFC5176 } from './dict/rfc5176.ts'
import { RFC5580 } from './dict/rfc5580.ts'
import { RFC6911 } from './dict/rfc6911.ts'
import type { AttributeRow, ValueType } from './dict/row.ts'
import { WISPR } from './dict/wispr.ts'
import { codecOf, type Tagged, type ValueCodec, type ValueOf } from './value.ts'

const STANDARD = [
  ...RFC2865,
  ...RFC2866,
  ...RFC2868,
  ...RFC2869,
  ...RFC3162,
  ...RFC4372,
  ...RFC5176,
  ...RFC5580,
  ...RFC6911,
] as const
const VENDORS = [MICROSOFT, WISPR, THREE_GPP, MIKROTIK, ARUBA, RUCKUS, AIRESPACE, CHILLISPOT, WIFI_ALLIANCE] as const

type Row = (typeof STANDARD)[number] | (typeof VENDORS)[number]['rows'][number]
/** The name of any attribute that the dictionary knows. */
export type AttributeName = Row['name']

type RowOf<Name extends AttributeName> = Extract<Row, { readonly name: Name }>
/** Enumerations give the name of a known value, and the number of an unknown one. */
type Plain<Of extends Row> = Of extends { readonly values: infer Values }
  ? Values[keyof Values] | number
  : Of['type'] extends ValueType
    ? ValueOf<Of['type']>
    : never
type Value<Of extends Row> = Of extends { readonly tagged: true } ? Tagged<Plain<Of>> : Plain<Of>
/** The type of the values of the attribute `Name`. */
export type AttributeValue<Name extends AttributeName> = Name extends AttributeName ? Value<RowOf<Name>> : never

/** A row, ready for use. `vendor` is 0 for the standard's own attributes. */
export interface Definition {
  readonly name: AttributeName
  readonly code: number
  readonly vendor: number
  readonly concat: boolean
  readonly row: AttributeRow
  readonly codec: ValueCodec<unknown>
}

const byName = new Map<string, Definition>()
const standard = Array.from({ length: 256 }, (): Definition | undefined => undefined)
const vendors = new Map<number, (Definition | undefined)[]>()

function define(row: Row, vendor: number, codes: (Definition | undefined)[]): void {
  const definition = { name: row.name, code: row.code, vendor, concat: row.type === 'concat', row, codec: codecOf(row) }
  if (byName.has(row.name)) throw new RangeError(`two rows are named ${row.name}`)
  if (codes[row.code] !== undefined) throw new RangeError(`two rows have code ${row.code} of vendor ${vendor}`)
  byName.set(row.name, definition)
  codes[row.code] = definition
}

for (const row of STANDARD) define(row, 0, standard)
for (const { vendor, rows } of VENDORS) {
  const codes = Array.from({ length: 256 }, (): Definition | undefined => undefined)
  vendors.set(vendor, codes)
  for (const row of rows) define(row, vendor, codes)
}

/** The definition of a known name. */
export const definitionOf = (name: AttributeName): Definition => byName.get(name) as Definition

/** The definition of a standard attribute's type octet, or undefined. */
export const standardAttribute = (code: number): Definition | undefined => standard[code]

/** Definitions of a vendor by type octet, or undefined for a vendor that the dictionary does not know. */
export const vendorAttributes = (vendor: number): readonly (Definition | undefined)[] | undefined => vendors.get(vendor)

/** Every definition, for documentation and tests. */
export const definitions = (): readonly Definition[] => [...byName.values()]
