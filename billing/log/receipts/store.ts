// What the receipts stage reads and writes besides the log itself, all inside its one transaction.
import type { Access, RadioEvent } from '../../../core/events/usage-event.ts'
import type { RadioId, SubscriberId } from '../../../core/kernel/ids.ts'
import { type Millis, millis, type Octets } from '../../../core/kernel/units.ts'
import type { RawDatabase } from '../../../core/store/store.ts'
import type { RadioStanding } from '../../policy/registry.ts'
import type { Verdict } from '../../policy/verdict.ts'

export interface UsageRow {
  readonly event_id: bigint
  readonly origin: string
  readonly session_id: string
  readonly sequence: bigint
  readonly subscriber_id: SubscriberId | null
  readonly radio_id: RadioId | null
  readonly access: Access
  readonly start_at: Millis
  readonly end_at: Millis
  readonly uplink: Octets
  readonly downlink: Octets
  readonly received_at: Millis
  readonly flags: bigint
}

export interface RadioRow {
  readonly event_id: bigint
  readonly kind: RadioEvent['kind']
  readonly radio_id: RadioId
  readonly owner_wallet: string
  readonly payout_wallet: string
  readonly at: Millis
  readonly reason: string | null
  readonly expires_at: Millis | null
}

export function usageAfter(database: RawDatabase, position: bigint, limit: number): UsageRow[] {
  return database
    .prepare(
      `select event_id, origin, session_id, sequence, subscriber_id, radio_id, access, start_at, end_at, uplink, downlink, received_at, flags
       from usage_event where event_id > ? order by event_id limit ?`,
    )
    .all(position, limit) as UsageRow[]
}

export function radioEventsAfter(database: RawDatabase, position: bigint, limit: number): RadioRow[] {
  return database
    .prepare('select * from radio_event where event_id > ? order by event_id limit ?')
    .all(position, limit) as RadioRow[]
}

/** The number of the open epoch. Without one, the next is opened at `at`, beginning where the one before ended. */
export function openEpoch(database: RawDatabase, at: Millis): bigint {
  const open = database.prepare(`select epoch from epoch where state = 'open' order by epoch limit 1`).get() as
    | { epoch: bigint }
    | undefined
  if (open) return open.epoch
  const last = database.prepare('select epoch, last_index from epoch order by epoch desc limit 1').get() as
    | { epoch: bigint; last_index: bigint | null }
    | undefined
  const epoch = (last?.epoch ?? 0n) + 1n
  const first = (last?.last_index ?? -1n) + 1n
  database
    .prepare(`insert into epoch (epoch, state, opened_at, first_index, total) values (?, 'open', ?, ?, 0)`)
    .run(epoch, at, first)
  return epoch
}

export interface RadioState {
  standing: RadioStanding | undefined
  nextSeq: bigint
}

interface StandingRow {
  readonly owner_wallet: string
  readonly payout_wallet: string
  readonly next_seq: bigint
  readonly banned_from: bigint | null
  readonly banned_until: bigint | null
}

export interface RadioStates {
  /** May be changed until `save`. */
  of(radio: string): RadioState
  save(): void
}

/** The state of radios, read on first use and written back by `save`. A radio that nobody has claimed has receipts too, and no row. */
export function radioStates(database: RawDatabase): RadioStates {
  const select = database.prepare('select * from policy_radio where radio_id = ?')
  const newest = database.prepare('select max(radio_seq) as last from receipt where radio_id = ?')
  const upsert = database.prepare(
    `insert into policy_radio (radio_id, owner_wallet, payout_wallet, next_seq, claim_seq, banned_from, banned_until)
     values (?, ?, ?, ?, 0, ?, ?)
     on conflict (radio_id) do update set owner_wallet = excluded.owner_wallet, payout_wallet = excluded.payout_wallet,
       next_seq = excluded.next_seq, banned_from = excluded.banned_from, banned_until = excluded.banned_until`,
  )
  const states = new Map<string, RadioState>()

  const load = (radio: string): RadioState => {
    const row = select.get(radio) as StandingRow | undefined
    if (row) return { standing: standingOf(row), nextSeq: row.next_seq }
    const { last } = newest.get(radio) as { last: bigint | null }
    return { standing: undefined, nextSeq: (last ?? 0n) + 1n }
  }

  return {
    of(radio) {
      const state = states.get(radio) ?? load(radio)
      states.set(radio, state)
      return state
    },
    save() {
      for (const [radio, { standing, nextSeq }] of states) {
        if (!standing) continue
        const { owner, payout, ban } = standing
        upsert.run(radio, owner, payout, nextSeq, ban?.from ?? null, ban?.until ?? null)
      }
    },
  }
}

function standingOf({ owner_wallet, payout_wallet, banned_from, banned_until }: StandingRow): RadioStanding {
  const until = banned_until === null ? undefined : millis(banned_until)
  const ban = banned_from === null ? undefined : { from: millis(banned_from), until }
  return { owner: owner_wallet, payout: payout_wallet, ban }
}

export interface ReceiptRow {
  readonly index: bigint
  readonly event: bigint
  readonly epoch: bigint
  /** '' when unknown. */
  readonly payer: string
  /** '' when unknown. */
  readonly radio: string
  readonly radioSeq: bigint
  readonly counted: Octets
  readonly verdict: Verdict
  readonly sessionRef: Uint8Array
  readonly sequence: bigint
}

export interface Receipts {
  /** The events that already have a receipt for this piece of usage. */
  receipted(sessionRef: Uint8Array, sequence: bigint): readonly bigint[]
  insert(receipt: ReceiptRow): void
}

export function receiptTable(database: RawDatabase): Receipts {
  const known = database.prepare('select event_id from receipt where session_ref = ? and sequence = ?').pluck()
  const insert = database.prepare(
    `insert into receipt (entry_index, event_id, epoch, payer_id, radio_id, radio_seq, counted, verdict, session_ref, sequence)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  return {
    receipted: (sessionRef, sequence) => known.all(sessionRef, sequence) as bigint[],
    insert({ index, event, epoch, payer, radio, radioSeq, counted, verdict, sessionRef, sequence }) {
      insert.run(index, event, epoch, payer, radio, radioSeq, counted, verdict, sessionRef, sequence)
    },
  }
}
