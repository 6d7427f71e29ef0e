// RadSec as the node runs it: our certificate, the sites' certificates, and the server between them.
import type { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import type { Static } from 'typebox'
import { parseAddress } from '../../core/config/address.ts'
import type { Config } from '../../core/config/section.ts'
import type { CertificateDirectory } from '../../core/events/certificates.ts'
import type { RadioDirectory } from '../../core/events/ports.ts'
import { fail } from '../../core/kernel/errors.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { Part } from '../../core/runtime/module.ts'
import type { Answer } from '../../core/transport/radius/answer.ts'
import type { Requester } from '../../core/transport/radius/client.ts'
import {
  createRadsecServer,
  type RadsecPeer,
  type RadsecServer,
  type RadsecServerOptions,
} from '../../core/transport/radius/radsec-server.ts'
import { foreign } from './binding.ts'
import type { radsecSettings } from './settings.ts'

export interface RadsecDeps {
  readonly certificates: CertificateDirectory
  readonly radios: RadioDirectory
  readonly answer: Answer
  readonly metrics: Registry
  readonly log: Logger
}

export interface Radsec extends Part {
  address(): readonly { readonly host: string; readonly port: number }[]
  /** Open connections of the client `name`, which `siteName` made. */
  connections(name: string): readonly Requester[]
}

/** What a site is called among RADIUS clients: no name in the configuration has a slash. */
const siteName = (radio: string): string => `radsec/${radio}`
export const isSite = (client: string): boolean => client.startsWith('radsec/')

/** Certificates that other processes issued or revoked are seen after this, milliseconds. */
const FOLLOW = 1000
/** What was issued before a connection is read when this has passed since it came, milliseconds: the directory reads no more often. */
const LEARN = 100
const RENEW_EVERY = 3_600_000
/** Our own certificate is renewed when it has so long to go. */
const RENEW_BEFORE = 30 * 86_400_000

export function createRadsec(
  { certificates, radios, answer, metrics, log }: RadsecDeps,
  settings: Static<typeof radsecSettings>,
  config: Pick<Config, 'resolvePath'>,
): Radsec {
  let server: RadsecServer | undefined
  let following: NodeJS.Timeout | undefined
  let renewing: NodeJS.Timeout | undefined
  let failing = false

  const identify = (certificate: X509Certificate): RadsecPeer | string => {
    const known = certificates.byFingerprint(certificate.fingerprint256.replaceAll(':', '').toLowerCase())
    if (!known) return 'its certificate was not issued here'
    if (known.revoked) return `its certificate ${known.serial} is revoked`
    return { name: siteName(known.radio), refuse: (packet) => foreign(known, radios, packet) }
  }

  const learn = async (): Promise<void> => {
    await sleep(LEARN, undefined, { ref: false })
    await certificates.refresh()
  }

  const credentials = async (): Promise<{ readonly tls: RadsecServerOptions['tls']; readonly expires: number }> => {
    const { names, certificateFile, keyFile } = settings
    const own = await certificates.serverCredentials(names)
    if (certificateFile === undefined || keyFile === undefined) return { tls: own, expires: own.expires }
    const read = (file: string): string => readPem(config.resolvePath(file))
    return { tls: { cert: read(certificateFile), key: read(keyFile), ca: own.ca }, expires: Number.POSITIVE_INFINITY }
  }

  const follow = async (): Promise<void> => {
    try {
      await certificates.refresh()
      failing = false
      server?.recheck()
    } catch (error) {
      // The last known state goes on: nobody loses a connection because the database is away.
      if (!failing) log.error({ err: error }, 'certificates cannot be read, and will be again')
      failing = true
    }
  }

  return {
    name: 'radsec',
    address: () => server?.address() ?? [],
    connections: (name) => server?.connections(name) ?? [],
    async start() {
      if (settings.listen.length === 0) return
      await certificates.refresh()
      let { tls, expires } = await credentials()
      server = createRadsecServer(
        { answer, identify, learn, metrics, log },
        {
          listen: settings.listen.map((text) => parseAddress(text) ?? fail('RADIUS_LISTEN_INVALID', { came: text })),
          tls,
          maxConnections: settings.connections,
          maxPerPeer: settings.connectionsPerSite,
        },
      )
      await server.start()
      following = setInterval(() => void follow(), FOLLOW)
      const renew = async (): Promise<void> => {
        if (expires - Date.now() > RENEW_BEFORE) return
        ;({ tls, expires } = await credentials())
        server?.renew(tls)
      }
      renewing = setInterval(() => {
        renew().catch((error: unknown) => log.error({ err: error }, 'the RadSec certificate could not be renewed'))
      }, RENEW_EVERY)
    },
    async stop() {
      clearInterval(following)
      clearInterval(renewing)
      await server?.stop()
    },
    health: () => (failing ? 'certificates of sites cannot be read, see the log' : undefined),
  }
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    return fail('RADIO_CERT_FILE', { file, reason: error instanceof Error ? error.message : '' }, error)
  }
}
