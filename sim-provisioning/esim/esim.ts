// eSIM orders as configured: the way to the SM-DP+, and the way back.
import type { FastifyInstance } from 'fastify'
import { Counter, type Registry } from 'prom-client'
import type { Config } from '../../core/config/section.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail } from '../../core/kernel/errors.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { Part } from '../../core/runtime/module.ts'
import type { Store } from '../../core/store/store.ts'
import { type CallbackDeps, createCallbackServer, proxiedCallback } from './callback.ts'
import { createEs2Client } from './es2plus/client.ts'
import type { OrderDeps } from './orders.ts'
import { esimSection, readSetting, readTls } from './settings.ts'

const MILLISECONDS = 1000

/** What orders need; throws ESIM_NOT_CONFIGURED, ESIM_FILE_UNREADABLE. */
export function orderDeps(
  store: Store,
  config: Config,
  options: { readonly calls?: Counter<'function' | 'outcome'>; readonly signal?: AbortSignal } = {},
): OrderDeps {
  const { smdp } = config.get(esimSection)
  if (smdp === undefined) return fail('ESIM_NOT_CONFIGURED', {})
  const { url, requesterId, timeout, address } = smdp
  const client = createEs2Client(
    { calls: options.calls },
    { url, requesterId, tls: readTls(config, smdp), timeout: timeout * MILLISECONDS },
  )
  return { store, client, smdpAddress: address, signal: options.signal }
}

export interface EsimDeps {
  readonly store: Store
  readonly config: Config
  readonly clock: Clock
  readonly metrics: Registry
  readonly log: Logger
}

export interface Esim {
  /** Of a node: the socket for reports, where one is configured. */
  readonly parts: readonly Part[]
  /** For the node's own HTTP server, behind a proxy that shows the secret. */
  readonly routes: readonly ((app: FastifyInstance) => void)[]
  /** Throws ESIM_NOT_CONFIGURED where no SM-DP+ is. */
  orders(): OrderDeps
}

/** Throws ESIM_FILE_UNREADABLE. */
export function createEsim({ store, config, clock, metrics, log }: EsimDeps): Esim {
  const { smdp, callback, secretFile, points } = config.get(esimSection)
  const calls = new Counter({
    name: 'tallycell_esim_calls_total',
    help: 'Functions that the SM-DP+ was asked for, by outcome.',
    labelNames: ['function', 'outcome'] as const,
    registers: [metrics],
  })
  const reports = new Counter({
    name: 'tallycell_esim_reports_total',
    help: 'Progress that the SM-DP+ reported, by what it did to orders.',
    labelNames: ['outcome'] as const,
    registers: [metrics],
  })
  const deps: CallbackDeps = { store, clock, log, reports, points }
  const orders = smdp === undefined ? undefined : orderDeps(store, config, { calls })
  return {
    parts:
      callback === undefined
        ? []
        : [
            createCallbackServer(deps, {
              listen: callback.listen,
              tls: readTls(config, callback),
              names: callback.names,
            }),
          ],
    routes: secretFile === undefined ? [] : [proxiedCallback(deps, readSetting(config, secretFile))],
    orders: () => orders ?? fail('ESIM_NOT_CONFIGURED', {}),
  }
}
