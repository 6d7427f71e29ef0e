// POST /oauth2/token: the client credentials grant (RFC 6749 §4.4), with a secret (client_secret_basic, client_secret_post) or a client
// certificate (RFC 8705 §2). Its errors are those of RFC 6749 §5.2.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../kernel/clock.ts'
import type { Millis } from '../../kernel/units.ts'
import type { Store } from '../../store/store.ts'
import type { CertificateOf } from './authenticate.ts'
import { ALL_SCOPES, type Client, readClient } from './clients/store.ts'
import { SCOPES } from './contract.ts'
import { checkSecret, secretsBusy } from './secret.ts'
import type { Tokens } from './tokens.ts'

export interface TokenEndpointDeps {
  readonly store: Store
  readonly clock: Clock
  readonly tokens: Tokens
  readonly certificateOf: CertificateOf
  /** Public address of the API, without a path. */
  readonly issuer: string
  /** Seconds. */
  readonly lifetime: number
}

const FORM = 'application/x-www-form-urlencoded'
const MOST_OCTETS = 8192
/** Failed tries that an address may make in a minute. */
const TRIES = 20
const MINUTE = 60_000n

interface Refusal {
  readonly status: 400 | 401 | 429 | 503
  readonly error: string
  readonly description: string
}

class Refused extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.description)
    this.refusal = refusal
  }
}

const refuse = (status: Refusal['status'], error: string, description: string): never => {
  throw new Refused({ status, error, description })
}

interface Credentials {
  readonly client: string
  readonly secret: string | undefined
}

/** Encapsulated: only here are forms read. */
export function tokenEndpoint(deps: TokenEndpointDeps): (app: FastifyInstance) => void {
  const tries = createTries()
  return (app) => {
    app.register(async (scope) => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: MOST_OCTETS }, (_request, body, done) =>
        done(null, new URLSearchParams(String(body))),
      )
      scope.post('/oauth2/token', async (request, reply) => {
        const at = deps.clock()
        try {
          if (tries.tooMany(request.ip, at)) refuse(429, 'slow_down', 'too many failed attempts: wait a minute')
          return reply.headers(NO_STORE).send(await grant(deps, request, at))
        } catch (error) {
          if (!(error instanceof Refused)) throw error
          if (error.refusal.status === 401) tries.failed(request.ip, at)
          return sendRefusal(reply, error.refusal)
        }
      })
    })
    app.get('/oauth2/jwks', async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=3600').send(deps.tokens.jwks),
    )
    app.get('/.well-known/oauth-authorization-server', async () => metadata(deps))
  }
}

/** RFC 8414. */
const metadata = ({ issuer }: TokenEndpointDeps) => ({
  issuer,
  token_endpoint: `${issuer}/oauth2/token`,
  jwks_uri: `${issuer}/oauth2/jwks`,
  grant_types_supported: ['client_credentials'],
  response_types_supported: [],
  scopes_supported: SCOPES,
  token_endpoint_auth_methods_supported: [
    ...['client_secret_basic', 'client_secret_post', 'tls_client_auth', 'self_signed_tls_client_auth'],
  ],
  tls_client_certificate_bound_access_tokens: true,
  service_documentation: `${issuer}/openapi.json`,
})

const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' }

function sendRefusal(reply: FastifyReply, { status, error, description }: Refusal): FastifyReply {
  if (status === 401) reply.header('www-authenticate', 'Basic realm="partner", charset="UTF-8"')
  if (status === 429 || status === 503) reply.header('retry-after', status === 429 ? '60' : '5')
  return reply.code(status).headers(NO_STORE).send({ error, error_description: description })
}

async function grant(deps: TokenEndpointDeps, request: FastifyRequest, at: Millis) {
  const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
  // RFC 6749 §3.2: parameters must not be repeated.
  for (const name of form.keys())
    if (form.getAll(name).length > 1) refuse(400, 'invalid_request', `${name.slice(0, 64)} is given twice`)
  const type = form.get('grant_type')
  if (type === null) refuse(400, 'invalid_request', 'grant_type is missing')
  if (type !== 'client_credentials') refuse(400, 'unsupported_grant_type', 'expected grant_type=client_credentials')
  const client = await prove(deps, request, credentialsOf(request, form), at)
  const scopes = scopesOf(client, form.get('scope'))
  const certificate = client.certificate === null ? undefined : deps.certificateOf(request)
  const token = deps.tokens.issue(
    { client: client.client_id, tenant: client.tenant_id, scopes: new Set(scopes), certificate },
    at,
  )
  return { access_token: token, token_type: 'Bearer', expires_in: deps.lifetime, scope: scopes.join(' ') }
}

/** RFC 6749 §2.3.1: by header or in the form, never both. */
function credentialsOf(request: FastifyRequest, form: URLSearchParams): Credentials {
  const header = request.headers.authorization
  const named = form.get('client_id') ?? undefined
  const secret = form.get('client_secret') ?? undefined
  if (header === undefined)
    return named === undefined
      ? refuse(401, 'invalid_client', 'the client has not said who it is')
      : { client: named, secret }
  if (secret !== undefined) return refuse(400, 'invalid_request', 'the client has proved itself twice')
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+=*)$/i.exec(header) ?? []
  const [, client, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString('utf8')) ?? []
  if (client === undefined || password === undefined)
    return refuse(401, 'invalid_client', 'expected Authorization: Basic')
  const plain = { client: formDecode(client), secret: formDecode(password) }
  if (named !== undefined && named !== plain.client) refuse(400, 'invalid_request', 'two clients are named')
  return plain
}

function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

async function prove(
  { store, certificateOf }: TokenEndpointDeps,
  request: FastifyRequest,
  { client: id, secret }: Credentials,
  at: Millis,
): Promise<Client> {
  const client = await store.batch((sql) => readClient(sql, id.replaceAll('\0', '').slice(0, 200)))
  const good =
    secret === undefined
      ? provenByCertificate(client, certificateOf(request))
      : await provenBySecret(client, secret, at)
  // One answer for all: nobody learns which clients there are.
  if (!client || !good || client.revoked_at !== null)
    return refuse(401, 'invalid_client', 'there is no such client, or its secret or certificate is another')
  return client
}

const provenByCertificate = (client: Client | undefined, shown: string | undefined): boolean =>
  shown !== undefined && client?.certificate === shown

async function provenBySecret(client: Client | undefined, secret: string, at: Millis): Promise<boolean> {
  if (secretsBusy()) refuse(503, 'temporarily_unavailable', 'too many clients prove themselves at once')
  // A client that has a certificate proves itself by it alone.
  const stored = client?.certificate === null ? client.secret_hash : null
  if (await checkSecret(secret, stored)) return true
  const before = stored !== null && client?.previous_until && client.previous_until > at ? client.previous_hash : null
  return before !== null && (await checkSecret(secret, before))
}

/** What was asked for, or all that the client may have. */
function scopesOf(client: Client, asked: string | null): string[] {
  const mine: readonly string[] = client.scopes === ALL_SCOPES ? SCOPES : client.scopes.split(' ')
  if (asked === null || asked.trim() === '') return [...mine]
  const wanted = [...new Set(asked.trim().split(/ +/))]
  if (wanted.every((scope) => mine.includes(scope))) return wanted
  return refuse(400, 'invalid_scope', 'the client may not have one of the scopes')
}

/** Failed tries by address, in the minute that is. */
function createTries() {
  let minute = 0n
  const counts = new Map<string, number>()
  const turn = (at: Millis): void => {
    if (at / MINUTE === minute) return
    minute = at / MINUTE
    counts.clear()
  }
  return {
    tooMany(address: string, at: Millis): boolean {
      turn(at)
      return (counts.get(address) ?? 0) >= TRIES
    },
    failed(address: string, at: Millis): void {
      turn(at)
      counts.set(address, (counts.get(address) ?? 0) + 1)
    },
  }
}
