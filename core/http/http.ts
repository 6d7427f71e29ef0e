// The HTTP shell: metrics, health, the public log, and whatever routes the modules bring.
import Fastify, { type FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { Type } from 'typebox'
import { ADDRESS_PATTERN, formatAddress, parseAddress } from '../config/address.ts'
import type { Section, Settings } from '../config/section.ts'
import { fail } from '../kernel/errors.ts'
import type { Logger } from '../log/logger.ts'
import type { Part } from '../runtime/module.ts'
import { logRoutes } from './log-files.ts'
import { sendProblem, toProblem } from './problem.ts'
import { createServer, type TlsFiles, tlsSchema } from './tls.ts'

export const httpSection = {
  key: 'http',
  schema: Type.Object({
    listen: Type.String({
      pattern: ADDRESS_PATTERN,
      default: '127.0.0.1:8080',
      description:
        'Address and port of metrics, health, the public log and the API; [::]:8080 for every address of this machine, port 0 for any free one. ' +
        'It speaks plain HTTP unless http.tls is set: use one of the two, TLS here or a TLS proxy before it, where strangers can reach it.',
    }),
    tls: tlsSchema,
  }),
} satisfies Section

/** Without `tls` of plain HTTP. */
export type HttpSettings = Pick<Settings<typeof httpSection>, 'listen'>

export interface HttpDeps {
  readonly log: Logger
  readonly metrics: Registry
  /** Whose health /health tells; read at each request. */
  readonly parts?: () => readonly Part[]
  /** Folder of the public log, served under /log/. */
  readonly logDirectory?: string
  /** Speaks TLS with these; plain HTTP without. */
  readonly tls?: TlsFiles | undefined
  /** Of the modules; each adds its own. */
  readonly routes?: readonly ((app: FastifyInstance) => void)[]
}

export interface Http extends Part {
  /** `http://127.0.0.1:8080` once started. */
  url(): string
}

const MAX_BODY = 1_048_576

/** Throws HTTP_PORT_IN_USE or HTTP_ADDRESS_UNUSABLE at start. */
export function createHttp(deps: HttpDeps, { listen }: HttpSettings): Http {
  const app = createApp(deps)
  let url = ''
  return {
    name: 'http',
    url: () => url,
    async start() {
      const address =
        parseAddress(listen) ?? fail('HTTP_ADDRESS_UNUSABLE', { listen, reason: 'it is not of the form HOST:PORT' })
      try {
        await app.listen(address)
      } catch (error) {
        if (!(error instanceof Error) || !('syscall' in error)) throw error
        if ('code' in error && error.code === 'EADDRINUSE') fail('HTTP_PORT_IN_USE', { listen }, error)
        fail('HTTP_ADDRESS_UNUSABLE', { listen, reason: error.message }, error)
      }
      const bound = app.server.address()
      const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
      url = `${deps.tls ? 'https' : 'http'}://${formatAddress({ host: address.host, port })}`
      deps.log.info({ url }, 'serving HTTP')
    },
    stop: () => app.close(),
  }
}

/** The application without a socket. */
export function createApp({
  log,
  metrics,
  parts = () => [],
  logDirectory,
  routes = [],
  tls,
}: HttpDeps): FastifyInstance {
  const app = Fastify({
    bodyLimit: MAX_BODY,
    forceCloseConnections: 'idle',
    serverFactory: (handler) => createServer(handler, tls),
    // Paths that cannot be decoded never reach the handlers below.
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, toProblem(error)),
  })
  app.setErrorHandler((error, _request, reply) => {
    const problem = toProblem(error)
    if (problem.status >= 500) log.error({ err: error }, 'a request failed')
    return sendProblem(reply, problem)
  })
  app.setNotFoundHandler((request) =>
    fail('HTTP_ROUTE_UNKNOWN', { method: request.method, path: request.url.slice(0, 200) }),
  )
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()))
  healthRoutes(app, parts)
  if (logDirectory !== undefined) logRoutes(logDirectory)(app)
  for (const add of routes) add(app)
  return app
}

/** Live: the process answers. Ready: no part has a complaint. /health is ready. */
function healthRoutes(app: FastifyInstance, parts: () => readonly Part[]): void {
  app.get('/health/live', async (_request, reply) => reply.header('cache-control', 'no-store').send({ ok: true }))
  for (const path of ['/health', '/health/ready'])
    app.get(path, async (_request, reply) => {
      const states = parts().map((part) => {
        const warning = part.warning?.()
        return { part: part.name, problem: part.health?.() ?? null, ...(warning === undefined ? {} : { warning }) }
      })
      const ok = states.every(({ problem }) => problem === null)
      return reply
        .code(ok ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({ ok, parts: states })
    })
}
