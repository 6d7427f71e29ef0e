// What the composition root needs of a module, and nothing more.

/** A part of a running node. Parts start in the order given and stop in reverse. */
export interface Part {
  readonly name: string
  /** Resolves when the part serves; rejects with a TallycellError where a person can mend the cause. */
  start(): Promise<void>
  /** Finishes what was accepted, then frees everything. Called once, also after a failed start of a later part. */
  stop(): Promise<void>
  /** What a health check should know: a sentence when something is wrong. */
  health?(): string | undefined
  /** What a person should know and mend although the part serves: a sentence. */
  warning?(): string | undefined
}
