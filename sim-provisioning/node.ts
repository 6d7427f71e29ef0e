// The SIM domain in a running node: the vault, and authentication vectors for whoever lets phones in. It watches the home network keys,
// because a published one lets anybody read who is behind a concealed identity.
import { Counter, Gauge, type Registry } from 'prom-client'
import type { AuthVectorPort, VectorAnswer, VectorKind } from '../core/events/auth-vectors.ts'
import type { Clock } from '../core/kernel/clock.ts'
import type { Logger } from '../core/log/logger.ts'
import type { Kek } from '../core/runtime/kek.ts'
import type { Part } from '../core/runtime/module.ts'
import type { Store } from '../core/store/store.ts'
import { publishedHomeKeys } from './vault/network-keys/network-keys.ts'
import { createVault, type Vault } from './vault/vault.ts'
import { createVectors } from './vault/vectors.ts'

export interface ProvisioningDeps {
  readonly store: Store
  readonly kek: Kek
  readonly clock: Clock
  readonly metrics: Registry
  readonly log: Logger
}

export interface Provisioning extends Part, AuthVectorPort {
  /** For those inside a node that seal or open secrets: imports and home network keys of an API. */
  readonly vault: Vault
}

/** Between two looks at the home network keys, milliseconds: people change them, at the command line. */
const KEY_WATCH = 60_000

/** Its start fails with KEY_… where the key-encryption key does not open the data keys of the database. */
export function createProvisioning({ store, kek, clock, metrics, log }: ProvisioningDeps): Provisioning {
  const vault = createVault(store, kek)
  const vectors = createVectors({ store, vault, clock })
  const answered = new Counter({
    name: 'tallycell_sim_vector_requests_total',
    help: 'Requests for authentication vectors, by what they are for and how they were answered',
    labelNames: ['kind', 'result'] as const satisfies readonly string[],
    registers: [metrics],
  })
  const count = (kind: VectorKind, result: VectorAnswer['result'] | 'failed'): void => answered.inc({ kind, result })
  const published = watchHomeKeys(store, metrics, log)
  return {
    name: 'sim',
    vault,
    async vectors(request) {
      try {
        const answer = await vectors.vectors(request)
        count(request.kind, answer.result)
        return answer
      } catch (error) {
        count(request.kind, 'failed')
        throw error
      }
    },
    async start() {
      await vault.check()
      await published.start()
    },
    async stop() {
      await published.stop()
      await vectors.drain()
    },
    warning: published.warning,
  }
}

interface KeyWatch {
  start(): Promise<void>
  stop(): Promise<void>
  warning(): string | undefined
}

function watchHomeKeys(store: Store, metrics: Registry, log: Logger): KeyWatch {
  const gauge = new Gauge({
    name: 'tallycell_sim_published_home_keys',
    help: 'Home network keys in use whose private half is published, as Open5GS and TS 33.501 ship them; must be 0',
    registers: [metrics],
  })
  let found: readonly { readonly id: number; readonly name: string }[] = []
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> = Promise.resolve()
  const look = async (): Promise<void> => {
    try {
      const before = new Set(found.map(({ id }) => id))
      found = await publishedHomeKeys(store)
      gauge.set(found.length)
      for (const { id, name } of found)
        if (!before.has(id))
          log.error({ key: id, published: name }, `home network key ${id} is published: replace it with key rotate`)
    } catch (error) {
      log.error({ err: error }, 'the home network keys could not be looked at, and will be again')
    }
  }
  return {
    async start() {
      await look()
      timer = setInterval(() => {
        looking = look()
      }, KEY_WATCH)
    },
    async stop() {
      clearInterval(timer)
      await looking
    },
    warning: () =>
      found.length === 0
        ? undefined
        : `the private half of home network key ${found.map(({ id, name }) => `${id} (${name})`).join(', ')} is published`,
  }
}
