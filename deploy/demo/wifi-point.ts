// The demonstration's Wi-Fi access point: its certificate, radsecproxy in front of the node where that is installed, and the port at which it
// takes orders to end a session.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect, type TLSSocket } from 'node:tls'
import { fail } from '../../core/kernel/errors.ts'
import type { RadiusReply } from '../../core/transport/radius/answer.ts'
import type { Requester } from '../../core/transport/radius/client.ts'
import { CLASSIC } from '../../core/transport/radius/radsec-dialect.ts'
import { createLink } from '../../core/transport/radius/radsec-link.ts'
import { CODE, get, type Packet } from '../../core/wire/radius/packet.ts'
import { findProgram } from './programs.ts'

export interface Site {
  /** Where `radio cert issue` put its files. */
  readonly folder: string
  readonly radio: string
  /** Where the node listens for RADIUS over TLS. */
  readonly server: { readonly host: string; readonly port: number }
  readonly signal: AbortSignal
}

const PATIENCE = 10_000

const filesOf = ({ folder, radio }: Site) => ({
  certificate: join(folder, `${radio}.crt`),
  key: join(folder, `${radio}.key`),
  authority: join(folder, 'authority.crt'),
})

export interface RadsecProxy {
  readonly host: string
  readonly port: number
  stop(): Promise<void>
}

/** Debian's radsecproxy: takes RADIUS at the UDP port, passes it on over TLS. Undefined where it is not installed. Throws DEMO_UNANSWERED. */
export async function startRadsecproxy(site: Site, port: number, secret: string): Promise<RadsecProxy | undefined> {
  const path = findProgram('radsecproxy')
  if (path === undefined) return undefined
  const { certificate, key, authority } = filesOf(site)
  const file = join(site.folder, 'radsecproxy.conf')
  const { host } = site.server
  const lines = [
    `ListenUDP 127.0.0.1:${port}`,
    'LogLevel 2',
    'tls default {',
    `  CACertificateFile ${authority}`,
    `  CertificateFile ${certificate}`,
    `  CertificateKeyFile ${key}`,
    '}',
    'client access-point {',
    ...['  host 127.0.0.1', '  type udp', `  secret "${secret}"`],
    '}',
    'server tallycell {',
    ...[`  host ${host}`, `  port ${site.server.port}`, '  type tls', '  secret radsec', '  StatusServer on'],
    '}',
    'realm * {',
    ...['  server tallycell', '  accountingServer tallycell'],
    '}',
    '',
  ]
  writeFileSync(file, lines.join('\n'), { mode: 0o600 })
  const child = spawn(path, ['-f', '-c', file], { signal: site.signal, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()).once('error', () => resolve()))
  const connected = new Promise<boolean>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (/TLS connection to .* up$/.test(line)) resolve(true)
    })
    void ended.then(() => resolve(false))
    setTimeout(() => resolve(false), PATIENCE).unref()
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  if (await connected) return { host: '127.0.0.1', port, stop }
  await stop()
  site.signal.throwIfAborted()
  return fail('DEMO_UNANSWERED', { reason: 'radsecproxy did not connect to the node' })
}

/** The access point's own connection to the node; the newest of a site is the one that orders come by (RFC 6614 §2.5). */
export interface Point extends Requester {
  /** Resolves when the session was ended by an order, with `performance.now()`. */
  readonly disconnected: Promise<number>
}

/** `session`: the Acct-Session-Id of the only session here. Throws DEMO_UNANSWERED. */
export async function openPoint(site: Site, session: string): Promise<Point> {
  const { certificate, key, authority } = filesOf(site)
  const [cert, secret, ca] = [certificate, key, authority].map((file) => readFileSync(file, 'utf8'))
  const socket = connect({
    ...{ ...site.server, cert, key: secret, ca },
    ...{ servername: 'localhost', minVersion: 'TLSv1.2', ALPNProtocols: [CLASSIC.name] },
  })
  await connected(socket, site.signal)
  let end = (_at: number): void => {}
  const disconnected = new Promise<number>((resolve) => {
    end = resolve
  })
  const link = createLink(socket, {
    // Its authenticator has been checked before it comes here (RFC 5176 §2.3).
    dialect: CLASSIC,
    async serve(packet) {
      if (packet.code !== CODE['Disconnect-Request']) return undefined
      const reply = disconnect(packet, session)
      if (reply.code === CODE['Disconnect-ACK']) end(performance.now())
      return reply
    },
    count() {},
    ended() {},
  })
  site.signal.addEventListener('abort', () => link.destroy('stopped'), { once: true })
  return { request: link.request, close: link.close, disconnected }
}

const disconnect = (packet: Packet, session: string): RadiusReply =>
  get(packet, 'Acct-Session-Id') === session
    ? { code: CODE['Disconnect-ACK'], attributes: [] }
    : { code: CODE['Disconnect-NAK'], attributes: [['Error-Cause', 'Session Context Not Found']] }

function connected(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => void socket.destroy(new Error('stopped'))
    signal.addEventListener('abort', stop, { once: true })
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', stop)
      socket.off('error', reject)
      resolve()
    })
  })
}
