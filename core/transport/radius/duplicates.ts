// Duplicate detection (RFC 5080 §2.2.2): a request is known by receiving socket, source address and port, Identifier and Request
// Authenticator. Its Code is always Accounting-Request here. Answers are kept for a while and given again to a retransmission.
import { u32 } from '../../wire/bytes/integers.ts'
import type { Packet } from '../../wire/radius/packet.ts'

export interface DuplicatesOptions {
  /** How long an answer is kept, milliseconds; RFC 5080 says 5,000 to 30,000. */
  readonly lifetime: number
  /** The most answers kept; beyond, the oldest goes. */
  readonly capacity: number
}

/** A request that was taken in. `reply` is undefined while it is in progress. */
export interface Known {
  readonly reply: Uint8Array | undefined
}

export interface Duplicates {
  /** The same request as `packet`, taken in earlier and still known. */
  find(source: string, endpoint: number, packet: Packet): Known | undefined
  /** Takes in a request; one with the same Identifier from the same place is forgotten. `endpoint`: see `endpointKey`. */
  begin(source: string, endpoint: number, packet: Packet): Known
  /** Keeps the answer. False when another request has taken the place since: then nobody waits for the answer any more. */
  answer(known: Known, reply: Uint8Array, now: number): boolean
  /** Forgets a request that will not be answered, so that a retransmission counts as new. */
  forget(known: Known): void
  /** Drops answers that are too old. */
  sweep(now: number): void
  /** Requests known, in progress or answered. */
  size(): number
}

interface Slot extends Known {
  readonly source: string
  readonly key: number
  readonly authenticator: readonly [number, number, number, number]
  reply: Uint8Array | undefined
  expires: number
  /** Answered slots hang in a list, oldest first. */
  older: Slot | undefined
  newer: Slot | undefined
}

/** Socket and source port in one number; the Identifier is the low octet. */
export const endpointKey = (socket: number, port: number): number => (socket * 65_536 + port) * 256

export function createDuplicates({ lifetime, capacity }: DuplicatesOptions): Duplicates {
  const sources = new Map<string, Map<number, Slot>>()
  let oldest: Slot | undefined
  let newest: Slot | undefined
  let answered = 0
  let known = 0

  const unlink = (slot: Slot): void => {
    if (slot.reply === undefined) return
    if (slot.older === undefined) oldest = slot.newer
    else slot.older.newer = slot.newer
    if (slot.newer === undefined) newest = slot.older
    else slot.newer.older = slot.older
    slot.older = undefined
    slot.newer = undefined
    answered--
  }

  const drop = (slot: Slot): void => {
    const slots = sources.get(slot.source)
    if (slots?.get(slot.key) !== slot) return
    unlink(slot)
    slots.delete(slot.key)
    known--
    if (slots.size === 0) sources.delete(slot.source)
  }

  return {
    find(source, endpoint, { bytes, identifier }) {
      const slot = sources.get(source)?.get(endpoint + identifier)
      if (slot === undefined) return undefined
      const [a, b, c, d] = slot.authenticator
      return u32(bytes, 4) === a && u32(bytes, 8) === b && u32(bytes, 12) === c && u32(bytes, 16) === d
        ? slot
        : undefined
    },

    begin(source, endpoint, { bytes, identifier }) {
      const key = endpoint + identifier
      let slots = sources.get(source)
      if (slots === undefined) {
        slots = new Map()
        sources.set(source, slots)
      }
      const replaced = slots.get(key)
      if (replaced === undefined) known++
      else unlink(replaced)
      const slot: Slot = {
        source,
        key,
        authenticator: [u32(bytes, 4), u32(bytes, 8), u32(bytes, 12), u32(bytes, 16)],
        reply: undefined,
        expires: 0,
        older: undefined,
        newer: undefined,
      }
      slots.set(key, slot)
      return slot
    },

    answer(request, reply, now) {
      const slot = request as Slot
      if (sources.get(slot.source)?.get(slot.key) !== slot) return false
      slot.reply = reply
      slot.expires = now + lifetime
      slot.older = newest
      if (newest === undefined) oldest = slot
      else newest.newer = slot
      newest = slot
      answered++
      if (answered > capacity && oldest !== undefined) drop(oldest)
      return true
    },

    forget: (request) => drop(request as Slot),

    sweep(now) {
      while (oldest !== undefined && oldest.expires <= now) drop(oldest)
    },

    size: () => known,
  }
}
