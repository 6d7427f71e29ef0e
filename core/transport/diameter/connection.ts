// A TCP or TLS connection as a stream of messages: framing, limits, and an end that comes once.
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { isFault } from '../../wire/diameter/fault.ts'
import { lengthAt } from '../../wire/diameter/message.ts'

export interface ConnectionEvents {
  /** The octets of one message, a view that stays valid. */
  message(octets: Uint8Array): void
  /** Called once, whoever ended it; nothing is called after it. */
  closed(reason: string): void
}

export interface Connection {
  /** Address of the peer, and ours: Host-IP-Address. */
  readonly remote: string
  readonly local: string
  readonly tls: TLSSocket | undefined
  send(octets: Uint8Array): void
  /** Ends at once, after `closed`. */
  drop(reason: string): void
  /** Sends what is left, then ends. */
  finish(): void
}

/** Octets that may wait for a peer that does not read; beyond, it is dropped. */
const MAX_UNSENT = 16 * 1024 * 1024

const plain = (address: string | undefined): string =>
  (address ?? '0.0.0.0').replace(/^::ffff:/, '').replace(/%.*$/, '')

/** Takes over a connected socket. `limit`: octets of the longest message that is read. */
export function takeSocket(socket: Socket, limit: number, events: ConnectionEvents): Connection {
  let rest: Buffer | undefined
  let over = false
  const end = (reason: string): void => {
    if (over) return
    over = true
    socket.destroy()
    events.closed(reason)
  }
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 60_000)
  socket.on('data', (chunk: Buffer) => {
    const octets = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    rest = undefined
    let at = 0
    while (!over) {
      const length = lengthAt(octets, at, limit)
      if (isFault(length)) return end(`what came is not Diameter: ${length.fault}`)
      if (length === undefined || at + length > octets.length) break
      events.message(octets.subarray(at, at + length))
      at += length
    }
    if (at < octets.length) rest = octets.subarray(at)
  })
  socket.on('error', (error) => end(error.message))
  socket.on('end', () => end('the peer closed the connection'))
  socket.on('close', () => end('closed'))
  return {
    remote: plain(socket.remoteAddress),
    local: plain(socket.localAddress),
    tls: socket instanceof TLSSocket ? socket : undefined,
    send(octets) {
      if (over) return
      if (socket.writableLength > MAX_UNSENT) return end('the peer does not read')
      // What one turn of the loop has to say goes out at once: answers come in crowds, after the commit that they share.
      if (socket.writableCorked === 0) {
        socket.cork()
        process.nextTick(() => socket.uncork())
      }
      socket.write(octets)
    },
    drop: end,
    finish() {
      if (over) return
      over = true
      while (socket.writableCorked > 0) socket.uncork()
      socket.end()
      socket.setTimeout(5000, () => socket.destroy())
      events.closed('closed by us')
    },
  }
}
