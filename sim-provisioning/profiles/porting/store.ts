// Numbers on their way between operators, as rows.
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { emit } from '../../../core/events/partner/store.ts'
import { fail } from '../../../core/kernel/errors.ts'
import type { PayerId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import type { Msisdn } from '../msisdn.ts'
import type { PortState } from '../subscription-machine.ts'

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
  readonly tenant: PayerId
  readonly state: PortState
  /** The order's name at the other side. */
  readonly reference: string | undefined
  readonly reason: string | undefined
  readonly created: Millis
  readonly changed: Millis
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
  readonly tenant_id: PayerId
  readonly subscriber_id: SubscriberId
  readonly partner: string
  readonly account: string | null
  readonly foc_at: Millis | null
  readonly state: PortState
  readonly reference: string | null
  readonly reason: string | null
  readonly created_at: Millis
  readonly changed_at: Millis
}

const COLUMNS =
  'port_id, direction, msisdn, tenant_id, subscriber_id, partner, account, foc_at, state, reference, reason, created_at, changed_at'
const SELECT = `select ${COLUMNS} from number_port`

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
  reason: row.reason ?? undefined,
  created: row.created_at,
  changed: row.changed_at,
})

const SALT_OCTETS = 16
const HASH_OCTETS = 32

/** scrypt: a PIN is short enough to be tried out. */
export function hashPin(pin: string, salt: Uint8Array = randomBytes(SALT_OCTETS)): string {
  return `scrypt:${Buffer.from(salt).toString('hex')}:${scryptSync(pin, salt, HASH_OCTETS).toString('hex')}`
}

export function checkPin(pin: string, hash: string): boolean {
  const [, salt = '', wanted = ''] = hash.split(':')
  const made = hashPin(pin, Buffer.from(salt, 'hex')).split(':')[2] ?? ''
  return made.length === wanted.length && timingSafeEqual(Buffer.from(made), Buffer.from(wanted))
}

/** A new port, with the hash of its PIN; undefined where the number is being ported already. */
export async function insertPort(
  sql: Sql,
  tenant: PayerId,
  order: Omit<PortRequest, 'pin'> & { readonly pinHash: string | undefined },
  now: Millis,
): Promise<Port | undefined> {
  const [row] = await sql.insertReturning<Row>(PORT, COLUMNS, [
    [
      ...[order.direction, order.msisdn, tenant, order.subscriber, order.partner, order.account ?? null],
      ...[order.pinHash ?? null, order.foc ?? null, 'requested', now, now],
    ],
  ])
  return row && portOf(row)
}

/** Locked until the transaction ends. Throws PORT_UNKNOWN, also for another tenant's. */
export async function lockPort(sql: Sql, portId: bigint, tenant?: PayerId): Promise<Port> {
  const [row] = await sql.find<Row>(SELECT, 'port_id', [portId], 'lock')
  if (row === undefined || (tenant !== undefined && row.tenant_id !== tenant))
    return fail('PORT_UNKNOWN', { port: portId })
  return portOf(row)
}

/** As `lockPort`, without the lock. */
export async function needPort(sql: Sql, portId: bigint, tenant?: PayerId): Promise<Port> {
  const row = await sql.row<Row>(`${SELECT} where port_id = ?`, portId)
  if (row === undefined || (tenant !== undefined && row.tenant_id !== tenant))
    return fail('PORT_UNKNOWN', { port: portId })
  return portOf(row)
}

/** Of a port that is locked. */
export async function changePort(
  sql: Sql,
  port: Port,
  {
    state,
    reference,
    reason,
  }: { readonly state: PortState; readonly reference?: string | undefined; readonly reason?: string | undefined },
  now: Millis,
): Promise<Port> {
  await sql.run(
    'update number_port set state = ?, reference = coalesce(?, reference), reason = coalesce(?, reason), changed_at = ? where port_id = ?',
    state,
    reference ?? null,
    reason ?? null,
    now,
    port.portId,
  )
  const { portId, direction, subscriber, tenant } = port
  const data = { port: portId, direction, subscriber, state }
  await emit(sql, [{ tenant, type: 'port.changed', subject: String(portId), data, at: now }])
  return { ...port, state, reference: reference ?? port.reference, reason: reason ?? port.reason, changed: now }
}

export interface PortFilter {
  readonly limit: number
  readonly after?: bigint | undefined
  readonly tenant?: string | undefined
  readonly direction?: 'in' | 'out' | undefined
  /** Under way, or over. */
  readonly open?: boolean | undefined
}

/** In the order of their making; `more` when others follow. */
export async function listPorts(
  sql: Sql,
  { limit, after = 0n, tenant, direction, open }: PortFilter,
): Promise<{ ports: Port[]; more: boolean }> {
  const conditions = ['port_id > ?']
  if (tenant !== undefined) conditions.push('tenant_id = ?')
  if (direction !== undefined) conditions.push('direction = ?')
  if (open !== undefined) conditions.push(`${open ? '' : 'not '}(state not in ('completed', 'refused', 'cancelled'))`)
  const rows = await sql.rows<Row>(
    `${SELECT} where ${conditions.join(' and ')} order by port_id limit ?`,
    after,
    ...[tenant, direction].filter((value) => value !== undefined),
    BigInt(limit + 1),
  )
  return { ports: rows.slice(0, limit).map(portOf), more: rows.length > limit }
}
