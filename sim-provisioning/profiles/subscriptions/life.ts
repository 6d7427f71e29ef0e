// What happens to a subscription in its life. Whatever ends or changes the right to use the network reaches charging in the same transaction, and
// the live sessions by an order written in it. Whatever somebody else could have asked for in the subscriber's name is told to the subscriber in
// the same transaction, also when it was refused (47 CFR §64.2010(h)).
import type { SessionCause, SuspendCharging } from '../../../core/events/sessions/port.ts'
import { orderSessions } from '../../../core/events/sessions/store.ts'
import { fail, TallycellError } from '../../../core/kernel/errors.ts'
import type { Iccid } from '../../../core/kernel/iccid.ts'
import { type Imsi, type PayerId, type PlanId, planId, type SubscriberId } from '../../../core/kernel/ids.ts'
import type { Sql } from '../../../core/store/sql.ts'
import type { Act, Batches } from '../act.ts'
import type { Msisdn } from '../msisdn.ts'
import { createRangeBook, listRanges } from '../ranges/store.ts'
import type { SimStep } from '../sim-machine.ts'
import { moveSim, needSim, recordEvent, type Sim } from '../sims/store.ts'
import { maskImsi } from '../store.ts'
import {
  isLiving,
  possibleSubscriptionSteps,
  type SubscriptionStep,
  stepSubscription,
} from '../subscription-machine.ts'
import {
  changeSubscription,
  enrol,
  enrolAgain,
  holderOf,
  insertSubscription,
  lastPort,
  lockSubscription,
  type NoticeKind,
  notify,
  openPortOf,
  readEnrolled,
  type Subscription,
  subscriberOf,
} from './store.ts'

export interface LifeDeps {
  readonly store: Batches
  readonly suspendCharging: SuspendCharging
}

export interface Activation {
  readonly subscriber: SubscriberId
  readonly tenant: PayerId
  readonly plan: PlanId
  readonly iccid: Iccid
  /** The one that the SIM was delivered with, unless given. */
  readonly msisdn?: Msisdn | undefined
}

/** What a subscriber is charged by that is charged for nothing but late reports. */
const NO_PLAN = planId('flat')

/**
 * Opens a subscription on a SIM in stock, which is active from then on. A subscriber that is registered with the IMSI of this SIM already, and
 * has no subscription, gets it. Throws SIM_UNKNOWN (also for another tenant's SIM), SIM_STEP, SUBSCRIBER_EXISTS, IMSI_TAKEN, MSISDN_TAKEN,
 * RANGE_FOREIGN.
 */
export const activate = (store: Batches, wanted: Activation, act: Act): Promise<void> =>
  store.batch((sql) => activateIn(sql, wanted, act))

/** As `activate`, within a transaction. */
export async function activateIn(sql: Sql, wanted: Activation, act: Act): Promise<void> {
  const { subscriber, tenant, plan, iccid } = wanted
  const { imsi, msisdn: delivered } = await needSim(sql, iccid, tenant)
  const number = wanted.msisdn ?? (delivered as Msisdn | undefined) ?? null
  if (number !== null) await checkNumber(sql, tenant, number)
  await moveSim(sql, iccid, ['assign', 'activate'], act)
  if (!(await enrol(sql, subscriber, { imsi, tenant, plan, created: act.now })))
    await takeOver(sql, { subscriber, tenant, plan, imsi })
  if (!(await insertSubscription(sql, { subscriber, tenant, iccid, msisdn: number }, act.now)))
    await sayWhoHas(sql, subscriber, number)
  await recordEvent(sql, { subject: `subscriber:${subscriber}`, kind: 'activate', from: '', to: 'active' }, act)
}

interface Registered {
  readonly subscriber: SubscriberId
  readonly tenant: PayerId
  readonly plan: PlanId
  readonly imsi: Imsi
}

/** The subscriber is registered, or its IMSI is: fine where it is both, with this tenant. */
async function takeOver(sql: Sql, { subscriber, tenant, plan, imsi }: Registered): Promise<void> {
  const there = await readEnrolled(sql, subscriber)
  if (there === undefined) return fail('IMSI_TAKEN', { imsi: maskImsi(imsi), subscriber: 'another' })
  if (there.imsi !== imsi || there.tenant !== tenant) return fail('SUBSCRIBER_EXISTS', { subscriber })
  if (there.plan !== plan) await enrolAgain(sql, subscriber, { plan })
}

async function sayWhoHas(sql: Sql, subscriber: SubscriberId, number: Msisdn | null): Promise<never> {
  if (number !== null && (await holderOf(sql, number)) !== undefined)
    return fail('MSISDN_TAKEN', { msisdn: maskImsi(number) })
  return fail('SUBSCRIBER_EXISTS', { subscriber })
}

/** Whether a tenant may give out a number. Throws MSISDN_TAKEN, RANGE_FOREIGN. */
async function checkNumber(sql: Sql, tenant: PayerId, number: Msisdn): Promise<void> {
  const port = await lastPort(sql, number)
  // A number on its way out, or gone, lies in a range of ours still; one that came in lies in none.
  if (port?.direction === 'out') fail('MSISDN_TAKEN', { msisdn: maskImsi(number) })
  if (port?.state === 'completed' && port.tenant_id === tenant) return
  createRangeBook(await listRanges(sql), tenant).check('msisdn', number)
}

/** Takes a subscription through its life, and its SIM with it. Throws SUBSCRIPTION_UNKNOWN, SIM_STEP, PORT_OPEN. */
export const moveSubscription = (
  deps: LifeDeps,
  subscriber: SubscriberId,
  event: Exclude<SubscriptionStep, 'swap'>,
  act: Act,
): Promise<Subscription> => deps.store.batch((sql) => moveIn(deps, sql, subscriber, event, act))

async function moveIn(
  { suspendCharging }: LifeDeps,
  sql: Sql,
  subscriber: SubscriberId,
  event: Exclude<SubscriptionStep, 'swap'>,
  act: Act,
): Promise<Subscription> {
  const held = await lockSubscription(sql, subscriber, act.tenant)
  const step = mustStep(held, event)
  if (step.state === 'terminated') await refuseWhilePorting(sql, subscriber)
  if (held.iccid !== null) await moveSim(sql, held.iccid, step.effects, act)
  const freed = step.state === 'terminated' ? { iccid: null, msisdn: null } : {}
  const change = { state: step.state, reason: act.reason ?? null, ...freed }
  const next = await changeSubscription(sql, held, change, act.now)
  await recordEvent(sql, { subject: `subscriber:${subscriber}`, kind: event, from: held.state, to: step.state }, act)
  if (isLiving(held.state) && held.state !== step.state) {
    await suspendCharging(sql, subscriber, step.state !== 'active', act.now)
    const action = step.state === 'active' ? 'refresh' : 'drop'
    await orderSessions(sql, { subscriber, imsi: undefined, action, cause: causeOf(next) }, act.now)
    // Nobody pays a plan that cannot be used.
    if (!isLiving(step.state)) await enrolAgain(sql, subscriber, { plan: NO_PLAN })
  }
  return next
}

const causeOf = ({ state }: Subscription): SessionCause =>
  state === 'active' ? 'resumed' : state === 'suspended' ? 'suspended' : 'ceased'

function mustStep({ subscriber, state }: Subscription, event: SubscriptionStep) {
  const step = stepSubscription(state, event)
  if (step.legal) return step
  return fail('SIM_STEP', { what: subscriber, state, event, possible: possibleSubscriptionSteps(state, subscriber) })
}

/** What can be changed only while the subscription lives. */
function mustLive({ subscriber, state }: Subscription, event: string): void {
  if (!isLiving(state))
    fail('SIM_STEP', { what: subscriber, state, event, possible: possibleSubscriptionSteps(state, subscriber) })
}

async function refuseWhilePorting(sql: Sql, subscriber: SubscriberId): Promise<void> {
  const port = await openPortOf(sql, subscriber)
  if (port) fail('PORT_OPEN', { subscriber, port: port.port_id, state: port.state })
}

/** What can be done to a SIM by its number; one that has a subscription takes it along. */
export const CARD_STEPS = ['reserve', 'unreserve', 'suspend', 'resume', 'block', 'unblock', 'retire'] as const
export type CardStep = (typeof CARD_STEPS)[number]

/** `digits`: ICCID or IMSI. Throws SIM_UNKNOWN, SIM_STEP. */
export const moveCard = (deps: LifeDeps, digits: string, event: CardStep, act: Act): Promise<Sim> =>
  deps.store.batch(async (sql) => {
    const { iccid } = await needSim(sql, digits, act.tenant)
    const subscriber = await subscriberOf(sql, iccid)
    const steps: readonly SimStep[] = [event]
    if (subscriber === undefined || event === 'reserve' || event === 'unreserve') await moveSim(sql, iccid, steps, act)
    else await moveIn(deps, sql, subscriber, event === 'retire' ? 'cease' : event, act)
    return needSim(sql, iccid)
  })

/**
 * Gives a subscriber another SIM; the old one is retired, and its sessions end. Throws SUBSCRIPTION_LOCKED where a lock stands against it: then
 * only the notice is written; SUBSCRIPTION_UNKNOWN, SIM_UNKNOWN, SIM_STEP, SIM_EXISTS.
 */
export async function swapSim(store: Batches, subscriber: SubscriberId, iccid: Iccid, act: Act): Promise<Subscription> {
  const done = await store.batch(async (sql) => {
    const held = await lockSubscription(sql, subscriber, act.tenant)
    if (held.simSwapLock) return refuse(sql, subscriber, 'sim-swap-refused', 'the change of its SIM', act)
    const step = mustStep(held, 'swap')
    const sim = await needSim(sql, iccid, held.tenant)
    const before = await readEnrolled(sql, subscriber)
    if (held.iccid !== null) await moveSim(sql, held.iccid, ['retire'], act)
    await moveSim(sql, iccid, step.effects, act)
    const next = await changeSubscription(sql, held, { iccid }, act.now)
    const change = { subject: `subscriber:${subscriber}`, kind: 'swap', from: held.iccid ?? '', to: iccid }
    await recordEvent(sql, change, act)
    await notify(sql, subscriber, 'sim-changed', `SIM ${maskImsi(iccid)}`, act)
    if (before !== undefined && before.imsi !== sim.imsi)
      await orderSessions(
        sql,
        { subscriber, imsi: before.imsi ?? undefined, action: 'drop', cause: 'sim-changed' },
        act.now,
      )
    await enrolAgain(sql, subscriber, { imsi: sim.imsi })
    return next
  })
  return orRefused(done)
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

/** Throws what was refused, once the transaction is durable. */
export function orRefused<Result>(done: Result | TallycellError): Result {
  if (done instanceof TallycellError) throw done
  return done
}

/** Gives a subscriber another number. Throws SUBSCRIPTION_LOCKED, SUBSCRIPTION_UNKNOWN, SIM_STEP, PORT_OPEN, MSISDN_TAKEN, RANGE_FOREIGN. */
export async function changeMsisdn(
  store: Batches,
  subscriber: SubscriberId,
  number: Msisdn,
  act: Act,
): Promise<Subscription> {
  const done = await store.batch(async (sql) => {
    const held = await lockSubscription(sql, subscriber, act.tenant)
    if (held.portLock) return refuse(sql, subscriber, 'number-change-refused', 'its number', act)
    mustLive(held, 'change its number')
    await refuseWhilePorting(sql, subscriber)
    await checkNumber(sql, held.tenant, number)
    const next = await setNumber(sql, held, number, act)
    await notify(sql, subscriber, 'number-changed', `number ${maskImsi(number)}`, act)
    return next
  })
  return orRefused(done)
}

/** Of a subscription that is locked. Throws MSISDN_TAKEN. */
export async function setNumber(sql: Sql, held: Subscription, number: Msisdn | null, act: Act): Promise<Subscription> {
  const holder = number === null ? undefined : await holderOf(sql, number)
  if (number !== null && holder !== undefined && holder !== held.subscriber)
    fail('MSISDN_TAKEN', { msisdn: maskImsi(number) })
  const next = await changeSubscription(sql, held, { msisdn: number }, act.now)
  const change = { subject: `subscriber:${held.subscriber}`, kind: 'number', from: held.msisdn ?? '', to: number ?? '' }
  await recordEvent(sql, change, act)
  return next
}

export const LOCKS = ['sim-swap', 'port'] as const
export type Lock = (typeof LOCKS)[number]
const LOCK_WORDS = {
  'sim-swap': { on: 'sim-swap-locked', off: 'sim-swap-unlocked' },
  port: { on: 'port-locked', off: 'port-unlocked' },
} as const

/** Sets or takes away a lock; the subscriber is told. Throws SUBSCRIPTION_UNKNOWN. */
export const setLock = (
  store: Batches,
  subscriber: SubscriberId,
  lock: Lock,
  locked: boolean,
  act: Act,
): Promise<Subscription> =>
  store.batch(async (sql) => {
    const held = await lockSubscription(sql, subscriber, act.tenant)
    const change = lock === 'port' ? { portLock: locked } : { simSwapLock: locked }
    const next = await changeSubscription(sql, held, change, act.now)
    const kind = locked ? LOCK_WORDS[lock].on : LOCK_WORDS[lock].off
    await recordEvent(sql, { subject: `subscriber:${subscriber}`, kind, from: held.state, to: held.state }, act)
    await notify(sql, subscriber, kind, `by ${act.actor}`, act)
    return next
  })

/** Orders that the subscriber's live sessions end; they may begin again. Throws SUBSCRIPTION_UNKNOWN. */
export const dropSessions = (store: Batches, subscriber: SubscriberId, act: Act): Promise<void> =>
  store.batch(async (sql) => {
    await lockSubscription(sql, subscriber, act.tenant)
    await recordEvent(sql, { subject: `subscriber:${subscriber}`, kind: 'drop', from: '', to: '' }, act)
    await orderSessions(sql, { subscriber, imsi: undefined, action: 'drop', cause: 'operator' }, act.now)
  })
