// A server on a free port of the loopback interface, and a client that sends it datagrams.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import { isTallycellError, type TallycellError } from '../../core/kernel/errors.ts'
import {
  type AccountingServer,
  type AccountingServerDeps,
  type AccountingServerOptions,
  createAccountingServer,
  type ReceivedRequest,
  type Verdict,
} from '../../core/transport/radius/accounting-server.ts'
import { signRequest } from '../../core/wire/radius/authenticator.ts'
import { encode, type NamedAttribute } from '../../core/wire/radius/encode.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { CODE, decode, get, type Packet } from '../../core/wire/radius/packet.ts'

export const SECRET = Buffer.from('testing123')
export const LOOPBACK = { name: 'loopback', address: '127.0.0.0/8', secret: SECRET }

export interface Fixture {
  readonly server: AccountingServer
  readonly port: number
  /** Acct-Session-Id of every request that was handled, in order; one array per batch. */
  readonly handled: string[][]
  readonly requests: ReceivedRequest[]
  readonly log: Record<string, unknown>[]
  /** How many datagrams ended so. */
  count(outcome: string): Promise<number>
}

export type Handle = (batch: readonly ReceivedRequest[]) => Promise<readonly Verdict[]>

export const acceptAll: Handle = async (batch) => batch.map(() => 'accept')
export const sessionOf = ({ packet }: { packet: Packet }): string => String(get(packet, 'Acct-Session-Id'))

/** Starts a server, which stops when the test ends. */
export async function serve(
  t: Test,
  handle: Handle = acceptAll,
  options: Partial<AccountingServerOptions> = {},
  deps: Partial<AccountingServerDeps> = {},
): Promise<Fixture> {
  const handled: string[][] = []
  const requests: ReceivedRequest[] = []
  const log: Record<string, unknown>[] = []
  const metrics = new Registry()
  const server = createAccountingServer(
    {
      handle: (batch) => {
        handled.push(batch.map(sessionOf))
        requests.push(...batch)
        return handle(batch)
      },
      log: pino({ level: 'info' }, { write: (line) => void log.push(JSON.parse(line)) }),
      metrics,
      ...deps,
    },
    { listen: [{ host: '127.0.0.1', port: 0 }], clients: [LOOPBACK], ...options },
  )
  await server.start()
  t.teardown(() => server.stop())
  return {
    server,
    port: server.address()[0]?.port ?? 0,
    handled,
    requests,
    log,
    async count(outcome) {
      const metric = await metrics.getSingleMetric('tallycell_radius_requests_total')?.get()
      return metric?.values.find(({ labels }) => labels.outcome === outcome)?.value ?? Number.NaN
    },
  }
}

/** Starts a server that should not start. */
export async function refused(...listen: { host: string; port: number }[]): Promise<TallycellError> {
  const server = createAccountingServer(
    { handle: acceptAll, log: pino({ enabled: false }), metrics: new Registry() },
    { listen, clients: [LOOPBACK] },
  )
  try {
    await server.start()
  } catch (error) {
    if (isTallycellError(error)) return error
    throw error
  } finally {
    await server.stop()
  }
  throw new Error('it started')
}

/** A signed Accounting-Request of session `session`. */
export function request(
  identifier: number,
  session: string,
  more: readonly NamedAttribute[] = [],
  secret: Uint8Array = SECRET,
): Uint8Array {
  const bytes = encode({
    code: CODE['Accounting-Request'],
    identifier,
    attributes: [['Acct-Status-Type', 'Start'], ['Acct-Session-Id', session], ...more],
  })
  signRequest(bytes, secret)
  return bytes
}

export interface Nas {
  readonly port: number
  send(...datagrams: Uint8Array[]): Promise<void>
  /** The next answer that has not been taken. */
  answer(): Promise<Packet>
  /** Answers that have come and were not taken. */
  readonly waiting: Packet[]
}

/** A socket that sends to `port` of `host`. */
export async function createNas(t: Test, port: number, host = '127.0.0.1'): Promise<Nas> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const waiting: Packet[] = []
  socket.on('message', (datagram) => {
    const packet = decode(datagram)
    if (isFault(packet)) throw new Error(`the server answered with a malformed packet: ${packet.fault}`)
    waiting.push(packet)
    socket.emit('answer')
  })
  await new Promise<void>((resolve) => socket.connect(port, host, resolve))
  t.teardown(() => socket.close())
  return {
    port: socket.address().port,
    waiting,
    async send(...datagrams) {
      for (const datagram of datagrams) {
        await new Promise<void>((resolve, reject) =>
          socket.send(datagram, (error) => (error === null ? resolve() : reject(error))),
        )
      }
    },
    async answer() {
      for (;;) {
        const packet = waiting.shift()
        if (packet !== undefined) return packet
        await once(socket, 'answer')
      }
    },
  }
}

/** A promise to settle by hand. */
export function deferred<Value>(): {
  promise: Promise<Value>
  resolve: (value: Value) => void
  reject: (error: Error) => void
} {
  let resolve: (value: Value) => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** Resolves when `condition` holds, looking every few milliseconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}
