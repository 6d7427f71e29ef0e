// What the composition root needs of the offload domain: RADIUS accounting from socket to journal.
import { readFileSync } from 'node:fs'
import { parseAddress } from '../core/config/address.ts'
import type { Config } from '../core/config/section.ts'
import type { AuthVectorPort } from '../core/events/auth-vectors.ts'
import type { CaptivePort } from '../core/events/captive.ts'
import type { CertificateDirectory } from '../core/events/certificates.ts'
import type { SessionListener } from '../core/events/sessions/port.ts'
import type { StandingPort } from '../core/events/standing.ts'
import type { Clock } from '../core/kernel/clock.ts'
import { fail } from '../core/kernel/errors.ts'
import type { KeyStore } from '../core/runtime/keys.ts'
import type { Part } from '../core/runtime/module.ts'
import { createAccessServer } from '../core/transport/radius/access-server.ts'
import { createAccountingServer } from '../core/transport/radius/accounting-server.ts'
import { createAnswer } from '../core/transport/radius/answer.ts'
import { type AaaKeys, createAaa } from './aaa/aaa.ts'
import type { TlsMaterial } from './aaa/tls.ts'
import { type AccountingDeps, createAccounting } from './accounting/accounting.ts'
import { radiusSection } from './accounting/settings.ts'
import { createStaleReaper } from './accounting/stale.ts'
import { createControl } from './control/control.ts'
import { createProxy } from './proxy/proxy.ts'
import { createRadsec, isSite } from './radsec/radsec.ts'

export { aaaKeys } from './aaa/aaa.ts'
export { passpointCommands } from './passpoint/commands.ts'
export { passpointSection } from './passpoint/settings.ts'
export { radiusSection }

export interface Offload extends Part {
  /** UDP addresses that it listens on, once started. */
  address(): readonly { readonly host: string; readonly port: number }[]
  /** UDP addresses of the authentication server, once started. */
  access(): readonly { readonly host: string; readonly port: number }[]
  /** TCP addresses of RADIUS over TLS, once started. */
  radsec(): readonly { readonly host: string; readonly port: number }[]
  /** True while requests come faster than one at a time. */
  busy(): boolean
  /** Ends Wi-Fi sessions, or makes access points ask anew; for the node's session control. */
  readonly listener: SessionListener
}

export interface OffloadDeps extends Omit<AccountingDeps, 'classes'> {
  readonly clock: Clock
  readonly keys: Pick<KeyStore, 'secret'>
  readonly certificates: CertificateDirectory
  readonly standing: StandingPort
  readonly vectors: AuthVectorPort
  readonly captive: CaptivePort
  /** What `aaaKeys` takes from the key store. */
  readonly accessKeys: AaaKeys
}

/** Throws RADIUS_… for secrets that cannot be read and for clients that make no sense. */
export function createOffload(deps: OffloadDeps, config: Config): Offload {
  const settings = config.get(radiusSection)
  const { listen } = settings
  const { access } = settings
  const { port, maker, slowRole, normalRole } = settings.control
  const makers = new Map(settings.clients.map(({ name, maker }) => [name, maker]))
  const aaa = createAaa(deps, deps.accessKeys, {
    ...access,
    tls: access.tls && readTls(access.tls, config),
    makerOf: (client) => makers.get(client) ?? maker,
  })
  const accounting = createAccounting({ ...deps, classes: aaa.classes })
  const proxy = createProxy({ ...deps, readSecret }, settings.proxy, config)
  const [answerAccess, handle] = [proxy.access(aaa.answer), proxy.accounting(accounting.handle)]
  const clients = settings.clients.map(
    ({ name, address, secretFile, requireMessageAuthenticator, control, maker }) => ({
      ...{ name, address, maker, requireMessageAuthenticator },
      secret: readSecret(name, config.resolvePath(secretFile)),
      control: control === undefined ? undefined : addressOf(control),
    }),
  )
  const server = createAccountingServer(
    { handle, log: deps.log, metrics: deps.metrics },
    {
      listen: listen.map(addressOf),
      clients: clients.map(({ name, address, secret }) => ({ name, address, secret })),
    },
  )
  const radsec = createRadsec(
    { ...deps, answer: createAnswer({ access: answerAccess, accounting: handle }) },
    settings.radsec,
    config,
  )
  const control = createControl(
    { ...deps, clients, isSite, connections: radsec.connections },
    { port, maker, roles: { slow: slowRole, normal: normalRole } },
  )
  const accessServer = createAccessServer(
    { answer: createAnswer({ access: answerAccess }), log: deps.log, metrics: deps.metrics },
    { listen: access.listen.map(addressOf), clients, requestsPerSecond: access.requestsPerSecond },
  )
  const stale = createStaleReaper(deps, BigInt(access.interimInterval) * MISSED_REPORTS * 1000n)
  const parts: readonly Part[] = [aaa, stale, proxy, server, accessServer, radsec, control]
  return {
    name: 'radius',
    address: server.address,
    access: accessServer.address,
    radsec: radsec.address,
    busy: accounting.busy,
    listener: control.listener,
    async start() {
      if (clients.length === 0 && settings.radsec.listen.length === 0)
        deps.log.warn('no RADIUS clients are configured: nobody may send accounting')
      for (const part of parts) await part.start()
    },
    async stop() {
      for (const part of [...parts].reverse()) await part.stop()
      await accounting.drain()
    },
    health: () => parts.map((part) => part.health?.()).find((trouble) => trouble !== undefined),
  }
}

/** Reports that a session may miss in a row before it is taken to be over. */
const MISSED_REPORTS = 4n

const addressOf = (text: string) => parseAddress(text) ?? fail('RADIUS_LISTEN_INVALID', { came: text })

function readTls(
  files: { certificateFile: string; keyFile: string; clientCaFile: string },
  config: Config,
): TlsMaterial {
  const read = (file: string): string => {
    try {
      return readFileSync(config.resolvePath(file), 'utf8')
    } catch (error) {
      return fail('RADIUS_TLS_UNREADABLE', { file, reason: error instanceof Error ? error.message : '' }, error)
    }
  }
  return { certificate: read(files.certificateFile), key: read(files.keyFile), clientCa: read(files.clientCaFile) }
}

/** The secret is the file without the line end that editors add. */
function readSecret(client: string, file: string): Uint8Array {
  try {
    const octets = readFileSync(file)
    let end = octets.length
    while (end > 0 && (octets[end - 1] === 0x0a || octets[end - 1] === 0x0d)) end--
    return octets.subarray(0, end)
  } catch (error) {
    return fail(
      'RADIUS_SECRET_UNREADABLE',
      { client, file, reason: error instanceof Error ? error.message : '' },
      error,
    )
  }
}
