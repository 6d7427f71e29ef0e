import t from 'tap'
import { decodeBundle, encodeBundle, TILE_WIDTH, tilePath, tileWidth } from '../../billing/log/tiles/layout.ts'
import { createLogReader, type TileReader } from '../../billing/log/tiles/reader.ts'
import {
  appendLeaves,
  decodeFrontier,
  EMPTY_FRONTIER,
  encodeFrontier,
  frontierRoot,
} from '../../billing/log/tree/frontier.ts'
import { EMPTY_ROOT, hashLeaf, hashNode } from '../../billing/log/tree/hash.ts'
import { verifyConsistency, verifyInclusion } from '../../billing/log/tree/proof.ts'

const MOST = 70
const entries = Array.from({ length: MOST }, (_, at) => Buffer.from(`entry ${at}`))
const leaves = entries.map(hashLeaf)

/** MTH, PATH and PROOF word by word from RFC 6962 §2.1, the slow way. */
const split = (n: number): number => 2 ** Math.floor(Math.log2(n - 1))
function mth(d: readonly Uint8Array[]): Uint8Array {
  const [only] = d
  if (!only) return EMPTY_ROOT
  return d.length === 1 ? only : hashNode(mth(d.slice(0, split(d.length))), mth(d.slice(split(d.length))))
}
function path(m: number, d: readonly Uint8Array[]): Uint8Array[] {
  if (d.length === 1) return []
  const k = split(d.length)
  return m < k ? [...path(m, d.slice(0, k)), mth(d.slice(k))] : [...path(m - k, d.slice(k)), mth(d.slice(0, k))]
}
function subproof(m: number, d: readonly Uint8Array[], whole: boolean): Uint8Array[] {
  if (m === d.length) return whole ? [] : [mth(d)]
  const k = split(d.length)
  return m <= k
    ? [...subproof(m, d.slice(0, k), whole), mth(d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))]
}

const roots = Array.from({ length: MOST + 1 }, (_, size) => mth(leaves.slice(0, size)))
const root = (size: number): Uint8Array => roots[size] ?? EMPTY_ROOT
const leaf = (index: number): Uint8Array => leaves[index] ?? EMPTY_ROOT

/** The files of the tree over `hashes` with `texts` as entries, made from the definition of a tile (tlog-tiles). */
function filesOf(hashes: readonly Uint8Array[], texts: readonly Uint8Array[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  let row = hashes
  for (let level = 0; row.length > 0; level++) {
    const above: Uint8Array[] = []
    for (let from = 0; from < row.length; from += TILE_WIDTH) {
      const tile = row.slice(from, from + TILE_WIDTH)
      const place = { index: BigInt(from / TILE_WIDTH), width: tile.length }
      files.set(tilePath({ ...place, level }), Buffer.concat(tile))
      if (level === 0)
        files.set(tilePath({ ...place, level: 'entries' }), encodeBundle(texts.slice(from, from + TILE_WIDTH)))
      if (tile.length === TILE_WIDTH) above.push(mth(tile))
    }
    row = above
  }
  return files
}
const readerOf = (files: ReadonlyMap<string, Uint8Array>): TileReader => ({ read: async (name) => files.get(name) })

function flip(octets: Uint8Array, bit: number): Uint8Array {
  const copy = Buffer.from(octets)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

t.test('the frontier grows to the root of the definition, however it is cut', async (t) => {
  let frontier = EMPTY_FRONTIER
  for (let size = 0; size <= MOST; size++) {
    t.same(frontierRoot(frontier), root(size), `size ${size}`)
    const stored = decodeFrontier(frontier.size, encodeFrontier(frontier))
    t.same(stored, frontier)
    t.same(appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size)), frontier, 'all at once is the same')
    frontier = appendLeaves(frontier, leaves.slice(size, size + 1))
  }
  t.equal(decodeFrontier(3n, new Uint8Array(32)), undefined, 'two subtrees need two roots')
  t.equal(decodeFrontier(0n, new Uint8Array(32)), undefined)
})

t.test(`every inclusion proof up to ${MOST} leaves: made, verified, and refused with anything changed`, async (t) => {
  let proofs = 0
  const wrong: string[] = []
  for (let size = 1; size <= MOST; size++) {
    const reader = createLogReader(readerOf(filesOf(leaves.slice(0, size), entries)))
    for (let index = 0; index < size; index++) {
      const proof = await reader.inclusionProof(BigInt(index), BigInt(size))
      proofs++
      const expect = (good: boolean, what: string, found: boolean): void => {
        if (found !== good) wrong.push(`${what} ${index}/${size}`)
      }
      const check = (i: number, n: number, p: readonly Uint8Array[], l = leaf(index), r = root(size)): boolean =>
        verifyInclusion(l, BigInt(i), BigInt(n), p, r)
      expect(
        true,
        'definition',
        Buffer.compare(Buffer.concat(proof), Buffer.concat(path(index, leaves.slice(0, size)))) === 0,
      )
      expect(true, 'verify', check(index, size, proof))
      expect(false, 'longer', check(index, size, [...proof, root(1)]))
      expect(false, 'other leaf', check(index, size, proof, leaf((index + 1) % MOST)))
      expect(false, 'other root', check(index, size, proof, leaf(index), root(size - 1)))
      if (size > 1) expect(false, 'other index', check((index + 1) % size, size, proof))
      expect(false, 'beyond', check(size, size, proof))
      expect(false, 'before', check(-1, size, proof))
      for (const [at, hash] of proof.entries()) {
        expect(false, 'shorter', check(index, size, proof.toSpliced(at, 1)))
        expect(false, 'flipped', check(index, size, proof.with(at, flip(hash, (index * 7 + at) % 256))))
        expect(false, 'cut hash', check(index, size, proof.with(at, hash.subarray(1))))
      }
    }
  }
  t.equal(proofs, (MOST * (MOST + 1)) / 2)
  t.same(wrong, [])
})

t.test(`every consistency proof up to ${MOST} leaves: made, verified, and refused with anything changed`, async (t) => {
  const wrong: string[] = []
  for (let newer = 1; newer <= MOST; newer++) {
    const reader = createLogReader(readerOf(filesOf(leaves.slice(0, newer), entries)))
    for (let older = 0; older <= newer; older++) {
      const proof = await reader.consistencyProof(BigInt(older), BigInt(newer))
      const expect = (good: boolean, what: string, found: boolean): void => {
        if (found !== good) wrong.push(`${what} ${older}/${newer}`)
      }
      const check = (p: readonly Uint8Array[], r1 = root(older), r2 = root(newer)): boolean =>
        verifyConsistency(BigInt(older), r1, BigInt(newer), r2, p)
      const defined = older === 0 ? [] : subproof(older, leaves.slice(0, newer), true)
      expect(true, 'definition', Buffer.compare(Buffer.concat(proof), Buffer.concat(defined)) === 0)
      expect(older > 0, 'verify', check(proof))
      expect(false, 'longer', check([...proof, root(1)]))
      expect(false, 'other older root', check(proof, root(older + 1)))
      expect(false, 'other newer root', check(proof, root(older), root(newer - 1)))
      expect(
        false,
        'turned round',
        older < newer && verifyConsistency(BigInt(newer), root(newer), BigInt(older), root(older), proof),
      )
      for (const [at, hash] of proof.entries()) {
        expect(false, 'shorter', check(proof.toSpliced(at, 1)))
        expect(false, 'flipped', check(proof.with(at, flip(hash, (older * 7 + at) % 256))))
      }
    }
  }
  t.same(wrong, [])
})

t.test('proofs across three levels of tiles, at the sizes where tiles fill', async (t) => {
  // The root of 65,537 leaves stands in level 2; the slow definition takes too long here, the frontier has been checked above.
  const many = Array.from({ length: 65_537 }, (_, at) => hashLeaf(Buffer.from(String(at))))
  for (const size of [255, 256, 257, 511, 512, 65_535, 65_536, 65_537]) {
    const known = frontierRoot(appendLeaves(EMPTY_FRONTIER, many.slice(0, size)))
    const reader = createLogReader(readerOf(filesOf(many.slice(0, size), [])))
    t.same(await reader.root(BigInt(size)), known, `root of ${size}`)
    for (const index of [0, 1, 254, 255, 256, 511, 65_279, 65_535, size - 1].filter((at) => at < size)) {
      const proof = await reader.inclusionProof(BigInt(index), BigInt(size))
      t.ok(verifyInclusion(many[index] ?? EMPTY_ROOT, BigInt(index), BigInt(size), proof, known), `${index} of ${size}`)
    }
    for (const older of [1, 255, 256, 257, 65_280, 65_536].filter((at) => at <= size)) {
      const before = frontierRoot(appendLeaves(EMPTY_FRONTIER, many.slice(0, older)))
      const proof = await reader.consistencyProof(BigInt(older), BigInt(size))
      t.ok(verifyConsistency(BigInt(older), before, BigInt(size), known, proof), `${older} to ${size}`)
    }
  }
})

t.test('a partial tile may be gone once the full one is there; anything else missing or cut is said', async (t) => {
  const files = filesOf(leaves.slice(0, 70), entries)
  const older = createLogReader(readerOf(files))
  await t.rejects(older.root(69n), { code: 'LOG_TILE_MISSING' })
  const full = filesOf(
    Array.from({ length: 256 }, (_, at) => leaves[at] ?? hashLeaf(Buffer.of(at & 255))),
    [...entries, ...Array.from({ length: 186 }, () => Buffer.of(1))],
  )
  const reader = createLogReader(readerOf(full))
  t.same(await reader.root(70n), root(70))
  t.same(await reader.entry(69n, 70n), entries[69])
  t.equal((await reader.bundle(0n, 70n)).length, 70)
  const cut = new Map([...files].map(([name, octets]) => [name, octets.subarray(0, octets.length - 1)]))
  await t.rejects(createLogReader(readerOf(cut)).root(70n), { code: 'LOG_TILE_UNREADABLE' })
  await t.rejects(createLogReader(readerOf(cut)).entry(0n, 70n), { code: 'LOG_TILE_UNREADABLE' })
  await t.rejects(createLogReader(readerOf(new Map())).entry(0n, 70n), { code: 'LOG_TILE_MISSING' })
  await t.rejects(reader.entry(70n, 70n), RangeError)
  await t.rejects(reader.bundle(1n, 70n), RangeError)
})

t.test('a wrong hash in a tile is found by whoever checks the proof', async (t) => {
  const files = filesOf(leaves, entries)
  const name = tilePath({ level: 0, index: 0n, width: MOST })
  const tile = files.get(name) ?? EMPTY_ROOT
  for (const at of [0, 31, 69]) {
    const reader = createLogReader(readerOf(new Map([...files, [name, flip(tile, at * 256 + 5)]])))
    t.notSame(await reader.root(BigInt(MOST)), root(MOST))
    const index = at === 0 ? 1 : 0
    const proof = await reader.inclusionProof(BigInt(index), BigInt(MOST))
    t.notOk(verifyInclusion(leaf(index), BigInt(index), BigInt(MOST), proof, root(MOST)))
  }
})

t.test('entry bundles: whole entries or nothing', async (t) => {
  const longest = Buffer.alloc(65_535, 7)
  const texts = [Buffer.alloc(0), Buffer.of(1), longest]
  const octets = encodeBundle(texts)
  t.same(decodeBundle(octets), texts)
  t.same(decodeBundle(new Uint8Array(0)), [])
  const short = encodeBundle([Buffer.of(1, 2, 3), Buffer.of(4)])
  const whole = new Set([0, 5, 8])
  for (let length = 0; length <= short.length; length++)
    t.equal(decodeBundle(short.subarray(0, length)) !== undefined, whole.has(length), `cut at ${length}`)
  t.throws(() => encodeBundle([Buffer.alloc(65_536)]), RangeError)
})

t.test('tile widths at the edges', async (t) => {
  t.equal(tileWidth(0, 0n, 0n), 0)
  t.equal(tileWidth(0, 0n, 1n), 1)
  t.equal(tileWidth(7, 0n, (1n << 63n) - 1n), 127)
})
