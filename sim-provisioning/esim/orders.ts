// An eSIM order from the SIM in stock to the code that a phone scans. What the SM-DP+ is asked is written down before it is asked, and what
// came of it after: whatever breaks in between, the order can be gone on with, and no profile is taken twice.
import { eid as parseEid } from '../../core/kernel/eid.ts'
import { fail, isTallycellError } from '../../core/kernel/errors.ts'
import { iccid as parseIccid } from '../../core/kernel/iccid.ts'
import type { PayerId } from '../../core/kernel/ids.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import type { Act } from '../profiles/act.ts'
import { needSim } from '../profiles/sims/store.ts'
import { maskImsi } from '../profiles/store.ts'
import { formatActivationCode, newMatchingId } from './activation-code.ts'
import type { Es2Client } from './es2plus/client.ts'
import { type FinalState, padIccid, type Requests, type Result } from './es2plus/messages.ts'
import { type Es2Function, endsInError } from './es2plus/status-codes.ts'
import { type OrderStep, possibleOrderSteps, stepOrder } from './order-machine.ts'
import {
  endPending,
  type Facts,
  insertOrder,
  lockOpenOrder,
  lockOrder,
  moveOrder,
  needOrder,
  type Order,
  setPending,
} from './store.ts'

export interface OrderDeps {
  readonly store: Store
  readonly client: Es2Client
  /** Of the SM-DP+ for phones, unless it names another. */
  readonly smdpAddress: string
  readonly signal?: AbortSignal | undefined
}

/** How long somebody else waits who wants to ask for the same order: longer than all tries take. */
const PATIENCE = 300_000n

interface Question<Name extends Es2Function> {
  readonly name: Name
  /** What a good answer does to the order. */
  readonly event: OrderStep
  readonly request: (order: Order) => Requests[Name]
  /** The matching id that the order is to have from now on. */
  readonly matchingId?: ((order: Order) => string | undefined) | undefined
  readonly facts: (result: Result<Name> | undefined, order: Order) => Facts
  readonly repeatable: boolean
}

/** Writes it down, asks, writes down what came. Throws ESIM_…, SIM_STEP. */
async function ask<Name extends Es2Function>(
  { store, client, signal }: OrderDeps,
  orderId: string,
  question: Question<Name>,
  act: Act,
): Promise<Order> {
  const { name, event } = question
  const { order, repeated } = await store.batch(async (sql) => {
    const found = await lockOrder(sql, orderId)
    checkFree(found, name, act)
    if (!stepOrder(found.state, event).legal)
      fail('SIM_STEP', {
        what: `the eSIM order ${orderId}`,
        state: found.state,
        event: name,
        possible: possibleOrderSteps(found.state),
      })
    await setPending(sql, orderId, name, act.now + PATIENCE, question.matchingId?.(found))
    return { order: await lockOrder(sql, orderId), repeated: found.pending === name }
  })
  try {
    const { repeatable } = question
    const { result, warning } = await client.call(name, question.request(order), { repeatable, repeated, signal })
    const reason = [act.reason, warning && `the SM-DP+ warns: ${warning}`].filter(Boolean).join('; ') || undefined
    return await store.batch(async (sql) =>
      moveOrder(sql, await lockOrder(sql, orderId), event, question.facts(result, order), { ...act, reason }),
    )
  } catch (error) {
    await settle(store, order, error, act)
    throw error
  }
}

function checkFree({ orderId, pending, pendingUntil }: Order, name: Es2Function, { now }: Act): void {
  if (pending === undefined) return
  const waits = pendingUntil > now
  if (waits || (pending !== name && name !== 'cancelOrder'))
    fail('ESIM_ORDER_BUSY', { order: orderId, function: pending })
}

/** After an error that says nothing of the SM-DP+, such as a full disk, what was asked stays asked. */
async function settle(store: Store, { orderId }: Order, error: unknown, act: Act): Promise<void> {
  if (!isTallycellError(error) || !error.code.startsWith('ESIM_')) return
  const unknown = error.code === 'ESIM_UNANSWERED' || error.code === 'ESIM_ANSWER_INVALID'
  const { subject = '', reason: because = '' } = error.context
  const ended = endsInError(String(subject), String(because))
  const reason = error.message
  await store.batch(async (sql) => {
    const order = await lockOrder(sql, orderId)
    if (ended && stepOrder(order.state, 'fail').legal) await moveOrder(sql, order, 'fail', {}, { ...act, reason })
    else await endPending(sql, order, { code: error.code, unknown }, { ...act, reason })
  })
}

export interface Wanted {
  readonly tenant: PayerId
  /** A SIM of the tenant whose profile the SM-DP+ holds; without it, any of `profileType`. */
  readonly iccid?: string | undefined
  readonly profileType?: string | undefined
  /** Of the phone that the profile is for, if it is known. */
  readonly eid?: string | undefined
}

/**
 * Takes an order for a profile, of which the SM-DP+ knows nothing yet. An order for the same SIM whose outcome nobody knows is gone on with.
 * Throws ID_INVALID, SIM_UNKNOWN, ESIM_ORDER_OPEN.
 */
export async function placeOrder(sql: Sql, wanted: Wanted, act: Act): Promise<Order> {
  const { tenant, profileType } = wanted
  const iccid = wanted.iccid === undefined ? undefined : parseIccid(wanted.iccid)
  const eid = wanted.eid === undefined ? undefined : parseEid(wanted.eid)
  if (iccid === undefined && profileType === undefined)
    fail('ID_INVALID', { what: 'eSIM order', expected: 'an ICCID, or a profile type', came: 'neither' })
  if (iccid !== undefined) {
    const sim = await needSim(sql, iccid)
    if (sim.tenant !== tenant || sim.state === 'staged' || sim.state === 'retired')
      fail('SIM_UNKNOWN', { sim: maskImsi(iccid) })
    const open = await lockOpenOrder(sql, iccid)
    if (open?.state === 'available' && open.eid === eid && open.profileType === profileType) return open
  }
  return insertOrder(sql, { tenant, iccid, profileType, eid }, act)
}

/** Has the SM-DP+ set a profile aside for an order (SGP.22 §5.3.1). Throws ESIM_…, SIM_STEP. */
export const allocateProfile = (
  deps: OrderDeps,
  { orderId, iccid, eid, profileType }: Order,
  act: Act,
): Promise<Order> =>
  ask(
    deps,
    orderId,
    {
      name: 'downloadOrder',
      event: eid === undefined ? 'allocate' : 'link',
      request: () => ({ iccid: iccid && padIccid(iccid), eid, profileType }),
      facts: (result) => ({ iccid: result && parseIccid(result.iccid) }),
      // Without an ICCID each request takes a profile.
      repeatable: iccid !== undefined,
    },
    act,
  )

/** Both in one. */
export async function orderProfile(deps: OrderDeps, wanted: Wanted, act: Act): Promise<Order> {
  const order = await deps.store.batch((sql) => placeOrder(sql, wanted, act))
  return allocateProfile(deps, order, act)
}

export interface Confirmation {
  /** Typed by the phone's user; told to the SM-DP+, and kept nowhere. */
  readonly confirmationCode?: string | undefined
  /** False: phones may not fetch the profile before `releaseOrder`. */
  readonly release: boolean
}

/** Gives an order its matching id, and with it its activation code (SGP.22 §5.3.2). Throws ESIM_…, SIM_STEP. */
export const confirmOrder = (
  deps: OrderDeps,
  orderId: string,
  { confirmationCode, release }: Confirmation,
  act: Act,
): Promise<Order> =>
  ask(
    deps,
    orderId,
    {
      name: 'confirmOrder',
      event: release ? 'confirmAndRelease' : 'confirm',
      matchingId: (order) => (order.pending === 'confirmOrder' ? order.matchingId : newMatchingId()),
      request: ({ iccid = '', eid, matchingId }) => ({
        iccid: padIccid(iccid),
        eid,
        matchingId,
        confirmationCode,
        releaseFlag: release,
      }),
      facts: (result) => ({
        matchingId: result?.matchingId,
        smdpAddress: result?.smdpAddress ?? deps.smdpAddress,
        eid: result?.eid,
        ccRequired: confirmationCode !== undefined,
      }),
      repeatable: true,
    },
    act,
  )

/** Lets phones fetch the profile (SGP.22 §5.3.4). Throws ESIM_…, SIM_STEP. */
export const releaseOrder = (deps: OrderDeps, orderId: string, act: Act): Promise<Order> =>
  ask(
    deps,
    orderId,
    {
      name: 'releaseProfile',
      event: 'release',
      request: ({ iccid = '' }) => ({ iccid: padIccid(iccid) }),
      facts: () => ({}),
      repeatable: true,
    },
    act,
  )

/**
 * Calls an order off (SGP.22 §5.3.3); `final` says what becomes of the profile. An order of which the SM-DP+ knows nothing ends here alone.
 * Throws ESIM_…, SIM_STEP.
 */
export async function cancelOrder(deps: OrderDeps, orderId: string, final: FinalState, act: Act): Promise<Order> {
  const alone = await deps.store.batch(async (sql) => {
    const order = await lockOrder(sql, orderId)
    if (order.state !== 'available' || order.pendingUntil > act.now) return undefined
    // Which profile a lost answer named, nobody here can say.
    return order.pending === undefined || order.iccid === undefined
      ? moveOrder(sql, order, 'cancel', {}, act)
      : undefined
  })
  if (alone) return alone
  const question: Question<'cancelOrder'> = {
    name: 'cancelOrder',
    event: 'cancel',
    request: ({ iccid = '', eid, matchingId }) => ({
      iccid: padIccid(iccid),
      eid,
      matchingId,
      finalProfileStatusIndicator: final,
    }),
    facts: () => ({}),
    repeatable: true,
  }
  const reason = [act.reason, `the profile is ${final}`].filter(Boolean).join('; ')
  return ask(deps, orderId, question, { ...act, reason })
}

/** The code for the phone, `LPA:1$…`. Throws ESIM_NO_CODE. */
export function activationCode({ orderId, state, smdpAddress, matchingId, ccRequired }: Order): string {
  if (smdpAddress === undefined || matchingId === undefined || state === 'cancelled')
    return fail('ESIM_NO_CODE', { order: orderId, state })
  return formatActivationCode({ smdpAddress, matchingId, confirmationCode: ccRequired })
}

/** As `needOrder`, in a transaction of its own. */
export const findOrder = (store: Store, id: string, tenant?: string): Promise<Order> =>
  store.batch((sql) => needOrder(sql, id, tenant))
