// Group commit: requests that arrive within a moment of each other share one transaction and one fsync, and all are answered
// after it. While a batch is being written the next one gathers, so the batch grows with the load.

export interface GroupCommitOptions {
  /** The longest that a request waits for company when nothing is being written, milliseconds; 0: for those already at hand. */
  readonly maxDelay: number
  /** The most requests in one transaction. */
  readonly maxItems: number
}

export interface GroupCommit<Item, Result> {
  /** Resolves with the item's result after the commit of its batch; rejects, for every item of the batch, if the commit failed. */
  submit(item: Item): Promise<Result>
  /** Writes what is pending and resolves when it has been answered. */
  drain(): Promise<void>
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/** `commit` writes all items in one transaction and returns their results in order. */
export function createGroupCommit<Item, Result>(
  commit: (items: Item[]) => Promise<Result[]>,
  { maxDelay, maxItems }: GroupCommitOptions,
): GroupCommit<Item, Result> {
  let queue: Waiting<Item, Result>[] = []
  let stopWaiting: (() => void) | undefined
  let running: Promise<void> | undefined

  const flush = (): void => {
    stopWaiting?.()
    stopWaiting = undefined
    if (running || queue.length === 0) return
    const batch = queue.slice(0, maxItems)
    queue = queue.slice(maxItems)
    running = write(batch).finally(() => {
      running = undefined
      if (queue.length > 0) flush()
    })
  }

  const write = async (batch: Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await commit(batch.map(({ item }) => item))
      batch.forEach(({ resolve, reject }, index) => {
        const result = results[index]
        if (result === undefined) reject(new RangeError('commit returned fewer results than items'))
        else resolve(result)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return {
    submit: (item) =>
      new Promise<Result>((resolve, reject) => {
        queue.push({ item, resolve, reject })
        if (queue.length >= maxItems) flush()
        else if (!running) stopWaiting ??= wait(flush, maxDelay)
      }),
    async drain() {
      while (queue.length > 0 || running) {
        flush()
        await running
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
