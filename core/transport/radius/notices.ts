// Log lines about what peers do wrong, rationed: whoever can send datagrams must not be able to fill the disk.

export interface Notices {
  /** How many like it went unreported since the last report when it may be reported now, or undefined when it may not. */
  admit(kind: string, now: number): number | undefined
}

/** Kinds told apart; beyond, all start afresh. */
const KINDS = 1024

/** Lets one notice of each kind pass every `interval` milliseconds. */
export function createNotices(interval: number): Notices {
  const kinds = new Map<string, { last: number; suppressed: number }>()
  return {
    admit(kind, now) {
      const known = kinds.get(kind)
      if (known !== undefined && now - known.last < interval) {
        known.suppressed++
        return undefined
      }
      if (known === undefined && kinds.size >= KINDS) kinds.clear()
      kinds.set(kind, { last: now, suppressed: 0 })
      return known?.suppressed ?? 0
    },
  }
}
