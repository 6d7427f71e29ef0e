// A RADIUS server that we reach over TLS (RFC 6614): one connection, opened when it is needed and again after it was lost, watched by
// Status-Server (RFC 6614 §2.6, RFC 3539 §3.4).
import { connect, type SecureContextOptions, type TLSSocket } from 'node:tls'
import type { Logger } from '../../log/logger.ts'
import { CODE } from '../../wire/radius/packet.ts'
import type { Requester } from './client.ts'
import { STATUS_SERVER } from './client-udp.ts'
import { CLASSIC, dialectOf, PLAIN } from './radsec-dialect.ts'
import { createLink, type Link } from './radsec-link.ts'

export interface RadsecClientOptions {
  readonly host: string
  readonly port: number
  /** The name that the server's certificate has to bear; `host` when absent. */
  readonly serverName?: string | undefined
  /** PEM: our certificate with its chain and key, and the authorities that the server's certificate comes from. */
  readonly tls: Pick<SecureContextOptions, 'cert' | 'key' | 'ca'>
  /** Offers RADIUS/1.1 (RFC 9765). Default true. */
  readonly plain?: boolean
  /** Connecting and the handshake may take so long, milliseconds. Default 5,000. */
  readonly connectTimeout?: number
  /** Silence after which the server is asked whether it is there, milliseconds; after twice as much the connection is given up. Default 30,000. */
  readonly watchdog?: number
  /** After a failed attempt the next one waits so long, twice as long each further time, milliseconds. Defaults 500 and 60,000. */
  readonly firstPause?: number
  readonly longestPause?: number
}

export function createRadsecClient({ log }: { readonly log: Logger }, options: RadsecClientOptions): Requester {
  const { host, port, firstPause = 500, longestPause = 60_000, watchdog = 30_000 } = options
  let link: Link | undefined
  let opening: Promise<Link | undefined> | undefined
  let notBefore = 0
  let pause = firstPause
  let closed = false
  let timer: NodeJS.Timeout | undefined

  const failed = (reason: string): undefined => {
    notBefore = performance.now() + pause
    pause = Math.min(pause * 2, longestPause)
    log.warn({ host, port, reason }, 'no RadSec connection to a RADIUS server')
    return undefined
  }

  const linkTo = (socket: TLSSocket): Link => {
    const made = createLink(socket, {
      dialect: dialectOf(socket.alpnProtocol),
      // Requests towards a client (RFC 5176) are for whoever has sessions there; we route none on (RFC 8559).
      serve: async ({ code }) =>
        code === CODE['Disconnect-Request'] || code === CODE['CoA-Request']
          ? {
              code: code === CODE['CoA-Request'] ? CODE['CoA-NAK'] : CODE['Disconnect-NAK'],
              attributes: [['Error-Cause', 'Request Not Routable (Proxy)']],
            }
          : undefined,
      count() {},
      ended(reason) {
        if (link === made) link = undefined
        if (!closed) log.info({ host, port, reason }, 'RadSec connection to a RADIUS server ended')
      },
    })
    return made
  }

  const open = (): Promise<Link | undefined> =>
    new Promise((resolve) => {
      const socket = connect({
        ...options.tls,
        host,
        port,
        servername: options.serverName ?? host,
        minVersion: 'TLSv1.2',
        ALPNProtocols: options.plain === false ? [CLASSIC.name] : [PLAIN.name, CLASSIC.name],
      })
      const giveUp = setTimeout(() => socket.destroy(new Error('it took too long')), options.connectTimeout ?? 5000)
      const early = (error: Error): void => {
        clearTimeout(giveUp)
        resolve(failed(error.message))
      }
      socket.once('error', early)
      socket.once('secureConnect', () => {
        clearTimeout(giveUp)
        socket.off('error', early)
        pause = firstPause
        link = linkTo(socket)
        watch()
        resolve(link)
      })
    })

  const watch = (): void => {
    clearInterval(timer)
    timer = setInterval(() => {
      const silent = link ? performance.now() - link.lastHeard() : 0
      if (!link) clearInterval(timer)
      else if (silent > watchdog * 2) link.destroy('it does not answer Status-Server')
      else if (silent > watchdog) void link.request({ ...STATUS_SERVER, patience: watchdog })
    }, watchdog / 4)
    timer.unref()
  }

  return {
    async request(order) {
      if (closed) return 'unreachable'
      const usable = link ?? (await connection())
      return usable ? usable.request(order) : 'unreachable'
    },
    async close() {
      closed = true
      clearInterval(timer)
      await opening
      await link?.close()
    },
  }

  function connection(): Promise<Link | undefined> {
    if (opening) return opening
    if (performance.now() < notBefore) return Promise.resolve(undefined)
    opening = open().finally(() => {
      opening = undefined
    })
    return opening
  }
}
