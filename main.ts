#!/usr/bin/env -S node --max-semi-space-size=8 --max-old-space-size=2000
// The roof: the command line, and the one place where modules are built and wired to each other.
import { readFileSync } from 'node:fs'
import {
  type Billing,
  billingCommands,
  billingRoutes,
  billingSection,
  chargingListener,
  checkPlan,
  createBilling,
  createCaptive,
  createChargingApplications,
  createChargingStanding,
  logDirectory,
  settlementSection,
  suspendCharging,
} from './billing/module.ts'
import type { Command } from './core/cli/command.ts'
import { runProcess } from './core/cli/process.ts'
import { configCommands } from './core/config/commands.ts'
import type { Config } from './core/config/section.ts'
import { createSessionControl } from './core/events/sessions/control.ts'
import { partnerCommands } from './core/http/commands.ts'
import { createHttp, type Http, httpSection } from './core/http/http.ts'
import { createPartnerApi } from './core/http/partner/api.ts'
import { partnerSection } from './core/http/partner/settings.ts'
import { tlsFiles } from './core/http/tls.ts'
import { systemClock } from './core/kernel/clock.ts'
import { type Logger, logSection } from './core/log/logger.ts'
import { createMetrics } from './core/metrics/metrics.ts'
import { open5gsCommands } from './core/open5gs/commands.ts'
import { configuredKeyStore, keysSection } from './core/runtime/keys.ts'
import type { Part } from './core/runtime/module.ts'
import { runParts } from './core/runtime/run.ts'
import { storeCommands } from './core/store/commands.ts'
import { createNodeLock } from './core/store/node-lock.ts'
import { createRetention } from './core/store/retention.ts'
import { storeOptions, storeSection } from './core/store/settings.ts'
import { openStore, type Store } from './core/store/store.ts'
import { createDiameter, type DiameterPart } from './core/transport/diameter/part.ts'
import { diameterSection } from './core/transport/diameter/settings.ts'
import { demoCommand } from './deploy/demo/demo.ts'
import {
  aaaKeys,
  createOffload,
  type Offload,
  passpointCommands,
  passpointSection,
  radiusSection,
} from './offload/module.ts'
import { createCertificateDirectory, createRadioDirectory, radioCommands, radiosNamed } from './radio/module.ts'
import {
  configuredPortAdapter,
  createEsim,
  createProvisioning,
  createSubscriberDirectory,
  enrolAnonymous,
  esimSection,
  portingSection,
  provisioningRoutes,
  simCommands,
  subscriberCommands,
} from './sim-provisioning/module.ts'

const SECTIONS = [
  radiusSection,
  diameterSection,
  passpointSection,
  billingSection,
  settlementSection,
  httpSection,
  partnerSection,
  storeSection,
  keysSection,
  logSection,
  portingSection,
  esimSection,
]

/** A node, built but not started. */
export interface Node {
  /** In the order of their start; they stop in reverse. */
  readonly parts: readonly Part[]
  readonly store: Store
  readonly billing: Billing
  readonly offload: Offload
  readonly diameter: DiameterPart
  readonly http: Http
}

/** Builds a node. What it opens, its parts close. */
async function createNode(config: Config, log: Logger): Promise<Node> {
  const clock = systemClock
  const metrics = createMetrics()
  const keys = configuredKeyStore(config)
  const lock = createNodeLock(config.dataDir)
  await lock.start()
  const store = await openStore(storeOptions(config))
  const radios = createRadioDirectory(store)
  const subscribers = createSubscriberDirectory(store)
  await Promise.all([radios.load(), subscribers.load()])
  const sims = createProvisioning({ store, kek: keys.kek, clock, metrics, log: log.child({ module: 'sim' }) })
  const certificates = createCertificateDirectory({ store, keys, clock })
  const standing = createChargingStanding({ store, radios, subscribers }, config)
  const offload = createOffload(
    {
      ...{ store, keys, radios, subscribers, certificates, standing, clock, metrics },
      ...{ vectors: sims, accessKeys: await aaaKeys(keys) },
      captive: createCaptive({ store, subscribers, key: () => keys.secret('vouchers', 32), enrol: enrolAnonymous }),
      log: log.child({ module: 'radius' }),
    },
    config,
  )
  const billing = await createBilling({
    store,
    keys,
    radios,
    subscribers,
    config,
    clock,
    metrics,
    log: log.child({ module: 'billing' }),
    busy: () => offload.busy() || charges.busy(),
  })
  const diameterDeps = { clock, metrics, log: log.child({ module: 'diameter' }) }
  const charges = createChargingApplications(
    { store, charging: billing.charging, radios, subscribers, ...diameterDeps },
    config.get(diameterSection),
  )
  const diameter = createDiameter(diameterDeps, config, charges.applications)
  const sessions = createSessionControl({ store, clock, metrics, log: log.child({ module: 'sessions' }) })
  sessions.register(chargingListener(billing.charging, clock), 'books')
  sessions.register(offload.listener)
  const esim = createEsim({ store, config, clock, metrics, log: log.child({ module: 'esim' }) })
  const parts: Part[] = []
  const tls = tlsFiles(config, config.get(httpSection).tls)
  const partner = await createPartnerApi(
    {
      ...{ store, keys, clock, metrics, version },
      log: log.child({ module: 'partner' }),
      routes: [
        billingRoutes({ voucherKey: () => keys.secret('vouchers', 32) }),
        provisioningRoutes({
          ...{ store, clock, suspendCharging, checkPlan },
          vault: sims.vault,
          adapter: configuredPortAdapter(config),
          orders: esim.orders,
        }),
      ],
      clientAuthority: tls?.clientCa !== undefined,
    },
    config.get(partnerSection),
  )
  const http = createHttp(
    {
      log: log.child({ module: 'http' }),
      ...{ metrics, tls },
      parts: () => parts,
      logDirectory: logDirectory(config),
      routes: [partner.routes, ...esim.routes],
    },
    config.get(httpSection),
  )
  const base: Part = {
    name: 'store',
    start: async () => {},
    async stop() {
      await charges.settled()
      await store.close()
      await lock.stop()
    },
  }
  const retention = createRetention(
    { store, clock, metrics, log: log.child({ module: 'store' }), busy: offload.busy },
    config.get(storeSection),
  )
  parts.push(
    base,
    retention,
    sims,
    ...billing.parts,
    offload,
    diameter,
    sessions,
    ...partner.parts,
    ...esim.parts,
    http,
  )
  return { parts, store, billing, offload, diameter, http }
}

const upCommand: Command = {
  path: ['up'],
  summary: 'run the node: RADIUS authentication and accounting, Diameter, charging, receipts and payouts',
  examples: ['tallycell up', 'tallycell up --config /etc/tallycell/tallycell.yaml'],
  async run(_input, context) {
    const { log, signal } = context
    const node = await createNode(await context.config(), log)
    const exit = await runParts(node.parts, {
      log,
      signal,
      onReady() {
        const radius = node.offload.address().map(({ host, port }) => `${host}:${port}`)
        const diameter = node.diameter.addresses().map(({ host, port }) => `${host}:${port}`)
        const access = node.offload.access().map(({ host, port }) => `${host}:${port}`)
        const asks = access.length === 0 ? '' : ` authentication on ${access.join(', ')},`
        const also = diameter.length === 0 ? '' : ` Diameter on ${diameter.join(', ')},`
        context.say(
          `Ready: RADIUS accounting on ${radius.join(', ')},${asks}${also} pages on ${node.http.url()}. Ctrl-C stops.`,
        )
        log.info({ radius, access, diameter, http: node.http.url() }, 'ready')
      },
    })
    return { text: '', json: { stopped: true }, exit }
  },
}

const { version } = JSON.parse(readFileSync(new URL(packagePath(), import.meta.url), 'utf8')) as { version: string }

/** main.ts lies beside package.json, the compiled main.js one folder below. */
function packagePath(): string {
  return import.meta.url.endsWith('.ts') ? './package.json' : '../package.json'
}

await runProcess({
  version,
  summary: 'control plane of a decentralised mobile network: meters usage, writes receipts, pays radio owners',
  sections: SECTIONS,
  commands: [
    upCommand,
    demoCommand({ sections: SECTIONS, createNode }),
    ...configCommands(SECTIONS),
    ...storeCommands(),
    ...open5gsCommands(),
    ...partnerCommands(),
    ...radioCommands(),
    ...passpointCommands({ subscribers: createSubscriberDirectory, radiosNamed }),
    ...subscriberCommands(suspendCharging),
    ...simCommands(suspendCharging),
    ...billingCommands({ radios: createRadioDirectory, subscribers: createSubscriberDirectory }),
  ],
})
