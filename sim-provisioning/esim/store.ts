// Orders for eSIM profiles. Each change of state goes with a line in the account of events, in one transaction.
import { randomBytes } from 'node:crypto'
import { emit } from '../../core/events/partner/store.ts'
import { type ErrorCode, fail } from '../../core/kernel/errors.ts'
import type { PayerId } from '../../core/kernel/ids.ts'
import type { Page } from '../../core/store/page.ts'
import type { Sql, Target } from '../../core/store/sql.ts'
import type { Act } from '../profiles/act.ts'
import { recordEvent } from '../profiles/sims/store.ts'
import { maskImsi } from '../profiles/store.ts'
import type { Es2Function } from './es2plus/status-codes.ts'
import { type OrderState, type OrderStep, possibleOrderSteps, stepOrder } from './order-machine.ts'

export interface Order {
  readonly orderId: string
  readonly tenant: PayerId
  /** Undefined until the SM-DP+ has chosen one of the type. */
  readonly iccid: string | undefined
  readonly profileType: string | undefined
  readonly eid: string | undefined
  readonly matchingId: string | undefined
  /** As phones reach it. */
  readonly smdpAddress: string | undefined
  /** The phone's user has to type a confirmation code. */
  readonly ccRequired: boolean
  readonly state: OrderState
  /** What the SM-DP+ was asked, as long as nobody knows what came of it. */
  readonly pending: Es2Function | undefined
  /** Milliseconds since 1970: until then the one who asked waits for the answer. */
  readonly pendingUntil: bigint
  readonly created: bigint
  readonly changed: bigint
}

export interface NewOrder {
  readonly tenant: PayerId
  readonly iccid?: string | undefined
  readonly profileType?: string | undefined
  readonly eid?: string | undefined
}

interface Row {
  readonly order_id: string
  readonly tenant_id: PayerId
  readonly iccid: string | null
  readonly profile_type: string | null
  readonly eid: string | null
  readonly matching_id: string | null
  readonly smdp_address: string | null
  readonly cc_required: bigint
  readonly state: OrderState
  readonly pending: Es2Function | null
  readonly pending_until: bigint
  readonly created_at: bigint
  readonly changed_at: bigint
}

const ORDER: Target = {
  table: 'esim_order',
  columns: [
    ...['order_id', 'tenant_id', 'iccid', 'profile_type', 'eid', 'cc_required', 'state', 'pending_until'],
    ...['created_at', 'changed_at'],
  ],
  conflict: 'do nothing',
}
const SELECT = `select order_id, tenant_id, iccid, profile_type, eid, matching_id, smdp_address, cc_required, state, pending, pending_until,
  created_at, changed_at from esim_order`

const orderOf = (row: Row): Order => ({
  orderId: row.order_id,
  tenant: row.tenant_id,
  iccid: row.iccid ?? undefined,
  profileType: row.profile_type ?? undefined,
  eid: row.eid ?? undefined,
  matchingId: row.matching_id ?? undefined,
  smdpAddress: row.smdp_address ?? undefined,
  ccRequired: row.cc_required === 1n,
  state: row.state,
  pending: row.pending ?? undefined,
  pendingUntil: row.pending_until,
  created: row.created_at,
  changed: row.changed_at,
})

export const subjectOf = (orderId: string): string => `esim:${orderId}`
const ID_OCTETS = 8

/** Throws ESIM_ORDER_OPEN. */
export async function insertOrder(sql: Sql, order: NewOrder, act: Act): Promise<Order> {
  const { tenant, iccid, profileType, eid } = order
  const orderId = randomBytes(ID_OCTETS).toString('hex')
  const [row] = await sql.insertReturning<Row>(ORDER, SELECT.slice('select '.length, SELECT.indexOf(' from ')), [
    [...[orderId, tenant, iccid ?? null, profileType ?? null, eid ?? null, 0n, 'available', 0n], ...[act.now, act.now]],
  ])
  if (row === undefined) return fail('ESIM_ORDER_OPEN', { iccid: maskImsi(iccid ?? '') })
  await recordEvent(sql, { subject: subjectOf(orderId), kind: 'order', from: '', to: 'available' }, act)
  return orderOf(row)
}

/** The order of this number, or the one that has this ICCID now or had it last. Throws ESIM_ORDER_UNKNOWN; `tenant`: another's is none. */
export async function needOrder(sql: Sql, id: string, tenant?: string): Promise<Order> {
  const row =
    (await sql.row<Row>(`${SELECT} where order_id = ?`, id)) ??
    (await sql.row<Row>(`${SELECT} where iccid = ? order by created_at desc limit 1`, id.replace(/[fF]$/, '')))
  if (row === undefined || (tenant !== undefined && row.tenant_id !== tenant))
    return fail('ESIM_ORDER_UNKNOWN', { order: id.slice(0, 32) })
  return orderOf(row)
}

/** As `needOrder` by its number, locked until the transaction ends. */
export async function lockOrder(sql: Sql, orderId: string): Promise<Order> {
  const [row] = await sql.find<Row>(SELECT, 'order_id', [orderId], 'lock')
  return row ? orderOf(row) : fail('ESIM_ORDER_UNKNOWN', { order: orderId.slice(0, 32) })
}

/** The order that holds a profile, locked; undefined where none does. */
export async function lockOpenOrder(sql: Sql, iccid: string): Promise<Order | undefined> {
  const row = await sql.row<{ order_id: string }>(
    "select order_id from esim_order where iccid = ? and state not in ('cancelled', 'deleted')",
    iccid,
  )
  return row && lockOrder(sql, row.order_id)
}

/** What an order has learnt. */
export interface Facts {
  readonly iccid?: string | undefined
  readonly eid?: string | undefined
  readonly matchingId?: string | undefined
  readonly smdpAddress?: string | undefined
  readonly ccRequired?: boolean | undefined
}

/** Moves a locked order on, with what it has learnt; nothing is pending then. Throws SIM_STEP. */
export async function moveOrder(sql: Sql, order: Order, event: OrderStep, facts: Facts, act: Act): Promise<Order> {
  const step = stepOrder(order.state, event)
  if (!step.legal)
    fail('SIM_STEP', {
      what: `the eSIM order ${order.orderId}`,
      state: order.state,
      event,
      possible: possibleOrderSteps(order.state),
    })
  await sql.run(
    `update esim_order set state = ?, pending = null, pending_until = 0, iccid = coalesce(?, iccid), eid = coalesce(?, eid),
     matching_id = coalesce(?, matching_id), smdp_address = coalesce(?, smdp_address), cc_required = coalesce(?, cc_required), changed_at = ?
     where order_id = ?`,
    step.state,
    facts.iccid ?? null,
    facts.eid ?? null,
    facts.matchingId ?? null,
    facts.smdpAddress ?? null,
    facts.ccRequired === undefined ? null : facts.ccRequired ? 1n : 0n,
    act.now,
    order.orderId,
  )
  const change = { subject: subjectOf(order.orderId), kind: event, from: order.state, to: step.state }
  await recordEvent(sql, change, act)
  const data = { order: order.orderId, iccid: facts.iccid ?? order.iccid ?? null, state: step.state }
  await emit(sql, [{ tenant: order.tenant, type: 'esim-order.changed', subject: order.orderId, data, at: act.now }])
  const eid = facts.eid ?? order.eid
  const iccid = facts.iccid ?? order.iccid
  const linked = event === 'link' || facts.eid !== undefined
  if (linked && eid !== undefined && iccid !== undefined) await setEid(sql, iccid, eid)
  return lockOrder(sql, order.orderId)
}

/** On which phone's chip a SIM is. */
const setEid = (sql: Sql, iccid: string, eid: string): Promise<number> =>
  sql.run('update sim set eid = ? where iccid = ?', eid, iccid)

/** Writes down, before it is asked, what the SM-DP+ is asked; with the matching id that the order is to have. */
export async function setPending(
  sql: Sql,
  orderId: string,
  pending: Es2Function,
  until: bigint,
  matchingId: string | undefined,
): Promise<void> {
  await sql.run(
    'update esim_order set pending = ?, pending_until = ?, matching_id = coalesce(?, matching_id) where order_id = ?',
    pending,
    until,
    matchingId ?? null,
    orderId,
  )
}

/** The answer came and was no, or none came: `unknown` keeps what was asked. */
export async function endPending(
  sql: Sql,
  order: Order,
  outcome: { readonly code: ErrorCode; readonly unknown: boolean },
  act: Act,
): Promise<void> {
  await sql.run(
    'update esim_order set pending = ?, pending_until = 0 where order_id = ?',
    outcome.unknown ? (order.pending ?? null) : null,
    order.orderId,
  )
  const kind = `${order.pending} ${outcome.code}`
  await recordEvent(sql, { subject: subjectOf(order.orderId), kind, from: order.state, to: order.state }, act)
}

export interface OrderFilter extends Page {
  readonly tenant?: string | undefined
  readonly state?: string | undefined
}

/** Orders by number; `more` when others follow. */
export async function listOrders(
  sql: Sql,
  { limit, after = '', tenant, state }: OrderFilter,
): Promise<{ orders: Order[]; more: boolean }> {
  const byTenant = tenant === undefined ? '' : ' and tenant_id = ?'
  const byState = state === undefined ? '' : ' and state = ?'
  const rows = await sql.rows<Row>(
    `${SELECT} where order_id > ?${byTenant}${byState} order by order_id limit ?`,
    after,
    ...[tenant, state].filter((value) => value !== undefined),
    BigInt(limit + 1),
  )
  return { orders: rows.slice(0, limit).map(orderOf), more: rows.length > limit }
}
