// The rating stage: usage events become charges, by the subscriber's plan or, where that is not in the catalogue, at the flat tariff.
import { sql as raw } from 'kysely'
import type { Stage } from '../../core/events/journal.ts'
import type { RadioDirectory, SubscriberDirectory } from '../../core/events/ports.ts'
import { setAside } from '../../core/events/store.ts'
import { type Access, USAGE_FLAG } from '../../core/events/usage-event.ts'
import type { RadioId, SubscriberId } from '../../core/kernel/ids.ts'
import { type Microtokens, type Millis, octets, toJson } from '../../core/kernel/units.ts'
import { readCursor, writeCursor } from '../../core/store/cursor.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { createCatalogue } from '../charging/catalogue/store.ts'
import { chargeUsage, doubtOf, holdUsage, type UnreservedUsage } from '../charging/usage.ts'
import { AccountsFull } from '../charging/wallet/book.ts'
import { type AccountId, revenueOf, usageOf } from '../ledger/accounts.ts'
import {
  MOST_TOTAL,
  openAccounts,
  postUsage,
  readRemainders,
  type UsageTransfer,
  writeRemainders,
} from '../ledger/store.ts'
import { rate } from './rate.ts'

const STAGE = 'rating'
const BATCH = 500

interface Row {
  readonly event_id: bigint
  readonly subscriber_id: SubscriberId | null
  readonly radio_id: RadioId | null
  readonly access: Access
  readonly end_at: Millis
  readonly uplink: bigint
  readonly downlink: bigint
  readonly flags: bigint
}

export interface RatingDeps {
  readonly store: Store
  readonly subscribers: SubscriberDirectory
  readonly radios: Pick<RadioDirectory, 'byId' | 'refresh'>
  /** Names this node's accounts; as in `createCharging`. */
  readonly node: string
}

export interface RatingStage extends Stage {
  /**
   * Charges an event that was set aside, as if it were believed; false where the journal has it no more. What does not fit is set aside
   * again. Throws AccountsFull: these accounts have to be `crowded` then.
   */
  release(sql: Sql, event: bigint, crowded: Iterable<AccountId>): Promise<boolean>
}

/** The flags of events that are not charged: in doubt, or charged already. */
const UNCHARGED = USAGE_FLAG.counterFell | USAGE_FLAG.charged

/**
 * Events of nobody we know, and events whose counter fell, are not charged: nobody is billed for octets that are in doubt. Events of
 * subscribers whose plan is in the catalogue are charged by it, those of all others at `price`, microtokens per 1,000,000 octets.
 */
export function createRatingStage({ store, subscribers, radios, node }: RatingDeps, price: Microtokens): RatingStage {
  const catalogue = createCatalogue(price)
  const deps = { catalogue, node, radioClass: (radio: RadioId | undefined) => radio && radios.byId(radio)?.class }
  const usageOfEvent = (event: Row): UnreservedUsage | undefined => {
    const { event_id, subscriber_id, radio_id, access, end_at, uplink, downlink } = event
    const subscriber = subscriber_id === null ? undefined : subscribers.byId(subscriber_id)
    if (!subscriber || (Number(event.flags) & UNCHARGED) !== 0) return undefined
    return { event: event_id, subscriber, radio: radio_id ?? undefined, access, end: end_at, uplink, downlink }
  }
  return {
    name: STAGE,
    async setAside(reason) {
      return store.batch(async (sql) => {
        const [event] = await sql.rows<Row>(EVENTS, await readCursor(sql, STAGE), 1n)
        if (!event) return undefined
        const { event_id, end_at, subscriber_id } = event
        const source = `usage:${event_id}`
        await setAside(sql, { source, at: end_at, subscriber: subscriber_id ?? undefined, reason, row: toJson(event) })
        await writeCursor(sql, STAGE, event_id)
        return source
      })
    },
    async release(sql, event, crowded) {
      const [row] = await sql.rows<Row>(EVENTS, event - 1n, 1n)
      if (row?.event_id !== event) return false
      const usage = usageOfEvent(row)
      if (usage) {
        const believed = { ...deps, believed: true }
        await chargeFlat(sql, await chargeUsage(believed, sql, [usage], crowded), price, true)
      }
      return true
    },
    async step(limit = BATCH) {
      await Promise.all([subscribers.refresh(), radios.refresh()])
      const crowded = new Set<AccountId>()
      const once = async (sql: Sql): Promise<number> => {
        const events = await sql.rows<Row>(EVENTS, await readCursor(sql, STAGE), BigInt(limit))
        const last = events.at(-1)
        if (!last) return 0
        const usage = events.flatMap((event) => usageOfEvent(event) ?? [])
        await chargeFlat(sql, await chargeUsage(deps, sql, usage, crowded), price)
        await writeCursor(sql, STAGE, last.event_id)
        return events.length
      }
      for (;;)
        try {
          return await store.batch(once)
        } catch (error) {
          if (!(error instanceof AccountsFull)) throw error
          for (const account of error.accounts) crowded.add(account)
        }
    },
  }
}

const EVENTS = `select event_id, subscriber_id, radio_id, access, end_at, uplink, downlink, flags from usage_event
  where event_id > ? order by event_id limit ?`

/** Charges at the flat tariff. What would not fit the books is set aside, and the stage goes on. */
async function chargeFlat(
  sql: Sql,
  events: readonly UnreservedUsage[],
  price: Microtokens,
  believed = false,
): Promise<void> {
  if (events.length === 0) return
  const owing = [...new Set(events.map(({ subscriber }) => usageOf(subscriber.subscriber)))]
  const left = await readRemainders(sql, owing)
  const rows = await openAccounts(sql, [
    ...owing,
    ...new Set(events.map(({ subscriber }) => revenueOf(subscriber.payer))),
  ])
  const totals = new Map(
    [...rows].map(([account, { debits, credits }]) => [account, debits > credits ? debits : credits]),
  )
  const transfers: UsageTransfer[] = []
  const held: (UnreservedUsage & { readonly reason: string })[] = []
  for (const event of events) {
    const { subscriber, uplink, downlink } = event
    const [debit, credit] = [usageOf(subscriber.subscriber), revenueOf(subscriber.payer)]
    const doubt = believed ? undefined : doubtOf(uplink, downlink)
    const { amount, remainder } = rate(octets(uplink + downlink), price, left.get(debit) ?? 0n)
    const after = [debit, credit].map((account) => (totals.get(account) ?? 0n) + amount)
    if (doubt !== undefined || after.some((total) => total > MOST_TOTAL)) {
      held.push({ ...event, reason: doubt ?? 'the charge would not fit the books' })
      continue
    }
    left.set(debit, remainder)
    for (const account of [debit, credit]) totals.set(account, (totals.get(account) ?? 0n) + amount)
    transfers.push({
      source: 'usage',
      reference: event.event,
      cause: `usage:${event.event}`,
      debit,
      credit,
      amount,
      at: event.end,
    })
  }
  await postUsage(sql, transfers)
  await writeRemainders(sql, left)
  await holdUsage(sql, held)
}

export interface UsageRow {
  readonly event_id: bigint
  readonly origin: string
  readonly session_id: string
  /** Acct-Multi-Session-Id (RFC 2866 §5.11), the same for the sessions of a phone that roams between access points. */
  readonly multi_session: string | null
  readonly subscriber_id: string | null
  readonly radio_id: string | null
  readonly access: string
  readonly start_at: bigint
  readonly end_at: bigint
  readonly uplink: bigint
  readonly downlink: bigint
  readonly cause: string
  /** Money charged to the subscriber, micro-units of its plan's currency (microtokens at the flat tariff); null until the event is rated, or when it is not charged. */
  readonly charge: bigint | null
}

export interface UsageFilter {
  readonly subscriber: string | undefined
  readonly radio: string | undefined
  readonly limit: number
}

/** The newest events first. */
export async function listUsage({ db }: Store, { subscriber, radio, limit }: UsageFilter): Promise<UsageRow[]> {
  let query = db
    .selectFrom('usage_event')
    .select([
      'event_id',
      'origin',
      'session_id',
      'subscriber_id',
      'radio_id',
      'access',
      'start_at',
      'end_at',
      'uplink',
      'downlink',
      'cause',
    ])
    .select(
      raw<
        bigint | null
      >`(select cast(sum(t.amount) as bigint) from ledger_transfer t join ledger_account a on a.account_no = t.debit_account
        where t.source = 'usage' and t.reference = usage_event.event_id and a.unit not in ('octet', 'second', 'message'))`.as(
        'charge',
      ),
    )
    .orderBy('event_id', 'desc')
    .limit(limit)
  if (subscriber !== undefined) query = query.where('subscriber_id', '=', subscriber)
  if (radio !== undefined) query = query.where('radio_id', '=', radio)
  const rows = (await query.execute()) as Omit<UsageRow, 'multi_session'>[]
  if (rows.length === 0) return []
  const keys = [...new Set(rows.map(sessionKeyOf))]
  const sessions = await db
    .selectFrom('usage_session')
    .select(['session_key', 'multi_session'])
    .where('session_key', 'in', keys)
    .where('multi_session', 'is not', null)
    .execute()
  const links = new Map(sessions.map(({ session_key, multi_session }) => [session_key, multi_session]))
  return rows.map((row) => ({ ...row, multi_session: links.get(sessionKeyOf(row)) ?? null }))
}

/** Key of the accounting session that an event is of: its name without the number that tells uses of one Acct-Session-Id apart. */
const sessionKeyOf = ({ origin, session_id }: Pick<UsageRow, 'origin' | 'session_id'>): string =>
  `${origin}\u001f${session_id.replace(/#[0-9]+$/, '')}`
