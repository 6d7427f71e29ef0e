// Duplicate detection (RFC 6733 §5.5.4, appendix C): a request is known by Origin-Host and End-to-End Identifier, whichever connection it comes over.
// The memory is this process's; a request with the T flag that it does not know is put to the application (`known`), which outlives it.

export interface DuplicatesOptions {
  /** How long an answer is kept, milliseconds; RFC 6733 §3 speaks of four minutes. */
  readonly lifetime: number
  /** The most answers kept; beyond, the oldest goes. */
  readonly capacity: number
}

/** Sends an answer to whoever asked: `octets` with the Hop-by-Hop Identifier of the asking. */
export type Reply = (octets: Uint8Array) => void

export interface Duplicates {
  /**
   * Takes in a request. `new`: handle it, and give `answered` its answer. `repeated`: it was answered, and was answered again now, or is in
   * progress, and its answer will go to this asker too.
   */
  enter(origin: string, endToEnd: number, reply: Reply, now: number): 'new' | 'repeated'
  /** Keeps an answer and, unless it comes too late for them, sends it to all who asked. */
  answered(origin: string, endToEnd: number, octets: Uint8Array, now: number, late?: 'late'): void
  /** Forgets a request that was not carried out: asked again, it is new. */
  forget(origin: string, endToEnd: number): void
  size(): number
}

interface Entry {
  octets: Uint8Array | undefined
  expires: number
  replies: Reply[]
}

export function createDuplicates({ lifetime, capacity }: DuplicatesOptions): Duplicates {
  // A Map keeps the order of insertion, and answers are inserted anew: the first are the oldest, requests in progress aside.
  const entries = new Map<string, Entry>()
  const keyOf = (origin: string, endToEnd: number): string => `${endToEnd} ${origin}`

  const sweep = (now: number): void => {
    for (const [key, { octets, expires }] of entries) {
      const stale = expires <= now
      if (!stale && entries.size <= capacity) return
      if (stale || octets !== undefined) entries.delete(key)
    }
  }

  return {
    enter(origin, endToEnd, reply, now) {
      const key = keyOf(origin, endToEnd)
      const known = entries.get(key)
      if (known !== undefined && known.expires > now) {
        if (known.octets === undefined) known.replies.push(reply)
        else reply(known.octets)
        return 'repeated'
      }
      entries.delete(key)
      entries.set(key, { octets: undefined, expires: now + lifetime, replies: [reply] })
      return 'new'
    },
    answered(origin, endToEnd, octets, now, late) {
      const key = keyOf(origin, endToEnd)
      const entry = entries.get(key)
      if (entry === undefined) return
      if (late === undefined) for (const reply of entry.replies) reply(octets)
      entries.delete(key)
      entries.set(key, { octets, expires: now + lifetime, replies: [] })
      sweep(now)
    },
    forget: (origin, endToEnd) => void entries.delete(keyOf(origin, endToEnd)),
    size: () => entries.size,
  }
}
