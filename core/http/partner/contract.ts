// How a domain brings routes to the partner API (`/partner/v1`). A domain exports a `PartnerRoutes`; main.ts hands it to `createPartnerApi`.
//
//   export const planRoutes = (deps: Deps): PartnerRoutes => (api) => {
//     api.route({
//       method: 'GET', url: '/plans/{plan}', tag: 'plans', scope: 'plans:read', summary: 'A plan in its newest version',
//       params: Type.Object({ plan: ID }),
//       answers: { 200: PLAN },
//       handler: async ({ sql, tenant, params }) => ({ body: await needPlan(sql, tenant, params.plan) }),
//     })
//   }
//
// What every route gets without asking:
//  * Authentication: 401 without a valid token, 403 without `scope`. `tenant` comes from the token and from nowhere else: read and write
//    by it, and answer `unknown('plan', id)` (404) for what is another's, as for what is not there.
//  * Everything that comes is checked against `params`, `query` and `body` (400 with every problem); unknown members are refused. Integers of 64 bits
//    are decimal strings (`U64`), times RFC 3339 (`TIME`). Answers are written by `toJson`: bigint becomes a string.
//  * One transaction around the handler, for GET one that only reads: `sql`, or `joined`, a store whose `batch` joins it, for functions that take a store. On PostgreSQL it may be
//    run again after a deadlock, so a handler has no effects but through it, never waits for the network, and never uses another store
//    or connection. Longer work, and work that talks to others, goes to a job.
//  * Idempotency-Key on everything that writes: the answer is stored in the same transaction and given again, word for word. The audit trail gets an
//    entry, in the same transaction, for every write that succeeded. So a handler that throws has done nothing.
//  * ETag on every answer with a body to GET, If-None-Match (304). With `current`, If-Match is honoured (412) and, with `ifMatch: 'required'`,
//    demanded (428): `current` reads and locks what a GET of the same address would answer.
//  * Errors of core/kernel/errors.ts become RFC 9457 problems by their `http` status.
//
// `api.list` pages: the handler gets `page` (limit, and the position after which to go on) and gives items with the position of the last one where more
// follow (`pageOf` makes both of rows); the cursor that partners see is made of it. `rows` does many things with partial success. A route with `raw` gets its
// body as octets. `later` queues a job of a kind registered with `api.job`; answer `accepted(job)` (202).
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { type ErrorCode, fail } from '../../kernel/errors.ts'
import type { PayerId } from '../../kernel/ids.ts'
import { type Millis, millis } from '../../kernel/units.ts'
import type { Sql } from '../../store/sql.ts'
import type { Store } from '../../store/store.ts'

export type PartnerRoutes = (api: PartnerApi) => void

export interface PartnerApi {
  route<Params extends TObject = Empty, Query extends TObject = Empty, Body extends TSchema = TSchema>(
    spec: RouteSpec<Params, Query, Body>,
  ): void
  list<Params extends TObject = Empty, Query extends TObject = Empty>(spec: ListSpec<Params, Query>): void
  /** What does the work of jobs of `kind`: a lower-case word, unique among all domains. */
  job(kind: string, run: JobRun): void
}

/** What the API is about, one tag and two scopes each. */
export const RESOURCES = [
  ...(['audit-log', 'balances', 'batches', 'esim-orders', 'home-network-keys', 'invoices', 'jobs', 'plans'] as const),
  ...(['port-ins', 'port-outs', 'ranges', 'sims', 'subscriptions', 'usage', 'vouchers', 'webhooks'] as const),
] as const
export type Resource = (typeof RESOURCES)[number]
export type Scope = `${Resource}:${'read' | 'write'}`
/** All that a client may be given. */
export const SCOPES: readonly Scope[] = RESOURCES.flatMap((name): Scope[] => [`${name}:read`, `${name}:write`])

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
type Empty = TObject<Record<never, never>>

interface Described<Params extends TObject, Query extends TObject> {
  /** Below `/partner/v1`, parameters in braces: `/plans/{plan}`. */
  readonly url: string
  /** Groups routes in the document. */
  readonly tag: Resource
  readonly scope: Scope
  /** One line. */
  readonly summary: string
  readonly description?: string
  readonly params?: Params
  readonly query?: Query
  /** What it may fail with besides what every route does; for the document. */
  readonly errors?: readonly ErrorCode[]
}

export interface RouteSpec<Params extends TObject, Query extends TObject, Body extends TSchema>
  extends Described<Params, Query> {
  readonly method: Method
  readonly body?: Body
  /** The body as it came, of one of these media types, at most `limit` octets; `call.body` is a Buffer then. */
  readonly raw?: { readonly types: readonly string[]; readonly limit: number }
  /** Schemas of the answers that are no errors, by status; `null` has no body. */
  readonly answers: Readonly<Record<number, TSchema | null>>
  /** What is there now, read with a lock: what If-Match is about. */
  readonly current?: (call: Call<Static<Params>, Static<Query>, unknown>) => Promise<unknown>
  readonly ifMatch?: 'required'
  readonly handler: (call: Call<Static<Params>, Static<Query>, Static<Body>>) => Promise<Answer>
}

export interface ListSpec<Params extends TObject, Query extends TObject> extends Described<Params, Query> {
  /** Of one item. */
  readonly item: TSchema
  readonly handler: (
    call: Call<Static<Params>, Static<Query>, undefined> & { readonly page: PageWanted },
  ) => Promise<Items>
}

export interface PageWanted {
  /** 1 to 1,000. */
  readonly limit: number
  /** Position of the last item of the page before. */
  readonly after: string | undefined
}

export interface Items {
  readonly items: readonly unknown[]
  /** Position of the last item where more follow: what `after` will be. */
  readonly next?: string | undefined
}

export interface Answer {
  /** The first status of `answers` unless given. */
  readonly status?: number
  readonly body?: unknown
  /** Besides those that every answer has; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  /** Where what was made can be read, below `/partner/v1`. */
  readonly location?: string
}

/** A request, authenticated and checked. */
export interface Call<Params, Query, Body> {
  readonly tenant: PayerId
  /** Id of the client, for records of who did something. */
  readonly client: string
  readonly at: Millis
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly sql: Sql
  readonly joined: Pick<Store, 'batch'>
  /** Queues a job; its id. */
  later(job: NewJob): Promise<string>
  /**
   * Does something with each row: a row that fails with an error of the catalogue is undone and reported, the others stay. Not for what charging
   * remembers of open sessions.
   */
  rows<Row, Result>(rows: readonly Row[], work: (row: Row, index: number) => Promise<Result>): Promise<RowResult[]>
}

export interface RowResult {
  readonly index: number
  readonly status: number
  readonly result?: unknown
  readonly problem?: unknown
}

export interface NewJob {
  readonly kind: string
  /** Kept encrypted until the job has ended. */
  readonly input: Uint8Array
  /** Id of a webhook of the tenant that is told when it has ended, whatever it listens to otherwise; checked when the job is queued. */
  readonly callback?: string | undefined
}

/** A job that is being done. After a crash it is run again from the start: it must find out what it has done. */
export interface RunningJob {
  readonly id: string
  readonly tenant: PayerId
  readonly client: string
  readonly input: Uint8Array
  readonly signal: AbortSignal
  progress(done: number, total?: number): void
}

/** Resolves with the job's result; an error of the catalogue fails the job with that problem, any other makes it be tried again later. */
export type JobRun = (job: RunningJob) => Promise<unknown>

/** The page of rows that were read with `limit + 1`; `positionOf` gives what the next page begins after. */
export const pageOf = <Row>(
  rows: readonly Row[],
  limit: number,
  positionOf: (row: Row) => string | bigint,
  bodyOf: (row: Row) => unknown,
): Items => {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items: items.map(bodyOf), next: rows.length > limit && last ? String(positionOf(last)) : undefined }
}

/** `page.after` where positions are numbers; 0 at the start. */
export const afterNumber = ({ after }: PageWanted): bigint =>
  after && /^[0-9]{1,18}$/.test(after) ? BigInt(after) : 0n

/** As `TIME` has it. */
export const timeOf = (at: bigint): string => new Date(Number(at)).toISOString()

/** The inverse of `timeOf`. */
export const instantOf = (text: string): Millis => millis(Date.parse(text))

/** 404, for what is not there and for what is another tenant's. */
export const unknown = (what: string, id: string | bigint): never => fail('PARTNER_UNKNOWN', { what, id })

/** The answer to a request that has queued a job. */
export const accepted = (job: string): Answer => ({ status: 202, body: { job }, location: `/jobs/${job}` })

/** Of `accepted`. */
export const ACCEPTED = Type.Object({ job: Type.String({ description: 'Id of the job: GET /partner/v1/jobs/{job}' }) })

/** An id as core/kernel/ids.ts takes them. */
export const ID = Type.String({
  pattern: '^[a-z0-9][a-z0-9._-]{0,63}$',
  description: "1 to 64 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit",
})
/** A whole number of 64 bits, as a decimal string. */
export const U64 = Type.String({ pattern: '^(0|[1-9][0-9]{0,18})$', description: 'whole number in decimal digits' })
/** RFC 3339, UTC. */
export const TIME = Type.String({
  format: 'date-time',
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:[0-5]\\d(\\.\\d{1,3})?Z$',
  description: 'RFC 3339, UTC',
})
/** For members that may be empty. */
export const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

/** Of one result of `rows`; `result` is what `work` gave. */
export const rowResult = (result: TSchema) =>
  Type.Object({
    results: Type.Array(
      Type.Object({
        index: Type.Integer({ description: 'place of the row in the request, from 0' }),
        status: Type.Integer({ description: 'as an HTTP status: 200 or what the problem has' }),
        result: Type.Optional(result),
        problem: Type.Optional(Type.Object({}, { description: 'RFC 9457, where the row failed' })),
      }),
    ),
  })
