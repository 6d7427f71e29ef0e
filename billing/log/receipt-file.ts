// A receipt that an owner can keep and check alone: C2SP tlog-proof, with the entry itself as extra data. The entry's hash, the path of
// hashes and the signed checkpoint leave no octet of the file that could be changed unseen: it is read strictly, and signatures
// of keys that the reader was not given are refused rather than passed over.
import { decodeEntry } from './entries/codec.ts'
import type { Entry } from './entries/dictionary.ts'
import { decodeBase64, encodeBase64 } from './note/base64.ts'
import { CHECKPOINT_FAULTS, type Checkpoint, type Cosigned, openCheckpoint } from './note/checkpoint.ts'
import type { VerifierKey } from './note/note.ts'
import { MAX_ENTRY } from './tiles/layout.ts'
import { HASH_SIZE, hashLeaf } from './tree/hash.ts'
import { verifyInclusion } from './tree/proof.ts'

export interface Receipt {
  /** Octets of the entry. */
  readonly entry: Uint8Array
  readonly index: bigint
  readonly proof: readonly Uint8Array[]
  /** The checkpoint as its log signed it, a signed note. */
  readonly checkpoint: string
}

export const RECEIPT_FAULTS = {
  ...CHECKPOINT_FAULTS,
  'not-a-receipt': 'it is not a receipt file, or was changed by a character at least',
  'not-an-entry': 'what it certifies is not an entry of a receipt log',
  'not-included': 'the entry is not in the tree that the log signed: the entry, its place or the proof was changed',
} as const
export type ReceiptFault = keyof typeof RECEIPT_FAULTS

export type Verified =
  | {
      readonly ok: true
      readonly receipt: Receipt
      readonly entry: Entry
      readonly checkpoint: Checkpoint
      readonly cosigned: readonly Cosigned[]
    }
  | { readonly ok: false; readonly fault: ReceiptFault }

const HEADER = 'c2sp.org/tlog-proof@v1'
/** Characters; more than the largest entry, the longest path and all signatures take. */
export const MAX_RECEIPT = 4 * MAX_ENTRY

/** The text of a receipt file (tlog-proof, Format). */
export function formatReceipt({ entry, index, proof, checkpoint }: Receipt): string {
  const lines = [HEADER, `extra ${encodeBase64(entry)}`, `index ${index}`, ...proof.map(encodeBase64)]
  return `${lines.join('\n')}\n\n${checkpoint}`
}

/** Undefined unless `formatReceipt` of the result is `text`, character for character. */
export function parseReceipt(text: string): Receipt | undefined {
  const gap = text.indexOf('\n\n')
  if (text.length > MAX_RECEIPT || gap < 0) return undefined
  const [header, extra, place, ...path] = text.slice(0, gap).split('\n')
  const entry = decodeBase64(/^extra ([^ ]+)$/.exec(extra ?? '')?.[1] ?? '')
  const index = /^index (0|[1-9][0-9]{0,18})$/.exec(place ?? '')?.[1]
  if (header !== HEADER || !entry || entry.length === 0 || index === undefined) return undefined
  const proof: Uint8Array[] = []
  for (const line of path) {
    const hash = decodeBase64(line)
    if (hash?.length !== HASH_SIZE) return undefined
    proof.push(hash)
  }
  return { entry, index: BigInt(index), proof, checkpoint: text.slice(gap + 2) }
}

/** Checks a receipt file. `key`: the log's, named by its origin; `cosigners`: keys of those whose signatures the checkpoint may carry. */
export function verifyReceipt(text: string, key: VerifierKey, cosigners: readonly VerifierKey[] = []): Verified {
  const receipt = parseReceipt(text)
  if (!receipt) return { ok: false, fault: 'not-a-receipt' }
  const opened = openCheckpoint(receipt.checkpoint, key, cosigners)
  if (!opened.ok) return opened
  if (opened.unknown.length > 0) return { ok: false, fault: 'unknown-signer' }
  const { checkpoint, cosigned } = opened
  if (!verifyInclusion(hashLeaf(receipt.entry), receipt.index, checkpoint.size, receipt.proof, checkpoint.root))
    return { ok: false, fault: 'not-included' }
  const decoded = decodeEntry(receipt.entry)
  if (!decoded.ok) return { ok: false, fault: 'not-an-entry' }
  return { ok: true, receipt, entry: decoded.entry, checkpoint, cosigned }
}
