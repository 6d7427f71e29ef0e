// What the receipts stage reads and writes besides the log itself, all inside its one transaction.
import type { Access, RadioEvent } from '../../../core/events/usage-event.ts'
import type { RadioId, SubscriberId } from '../../../core/kernel/ids.ts'
import { type Millis, millis, type Octets } from '../../../core/kernel/units.ts'
import type { Sql, Target, Value } from '../../../core/store/sql.ts'
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

export function usageAfter(sql: Sql, position: bigint, limit: number): Promise<UsageRow[]> {
  return sql.rows(
    `select event_id, origin, session_id, sequence, subscriber_id, radio_id, access, start_at, end_at, uplink, downlink, received_at, flags
     from usage_event where event_id > ? order by event_id limit ?`,
    position,
    BigInt(limit),
  )
}

/** What the public log says of radios: all but their classes, which are the tenants' business. */
export function radioEventsAfter(sql: Sql, position: bigint, limit: number): Promise<RadioRow[]> {
  return sql.rows(
    `select event_id, kind, radio_id, owner_wallet, payout_wallet, at, reason, expires_at
     from radio_event where event_id > ? and kind <> 'class' order by event_id limit ?`,
    position,
    BigInt(limit),
  )
}

/**
 * The number of the open epoch. Without one, the next is opened at `at`, beginning where the one before ended. The caller has locked
 * the log, so that of two nodes one opens it.
 */
export async function openEpoch(sql: Sql, at: Millis): Promise<bigint> {
  const open = await sql.row<{ epoch: bigint }>(`select epoch from epoch where state = 'open' order by epoch limit 1`)
  if (open) return open.epoch
  const last = await sql.row<{ epoch: bigint; last_index: bigint | null }>(
    'select epoch, last_index from epoch order by epoch desc limit 1',
  )
  const epoch = (last?.epoch ?? 0n) + 1n
  const first = (last?.last_index ?? -1n) + 1n
  await sql.insert(EPOCHS, [[epoch, 'open', at, first, 0n]])
  return epoch
}

const EPOCHS: Target = { table: 'epoch', columns: ['epoch', 'state', 'opened_at', 'first_index', 'total'] }

export interface RadioState {
  standing: RadioStanding | undefined
  nextSeq: bigint
}

interface StandingRow {
  readonly radio_id: string
  readonly owner_wallet: string
  readonly payout_wallet: string
  readonly next_seq: bigint
  readonly banned_from: bigint | null
  readonly banned_until: bigint | null
}

const STANDINGS: Target = {
  table: 'policy_radio',
  columns: ['radio_id', 'owner_wallet', 'payout_wallet', 'next_seq', 'claim_seq', 'banned_from', 'banned_until'],
  conflict: `(radio_id) do update set owner_wallet = excluded.owner_wallet, payout_wallet = excluded.payout_wallet,
    next_seq = excluded.next_seq, banned_from = excluded.banned_from, banned_until = excluded.banned_until`,
}

/** Radios to a statement. */
const RADIOS = 16
/** A look-up of each radio's newest receipt, however many receipts it has. */
const NEWEST_RECEIPTS = `with wanted (radio_id) as (values ${listOf(RADIOS, '(cast(? as text))', ', ')})
  select radio_id, (select max(radio_seq) from receipt where receipt.radio_id = wanted.radio_id) as last from wanted`

/** The states of radios, for the caller to change and save. A radio that nobody has claimed has receipts too, and no row. */
export async function readRadioStates(sql: Sql, radios: Iterable<string>): Promise<Map<string, RadioState>> {
  const wanted = new Set(radios)
  const states = new Map<string, RadioState>()
  const rows = await sql.find<StandingRow>(
    'select radio_id, owner_wallet, payout_wallet, next_seq, banned_from, banned_until from policy_radio',
    'radio_id',
    [...wanted],
  )
  for (const row of rows) {
    states.set(row.radio_id, { standing: standingOf(row), nextSeq: row.next_seq })
    wanted.delete(row.radio_id)
  }
  for (const group of groupsOf(RADIOS, [...wanted])) {
    const newest = await sql.rows<{ radio_id: string; last: bigint | null }>(NEWEST_RECEIPTS, ...group)
    for (const { radio_id, last } of newest) states.set(radio_id, { standing: undefined, nextSeq: (last ?? 0n) + 1n })
  }
  return states
}

export async function saveRadioStates(sql: Sql, states: ReadonlyMap<string, RadioState>): Promise<void> {
  const rows: Value[][] = []
  for (const [radio, { standing, nextSeq }] of states) {
    if (!standing) continue
    const { owner, payout, ban } = standing
    rows.push([radio, owner, payout, nextSeq, 0n, ban?.from ?? null, ban?.until ?? null])
  }
  await sql.insert(STANDINGS, rows)
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

/** What a session's event was before it had a number here: two with the same are one piece of usage, reported twice. */
export interface Piece {
  readonly sessionRef: Uint8Array
  readonly sequence: bigint
}

export const pieceKey = ({ sessionRef, sequence }: Piece): string =>
  `${Buffer.from(sessionRef).toString('latin1')} ${sequence}`

/** Pieces to a statement. */
const PIECES = 32
const SELECT_PIECES = `select event_id, session_ref, sequence from receipt
  where ${listOf(PIECES, 'session_ref = ? and sequence = ?', ' or ')}`

/** The events that already have a receipt, by the key of their piece of usage. */
export async function receiptedEvents(sql: Sql, pieces: readonly Piece[]): Promise<Map<string, Set<bigint>>> {
  const events = new Map<string, Set<bigint>>()
  for (const group of groupsOf(PIECES, pieces)) {
    const values = group.flatMap(({ sessionRef, sequence }) => [sessionRef, sequence])
    const rows = await sql.rows<{ event_id: bigint; session_ref: Uint8Array; sequence: bigint }>(
      SELECT_PIECES,
      ...values,
    )
    for (const { event_id, session_ref, sequence } of rows) {
      const key = pieceKey({ sessionRef: session_ref, sequence })
      const known = events.get(key) ?? new Set()
      events.set(key, known.add(event_id))
    }
  }
  return events
}

const RECEIPTS: Target = {
  table: 'receipt',
  columns: [
    'entry_index',
    'event_id',
    'epoch',
    'payer_id',
    'radio_id',
    'radio_seq',
    'counted',
    'verdict',
    'session_ref',
    'sequence',
  ],
}

export async function insertReceipts(sql: Sql, receipts: readonly ReceiptRow[]): Promise<void> {
  await sql.insert(
    RECEIPTS,
    receipts.map(({ index, event, epoch, payer, radio, radioSeq, counted, verdict, sessionRef, sequence }) => [
      index,
      event,
      epoch,
      payer,
      radio,
      radioSeq,
      counted,
      verdict,
      sessionRef,
      sequence,
    ]),
  )
}

function listOf(length: number, item: string, separator: string): string {
  return Array.from({ length }, () => item).join(separator)
}

/** Groups of exactly `size`, so that one prepared statement does for all: the last item fills the last group. */
function* groupsOf<Item>(size: number, items: readonly Item[]): Generator<Item[]> {
  for (let from = 0; from < items.length; from += size) {
    const group = items.slice(from, from + size)
    const last = group.at(-1)
    while (last !== undefined && group.length < size) group.push(last)
    yield group
  }
}
