// Runs queued jobs, those of nodes that died among them: a job is held by name while it runs, and run again until it has an end.

import type { Clock } from '../../kernel/clock.ts'
import { isTallycellError } from '../../kernel/errors.ts'
import type { Logger } from '../../log/logger.ts'
import type { Part } from '../../runtime/module.ts'
import type { Store } from '../../store/store.ts'
import { toProblem } from '../problem.ts'
import type { Box } from './box.ts'
import type { JobRun } from './contract.ts'
import { beginJob, type Ending, endJob, moveJob, waitingJobs } from './jobs/store.ts'

export interface Jobs extends Part {
  /** Looks for new jobs now. */
  wake(): void
}

export interface JobsDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly box: Box
  readonly kinds: ReadonlyMap<string, JobRun>
}

/** Milliseconds between two looks for jobs, between two tries of one, and between two writes of its progress. */
const POLL = 1000
const AGAIN = 30_000
const PROGRESS = 1000
const AT_ONCE = 2

export function createJobs(deps: JobsDeps): Jobs {
  const { store, log } = deps
  const stopping = new AbortController()
  const running = new Map<string, Promise<void>>()
  const notBefore = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined

  const start = (id: string): void => {
    const work = store
      .exclusive(`partner job ${id}`, (lost) => runJob(deps, id, AbortSignal.any([stopping.signal, lost])))
      .then(() => void notBefore.delete(id))
      .catch((error: unknown) => {
        notBefore.set(id, performance.now() + AGAIN)
        if (!stopping.signal.aborted) log.error({ err: error, job: id }, 'a job failed and will be tried again')
      })
      .finally(() => running.delete(id))
    running.set(id, work)
  }

  const look = async (): Promise<void> => {
    const waiting = await store.batch((sql) => waitingJobs(sql, 100))
    for (const id of waiting)
      if (running.size < AT_ONCE && !running.has(id) && (notBefore.get(id) ?? 0) <= performance.now()) start(id)
  }

  const wake = (): void => {
    if (stopping.signal.aborted || timer === undefined) return
    looking ??= look()
      .catch((error: unknown) => log.error({ err: error }, 'jobs cannot be looked for'))
      .finally(() => {
        looking = undefined
      })
  }

  return {
    name: 'partner jobs',
    wake,
    async start() {
      timer = setInterval(wake, POLL)
      wake()
    },
    async stop() {
      stopping.abort()
      clearInterval(timer)
      await looking
      await Promise.all(running.values())
    },
  }
}

async function runJob({ store, clock, box, kinds }: JobsDeps, id: string, signal: AbortSignal): Promise<void> {
  const job = await store.batch((sql) => beginJob(sql, id, clock()))
  if (!job) return
  const run = kinds.get(job.kind)
  // Another version of the program may know it.
  if (!run) throw new Error(`nobody knows the kind ${job.kind}`)
  const progress = createProgress((done, total) => store.batch((sql) => moveJob(sql, id, done, total, clock())))
  const ending = await settle(signal, () =>
    run({
      id,
      tenant: job.tenant_id,
      client: job.client_id,
      input: box.open(id, job.input),
      signal,
      progress: progress.report,
    }),
  ).finally(progress.end)
  await store.batch((sql) => endJob(sql, job, ending, clock()))
}

async function settle(signal: AbortSignal, run: () => Promise<unknown>): Promise<Ending> {
  try {
    return { state: 'done', result: await run() }
  } catch (error) {
    if (signal.aborted || !isTallycellError(error)) throw error
    return { state: 'failed', problem: toProblem(error) }
  }
}

/** Writes the newest progress now and then. */
function createProgress(write: (done: bigint, total: bigint | null) => Promise<unknown>) {
  let newest: readonly [bigint, bigint | null] | undefined
  let writing: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    if (newest === undefined) return
    const [done, total] = newest
    newest = undefined
    writing = writing.then(() => write(done, total)).catch(() => {})
  }, PROGRESS)
  return {
    report(done: number, total?: number): void {
      newest = [BigInt(done), total === undefined ? null : BigInt(total)]
    },
    async end(): Promise<void> {
      clearInterval(timer)
      await writing
    },
  }
}
