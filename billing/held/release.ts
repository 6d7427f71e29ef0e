// Somebody has looked at what was set aside and says that it is true: it goes where it would have gone.
import { fail } from '../../core/kernel/errors.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { AccountsFull } from '../charging/wallet/book.ts'
import type { AccountId } from '../ledger/accounts.ts'
import type { ReceiptsStage } from '../log/receipts.ts'
import type { RatingStage } from '../rating/store.ts'
import { decideHeld, type HeldRow, lockHeld, reasonHeld } from './store.ts'

export interface ReleaseDeps {
  readonly store: Store
  readonly rating: Pick<RatingStage, 'release'>
  readonly receipts: Pick<ReceiptsStage, 'release'>
  /** Brings the directories that both ask up to date: before the transaction, in which nobody else may read. */
  readonly refresh: () => Promise<unknown>
}

/**
 * Takes a row that was set aside after all, and says so in the same transaction: it counts once. Throws HELD_UNKNOWN, HELD_DECIDED,
 * HELD_OF_SESSION for usage of charging sessions, HELD_GONE, or HELD_UNFIT where it does still not fit; it stays held then.
 */
export async function releaseHeld(
  { store, rating, receipts, refresh }: ReleaseDeps,
  id: bigint,
  now: Millis,
): Promise<HeldRow> {
  await refresh()
  const crowded = new Set<AccountId>()
  const once = async (sql: Sql): Promise<HeldRow> => {
    const row = await lockHeld(sql, id)
    const [, journal, position] = /^(usage|receipt|registry):([0-9]{1,19})$/.exec(row.source) ?? []
    if (journal === undefined || position === undefined) return fail('HELD_OF_SESSION', { id, source: row.source })
    await decideHeld(sql, id, 'released', now)
    const taken =
      journal === 'usage'
        ? await rating.release(sql, BigInt(position), crowded)
        : await receipts.release(sql, journal as 'receipt' | 'registry', BigInt(position))
    if (!taken) fail('HELD_GONE', { id, source: row.source })
    const reason = await reasonHeld(sql, row.source)
    if (reason !== undefined) fail('HELD_UNFIT', { id, reason })
    return row
  }
  for (;;)
    try {
      return await store.batch(once)
    } catch (error) {
      if (!(error instanceof AccountsFull)) throw error
      for (const account of error.accounts) crowded.add(account)
    }
}
