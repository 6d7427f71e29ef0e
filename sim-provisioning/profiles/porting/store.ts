// Numbers on their way between operators. Who talks to the clearing house is behind PortAdapter; here is what was agreed, and what it does
// to the subscription in the end.
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { fail } from '../../../core/kernel/errors.ts'
import type { SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import type { Store } from '../../../core/store/store.ts'
import type { Msisdn } from '../msisdn.ts'
import { type Act, recordEvent } from '../sims/store.ts'
import { maskImsi } from '../store.ts'
import { PORT_STEPS, type PortState, type PortStep, stepPort } from '../subscription-machine.ts'
import { lockSubscription, notify, refuse, setNumber } from '../subscriptions/store.ts'

export interface PortRequest {
  readonly direction: 'in' | 'out'
  readonly msisdn: Msisdn
  /** Ours: who gets the number, or gives it away. */
  readonly subscriber: SubscriberId
  /** The operator at the other end. */
  readonly partner: string
  /** The subscriber's account there. */
  readonly account?: string | undefined
  /** By which the other operator knows that the subscriber wants it; kept as a hash. */
  readonly pin?: string | undefined
  /** Firm order commitment. */
  readonly foc?: Millis | undefined
}

export interface Port extends Omit<PortRequest, 'pin'> {
  readonly portId: bigint
  readonly tenant: string
  readonly state: PortState
  readonly reference: string | undefined
}

/** The way to a clearing house or another operator. Both may be called again for the same port. */
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

const PORT: Target = {
  table: 'number_port',
  columns: [
    ...['direction', 'msisdn', 'tenant_id', 'subscriber_id', 'partner', 'account', 'pin_hash', 'foc_at', 'state'],
    ...['created_at', 'changed_at'],
  ],
  conflict: 'do nothing',
}

interface Row {
  readonly port_id: bigint
  readonly direction: 'in' | 'out'
  readonly msisdn: Msisdn
  readonly tenant_id: string
  readonly subscriber_id: SubscriberId
  readonly partner: string
  readonly account: string | null
  readonly foc_at: Millis | null
  readonly state: PortState
  readonly reference: string | null
}

const SELECT =
  'select port_id, direction, msisdn, tenant_id, subscriber_id, partner, account, foc_at, state, reference from number_port'

const portOf = (row: Row): Port => ({
  portId: row.port_id,
  direction: row.direction,
  msisdn: row.msisdn,
  tenant: row.tenant_id,
  subscriber: row.subscriber_id,
  partner: row.partner,
  account: row.account ?? undefined,
  foc: row.foc_at ?? undefined,
  state: row.state,
  reference: row.reference ?? undefined,
})

const SALT_OCTETS = 16
const HASH_OCTETS = 32

/** scrypt: a PIN is short enough to be tried out. */
function hashPin(pin: string, salt: Uint8Array = randomBytes(SALT_OCTETS)): string {
  return `scrypt:${Buffer.from(salt).toString('hex')}:${scryptSync(pin, salt, HASH_OCTETS).toString('hex')}`
}

export function checkPin(pin: string, hash: string): boolean {
  const [, salt = '', wanted = ''] = hash.split(':')
  const made = hashPin(pin, Buffer.from(salt, 'hex')).split(':')[2] ?? ''
  return made.length === wanted.length && timingSafeEqual(Buffer.from(made), Buffer.from(wanted))
}

/**
 * Takes an order to port a number, and hands it in. Throws SUBSCRIPTION_UNKNOWN, MSISDN_TAKEN where the number is being ported already or
 * is not the subscriber's, SUBSCRIPTION_LOCKED where a lock stands against a port-out: then only the notice is written.
 */
export async function requestPort(store: Store, adapter: PortAdapter, order: PortRequest, act: Act): Promise<Port> {
  const made = await store.batch(async (sql) => {
    const held = await lockSubscription(sql, order.subscriber)
    if (order.direction === 'out') {
      if (held.portLock) return { refusal: await refuse(sql, order.subscriber, 'port-out-refused', 'its number', act) }
      if (held.msisdn !== order.msisdn) fail('MSISDN_TAKEN', { msisdn: maskImsi(order.msisdn) })
      await notify(sql, order.subscriber, 'port-out-requested', `to ${order.partner}`, act)
    }
    const [row] = await sql.insertReturning<Row>(PORT, SELECT.slice('select '.length, SELECT.indexOf(' from ')), [
      [
        ...[order.direction, order.msisdn, held.tenant, order.subscriber, order.partner, order.account ?? null],
        ...[order.pin === undefined ? null : hashPin(order.pin), order.foc ?? null, 'requested', act.now, act.now],
      ],
    ])
    return row ? { port: portOf(row) } : fail('MSISDN_TAKEN', { msisdn: maskImsi(order.msisdn) })
  })
  if (made.port === undefined) throw made.refusal
  const { reference } = await adapter.submit(made.port, order.pin)
  return movePort(store, made.port.portId, 'submit', { ...act, reference })
}

/** Calls an order off. Throws PORT_UNKNOWN, SIM_STEP where it is too late. */
export async function cancelPort(store: Store, adapter: PortAdapter, portId: bigint, act: Act): Promise<Port> {
  const port = await movePort(store, portId, 'cancel', act)
  await adapter.cancel(port)
  return port
}

/** What the other side says: confirmed, refused, completed; the last moves the number. Throws PORT_UNKNOWN, SIM_STEP, MSISDN_TAKEN. */
export async function movePort(
  store: Store,
  portId: bigint,
  event: PortStep,
  act: Act & { readonly reference?: string },
): Promise<Port> {
  return store.batch(async (sql) => {
    const [row] = await sql.find<Row>(SELECT, 'port_id', [portId], 'lock')
    if (row === undefined) return fail('PORT_UNKNOWN', { port: portId })
    const port = portOf(row)
    const step = stepPort(port.state, event)
    const possible = PORT_STEPS.flatMap(({ from, on }) => (from === port.state ? [on] : [])).join(', ') || 'nothing'
    if (!step.legal) fail('SIM_STEP', { what: `the port ${portId}`, state: port.state, event, possible })
    await sql.run(
      'update number_port set state = ?, reference = coalesce(?, reference), reason = coalesce(?, reason), changed_at = ? where port_id = ?',
      step.state,
      act.reference ?? null,
      act.reason ?? null,
      act.now,
      portId,
    )
    const subject = `subscriber:${port.subscriber}`
    await recordEvent(sql, { subject, kind: `port ${event}`, from: port.state, to: step.state }, act)
    if (step.state === 'completed') await complete(sql, port, act)
    return { ...port, state: step.state, reference: act.reference ?? port.reference }
  })
}

async function complete(sql: Sql, port: Port, act: Act): Promise<void> {
  const held = await lockSubscription(sql, port.subscriber)
  if (port.direction === 'in') {
    await setNumber(sql, held, port.msisdn, act)
    await notify(sql, port.subscriber, 'ported-in', `from ${port.partner}`, act)
  } else if (held.msisdn === port.msisdn) {
    await setNumber(sql, held, null, act)
    await notify(sql, port.subscriber, 'ported-out', `to ${port.partner}`, act)
  }
}

/** Ports in the order of their making, at most `limit` of those after `after`. */
export async function listPorts(sql: Sql, limit: number, after = 0n): Promise<Port[]> {
  const rows = await sql.rows<Row>(`${SELECT} where port_id > ? order by port_id limit ?`, after, BigInt(limit))
  return rows.map(portOf)
}
