// An authentication server with a vault full of active SIMs, in the process of the test.
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import type { StandingPort } from '../../core/events/standing.ts'
import { systemClock } from '../../core/kernel/clock.ts'
import { iccid } from '../../core/kernel/iccid.ts'
import { planId, subscriberId } from '../../core/kernel/ids.ts'
import { createLogger } from '../../core/log/logger.ts'
import type { Store } from '../../core/store/store.ts'
import { createAccessServer } from '../../core/transport/radius/access-server.ts'
import { createAnswer } from '../../core/transport/radius/answer.ts'
import { type Aaa, type AaaOptions, createAaa } from '../../offload/aaa/aaa.ts'
import { createRadioDirectory } from '../../radio/module.ts'
import { createSubscriberDirectory } from '../../sim-provisioning/profiles/directory.ts'
import { activate } from '../../sim-provisioning/profiles/subscriptions/life.ts'
import { createVectors } from '../../sim-provisioning/vault/vectors.ts'
import { ACME, act, csvOf, type TestSim, testSims, testVault, testWorld } from '../compliance/sim-world.ts'

export const SECRET = 'access secret'
/** Of the subscriber of SIM number `n`. */
export const subscriberOf = (n: number): string => `s-${n}`

export const OPTIONS: AaaOptions = {
  methods: ['aka-prime', 'aka', 'sim', 'tls'],
  networkName: 'WLAN',
  reauthentications: 16,
  pseudonymDays: 30,
  confirmSuccess: false,
  sessionTimeout: 3600,
  interimInterval: 300,
  tls: undefined,
}

/** Says of every subscriber that all is well. */
export const OPEN: StandingPort = { standing: async () => undefined }

export interface AccessWorld {
  readonly sims: readonly TestSim[]
  readonly metrics: Registry
  readonly port: number
  readonly aaa: Aaa
}

export interface WorldOptions extends Partial<AaaOptions> {
  /** The test's own, `t.testdir()`: keys lie below it. */
  readonly folder: string
  readonly sims?: number
  readonly standing?: StandingPort
  readonly seal?: Uint8Array
  readonly requireMessageAuthenticator?: boolean
  readonly requestsPerSecond?: number
}

/** Fills the vault of an empty store with active SIMs, each with a subscriber. */
export async function fillVault(t: Test, store: Store, folder: string, count: number): Promise<readonly TestSim[]> {
  const sims = testSims(count)
  const world = testWorld(t, store, testVault(t, store, folder))
  await world.load(csvOf(sims))
  for (const [n, sim] of sims.entries()) {
    const subscriber = subscriberId(subscriberOf(n))
    await activate(store, { subscriber, tenant: ACME, plan: planId('flat'), iccid: iccid(sim.iccid) }, act)
  }
  return sims
}

/** A server on a free port of this machine; another call on the same store is another node. Stops with the test. */
export async function accessWorld(
  t: Test,
  store: Store,
  { folder, sims: count = 1, standing = OPEN, seal = new Uint8Array(32).fill(7), ...options }: WorldOptions,
): Promise<AccessWorld> {
  const vault = testVault(t, store, folder)
  const found = await store.db.selectFrom('sim').select('imsi').execute()
  const sims = found.length > 0 ? testSims(found.length) : await fillVault(t, store, folder, count)
  const subscribers = createSubscriberDirectory(store)
  await subscribers.load()
  const metrics = new Registry()
  const log = createLogger({ level: 'silent' })
  const vectors = createVectors({ store, vault, clock: systemClock })
  const radios = createRadioDirectory(store)
  await radios.load()
  const aaa = createAaa(
    { store, vectors, clock: systemClock, subscribers, radios, standing, metrics, log },
    { seal, cui: new Uint8Array(32).fill(9) },
    { ...OPTIONS, ...options },
  )
  const { requireMessageAuthenticator = true, requestsPerSecond = 100_000 } = options
  const server = createAccessServer(
    { answer: createAnswer({ access: aaa.answer }), log, metrics },
    {
      listen: [{ host: '127.0.0.1', port: 0 }],
      clients: [{ name: 'ap', address: '127.0.0.1', secret: Buffer.from(SECRET), requireMessageAuthenticator }],
      requestsPerSecond,
    },
  )
  await aaa.start()
  await server.start()
  t.teardown(async () => {
    await server.stop()
    await aaa.stop()
    await vectors.drain()
  })
  return { sims, metrics, port: server.address()[0]?.port ?? 0, aaa }
}
