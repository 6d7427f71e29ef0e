// Treasuries, settlement transactions and the state of payout rows in the database. A row of settlement_transaction only moves
// from the state and attempt that the mover has read, so that of two processes one acts.
import type { PayerId } from '../../core/kernel/ids.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { RawDatabase, Store } from '../../core/store/store.ts'
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

/** False when the batch is there already. */
export function insertPlanned(database: RawDatabase, planned: PlannedTransaction, at: Millis): boolean {
  const { changes } = database
    .prepare(
      `insert into settlement_transaction
         (batch_id, epoch, kind, payer_id, state, attempt, chain, since_slot, memo, digest, updated_at)
       values (@batch_id, @epoch, @kind, @payer_id, 'planned', 1, @chain, @since_slot, @memo, @digest, @at)
       on conflict (batch_id) do nothing`,
    )
    .run({ ...planned, at })
  return changes > 0
}

/** Moves `row` on; false when somebody else has moved it since it was read. */
export function moveTransaction(database: RawDatabase, row: StoredTransaction, to: State, at: Millis): boolean {
  const { changes } = database
    .prepare(
      'update settlement_transaction set state = ?, updated_at = ? where batch_id = ? and state = ? and attempt = ?',
    )
    .run(to, at, row.batch_id, row.state, row.attempt)
  return changes > 0
}

export interface Message {
  readonly wire: Uint8Array
  readonly lastValidBlockHeight: bigint
  readonly chain: string
  readonly sinceSlot: bigint
}

export function keepMessage(database: RawDatabase, batch: string, message: Message): void {
  database
    .prepare(
      `update settlement_transaction
       set wire = ?, last_valid_block_height = ?, chain = ?, since_slot = ?, signature = null where batch_id = ?`,
    )
    .run(message.wire, message.lastValidBlockHeight, message.chain, message.sinceSlot, batch)
}

export function keepSignatures(database: RawDatabase, batch: string, wire: Uint8Array, signature: string): void {
  database
    .prepare('update settlement_transaction set wire = ?, signature = ? where batch_id = ?')
    .run(wire, signature, batch)
}

export function beginAttempt(database: RawDatabase, batch: string): void {
  database
    .prepare(
      `update settlement_transaction set attempt = attempt + 1, wire = null, signature = null, last_valid_block_height = null
       where batch_id = ?`,
    )
    .run(batch)
}

export function keepFinality(database: RawDatabase, batch: string, signature: string, slot: bigint): void {
  database
    .prepare('update settlement_transaction set signature = ?, slot = ? where batch_id = ?')
    .run(signature, slot, batch)
}

/** The batch's rows become paid; answers them. */
export function markPaid(database: RawDatabase, batch: string): DueRow[] {
  const rows = selectBatch(database, batch)
  database.prepare("update payout set state = 'paid' where batch_id = ?").run(batch)
  return rows
}

/** The batch's rows may be batched again. */
export function releaseRows(database: RawDatabase, batch: string): void {
  database
    .prepare("update payout set state = 'due', batch_id = null where batch_id = ? and state = 'batched'")
    .run(batch)
}

export function markAnchored(database: RawDatabase, epoch: bigint): void {
  database.prepare("update epoch set state = 'anchored' where epoch = ? and state = 'closed'").run(epoch)
}

/** An anchored epoch with nothing left to pay is settled. */
export function settleEpoch(database: RawDatabase, epoch: bigint): void {
  database
    .prepare(
      `update epoch set state = 'settled' where epoch = ? and state = 'anchored'
       and not exists (select 1 from payout where payout.epoch = epoch.epoch and payout.state <> 'paid')`,
    )
    .run(epoch)
}

function selectBatch(database: RawDatabase, batch: string): DueRow[] {
  return database
    .prepare(
      `select epoch, payer_id as payer, radio_id as radio, payout_wallet as wallet, amount from payout
       where batch_id = ? order by payer_id, radio_id`,
    )
    .all(batch) as DueRow[]
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
export function insertBatch(
  database: RawDatabase,
  planned: PlannedTransaction,
  rows: readonly DueRow[],
  at: Millis,
): boolean {
  const free = database.prepare(
    `select 1 from payout where epoch = ? and payer_id = ? and radio_id = ? and state in ('due', 'waiting')`,
  )
  if (!rows.every(({ epoch, payer, radio }) => free.get(epoch, payer, radio))) return false
  if (!insertPlanned(database, planned, at)) return false
  const take = database.prepare(
    `update payout set state = 'batched', batch_id = ? where epoch = ? and payer_id = ? and radio_id = ?`,
  )
  for (const { epoch, payer, radio } of rows) take.run(planned.batch_id, epoch, payer, radio)
  return true
}

export function markWaiting(database: RawDatabase, rows: readonly DueRow[]): void {
  const wait = database.prepare(
    "update payout set state = 'waiting' where epoch = ? and payer_id = ? and radio_id = ? and state = 'due'",
  )
  for (const { epoch, payer, radio } of rows) wait.run(epoch, payer, radio)
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
