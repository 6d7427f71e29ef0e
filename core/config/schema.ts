// What the configuration reads of a JSON Schema: its shape, and its words for people.
import type { TSchema } from 'typebox'

/** The members of a TypeBox schema that are used here; all are plain JSON Schema. */
export interface SchemaView extends TSchema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly properties?: Readonly<Record<string, SchemaView>>
  readonly required?: readonly string[]
  readonly patternProperties?: Readonly<Record<string, SchemaView>>
  readonly items?: SchemaView
  readonly anyOf?: readonly SchemaView[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
}

/** A value that is set as one piece: everything but an object with named properties. */
export interface Leaf {
  /** Keys from the top. */
  readonly path: readonly string[]
  readonly schema: SchemaView
}

/** The leaves below `schema`, in order; lists and records count as one leaf. */
export function leaves(schema: SchemaView, path: readonly string[] = []): Leaf[] {
  if (!schema.properties) return [{ path, schema }]
  return Object.entries(schema.properties).flatMap(([key, below]) => leaves(below, [...path, key]))
}

/** What a value of `schema` looks like, in words. */
export function expected(schema: SchemaView): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  const choices = schema.enum?.map((value) => JSON.stringify(value)) ?? schema.anyOf?.map(expected)
  if (choices)
    return choices.length > 1 ? `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}` : (choices[0] ?? 'nothing')
  switch (schema.type) {
    case 'integer':
      return `a whole number${range(schema)}`
    case 'number':
      return `a number${range(schema)}`
    case 'boolean':
      return 'true or false'
    case 'string':
      return `text${textRange(schema)}`
    case 'array':
      return `a list${schema.minItems ? ` of at least ${schema.minItems}` : ''}${schema.items ? `, each item ${expected(schema.items)}` : ''}`
    case 'object':
      return schema.properties ? `a group of the keys ${Object.keys(schema.properties).join(', ')}` : 'a group of keys'
    default:
      return 'another value'
  }
}

function range(schema: SchemaView): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  const low =
    minimum !== undefined ? ` from ${minimum}` : exclusiveMinimum !== undefined ? ` above ${exclusiveMinimum}` : ''
  const high =
    maximum !== undefined ? ` to ${maximum}` : exclusiveMaximum !== undefined ? ` below ${exclusiveMaximum}` : ''
  return low + high
}

function textRange({ minLength = 0, maxLength, pattern, examples = [], default: fallback }: SchemaView): string {
  const length =
    maxLength !== undefined ? ` of ${minLength} to ${maxLength} characters` : minLength > 0 ? ' that is not empty' : ''
  if (pattern === undefined) return length
  const sample = examples[0] ?? fallback
  return `${length} of the form ${pattern}${sample === undefined ? '' : `, such as ${JSON.stringify(sample)}`}`
}

/** A value that came, in words; long text is cut. */
export function came(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a group of keys'
  if (typeof value === 'string')
    return `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`
  return typeof value === 'boolean' ? String(value) : `the number ${value}`
}

/** What would mend the commonest mistakes, as an addition to a complaint. */
export function advice(schema: SchemaView, value: unknown): string {
  if (
    schema.type === 'string' &&
    (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
  )
    return ': put it in quotes'
  if ((schema.type === 'integer' || schema.type === 'number') && typeof value === 'string' && /^-?[0-9.]+$/.test(value))
    return ': write it without quotes'
  if (schema.type === 'array' && typeof value === 'string') return ': write it as [value, value]'
  return ''
}
