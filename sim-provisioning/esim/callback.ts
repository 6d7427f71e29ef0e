// Where the SM-DP+ reports progress: on a TLS socket of ours, which checks its certificate, or behind a TLS proxy that has checked it and
// knows a secret. Both answer alike.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Counter } from 'prom-client'
import { formatAddress, parseAddress } from '../../core/config/address.ts'
import { sendProblem, toProblem } from '../../core/http/problem.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail } from '../../core/kernel/errors.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { Part } from '../../core/runtime/module.ts'
import type { Store } from '../../core/store/store.ts'
import { ADMIN_PROTOCOL, ES2_PATH } from './es2plus/messages.ts'
import { type Points, type ProgressOutcome, takeProgress } from './progress.ts'
import type { TlsFiles } from './settings.ts'

export interface CallbackDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly reports: Counter<'outcome'>
  readonly points: Points
}

/** Who is asking: a name for the record; throws where it is nobody. */
type Check = (request: FastifyRequest) => string

const MAX_REPORT = 65_536

/** The route of HandleDownloadProgressInfo. */
function addRoute(app: FastifyInstance, deps: CallbackDeps, check: Check): void {
  const { store, clock, log, reports, points } = deps
  const answer = (reply: FastifyReply): FastifyReply => reply.header('x-admin-protocol', ADMIN_PROTOCOL)
  app.post(`${ES2_PATH}handleDownloadProgressInfo`, { bodyLimit: MAX_REPORT }, async (request, reply) => {
    const actor = check(request)
    const outcome: ProgressOutcome = await takeProgress(store, points, request.body, { actor, now: clock() })
    reports.inc({ outcome })
    if (outcome === 'unknown' || outcome === 'stale') log.info({ outcome }, 'an eSIM report that moves no order')
    return answer(reply).code(204).send()
  })
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** For the application behind a TLS proxy. `secret`: octets of the file, without the line end that editors add. */
export function proxiedCallback(deps: CallbackDeps, secret: Buffer): (app: FastifyInstance) => void {
  const wanted = digest(`Bearer ${secret.toString('utf8').replace(/\r?\n$/, '')}`)
  return (app) =>
    addRoute(app, deps, ({ headers }) =>
      timingSafeEqual(digest(headers.authorization ?? ''), wanted)
        ? 'SM-DP+'
        : // To whoever does not know the secret there is nothing here.
          fail('HTTP_ROUTE_UNKNOWN', { method: 'POST', path: `${ES2_PATH}handleDownloadProgressInfo` }),
    )
}

export interface CallbackOptions {
  readonly listen: string
  readonly tls: TlsFiles
  /** Host names that the certificate may be for; any of the authorities' when empty. */
  readonly names: readonly string[]
}

export interface CallbackServer extends Part {
  /** `https://127.0.0.1:8443` once started. */
  url(): string
}

/** Throws ESIM_LISTEN_FAILED at start. */
export function createCallbackServer(deps: CallbackDeps, options: CallbackOptions): CallbackServer {
  const { listen, tls, names } = options
  let app: FastifyInstance | undefined
  let url = ''
  return {
    name: 'esim',
    url: () => url,
    async start() {
      const address = parseAddress(listen) ?? fail('ESIM_LISTEN_FAILED', { listen, reason: 'it is not HOST:PORT' })
      try {
        app = createApp(deps, tls, names)
        await app.listen(address)
      } catch (error) {
        fail('ESIM_LISTEN_FAILED', { listen, reason: error instanceof Error ? error.message : String(error) }, error)
      }
      const bound = app.server.address()
      const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
      url = `https://${formatAddress({ host: address.host, port })}`
      deps.log.info({ url }, 'taking progress of eSIM profiles')
    },
    stop: async () => app?.close(),
  }
}

function createApp(deps: CallbackDeps, tls: TlsFiles, names: readonly string[]): FastifyInstance {
  const app = Fastify({
    forceCloseConnections: 'idle',
    https: {
      cert: tls.certificate,
      key: tls.key,
      ca: tls.ca,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
    },
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, toProblem(error)),
  }) as unknown as FastifyInstance
  app.setErrorHandler((error, _request, reply) => {
    const problem = toProblem(error)
    if (problem.status >= 500) deps.log.error({ err: error }, 'an eSIM report was not taken')
    return sendProblem(reply.header('x-admin-protocol', ADMIN_PROTOCOL), problem)
  })
  app.setNotFoundHandler((request) =>
    fail('HTTP_ROUTE_UNKNOWN', { method: request.method, path: request.url.slice(0, 200) }),
  )
  addRoute(app, deps, (request) => nameOf(request, names))
  return app
}

/** TLS has checked the chain; what is left is whose certificate it is. */
function nameOf({ raw }: FastifyRequest, names: readonly string[]): string {
  const { subject, subjectaltname = '' } = (raw.socket as TLSSocket).getPeerCertificate()
  const found = subjectaltname.split(', ').flatMap((name) => (name.startsWith('DNS:') ? [name.slice(4)] : []))
  const common = subject?.CN
  for (const name of Array.isArray(common) ? common : [common]) if (name !== undefined) found.push(name)
  const name = names.length === 0 ? (found[0] ?? 'SM-DP+') : found.find((one) => names.includes(one))
  return name ?? fail('ESIM_PEER_FOREIGN', { names: found.join(', ').slice(0, 200) })
}
