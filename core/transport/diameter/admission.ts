// When to say DIAMETER_TOO_BUSY (3004): before requests wait longer than the limit, not after. What a new request will wait is what stands before it times the
// time between two answers, as it was lately; and it is never less than what the oldest has waited already.

export interface AdmissionOptions {
  /** The longest wait that is acceptable, milliseconds. */
  readonly limit: number
  /** Requests in progress at most, whatever their speed. */
  readonly capacity: number
}

export interface Admission {
  /** Takes in a request unless it would wait too long; with `must` only four times the capacity is too many. False: too busy. */
  enter(now: number, must: boolean): boolean
  /** A request that was taken in at `entered` is done. */
  leave(entered: number, now: number): void
  /** Requests in progress. */
  size(): number
}

/** Weight of the newest interval in the mean. */
const WEIGHT = 1 / 64

export function createAdmission({ limit, capacity }: AdmissionOptions): Admission {
  const entered = new Map<number, number>()
  let size = 0
  let interval = 0
  let last = 0
  const oldest = (): number | undefined => entered.keys().next().value
  return {
    enter(now, must) {
      const first = oldest()
      const waited = first === undefined ? 0 : now - first
      if (size >= capacity * (must ? 4 : 1)) return false
      if (!must && (size * interval > limit || waited > limit)) return false
      // Idle time is no time between answers.
      if (size === 0) last = now
      size++
      entered.set(now, (entered.get(now) ?? 0) + 1)
      return true
    },
    leave(at, now) {
      const count = entered.get(at)
      if (count === undefined) return
      if (count === 1) entered.delete(at)
      else entered.set(at, count - 1)
      size--
      interval += (now - last - interval) * WEIGHT
      last = now
    },
    size: () => size,
  }
}
