// The partner API as main.ts sees it: the domains' routes on Fastify, the token endpoint, the OpenAPI document, jobs and webhooks.
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import type { Registry } from 'prom-client'
import type { Clock } from '../../kernel/clock.ts'
import { isTallycellError, TallycellError } from '../../kernel/errors.ts'
import type { Logger } from '../../log/logger.ts'
import type { KeyStore } from '../../runtime/keys.ts'
import type { Part } from '../../runtime/module.ts'
import type { Store } from '../../store/store.ts'
import { sendProblem, toProblem } from '../problem.ts'
import { auditRoutes } from './audit/routes.ts'
import { challenge, createCertificateReader } from './authenticate.ts'
import { openBox } from './box.ts'
import { faultsOf } from './check.ts'
import type { PartnerRoutes } from './contract.ts'
import { jobRoutes } from './jobs/routes.ts'
import { createJobs } from './jobs.ts'
import { createLimiter, limitHeadersOf } from './limits.ts'
import { openApiDocument } from './openapi.ts'
import { collectRoutes, type Operation } from './registry.ts'
import { BASE, createRequestHandler, type RequestDeps } from './request.ts'
import type { PartnerSettings } from './settings.ts'
import { createTidy } from './tidy.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import { createTokens } from './tokens.ts'
import { createDelivery, type DeliveryOptions } from './webhooks/delivery.ts'
import { webhookRoutes } from './webhooks/routes.ts'

export interface PartnerApiDeps {
  readonly store: Store
  readonly keys: KeyStore
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Registry
  /** Of the domains. */
  readonly routes: readonly PartnerRoutes[]
  /** Of the program. */
  readonly version: string
  /** True where client certificates have to be signed by a configured authority. */
  readonly clientAuthority: boolean
  /** For tests that cannot wait as long. */
  readonly delivery?: Pick<DeliveryOptions, 'delays' | 'poll'>
}

export interface PartnerService {
  /** For `createHttp`. */
  routes(app: FastifyInstance): void
  /** In the order of their start; to be started before HTTP. */
  readonly parts: readonly Part[]
}

export async function createPartnerApi(deps: PartnerApiDeps, settings: PartnerSettings): Promise<PartnerService> {
  const { store, keys, clock, log, metrics, version } = deps
  const box = await openBox(keys)
  const { operations, jobs: kinds } = collectRoutes([
    jobRoutes(),
    auditRoutes(),
    webhookRoutes({ box, targets: settings.webhookTargets }),
    ...deps.routes,
  ])
  const tokens = await createTokens(await keys.signingKey('partner-token'), {
    issuer: settings.url,
    audience: `${settings.url}${BASE}`,
    lifetime: settings.tokenLifetime,
  })
  const certificateOf = createCertificateReader(deps.clientAuthority, clock)
  const jobs = createJobs({ store, clock, log, box, kinds })
  const requests: RequestDeps = {
    ...{ store, clock, tokens, certificateOf, box },
    limiter: createLimiter(store, { perSecond: settings.requestsPerSecond, perDay: settings.requestsPerDay }),
    jobKinds: new Set(kinds.keys()),
    wakeJobs: jobs.wake,
  }
  const webhooks = createDelivery(
    { store, clock, log, metrics, box },
    { targets: settings.webhookTargets, source: `${settings.url}${BASE}`, ...deps.delivery },
  )
  const document = JSON.stringify(openApiDocument(operations, { url: settings.url, version }))
  return {
    parts: [jobs, webhooks, createTidy({ store, clock, log })],
    routes(app) {
      tokenEndpoint({
        store,
        clock,
        tokens,
        certificateOf,
        issuer: settings.url,
        lifetime: settings.tokenLifetime,
      })(app)
      app.get('/openapi.json', async (_request, reply) =>
        reply.type('application/json; charset=utf-8').header('access-control-allow-origin', '*').send(document),
      )
      app.register(async (scope) => {
        scope.removeContentTypeParser('text/plain')
        scope.setErrorHandler((error: FastifyError, request, reply) => {
          if (error.code !== 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return sendError(log, error, reply)
          const came = String(request.headers['content-type']).slice(0, 100)
          return sendError(log, new TallycellError('PARTNER_MEDIA_TYPE', { came }), reply)
        })
        for (const operation of operations) addOperation(scope, requests, operation)
      })
    },
  }
}

function addOperation(app: FastifyInstance, deps: RequestDeps, operation: Operation): void {
  const handler = createRequestHandler(deps, operation)
  const options = { method: operation.method, url: `${BASE}${operation.url.replaceAll(/\{(\w+)\}/g, ':$1')}`, handler }
  const { raw } = operation
  if (!raw) {
    app.route(options)
    return
  }
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser([...raw.types], { parseAs: 'buffer', bodyLimit: raw.limit }, (_request, body, done) =>
      done(null, body),
    )
    scope.route({ ...options, bodyLimit: raw.limit })
  })
}

/** RFC 9457, with the headers that the status asks for and every fault of the request. */
function sendError(log: Logger, error: Error, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error)
  if (problem.status >= 500) log.error({ err: error }, 'a request of the partner API failed')
  if (isTallycellError(error) && (problem.status === 401 || problem.status === 403))
    reply.header('www-authenticate', challenge(error.code, String(error.context.scope)))
  reply.headers(limitHeadersOf(error) ?? {})
  const errors = faultsOf(error)
  return sendProblem(reply, errors ? { ...problem, errors } : problem)
}
