// Numbers on their way between operators: what was agreed, and what it does to the subscription in the end. Who talks to the clearing house is
// behind PortAdapter.
import { fail, type TallycellError } from '../../../core/kernel/errors.ts'
import type { Sql } from '../../../core/store/sql.ts'
import type { Act, Batches } from '../act.ts'
import { createRangeBook, listRanges } from '../ranges/store.ts'
import { recordEvent } from '../sims/store.ts'
import { maskImsi } from '../store.ts'
import {
  isLiving,
  type PortStep,
  possiblePortSteps,
  possibleSubscriptionSteps,
  stepPort,
} from '../subscription-machine.ts'
import { orRefused, refuse, setNumber } from '../subscriptions/life.ts'
import { holderOf, lockSubscription, notify, type Subscription } from '../subscriptions/store.ts'
import { changePort, hashPin, insertPort, lockPort, needPort, type Port, type PortRequest } from './store.ts'

/**
 * The way to a clearing house or another operator. Both may be called again for the same port, and throw where the order did not get there for
 * certain.
 */
export interface PortAdapter {
  /** Hands the order in; resolves with its reference there. `pin` only while the order is new: it is not kept. */
  submit(port: Port, pin: string | undefined): Promise<{ readonly reference: string }>
  cancel(port: Port): Promise<void>
}

/** Orders that people carry out by telephone or portal: the reference is our own number. */
export const byHand: PortAdapter = {
  submit: async ({ portId }) => ({ reference: `by hand ${portId}` }),
  cancel: async () => {},
}

export interface PortingDeps {
  readonly store: Batches
  readonly adapter: PortAdapter
}

/**
 * Takes an order to port a number, and hands it in. Where that fails the order is kept as `requested`, to be submitted again. Throws
 * SUBSCRIPTION_UNKNOWN, SIM_STEP where the subscription is over, MSISDN_TAKEN where the number is being ported already, is somebody else's, or
 * is not the subscriber's, RANGE_FOREIGN, SUBSCRIPTION_LOCKED where a lock stands against a port-out: then only the notice is written.
 */
export async function requestPort({ store, adapter }: PortingDeps, order: PortRequest, act: Act): Promise<Port> {
  const port = await placePort(store, order, act)
  return submitPort({ store, adapter }, port.portId, order.pin, act)
}

/** The first half: takes the order, and hands it to nobody yet. */
export async function placePort(store: Batches, { pin, ...rest }: PortRequest, act: Act): Promise<Port> {
  const pinHash = pin === undefined ? undefined : hashPin(pin)
  return orRefused(await store.batch((sql) => takeOrder(sql, { ...rest, pinHash }, act)))
}

type Order = Omit<PortRequest, 'pin'> & { readonly pinHash: string | undefined }

async function takeOrder(sql: Sql, order: Order, act: Act): Promise<Port | TallycellError> {
  const { subscriber, msisdn, direction, partner } = order
  const held = await lockSubscription(sql, subscriber, act.tenant)
  if (direction === 'in') await checkIncoming(sql, held, order)
  else if (held.portLock) return refuse(sql, subscriber, 'port-out-refused', 'its number', act)
  else if (held.msisdn !== msisdn) return fail('MSISDN_TAKEN', { msisdn: maskImsi(msisdn) })
  else await notify(sql, subscriber, 'port-out-requested', `to ${partner}`, act)
  const port = await insertPort(sql, held.tenant, order, act.now)
  if (port === undefined) return fail('MSISDN_TAKEN', { msisdn: maskImsi(msisdn) })
  await recordEvent(sql, eventOf(port, `port ${direction}`, '', port.state), act)
  return port
}

async function checkIncoming(sql: Sql, held: Subscription, { msisdn }: Order): Promise<void> {
  const { subscriber, state, tenant } = held
  if (!isLiving(state))
    fail('SIM_STEP', {
      what: subscriber,
      state,
      event: 'take a number over',
      possible: possibleSubscriptionSteps(state, subscriber),
    })
  if ((await holderOf(sql, msisdn)) !== undefined) fail('MSISDN_TAKEN', { msisdn: maskImsi(msisdn) })
  // A number that other operators have is in none of our ranges, unless it was given away before; never in another tenant's.
  const ranges = (await listRanges(sql)).filter((range) => range.tenant !== tenant)
  createRangeBook(ranges, tenant).check('msisdn', msisdn)
}

const eventOf = (port: Port, kind: string, from: string, to: string) => ({
  subject: `subscriber:${port.subscriber}`,
  kind,
  from,
  to,
})

/** Hands an order in that is `requested` still. `pin` as it was given. Throws PORT_UNKNOWN, SIM_STEP, and what the adapter throws. */
export async function submitPort(
  { store, adapter }: PortingDeps,
  portId: bigint,
  pin: string | undefined,
  act: Act,
): Promise<Port> {
  const port = await store.batch((sql) => needPort(sql, portId, act.tenant))
  mustStep(port, 'submit')
  const { reference } = await adapter.submit(port, pin)
  return movePort(store, portId, 'submit', { ...act, reference })
}

/** Calls an order off. Throws PORT_UNKNOWN, SIM_STEP where it is too late, and what the adapter throws: then it stands as it was. */
export async function cancelPort({ store, adapter }: PortingDeps, portId: bigint, act: Act): Promise<Port> {
  const port = await store.batch((sql) => needPort(sql, portId, act.tenant))
  mustStep(port, 'cancel')
  if (port.state === 'submitted') await adapter.cancel(port)
  return movePort(store, portId, 'cancel', act)
}

function mustStep(port: Port, event: PortStep) {
  const step = stepPort(port.state, event)
  if (step.legal) return step
  const possible = possiblePortSteps(port.state, port.portId)
  return fail('SIM_STEP', { what: `the port ${port.portId}`, state: port.state, event, possible })
}

/** What the other side says: confirmed, refused, completed; the last moves the number. Throws PORT_UNKNOWN, SIM_STEP, MSISDN_TAKEN. */
export const movePort = (
  store: Batches,
  portId: bigint,
  event: PortStep,
  act: Act & { readonly reference?: string | undefined },
): Promise<Port> =>
  store.batch(async (sql) => {
    const { subscriber } = await needPort(sql, portId, act.tenant)
    // A subscription is locked before what belongs to it.
    const held = await lockSubscription(sql, subscriber)
    const port = await lockPort(sql, portId)
    const step = mustStep(port, event)
    const change = { state: step.state, reference: act.reference, reason: act.reason }
    const next = await changePort(sql, port, change, act.now)
    await recordEvent(sql, eventOf(port, `port ${event}`, port.state, step.state), act)
    if (step.state === 'completed') await complete(sql, held, port, act)
    return next
  })

async function complete(sql: Sql, held: Subscription, port: Port, act: Act): Promise<void> {
  if (port.direction === 'in') {
    await setNumber(sql, held, port.msisdn, act)
    await notify(sql, port.subscriber, 'ported-in', `from ${port.partner}`, act)
  } else if (held.msisdn === port.msisdn) {
    await setNumber(sql, held, null, act)
    await notify(sql, port.subscriber, 'ported-out', `to ${port.partner}`, act)
  }
}
