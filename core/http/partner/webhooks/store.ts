// Webhooks and what is to be delivered to them.
import type { PayerId } from '../../../kernel/ids.ts'
import type { Millis } from '../../../kernel/units.ts'
import type { Sql, Target } from '../../../store/sql.ts'

export interface Webhook {
  readonly webhook_id: string
  readonly tenant_id: PayerId
  readonly url: string
  /** Types of events, parted by spaces; '*' for all. */
  readonly types: string
  /** Sealed under `webhook <id>`. */
  readonly secret: Uint8Array
  /** 'gone': its server has said so (410). */
  readonly state: 'active' | 'paused' | 'gone'
  readonly created_at: Millis
  readonly changed_at: Millis
}

const COLUMNS = ['webhook_id', 'tenant_id', 'url', 'types', 'secret', 'state', 'created_at', 'changed_at'] as const
const WEBHOOKS: Target = { table: 'webhook', columns: COLUMNS }
const WEBHOOK = `select ${COLUMNS.join(', ')} from webhook`
const DELIVERIES: Target = {
  table: 'webhook_delivery',
  columns: ['event_id', 'webhook_id', 'tenant_id', 'state', 'attempts', 'next_at', 'changed_at'],
  conflict: '(event_id, webhook_id) do nothing',
}

export const addWebhook = (sql: Sql, webhook: Webhook): Promise<number> =>
  sql.insert(WEBHOOKS, [COLUMNS.map((column) => webhook[column])])

export const listWebhooks = (sql: Sql, tenant: PayerId): Promise<Webhook[]> =>
  sql.rows<Webhook>(`${WEBHOOK} where tenant_id = ? order by webhook_id`, tenant)

export async function readWebhook(sql: Sql, tenant: PayerId, id: string, lock?: 'lock'): Promise<Webhook | undefined> {
  const [row] = await sql.find<Webhook>(WEBHOOK, 'webhook_id', [id], lock)
  return row?.tenant_id === tenant ? row : undefined
}

export const changeWebhook = (sql: Sql, { webhook_id, url, types, state }: Webhook, at: Millis): Promise<number> =>
  sql.run(
    'update webhook set url = ?, types = ?, state = ?, changed_at = ? where webhook_id = ?',
    ...[url, types, state, at, webhook_id],
  )

/** With what was to be delivered to it. */
export async function removeWebhook(sql: Sql, id: string): Promise<void> {
  await sql.run('delete from webhook_delivery where webhook_id = ?', id)
  await sql.run('delete from webhook where webhook_id = ?', id)
}

/** Writes the deliveries of events that nobody has taken yet, at most `limit` events; resolves with how many there were. */
export async function fanOut(sql: Sql, now: Millis, limit: number): Promise<number> {
  const events = await sql.rows<{ event_id: bigint; tenant_id: PayerId; type: string }>(
    'select event_id, tenant_id, type from partner_event where taken = 0 order by event_id limit ?',
    BigInt(limit),
  )
  if (events.length === 0) return 0
  const tenants = [...new Set(events.map(({ tenant_id }) => tenant_id))].sort()
  const webhooks = (await sql.find<Webhook>(WEBHOOK, 'tenant_id', tenants)).filter(({ state }) => state === 'active')
  const due = events.flatMap(({ event_id, tenant_id, type }) =>
    webhooks
      .filter((webhook) => webhook.tenant_id === tenant_id && hears(webhook, type))
      .map(({ webhook_id }) => [event_id, webhook_id, tenant_id, 'due', 0n, now, now]),
  )
  await sql.insert(DELIVERIES, due)
  for (const { event_id } of events) await sql.run('update partner_event set taken = 1 where event_id = ?', event_id)
  return events.length
}

const hears = ({ types }: Webhook, type: string): boolean => types === '*' || types.split(' ').includes(type)

export interface DueDelivery {
  readonly delivery_no: bigint
  readonly attempts: bigint
  readonly event_id: bigint
  readonly type: string
  readonly subject: string
  /** JSON. */
  readonly data: string
  readonly at: Millis
  readonly webhook_id: string
  readonly url: string
  readonly secret: Uint8Array
}

/** What is due at `now`, the longest waiting first. What is paused waits. */
export const dueDeliveries = (sql: Sql, now: Millis, limit: number): Promise<DueDelivery[]> =>
  sql.rows<DueDelivery>(
    `select d.delivery_no, d.attempts, e.event_id, e.type, e.subject, e.data, e.at, w.webhook_id, w.url, w.secret
     from webhook_delivery d join partner_event e on e.event_id = d.event_id join webhook w on w.webhook_id = d.webhook_id
     where d.state = 'due' and d.next_at <= ? and w.state = 'active' order by d.next_at limit ?`,
    ...[now, BigInt(limit)],
  )

export interface Outcome {
  readonly state: 'delivered' | 'due' | 'dead'
  /** HTTP status; undefined without an answer. */
  readonly status: number | undefined
  readonly error: string | undefined
  readonly next: Millis
}

export const keepOutcome = (sql: Sql, delivery: bigint, outcome: Outcome, at: Millis): Promise<number> =>
  sql.run(
    `update webhook_delivery set state = ?, attempts = attempts + 1, last_status = ?, last_error = ?, next_at = ?, changed_at = ?
     where delivery_no = ? and state = 'due'`,
    ...[outcome.state, outcome.status === undefined ? null : BigInt(outcome.status), outcome.error ?? null],
    ...[outcome.next, at, delivery],
  )

export const markGone = (sql: Sql, webhook: string, at: Millis): Promise<number> =>
  sql.run(`update webhook set state = 'gone', changed_at = ? where webhook_id = ?`, at, webhook)

export interface Delivery {
  readonly delivery_no: bigint
  readonly event_id: bigint
  readonly type: string
  readonly subject: string
  readonly at: Millis
  readonly state: Outcome['state']
  readonly attempts: bigint
  readonly next_at: Millis
  readonly last_status: bigint | null
  readonly last_error: string | null
  readonly changed_at: Millis
}

export interface DeliveryFilter {
  readonly webhook: string
  readonly state: string | undefined
  readonly after: bigint
  readonly limit: number
}

/** The oldest first. */
export const listDeliveries = (sql: Sql, { webhook, state, after, limit }: DeliveryFilter): Promise<Delivery[]> =>
  sql.rows<Delivery>(
    `select d.delivery_no, d.event_id, e.type, e.subject, e.at, d.state, d.attempts, d.next_at, d.last_status, d.last_error, d.changed_at
     from webhook_delivery d join partner_event e on e.event_id = d.event_id
     where d.webhook_id = ? and d.delivery_no > ? ${state === undefined ? '' : 'and d.state = ?'} order by d.delivery_no limit ?`,
    ...[webhook, after, ...(state === undefined ? [] : [state]), BigInt(limit)],
  )

/** Delivers an event of the tenant to a webhook, once more or for the first time; false where there is no such event. */
export async function deliverAgain(
  sql: Sql,
  { webhook_id, tenant_id }: Webhook,
  event: bigint,
  at: Millis,
): Promise<boolean> {
  const known = await sql.row('select 1 from partner_event where event_id = ? and tenant_id = ?', event, tenant_id)
  if (!known) return false
  await sql.insert(DELIVERIES, [[event, webhook_id, tenant_id, 'due', 0n, at, at]])
  await sql.run(
    `update webhook_delivery set state = 'due', attempts = 0, next_at = ?, changed_at = ? where event_id = ? and webhook_id = ?`,
    ...[at, at, event, webhook_id],
  )
  return true
}

/** Forgets events older than 30 days with their deliveries, at most `limit`; resolves with how many. */
export async function forgetEvents(sql: Sql, now: Millis, limit = 500): Promise<number> {
  const rows = await sql.rows<{ event_id: bigint; at: Millis }>(
    'select event_id, at from partner_event order by event_id limit ?',
    BigInt(limit),
  )
  const old = rows.filter(({ at }) => at < now - KEPT)
  for (const { event_id } of old) {
    await sql.run('delete from webhook_delivery where event_id = ?', event_id)
    await sql.run('delete from partner_event where event_id = ?', event_id)
  }
  return old.length
}

/** Milliseconds. */
const KEPT = 30n * 86_400_000n
