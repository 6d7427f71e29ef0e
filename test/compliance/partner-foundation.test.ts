// What every route of the partner API gets, tried on notes: things with a text that tenants keep.
import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import { verifyAudit } from '../../core/http/partner/audit/store.ts'
import { revokeClient } from '../../core/http/partner/clients/store.ts'
import {
  ACCEPTED,
  accepted,
  ID,
  type PartnerRoutes,
  pageOf,
  rowResult,
  unknown,
} from '../../core/http/partner/contract.ts'
import { fail } from '../../core/kernel/errors.ts'
import { millis } from '../../core/kernel/units.ts'
import type { Sql } from '../../core/store/sql.ts'
import { onEachEngine } from './engines.ts'
import { partnerWorld, until } from './partner-world.ts'

// A table that every database has and that tenants have rows of.
const put = (sql: Sql, tenant: string, id: string, text: string) =>
  sql.insert(
    {
      table: 'charging_event',
      columns: ['at', 'subscriber_id', 'kind', 'unit'],
    },
    [[0n, `${tenant}/${id}`, 'note', text]],
  )
const read = async (sql: Sql, tenant: string, id: string): Promise<{ id: string; text: string }> => {
  const row = await sql.row<{ unit: string }>(
    'select unit from charging_event where subscriber_id = ? order by event_id desc limit 1',
    `${tenant}/${id}`,
  )
  return row ? { id, text: row.unit } : unknown('note', id)
}
const count = async (sql: Sql): Promise<number> => {
  const row = await sql.row<{ n: bigint }>('select cast(count(*) as bigint) as n from charging_event')
  return Number(row?.n)
}

const NOTE = Type.Object({ id: ID, text: Type.String() })
let runs = 0

const notes: PartnerRoutes = (api) => {
  const about = { tag: 'plans', scope: 'plans:read' } as const
  const changes = { tag: 'plans', scope: 'plans:write' } as const
  api.route({
    ...changes,
    method: 'POST',
    url: '/notes',
    summary: 'x',
    body: NOTE,
    answers: { 201: NOTE },
    async handler({ sql, tenant, body }) {
      runs++
      await put(sql, tenant, body.id, body.text)
      if (body.text === 'refuse') fail('PARTNER_CONFLICT', { reason: 'no' })
      return { body, location: `/notes/${body.id}` }
    },
  })
  api.route({
    ...about,
    method: 'GET',
    url: '/notes/{note}',
    summary: 'x',
    params: Type.Object({ note: ID }),
    query: Type.Object({ loud: Type.Optional(Type.Boolean()) }),
    answers: { 200: NOTE },
    async handler({ sql, tenant, params, query }) {
      const note = await read(sql, tenant, params.note)
      return { body: query.loud ? { ...note, text: note.text.toUpperCase() } : note }
    },
  })
  api.route({
    ...changes,
    method: 'PUT',
    url: '/notes/{note}',
    summary: 'x',
    params: Type.Object({ note: ID }),
    body: Type.Object({ text: Type.String() }),
    answers: { 204: null },
    ifMatch: 'required',
    current: ({ sql, tenant, params }) => read(sql, tenant, params.note),
    async handler({ sql, tenant, params, body }) {
      await put(sql, tenant, params.note, body.text)
      return {}
    },
  })
  api.list({
    ...about,
    url: '/notes',
    summary: 'x',
    item: Type.Object({ number: Type.Integer() }),
    async handler({ page: { limit, after } }) {
      const first = after === undefined ? 1 : Number(after) + 1
      const rows = [1, 2, 3, 4, 5, 6, 7].filter((number) => number >= first).slice(0, limit + 1)
      return pageOf(rows, limit, String, (number) => ({ number }))
    },
  })
  api.route({
    ...changes,
    method: 'POST',
    url: '/notes/bulk',
    summary: 'x',
    body: Type.Array(NOTE),
    answers: { 200: rowResult(Type.Unknown()) },
    async handler({ sql, tenant, body, rows }) {
      const results = await rows(body, async ({ id, text }) => {
        await put(sql, tenant, id, text)
        return text === 'refuse' ? fail('PARTNER_CONFLICT', { reason: 'no' }) : { id }
      })
      return { body: { results } }
    },
  })
  api.route({
    ...changes,
    method: 'POST',
    url: '/notes/raw',
    summary: 'x',
    raw: { types: ['text/csv'], limit: 2_000_000 },
    answers: { 200: Type.Unknown() },
    handler: async ({ body }) => ({
      body: {
        octets: (body as Buffer).length,
        sha256: createHash('sha256')
          .update(body as Buffer)
          .digest('hex'),
      },
    }),
  })
  api.route({
    ...changes,
    method: 'POST',
    url: '/notes/later',
    summary: 'x',
    body: Type.Object({ text: Type.String() }),
    answers: { 202: ACCEPTED },
    handler: async ({ later, body }) => accepted(await later({ kind: 'shout', input: Buffer.from(body.text) })),
  })
  api.job('shout', async ({ input, progress }) => {
    const text = Buffer.from(input).toString()
    progress(1, 1)
    return text === 'refuse' ? fail('PARTNER_CONFLICT', { reason: 'no' }) : { text: text.toUpperCase() }
  })
}

onEachEngine('tokens: who may do what', async (t, database) => {
  const world = await partnerWorld(t, await database.open(), [notes])
  const acme = await world.client('acme', 'plans:read jobs:read')
  const form = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    world.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: new URLSearchParams(fields).toString(),
    })
  const basic = { authorization: `Basic ${Buffer.from(`${acme.id}:${acme.secret}`).toString('base64')}` }
  const good = await form({ grant_type: 'client_credentials' }, basic)
  t.match(good, {
    status: 200,
    headers: { 'cache-control': 'no-store' },
    body: { token_type: 'Bearer', expires_in: 900, scope: 'plans:read jobs:read' },
  })
  t.match(
    await form({
      grant_type: 'client_credentials',
      client_id: acme.id,
      client_secret: acme.secret,
      scope: 'plans:read',
    }),
    { status: 200, body: { scope: 'plans:read' } },
  )
  const credentials = { client_id: acme.id, client_secret: acme.secret }
  const wrong: [Record<string, string>, Record<string, string>, number, string][] = [
    [{ grant_type: 'client_credentials', ...credentials, scope: 'plans:write' }, {}, 400, 'invalid_scope'],
    [{ grant_type: 'password', ...credentials }, {}, 400, 'unsupported_grant_type'],
    [{ ...credentials }, {}, 400, 'invalid_request'],
    [{ grant_type: 'client_credentials' }, {}, 401, 'invalid_client'],
    [{ grant_type: 'client_credentials', ...credentials }, basic, 400, 'invalid_request'],
    [{ grant_type: 'client_credentials', client_id: acme.id, client_secret: 'x' }, {}, 401, 'invalid_client'],
    [{ grant_type: 'client_credentials', client_id: acme.id }, {}, 401, 'invalid_client'],
    [{ grant_type: 'client_credentials', client_id: 'nobody', client_secret: 'x' }, {}, 401, 'invalid_client'],
    [{ grant_type: 'client_credentials' }, { authorization: 'Basic !!' }, 401, 'invalid_client'],
  ]
  for (const [fields, headers, status, error] of wrong) {
    const answer = await form(fields, headers)
    t.match(answer, { status, body: { error, error_description: /\w/ } })
    if (status === 401) t.match(answer.headers['www-authenticate'], /^Basic /)
  }

  const token = await world.token(acme)
  t.match(await world.call(token, 'GET', '/notes'), { status: 200 })
  const bad: [string | undefined, RegExp][] = [
    [undefined, /none/],
    ['x', /not one of ours/],
    [`${token.slice(0, -4)}AAAA`, /not one of ours/],
    [token.replace(/\..*\./, '.e30.'), /not one of ours/],
  ]
  for (const [came, detail] of bad)
    t.match(await world.call(came, 'GET', '/notes'), {
      status: 401,
      headers: { 'content-type': /problem\+json/, 'www-authenticate': /^Bearer / },
      body: { code: 'PARTNER_UNAUTHENTICATED', detail },
    })
  t.match(await world.call(token, 'POST', '/notes', { body: { id: 'a', text: 'x' } }), {
    status: 403,
    headers: { 'www-authenticate': 'Bearer realm="partner", error="insufficient_scope", scope="plans:write"' },
    body: { code: 'PARTNER_FORBIDDEN' },
  })
  world.now = millis(world.now + 899_000n)
  t.match(await world.call(token, 'GET', '/notes'), { status: 200 })
  world.now = millis(world.now + 1_000n)
  t.match(await world.call(token, 'GET', '/notes'), { status: 401, body: { detail: /expired/ } })
  const fresh = await world.token(acme)
  await world.store.batch((sql) => revokeClient(sql, acme.id, world.now))
  t.match(await world.call(fresh, 'GET', '/notes'), { status: 401, body: { detail: /revoked/ } })
  t.match(await form({ grant_type: 'client_credentials' }, basic), { status: 401 })
  t.notMatch(world.lines.join(''), acme.secret, 'no secret in the log')
})

onEachEngine('requests: checks, pages, entity tags, keys, rows', async (t, database) => {
  const world = await partnerWorld(t, await database.open(), [notes])
  const token = await world.token(await world.client('acme'))
  const other = await world.token(await world.client('other'))
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    world.call(token, method, path, { body, headers })

  t.match(await call('POST', '/notes', { id: 'A!', text: 3, more: 1 }), {
    status: 400,
    body: {
      code: 'PARTNER_REQUEST_INVALID',
      errors: [{ pointer: 'body/more' }, { pointer: 'body/id' }, { pointer: 'body/text', detail: /text, got/ }],
    },
  })
  t.match(await call('GET', '/notes/a?loud=maybe'), { status: 400, body: { errors: [{ pointer: 'query/loud' }] } })
  t.match(await world.call(token, 'POST', '/notes', { body: 'x', headers: { 'content-type': 'text/plain' } }), {
    status: 415,
  })

  const made = await call('POST', '/notes', { id: 'a', text: 'one' })
  t.match(made, { status: 201, headers: { location: '/partner/v1/notes/a' }, body: { id: 'a', text: 'one' } })
  t.match(await call('GET', '/notes/a?loud=true'), { status: 200, body: { text: 'ONE' } })
  t.match(await world.call(other, 'GET', '/notes/a'), { status: 404, body: { code: 'PARTNER_UNKNOWN' } })

  const { headers } = await call('GET', '/notes/a')
  const etag = String(headers.etag)
  t.match(etag, /^"[\w-]{27}"$/)
  t.match(await call('GET', '/notes/a', undefined, { 'if-none-match': `W/${etag}` }), { status: 304, text: '' })
  t.match(await call('PUT', '/notes/a', { text: 'two' }), { status: 428 })
  t.match(await call('PUT', '/notes/a', { text: 'two' }, { 'if-match': '"x"' }), { status: 412 })
  t.match(await call('PUT', '/notes/a', { text: 'two' }, { 'if-match': etag }), { status: 204, text: '' })
  t.match(await call('PUT', '/notes/a', { text: 'three' }, { 'if-match': etag }), { status: 412 }, 'somebody was first')
  t.match(await world.call(other, 'PUT', '/notes/a', { body: { text: 'x' }, headers: { 'if-match': '*' } }), {
    status: 404,
  })

  const numbers: number[] = []
  let next: string | null = null
  do {
    const page = await call('GET', `/notes?limit=3${next === null ? '' : `&cursor=${next}`}`)
    t.equal(page.status, 200)
    numbers.push(...page.body.items.map(({ number }: { number: number }) => number))
    next = page.body.next
  } while (next !== null)
  t.same(numbers, [1, 2, 3, 4, 5, 6, 7])
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'cursor=x', 'cursor=W10', 'other=1'])
    t.match(await call('GET', `/notes?${query}`), { status: 400 }, query)

  const key = { 'idempotency-key': 'order-1' }
  const before = runs
  const first = await call('POST', '/notes', { id: 'b', text: 'once' }, key)
  const again = await call('POST', '/notes', { id: 'b', text: 'once' }, key)
  t.equal(runs, before + 1, 'done once')
  t.same(
    [again.status, again.text, again.headers.location, again.headers.etag],
    [201, first.text, first.headers.location, first.headers.etag],
  )
  t.match(await call('POST', '/notes', { id: 'b', text: 'other' }, key), { status: 422 })
  t.match(await world.call(other, 'POST', '/notes', { body: { id: 'b', text: 'other' }, headers: key }), {
    status: 201,
  })
  t.match(await call('POST', '/notes', { id: 'b', text: 'x' }, { 'idempotency-key': 'ü'.repeat(3) }), { status: 400 })
  const all = await Promise.all(
    Array.from({ length: 8 }, () => call('POST', '/notes', { id: 'c', text: 'x' }, { 'idempotency-key': 'k' })),
  )
  t.same(new Set(all.map(({ status }) => status)), new Set([201]))
  t.same(
    await world.store
      .batch((sql) => sql.rows("select 1 from charging_event where subscriber_id = 'acme/c'"))
      .then((r) => r.length),
    1,
  )

  const had = await world.store.batch(count)
  t.match(await call('POST', '/notes', { id: 'd', text: 'refuse' }, { 'idempotency-key': 'r' }), { status: 409 })
  t.equal(await world.store.batch(count), had, 'what is refused has done nothing')

  const bulk = await call('POST', '/notes/bulk', [
    { id: 'e', text: 'x' },
    { id: 'f', text: 'refuse' },
    { id: 'g', text: 'x' },
  ])
  t.match(bulk.body.results, [
    { index: 0, status: 200, result: { id: 'e' } },
    { index: 1, status: 409, problem: { code: 'PARTNER_CONFLICT' } },
    { index: 2, status: 200 },
  ])
  t.equal(await world.store.batch(count), had + 2, 'the row that failed is undone')

  const csv = Buffer.alloc(1_500_000, 'a,b\n')
  t.match(await world.call(token, 'POST', '/notes/raw', { body: csv, headers: { 'content-type': 'text/csv' } }), {
    body: { octets: 1_500_000, sha256: createHash('sha256').update(csv).digest('hex') },
  })
  t.match(await call('POST', '/notes/raw', { a: 1 }), { status: 415 })
})

onEachEngine('limits of a tenant', async (t, database) => {
  const world = await partnerWorld(t, await database.open(), [notes], { requestsPerSecond: 5, requestsPerDay: 12 })
  const token = await world.token(await world.client('acme'))
  const other = await world.token(await world.client('other'))
  const get = () => world.call(token, 'GET', '/notes')
  for (let n = 9; n >= 0; n--)
    t.match(await get(), {
      status: 200,
      headers: { 'ratelimit-policy': '"second";q=5;w=1, "day";q=12;w=86400', ratelimit: `"second";r=${n};t=1` },
    })
  t.match(await get(), {
    status: 429,
    headers: { 'retry-after': '1', ratelimit: '"second";r=0;t=1' },
    body: { code: 'PARTNER_LIMIT', detail: /5 requests per second/ },
  })
  t.match(await world.call(other, 'GET', '/notes'), { status: 200 }, 'each tenant has its own')
  world.now = millis(world.now + 1000n)
  for (let n = 0; n < 2; n++) t.match(await get(), { status: 200 })
  t.match(await get(), {
    status: 429,
    headers: { 'retry-after': '43199', ratelimit: '"day";r=0;t=43199' },
    body: { detail: /12 requests per day/ },
  })
  world.now = millis(world.now + 86_400_000n)
  const late = await world.token({ tenant: 'acme', id: 'acme.test', secret: '' } as never).catch(() => undefined)
  t.equal(late, undefined)
})

onEachEngine('the audit trail', async (t, database) => {
  const world = await partnerWorld(t, await database.open(), [notes])
  const acme = await world.client('acme')
  const token = await world.token(acme)
  for (const text of ['1', '2', '3']) await world.call(token, 'POST', '/notes', { body: { id: 'a', text } })
  await world.call(token, 'GET', '/notes/a')
  await world.call(token, 'POST', '/notes', { body: { id: 'a', text: 'refuse' } })
  const { body } = await world.call(token, 'GET', '/audit-log')
  t.match(body.items, [
    { number: '1', actor: 'acme.test', action: 'POST /notes', target: '/partner/v1/notes/a', status: 201 },
    { number: '2' },
    { number: '3' },
  ])
  t.equal(body.items.length, 3)
  // As core/docs/partner-api.md says, without our code.
  let hash = '0'.repeat(64)
  for (const entry of body.items) {
    const { number, atMillis, actor, action, target, status, bodyHash } = entry
    const text = JSON.stringify([
      ...['tallycell-audit/1', 'acme', number, atMillis, actor, action, target, String(status), bodyHash, hash],
    ])
    hash = createHash('sha256').update(text).digest('hex')
    t.equal(entry.hash, hash)
  }
  const verify = () => verifyAudit((work) => world.store.batch(work), acme.tenant)
  t.match(await verify(), { entries: 3n, broken: undefined, hash })
  const spoil = async (statement: string, broken: bigint) => {
    await world.store
      .batch(async (sql) => {
        await sql.run(statement)
        t.match(await verifyAudit((work) => work(sql), acme.tenant), { broken }, statement)
        throw new Error('undone')
      })
      .catch((error) => t.equal(error.message, 'undone'))
  }
  await spoil("update audit_entry set actor = 'x' where number = 2", 2n)
  await spoil('delete from audit_entry where number = 2', 2n)
  await spoil('delete from audit_entry where number = 3', 3n)
  await spoil('update audit_entry set at = at + 1 where number = 1', 1n)
  t.match(await verify(), { entries: 3n, broken: undefined })
  const others = await world.token(await world.client('other'))
  t.match((await world.call(others, 'GET', '/audit-log')).body, { items: [], next: null })
})

onEachEngine('jobs', async (t, database) => {
  const world = await partnerWorld(t, await database.open(), [notes])
  const token = await world.token(await world.client('acme'))
  const other = await world.token(await world.client('other'))
  for (const part of world.service.parts) await part.start()
  t.teardown(async () => {
    for (const part of world.service.parts) await part.stop()
  })
  const start = (text: string) => world.call(token, 'POST', '/notes/later', { body: { text } })
  const done = await start('hello')
  t.match(done, { status: 202, headers: { location: `/partner/v1/jobs/${done.body.job}` } })
  const failed = await start('refuse')
  const ended = (job: string) =>
    until(async () => {
      const { body } = await world.call(token, 'GET', `/jobs/${job}`)
      return ['done', 'failed'].includes(body.state) ? body : undefined
    })
  t.match(await ended(done.body.job), { kind: 'shout', state: 'done', result: { text: 'HELLO' }, problem: null })
  t.match(await ended(failed.body.job), { state: 'failed', result: null, problem: { code: 'PARTNER_CONFLICT' } })
  t.match(await world.call(other, 'GET', `/jobs/${done.body.job}`), { status: 404 })
  t.match((await world.call(token, 'GET', '/jobs?limit=1')).body, { items: [{ job: done.body.job }], next: /\w/ })
  t.same((await world.call(other, 'GET', '/jobs')).body.items, [])
  const inputs = await world.store.batch((sql) => sql.rows('select 1 from partner_job where input is not null'))
  t.equal(inputs.length, 0, 'what they were made from is gone')
})
