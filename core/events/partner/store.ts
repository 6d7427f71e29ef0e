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

/** Says to the tenants' webhooks what the caller's transaction does; nobody hears of it unless that commits. Ids in no certain order. */
export async function emit(sql: Sql, events: readonly PartnerEvent[]): Promise<bigint[]> {
  const rows = await sql.insertReturning<{ event_id: bigint }>(
    EVENTS,
    'event_id',
    events.map(({ tenant, type, subject, data, at }) => [tenant, type, subject, toJson(data), at, 0n]),
  )
  return rows.map(({ event_id }) => event_id)
}
