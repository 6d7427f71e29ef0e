// Group commit: requests that arrive within a moment of each other share one transaction and one fsync, and all are answered
// after it. While a batch is being written the next one gathers, so the batch grows with the load.

export interface GroupCommitOptions {
  /** The longest that a request waits for company when nothing is being written, milliseconds; 0: for those already at hand. */
  readonly maxDelay: number
  /** No further requests join a transaction that has so many. */
  readonly maxItems: number
  /** Transactions at once: while one waits for the disk, the next is prepared. */
  readonly inFlight: number
}

export interface GroupCommit<Item, Result> {
  /** Resolves with the items' results, in order, after the commit they share; rejects if that failed. */
  submit(items: readonly Item[]): Promise<readonly Result[]>
  /** Writes what is pending and resolves when it has been answered. */
  drain(): Promise<void>
}

interface Waiting<Item, Result> {
  readonly items: readonly Item[]
  readonly resolve: (results: readonly Result[]) => void
  readonly reject: (error: unknown) => void
}

/** `commit` writes all items in one transaction and returns their results in order. */
export function createGroupCommit<Item, Result>(
  commit: (items: readonly Item[]) => Promise<readonly Result[]>,
  { maxDelay, maxItems, inFlight }: GroupCommitOptions,
): GroupCommit<Item, Result> {
  let queue: Waiting<Item, Result>[] = []
  let queued = 0
  let stopWaiting: (() => void) | undefined
  const running = new Set<Promise<void>>()

  const flush = (): void => {
    stopWaiting?.()
    stopWaiting = undefined
    if (running.size >= inFlight || queue.length === 0) return
    const writing = write(take()).finally(() => {
      running.delete(writing)
      if (queue.length > 0) flush()
    })
    running.add(writing)
  }

  const take = (): Waiting<Item, Result>[] => {
    let size = 0
    let end = 0
    for (const { items } of queue) {
      if (end > 0 && size + items.length > maxItems) break
      size += items.length
      end++
    }
    const batch = queue.slice(0, end)
    queue = queue.slice(end)
    queued -= size
    return batch
  }

  const write = async (batch: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await commit(batch.flatMap(({ items }) => items))
      let from = 0
      for (const { items, resolve } of batch) {
        resolve(results.slice(from, from + items.length))
        from += items.length
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return {
    submit: (items) =>
      new Promise((resolve, reject) => {
        queue.push({ items, resolve, reject })
        queued += items.length
        if (queued >= maxItems) flush()
        else if (running.size < inFlight) stopWaiting ??= wait(flush, maxDelay)
      }),
    async drain() {
      while (queue.length > 0 || running.size > 0) {
        flush()
        await Promise.race(running)
      }
    },
  }
}

/** Calls back after `delay` milliseconds, for 0 once the input at hand has been read; answers how to call it off. */
function wait(callback: () => void, delay: number): () => void {
  if (delay === 0) {
    const immediate = setImmediate(callback)
    return () => clearImmediate(immediate)
  }
  const timer = setTimeout(callback, delay)
  return () => clearTimeout(timer)
}
