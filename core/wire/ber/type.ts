// ASN.1 types as values: each knows how its values look in BER, and takes the tag that a module with IMPLICIT TAGS gives it.
import { fail } from '../../kernel/errors.ts'
import { context, type Element, type Tag, universal, writeElement } from './element.ts'
import { type BerFault, berFault, isBerFault } from './fault.ts'

export interface BerType<Value> {
  /** Undefined for a CHOICE and for any type: they have none. */
  readonly own: Tag | undefined
  /** The element, or undefined when `value` is none of this type. `tag` stands in for the type's own (X.690 §8.14.3). */
  write(value: Value, tag?: Tag): Uint8Array | undefined
  read(element: Element, tag?: Tag): Value | BerFault
}

export type ValueOfType<Type> = Type extends BerType<infer Value> ? Value : never

const carries = (element: Element, tag: Tag, constructed: boolean): boolean =>
  element.tag.class === tag.class && element.tag.number === tag.number && element.constructed === constructed

/** A type of the universal class whose contents are octets. `encode` and `decode` give undefined for what is no value. */
export function primitive<Value extends NonNullable<unknown>>(
  number: number,
  encode: (value: Value) => Uint8Array | undefined,
  decode: (contents: Uint8Array) => Value | undefined,
): BerType<Value> {
  const own = universal(number)
  return {
    own,
    write(value, tag = own) {
      const contents = encode(value)
      return contents && writeElement(tag, false, [contents])
    },
    read(element, tag = own) {
      if (!carries(element, tag, false)) return berFault('wrong-tag', element.offset)
      return decode(element.contents) ?? berFault('value', element.offset)
    },
  }
}

/** `type` with other values: both functions give undefined for what has no counterpart. */
export function mapped<Inner, Value extends NonNullable<unknown>>(
  type: BerType<Inner>,
  encode: (value: Value) => Inner | undefined,
  decode: (inner: Inner) => Value | undefined,
): BerType<Value> {
  return {
    own: type.own,
    write(value, tag) {
      const inner = encode(value)
      return inner === undefined ? undefined : type.write(inner, tag)
    },
    read(element, tag) {
      const inner = type.read(element, tag)
      return isBerFault(inner) ? inner : (decode(inner) ?? berFault('value', element.offset))
    },
  }
}

export interface Component<Value, Optional extends boolean> {
  /** Number of its context-specific tag; undefined where it keeps the tag of its type. */
  readonly number: number | undefined
  readonly type: BerType<Value>
  readonly optional: Optional
}

export const required = <Value>(number: number | undefined, type: BerType<Value>): Component<Value, false> => ({
  number,
  type,
  optional: false,
})
export const optional = <Value>(number: number, type: BerType<Value>): Component<Value, true> => ({
  number,
  type,
  optional: true,
})

type Components = Readonly<Record<string, Component<unknown, boolean>>>
/** Optional components that are absent are undefined. */
export type ValueOfComponents<Rows> = {
  readonly [Name in keyof Rows]: Rows[Name] extends Component<infer Value, infer Optional>
    ? true extends Optional
      ? Value | undefined
      : Value
    : never
}

/** Components in the order of the rows. Unknown ones are passed over: later releases add some. Writing throws BER_VALUE_INVALID. */
export const sequence = <Rows extends Components>(rows: Rows): BerType<ValueOfComponents<Rows>> =>
  components(16, rows, true)
/** Components in any order. Unknown ones are passed over: later releases add some. Writing throws BER_VALUE_INVALID. */
export const set = <Rows extends Components>(rows: Rows): BerType<ValueOfComponents<Rows>> =>
  components(17, rows, false)

interface Row {
  readonly name: string
  readonly tag: Tag | undefined
  readonly type: BerType<unknown>
  readonly optional: boolean
}

const answers = (element: Element, { tag }: Row): boolean =>
  element.tag.class === tag?.class && element.tag.number === tag.number

function components<Rows extends Components>(
  number: number,
  rows: Rows,
  ordered: boolean,
): BerType<ValueOfComponents<Rows>> {
  const own = universal(number)
  const table: Row[] = Object.entries(rows).map(([name, row]) => ({
    name,
    tag: row.number === undefined ? row.type.own : context(row.number),
    type: row.type,
    optional: row.optional,
  }))

  const write = (value: Readonly<Record<string, unknown>>, tag: Tag): Uint8Array => {
    const parts: Uint8Array[] = []
    for (const row of table) {
      const component = value[row.name]
      if (component === undefined && row.optional) continue
      const part = component === undefined ? undefined : row.type.write(component, row.tag)
      parts.push(part ?? fail('BER_VALUE_INVALID', { field: row.name }))
    }
    return writeElement(tag, true, parts)
  }

  const read = (element: Element, tag: Tag): Record<string, unknown> | BerFault => {
    if (!carries(element, tag, true)) return berFault('wrong-tag', element.offset)
    const value: Record<string, unknown> = Object.fromEntries(table.map(({ name }) => [name, undefined]))
    let last = -1
    for (const child of element.children) {
      const index = table.findIndex((row) => answers(child, row))
      const row = table[index]
      if (row === undefined) continue
      if (value[row.name] !== undefined || (ordered && index <= last)) return berFault('order', child.offset, row.name)
      last = index
      const component = row.type.read(child, row.tag)
      if (isBerFault(component)) return component.field === undefined ? { ...component, field: row.name } : component
      value[row.name] = component
    }
    const missing = table.find((row) => !row.optional && value[row.name] === undefined)
    return missing === undefined ? value : berFault('missing', element.offset, missing.name)
  }

  return {
    own,
    write: (value, tag = own) => write(value, tag),
    read: (element, tag = own) => read(element, tag) as ValueOfComponents<Rows> | BerFault,
  }
}

const listOf =
  (number: number) =>
  <Value>(type: BerType<Value>): BerType<readonly Value[]> => {
    const own = universal(number)
    return {
      own,
      write(values, tag = own) {
        const parts: Uint8Array[] = []
        for (const value of values) {
          const part = type.write(value)
          if (part === undefined) return undefined
          parts.push(part)
        }
        return writeElement(tag, true, parts)
      },
      read(element, tag = own) {
        if (!carries(element, tag, true)) return berFault('wrong-tag', element.offset)
        const values: Value[] = []
        for (const child of element.children) {
          const value = type.read(child)
          if (isBerFault(value)) return value
          values.push(value)
        }
        return values
      },
    }
  }

export const sequenceOf = listOf(16)
export const setOf = listOf(17)

/** CHOICE of alternatives by name, each with its context tag. Having no tag of its own it is always tagged explicitly (X.680 §31.2.7). */
export function choice<Alternatives extends Readonly<Record<string, readonly [number, BerType<unknown>]>>>(
  alternatives: Alternatives,
): BerType<Chosen<Alternatives>> {
  const table = Object.entries(alternatives).map(([kind, [number, type]]) => ({
    kind,
    tag: context(number),
    type: type,
  }))
  return explicit({
    own: undefined,
    write(chosen) {
      const row = table.find(({ kind }) => kind === chosen.kind)
      return row?.type.write(chosen.value, row.tag)
    },
    read(element) {
      const row = table.find(({ tag }) => element.tag.class === tag.class && element.tag.number === tag.number)
      if (row === undefined) return berFault('wrong-tag', element.offset)
      const value = row.type.read(element, row.tag)
      return isBerFault(value) ? value : ({ kind: row.kind, value } as Chosen<Alternatives>)
    },
  })
}

export type Chosen<Alternatives> = {
  readonly [Kind in keyof Alternatives]: Alternatives[Kind] extends readonly [number, BerType<infer Value>]
    ? { readonly kind: Kind; readonly value: Value }
    : never
}[keyof Alternatives]

/** A type that keeps its own tag within the one that it is given. */
export function explicit<Value>(type: BerType<Value>): BerType<Value> {
  return {
    own: type.own,
    write(value, tag) {
      const inner = type.write(value)
      return tag === undefined || inner === undefined ? inner : writeElement(tag, true, [inner])
    },
    read(element, tag) {
      if (tag === undefined) return type.read(element)
      const [inner, ...more] = element.children
      if (!carries(element, tag, true) || inner === undefined || more.length > 0)
        return berFault('wrong-tag', element.offset)
      return type.read(inner)
    },
  }
}

/** Any one element as its octets, tag and length included; always tagged explicitly. */
export const ANY: BerType<Uint8Array> = explicit({
  own: undefined,
  write: (octets) => octets,
  read: (element) => element.octets,
})
