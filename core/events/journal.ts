// Stages read a journal behind a cursor, write rows, and move the cursor in the same transaction: a crash resumes, nothing is
// done twice. This file runs them, one after the other, giving way to requests that somebody waits for.
import { isTallycellError } from '../kernel/errors.ts'
import type { Logger } from '../log/logger.ts'
import type { Part } from '../runtime/module.ts'

export interface Stage {
  readonly name: string
  /** Takes at most `limit` journal rows through the stage in one transaction; resolves with the rows taken, 0 when idle. */
  step(limit?: number): Promise<number>
  /**
   * Sets the next journal row aside, for the reason given, and passes it, in one transaction; resolves with what it was, undefined where
   * there is none. For a row that `step` cannot take even alone.
   */
  setAside(reason: string): Promise<string | undefined>
}

export interface StageRunner extends Part {
  /** Runs all stages until none has anything left. */
  drain(): Promise<void>
}

export interface StageRunnerOptions {
  /** Journal rows in one step. */
  readonly batch: number
  /** Journal rows in one step while requests crowd in: a few milliseconds. */
  readonly crowdedBatch: number
  /** Pause when every stage was idle, milliseconds. */
  readonly idle: number
  /** The longest that the stages give way to `busy`, milliseconds. */
  readonly patience: number
}

/** So often a row fails alone before it is set aside, and the pause between, milliseconds. */
const ATTEMPTS = 3
const BETWEEN = 100

/**
 * Whether an error may come from the row that was taken, and not from the database, the disk or the state of the log: those pass, or
 * somebody mends them, and then the row is taken as ever.
 */
export function mayBeOfRow(error: unknown): boolean {
  if (isTallycellError(error)) return error.code === 'LOG_ENTRY_INVALID' || !/^(STORE|LOG)_/.test(error.code)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  // Of the engines' errors those of values and constraints: SQLSTATE classes 22 and 23, and SQLite's own words.
  if (/^SQLITE_/.test(code)) return /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code)
  if (/^[0-9A-Z]{5}$/.test(code)) return /^2[23]/.test(code)
  return !/^E[A-Z]+$/.test(code)
}

/** While `busy` says that requests crowd in, a round is made only every `patience`, so that the stages never stand still. */
export function createStageRunner(
  stages: readonly Stage[],
  deps: { readonly log: Logger; readonly busy: () => boolean },
  { batch, crowdedBatch, idle, patience }: StageRunnerOptions,
): StageRunner {
  const stopping = new AbortController()
  let loop: Promise<void> = Promise.resolve()
  let failing: string | undefined

  const round = async (limit: number): Promise<number> => {
    let rows = 0
    for (const stage of stages) {
      try {
        rows += await stepPast(stage, limit)
        if (failing === stage.name) failing = undefined
      } catch (error) {
        failing = stage.name
        deps.log.error({ err: error, stage: stage.name }, 'a stage failed and will be tried again')
        throw error
      }
    }
    return rows
  }

  /** As `step`; where a row may be to blame, rows are taken one at a time, and the one that fails by itself is set aside. */
  const stepPast = async (stage: Stage, limit: number): Promise<number> => {
    try {
      return await stage.step(limit)
    } catch (error) {
      if (!mayBeOfRow(error)) throw error
    }
    let rows = 0
    while (rows < limit) {
      if ((await stepOne(stage)) === 0) break
      rows++
    }
    return rows
  }

  const stepOne = async (stage: Stage): Promise<number> => {
    for (let attempt = 1; ; attempt++)
      try {
        return await stage.step(1)
      } catch (error) {
        if (!mayBeOfRow(error)) throw error
        if (attempt < ATTEMPTS) {
          await pause(BETWEEN, stopping.signal)
          continue
        }
        const reason = error instanceof Error ? error.message : String(error)
        const what = await stage.setAside(reason)
        deps.log.error({ err: error, stage: stage.name, row: what }, 'a row was set aside, see: tallycell usage held')
        return what === undefined ? 0 : 1
      }
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let rows = 0
      try {
        rows = await round(deps.busy() ? crowdedBatch : batch)
      } catch {
        await pause(1000, stopping.signal)
      }
      if (rows === 0) await pause(idle, stopping.signal)
      for (let waited = 0; deps.busy() && waited < patience && !stopping.signal.aborted; waited += 5)
        await pause(5, stopping.signal)
      await new Promise(setImmediate)
    }
  }

  return {
    name: 'stages',
    async start() {
      loop = run()
    },
    async stop() {
      // What is left in the journal is safe there: the next start goes on behind the cursors.
      stopping.abort()
      await loop
    },
    async drain() {
      while ((await round(batch)) > 0) await new Promise(setImmediate)
    },
    health: () => (failing === undefined ? undefined : `stage ${failing} fails, see the log`),
  }
}

function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, millis)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}
