// Durability apart from the commit: a transaction is written to the write-ahead log without waiting for the disk, and one
// fdatasync(2), on a thread of its own, makes every commit before it durable. The next transactions are prepared meanwhile.

/** Resolves once everything written before the call is on disk; rejects for good after the first failure. */
export type Durable = () => Promise<void>

/**
 * `sync` puts on disk what has been written when it is called. Calls that come while it runs share the next one. After a failure
 * nobody knows what the disk holds, and a later success would prove nothing (the kernel forgets pages that it could not write),
 * so every further call fails too.
 */
export function createDurable(sync: () => Promise<void>): Durable {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  let failure: Promise<never> | undefined

  const start = (): Promise<void> => {
    if (failure) return failure
    running = sync().then(
      () => {
        running = undefined
      },
      (error: unknown) => {
        failure = Promise.reject(error)
        return failure
      },
    )
    return running
  }
  const follow = (): Promise<void> => {
    next = undefined
    return start()
  }
  return () => {
    if (failure) return failure
    if (!running) return start()
    next ??= running.then(follow)
    return next
  }
}
