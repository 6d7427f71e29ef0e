// What partners are told of their subscribers' balances.
import { emit, type PartnerEvent, type PartnerEventType } from '../../../core/events/partner/store.ts'
import type { PayerId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Sql } from '../../../core/store/sql.ts'
import type { ChargingEvent } from '../wallet/book.ts'

/** Undefined for what partners do themselves, or can see in their calendar. */
function typeOf({ kind, percent }: ChargingEvent): PartnerEventType | undefined {
  if (kind === 'threshold' || kind === 'cap') return percent === 100n ? 'balance.exhausted' : 'balance.threshold'
  if (kind === 'overuse') return 'balance.exhausted'
  return kind === 'expired' ? 'balance.expired' : undefined
}

/** Tells the webhooks of the tenants, in the transaction of the events. */
export async function tellPartners(sql: Sql, events: readonly ChargingEvent[]): Promise<void> {
  const worth = events.flatMap((event) => {
    const type = typeOf(event)
    return type === undefined ? [] : [{ type, event }]
  })
  if (worth.length === 0) return
  const rows = await sql.find<{ subscriber_id: SubscriberId; payer_id: PayerId }>(
    'select subscriber_id, payer_id from subscriber',
    'subscriber_id',
    [...new Set(worth.map(({ event }) => event.subscriber))].sort(),
  )
  const tenants = new Map(rows.map(({ subscriber_id, payer_id }) => [subscriber_id, payer_id]))
  await emit(
    sql,
    worth.flatMap(({ type, event }): PartnerEvent[] => {
      const { at, subscriber, kind, percent, amount, unit } = event
      const tenant = tenants.get(subscriber)
      const data = { subscriber, kind, percent: percent ?? null, amount: amount ?? null, unit: unit ?? null }
      return tenant === undefined ? [] : [{ tenant, type, subject: subscriber, data, at }]
    }),
  )
}
