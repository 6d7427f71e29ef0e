// What is to be sent next: an anchor for each closed epoch, then batches of what is due and can be paid now. The rest waits, visibly.
import type { Clock } from '../../core/kernel/clock.ts'
import type { PayerId } from '../../core/kernel/ids.ts'
import type { Store } from '../../core/store/store.ts'
import { cutBatches, type DueRow, gatherOwners } from './batches.ts'
import type { ChainPort } from './chain.ts'
import { anchorMemo } from './memo.ts'
import {
  countBatches,
  coveringCheckpoint,
  insertBatch,
  insertPlanned,
  listPayable,
  listUnanchored,
  markWaiting,
  readTreasury,
  sumBatched,
} from './store.ts'
import { type Treasury, tokenAccountOf } from './transactions.ts'
import { readTokenAccount } from './treasury-accounts.ts'

export interface PlanDeps {
  readonly store: Store
  readonly chain: ChainPort
  readonly clock: Clock
  /** Origin of the log. */
  readonly origin: string
}

export interface PlanOptions {
  /** From the close of an epoch to its payout, milliseconds. */
  readonly hold: bigint
  /** An owner's amounts from one payer wait until they come to this, microtokens. */
  readonly minimum: bigint
}

export type WaitingFor = 'token-account' | 'treasury' | 'funds' | 'minimum'

export interface Planned {
  /** New transactions. */
  readonly transactions: number
  /** Microtokens that cannot be paid yet, by what they wait for. */
  readonly waiting: Readonly<Record<WaitingFor, bigint>>
}

/** Plans anchors for epochs whose close entry a signed checkpoint covers; answers how many. */
export async function planAnchors({ store, chain, clock, origin }: PlanDeps, genesis: string): Promise<number> {
  let planned = 0
  for (const { epoch, last_index, table_hash, total } of await listUnanchored(store)) {
    const checkpoint = await coveringCheckpoint(store, last_index)
    if (!checkpoint) continue
    const memo = anchorMemo({ origin, epoch, ...checkpoint, tableHash: table_hash, total })
    const { slot } = await chain.blockHeight()
    const row = { batch_id: `a:${epoch}`, epoch, kind: 'anchor', payer_id: null, chain: genesis } as const
    const isNew = await store.batch((sql) =>
      insertPlanned(sql, { ...row, since_slot: slot, memo, digest: table_hash }, clock()),
    )
    if (isNew) planned++
  }
  return planned
}

/** Plans batches for all rows of anchored epochs that were closed at least `hold` ago. */
export async function planPayouts(deps: PlanDeps, genesis: string, { hold, minimum }: PlanOptions): Promise<Planned> {
  const { store, chain, clock } = deps
  const waiting: Record<WaitingFor, bigint> = { 'token-account': 0n, treasury: 0n, funds: 0n, minimum: 0n }
  let transactions = 0
  const payable = await listPayable(store, clock() - hold)
  for (const [payer, rows] of groupBy(payable, (row) => row.payer)) {
    const wait = async (reason: WaitingFor, held: readonly DueRow[]): Promise<void> => {
      if (held.length === 0) return
      waiting[reason] += sum(held)
      await store.batch((sql) => markWaiting(sql, held))
    }
    const treasury = await readTreasury(store, payer)
    const funds = treasury && readTokenAccount((await chain.accounts([treasury.tokenAccount]))[0])
    if (!treasury || !funds) {
      await wait('treasury', rows)
      continue
    }
    const owners = groupBy(rows, (row) => row.wallet)
    const dust = rows.filter((row) => sum(owners.get(row.wallet) ?? []) < minimum)
    const enough = rows.filter((row) => sum(owners.get(row.wallet) ?? []) >= minimum)
    const accounts = await openAccounts(chain, [...new Set(enough.map((row) => row.wallet))], treasury.mint)
    await wait('minimum', dust)
    await wait(
      'token-account',
      enough.filter((row) => !accounts.has(row.wallet)),
    )
    let left = funds.amount - (await sumBatched(store, payer))
    const { slot } = await chain.blockHeight()
    for (const [epoch, due] of groupBy(
      enough.filter((row) => accounts.has(row.wallet)),
      (row) => row.epoch,
    )) {
      const first = (await countBatches(store, epoch, payer)) + 1n
      const batches = cutBatches(gatherOwners(due, accounts), treasury, { origin: deps.origin, epoch, payer, first })
      for (const [at, { memo, digest, owners }] of batches.entries()) {
        const paid = owners.flatMap((owner) => owner.rows)
        if (sum(paid) > left) {
          await wait('funds', paid)
          continue
        }
        const batch_id = batchId(epoch, payer, first + BigInt(at))
        const row = { batch_id, epoch, kind: 'payout', payer_id: payer, chain: genesis, since_slot: slot } as const
        const isNew = await store.batch((sql) => insertBatch(sql, { ...row, memo, digest }, paid, clock()))
        if (!isNew) continue
        left -= sum(paid)
        transactions++
      }
    }
  }
  return { transactions, waiting }
}

const batchId = (epoch: bigint, payer: PayerId, batch: bigint): string => `p:${epoch}:${payer}:${batch}`

/** The wallets' token accounts, for those that have one that can receive. An owner may have given the account away: then not. */
export async function openAccounts(
  chain: ChainPort,
  wallets: readonly string[],
  mint: string,
): Promise<Map<string, string>> {
  const addresses = await Promise.all(wallets.map((wallet) => tokenAccountOf(wallet, mint)))
  const found = await chain.accounts(addresses)
  const open = new Map<string, string>()
  for (const [at, wallet] of wallets.entries()) {
    const account = readTokenAccount(found[at])
    const tokenAccount = addresses[at]
    if (tokenAccount !== undefined && account?.owner === wallet && account.mint === mint && !account.frozen)
      open.set(wallet, tokenAccount)
  }
  return open
}

/** Whether a treasury can pay `amount` now. */
export async function hasFunds(chain: ChainPort, treasury: Treasury, amount: bigint): Promise<boolean> {
  const account = readTokenAccount((await chain.accounts([treasury.tokenAccount]))[0])
  return account !== undefined && account.amount >= amount
}

const sum = (rows: readonly DueRow[]): bigint => rows.reduce((total, { amount }) => total + amount, 0n)

/** In order of first appearance. */
function groupBy<Key>(rows: readonly DueRow[], key: (row: DueRow) => Key): Map<Key, DueRow[]> {
  const groups = new Map<Key, DueRow[]>()
  for (const row of rows) {
    const group = groups.get(key(row))
    if (group) group.push(row)
    else groups.set(key(row), [row])
  }
  return groups
}
