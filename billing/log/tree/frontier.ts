// What an append-only tree must remember to grow: the roots of its perfect subtrees, one for each bit set in its size, largest
// first. Appending a leaf merges the subtrees that became equal in size; the root folds them from the right.
import { EMPTY_ROOT, HASH_SIZE, hashNode } from './hash.ts'

export interface Frontier {
  readonly size: bigint
  /** As many as `size` has bits set. */
  readonly roots: readonly Uint8Array[]
}

export const EMPTY_FRONTIER: Frontier = { size: 0n, roots: [] }

/** The frontier after `leaves`, which are leaf hashes. */
export function appendLeaves({ size, roots }: Frontier, leaves: readonly Uint8Array[]): Frontier {
  const next = [...roots]
  let count = Number(size)
  if (!Number.isSafeInteger(count + leaves.length)) throw new RangeError(`a tree of ${size} leaves cannot grow here`)
  for (const leaf of leaves) {
    let merged = leaf
    for (let rest = count; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      const left = next.pop()
      if (!left) throw new RangeError('a frontier with fewer roots than its size has bits')
      merged = hashNode(left, merged)
    }
    next.push(merged)
    count++
  }
  return { size: BigInt(count), roots: next }
}

/** MTH(D[n]) of RFC 6962 §2.1. */
export function frontierRoot({ roots }: Frontier): Uint8Array {
  const last = roots.at(-1)
  if (!last) return EMPTY_ROOT
  return foldRight(roots.slice(0, -1), last)
}

/** Joins hashes of neighbouring subtrees, largest first, with `last` to the right of them all. */
export function foldRight(lefts: readonly Uint8Array[], last: Uint8Array): Uint8Array {
  return lefts.reduceRight((right, left) => hashNode(left, right), last)
}

export function encodeFrontier({ roots }: Frontier): Uint8Array {
  return Buffer.concat(roots)
}

/** Undefined when `octets` is not the frontier of a tree of `size` leaves. */
export function decodeFrontier(size: bigint, octets: Uint8Array): Frontier | undefined {
  if (octets.length !== bits(size) * HASH_SIZE) return undefined
  const roots: Uint8Array[] = []
  for (let at = 0; at < octets.length; at += HASH_SIZE) roots.push(octets.slice(at, at + HASH_SIZE))
  return { size, roots }
}

function bits(size: bigint): number {
  let count = 0
  for (let rest = size; rest > 0n; rest >>= 1n) count += Number(rest & 1n)
  return count
}
