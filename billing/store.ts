// One epoch at a glance, across the rooms of billing.

import { sql } from 'kysely'
import type { Store } from '../core/store/store.ts'
import { listPayouts } from './epoch/store.ts'
import { readCheckpoint } from './log/store.ts'

export interface Outcome {
  /** Octets metered, both directions. */
  readonly octets: bigint
  /** Microtokens charged to subscribers. */
  readonly charged: bigint
  readonly receipts: bigint
  /** Entries of the log. */
  readonly firstReceipt: bigint
  readonly lastReceipt: bigint
  /** Entries under the newest checkpoint, and its root in base64. */
  readonly checkpointSize: bigint
  readonly root: string
  /** Microtokens paid on chain, and the first transaction that paid them. */
  readonly paid: bigint
  readonly signature: string
}

export async function readOutcome(store: Store, epoch: bigint): Promise<Outcome> {
  const sums = await store.db
    .selectFrom('receipt')
    .innerJoin('usage_event', 'usage_event.event_id', 'receipt.event_id')
    .where('receipt.epoch', '=', epoch)
    .select(({ fn, eb }) => [
      // A sum of bigint is numeric on PostgreSQL.
      sql<bigint>`cast(coalesce(sum(uplink + downlink), 0) as bigint)`.as('octets'),
      fn.countAll<bigint>().as('receipts'),
      fn.coalesce(fn.min('entry_index'), eb.val(0n)).as('firstReceipt'),
      fn.coalesce(fn.max('entry_index'), eb.val(0n)).as('lastReceipt'),
    ])
    .executeTakeFirstOrThrow()
  const { charged } = await store.db
    .selectFrom('ledger_transfer')
    .where('cause', 'like', 'usage:%')
    .select(sql<bigint>`cast(coalesce(sum(amount), 0) as bigint)`.as('charged'))
    .executeTakeFirstOrThrow()
  const checkpoint = await readCheckpoint(store)
  const payouts = await listPayouts(store, epoch)
  return {
    ...sums,
    charged,
    checkpointSize: checkpoint?.size ?? 0n,
    root: Buffer.from(checkpoint?.root ?? []).toString('base64'),
    paid: payouts.reduce((sum, { state, amount }) => (state === 'paid' ? sum + amount : sum), 0n),
    signature: payouts.find(({ signature }) => signature !== null)?.signature ?? '',
  }
}
