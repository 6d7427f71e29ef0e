// Subscriptions: a subscriber's SIM, number, locks. Whatever somebody else could have asked for in the subscriber's name is told to the
// subscriber in the same transaction, also when it was refused (47 CFR §64.2010(h)).
import { fail, TallycellError } from '../../../core/kernel/errors.ts'
import type { Iccid } from '../../../core/kernel/iccid.ts'
import type { PayerId, PlanId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import type { Store } from '../../../core/store/store.ts'
import type { Msisdn } from '../msisdn.ts'
import { createRangeBook, listRanges } from '../ranges/store.ts'
import type { SimStep } from '../sim-machine.ts'
import { type Act, moveSim, needSim, recordEvent, type Sim } from '../sims/store.ts'
import { maskImsi } from '../store.ts'
import {
  possibleSubscriptionSteps,
  type SubscriptionState,
  type SubscriptionStep,
  stepSubscription,
} from '../subscription-machine.ts'

export interface Subscription {
  readonly subscriber: SubscriberId
  readonly tenant: PayerId
  readonly iccid: Iccid | null
  readonly msisdn: Msisdn | null
  readonly state: SubscriptionState
  readonly reason: string | null
  readonly simSwapLock: boolean
  readonly portLock: boolean
}

interface Row {
  readonly subscriber_id: SubscriberId
  readonly tenant_id: PayerId
  readonly iccid: Iccid | null
  readonly msisdn: Msisdn | null
  readonly state: SubscriptionState
  readonly reason: string | null
  readonly sim_swap_lock: bigint
  readonly port_lock: bigint
}

const SUBSCRIPTION: Target = {
  table: 'subscription',
  columns: ['subscriber_id', 'tenant_id', 'iccid', 'msisdn', 'state', 'sim_swap_lock', 'port_lock', 'changed_at'],
  conflict: 'do nothing',
}
const SUBSCRIBER: Target = {
  table: 'subscriber',
  columns: ['subscriber_id', 'imsi', 'payer_id', 'plan_id', 'created_at'],
  conflict: 'do nothing',
}
const NOTICE: Target = { table: 'subscriber_notice', columns: ['subscriber_id', 'kind', 'at', 'detail'] }

export type NoticeKind =
  | 'sim-changed'
  | 'number-changed'
  | 'sim-swap-refused'
  | 'port-out-requested'
  | 'port-out-refused'
  | 'ported-out'
  | 'ported-in'
  | 'sim-swap-locked'
  | 'sim-swap-unlocked'
  | 'port-locked'
  | 'port-unlocked'

/** Leaves word for the subscriber, to be sent at once. */
export async function notify(sql: Sql, subscriber: string, kind: NoticeKind, detail: string, act: Act): Promise<void> {
  await sql.insert(NOTICE, [[subscriber, kind, act.now, detail]])
}

export interface Notice {
  readonly notice_id: bigint
  readonly subscriber_id: string
  readonly kind: NoticeKind
  readonly at: bigint
  readonly detail: string
}

/** What has not been sent yet, oldest first. */
export const unsentNotices = (sql: Sql, limit: number): Promise<Notice[]> =>
  sql.rows<Notice>(
    'select notice_id, subscriber_id, kind, at, detail from subscriber_notice where sent_at is null order by notice_id limit ?',
    BigInt(limit),
  )

/** Locked until the transaction ends; throws SUBSCRIPTION_UNKNOWN. Lock a subscription before its SIM. */
export async function lockSubscription(sql: Sql, subscriber: string): Promise<Subscription> {
  const [row] = await sql.find<Row>(
    'select subscriber_id, tenant_id, iccid, msisdn, state, reason, sim_swap_lock, port_lock from subscription',
    'subscriber_id',
    [subscriber],
    'lock',
  )
  if (row === undefined) return fail('SUBSCRIPTION_UNKNOWN', { subscriber })
  return {
    subscriber: row.subscriber_id,
    tenant: row.tenant_id,
    iccid: row.iccid,
    msisdn: row.msisdn,
    state: row.state,
    reason: row.reason,
    simSwapLock: row.sim_swap_lock === 1n,
    portLock: row.port_lock === 1n,
  }
}

/** Which subscriber a SIM belongs to. */
export async function subscriberOf(sql: Sql, card: string): Promise<SubscriberId | undefined> {
  const row = await sql.row<{ subscriber_id: SubscriberId }>(
    'select subscriber_id from subscription where iccid = ?',
    card,
  )
  return row?.subscriber_id
}

export interface Activation {
  readonly subscriber: SubscriberId
  readonly tenant: PayerId
  readonly plan: PlanId
  readonly iccid: Iccid
  /** The one that the SIM was delivered with, unless given. */
  readonly msisdn?: Msisdn | undefined
}

/**
 * Opens a subscription on a SIM in stock, which is active from then on. Throws SIM_UNKNOWN (also for another tenant's SIM), SIM_STEP,
 * SUBSCRIBER_EXISTS, MSISDN_TAKEN, RANGE_FOREIGN.
 */
export async function activate(store: Store, wanted: Activation, act: Act): Promise<void> {
  const { subscriber, tenant, plan, iccid } = wanted
  await store.batch(async (sql) => {
    const sim = await tenantSim(sql, tenant, iccid)
    const number = wanted.msisdn ?? (sim.msisdn as Msisdn | undefined)
    await checkNumber(sql, tenant, number)
    await moveSim(sql, iccid, ['assign', 'activate'], act)
    await sql.journal('subscriber')
    if ((await sql.insert(SUBSCRIBER, [[subscriber, sim.imsi, tenant, plan, act.now]])) === 0)
      fail('SUBSCRIBER_EXISTS', { subscriber })
    const row = [subscriber, tenant, iccid, number ?? null, 'active', 0n, 0n, act.now]
    if ((await sql.insert(SUBSCRIPTION, [row])) === 0) fail('MSISDN_TAKEN', { msisdn: maskImsi(number ?? '') })
    await recordEvent(sql, { subject: `subscriber:${subscriber}`, kind: 'activate', from: '', to: 'active' }, act)
  })
}

/** A SIM of the tenant; another's is as good as none. */
async function tenantSim(sql: Sql, tenant: string, iccid: string): Promise<Sim> {
  const sim = await needSim(sql, iccid)
  return sim.tenant === tenant ? sim : fail('SIM_UNKNOWN', { sim: maskImsi(iccid) })
}

async function checkNumber(sql: Sql, tenant: PayerId, number: Msisdn | undefined): Promise<void> {
  if (number === undefined) return
  const porting = await sql.row(
    "select 1 as one from number_port where msisdn = ? and direction = 'out' and state not in ('completed', 'refused', 'cancelled')",
    number,
  )
  if (porting) fail('MSISDN_TAKEN', { msisdn: maskImsi(number) })
  // A number that was ported in lies in no range of ours.
  const ported = await sql.row("select 1 as one from number_port where msisdn = ? and direction = 'in'", number)
  if (!ported) createRangeBook(await listRanges(sql), tenant).check('msisdn', number)
}

/** Suspends, resumes or ceases a subscription, and its SIM with it. Throws SUBSCRIPTION_UNKNOWN, SIM_STEP. */
async function moveSubscription(sql: Sql, subscriber: string, event: SubscriptionStep, act: Act): Promise<void> {
  const { state, iccid } = await lockSubscription(sql, subscriber)
  const step = stepSubscription(state, event)
  if (!step.legal) fail('SIM_STEP', { what: subscriber, state, event, possible: possibleSubscriptionSteps(state) })
  if (iccid !== null) await moveSim(sql, iccid, step.effects, act)
  await recordEvent(sql, { subject: `subscriber:${subscriber}`, kind: event, from: state, to: step.state }, act)
  await sql.run(
    'update subscription set state = ?, reason = ?, changed_at = ? where subscriber_id = ?',
    step.state,
    act.reason ?? null,
    act.now,
    subscriber,
  )
}

/** The same from the SIM's side: with its subscription where it has one. Throws SIM_UNKNOWN, SIM_STEP. */
export async function moveCard(
  store: Store,
  digits: string,
  event: 'suspend' | 'resume' | 'retire',
  act: Act,
): Promise<Sim> {
  return store.batch(async (sql) => {
    const { iccid } = await needSim(sql, digits)
    const subscriber = await subscriberOf(sql, iccid)
    const steps: readonly SimStep[] = [event]
    if (subscriber === undefined) await moveSim(sql, iccid, steps, act)
    else await moveSubscription(sql, subscriber, event === 'retire' ? 'cease' : event, act)
    return needSim(sql, iccid)
  })
}

/**
 * Gives a subscriber another SIM; the old one is retired. Throws SUBSCRIPTION_LOCKED where a lock stands against it: then only the notice is
 * written; SIM_UNKNOWN, SIM_STEP.
 */
export async function swapSim(store: Store, subscriber: SubscriberId, iccid: Iccid, act: Act): Promise<void> {
  const refusal = await store.batch(async (sql) => {
    const held = await lockSubscription(sql, subscriber)
    if (held.simSwapLock) return refuse(sql, subscriber, 'sim-swap-refused', 'the change of its SIM', act)
    if (held.state !== 'active')
      fail('SIM_STEP', {
        what: subscriber,
        state: held.state,
        event: 'change its SIM',
        possible: possibleSubscriptionSteps(held.state),
      })
    const sim = await tenantSim(sql, held.tenant, iccid)
    if (held.iccid !== null) await moveSim(sql, held.iccid, ['retire'], act)
    await moveSim(sql, iccid, ['assign', 'activate'], act)
    await sql.run(
      'update subscription set iccid = ?, changed_at = ? where subscriber_id = ?',
      iccid,
      act.now,
      subscriber,
    )
    await enrolAgain(sql, subscriber, sim.imsi)
    const change = { subject: `subscriber:${subscriber}`, kind: 'swap', from: held.iccid ?? '', to: iccid }
    await recordEvent(sql, change, act)
    await notify(sql, subscriber, 'sim-changed', `SIM ${maskImsi(iccid)}`, act)
    return undefined
  })
  if (refusal) throw refusal
}

/** A new place in the order of enrolment, where directories find the new IMSI. */
async function enrolAgain(sql: Sql, subscriber: string, imsi: string): Promise<void> {
  await sql.journal('subscriber')
  const row = await sql.row<{ payer_id: string; plan_id: string; created_at: bigint }>(
    'select payer_id, plan_id, created_at from subscriber where subscriber_id = ?',
    subscriber,
  )
  if (row === undefined) return fail('SUBSCRIPTION_UNKNOWN', { subscriber })
  await sql.run('delete from subscriber where subscriber_id = ?', subscriber)
  if ((await sql.insert(SUBSCRIBER, [[subscriber, imsi, row.payer_id, row.plan_id, row.created_at]])) === 0)
    fail('SIM_EXISTS', { what: 'IMSI', came: maskImsi(imsi), where: ', registered for another subscriber' })
}

/** Writes the notice, and says what the caller throws once it is durable. */
export async function refuse(
  sql: Sql,
  subscriber: string,
  kind: NoticeKind,
  what: string,
  act: Act,
): Promise<TallycellError> {
  await notify(sql, subscriber, kind, `asked for by ${act.actor}`, act)
  return new TallycellError('SUBSCRIPTION_LOCKED', { subscriber, what })
}

/** Gives a subscriber another number. Throws SUBSCRIPTION_LOCKED, MSISDN_TAKEN, RANGE_FOREIGN. */
export async function changeMsisdn(store: Store, subscriber: SubscriberId, number: Msisdn, act: Act): Promise<void> {
  const refusal = await store.batch(async (sql) => {
    const held = await lockSubscription(sql, subscriber)
    if (held.portLock) return refuse(sql, subscriber, 'port-out-refused', 'its number', act)
    await checkNumber(sql, held.tenant, number)
    await setNumber(sql, held, number, act)
    await notify(sql, subscriber, 'number-changed', `number ${maskImsi(number)}`, act)
    return undefined
  })
  if (refusal) throw refusal
}

/** Of a subscription that is locked. Throws MSISDN_TAKEN. */
export async function setNumber(sql: Sql, held: Subscription, number: Msisdn | null, act: Act): Promise<void> {
  const taken = await sql.row(
    'select 1 as one from subscription where msisdn = ? and subscriber_id <> ?',
    number,
    held.subscriber,
  )
  if (taken) fail('MSISDN_TAKEN', { msisdn: maskImsi(number ?? '') })
  await sql.run(
    'update subscription set msisdn = ?, changed_at = ? where subscriber_id = ?',
    number,
    act.now,
    held.subscriber,
  )
  const change = { subject: `subscriber:${held.subscriber}`, kind: 'number', from: held.msisdn ?? '', to: number ?? '' }
  await recordEvent(sql, change, act)
}

const LOCKS = {
  'sim-swap': { column: 'sim_swap_lock', on: 'sim-swap-locked', off: 'sim-swap-unlocked' },
  port: { column: 'port_lock', on: 'port-locked', off: 'port-unlocked' },
} as const

/** Sets or takes away a lock; the subscriber is told. */
export async function setLock(
  store: Store,
  subscriber: SubscriberId,
  lock: keyof typeof LOCKS,
  locked: boolean,
  act: Act,
): Promise<void> {
  const { column, on, off } = LOCKS[lock]
  await store.batch(async (sql) => {
    await lockSubscription(sql, subscriber)
    await sql.run(
      `update subscription set ${column} = ?, changed_at = ? where subscriber_id = ?`,
      locked ? 1n : 0n,
      act.now,
      subscriber,
    )
    const kind = locked ? on : off
    await recordEvent(sql, { subject: `subscriber:${subscriber}`, kind, from: '', to: '' }, act)
    await notify(sql, subscriber, kind, `by ${act.actor}`, act)
  })
}
