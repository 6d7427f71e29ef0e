// All dictionary files as one: names to definitions, codes to definitions, and the TypeScript types of the values.
import { BASE } from './dict/base.ts'
import { CHARGING } from './dict/charging.ts'
import { CREDIT_CONTROL } from './dict/credit-control.ts'
import { GI } from './dict/gi.ts'
import { GX } from './dict/gx.ts'
import type { AvpRow, AvpTable } from './dict/row.ts'
import { S6A } from './dict/s6a.ts'
import { codecOf, type PlainValue, type ValueCodec } from './value.ts'

const TABLES = [BASE, CREDIT_CONTROL, GI, GX, S6A, CHARGING] as const satisfies readonly AvpTable[]

type Row = (typeof TABLES)[number]['rows'][number]
type Rows = { readonly [Each in Row as Each['name']]: Each }
/** The name of any AVP that the dictionary knows. */
export type AvpName = keyof Rows

/** AVPs that stand side by side: those of a message, or of a group in it. A view of the message's octets. */
export interface Avps {
  /** The whole message, so that offsets mean the same at every depth. */
  readonly bytes: Uint8Array
  readonly from: number
  readonly end: number
}

/** Enumerations give the name of a known value, and the number of an unknown one. */
type Read<Of extends Row> = Of extends { readonly values: infer Values }
  ? Values[keyof Values] | number
  : Of['type'] extends 'group'
    ? Avps
    : PlainValue<Of['type']>
/** The type of the values of the AVP `Name` when read. */
export type AvpValue<Name extends AvpName> = Read<Rows[Name]>

/** An AVP as octets, whatever the dictionary knows of it. */
export interface RawAvp {
  readonly code: number
  /** Vendor-Id; 0 where the V flag is clear. */
  readonly vendor: number
  /** The flags octet. */
  readonly flags: number
  readonly octets: Uint8Array
}

/** AVPs to be written; an interface, since a group holds AVPs again. */
export interface AvpList extends ReadonlyArray<AvpInput> {}

type Write<Of extends Row> = Of['type'] extends 'group' ? AvpList : Read<Of>
/** An AVP by name and value; groups take a list of AVPs. */
export type NamedAvp = { [Name in AvpName]: readonly [Name, Write<Rows[Name]>] }[AvpName]
/** What `encode` takes. */
export type AvpInput = NamedAvp | RawAvp

/** A row, ready for use. */
export interface Definition {
  readonly name: AvpName
  readonly code: number
  readonly vendor: number
  /** The flags octet that we send. */
  readonly flags: number
  readonly row: AvpRow
  /** Undefined for groups. */
  readonly codec: ValueCodec<unknown> | undefined
}

export const FLAG_VENDOR = 0x80
export const FLAG_MANDATORY = 0x40

/** Above every code of a vendor. */
const CODES = 8192
const byName = new Map<string, Definition>()
const byCode = new Map<number, (Definition | undefined)[]>()

for (const { vendor, rows } of TABLES) {
  let codes = byCode.get(vendor)
  if (codes === undefined) {
    codes = Array.from({ length: CODES }, (): Definition | undefined => undefined)
    byCode.set(vendor, codes)
  }
  for (const row of rows as readonly AvpRow[]) {
    const flags = (vendor === 0 ? 0 : FLAG_VENDOR) | (row.must ? FLAG_MANDATORY : 0)
    const definition = { name: row.name as AvpName, code: row.code, vendor, flags, row, codec: codecOf(row) }
    if (byName.has(row.name)) throw new RangeError(`two rows are named ${row.name}`)
    if (codes[row.code] !== undefined) throw new RangeError(`two rows have code ${row.code} of vendor ${vendor}`)
    byName.set(row.name, definition)
    codes[row.code] = definition
  }
}
const ietf = byCode.get(0) ?? []
const threeGpp = byCode.get(10_415) ?? []

/** The definition of a known name. */
export const definitionOf = (name: AvpName): Definition => byName.get(name) as Definition

/** The definition of a code in a vendor's name space, or undefined: a code of another vendor is another AVP. */
export function definitionAt(vendor: number, code: number): Definition | undefined {
  if (vendor === 0) return ietf[code]
  return vendor === 10_415 ? threeGpp[code] : byCode.get(vendor)?.[code]
}

/** What decoding has to know of an AVP: nothing, that it is a value, that it is a group. */
export const KIND = { unknown: 0, value: 1, group: 2 } as const

const kindsOf = (definitionsOf: readonly (Definition | undefined)[]): Uint8Array =>
  Uint8Array.from({ length: CODES }, (_, code) => {
    const definition = definitionsOf[code]
    return definition === undefined ? KIND.unknown : definition.codec === undefined ? KIND.group : KIND.value
  })
const ietfKinds = kindsOf(ietf)
const threeGppKinds = kindsOf(threeGpp)

/**
 * The kind of an AVP, out of octets where the definition would be an object for each: decoding asks for every AVP. Both numbers may be signed.
 */
export function kindAt(vendor: number, code: number): number {
  const kinds = vendor === 0 ? ietfKinds : vendor === 10_415 ? threeGppKinds : undefined
  if (kinds !== undefined) return code >= 0 && code < CODES ? (kinds[code] as number) : KIND.unknown
  const definition = definitionAt(vendor >>> 0, code >>> 0)
  return definition === undefined ? KIND.unknown : definition.codec === undefined ? KIND.group : KIND.value
}

/** Every definition, for documentation and tests. */
export const definitions = (): readonly Definition[] => [...byName.values()]
