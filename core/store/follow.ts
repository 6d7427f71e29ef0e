// Keeps memory up to date with a table that only grows, whoever writes it.

export interface FollowOptions {
  /** A refresh that follows another sooner than this answers at once and reads nothing, milliseconds. */
  readonly minInterval: number
}

export interface Follower {
  /** Takes every row that has not been taken yet. */
  load(): Promise<void>
  /** As `load`, but at most once per `minInterval`: cheap enough to call for every unknown name. */
  refresh(): Promise<void>
}

const PAGE = 10_000

/** `read` gives at most `limit` rows after position `after`, in order; `take` keeps one and returns its position. */
export function createFollower<Row>(
  read: (after: bigint, limit: number) => Promise<readonly Row[]>,
  take: (row: Row) => bigint,
  { minInterval }: FollowOptions,
): Follower {
  let position = 0n
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined

  const readAll = async (): Promise<void> => {
    for (;;) {
      const rows = await read(position, PAGE)
      for (const row of rows) position = take(row)
      if (rows.length < PAGE) return
    }
  }

  const load = (): Promise<void> => {
    // A read under way may have passed the place where the caller's row stands now.
    if (reading) return reading.then(load)
    reading = readAll().finally(() => {
      readAt = performance.now()
      reading = undefined
    })
    return reading
  }

  return {
    load,
    refresh: async () => {
      if (reading) await reading
      else if (performance.now() - readAt >= minInterval) await load()
    },
  }
}
