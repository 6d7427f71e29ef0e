// Subscribers: a SIM's identity where there is one, who pays for it, and the plan it is charged by.
import type { EnrolAnonymous } from '../../core/events/captive.ts'
import { fail, isTallycellError, TallycellError } from '../../core/kernel/errors.ts'
import { type Imsi, type PayerId, type PlanId, payerId, planId, type SubscriberId } from '../../core/kernel/ids.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import type { AddOutcome } from '../../core/store/add-outcome.ts'
import type { Page } from '../../core/store/page.ts'
import type { Sql, Target } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'

export interface NewSubscriber {
  readonly subscriber: SubscriberId
  readonly imsi: Imsi
  /** Who pays the radios for what the subscriber uses; `default` when absent. */
  readonly payer?: PayerId | undefined
  /** What the subscriber is charged by; `flat` when absent. */
  readonly plan?: PlanId | undefined
}

const DEFAULT_PAYER = payerId('default')
const DEFAULT_PLAN = planId('flat')

export interface ListedSubscriber {
  readonly subscriber: string
  /** First five and last two digits; the rest as dots; a dash for a subscriber without a SIM. */
  readonly imsi: string
  readonly payer: string
  readonly plan: string
  readonly created: Millis
}

/** An IMSI for people: country and network stay readable (TS 23.003 §2.2), the subscriber does not. */
export function maskImsi(digits: string): string {
  const tail = digits.length < 10 ? '' : digits.slice(-2)
  return digits.slice(0, 5) + '·'.repeat(Math.max(0, digits.length - 5 - tail.length)) + tail
}

/** Registers a subscriber. Throws SUBSCRIBER_EXISTS or IMSI_TAKEN. */
export async function addSubscriber(store: Store, subscriber: NewSubscriber, now: Millis): Promise<void> {
  const [outcome] = await addSubscribers(store, [subscriber], now)
  if (isTallycellError(outcome)) throw outcome
  if (outcome !== 'added') fail('SUBSCRIBER_EXISTS', { subscriber: subscriber.subscriber })
}

const SUBSCRIBER: Target = {
  table: 'subscriber',
  columns: ['subscriber_id', 'imsi', 'payer_id', 'plan_id', 'created_at'],
  conflict: 'do nothing',
}

interface SubscriberRow {
  readonly subscriber_id: string
  readonly imsi: string
  readonly payer_id: string
  readonly plan_id: string
}

/** Registers subscribers in one transaction, each as if alone: one that is refused does not stop the others. Outcomes in order. */
export const addSubscribers = (
  store: Store,
  subscribers: readonly NewSubscriber[],
  now: Millis,
): Promise<AddOutcome[]> =>
  store.batch(async (sql) => {
    await sql.journal(SUBSCRIBER.table)
    const inserted = await sql.insertReturning<Pick<SubscriberRow, 'subscriber_id' | 'imsi'>>(
      SUBSCRIBER,
      'subscriber_id, imsi',
      subscribers.map(({ subscriber, imsi, payer = DEFAULT_PAYER, plan = DEFAULT_PLAN }) => [
        ...[subscriber, imsi, payer, plan, now],
      ]),
    )
    const added = new Set(inserted.map((row) => `${row.subscriber_id} ${row.imsi}`))
    // The same row twice in a set is added once.
    const outcomes = subscribers.map(({ subscriber, imsi }) => added.delete(`${subscriber} ${imsi}`))
    const judge = await findRegistered(
      sql,
      subscribers.filter((_subscriber, index) => outcomes[index] !== true),
    )
    return subscribers.map((subscriber, index) => (outcomes[index] ? 'added' : judge(subscriber)))
  })

/** A subscriber that has no SIM: a guest with a captive voucher. */
export const enrolAnonymous: EnrolAnonymous = async (sql, { subscriber, payer, plan }, at) => {
  await sql.journal(SUBSCRIBER.table)
  if ((await sql.insert(SUBSCRIBER, [[subscriber, null, payer, plan, at]])) === 0)
    fail('SUBSCRIBER_EXISTS', { subscriber })
}

/** Says what stands in the way of subscribers that were not added. */
async function findRegistered(
  sql: Sql,
  refused: readonly NewSubscriber[],
): Promise<(subscriber: NewSubscriber) => AddOutcome> {
  const select = 'select subscriber_id, imsi, payer_id, plan_id from subscriber'
  const distinct = (values: readonly string[]): string[] => [...new Set(values)]
  const ids = distinct(refused.map(({ subscriber }) => subscriber))
  const imsis = distinct(refused.map(({ imsi }) => imsi))
  const byId = new Map(
    (await sql.find<SubscriberRow>(select, 'subscriber_id', ids)).map((row) => [row.subscriber_id, row]),
  )
  const byImsi = new Map((await sql.find<SubscriberRow>(select, 'imsi', imsis)).map((row) => [row.imsi, row]))
  return ({ subscriber, imsi, payer = DEFAULT_PAYER, plan = DEFAULT_PLAN }) => {
    const same = byId.get(subscriber)
    if (same?.imsi === imsi && same.payer_id === payer && same.plan_id === plan) return 'unchanged'
    if (same) return new TallycellError('SUBSCRIBER_EXISTS', { subscriber })
    const other = byImsi.get(imsi)?.subscriber_id ?? ''
    return new TallycellError('IMSI_TAKEN', { imsi: maskImsi(imsi), subscriber: other })
  }
}

/**
 * Charges a subscriber by another plan from its next session on; false where it is that one already. The subscriber is enrolled anew, so
 * that every reader of the list learns of it. Throws SUBSCRIBER_UNKNOWN.
 */
export async function changePlan(store: Store, subscriber: SubscriberId, plan: PlanId): Promise<boolean> {
  return store.transaction(
    async (tx) => {
      const row = await tx
        .selectFrom('subscriber')
        .select(['subscriber_id', 'imsi', 'payer_id', 'plan_id', 'created_at'])
        .where('subscriber_id', '=', subscriber)
        .executeTakeFirst()
      if (!row) return fail('SUBSCRIBER_UNKNOWN', { subscriber })
      if (row.plan_id === plan) return false
      await tx.deleteFrom('subscriber').where('subscriber_id', '=', subscriber).execute()
      await tx
        .insertInto('subscriber')
        .values({ ...row, plan_id: plan })
        .execute()
      return true
    },
    ['subscriber'],
  )
}

/** Subscribers in the order of their ids, IMSI masked; `more` when others follow. */
export async function listSubscribers(
  store: Store,
  { limit, after = '' }: Page,
): Promise<{ subscribers: ListedSubscriber[]; more: boolean }> {
  const rows = await store.db
    .selectFrom('subscriber')
    .selectAll()
    .where('subscriber_id', '>', after)
    .orderBy('subscriber_id')
    .limit(limit + 1)
    .execute()
  const subscribers = rows.slice(0, limit).map((row) => ({
    subscriber: row.subscriber_id,
    imsi: row.imsi === null ? '-' : maskImsi(row.imsi),
    payer: row.payer_id,
    plan: row.plan_id,
    created: millis(row.created_at),
  }))
  return { subscribers, more: rows.length > limit }
}

/** A subscriber as the directory keeps it, with its place in the order of enrolment. */
export interface EnrolledSubscriber {
  readonly sequence: bigint
  readonly subscriber: string
  /** Null for one without a SIM. */
  readonly imsi: string | null
  readonly payer: string
  readonly plan: string
}

/** Subscribers enrolled after `sequence`, at most `limit`, in order. */
export async function subscribersAfter(store: Store, sequence: bigint, limit: number): Promise<EnrolledSubscriber[]> {
  return store.db
    .selectFrom('subscriber')
    .select([
      'subscriber_seq as sequence',
      'subscriber_id as subscriber',
      'imsi',
      'payer_id as payer',
      'plan_id as plan',
    ])
    .where('subscriber_seq', '>', sequence)
    .orderBy('subscriber_seq')
    .limit(limit)
    .execute()
}
