// The partner API on a database of its own: a tenant, clients, tokens, and requests without a socket.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { Test } from 'tap'
import { putTenant } from '../../billing/module.ts'
import { createApp } from '../../core/http/http.ts'
import { createPartnerApi, type PartnerService } from '../../core/http/partner/api.ts'
import { ALL_SCOPES, addClient } from '../../core/http/partner/clients/store.ts'
import type { PartnerRoutes } from '../../core/http/partner/contract.ts'
import { hashSecret, newSecret } from '../../core/http/partner/secret.ts'
import type { PartnerSettings } from '../../core/http/partner/settings.ts'
import { type PayerId, payerId } from '../../core/kernel/ids.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import { createLogger } from '../../core/log/logger.ts'
import { createMetrics } from '../../core/metrics/metrics.ts'
import { createKeyStore } from '../../core/runtime/keys.ts'
import type { Store } from '../../core/store/store.ts'

// What a program would read of an answer: anything.
export type Json = ReturnType<typeof JSON.parse>

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Json
  readonly text: string
}

export interface ClientOfTenant {
  readonly tenant: PayerId
  readonly id: string
  readonly secret: string
}

export interface PartnerWorld {
  readonly store: Store
  readonly app: FastifyInstance
  readonly service: PartnerService
  /** What was logged. */
  readonly lines: string[]
  now: Millis
  /** A tenant that charges in euros, and a client of it. */
  client(tenant: string, scopes?: string): Promise<ClientOfTenant>
  token(client: ClientOfTenant, scope?: string): Promise<string>
  /** `path` below /partner/v1; `token` undefined sends none. */
  call(token: string | undefined, method: string, path: string, options?: CallOptions): Promise<Reply>
  inject(options: InjectOptions): Promise<Reply>
}

export interface CallOptions {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export const SETTINGS: PartnerSettings = {
  url: 'https://api.example.net',
  tokenLifetime: 900,
  requestsPerSecond: 100_000,
  requestsPerDay: 1_000_000,
  webhookTargets: 'any',
}

/** 2026-11-20 12:00 UTC. */
const NOON = 1_795_176_000_000n

export async function partnerWorld(
  t: Test,
  store: Store,
  routes: readonly PartnerRoutes[] = [],
  settings: Partial<PartnerSettings> = {},
): Promise<PartnerWorld> {
  const lines: string[] = []
  const log = createLogger({ format: 'json', destination: { write: (line) => lines.push(line) } })
  // Made anew it would be emptied, of the database too.
  const folder = existsSync(t.testdirName) ? t.testdirName : t.testdir()
  const keys = createKeyStore({ directory: join(folder, 'keys') })
  const clock = (): Millis => world.now
  const metrics = createMetrics()
  const service = await createPartnerApi(
    {
      store,
      keys,
      clock,
      log,
      metrics,
      routes,
      version: '0',
      clientAuthority: false,
      delivery: { delays: [20, 20], poll: 10 },
    },
    { ...SETTINGS, ...settings },
  )
  const app = createApp({ log, metrics, routes: [service.routes] })
  t.teardown(() => app.close())
  const inject = async (options: InjectOptions): Promise<Reply> => {
    const answer = await app.inject(options)
    const json = /json/.test(String(answer.headers['content-type']))
    return {
      status: answer.statusCode,
      headers: answer.headers as Record<string, string>,
      body: json && answer.body !== '' ? answer.json() : undefined,
      text: answer.body,
    }
  }
  const world: PartnerWorld = {
    ...{ store, app, service, lines, inject },
    now: millis(NOON),
    async client(name, scopes = ALL_SCOPES) {
      const tenant = payerId(name)
      const secret = newSecret()
      const id = `${name}.test`
      const secret_hash = await hashSecret(secret)
      await store.batch(async (sql) => {
        await putTenant(sql, { tenant, currency: 'EUR', decimals: 2, mode: 'half-even', timeZone: 'Europe/Berlin' })
        const client = { client_id: id, tenant_id: tenant, name: '', scopes, secret_hash, certificate: null }
        await addClient(sql, client, world.now)
      })
      return { tenant, id, secret }
    },
    async token({ id, secret }, scope) {
      const answer = await inject({
        method: 'POST',
        url: '/oauth2/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams({
          ...{ grant_type: 'client_credentials', client_id: id, client_secret: secret },
          ...(scope === undefined ? {} : { scope }),
        }).toString(),
      })
      if (answer.status !== 200) throw new Error(`no token: ${answer.text}`)
      return answer.body.access_token
    },
    call(token, method, path, { body, headers = {} } = {}) {
      return inject({
        method: method as NonNullable<InjectOptions['method']>,
        url: `/partner/v1${path}`,
        headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
        ...(body === undefined ? {} : { payload: body as NonNullable<InjectOptions['payload']> }),
      })
    },
  }
  return world
}

/** Resolves when `look` does so with something; rejects after ten seconds. */
export async function until<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  for (const start = performance.now(); performance.now() - start < 10_000; ) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('it has not come to that')
}
