// What partners may want to be told: written in the transaction of what happened, delivered to their webhooks later.
import type { PayerId } from '../../kernel/ids.ts'
import { type Millis, toJson } from '../../kernel/units.ts'
import type { Sql, Target } from '../../store/sql.ts'

/** `data` of each is described in core/docs/partner-api.md. */
export const PARTNER_EVENTS = [
  'balance.threshold',
  'balance.exhausted',
  'balance.expired',
  'subscription.changed',
  'sim.changed',
  'batch.finished',
  'esim-order.changed',
  'port.changed',
  'job.finished',
  'webhook.test',
] as const
export type PartnerEventType = (typeof PARTNER_EVENTS)[number]

export interface PartnerEvent {
  readonly tenant: PayerId
  readonly type: PartnerEventType
  /** The object that it happened to: id of the subscriber, batch, order, job. */
  readonly subject: string
  /** JSON, bigint allowed. No keys, no IMSI. */
  readonly data: unknown
  readonly at: Millis
}

const EVENTS: Target = {
  table: 'partner_event',
  columns: ['tenant_id', 'type', 'subject', 'data', 'at', 'taken'],
}

/**
 * Says to the tenants' webhooks what the caller's transaction does; nobody hears of it unless that commits. Ids of the events that
 * somebody may hear, in no certain order: for a tenant without webhooks nothing is written.
 */
export async function emit(sql: Sql, events: readonly PartnerEvent[]): Promise<bigint[]> {
  if (events.length === 0) return []
  const tenants = [...new Set(events.map(({ tenant }) => tenant))].sort()
  const listening = await sql.find<{ tenant_id: PayerId }>('select tenant_id from webhook', 'tenant_id', tenants)
  const heard = new Set(listening.map(({ tenant_id }) => tenant_id))
  const rows = await sql.insertReturning<{ event_id: bigint }>(
    EVENTS,
    'event_id',
    events
      .filter(({ tenant }) => heard.has(tenant))
      .map(({ tenant, type, subject, data, at }) => [tenant, type, subject, toJson(data), at, 0n]),
  )
  return rows.map(({ event_id }) => event_id)
}
