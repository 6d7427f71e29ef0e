// Epochs and their payout rows in the database.

import type { Access } from '../../core/events/usage-event.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail } from '../../core/kernel/errors.ts'
import type { PayerId, RadioId, Wallet } from '../../core/kernel/ids.ts'
import type { Microtokens, Millis, Octets } from '../../core/kernel/units.ts'
import { readCursor } from '../../core/store/cursor.ts'
import type { RawDatabase, Store } from '../../core/store/store.ts'
import { decodeEntry } from '../log/entries/codec.ts'
import { ENTRY_TYPES } from '../log/entries/dictionary.ts'
import { openEpoch } from '../log/receipts/store.ts'
import { appendEntries } from '../log/store.ts'
import { type PolicyTerms, rateOf } from '../policy/policy.ts'
import { type CountedUsage, type PayoutRow, type PayoutTable, payouts } from './payout-table.ts'

/** What a radio has earned from a payer in an epoch: the ledger books it. */
export interface Reward {
  readonly epoch: bigint
  readonly payer: PayerId
  readonly radio: RadioId
  /** Above 0. */
  readonly amount: Microtokens
  readonly at: Millis
}

export interface CloseDeps {
  readonly store: Store
  readonly clock: Clock
  /** Origin of the log. */
  readonly origin: string
  /** Books the rewards in the transaction that closes the epoch. */
  postRewards(database: RawDatabase, rewards: readonly Reward[]): void
}

export interface ClosedEpoch {
  readonly epoch: bigint
  /** Its entries in the log, the last being the close entry. */
  readonly first: bigint
  readonly last: bigint
  readonly closedAt: Millis
  readonly table: PayoutTable
  /** Usage events without a receipt yet: the next epoch pays them. */
  readonly unjudged: bigint
}

/**
 * Closes the open epoch over all receipts in the log and opens the next, in one transaction: payout rows, close entry, rewards.
 * Usage that has no receipt yet falls into the next epoch.
 */
export function closeEpoch({ store, clock, origin, postRewards }: CloseDeps): Promise<ClosedEpoch> {
  return store.batch((database) => {
    const now = clock()
    const epoch = openEpoch(database, now)
    const first = firstIndex(database, epoch)
    const state = database.prepare('select size from log_state').get() as { size: bigint } | undefined
    const last = state?.size ?? 0n
    const table = payouts(countedUsage(database, epoch, last), payoutContext(database))
    insertRows(database, epoch, table.rows)
    const priorAnchor = newestAnchor(database)
    const { hash: tableHash, total } = table
    appendEntries(database, origin, [{ type: 'close', epoch, first, last, tableHash, total, at: now, priorAnchor }])
    database
      .prepare(
        "update epoch set state = 'closed', closed_at = ?, last_index = ?, table_hash = ?, total = ? where epoch = ?",
      )
      .run(now, last, tableHash, total, epoch)
    openEpoch(database, now)
    const earned = table.rows.filter(({ amount }) => amount > 0n)
    postRewards(
      database,
      earned.map(({ payer, radio, amount }) => ({ epoch, payer, radio, amount, at: now })),
    )
    return { epoch, first, last, closedAt: now, table, unjudged: countUnjudged(database) }
  })
}

function firstIndex(database: RawDatabase, epoch: bigint): bigint {
  const row = database.prepare('select first_index from epoch where epoch = ?').get(epoch) as { first_index: bigint }
  return row.first_index
}

function countUnjudged(database: RawDatabase): bigint {
  const row = database
    .prepare('select count(*) as events from usage_event where event_id > ?')
    .get(readCursor(database, 'receipts')) as { events: bigint }
  return row.events
}

/** The epoch's receipts by payer, radio and rate. A rate holds from its policy's entry to the next one. */
function countedUsage(database: RawDatabase, epoch: bigint, end: bigint): CountedUsage[] {
  const select = database.prepare(
    `select r.payer_id as payer, r.radio_id as radio, u.access as access, sum(r.counted) as counted
     from receipt r join usage_event u on u.event_id = r.event_id
     where r.epoch = ? and r.entry_index >= ? and r.entry_index < ? and r.counted > 0
     group by r.payer_id, r.radio_id, u.access`,
  )
  return policies(database, end).flatMap(({ from, to, terms }) => {
    const sums = select.all(epoch, from, to) as { payer: PayerId; radio: RadioId; access: Access; counted: Octets }[]
    return sums.map(({ payer, radio, access, counted }) => {
      const rate = rateOf(terms, payer, access)
      if (rate === undefined) return fail('EPOCH_WITHOUT_RATE', { epoch, payer, access })
      return { payer, radio, counted, rate }
    })
  })
}

interface PolicyReign {
  /** Entries [from, to). */
  readonly from: bigint
  readonly to: bigint
  readonly terms: Pick<PolicyTerms, 'rates'>
}

function policies(database: RawDatabase, end: bigint): PolicyReign[] {
  const rows = database
    .prepare('select entry_index, entry from log_entry where type = ? and type <> 1 order by entry_index')
    .all(ENTRY_TYPES.policy.type) as { entry_index: bigint; entry: Uint8Array }[]
  return rows.map(({ entry_index: from, entry }, at) => {
    const decoded = decodeEntry(entry)
    if (!decoded.ok || decoded.entry.type !== 'policy')
      return fail('EPOCH_LOG_UNREADABLE', { index: from, reason: 'it is not a policy' })
    return { from, to: rows[at + 1]?.entry_index ?? end, terms: decoded.entry }
  })
}

function payoutContext(database: RawDatabase): Parameters<typeof payouts>[1] {
  const carry = database.prepare(
    'select carry_out from payout where payer_id = ? and radio_id = ? order by epoch desc limit 1',
  )
  const wallet = database.prepare('select payout_wallet from policy_radio where radio_id = ?')
  return {
    carry: (payer, radio) => (carry.get(payer, radio) as { carry_out: bigint } | undefined)?.carry_out ?? 0n,
    wallet(radio) {
      const row = wallet.get(radio) as { payout_wallet: Wallet } | undefined
      return row?.payout_wallet ?? fail('RADIO_UNKNOWN', { radio })
    },
  }
}

function insertRows(database: RawDatabase, epoch: bigint, rows: readonly PayoutRow[]): void {
  const insert = database.prepare(
    `insert into payout (epoch, payer_id, radio_id, payout_wallet, counted, carry_in, amount, carry_out, state)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  for (const { payer, radio, wallet, counted, carryIn, amount, carryOut } of rows)
    insert.run(epoch, payer, radio, wallet, counted, carryIn, amount, carryOut, amount > 0n ? 'due' : 'paid')
}

function newestAnchor(database: RawDatabase): string | undefined {
  const row = database
    .prepare(
      `select signature from settlement_transaction
       where kind = 'anchor' and state = 'finalized' order by epoch desc limit 1`,
    )
    .get() as { signature: string } | undefined
  return row?.signature
}

export interface EpochSummary {
  readonly epoch: bigint
  readonly state: string
  readonly openedAt: bigint
  readonly closedAt: bigint | null
  readonly first: bigint
  readonly last: bigint | null
  readonly total: bigint
  readonly tableHash: Uint8Array | null
  /** Transaction that anchored it, once that is final. */
  readonly anchor: string | null
}

export interface PayoutDetail {
  readonly payer: string
  readonly radio: string
  readonly wallet: string
  readonly counted: bigint
  readonly carryIn: bigint
  readonly amount: bigint
  readonly carryOut: bigint
  readonly state: string
  /** Transaction that pays it, once that is signed. */
  readonly signature: string | null
}

const summaries = ({ db }: Store) =>
  db
    .selectFrom('epoch')
    .leftJoin('settlement_transaction as anchor', (join) =>
      join
        .onRef('anchor.epoch', '=', 'epoch.epoch')
        .on('anchor.kind', '=', 'anchor')
        .on('anchor.state', '=', 'finalized'),
    )
    .select([
      'epoch.epoch',
      'epoch.state',
      'epoch.opened_at as openedAt',
      'epoch.closed_at as closedAt',
      'epoch.first_index as first',
      'epoch.last_index as last',
      'epoch.total',
      'epoch.table_hash as tableHash',
      'anchor.signature as anchor',
    ])

/** The newest epochs first. */
export const listEpochs = (store: Store, limit: number): Promise<EpochSummary[]> =>
  summaries(store).orderBy('epoch.epoch', 'desc').limit(limit).execute()

export const readEpoch = (store: Store, epoch: bigint): Promise<EpochSummary | undefined> =>
  summaries(store).where('epoch.epoch', '=', epoch).executeTakeFirst()

/** In the order of the payout table. */
export const listPayouts = ({ db }: Store, epoch: bigint): Promise<PayoutDetail[]> =>
  db
    .selectFrom('payout')
    .leftJoin('settlement_transaction as batch', 'batch.batch_id', 'payout.batch_id')
    .where('payout.epoch', '=', epoch)
    .select([
      'payout.payer_id as payer',
      'payout.radio_id as radio',
      'payout.payout_wallet as wallet',
      'payout.counted',
      'payout.carry_in as carryIn',
      'payout.amount',
      'payout.carry_out as carryOut',
      'payout.state',
      'batch.signature',
    ])
    .orderBy('payout.payer_id')
    .orderBy('payout.radio_id')
    .execute()
