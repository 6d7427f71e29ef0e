// What the SM-DP+ reports of a profile on its way to a phone (SGP.22 §5.3.5): written down before it is thanked. Reports come late, twice or
// not at all; none of them is an error.
import { fail } from '../../core/kernel/errors.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import type { Act } from '../profiles/act.ts'
import { recordEvent } from '../profiles/sims/store.ts'
import { type Progress, readProgress } from './es2plus/messages.ts'
import { describeStatus, endsInError } from './es2plus/status-codes.ts'
import { type OrderStep, type Report, stepOrder } from './order-machine.ts'
import { lockOpenOrder, moveOrder, type Order, subjectOf } from './store.ts'

/** What became of a report: `stale`: the order is past it; `unknown`: no order holds that profile. */
export type ProgressOutcome = 'moved' | 'noted' | 'stale' | 'unknown'

/** Notification points of SGP.22 §5.3.5 that move an order when they succeed; 1 and 2 tell of failures only. */
const STANDARD_POINTS: ReadonlyMap<number, Report> = new Map([
  [3, 'download'],
  [4, 'install'],
])
const POINT_NAMES: Readonly<Record<number, string>> = {
  1: 'eligibility and retry limit',
  2: 'confirmation code',
  3: 'download',
  4: 'installation',
}

/** The points of one SM-DP+, by number. */
export type Points = Readonly<Record<string, Report>>

/** Throws HTTP_REQUEST_INVALID for what is no report. `now` of the transaction's account, not of the report. */
export async function takeProgress(store: Store, points: Points, value: unknown, act: Act): Promise<ProgressOutcome> {
  const read = readProgress(value)
  if ('wrong' in read) return fail('HTTP_REQUEST_INVALID', { reason: `the progress of a download: ${read.wrong}` })
  const { progress } = read
  return store.batch(async (sql) => {
    const order = await lockOpenOrder(sql, progress.iccid.replace(/[fF]$/, ''))
    return order === undefined ? 'unknown' : apply(sql, order, progress, points, act)
  })
}

async function apply(sql: Sql, order: Order, progress: Progress, points: Points, act: Act): Promise<ProgressOutcome> {
  const point = Number(progress.notificationPointId)
  const { status, statusCodeData } = progress.notificationPointStatus
  const good = status === 'Executed-Success' || status === 'Executed-WithWarning'
  const { subjectCode: subject = '', reasonCode: reason = '' } = statusCodeData ?? {}
  const name = POINT_NAMES[point] ?? `point ${point}`
  const why = statusCodeData && describeStatus(subject, reason).meaning
  const told = { ...act, reason: [`${name}: ${status}`, why].filter(Boolean).join(', ') }
  const event = eventOf(point, points, good, endsInError(subject, reason))
  if (event === undefined) {
    // Also a failure that the phone may try again.
    await recordEvent(
      sql,
      { subject: subjectOf(order.orderId), kind: 'report', from: order.state, to: order.state },
      told,
    )
    return 'noted'
  }
  if (!stepOrder(order.state, event).legal) return 'stale'
  await moveOrder(sql, order, event, { eid: progress.eid }, told)
  return 'moved'
}

function eventOf(point: number, points: Points, good: boolean, ended: boolean): OrderStep | undefined {
  if (!good) return ended ? 'fail' : undefined
  return STANDARD_POINTS.get(point) ?? points[String(point)]
}
