// A RadSec server on a free port of the loopback interface, with certificates of our own authority.
import type { X509Certificate } from 'node:crypto'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import { createKeyStore } from '../../core/runtime/keys.ts'
import type { Answer } from '../../core/transport/radius/answer.ts'
import type { Order, PeerReply, Requester, Silence } from '../../core/transport/radius/client.ts'
import { isSilence } from '../../core/transport/radius/client.ts'
import { createRadsecClient, type RadsecClientOptions } from '../../core/transport/radius/radsec-client.ts'
import {
  createRadsecServer,
  type RadsecPeer,
  type RadsecServer,
  type RadsecServerOptions,
} from '../../core/transport/radius/radsec-server.ts'
import { CODE } from '../../core/wire/radius/packet.ts'
import { type Authority, newKey, openAuthority, pem } from '../../radio/certificates/authority.ts'

export interface Site {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

export interface Authorities {
  readonly authority: Authority
  /** A client certificate of a site, good from an hour ago for `hours`. */
  site(name: string, hours?: number): Promise<Site>
  server(): Promise<Site>
}

const HOUR = 3_600_000

export async function createAuthorities(t: Test, name = 'keys'): Promise<Authorities> {
  const keys = createKeyStore({ directory: `${t.testdir({ [name]: {} })}/${name}/store` })
  const authority = await openAuthority(keys, undefined, new Date(Date.now() - 48 * HOUR))
  const ca = pem('CERTIFICATE', authority.certificate)
  const span = (hours: number) => ({
    from: new Date(Date.now() - 24 * HOUR),
    until: new Date(Date.now() + hours * HOUR),
  })
  return {
    authority,
    async site(subject, hours = 1) {
      const { key, pem: keyPem } = await newKey()
      const { certificate } = await authority.issueClient(subject, key, span(hours))
      return { cert: pem('CERTIFICATE', certificate), key: keyPem, ca }
    },
    async server() {
      const { key, pem: keyPem } = await newKey()
      const { certificate } = await authority.issueServer(['localhost', '127.0.0.1'], key, span(1))
      return { cert: pem('CERTIFICATE', certificate), key: keyPem, ca }
    },
  }
}

export interface RadsecFixture {
  readonly server: RadsecServer
  readonly port: number
  readonly log: Record<string, unknown>[]
  /** Sum of a counter's values with this label. */
  count(metric: string, label: string): Promise<number>
}

export const acceptAll: Answer = async ({ packet }) =>
  packet.code === CODE['Accounting-Request']
    ? { code: CODE['Accounting-Response'], attributes: [] }
    : { code: CODE['Access-Accept'], attributes: [] }

/** The subject's common name is the peer's name. */
export const byName = (certificate: X509Certificate): RadsecPeer => ({
  name: certificate.subject.replace(/^CN=/, ''),
  refuse: () => undefined,
})

/** Starts a server, which stops when the test ends. */
export async function serveRadsec(
  t: Test,
  authorities: Authorities,
  answer: Answer = acceptAll,
  options: Partial<RadsecServerOptions> = {},
  identify: (certificate: X509Certificate) => RadsecPeer | string = byName,
  learn?: () => Promise<void>,
): Promise<RadsecFixture> {
  const log: Record<string, unknown>[] = []
  const metrics = new Registry()
  const server = createRadsecServer(
    {
      answer,
      identify,
      ...(learn && { learn }),
      log: pino({ level: 'debug' }, { write: (line) => void log.push(JSON.parse(line)) }),
      metrics,
    },
    { listen: [{ host: '127.0.0.1', port: 0 }], tls: await authorities.server(), ...options },
  )
  await server.start()
  t.teardown(() => server.stop())
  return {
    server,
    port: server.address()[0]?.port ?? 0,
    log,
    async count(name, label) {
      const metric = await metrics.getSingleMetric(name)?.get()
      return metric?.values.find(({ labels }) => Object.values(labels).includes(label))?.value ?? 0
    },
  }
}

/** A client of it, which closes when the test ends. */
export function connectTo(t: Test, port: number, site: Site, options: Partial<RadsecClientOptions> = {}): Requester {
  const client = createRadsecClient(
    { log: pino({ enabled: false }) },
    { host: '127.0.0.1', port, serverName: 'localhost', tls: site, firstPause: 0, ...options },
  )
  t.teardown(() => client.close())
  return client
}

/** An order with these attributes. */
export const order = (code: number, attributes: ReturnType<Order['attributes']> = [], patience = 5000): Order => ({
  code,
  attributes: () => attributes,
  patience,
})

export const codeOf = (answer: PeerReply | Silence): number | Silence =>
  isSilence(answer) ? answer : answer.packet.code
