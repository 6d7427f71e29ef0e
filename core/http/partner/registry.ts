// The routes that the domains have brought, in one form, each with what checks its requests.
import { type TObject, type TSchema, Type } from 'typebox'
import type { ErrorCode } from '../../kernel/errors.ts'
import { type Check, createCheck } from './check.ts'
import type {
  Answer,
  Call,
  JobRun,
  ListSpec,
  Method,
  PageWanted,
  PartnerApi,
  PartnerRoutes,
  Resource,
  RouteSpec,
  Scope,
} from './contract.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'

export type AnyCall = Call<unknown, unknown, unknown>

export interface Operation {
  readonly method: Method
  /** Below `/partner/v1`, parameters in braces. */
  readonly url: string
  readonly tag: Resource
  readonly scope: Scope
  readonly summary: string
  readonly description: string | undefined
  readonly params: TObject | undefined
  readonly query: TObject | undefined
  readonly body: TSchema | undefined
  readonly raw: { readonly types: readonly string[]; readonly limit: number } | undefined
  readonly answers: Readonly<Record<number, TSchema | null>>
  /** Of `answers`, the one unless the handler says another. */
  readonly status: number
  readonly errors: readonly ErrorCode[]
  readonly ifMatch: 'none' | 'optional' | 'required'
  readonly checks: { readonly params: Check; readonly query: Check; readonly body: Check }
  current(call: AnyCall): Promise<unknown>
  run(call: AnyCall): Promise<Answer>
}

export interface Registry {
  readonly operations: readonly Operation[]
  readonly jobs: ReadonlyMap<string, JobRun>
}

const DEFAULT_LIMIT = 100
const LARGEST_LIMIT = 1000
const PAGE = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: LARGEST_LIMIT, default: DEFAULT_LIMIT, description: 'items at most' }),
  ),
  cursor: Type.Optional(Type.String({ maxLength: 512, description: '`next` of the page before' })),
}

export function collectRoutes(routes: readonly PartnerRoutes[]): Registry {
  const operations: Operation[] = []
  const jobs = new Map<string, JobRun>()
  const api: PartnerApi = {
    route: (spec) => void operations.push(operationOf(spec as unknown as AnyRoute)),
    list: (spec) => void operations.push(operationOf(pagedRoute(spec as unknown as AnyList))),
    job(kind, run) {
      if (jobs.has(kind)) throw new RangeError(`two domains do jobs of the kind ${kind}`)
      jobs.set(kind, run)
    },
  }
  for (const add of routes) add(api)
  return { operations, jobs }
}

type AnyRoute = Omit<RouteSpec<TObject, TObject, TSchema>, 'handler' | 'current'> & {
  readonly current?: (call: AnyCall) => Promise<unknown>
  readonly handler: (call: AnyCall) => Promise<Answer>
}
type AnyList = Omit<ListSpec<TObject, TObject>, 'handler'> & {
  readonly handler: (call: AnyCall & { readonly page: PageWanted }) => ReturnType<ListSpec<TObject, TObject>['handler']>
}

function operationOf(spec: AnyRoute): Operation {
  const { method, url, tag, scope, summary, description, params, query, body, raw, answers, errors = [] } = spec
  const [status = 200] = Object.keys(answers).map(Number)
  return {
    ...{ method, url, tag, scope, summary, description, params, query, body, raw, answers, errors, status },
    ifMatch: spec.ifMatch ?? (spec.current ? 'optional' : 'none'),
    checks: {
      params: createCheck('path', closed(params)),
      query: createCheck('query', closed(query), true),
      body: raw ? octets : body ? createCheck('body', closed(body)) : noBody,
    },
    current: spec.current ?? (async () => undefined),
    run: spec.handler,
  }
}

/** Members that nobody knows are mistakes. */
const closed = (schema: TSchema = Type.Object({})): TSchema =>
  Type.IsObject(schema) ? Type.Object(schema.properties, { additionalProperties: false }) : schema

/** A request without a body has one of no octets. */
const octets: Check = (value) => value ?? Buffer.alloc(0)

/** Bodies that nobody reads are ignored (RFC 9110 §9.3.1), but empty is what clients should send. */
const noBody: Check = () => undefined

function pagedRoute({ item, handler, ...spec }: AnyList): AnyRoute {
  const query = Type.Object({ ...spec.query?.properties, ...PAGE })
  const list = spec.url
  return {
    ...spec,
    method: 'GET',
    query,
    answers: {
      200: Type.Object({
        items: Type.Array(item),
        next: Type.Union([Type.String(), Type.Null()], { description: 'cursor of the next page; null on the last' }),
      }),
    },
    async handler(call) {
      const { limit = DEFAULT_LIMIT, cursor, ...rest } = call.query as { limit?: number; cursor?: string }
      const page = { limit, after: cursor === undefined ? undefined : decodeCursor(list, cursor) }
      const { items, next } = await handler({ ...call, query: rest, page })
      return { body: { items, next: next === undefined ? null : encodeCursor(list, next) } }
    },
  }
}
