// What one client may take of a server that others want too: so many requests in a second, and half of those in progress.

export interface Shares {
  /** False when client `index` has sent more than it may; `now`: milliseconds. */
  allow(index: number, now: number): boolean
  /** Takes a request of a client into progress; false when there is no room for it. */
  begin(index: number): boolean
  /** It is answered. */
  done(index: number): void
  /** Requests in progress. */
  outstanding(): number
}

export interface SharesOptions {
  readonly clients: number
  /** Tokens of each client's bucket in a second; the bucket holds those of two. */
  readonly perSecond: number
  readonly outstanding: number
}

const BURST_SECONDS = 2

export function createShares({ clients, perSecond, outstanding: most }: SharesOptions): Shares {
  const capacity = perSecond * BURST_SECONDS
  const tokens = new Float64Array(clients).fill(capacity)
  const filled = new Float64Array(clients)
  const inProgress = new Uint32Array(clients)
  const own = clients > 1 ? Math.ceil(most / 2) : most
  let all = 0
  return {
    allow(index, now) {
      const since = filled[index] as number
      const gained = since === 0 ? 0 : ((now - since) * perSecond) / 1000
      const left = Math.min(capacity, (tokens[index] as number) + Math.max(0, gained))
      filled[index] = now
      tokens[index] = left >= 1 ? left - 1 : left
      return left >= 1
    },
    begin(index) {
      if (all >= most || (inProgress[index] as number) >= own) return false
      all++
      inProgress[index] = (inProgress[index] as number) + 1
      return true
    },
    done(index) {
      all--
      inProgress[index] = (inProgress[index] as number) - 1
    },
    outstanding: () => all,
  }
}
