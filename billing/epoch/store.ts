// Epochs and their payout rows in the database.
import type { Access } from '../../core/events/usage-event.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail } from '../../core/kernel/errors.ts'
import type { PayerId, RadioId, Wallet } from '../../core/kernel/ids.ts'
import type { Microtokens, Millis, Octets } from '../../core/kernel/units.ts'
import { readCursor } from '../../core/store/cursor.ts'
import type { Sql, Target } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { decodeEntry } from '../log/entries/codec.ts'
import { ENTRY_TYPES } from '../log/entries/dictionary.ts'
import { openEpoch } from '../log/receipts/store.ts'
import { appendEntries, lockLog } from '../log/store.ts'
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
  postRewards(sql: Sql, rewards: readonly Reward[]): Promise<void>
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

const PAYOUTS: Target = {
  table: 'payout',
  columns: [
    'epoch',
    'payer_id',
    'radio_id',
    'payout_wallet',
    'counted',
    'carry_in',
    'amount',
    'carry_out',
    'state',
    'batch_id',
  ],
}

/** The number of the open epoch, or of the one that would be opened next. */
export async function currentEpoch({ db }: Store): Promise<bigint> {
  const newest = await db
    .selectFrom('epoch')
    .select(['epoch', 'state'])
    .orderBy('epoch', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!newest) return 1n
  return newest.state === 'open' ? newest.epoch : newest.epoch + 1n
}

/**
 * Closes epoch `wanted` over all receipts in the log and opens the next, in one transaction: payout rows, close entry, rewards.
 * Usage that has no receipt yet falls into the next epoch. It is closed once, whoever asks: for an epoch that is closed already, the
 * answer is what the first made of it. Throws EPOCH_UNKNOWN for one that is not open yet.
 */
export async function closeEpoch(
  { store, clock, origin, postRewards }: CloseDeps,
  wanted?: bigint,
): Promise<ClosedEpoch> {
  const epoch = wanted ?? (await currentEpoch(store))
  return store.batch(async (sql) => {
    // The receipts stage's order: nobody writes receipts, or closes, before this transaction ends.
    const judged = await readCursor(sql, 'receipts')
    const size = await lockLog(sql, origin)
    const now = clock()
    const open = await openEpoch(sql, now)
    if (epoch > open) return fail('EPOCH_UNKNOWN', { epoch })
    if (epoch === open) await close(sql, { origin, epoch, last: size, now, postRewards })
    return readClosed(sql, epoch, judged)
  })
}

interface Closing extends Pick<CloseDeps, 'origin' | 'postRewards'> {
  readonly epoch: bigint
  /** Index of the close entry. */
  readonly last: bigint
  readonly now: Millis
}

async function close(sql: Sql, { origin, epoch, last, now, postRewards }: Closing): Promise<void> {
  const first = await firstIndex(sql, epoch)
  const {
    rows,
    hash: tableHash,
    total,
  } = payouts(await countedUsage(sql, { epoch, first, end: last }), await payoutContext(sql, epoch))
  await sql.insert(
    PAYOUTS,
    rows.map(({ payer, radio, wallet, counted, carryIn, amount, carryOut }) => [
      epoch,
      payer,
      radio,
      wallet,
      counted,
      carryIn,
      amount,
      carryOut,
      amount > 0n ? 'due' : 'paid',
      null,
    ]),
  )
  const priorAnchor = await newestAnchor(sql)
  await appendEntries(sql, origin, [{ type: 'close', epoch, first, last, tableHash, total, at: now, priorAnchor }])
  await sql.run(
    "update epoch set state = 'closed', closed_at = ?, last_index = ?, table_hash = ?, total = ? where epoch = ?",
    now,
    last,
    tableHash,
    total,
    epoch,
  )
  await openEpoch(sql, now)
  const earned = rows.filter(({ amount }) => amount > 0n)
  await postRewards(
    sql,
    earned.map(({ payer, radio, amount }) => ({ epoch, payer, radio, amount, at: now })),
  )
}

async function readClosed(sql: Sql, epoch: bigint, judged: bigint): Promise<ClosedEpoch> {
  interface Row {
    readonly first_index: bigint
    readonly last_index: bigint
    readonly closed_at: Millis
    readonly table_hash: Uint8Array
    readonly total: Microtokens
  }
  const row = await sql.row<Row>(
    'select first_index, last_index, closed_at, table_hash, total from epoch where epoch = ?',
    epoch,
  )
  if (!row) return fail('EPOCH_UNKNOWN', { epoch })
  const rows = await sql.rows<PayoutRow>(
    `select payer_id as payer, radio_id as radio, payout_wallet as wallet, counted, carry_in as "carryIn", amount, carry_out as "carryOut"
     from payout where epoch = ? order by payer_id, radio_id`,
    epoch,
  )
  const { first_index: first, last_index: last, closed_at: closedAt, table_hash: hash, total } = row
  return { epoch, first, last, closedAt, table: { rows, total, hash }, unjudged: await countUnjudged(sql, judged) }
}

async function firstIndex(sql: Sql, epoch: bigint): Promise<bigint> {
  const row = await sql.row<{ first_index: bigint }>('select first_index from epoch where epoch = ?', epoch)
  return row?.first_index ?? fail('EPOCH_UNKNOWN', { epoch })
}

async function countUnjudged(sql: Sql, judged: bigint): Promise<bigint> {
  const row = await sql.row<{ events: bigint }>('select count(*) as events from usage_event where event_id > ?', judged)
  return row?.events ?? 0n
}

interface Range {
  readonly epoch: bigint
  /** Entries [first, end). */
  readonly first: bigint
  readonly end: bigint
}

/** The epoch's receipts by payer, radio and rate. A rate holds from its policy's entry to the next one. */
async function countedUsage(sql: Sql, { epoch, first, end }: Range): Promise<CountedUsage[]> {
  interface Row {
    readonly payer: PayerId
    readonly radio: RadioId
    readonly access: Access
    readonly counted: Octets
  }
  const usage: CountedUsage[] = []
  for (const { from, to, terms } of await policies(sql, end)) {
    if (to <= first) continue
    const sums = await sql.rows<Row>(
      `select r.payer_id as payer, r.radio_id as radio, u.access as access, cast(sum(r.counted) as bigint) as counted
       from receipt r join usage_event u on u.event_id = r.event_id
       where r.epoch = ? and r.entry_index >= ? and r.entry_index < ? and r.counted > 0
       group by r.payer_id, r.radio_id, u.access`,
      epoch,
      from,
      to,
    )
    for (const { payer, radio, access, counted } of sums) {
      const rate = rateOf(terms, payer, access)
      if (rate === undefined) return fail('EPOCH_WITHOUT_RATE', { epoch, payer, access })
      usage.push({ payer, radio, counted, rate })
    }
  }
  return usage
}

interface PolicyReign {
  /** Entries [from, to). */
  readonly from: bigint
  readonly to: bigint
  readonly terms: Pick<PolicyTerms, 'rates'>
}

async function policies(sql: Sql, end: bigint): Promise<PolicyReign[]> {
  const rows = await sql.rows<{ entry_index: bigint; entry: Uint8Array }>(
    'select entry_index, entry from log_entry where type = ? and type <> 1 order by entry_index',
    BigInt(ENTRY_TYPES.policy.type),
  )
  return rows.map(({ entry_index: from, entry }, at) => {
    const decoded = decodeEntry(entry)
    if (!decoded.ok || decoded.entry.type !== 'policy')
      return fail('EPOCH_LOG_UNREADABLE', { index: from, reason: 'it is not a policy' })
    return { from, to: rows[at + 1]?.entry_index ?? end, terms: decoded.entry }
  })
}

/** What is known of the radios that the epoch has receipts for. */
async function payoutContext(sql: Sql, epoch: bigint): Promise<Parameters<typeof payouts>[1]> {
  interface Row {
    readonly payer: PayerId
    readonly radio: RadioId
    readonly wallet: Wallet | null
    readonly carry: bigint | null
  }
  const rows = await sql.rows<Row>(
    `select r.payer_id as payer, r.radio_id as radio, s.payout_wallet as wallet,
       (select p.carry_out from payout p where p.payer_id = r.payer_id and p.radio_id = r.radio_id
        order by p.epoch desc limit 1) as carry
     from (select distinct payer_id, radio_id from receipt where epoch = ? and counted > 0) r
       left join policy_radio s on s.radio_id = r.radio_id`,
    epoch,
  )
  const carries = new Map<string, bigint>()
  const wallets = new Map<RadioId, Wallet>()
  for (const { payer, radio, wallet, carry } of rows) {
    if (carry !== null) carries.set(`${payer} ${radio}`, carry)
    if (wallet !== null) wallets.set(radio, wallet)
  }
  return {
    carry: (payer, radio) => carries.get(`${payer} ${radio}`) ?? 0n,
    wallet: (radio) => wallets.get(radio) ?? fail('RADIO_UNKNOWN', { radio }),
  }
}

async function newestAnchor(sql: Sql): Promise<string | undefined> {
  const row = await sql.row<{ signature: string }>(
    `select signature from settlement_transaction
     where kind = 'anchor' and state = 'finalized' order by epoch desc limit 1`,
  )
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
