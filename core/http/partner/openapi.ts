// The OpenAPI 3.1 document of the partner API, made from the routes: what is documented is what is checked.
import { STATUS_CODES } from 'node:http'
import { type TObject, type TSchema, Type } from 'typebox'
import { ERRORS, type ErrorCode } from '../../kernel/errors.ts'
import { SCOPES } from './contract.ts'
import type { Operation } from './registry.ts'
import { BASE } from './request.ts'

export interface DocumentOptions {
  /** Public address, without a path. */
  readonly url: string
  readonly version: string
}

const PROBLEM = Type.Object(
  {
    type: Type.String({ description: 'about:blank: the status says what kind of problem it is' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'what was expected and what came' }),
    code: Type.String({ description: 'stable, for programs' }),
    hint: Type.String({ description: 'what to do next' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.String({ description: 'body, query, path or header, and a JSON Pointer into it' }),
          detail: Type.String(),
        }),
      ),
    ),
  },
  { description: 'RFC 9457' },
)

/** What every route may answer. */
const EVERYWHERE: readonly ErrorCode[] = [
  'PARTNER_REQUEST_INVALID',
  'PARTNER_UNAUTHENTICATED',
  'PARTNER_FORBIDDEN',
  'PARTNER_LIMIT',
  'INTERNAL',
]

export function openApiDocument(operations: readonly Operation[], { url, version }: DocumentOptions): unknown {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    const path = `${BASE}${operation.url}`
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) }
  }
  const scopes = Object.fromEntries(SCOPES.map((scope) => [scope, scopeText(scope)]))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tallycell partner API',
      version,
      description:
        'What MVNO partners do with their SIMs, subscriptions, plans and balances. All amounts of 64 bits are decimal strings, all times RFC 3339 in UTC.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url }],
    tags: [...new Set(operations.map(({ tag }) => tag))].sort().map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: PROBLEM },
      securitySchemes: {
        oauth2: { type: 'oauth2', flows: { clientCredentials: { tokenUrl: `${url}/oauth2/token`, scopes } } },
      },
      responses: Object.fromEntries(
        [...new Set(operations.flatMap(problemStatuses))].map((status) => [
          `Problem${status}`,
          problemResponse(status),
        ]),
      ),
    },
  }
}

function scopeText(scope: string): string {
  const [thing, right] = scope.split(':')
  return `${right === 'read' ? 'read' : 'change'} ${thing}`
}

const codesOf = (operation: Operation): ErrorCode[] => [
  ...EVERYWHERE,
  ...(operation.params ? (['PARTNER_UNKNOWN'] as const) : []),
  ...(operation.ifMatch === 'none' ? [] : (['PARTNER_PRECONDITION'] as const)),
  ...(operation.ifMatch === 'required' ? (['PARTNER_PRECONDITION_REQUIRED'] as const) : []),
  ...(operation.method === 'GET' ? [] : (['PARTNER_KEY_REUSED'] as const)),
  ...(operation.body || operation.raw ? (['PARTNER_MEDIA_TYPE'] as const) : []),
  ...operation.errors,
]

const problemStatuses = (operation: Operation): number[] =>
  [...new Set(codesOf(operation).map((code): number => ERRORS[code].http))].sort((a, b) => a - b)

const problemResponse = (status: number) => ({
  description: STATUS_CODES[status] ?? 'Error',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
})

function describe(operation: Operation) {
  const { tag, scope, summary, description, body, raw, answers } = operation
  const content = raw
    ? Object.fromEntries(raw.types.map((type) => [type, {}]))
    : body && { 'application/json': { schema: body } }
  return {
    operationId: operationId(operation),
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: [{ oauth2: [scope] }],
    parameters: [
      ...parameters('path', operation.params),
      ...parameters('query', operation.query),
      ...headersOf(operation).map(({ name, ...rest }) => ({ name, in: 'header', ...rest, schema: { type: 'string' } })),
    ],
    ...(content ? { requestBody: { required: true, content } } : {}),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, schema]) => [status, answer(status, schema)])),
      ...Object.fromEntries(
        problemStatuses(operation).map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
      ),
    },
  }
}

/** `GET /plans/{plan}/versions` is `getPlansPlanVersions`. */
const operationId = ({ method, url }: Operation): string =>
  method.toLowerCase() +
  url
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

function parameters(place: 'path' | 'query', schema: TObject | undefined) {
  const required: readonly string[] = (schema as { required?: string[] } | undefined)?.required ?? []
  return Object.entries(schema?.properties ?? {}).map(([name, below]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: below,
  }))
}

const headersOf = ({ method, ifMatch }: Operation) => [
  ...(method === 'GET'
    ? [{ name: 'If-None-Match', required: false, description: 'ETag that is known already (304)' }]
    : [
        {
          name: 'Idempotency-Key',
          required: false,
          description:
            'any text of this request alone: sent again with it, the request gets the same answer and is not done again',
        },
      ]),
  ...(ifMatch === 'none'
    ? []
    : [{ name: 'If-Match', required: ifMatch === 'required', description: 'ETag of what is to be changed' }]),
]

function answer(status: string, schema: TSchema | null) {
  return {
    description: STATUS_CODES[Number(status)] ?? 'OK',
    ...(schema === null ? {} : { content: { 'application/json': { schema } } }),
  }
}
