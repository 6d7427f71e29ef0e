// Checks an epoch without trusting whoever closed it: entries against the signed checkpoint, the payout table recomputed from them,
// the anchor and the transfers on chain. The first difference found is named; what was checked before it held.
import type { PayerId, Wallet } from '../../core/kernel/ids.ts'
import { decodeEntry, ENTRY_FAULTS } from '../log/entries/codec.ts'
import { appendLeaves, EMPTY_FRONTIER, type Frontier, frontierRoot } from '../log/tree/frontier.ts'
import { equalHashes, hashLeaf } from '../log/tree/hash.ts'
import { type Payment, payoutDigest } from './payout-digest.ts'
import type { PayoutRow } from './payout-table.ts'
import { createEpochReplay, type ReplayedEpoch } from './replay.ts'

/** A log as files, and the tree head that was signed for it. */
export interface LogSource {
  readonly origin: string
  /** From a checkpoint whose signature has been checked. */
  readonly size: bigint
  readonly root: Uint8Array
  /** Entries [from, from + n) for an n of the source's choice, at least one, not past `size`. */
  entries(from: bigint): Promise<readonly Uint8Array[]>
}

export interface AnchorEvidence {
  readonly signature: string
  readonly slot: bigint
  readonly size: bigint
  readonly root: Uint8Array
  readonly tableHash: Uint8Array
  readonly total: bigint
}

export interface PayoutEvidence {
  readonly signature: string
  readonly slot: bigint
  readonly payer: string
  readonly batch: bigint
  /** Of what it pays, by its memo. */
  readonly digest: Uint8Array
  /** What is wrong with the transaction in itself. */
  readonly fault: string | undefined
  readonly transfers: readonly { readonly tokenAccount: string; readonly amount: bigint }[]
}

/** What the chain holds of an epoch; finalized transactions only. */
export interface ChainEvidence {
  anchors(epoch: bigint): Promise<readonly AnchorEvidence[]>
  payouts(epoch: bigint, payers: readonly PayerId[]): Promise<readonly PayoutEvidence[]>
  /** Where `payer` pays the owner of `wallet`. */
  tokenAccount(payer: PayerId, wallet: Wallet): Promise<string>
}

export interface Verification {
  readonly epoch: bigint
  /** The first thing that is not as it must be. */
  readonly difference: string | undefined
  /** Entries read and hashed. */
  readonly entries: bigint
  readonly rows: readonly PayoutRow[]
  readonly total: bigint
  readonly anchor: AnchorEvidence | undefined
  /** Microtokens found on chain; undefined when the chain was not asked. */
  readonly paid: bigint | undefined
  readonly transactions: readonly string[]
}

export interface VerifyDeps {
  readonly log: LogSource
  /** Without it, only the log is checked. */
  readonly chain: ChainEvidence | undefined
  progress?(done: bigint, total: bigint): void
}

/** Rejects only where the log or the chain cannot be read; differences are an answer. */
export async function verifyEpoch(epoch: bigint, { log, chain, progress }: VerifyDeps): Promise<Verification> {
  const anchors = (await chain?.anchors(epoch)) ?? []
  const walked = await walk(
    epoch,
    log,
    anchors.map(({ size }) => size),
    progress,
  )
  const { replayed } = walked
  const answer = (difference: string | undefined, found: Partial<Verification> = {}): Verification => ({
    epoch,
    difference,
    entries: walked.entries,
    rows: replayed?.table.rows ?? [],
    total: replayed?.table.total ?? 0n,
    anchor: undefined,
    paid: undefined,
    transactions: [],
    ...found,
  })
  if (walked.difference !== undefined) return answer(walked.difference)
  if (!replayed) return answer(`the log holds no close entry of epoch ${epoch}`)
  const inLog = compareLog(replayed)
  if (inLog !== undefined || !chain) return answer(inLog)
  const [anchor, second] = anchors
  if (!anchor) return answer(`epoch ${epoch} is not anchored on the chain, or not finally`)
  if (second)
    return answer(`epoch ${epoch} is anchored twice: by ${second.signature} and by ${anchor.signature}`, { anchor })
  const anchored = compareAnchor(anchor, replayed, walked.roots.get(anchor.size))
  if (anchored !== undefined) return answer(anchored, { anchor })
  const { difference, paid, transactions } = await comparePayouts(epoch, replayed.table.rows, chain)
  return answer(difference, { anchor, paid, transactions })
}

interface Walked {
  readonly difference: string | undefined
  readonly entries: bigint
  readonly replayed: ReplayedEpoch | undefined
  /** The log's root at the sizes asked for. */
  readonly roots: ReadonlyMap<bigint, Uint8Array>
}

/** Reads the whole log once: replays it up to the epoch's close, and hashes all of it against the signed root. */
async function walk(
  epoch: bigint,
  log: LogSource,
  sizes: readonly bigint[],
  progress: VerifyDeps['progress'],
): Promise<Walked> {
  const replay = createEpochReplay(log.origin)
  const roots = new Map<bigint, Uint8Array>()
  let frontier: Frontier = EMPTY_FRONTIER
  let replayed: ReplayedEpoch | undefined
  const result = (difference: string | undefined): Walked => ({ difference, entries: frontier.size, replayed, roots })
  while (frontier.size < log.size) {
    const octets = await log.entries(frontier.size)
    if (octets.length === 0)
      return result(`the files hold no entry ${frontier.size}, but the checkpoint signs ${log.size}`)
    const leaves: Uint8Array[] = []
    const flush = (): void => {
      frontier = appendLeaves(frontier, leaves.splice(0))
    }
    for (const [at, entry] of octets.entries()) {
      const index = frontier.size + BigInt(leaves.length)
      if (!replayed) {
        const decoded = decodeEntry(entry)
        if (!decoded.ok) return result(`entry ${index} cannot be read: ${ENTRY_FAULTS[decoded.fault.code]}`)
        const closed = replay.take(index, decoded.entry)
        if (closed?.close.epoch === epoch) replayed = closed
      }
      leaves.push(hashLeaf(entry))
      if (sizes.includes(index + 1n) || at === octets.length - 1) {
        flush()
        if (sizes.includes(frontier.size)) roots.set(frontier.size, frontierRoot(frontier))
      }
    }
    progress?.(frontier.size, log.size)
  }
  if (equalHashes(frontierRoot(frontier), log.root)) return result(undefined)
  return result(`the ${log.size} entries do not come to the root that the checkpoint signs`)
}

function compareLog({ close, closeIndex, table, faults }: ReplayedEpoch): string | undefined {
  const [fault] = faults
  if (fault !== undefined) return fault
  if (table.total !== close.total)
    return `the entries come to ${table.total} microtokens, but close entry ${closeIndex} says ${close.total}`
  if (!equalHashes(table.hash, close.tableHash))
    return `the payout table computed from the entries is another than the one that close entry ${closeIndex} names`
  return undefined
}

function compareAnchor(
  anchor: AnchorEvidence,
  { close, closeIndex }: ReplayedEpoch,
  root: Uint8Array | undefined,
): string | undefined {
  const { signature, size } = anchor
  if (size <= closeIndex) return `anchor ${signature} covers ${size} entries, so not close entry ${closeIndex}`
  if (!root) return `anchor ${signature} covers ${size} entries, more than the log's checkpoint`
  if (!equalHashes(anchor.root, root)) return `anchor ${signature} names another root for ${size} entries`
  if (!equalHashes(anchor.tableHash, close.tableHash)) return `anchor ${signature} names another payout table`
  if (anchor.total !== close.total)
    return `anchor ${signature} names ${anchor.total} microtokens, the log ${close.total}`
  return undefined
}

interface Owed {
  readonly wallet: string
  left: bigint
}

/** Less than the table may have been paid so far, for an account may be missing; more, twice, or to strangers never. */
async function comparePayouts(
  epoch: bigint,
  rows: readonly PayoutRow[],
  chain: ChainEvidence,
): Promise<Pick<Verification, 'difference' | 'paid' | 'transactions'>> {
  const owed = new Map<string, Owed>()
  for (const { payer, wallet, amount } of rows) {
    if (amount === 0n) continue
    const key = `${payer} ${await chain.tokenAccount(payer, wallet)}`
    const known = owed.get(key)
    if (known) known.left += amount
    else owed.set(key, { wallet, left: amount })
  }
  const batches = new Map<string, string>()
  let paid = 0n
  const stop = (difference: string | undefined) => ({ difference, paid, transactions: [...batches.values()] })
  for (const payout of await chain.payouts(epoch, [...new Set(rows.map(({ payer }) => payer))])) {
    const { signature, payer, batch } = payout
    const before = batches.get(`${payer} ${batch}`)
    if (before !== undefined) return stop(`batch ${batch} of ${payer} is paid twice: by ${before} and by ${signature}`)
    const difference = take(payout, owed)
    if (difference !== undefined) return stop(`transaction ${signature}: ${difference}`)
    batches.set(`${payer} ${batch}`, signature)
    paid += payout.transfers.reduce((sum, { amount }) => sum + amount, 0n)
  }
  return stop(undefined)
}

/** Takes what a transaction pays off what is owed; says what is wrong with it. */
function take(
  { payer, fault, transfers, digest }: PayoutEvidence,
  owed: ReadonlyMap<string, Owed>,
): string | undefined {
  if (fault !== undefined) return fault
  const payments: Payment[] = []
  for (const { tokenAccount, amount } of transfers) {
    const row = owed.get(`${payer} ${tokenAccount}`)
    if (!row) return `it pays ${tokenAccount}, which the payout table does not name`
    if (amount > row.left) return `it pays ${tokenAccount} ${amount} microtokens, but ${row.left} were due`
    row.left -= amount
    payments.push({ wallet: row.wallet, amount })
  }
  return equalHashes(payoutDigest(payments), digest)
    ? undefined
    : 'its memo names another digest than that of what it pays'
}
