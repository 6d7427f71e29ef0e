// Requests that we sent and await answers to, our own and relayed ones, by the Hop-by-Hop Identifier that we gave them (RFC 6733 §6.1.7, §5.5.4).
import { putU32, u8, u32 } from '../../wire/bytes/integers.ts'
import { FLAG, type Message } from '../../wire/diameter/message.ts'
import type { Link } from './link.ts'

export interface Waiting {
  /** The request; its Hop-by-Hop Identifier is replaced at each sending. */
  readonly octets: Uint8Array
  /** Peers to try, by identity. */
  readonly peers: readonly string[]
  answered(message: Message): void
  /** Nobody can be asked, or time is over. */
  failed(why: 'no-peer' | 'timeout'): void
}

interface Sent extends Waiting {
  readonly tried: Set<Link>
  readonly timer: NodeJS.Timeout
  link: Link
}

export interface Pending {
  /** Sends a request over the first usable link of its peers. `within`: milliseconds until it fails. */
  send(waiting: Waiting, within: number): void
  /** An answer came over `link`: whose it was is told. False when nobody waits for it. */
  answer(link: Link, message: Message): boolean
  /** `link` is gone or suspect: what waits for it goes to another, with the T flag. */
  failover(link: Link): void
  /** Fails everything. */
  clear(): void
  size(): number
}

/** `links`: all links of a peer. `first`: where the identifiers begin, a random number (RFC 6733 §3). */
export function createPending(links: (peer: string) => readonly Link[], first: number): Pending {
  const sent = new Map<number, Sent>()
  let next = first >>> 0
  let turn = 0

  const identifier = (): number => {
    do next = (next + 1) >>> 0
    while (sent.has(next))
    return next
  }

  const choose = (peers: readonly string[], tried: ReadonlySet<Link>): Link | undefined => {
    for (const watchdog of ['okay', 'reopen'] as const) {
      for (const peer of peers) {
        const found = links(peer).filter((link) => link.usable(watchdog) && !tried.has(link))
        if (found.length > 0) return found[turn++ % found.length]
      }
    }
    return undefined
  }

  const give = (waiting: Sent, link: Link): void => {
    const hopByHop = identifier()
    waiting.link = link
    waiting.tried.add(link)
    putU32(waiting.octets, 12, hopByHop)
    sent.set(hopByHop, waiting)
    link.connection()?.send(waiting.octets)
  }

  return {
    send(waiting, within) {
      const link = choose(waiting.peers, new Set())
      if (link === undefined) return waiting.failed('no-peer')
      const timer = setTimeout(() => {
        for (const [hopByHop, each] of sent) if (each === entry) sent.delete(hopByHop)
        waiting.failed('timeout')
      }, within)
      const entry: Sent = { ...waiting, octets: Buffer.from(waiting.octets), tried: new Set(), timer, link }
      give(entry, link)
    },
    answer(link, message) {
      const waiting = sent.get(message.hopByHop)
      if (waiting === undefined || waiting.link !== link || u32(waiting.octets, 16) !== message.endToEnd) return false
      sent.delete(message.hopByHop)
      clearTimeout(waiting.timer)
      waiting.answered(message)
      return true
    },
    failover(link) {
      for (const [hopByHop, waiting] of [...sent]) {
        if (waiting.link !== link) continue
        sent.delete(hopByHop)
        const other = choose(waiting.peers, waiting.tried)
        if (other === undefined) {
          clearTimeout(waiting.timer)
          waiting.failed('no-peer')
        } else {
          waiting.octets[4] = u8(waiting.octets, 4) | FLAG.retransmitted
          give(waiting, other)
        }
      }
    },
    clear() {
      for (const { timer, failed } of [...sent.values()]) {
        clearTimeout(timer)
        failed('no-peer')
      }
      sent.clear()
    },
    size: () => sent.size,
  }
}
