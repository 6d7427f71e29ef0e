// The way of every request: who asks, may it, how often, is it right; then, in one transaction, has it been answered before, is the object still what
// the client has seen, the work itself, the audit trail, and the answer for the next time.
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../kernel/clock.ts'
import { fail, isTallycellError } from '../../kernel/errors.ts'
import { type Millis, toJson } from '../../kernel/units.ts'
import type { Sql } from '../../store/sql.ts'
import type { Store } from '../../store/store.ts'
import { toProblem } from '../problem.ts'
import { appendAudit } from './audit/store.ts'
import { authenticate, type CertificateOf } from './authenticate.ts'
import type { Box } from './box.ts'
import { refuseRequest } from './check.ts'
import { isActive } from './clients/store.ts'
import { type NewJob, type RowResult, unknown } from './contract.ts'
import { queueJob } from './jobs/store.ts'
import type { Limiter } from './limits.ts'
import type { AnyCall, Operation } from './registry.ts'
import { type Answered, claimKey, keepAnswer, type ReplayKey } from './replay/store.ts'
import type { Grant, Tokens } from './tokens.ts'

export interface RequestDeps {
  readonly store: Store
  readonly clock: Clock
  readonly tokens: Tokens
  readonly certificateOf: CertificateOf
  readonly limiter: Limiter
  readonly box: Box
  readonly jobKinds: ReadonlySet<string>
  readonly wakeJobs: () => void
}

export const BASE = '/partner/v1'
/** The draft leaves the form open (draft-ietf-httpapi-idempotency-key-header-07 §2.1); quotes around it are taken for part of it. */
const KEY = /^[\x21-\x7e]{1,255}$/
const JSON_TYPE = 'application/json; charset=utf-8'
const PROBLEM_TYPE = 'application/problem+json'

interface Wanted {
  readonly operation: Operation
  readonly grant: Grant
  readonly request: FastifyRequest
  readonly at: Millis
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
  readonly bodyHash: Uint8Array
  readonly replay: ReplayKey | undefined
}

export function createRequestHandler(deps: RequestDeps, operation: Operation) {
  const writes = operation.method !== 'GET'
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const at = deps.clock()
    const grant = await authenticate(deps, request, at)
    if (!grant.scopes.has(operation.scope)) fail('PARTNER_FORBIDDEN', { scope: operation.scope })
    reply.headers(await deps.limiter.take(grant.tenant, at))
    const wanted = readRequest(operation, grant, request, at)
    let queued = false
    const work = async (sql: Sql): Promise<Answered> => {
      queued = false
      if (!(await isActive(sql, grant.client, grant.tenant)))
        fail('PARTNER_UNAUTHENTICATED', { reason: 'the client has been revoked' })
      const call = callOf(deps, sql, wanted, () => {
        queued = true
      })
      return writes ? write(sql, deps.box, wanted, call) : answerOf(operation, await operation.run(call))
    }
    const answer = await (writes ? deps.store.batch(work) : deps.store.read(work))
    if (queued) deps.wakeJobs()
    return send(request, reply, answer, writes)
  }
}

function readRequest(operation: Operation, grant: Grant, request: FastifyRequest, at: Millis): Wanted {
  const { checks } = operation
  const bodyHash = createHash('sha256')
    .update(Buffer.isBuffer(request.body) ? request.body : JSON.stringify(request.body ?? null))
    .digest()
  return {
    ...{ operation, grant, request, at, bodyHash },
    params: checks.params(request.params),
    query: checks.query(request.query),
    body: checks.body(request.body ?? undefined),
    replay: operation.method === 'GET' ? undefined : replayKey(grant, request, bodyHash),
  }
}

function replayKey({ client }: Grant, request: FastifyRequest, bodyHash: Uint8Array): ReplayKey | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key !== 'string' || !KEY.test(key))
    return refuseRequest([
      { pointer: 'header/Idempotency-Key', detail: 'expected one of 1 to 255 printable ASCII characters' },
    ])
  const requestHash = createHash('sha256').update(`${request.method} ${request.url}\n`).update(bodyHash).digest()
  return { client, key, requestHash }
}

async function write(sql: Sql, box: Box, wanted: Wanted, call: AnyCall): Promise<Answered> {
  const { operation, replay, request, at } = wanted
  const before = replay && (await claimKey(sql, box, replay, at))
  if (before === 'other') return fail('PARTNER_KEY_REUSED', {})
  if (before) return before
  await checkMatch(wanted, call)
  const answer = answerOf(operation, await operation.run(call))
  if (replay) await keepAnswer(sql, box, replay, answer)
  await appendAudit(sql, {
    tenant: call.tenant,
    at,
    actor: call.client,
    action: `${operation.method} ${operation.url}`,
    target: answer.headers.location ?? request.url.slice(0, 500),
    status: answer.status,
    bodyHash: wanted.bodyHash,
  })
  return answer
}

/** RFC 9110 §13.1.1, RFC 6585 §3. */
async function checkMatch({ operation, request }: Wanted, call: AnyCall): Promise<void> {
  if (operation.ifMatch === 'none') return
  const header = request.headers['if-match']
  if (header === undefined) {
    if (operation.ifMatch === 'required') fail('PARTNER_PRECONDITION_REQUIRED', {})
    return
  }
  const etag = etagOf(toJson(await operation.current(call)))
  if (!matches(header, etag)) fail('PARTNER_PRECONDITION', { etag })
}

/** A strong validator: equal octets, equal tag. */
const etagOf = (text: string): string => `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`

const matches = (header: string, etag: string): boolean =>
  header.split(',').some((one) => one.trim() === '*' || one.trim() === etag)

/** As `matches`, by weak comparison (RFC 9110 §13.1.2): what proxies have made weak is still the same to a reader. */
const matchesWeakly = (header: string, etag: string): boolean => matches(header.replaceAll('W/', ''), etag)

function answerOf(
  operation: Operation,
  { status = operation.status, body, headers, location }: Awaited<ReturnType<Operation['run']>>,
): Answered {
  const text = operation.answers[status] === null || body === undefined ? '' : toJson(body)
  return {
    status,
    body: text,
    headers: {
      ...headers,
      ...(text === '' ? {} : { etag: etagOf(text) }),
      ...(location === undefined ? {} : { location: `${BASE}${location}` }),
    },
  }
}

function send(request: FastifyRequest, reply: FastifyReply, answer: Answered, writes: boolean): FastifyReply {
  const { status, headers, body } = answer
  reply
    .code(status)
    .headers(headers)
    .header('cache-control', writes ? 'no-store' : 'private, no-cache')
  const known = request.headers['if-none-match']
  if (!writes && known !== undefined && headers.etag !== undefined && matchesWeakly(known, headers.etag))
    return reply.code(304).send()
  // A handler answers with a problem, and does not throw it, where what it has written has to be kept.
  return body === '' ? reply.send() : reply.type(status >= 400 ? PROBLEM_TYPE : JSON_TYPE).send(body)
}

function callOf({ box, jobKinds }: RequestDeps, sql: Sql, wanted: Wanted, onQueued: () => void): AnyCall {
  const { grant, at, params, query, body } = wanted
  const { tenant, client } = grant
  return {
    ...{ tenant, client, at, params, query, body, sql },
    joined: { batch: (work) => work(sql) },
    async later({ kind, input, callback }: NewJob) {
      if (!jobKinds.has(kind)) throw new RangeError(`nobody does jobs of the kind ${kind}`)
      if (callback !== undefined) await needWebhook(sql, tenant, callback)
      onQueued()
      return queueJob(sql, { tenant, client, kind, callback, seal: (id) => box.seal(id, input), at })
    },
    rows: (rows, work) => eachRow(sql, rows, work),
  }
}

async function needWebhook(sql: Sql, tenant: string, id: string): Promise<void> {
  const row = await sql.row('select 1 from webhook where webhook_id = ? and tenant_id = ?', id, tenant)
  if (!row) unknown('webhook', id)
}

async function eachRow<Row, Result>(
  sql: Sql,
  rows: readonly Row[],
  work: (row: Row, index: number) => Promise<Result>,
): Promise<RowResult[]> {
  const results: RowResult[] = []
  for (const [index, row] of rows.entries()) {
    await sql.run('savepoint each_row')
    try {
      results.push({ index, status: 200, result: await work(row, index) })
      await sql.run('release savepoint each_row')
    } catch (error) {
      if (!isTallycellError(error)) throw error
      const problem = toProblem(error)
      // What the store itself complains of concerns all rows.
      if (problem.status >= 500) throw error
      await sql.run('rollback to savepoint each_row')
      await sql.run('release savepoint each_row')
      results.push({ index, status: problem.status, problem })
    }
  }
  return results
}
