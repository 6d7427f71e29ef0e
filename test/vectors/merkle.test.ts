import { readFileSync } from 'node:fs'
import t from 'tap'
import { appendLeaves, EMPTY_FRONTIER, frontierRoot } from '../../billing/log/tree/frontier.ts'
import { EMPTY_ROOT, hashLeaf, hashNode } from '../../billing/log/tree/hash.ts'
import {
  consistencyProof,
  type HashReader,
  inclusionProof,
  verifyConsistency,
  verifyInclusion,
} from '../../billing/log/tree/proof.ts'

interface Vectors {
  readonly leafHash: { readonly input: string; readonly hash: string }
  readonly nodeHash: { readonly left: string; readonly right: string; readonly hash: string }
  readonly leaves: readonly string[]
  readonly roots: readonly string[]
  readonly inclusion: readonly { readonly index: number; readonly size: number; readonly proof: readonly string[] }[]
  readonly consistency: readonly { readonly older: number; readonly newer: number; readonly proof: readonly string[] }[]
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('./rfc6962/tree.json', import.meta.url), 'utf8'))
const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex')
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')
const leaves = vectors.leaves.map((leaf) => hashLeaf(bytes(leaf)))
const root = (size: number): Uint8Array => bytes(vectors.roots[size] ?? '')

/** Hashes of perfect subtrees straight from the leaves. */
const read: HashReader = async (nodes) =>
  nodes.map(({ level, index }) => {
    const first = Number(index) * 2 ** level
    return frontierRoot(appendLeaves(EMPTY_FRONTIER, leaves.slice(first, first + 2 ** level)))
  })

t.test('leaf, node and empty hashes', async (t) => {
  t.equal(hex(hashLeaf(bytes(vectors.leafHash.input))), vectors.leafHash.hash)
  t.equal(hex(hashNode(bytes(vectors.nodeHash.left), bytes(vectors.nodeHash.right))), vectors.nodeHash.hash)
  t.equal(hex(EMPTY_ROOT), vectors.roots[0])
})

t.test('the root of every size', async (t) => {
  for (const [size, expected] of vectors.roots.entries())
    t.equal(hex(frontierRoot(appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size)))), expected, `size ${size}`)
})

t.test('inclusion proofs', async (t) => {
  for (const { index, size, proof } of vectors.inclusion) {
    const made = await inclusionProof(BigInt(index), BigInt(size), read)
    t.same(made.map(hex), proof, `leaf ${index} of ${size}`)
    const leaf = leaves[index] ?? EMPTY_ROOT
    t.ok(verifyInclusion(leaf, BigInt(index), BigInt(size), made, root(size)))
  }
})

t.test('consistency proofs', async (t) => {
  for (const { older, newer, proof } of vectors.consistency) {
    const made = await consistencyProof(BigInt(older), BigInt(newer), read)
    t.same(made.map(hex), proof, `${older} to ${newer}`)
    t.ok(verifyConsistency(BigInt(older), root(older), BigInt(newer), root(newer), made))
  }
})
