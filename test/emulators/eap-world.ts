// An authentication server with a vault full of active SIMs, in the process of the test.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import type { CaptivePort } from '../../core/events/captive.ts'
import type { StandingPort } from '../../core/events/standing.ts'
import { systemClock } from '../../core/kernel/clock.ts'
import { iccid } from '../../core/kernel/iccid.ts'
import { planId, subscriberId } from '../../core/kernel/ids.ts'
import { createLogger } from '../../core/log/logger.ts'
import { createKeyStore } from '../../core/runtime/keys.ts'
import type { Store } from '../../core/store/store.ts'
import { createAccessServer } from '../../core/transport/radius/access-server.ts'
import { createAnswer } from '../../core/transport/radius/answer.ts'
import { type Aaa, type AaaOptions, createAaa } from '../../offload/aaa/aaa.ts'
import { createRadioDirectory } from '../../radio/module.ts'
import { importBatch } from '../../sim-provisioning/batch/import.ts'
import { createSubscriberDirectory } from '../../sim-provisioning/profiles/directory.ts'
import { activate } from '../../sim-provisioning/profiles/subscriptions/life.ts'
import { createVault, type Vault } from '../../sim-provisioning/vault/vault.ts'
import { createVectors } from '../../sim-provisioning/vault/vectors.ts'
import { ACME, act, csvOf, type TestSim, testSims } from '../compliance/sim-world.ts'

export const SECRET = 'access secret'
/** Of the subscriber of SIM number `n`. */
export const subscriberOf = (n: number): string => `s-${n}`

const OPTIONS: AaaOptions = {
  methods: ['aka-prime', 'aka', 'sim', 'tls'],
  networkName: 'WLAN',
  reauthentications: 16,
  pseudonymDays: 30,
  confirmSuccess: false,
  sessionTimeout: 3600,
  interimInterval: 300,
  tls: undefined,
  makerOf: () => 'wispr',
}

/** Says of every subscriber that all is well. */
const OPEN: StandingPort = { standing: async () => undefined }

const NO_VOUCHERS: CaptivePort = { passwordOf: async () => undefined, enter: async () => undefined }

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
  /** Asked instead of one that knows no voucher. */
  readonly captive?: CaptivePort
  readonly seal?: Uint8Array
  readonly requireMessageAuthenticator?: boolean
  readonly requestsPerSecond?: number
}

/** Fills the vault of an empty store with `count` active SIMs, each with a subscriber. */
async function fillVault(store: Store, vault: Vault, folder: string, count: number): Promise<void> {
  const sims = testSims(count)
  const path = join(folder, 'sims.csv')
  writeFileSync(path, csvOf(sims))
  const { signal } = new AbortController()
  await importBatch(
    { store, vault, clock: systemClock, signal },
    { path, format: 'pysim', tenant: ACME, mode: 'row', dryRun: false, mncDigits: 2 },
  )
  for (const [n, sim] of sims.entries()) {
    const subscriber = subscriberId(subscriberOf(n))
    await activate(store, { subscriber, tenant: ACME, plan: planId('flat'), iccid: iccid(sim.iccid) }, act)
  }
}

/** A server on a free port of this machine; another call on the same store is another node. */
export async function startAccess(
  store: Store,
  {
    folder,
    sims: count = 1,
    standing = OPEN,
    captive = NO_VOUCHERS,
    seal = new Uint8Array(32).fill(7),
    ...options
  }: WorldOptions,
): Promise<AccessWorld & { stop(): Promise<void> }> {
  mkdirSync(folder, { recursive: true })
  const vault = createVault(store, createKeyStore({ directory: join(folder, 'keys') }).kek)
  const found = await store.db.selectFrom('sim').select('imsi').execute()
  if (found.length === 0) await fillVault(store, vault, folder, count)
  const sims = testSims(found.length === 0 ? count : found.length)
  const subscribers = createSubscriberDirectory(store)
  const radios = createRadioDirectory(store)
  await Promise.all([subscribers.load(), radios.load()])
  const metrics = new Registry()
  const log = createLogger({ level: 'silent' })
  const vectors = createVectors({ store, vault, clock: systemClock })
  const aaa = createAaa(
    { store, vectors, clock: systemClock, subscribers, radios, standing, captive, metrics, log },
    { seal, cui: new Uint8Array(32).fill(9) },
    { ...OPTIONS, ...options },
  )
  const { requireMessageAuthenticator = true, requestsPerSecond = 1_000_000 } = options
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
  return {
    ...{ sims, metrics, port: server.address()[0]?.port ?? 0, aaa },
    async stop() {
      await server.stop()
      await aaa.stop()
      await vectors.drain()
    },
  }
}

/** As `startAccess`; stops with the test. */
export async function accessWorld(t: Test, store: Store, options: WorldOptions): Promise<AccessWorld> {
  const { stop, ...world } = await startAccess(store, options)
  t.teardown(stop)
  return world
}
