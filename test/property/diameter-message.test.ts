// Any message that the dictionary can say is read as it was written, and any octets in its AVPs survive.
import fc from 'fast-check'
import t from 'tap'
import { millis } from '../../core/kernel/units.ts'
import type { ValueType } from '../../core/wire/diameter/dict/row.ts'
import {
  type AvpInput,
  type Avps,
  definitionAt,
  definitionOf,
  definitions,
  FLAG_VENDOR,
} from '../../core/wire/diameter/dictionary.ts'
import { encode } from '../../core/wire/diameter/encode.ts'
import { isFault } from '../../core/wire/diameter/fault.ts'
import { unsupported } from '../../core/wire/diameter/judge.ts'
import { avpsOf, decode, type Message, rawAvps } from '../../core/wire/diameter/message.ts'

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const i32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
const ascii = fc.stringMatching(/^[\x21-\x7e]{1,40}$/)
const VALUES: Record<Exclude<ValueType, 'group'>, fc.Arbitrary<unknown>> = {
  octets: fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets)),
  text: fc.string({ unit: 'grapheme', maxLength: 40 }),
  identity: ascii,
  uri: ascii,
  filter: ascii,
  i32,
  i64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  u32,
  u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  f32: fc.float({ noNaN: true }),
  enum: i32,
  address: fc.constantFrom('192.0.2.1', '0.0.0.0', '255.255.255.255', '2001:db8::1', '::'),
  time: fc.bigInt({ min: -61_505_152n, max: 4_233_462_143n }).map((seconds) => millis(seconds * 1000n)),
  ipv4: fc.constantFrom('192.0.2.1', '0.0.0.0', '255.255.255.255'),
}

const groups = definitions().filter(({ codec }) => codec === undefined)
const plain = definitions().filter(({ codec }) => codec !== undefined)

const named = (depth: number): fc.Arbitrary<AvpInput> => {
  const leaf = fc.constantFrom(...plain).chain(({ name, row }) => {
    const names = Object.values(row.values ?? {})
    const value = VALUES[row.type as Exclude<ValueType, 'group'>]
    // A number that has a name is read as the name.
    const sure = value.filter((each) => typeof each !== 'number' || row.values?.[each] === undefined)
    const numbers = row.type === 'enum' || row.type === 'u32' ? sure : value
    return (names.length > 0 ? fc.oneof(fc.constantFrom(...names), numbers) : value).map(
      (each) => [name, each] as unknown as AvpInput,
    )
  })
  if (depth === 0) return leaf
  const group = fc.tuple(fc.constantFrom(...groups), fc.array(named(depth - 1), { maxLength: 4 }))
  return fc.oneof(
    { weight: 3, arbitrary: leaf },
    { weight: 1, arbitrary: group.map(([{ name }, avps]) => [name, avps] as unknown as AvpInput) },
  )
}

const fields = fc.record({
  flags: fc.integer({ min: 0, max: 255 }),
  command: fc.integer({ min: 0, max: 0xff_ffff }),
  application: u32,
  hopByHop: u32,
  endToEnd: u32,
})

/** As `NamedAvp`s again. */
const reread = (avps: Avps): unknown[] =>
  avpsOf(avps).map(({ name, value }) => [
    name,
    name !== undefined && definitionOf(name).codec === undefined ? reread(value as Avps) : value,
  ])

function decoded(octets: Uint8Array): Message {
  const message = decode(octets)
  if (isFault(message)) throw new Error(JSON.stringify(message))
  return message
}

t.test('what is written is read', async (t) => {
  fc.assert(
    fc.property(fields, fc.array(named(3), { maxLength: 12 }), (header, avps) => {
      const octets = encode({ ...header, avps })
      const message = decoded(octets)
      t.same(reread(message), avps)
      t.match(message, header)
      t.equal(unsupported(message), undefined)
    }),
    { numRuns: 400 },
  )
})

t.test('octets survive, known or not', async (t) => {
  const raw = fc
    .record({
      code: u32,
      vendor: fc.oneof(fc.constant(0), u32),
      low: fc.integer({ min: 0, max: 127 }),
      octets: fc.uint8Array({ maxLength: 60 }),
    })
    .filter(({ code, vendor }) => definitionAt(vendor, code)?.row.type !== 'group')
    .map(({ code, vendor, low, octets }) => ({ code, vendor, flags: vendor === 0 ? low : low | FLAG_VENDOR, octets }))
  fc.assert(
    fc.property(fields, fc.array(raw, { maxLength: 10 }), (header, avps) => {
      const octets = encode({ ...header, avps })
      t.same(rawAvps(decoded(octets)), avps)
      t.same(encode({ ...header, avps: rawAvps(decoded(octets)) }), octets)
    }),
    { numRuns: 400 },
  )
})
