// Requests against their schemas: every problem with its place, and what was expected there.
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { came, expected, type SchemaView } from '../../config/schema.ts'
import { TallycellError } from '../../kernel/errors.ts'

/** RFC 9457 §3: extension member `errors`. */
export interface Fault {
  /** `body`, `query`, `path` or `header`, and a JSON Pointer (RFC 6901) into it. */
  readonly pointer: string
  readonly detail: string
}

const MOST_FAULTS = 20
const faultsByError = new WeakMap<object, readonly Fault[]>()

/** What was wrong with the request that `error` refuses. */
export const faultsOf = (error: object): readonly Fault[] | undefined => faultsByError.get(error)

export function refuseRequest(faults: readonly Fault[]): never {
  const problems = faults.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ')
  const error = new TallycellError('PARTNER_REQUEST_INVALID', { count: faults.length, problems })
  faultsByError.set(error, faults)
  throw error
}

/** Gives the value back, text made numbers with `convert`; throws PARTNER_REQUEST_INVALID. */
export type Check = (value: unknown) => unknown

export function createCheck(place: 'body' | 'query' | 'path', schema: TSchema, convert = false): Check {
  const validator = Compile(schema)
  return (came) => {
    // What reads queries gives objects of a class of its own.
    const value = convert ? validator.Convert({ ...Object(came) }) : came
    if (validator.Check(value)) return value
    const faults = validator
      .Errors(value)
      // Said again at each member that is too many.
      .filter(({ keyword }) => keyword !== 'additionalProperties')
      .map(({ keyword, instancePath, message }) => {
        if (keyword === 'boolean') return { pointer: `${place}${instancePath}`, detail: 'there is no such member' }
        return faultOf(place, schema, value, instancePath, message)
      })
    const known = new Map(faults.map((fault) => [`${fault.pointer} ${fault.detail}`, fault]))
    return refuseRequest([...known.values()].slice(0, MOST_FAULTS))
  }
}

function faultOf(place: string, schema: TSchema, value: unknown, path: string, message: string): Fault {
  const at = path.split('/').slice(1)
  const below = schemaAt(schema as SchemaView, at)
  const found = valueAt(value, at)
  // Groups and lists are wrong by what is in them, which the validator says better.
  const known = below !== undefined && below.properties === undefined && below.type !== 'object'
  const detail = known ? `expected ${expected(below)}, got ${shown(below, found)}` : message
  return { pointer: `${place}${path}`, detail }
}

const KEY = /[0-9a-f]{24}/i

/** What may be a secret, also one in the wrong member, is not repeated. */
function shown(schema: SchemaView, found: unknown): string {
  const secret = typeof found === 'string' && ('writeOnly' in schema || KEY.test(found))
  return secret ? `${found.length} characters` : came(found)
}

function schemaAt(schema: SchemaView | undefined, path: readonly string[]): SchemaView | undefined {
  const [name, ...rest] = path
  if (name === undefined || schema === undefined) return schema
  return schemaAt(schema.properties?.[name] ?? schema.items, rest)
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path
  if (name === undefined || typeof value !== 'object' || value === null) return value
  return valueAt((value as Record<string, unknown>)[name], rest)
}
