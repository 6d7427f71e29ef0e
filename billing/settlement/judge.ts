// What the chain says of a transaction that has been signed. The one dangerous answer is 'dead', for it lets another be built: it
// is given only when nothing that was signed for the batch can be or become final.
import type { ChainPort } from './chain.ts'
import type { Oracles } from './oracles.ts'
import type { StoredTransaction } from './store.ts'
import { readTransaction } from './transactions.ts'

export type Judgement =
  | { readonly is: 'finalized'; readonly signature: string; readonly slot: bigint }
  | { readonly is: 'failed'; readonly reason: string }
  | { readonly is: 'dead' }
  /** On chain, not yet final. */
  | { readonly is: 'seen' }
  | { readonly is: 'unseen' }

type Sought = Pick<StoredTransaction, 'signature' | 'memo' | 'last_valid_block_height' | 'since_slot'>

export async function judge(chain: ChainPort, row: Sought, oracles: Oracles): Promise<Judgement> {
  const { signature, last_valid_block_height: lastValid } = row
  if (signature === null || lastValid === null) throw new RangeError('only what is signed can be judged')
  // The height comes first: what is asked afterwards is asked of a chain that is at least that far.
  const { height, slot } = await chain.blockHeight()
  const status = await chain.status(signature)
  if (status && status.commitment !== 'finalized') return { is: 'seen' }
  if (status) {
    if (status.error !== undefined) return { is: 'failed', reason: status.error }
    return { is: 'finalized', signature, slot: status.slot }
  }
  if (height <= lastValid) return { is: 'unseen' }
  return search(chain, row, slot, oracles)
}

/** Looks through the fee payer's history, which holds every transaction of ours, for the signature and for the memo. */
async function search(
  chain: ChainPort,
  { signature, memo, since_slot: sinceSlot }: Sought,
  minSlot: bigint,
  oracles: Oracles,
): Promise<Judgement> {
  for (const entry of await chain.history(oracles.feePayer, { sinceSlot, minSlot })) {
    const ours = entry.signature === signature
    if (!ours && (entry.memo !== memo || entry.error !== undefined)) continue
    if (entry.commitment !== 'finalized') return { is: 'seen' }
    if (ours && entry.error !== undefined) return { is: 'failed', reason: entry.error }
    // Anybody can write the words of a memo into a transaction that names our address; only the oracles can sign it.
    if (ours || (await isSignedByOracles(chain, entry.signature, memo, oracles)))
      return { is: 'finalized', signature: entry.signature, slot: entry.slot }
  }
  return { is: 'dead' }
}

async function isSignedByOracles(
  chain: ChainPort,
  signature: string,
  memo: string,
  oracles: Oracles,
): Promise<boolean> {
  const found = await chain.transaction(signature)
  const memos = (found && readTransaction(found.wire)?.memos) ?? []
  const signed = memos.find(({ text }) => text === memo)?.signers ?? []
  return oracles.addresses.filter((oracle) => signed.includes(oracle)).length >= oracles.threshold
}
