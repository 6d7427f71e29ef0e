// Sequence numbers of TS 33.102 Annex C: issuing, the USIM's check, and resynchronisation between the two.
import fc from 'fast-check'
import t from 'tap'
import { makeAuts, openAuts } from '../../sim-provisioning/auth/auts.ts'
import { milenage } from '../../sim-provisioning/auth/milenage.ts'
import {
  assignInd,
  DELTA,
  type IndTable,
  indOf,
  issueSqns,
  joinSqn,
  readSqn,
  resynchronise,
  SEQ_MAX,
  type Sqn,
  seqOf,
  sqn,
  sqnOctets,
} from '../../sim-provisioning/auth/sqn.ts'
import { tuak } from '../../sim-provisioning/auth/tuak.ts'
import { acceptSqn, answer, newUsim, sqnMs, type UsimState } from '../../sim-provisioning/auth/usim.ts'
import { umtsVector } from '../../sim-provisioning/auth/vector.ts'

const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const functions = milenage(octets('465b5ce8b199b49faa5f0a2ee238a6bc'), octets('e8ed289deba952e4283b54e88e6183ca'))
const AMF = octets('8000')

t.test('the octets of a number', async (t) => {
  for (const [value, text] of [
    [0n, '000000000000'],
    [1n, '000000000001'],
    [0xff9bb4d0b607n, 'ff9bb4d0b607'],
    [2n ** 48n - 1n, 'ffffffffffff'],
  ] as const) {
    t.equal(hex(sqnOctets(sqn(value))), text)
    t.equal(readSqn(octets(text)), value)
  }
  for (const bad of [-1n, 2n ** 48n]) t.throws(() => sqn(bad), { code: 'ID_INVALID' })
  t.throws(() => joinSqn(0n, 32), { code: 'ID_INVALID' })
  t.throws(() => joinSqn(0n, -1), { code: 'ID_INVALID' })
  t.throws(() => joinSqn(SEQ_MAX + 1n, 0), { code: 'ID_INVALID' })
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 48n - 1n), (value) => {
      const number = sqn(value)
      return readSqn(sqnOctets(number)) === value && joinSqn(seqOf(number), indOf(number)) === value
    }),
  )
})

t.test('issued numbers', async (t) => {
  t.same(issueSqns(sqn(0n), 0), { sqns: [32n], last: 32n })
  t.same(issueSqns(sqn(33n), 0), { sqns: [64n], last: 64n }, 'another IND takes the next SEQ')
  t.same(issueSqns(sqn(64n), 7, 3), { sqns: [103n, 135n, 167n], last: 167n }, 'a batch has one IND')
  t.same(issueSqns(sqn(5n), 1, 0), { sqns: [], last: 5n })
  const almost = joinSqn(SEQ_MAX - 2n, 3)
  t.equal(issueSqns(almost, 0, 2)?.last, joinSqn(SEQ_MAX, 0))
  t.equal(issueSqns(almost, 0, 3), undefined, 'SEQ never wraps around')
  t.equal(issueSqns(joinSqn(SEQ_MAX, 31), 0), undefined)
})

t.test('what the USIM accepts', async (t) => {
  const state = newUsim().with(3, 100n).with(5, 90n)
  for (const [what, seq, ind, limits, good] of [
    ['the next one', 101n, 3, undefined, true],
    ['the same again', 100n, 3, undefined, false],
    ['an older one of that IND', 99n, 3, undefined, false],
    ['an older one, but new for its IND', 91n, 5, undefined, true],
    ['an old one for an unused IND', 1n, 0, undefined, true],
    ['SEQ 0 for an unused IND', 0n, 0, undefined, false],
    ['as far ahead as allowed', 100n + DELTA, 0, undefined, true],
    ['one too far ahead', 101n + DELTA, 0, undefined, false],
    ['the oldest that L allows', 91n, 5, { delta: DELTA, age: 10n }, true],
    ['too old for L', 90n, 0, { delta: DELTA, age: 10n }, false],
    ['within a small delta', 104n, 3, { delta: 4n }, true],
    ['beyond a small delta', 105n, 3, { delta: 4n }, false],
  ] as const) {
    const next = acceptSqn(state, joinSqn(seq, ind), limits)
    t.equal(next !== undefined, good, what)
    if (next !== undefined) t.equal(next[ind], seq, `${what}: stored`)
  }
  t.equal(sqnMs(state), joinSqn(100n, 3))
  t.equal(sqnMs(newUsim()), 0n)
})

t.test('AUTS: the example of a phone at SQN 31', async (t) => {
  // K, OPc and values of the test of libosmocore (tests/auth/milenage_test.c).
  const key = octets('000102030405060708090a0b0c0d0e0f')
  const auts = octets('8711a0ec9e1637df17f80b384ee4')
  t.same(openAuts(milenage(key, key), new Uint8Array(16), auts), { verdict: 'accept', sqnMs: 31n })
  t.equal(hex(makeAuts(milenage(key, key), new Uint8Array(16), sqn(31n))), hex(auts))
})

t.test('AUTS: any number comes back, any flipped bit and any other length is refused', async (t) => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  fc.assert(
    fc.property(
      bytes(16),
      fc.bigInt(0n, 2n ** 48n - 1n),
      fc.nat(14 * 8 - 1),
      fc.boolean(),
      (rand, value, bit, other) => {
        const algorithm = other ? tuak(new Uint8Array(16), new Uint8Array(32)) : functions
        const auts = makeAuts(algorithm, rand, sqn(value))
        const opened = openAuts(algorithm, rand, auts)
        const flipped = auts.with(bit >> 3, (auts[bit >> 3] ?? 0) ^ (1 << (bit & 7)))
        const moved = rand.with(0, (rand[0] ?? 0) ^ 1)
        return (
          opened.verdict === 'accept' &&
          opened.sqnMs === value &&
          openAuts(algorithm, rand, flipped).verdict === 'reject' &&
          openAuts(algorithm, moved, auts).verdict === 'reject'
        )
      },
    ),
  )
  const auts = makeAuts(functions, new Uint8Array(16), sqn(99n))
  for (let length = 0; length < auts.length; length++) {
    const verdict = { verdict: 'reject', reason: 'length' }
    t.same(openAuts(functions, new Uint8Array(16), auts.subarray(0, length)), verdict)
    t.same(openAuts(functions, new Uint8Array(length), auts), verdict)
  }
  t.same(openAuts(functions, new Uint8Array(16), new Uint8Array(15)), { verdict: 'reject', reason: 'length' })
  t.same(openAuts(functions, new Uint8Array(16), new Uint8Array(14)), { verdict: 'reject', reason: 'mac-s' })
})

t.test('where a resynchronisation moves the home network', async (t) => {
  for (const [what, last, ms, expected, moved] of [
    ['behind the phone', joinSqn(1n, 0), joinSqn(12n, 1), joinSqn(12n, 1), true],
    ['at the same SEQ: the next would do', joinSqn(12n, 0), joinSqn(12n, 1), joinSqn(12n, 0), false],
    ['ahead of the phone: an old AUTS changes nothing', joinSqn(50n, 0), joinSqn(12n, 1), joinSqn(50n, 0), false],
    ['as far ahead as allowed', joinSqn(11n + DELTA, 0), joinSqn(12n, 1), joinSqn(11n + DELTA, 0), false],
    ['too far ahead', joinSqn(12n + DELTA, 0), joinSqn(12n, 1), joinSqn(12n, 1), true],
    ['a phone at the very end', joinSqn(1n, 0), joinSqn(SEQ_MAX, 31), joinSqn(SEQ_MAX, 31), true],
  ] as const) {
    t.same(resynchronise(last, ms), { last: expected, moved }, what)
  }
})

interface World {
  last: Sqn
  usim: UsimState
}

/** One authentication as it goes on the air; true when the phone took it, at the latest after one resynchronisation. */
function authenticate(world: World, ind: number, rand: Uint8Array): boolean {
  for (const _ of ['first', 'resynchronised']) {
    const issued = issueSqns(world.last, ind)
    const [number] = issued?.sqns ?? []
    if (issued === undefined || number === undefined) return false
    world.last = issued.last
    const { autn } = umtsVector(functions, rand, number, AMF)
    const result = answer(functions, world.usim, rand, autn)
    if (result.verdict === 'accept') {
      world.usim = result.state
      return true
    }
    if (result.verdict === 'mac-failure') return false
    const opened = openAuts(functions, rand, result.auts)
    if (opened.verdict !== 'accept') return false
    world.last = resynchronise(world.last, opened.sqnMs).last
  }
  return false
}

t.test('whatever state the two are in, one resynchronisation brings them together', async () => {
  const seq = fc.bigInt(0n, SEQ_MAX - 100n)
  const ind = fc.nat(31)
  fc.assert(
    fc.property(
      seq,
      fc.array(fc.tuple(ind, seq), { maxLength: 6 }),
      fc.array(ind, { minLength: 1, maxLength: 6 }),
      (he, ms, asks) => {
        const usim = ms.reduce<UsimState>((state, [at, value]) => state.with(at, value), newUsim())
        const world: World = { last: joinSqn(he, 0), usim }
        return asks.every((at, index) => authenticate(world, at, new Uint8Array(16).fill(index)))
      },
    ),
  )
})

t.test('vectors of several entities are accepted in any order, and none twice', async () => {
  const batch = fc.record({ ind: fc.nat(31), count: fc.integer({ min: 1, max: 5 }) })
  const batches = fc.uniqueArray(batch, { selector: ({ ind }) => ind, minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(batches, fc.infiniteStream(fc.nat(100)), (entities, choices) => {
      let last = sqn(0n)
      const queues = entities.map(({ ind, count }) => {
        const issued = issueSqns(last, ind, count)
        last = issued?.last ?? last
        return [...(issued?.sqns ?? [])]
      })
      let usim: UsimState = newUsim()
      for (let open = queues.filter(({ length }) => length > 0); open.length > 0; ) {
        const number = open[(choices.next().value as number) % open.length]?.shift() as Sqn
        const next = acceptSqn(usim, number)
        if (next === undefined || acceptSqn(next, number) !== undefined) return false
        usim = next
        open = open.filter(({ length }) => length > 0)
      }
      return true
    }),
  )
})

t.test('an AUTS that is sent again never makes a used number fresh', async () => {
  fc.assert(
    fc.property(fc.array(fc.nat(31), { minLength: 2, maxLength: 12 }), fc.nat(11), (asks, replayAt) => {
      const world: World = { last: sqn(0n), usim: newUsim() }
      const rand = new Uint8Array(16)
      authenticate(world, 0, rand)
      const old = sqnMs(world.usim)
      const issued = new Set<bigint>()
      return asks.every((ind, index) => {
        if (index === replayAt) world.last = resynchronise(world.last, old).last
        const next = issueSqns(world.last, ind)
        if (next === undefined) return false
        world.last = next.last
        const fresh = !issued.has(seqOf(next.last))
        issued.add(seqOf(next.last))
        return fresh
      })
    }),
  )
})

t.test('a wrong AUTN is a MAC failure, and changes nothing', async (t) => {
  const rand = new Uint8Array(16)
  const { autn } = umtsVector(functions, rand, sqn(32n), AMF)
  for (let bit = 0; bit < 128; bit++) {
    const flipped = autn.with(bit >> 3, (autn[bit >> 3] ?? 0) ^ (1 << (bit & 7)))
    t.same(answer(functions, newUsim(), rand, flipped), { verdict: 'mac-failure' })
  }
  for (let length = 0; length < 16; length++) {
    t.same(answer(functions, newUsim(), rand, autn.subarray(0, length)), { verdict: 'mac-failure' })
    t.same(answer(functions, newUsim(), rand.subarray(0, length), autn), { verdict: 'mac-failure' })
  }
})

t.test('the IND of serving entities', async (t) => {
  let table: IndTable = new Map()
  const inds: number[] = []
  for (let index = 0; index < 40; index++) {
    const given = assignInd(table, `mme${index}.example.org`)
    table = given.table
    inds.push(given.ind)
  }
  t.same(inds.slice(0, 32), [...Array(32).keys()], 'each has its own while there are some')
  t.equal(table.size, 32, 'the table does not grow beyond')
  t.ok(inds.every((ind) => ind >= 0 && ind < 32))
  t.equal(assignInd(table, 'mme7.example.org').ind, 7, 'and keeps it')
  t.equal(assignInd(table, 'mme39.example.org').ind, inds[39], 'a shared one is the same each time')
  t.equal(
    assignInd(
      new Map([
        ['a', 0],
        ['b', 2],
      ]),
      'c',
    ).ind,
    1,
    'the lowest free one',
  )
})
