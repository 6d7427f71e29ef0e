// From rows that are due to batches that fit a transaction: one transfer per owner, however many radios the owner has.
import type { PayerId, RadioId } from '../../core/kernel/ids.ts'
import { payoutDigest } from '../epoch/payout-digest.ts'
import { payoutMemo } from './memo.ts'
import { buildPayout, MAX_WIRE, type Payee, type Treasury } from './transactions.ts'

/** A row of the payout table that has not been paid. */
export interface DueRow {
  readonly epoch: bigint
  readonly payer: PayerId
  readonly radio: RadioId
  /** Where to pay: the owner's wallet. */
  readonly wallet: string
  /** Microtokens, above 0. */
  readonly amount: bigint
}

/** One owner's rows together. */
export interface OwnerDue extends Payee {
  readonly wallet: string
  readonly rows: readonly DueRow[]
}

export interface Batch {
  readonly memo: string
  readonly digest: Uint8Array
  readonly owners: readonly OwnerDue[]
}

/** The most owners in one transaction; fewer where the octets of many signers or long names leave less room. */
export const MAX_PAYEES = 12

/** Rows of one epoch and payer, gathered by wallet, in the order of the wallets. `tokenAccounts`: the wallets' token accounts. */
export function gatherOwners(rows: readonly DueRow[], tokenAccounts: ReadonlyMap<string, string>): OwnerDue[] {
  const owners = new Map<string, DueRow[]>()
  for (const row of rows) {
    const known = owners.get(row.wallet)
    if (known) known.push(row)
    else owners.set(row.wallet, [row])
  }
  return [...owners]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([wallet, due]) => {
      const tokenAccount = tokenAccounts.get(wallet)
      const amount = due.reduce((sum, row) => sum + row.amount, 0n)
      return tokenAccount === undefined ? [] : [{ wallet, tokenAccount, amount, rows: due }]
    })
}

export interface BatchNames {
  readonly origin: string
  readonly epoch: bigint
  readonly payer: PayerId
  /** Number of the first batch. */
  readonly first: bigint
}

/** Cuts owners into batches whose signed transactions have at most 1,232 octets. */
export function cutBatches(owners: readonly OwnerDue[], treasury: Treasury, { first, ...names }: BatchNames): Batch[] {
  const batches: Batch[] = []
  for (let from = 0; from < owners.length; ) {
    const number = first + BigInt(batches.length)
    let size = Math.min(MAX_PAYEES, owners.length - from)
    let batch = describe(owners.slice(from, from + size), number)
    while (size > 1 && wireSize(batch, treasury) > MAX_WIRE) {
      size--
      batch = describe(owners.slice(from, from + size), number)
    }
    if (wireSize(batch, treasury) > MAX_WIRE)
      throw new RangeError(`a payout by ${treasury.oracles.length} oracles does not fit ${MAX_WIRE} octets`)
    batches.push(batch)
    from += size
  }
  return batches

  function describe(part: readonly OwnerDue[], batch: bigint): Batch {
    const digest = payoutDigest(part)
    return { owners: part, digest, memo: payoutMemo({ ...names, batch, digest }) }
  }
}

/** Any blockhash has 32 octets. */
const ANY_BLOCKHASH = { blockhash: '11111111111111111111111111111111', lastValidBlockHeight: 0n }

const wireSize = ({ memo, owners }: Batch, treasury: Treasury): number =>
  buildPayout(treasury, memo, owners, ANY_BLOCKHASH).wire.length
