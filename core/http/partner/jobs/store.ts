// Jobs: work that a request has started and that goes on after its answer.
import { randomUUID } from 'node:crypto'
import { emit } from '../../../events/partner/store.ts'
import type { PayerId } from '../../../kernel/ids.ts'
import { type Millis, toJson } from '../../../kernel/units.ts'
import type { Sql, Target } from '../../../store/sql.ts'

export type JobState = 'queued' | 'running' | 'done' | 'failed'

export interface Job {
  readonly job_no: bigint
  readonly job_id: string
  readonly tenant_id: PayerId
  readonly client_id: string
  readonly kind: string
  readonly state: JobState
  /** Id of a webhook. */
  readonly callback: string | null
  readonly done: bigint
  readonly total: bigint | null
  /** JSON. */
  readonly result: string | null
  readonly problem: string | null
  readonly created_at: Millis
  readonly changed_at: Millis
}

export interface QueuedJob {
  readonly tenant: PayerId
  readonly client: string
  readonly kind: string
  readonly callback: string | undefined
  /** Seals the input under the id of the job. */
  readonly seal: (id: string) => Uint8Array
  readonly at: Millis
}

const JOBS: Target = {
  table: 'partner_job',
  columns: [
    ...['job_id', 'tenant_id', 'client_id', 'kind', 'state', 'input', 'callback', 'done', 'total', 'created_at'],
    'changed_at',
  ],
}
const DELIVERIES: Target = {
  table: 'webhook_delivery',
  columns: ['event_id', 'webhook_id', 'tenant_id', 'state', 'attempts', 'next_at', 'changed_at'],
}
const JOB = `select job_no, job_id, tenant_id, client_id, kind, state, callback, done, total, result, problem, created_at, changed_at
  from partner_job`

/** The id of the new job. */
export async function queueJob(sql: Sql, { tenant, client, kind, callback, seal, at }: QueuedJob): Promise<string> {
  const id = randomUUID()
  await sql.insert(JOBS, [[id, tenant, client, kind, 'queued', seal(id), callback ?? null, 0n, null, at, at]])
  return id
}

export const readJob = (sql: Sql, tenant: PayerId, id: string): Promise<Job | undefined> =>
  sql.row<Job>(`${JOB} where job_id = ? and tenant_id = ?`, id, tenant)

/** Jobs after number `after`, the oldest first. */
export const listJobs = (sql: Sql, tenant: PayerId, after: bigint, limit: number): Promise<Job[]> =>
  sql.rows<Job>(`${JOB} where tenant_id = ? and job_no > ? order by job_no limit ?`, tenant, after, BigInt(limit))

/** Ids of jobs that nobody has finished, the oldest first. */
export const waitingJobs = async (sql: Sql, limit: number): Promise<string[]> =>
  (
    await sql.rows<{ job_id: string }>(
      `select job_id from partner_job where state in ('queued', 'running') order by job_no limit ?`,
      BigInt(limit),
    )
  ).map(({ job_id }) => job_id)

/** Marks a job as running; undefined where somebody else has finished it. */
export const beginJob = (sql: Sql, id: string, at: Millis): Promise<(Job & { input: Uint8Array }) | undefined> =>
  sql.row<Job & { input: Uint8Array }>(
    `update partner_job set state = 'running', changed_at = ? where job_id = ? and state in ('queued', 'running')
     returning job_no, job_id, tenant_id, client_id, kind, state, input, callback, done, total, result, problem, created_at, changed_at`,
    ...[at, id],
  )

export const moveJob = (sql: Sql, id: string, done: bigint, total: bigint | null, at: Millis): Promise<number> =>
  sql.run(
    `update partner_job set done = ?, total = ?, changed_at = ? where job_id = ? and state = 'running'`,
    ...[done, total, at, id],
  )

export interface Ending {
  readonly state: 'done' | 'failed'
  readonly result?: unknown
  readonly problem?: unknown
}

/** Ends a job, says so, and forgets its input. */
export async function endJob(sql: Sql, job: Job, { state, result, problem }: Ending, at: Millis): Promise<void> {
  const { job_id, tenant_id: tenant, kind, callback } = job
  const changed = await sql.run(
    `update partner_job set state = ?, result = ?, problem = ?, input = null, changed_at = ? where job_id = ? and state = 'running'`,
    ...[state, text(result), text(problem), at, job_id],
  )
  if (changed === 0) return
  const data = { job: job_id, kind, state }
  const [event] = await emit(sql, [{ tenant, type: 'job.finished', subject: job_id, data, at }])
  if (callback !== null && event !== undefined)
    await sql.insert(DELIVERIES, [[event, callback, tenant, 'due', 0n, at, at]])
}

const text = (value: unknown): string | null => (value === undefined ? null : toJson(value))
