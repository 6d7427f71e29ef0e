// Inclusion and consistency proofs (RFC 6962 §2.1.1, §2.1.2; verified as in RFC 9162 §2.1.3.2, §2.1.4.2). A proof is a list of
// ranges of leaves; each range is hashed from the perfect subtrees that it consists of, which a reader looks up in the tiles.
import { foldRight } from './frontier.ts'
import { EMPTY_ROOT, equalHashes, HASH_SIZE, hashNode } from './hash.ts'

/** The perfect subtree over leaves [index × 2^level, (index + 1) × 2^level). */
export interface Node {
  readonly level: number
  readonly index: bigint
}

/** Looks up the hashes of perfect subtrees, in the order asked. */
export type HashReader = (nodes: readonly Node[]) => Promise<readonly Uint8Array[]>

/** Leaves [from, to). */
interface Range {
  readonly from: bigint
  readonly to: bigint
}

/** The audit path of leaf `index` in the tree of `size` leaves, from the leaf's sibling upwards. */
export function inclusionProof(index: bigint, size: bigint, read: HashReader): Promise<Uint8Array[]> {
  if (index < 0n || index >= size) throw new RangeError(`no leaf ${index} in a tree of ${size}`)
  return hashRanges(inclusionRanges(index, { from: 0n, to: size }), read)
}

/** The proof that the tree of `newer` leaves begins with the tree of `older` leaves; empty when `older` is 0 or `newer`. */
export function consistencyProof(older: bigint, newer: bigint, read: HashReader): Promise<Uint8Array[]> {
  if (older < 0n || older > newer) throw new RangeError(`a tree of ${newer} leaves cannot begin with ${older}`)
  if (older === 0n || older === newer) return Promise.resolve([])
  return hashRanges(consistencyRanges(older, { from: 0n, to: newer }, true), read)
}

/** MTH of the first `size` leaves. */
export async function treeRoot(size: bigint, read: HashReader): Promise<Uint8Array> {
  const [root] = size === 0n ? [EMPTY_ROOT] : await hashRanges([{ from: 0n, to: size }], read)
  return root ?? EMPTY_ROOT
}

export function verifyInclusion(
  leafHash: Uint8Array,
  index: bigint,
  size: bigint,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index < 0n || index >= size || ![leafHash, root, ...proof].every(isHash)) return false
  let first = index
  let last = size - 1n
  let computed = leafHash
  for (const sibling of proof) {
    if (last === 0n) return false
    if (first % 2n === 1n || first === last) {
      computed = hashNode(sibling, computed)
      while (first % 2n === 0n && first !== 0n) {
        first >>= 1n
        last >>= 1n
      }
    } else computed = hashNode(computed, sibling)
    first >>= 1n
    last >>= 1n
  }
  return last === 0n && equalHashes(computed, root)
}

/** False also for an `older` of 0 and a larger `newer`: every tree begins with the empty one, and no proof says so (RFC 9162 §2.1.4). */
export function verifyConsistency(
  older: bigint,
  olderRoot: Uint8Array,
  newer: bigint,
  newerRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (older < 0n || older > newer || ![olderRoot, newerRoot, ...proof].every(isHash)) return false
  if (older === newer) return proof.length === 0 && equalHashes(olderRoot, newerRoot)
  if (older === 0n) return false
  // Where the older tree is perfect its root is itself the first hash of the path.
  const path = (older & (older - 1n)) === 0n ? [olderRoot, ...proof] : proof
  const [start, ...rest] = path
  if (!start) return false
  let first = older - 1n
  let last = newer - 1n
  while (first % 2n === 1n) {
    first >>= 1n
    last >>= 1n
  }
  let seenOlder = start
  let seenNewer = start
  for (const sibling of rest) {
    if (last === 0n) return false
    if (first % 2n === 1n || first === last) {
      seenOlder = hashNode(sibling, seenOlder)
      seenNewer = hashNode(sibling, seenNewer)
      while (first % 2n === 0n && first !== 0n) {
        first >>= 1n
        last >>= 1n
      }
    } else seenNewer = hashNode(seenNewer, sibling)
    first >>= 1n
    last >>= 1n
  }
  return last === 0n && equalHashes(seenOlder, olderRoot) && equalHashes(seenNewer, newerRoot)
}

function isHash(octets: Uint8Array): boolean {
  return octets.length === HASH_SIZE
}

/** PATH(m, D[n]) of RFC 6962 §2.1.1, as ranges. */
function inclusionRanges(index: bigint, { from, to }: Range): Range[] {
  if (to - from === 1n) return []
  const middle = from + split(to - from)
  return index < middle
    ? [...inclusionRanges(index, { from, to: middle }), { from: middle, to }]
    : [...inclusionRanges(index, { from: middle, to }), { from, to: middle }]
}

/** SUBPROOF(m, D[n], b) of RFC 6962 §2.1.2, as ranges. */
function consistencyRanges(older: bigint, { from, to }: Range, whole: boolean): Range[] {
  if (older === to) return whole ? [] : [{ from, to }]
  const middle = from + split(to - from)
  return older <= middle
    ? [...consistencyRanges(older, { from, to: middle }, whole), { from: middle, to }]
    : [...consistencyRanges(older, { from: middle, to }, false), { from, to: middle }]
}

/** The largest power of two below `count`, which is at least 2. */
function split(count: bigint): bigint {
  return 1n << BigInt((count - 1n).toString(2).length - 1)
}

/** The perfect subtrees that a range consists of, largest first; `from` is a multiple of the largest. */
function subtrees({ from, to }: Range): Node[] {
  const nodes: Node[] = []
  for (let at = from; at < to; ) {
    const level = (to - at).toString(2).length - 1
    nodes.push({ level, index: at >> BigInt(level) })
    at += 1n << BigInt(level)
  }
  return nodes
}

async function hashRanges(ranges: readonly Range[], read: HashReader): Promise<Uint8Array[]> {
  const parts = ranges.map(subtrees)
  const hashes = await read(parts.flat())
  let at = 0
  return parts.map((part) => {
    const own = hashes.slice(at, at + part.length)
    at += part.length
    const last = own.at(-1)
    if (own.length !== part.length || !last) throw new RangeError('a reader returned fewer hashes than were asked for')
    return foldRight(own.slice(0, -1), last)
  })
}
