import fc from 'fast-check'
import t from 'tap'
import { appendLeaves, EMPTY_FRONTIER, frontierRoot } from '../../billing/log/tree/frontier.ts'
import { EMPTY_ROOT, hashLeaf } from '../../billing/log/tree/hash.ts'
import {
  consistencyProof,
  type HashReader,
  inclusionProof,
  verifyConsistency,
  verifyInclusion,
} from '../../billing/log/tree/proof.ts'

const MOST = 600
const leaves = Array.from({ length: MOST }, (_, at) => hashLeaf(Buffer.of(at & 255, at >> 8)))
const rootOf = (size: number): Uint8Array => frontierRoot(appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size)))
const read: HashReader = async (nodes) =>
  nodes.map(({ level, index }) => {
    const first = Number(index) * 2 ** level
    return frontierRoot(appendLeaves(EMPTY_FRONTIER, leaves.slice(first, first + 2 ** level)))
  })
const size = fc.integer({ min: 1, max: MOST })

t.test('appending in any pieces gives one root', async () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 6 }), (pieces) => {
      let frontier = EMPTY_FRONTIER
      for (const piece of pieces) {
        const from = Number(frontier.size)
        frontier = appendLeaves(frontier, leaves.slice(from, from + piece))
      }
      return Buffer.compare(frontierRoot(frontier), rootOf(Number(frontier.size))) === 0
    }),
  )
})

t.test('a proof holds for its leaf, its place and its root, and for no other', async () => {
  await fc.assert(
    fc.asyncProperty(size, fc.nat(), fc.nat(), async (n, at, other) => {
      const index = at % n
      const proof = await inclusionProof(BigInt(index), BigInt(n), read)
      const holds = (i: number, l: number): boolean =>
        verifyInclusion(leaves[l] ?? EMPTY_ROOT, BigInt(i), BigInt(n), proof, rootOf(n))
      const moved = other % n
      return holds(index, index) && (moved === index || (!holds(moved, index) && !holds(index, moved)))
    }),
    { numRuns: 200 },
  )
})

t.test('consistency holds from each size to each larger one, and not to a tree with another leaf', async () => {
  await fc.assert(
    fc.asyncProperty(size, size, fc.nat(), async (a, b, at) => {
      const [older, newer] = [Math.min(a, b), Math.max(a, b)]
      const proof = await consistencyProof(BigInt(older), BigInt(newer), read)
      const forged = leaves.slice(0, older).with(at % older, hashLeaf(Buffer.from('forged')))
      const holds = (root: Uint8Array): boolean =>
        verifyConsistency(BigInt(older), root, BigInt(newer), rootOf(newer), proof)
      return holds(rootOf(older)) && !holds(frontierRoot(appendLeaves(EMPTY_FRONTIER, forged)))
    }),
    { numRuns: 200 },
  )
})

t.test('verifiers answer for any octets', async () => {
  const hash = fc.uint8Array({ minLength: 0, maxLength: 33 })
  const number = fc.bigInt({ min: -2n, max: 1n << 64n })
  fc.assert(
    fc.property(number, number, hash, hash, fc.array(hash, { maxLength: 70 }), (a, b, x, y, proof) => {
      // Nothing drawn by chance is a proof, but for a tree that is its own leaf or its own predecessor.
      const trivial = proof.length === 0 && Buffer.compare(x, y) === 0
      return trivial || (!verifyInclusion(x, a, b, proof, y) && !verifyConsistency(a, x, b, y, proof))
    }),
  )
})
