// MILENAGE against the published test sets of TS 35.207 and TS 35.208.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { milenage, opcOf } from '../../sim-provisioning/auth/milenage.ts'

interface Row {
  readonly source: string
  readonly [field: string]: string
}

const { sets } = JSON.parse(readFileSync(new URL('../vectors/sim/milenage.json', import.meta.url), 'utf8')) as {
  sets: Row[]
}
const octets = (text: string | undefined): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'hex'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

t.equal(sets.filter(({ source }) => source.startsWith('TS 35.207')).length, 6, 'all sets of TS 35.207')
t.equal(sets.filter(({ source }) => source.startsWith('TS 35.208')).length, 19, 'sets 1 and 3 to 20 of TS 35.208')

for (const row of sets) {
  t.test(row.source, async (t) => {
    const [k, rand, sqn, amf] = [octets(row.k), octets(row.rand), octets(row.sqn), octets(row.amf)]
    t.equal(hex(opcOf(k, octets(row.op))), row.opc, 'OPc')
    const functions = milenage(k, octets(row.opc))
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

t.test('one subscriber, many calls: none depends on another', async () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const inputs = fc.record({ rand: bytes(16), sqn: bytes(6), amf: bytes(2) })
  fc.assert(
    fc.property(bytes(16), bytes(16), fc.array(inputs, { minLength: 1, maxLength: 8 }), (k, opc, calls) => {
      const kept = milenage(k, opc)
      const before = [k, opc].map(hex)
      return calls.every(({ rand, sqn, amf }) => {
        const fresh = milenage(k, opc)
        const one = kept.challenge(rand, sqn, amf)
        const two = { macA: fresh.f1(rand, sqn, amf), ...fresh.f2345(rand) }
        return (
          Object.entries(one).every(([name, value]) => hex(value) === hex(two[name as keyof typeof two])) &&
          [k, opc].map(hex).join() === before.join()
        )
      })
    }),
  )
})

t.test('no value can be reached through the buffer of another', async (t) => {
  const { res, ck, ik, ak, macA } = milenage(new Uint8Array(16), new Uint8Array(16)).challenge(
    new Uint8Array(16),
    new Uint8Array(6),
    new Uint8Array(2),
  )
  for (const value of [res, ck, ik, ak, macA]) t.equal(value.buffer.byteLength, value.length)
})

t.test('every wrong length is refused, without the value in the message', async (t) => {
  const good = { k: 16, opc: 16, rand: 16, sqn: 6, amf: 2 }
  for (const [name, right] of Object.entries(good)) {
    for (let length = 0; length <= 33; length++) {
      if (length === right) continue
      const of = (field: keyof typeof good): Uint8Array =>
        new Uint8Array(field === name ? length : good[field]).fill(0xab)
      t.throws(
        () => milenage(of('k'), of('opc')).challenge(of('rand'), of('sqn'), of('amf')),
        { code: 'AUTH_LENGTH_INVALID', message: /^(K|OPc|RAND|SQN|AMF) has [0-9]+ octets: expected [0-9]+$/ },
        `${name} of ${length}`,
      )
    }
  }
  const functions = milenage(new Uint8Array(16), new Uint8Array(16))
  t.throws(() => functions.f2345(new Uint8Array(15)), { code: 'AUTH_LENGTH_INVALID' })
  t.throws(() => functions.f5star(new Uint8Array(17)), { code: 'AUTH_LENGTH_INVALID' })
  t.throws(() => opcOf(new Uint8Array(16), new Uint8Array(15)), { code: 'AUTH_LENGTH_INVALID' })
})

t.test('what is printed or serialised of it has no key in it', async (t) => {
  const functions = milenage(Buffer.from('465b5ce8b199b49faa5f0a2ee238a6bc', 'hex'), new Uint8Array(16))
  t.equal(JSON.stringify(functions), '{}')
})
