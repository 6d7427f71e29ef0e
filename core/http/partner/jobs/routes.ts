// /partner/v1/jobs: how far the work is that requests have started.
import { Type } from 'typebox'
import { afterNumber, nullable, type PartnerRoutes, pageOf, TIME, timeOf, unknown } from '../contract.ts'
import { type Job, listJobs, readJob } from './store.ts'

const JOB = Type.Object(
  {
    job: Type.String(),
    kind: Type.String(),
    state: Type.Union([Type.Literal('queued'), Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
    done: Type.Integer({ description: 'units of work that are done' }),
    total: nullable(Type.Integer()),
    result: Type.Unknown({ description: 'what came of it, once done; null before' }),
    problem: Type.Unknown({ description: 'RFC 9457, where it failed; null otherwise' }),
    created: TIME,
    changed: TIME,
  },
  { description: 'Work that takes longer than a request' },
)

const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text))

const jobBody = (job: Job) => ({
  job: job.job_id,
  kind: job.kind,
  state: job.state,
  done: Number(job.done),
  total: job.total === null ? null : Number(job.total),
  result: parsed(job.result),
  problem: parsed(job.problem),
  created: timeOf(job.created_at),
  changed: timeOf(job.changed_at),
})

export function jobRoutes(): PartnerRoutes {
  return (api) => {
    api.list({
      url: '/jobs',
      tag: 'jobs',
      scope: 'jobs:read',
      summary: 'Jobs, the oldest first',
      item: JOB,
      handler: async ({ sql, tenant, page }) =>
        pageOf(
          await listJobs(sql, tenant, afterNumber(page), page.limit + 1),
          page.limit,
          (job) => job.job_no,
          jobBody,
        ),
    })
    api.route({
      method: 'GET',
      url: '/jobs/{job}',
      tag: 'jobs',
      scope: 'jobs:read',
      summary: 'How far a job is, and what came of it',
      params: Type.Object({ job: Type.String({ pattern: '^[0-9a-f-]{36}$' }) }),
      answers: { 200: JOB },
      handler: async ({ sql, tenant, params }) => ({
        body: jobBody((await readJob(sql, tenant, params.job)) ?? unknown('job', params.job)),
      }),
    })
  }
}
