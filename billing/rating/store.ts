// The rating stage: usage events become charges, one transfer each, at the subscriber's flat tariff.
import type { Stage } from '../../core/events/journal.ts'
import type { SubscriberDirectory } from '../../core/events/ports.ts'
import { USAGE_FLAG } from '../../core/events/usage-event.ts'
import type { SubscriberId } from '../../core/kernel/ids.ts'
import { type Microtokens, type Millis, octets } from '../../core/kernel/units.ts'
import { readCursor, writeCursor } from '../../core/store/cursor.ts'
import type { Store } from '../../core/store/store.ts'
import { revenueOf, usageOf } from '../ledger/accounts.ts'
import { postTransfers, remainders, type Transfer } from '../ledger/store.ts'
import { rate } from './rate.ts'

const STAGE = 'rating'
const BATCH = 500

interface Row {
  readonly event_id: bigint
  readonly subscriber_id: SubscriberId | null
  readonly end_at: Millis
  readonly uplink: bigint
  readonly downlink: bigint
  readonly flags: bigint
}

export interface RatingDeps {
  readonly store: Store
  readonly subscribers: SubscriberDirectory
}

/**
 * Events of nobody we know, and events whose counter fell, are not charged: nobody is billed for octets that are in doubt.
 * `price`: microtokens per 1,000,000 octets.
 */
export function createRatingStage({ store, subscribers }: RatingDeps, price: Microtokens): Stage {
  return {
    name: STAGE,
    async step(limit = BATCH) {
      await subscribers.refresh()
      return store.batch((database) => {
        const events = database
          .prepare(
            'select event_id, subscriber_id, end_at, uplink, downlink, flags from usage_event where event_id > ? order by event_id limit ?',
          )
          .all(readCursor(database, STAGE), limit) as Row[]
        const last = events.at(-1)
        if (!last) return 0
        const carried = remainders(database)
        const left = new Map<SubscriberId, bigint>()
        const transfers: Transfer[] = []
        for (const event of events) {
          const { subscriber_id: subscriber } = event
          if (subscriber === null || (Number(event.flags) & USAGE_FLAG.counterFell) !== 0) continue
          const known = subscribers.byId(subscriber)
          if (!known) continue
          const before = left.get(subscriber) ?? carried.read(usageOf(subscriber))
          const { amount, remainder } = rate(octets(event.uplink + event.downlink), price, before)
          left.set(subscriber, remainder)
          transfers.push({
            cause: `usage:${event.event_id}`,
            debit: usageOf(subscriber),
            credit: revenueOf(known.payer),
            amount,
            at: event.end_at,
          })
        }
        postTransfers(database, transfers)
        for (const [subscriber, remainder] of left) carried.write(usageOf(subscriber), remainder)
        writeCursor(database, STAGE, last.event_id)
        return events.length
      })
    },
  }
}

export interface UsageRow {
  readonly event_id: bigint
  readonly subscriber_id: string | null
  readonly radio_id: string | null
  readonly access: string
  readonly start_at: bigint
  readonly end_at: bigint
  readonly uplink: bigint
  readonly downlink: bigint
  readonly cause: string
  /** Microtokens charged to the subscriber; null until the event is rated, or when it is not charged. */
  readonly charge: bigint | null
}

export interface UsageFilter {
  readonly subscriber: string | undefined
  readonly radio: string | undefined
  readonly limit: number
}

/** The newest events first. */
export function listUsage({ db }: Store, { subscriber, radio, limit }: UsageFilter): Promise<UsageRow[]> {
  let query = db
    .selectFrom('usage_event')
    .leftJoin('ledger_transfer', (join) =>
      join.on((eb) =>
        eb('ledger_transfer.cause', '=', eb.fn<string>('concat', [eb.val('usage:'), eb.ref('usage_event.event_id')])),
      ),
    )
    .select([
      'usage_event.event_id',
      'usage_event.subscriber_id',
      'usage_event.radio_id',
      'usage_event.access',
      'usage_event.start_at',
      'usage_event.end_at',
      'usage_event.uplink',
      'usage_event.downlink',
      'usage_event.cause',
      'ledger_transfer.amount as charge',
    ])
    .orderBy('usage_event.event_id', 'desc')
    .limit(limit)
  if (subscriber !== undefined) query = query.where('usage_event.subscriber_id', '=', subscriber)
  if (radio !== undefined) query = query.where('usage_event.radio_id', '=', radio)
  return query.execute() as Promise<UsageRow[]>
}
