// TUAK against the published test sets of TS 35.232 and TS 35.233, and its permutation against SHA-3 of OpenSSL.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { keccakF1600 } from '../../sim-provisioning/auth/keccak.ts'
import { type TuakOptions, topcOf, tuak } from '../../sim-provisioning/auth/tuak.ts'

interface Row {
  readonly source: string
  readonly iterations: number
  readonly k: string
  readonly rand: string
  readonly sqn: string
  readonly amf: string
  readonly top: string
  readonly topc: string
  readonly f1: string
  readonly f1star: string
  readonly f2: string
  readonly f3: string
  readonly f4: string
  readonly f5: string
  readonly f5star: string
}

const read = (name: string) => JSON.parse(readFileSync(new URL(`../vectors/sim/${name}`, import.meta.url), 'utf8'))
const sets: readonly Row[] = read('tuak.json').sets
const states: readonly { source: string; in: string; out: string }[] = read('keccak.json').sets
const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

t.equal(sets.length, 6)
t.equal(states.length, 6)

for (const { source, in: before, out } of states) {
  t.test(`Keccak-f[1600], ${source}`, async (t) => {
    const state = octets(before)
    keccakF1600(state)
    t.equal(hex(state), out)
  })
}

t.test('SHA3-256 made of the permutation is that of OpenSSL', async () => {
  const rate = 136
  function sha3(message: Uint8Array): string {
    const blocks = new Uint8Array((Math.floor(message.length / rate) + 1) * rate)
    blocks.set(message)
    blocks[message.length] = 6
    blocks[blocks.length - 1] = (blocks.at(-1) ?? 0) | 0x80
    const state = new Uint8Array(200)
    for (let at = 0; at < blocks.length; at += rate) {
      for (let index = 0; index < rate; index++) state[index] = (state[index] ?? 0) ^ (blocks[at + index] ?? 0)
      keccakF1600(state)
    }
    return hex(state.subarray(0, 32))
  }
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 600 }),
      (message) => sha3(message) === createHash('sha3-256').update(message).digest('hex'),
    ),
  )
})

for (const row of sets) {
  t.test(row.source, async (t) => {
    const [k, rand, sqn, amf] = [octets(row.k), octets(row.rand), octets(row.sqn), octets(row.amf)]
    t.equal(hex(topcOf(k, octets(row.top), row.iterations)), row.topc, 'TOPc')
    const functions = tuak(k, octets(row.topc), {
      mac: (row.f1.length * 4) as TuakOptions['mac'],
      res: (row.f2.length * 4) as TuakOptions['res'],
      ck: (row.f3.length * 4) as TuakOptions['ck'],
      ik: (row.f4.length * 4) as TuakOptions['ik'],
      iterations: row.iterations,
    })
    t.equal(hex(functions.f1(rand, sqn, amf)), row.f1, 'f1')
    t.equal(hex(functions.f1star(rand, sqn, amf)), row.f1star, 'f1*')
    t.equal(hex(functions.f5star(rand)), row.f5star, 'f5*')
    const { macA, ...answer } = functions.challenge(rand, sqn, amf)
    t.equal(hex(macA), row.f1, 'f1 of the whole challenge')
    for (const { res, ck, ik, ak } of [answer, functions.f2345(rand)]) {
      t.equal(hex(res), row.f2, 'f2')
      t.equal(hex(ck), row.f3, 'f3')
      t.equal(hex(ik), row.f4, 'f4')
      t.equal(hex(ak), row.f5, 'f5')
    }
  })
}

t.test('the lengths of AKA are the usual ones', async (t) => {
  const functions = tuak(new Uint8Array(32), new Uint8Array(32))
  const made = functions.challenge(new Uint8Array(16), new Uint8Array(6), new Uint8Array(2))
  t.same(Object.fromEntries(Object.entries(made).map(([name, value]) => [name, value.length])), {
    macA: 8,
    res: 8,
    ck: 16,
    ik: 16,
    ak: 6,
  })
})

t.test('every wrong length is refused', async (t) => {
  const good = { k: [16, 32], topc: [32], rand: [16], sqn: [6], amf: [2] }
  for (const [name, right] of Object.entries(good)) {
    for (let length = 0; length <= 40; length++) {
      if (right.includes(length)) continue
      const of = (field: keyof typeof good): Uint8Array =>
        new Uint8Array(field === name ? length : (good[field][0] ?? 0))
      t.throws(
        () => tuak(of('k'), of('topc')).challenge(of('rand'), of('sqn'), of('amf')),
        { code: 'AUTH_LENGTH_INVALID' },
        `${name} of ${length}`,
      )
    }
  }
  t.throws(() => topcOf(new Uint8Array(24), new Uint8Array(32)), { code: 'AUTH_LENGTH_INVALID' })
})
