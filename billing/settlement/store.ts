// Treasuries, settlement transactions and the state of payout rows in the database. A row of settlement_transaction only moves
// from the state and attempt that the mover has read, so that of two processes one acts. Payout rows are moved by whoever holds their
// epoch's row. Locked in this order: settlement_transaction, the log, epoch, payout, the ledger.
import type { PayerId } from '../../core/kernel/ids.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Sql, Target, Value } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import type { DueRow } from './batches.ts'
import type { State } from './machine.ts'
import type { Oracles } from './oracles.ts'
import type { Treasury } from './transactions.ts'

export interface SavedTreasury {
  readonly payer: PayerId
  readonly treasury: Treasury
  readonly oracles: Oracles
  /** Names the chain. */
  readonly chain: string
  readonly at: Millis
}

export async function saveTreasury(
  store: Store,
  { payer, treasury, oracles, chain, at }: SavedTreasury,
): Promise<void> {
  const accounts = {
    mint: treasury.mint,
    multisig: treasury.multisig,
    token_account: treasury.tokenAccount,
    signers: oracles.addresses.join(','),
    threshold: BigInt(oracles.threshold),
    chain,
  }
  await store.db
    .insertInto('treasury')
    .values({ payer_id: payer, ...accounts, created_at: at })
    .onConflict((conflict) => conflict.column('payer_id').doUpdateSet(accounts))
    .execute()
}

export async function readTreasury({ db }: Store, payer: string): Promise<Treasury | undefined> {
  const row = await db.selectFrom('treasury').selectAll().where('payer_id', '=', payer).executeTakeFirst()
  if (!row) return undefined
  const oracles = row.signers.split(',').slice(0, Number(row.threshold))
  return { mint: row.mint, multisig: row.multisig, tokenAccount: row.token_account, oracles }
}

export interface StoredTransaction {
  readonly batch_id: string
  readonly epoch: bigint
  readonly kind: 'anchor' | 'payout'
  readonly payer_id: PayerId | null
  readonly state: State
  readonly attempt: bigint
  /** Names the chain that it is meant for. */
  readonly chain: string
  readonly since_slot: bigint
  readonly memo: string
  readonly digest: Uint8Array
  readonly wire: Uint8Array | null
  readonly signature: string | null
  readonly last_valid_block_height: bigint | null
}

/** Those that are not at an end, anchors before payouts, older epochs first. */
export const listUnfinished = async ({ db }: Store): Promise<StoredTransaction[]> =>
  (await db
    .selectFrom('settlement_transaction')
    .selectAll()
    .where('state', 'not in', ['finalized', 'dropped'])
    .orderBy('epoch')
    .orderBy('kind')
    .orderBy('batch_id')
    .execute()) as StoredTransaction[]

export type PlannedTransaction = Pick<
  StoredTransaction,
  'batch_id' | 'epoch' | 'kind' | 'payer_id' | 'chain' | 'since_slot' | 'memo' | 'digest'
>

const PLANNED: Target = {
  table: 'settlement_transaction',
  columns: [
    'batch_id',
    'epoch',
    'kind',
    'payer_id',
    'state',
    'attempt',
    'chain',
    'since_slot',
    'memo',
    'digest',
    'updated_at',
  ],
  conflict: '(batch_id) do nothing',
}

/** False when the batch is there already. */
export async function insertPlanned(
  sql: Sql,
  { batch_id, epoch, kind, payer_id, chain, since_slot, memo, digest }: PlannedTransaction,
  at: Millis,
): Promise<boolean> {
  const row = [batch_id, epoch, kind, payer_id, 'planned', 1n, chain, since_slot, memo, digest, at]
  return (await sql.insert(PLANNED, [row])) > 0
}

/** Moves `row` on; false when somebody else has moved it since it was read. */
export async function moveTransaction(sql: Sql, row: StoredTransaction, to: State, at: Millis): Promise<boolean> {
  const changes = await sql.run(
    'update settlement_transaction set state = ?, updated_at = ? where batch_id = ? and state = ? and attempt = ?',
    to,
    at,
    row.batch_id,
    row.state,
    row.attempt,
  )
  return changes > 0
}

export interface Message {
  readonly wire: Uint8Array
  readonly lastValidBlockHeight: bigint
  readonly chain: string
  readonly sinceSlot: bigint
}

export async function keepMessage(sql: Sql, batch: string, message: Message): Promise<void> {
  await sql.run(
    `update settlement_transaction
     set wire = ?, last_valid_block_height = ?, chain = ?, since_slot = ?, signature = null where batch_id = ?`,
    message.wire,
    message.lastValidBlockHeight,
    message.chain,
    message.sinceSlot,
    batch,
  )
}

export async function keepSignatures(sql: Sql, batch: string, wire: Uint8Array, signature: string): Promise<void> {
  await sql.run('update settlement_transaction set wire = ?, signature = ? where batch_id = ?', wire, signature, batch)
}

export async function beginAttempt(sql: Sql, batch: string): Promise<void> {
  await sql.run(
    `update settlement_transaction set attempt = attempt + 1, wire = null, signature = null, last_valid_block_height = null
     where batch_id = ?`,
    batch,
  )
}

export async function keepFinality(sql: Sql, batch: string, signature: string, slot: bigint): Promise<void> {
  await sql.run('update settlement_transaction set signature = ?, slot = ? where batch_id = ?', signature, slot, batch)
}

type BatchKey = Pick<StoredTransaction, 'batch_id' | 'epoch'>

/** The batch's rows become paid; answers them. */
export async function markPaid(sql: Sql, { batch_id, epoch }: BatchKey): Promise<DueRow[]> {
  await lockEpoch(sql, epoch)
  const rows = await sql.rows<DueRow>(
    `select epoch, payer_id as payer, radio_id as radio, payout_wallet as wallet, amount from payout
     where epoch = ? and batch_id = ? order by payer_id, radio_id`,
    epoch,
    batch_id,
  )
  await sql.run("update payout set state = 'paid' where epoch = ? and batch_id = ?", epoch, batch_id)
  return rows
}

/** The batch's rows may be batched again. */
export async function releaseRows(sql: Sql, { batch_id, epoch }: BatchKey): Promise<void> {
  await lockEpoch(sql, epoch)
  await sql.run(
    "update payout set state = 'due', batch_id = null where epoch = ? and batch_id = ? and state = 'batched'",
    epoch,
    batch_id,
  )
}

export async function markAnchored(sql: Sql, epoch: bigint): Promise<void> {
  await sql.run("update epoch set state = 'anchored' where epoch = ? and state = 'closed'", epoch)
}

/** An anchored epoch with nothing left to pay is settled. */
export async function settleEpoch(sql: Sql, epoch: bigint): Promise<void> {
  // Without the lock two last batches that are paid at once would each see the other's as unpaid.
  await lockEpoch(sql, epoch)
  await sql.run(
    `update epoch set state = 'settled' where epoch = ? and state = 'anchored'
     and not exists (select 1 from payout where payout.epoch = epoch.epoch and payout.state <> 'paid')`,
    epoch,
  )
}

async function lockEpoch(sql: Sql, epoch: bigint): Promise<void> {
  await sql.find('select epoch from epoch', 'epoch', [epoch], 'lock')
}

const dueRow = ['epoch', 'payer_id as payer', 'radio_id as radio', 'payout_wallet as wallet', 'amount'] as const

export const readBatch = async ({ db }: Store, batch: string): Promise<DueRow[]> =>
  (await db
    .selectFrom('payout')
    .select(dueRow)
    .where('batch_id', '=', batch)
    .orderBy('payer_id')
    .orderBy('radio_id')
    .execute()) as DueRow[]

/** Rows that no batch holds, of epochs that are anchored and were closed at or before `closedBy`. */
export const listPayable = async ({ db }: Store, closedBy: bigint): Promise<DueRow[]> =>
  (await db
    .selectFrom('payout')
    .innerJoin('epoch', 'epoch.epoch', 'payout.epoch')
    .select(['payout.epoch', 'payer_id as payer', 'radio_id as radio', 'payout_wallet as wallet', 'amount'])
    .where('epoch.state', '=', 'anchored')
    .where('epoch.closed_at', '<=', closedBy)
    .where('payout.state', 'in', ['due', 'waiting'])
    .orderBy('payout.epoch')
    .orderBy('payer_id')
    .orderBy('radio_id')
    .execute()) as DueRow[]

/** Microtokens in batches of `payer` that are not final. */
export async function sumBatched({ db }: Store, payer: string): Promise<bigint> {
  const rows = await db
    .selectFrom('payout')
    .select('amount')
    .where('payer_id', '=', payer)
    .where('state', '=', 'batched')
    .execute()
  return rows.reduce((sum, { amount }) => sum + amount, 0n)
}

/** Batches of the payer in the epoch so far, whatever became of them. */
export async function countBatches({ db }: Store, epoch: bigint, payer: string): Promise<bigint> {
  const row = await db
    .selectFrom('settlement_transaction')
    .select((eb) => eb.fn.countAll<bigint>().as('batches'))
    .where('epoch', '=', epoch)
    .where('payer_id', '=', payer)
    .executeTakeFirst()
  return row?.batches ?? 0n
}

/** Puts a new batch and its rows together; false, and nothing is written, when the batch exists or a row is no longer free. */
export async function insertBatch(
  sql: Sql,
  planned: PlannedTransaction,
  rows: readonly DueRow[],
  at: Millis,
): Promise<boolean> {
  await lockEpoch(sql, planned.epoch)
  const some = [...inStatements(rows)]
  let free = 0n
  for (const { where, values } of some) {
    const row = await sql.row<{ free: bigint }>(
      `select count(*) as free from payout where ${where} and state in ('due', 'waiting')`,
      ...values,
    )
    free += row?.free ?? 0n
  }
  if (free !== BigInt(rows.length) || !(await insertPlanned(sql, planned, at))) return false
  for (const { where, values } of some)
    await sql.run(`update payout set state = 'batched', batch_id = ? where ${where}`, planned.batch_id, ...values)
  return true
}

export async function markWaiting(sql: Sql, rows: readonly DueRow[]): Promise<void> {
  for (const epoch of [...new Set(rows.map((row) => row.epoch))].sort((a, b) => (a < b ? -1 : 1)))
    await lockEpoch(sql, epoch)
  for (const { where, values } of inStatements(rows))
    await sql.run(`update payout set state = 'waiting' where ${where} and state = 'due'`, ...values)
}

/** Rows in one statement, the largest first: each size is a statement of its own to prepare, so there are few. */
const SIZES = [100, 10, 1] as const

/** Conditions that find the rows, of one epoch and payer each. */
function* inStatements(rows: readonly DueRow[]): Generator<{ readonly where: string; readonly values: Value[] }> {
  let from = 0
  for (let first = rows[from]; first; first = rows[from]) {
    const { epoch, payer } = first
    let same = 1
    for (let row = rows[from + same]; row?.epoch === epoch && row.payer === payer && same < SIZES[0]; ) {
      same++
      row = rows[from + same]
    }
    const size = SIZES.find((each) => each <= same) ?? 1
    const radios = rows.slice(from, from + size).map(({ radio }) => radio)
    yield {
      where: `epoch = ? and payer_id = ? and radio_id in (${radios.map(() => '?').join(', ')})`,
      values: [epoch, payer, ...radios],
    }
    from += size
  }
}

export interface UnanchoredEpoch {
  readonly epoch: bigint
  readonly last_index: bigint
  readonly table_hash: Uint8Array
  readonly total: bigint
}

/** Closed epochs that no anchor has been planned for, the oldest first. */
export const listUnanchored = async ({ db }: Store): Promise<UnanchoredEpoch[]> =>
  (await db
    .selectFrom('epoch')
    .leftJoin('settlement_transaction as anchor', (join) =>
      join.onRef('anchor.epoch', '=', 'epoch.epoch').on('anchor.kind', '=', 'anchor'),
    )
    .select(['epoch.epoch', 'epoch.last_index', 'epoch.table_hash', 'epoch.total'])
    .where('epoch.state', '=', 'closed')
    .where('anchor.batch_id', 'is', null)
    .orderBy('epoch.epoch')
    .execute()) as UnanchoredEpoch[]

/** The smallest checkpoint that covers entry `index`. */
export const coveringCheckpoint = ({ db }: Store, index: bigint) =>
  db
    .selectFrom('log_checkpoint')
    .select(['size', 'root'])
    .where('size', '>', index)
    .orderBy('size')
    .limit(1)
    .executeTakeFirst()

export async function readEpochState({ db }: Store, epoch: bigint): Promise<string | undefined> {
  const row = await db.selectFrom('epoch').select('state').where('epoch', '=', epoch).executeTakeFirst()
  return row?.state
}
