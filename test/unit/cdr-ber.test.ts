// BER against the examples of X.690 and against every cut and many changes of good octets.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { context, readElement, universal, writeElement } from '../../core/wire/ber/element.ts'
import { isBerFault } from '../../core/wire/ber/fault.ts'
import { type BerType, choice, optional, required, sequence, sequenceOf, set, setOf } from '../../core/wire/ber/type.ts'
import {
  BIT_STRING,
  BOOLEAN,
  ENUMERATED,
  graphicString,
  INTEGER,
  ia5String,
  OBJECT_IDENTIFIER,
  octetString,
  unsigned,
  utf8String,
} from '../../core/wire/ber/values.ts'

const SEED = 20_260_101
const hex = (octets: Uint8Array | undefined): string | undefined => octets && Buffer.from(octets).toString('hex')
const octets = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')

function read<Value>(type: BerType<Value>, text: string): unknown {
  const element = readElement(octets(text))
  return isBerFault(element) ? element : type.read(element)
}

function row<Value>(type: BerType<Value>, value: Value, text: string) {
  return { type: type as BerType<unknown>, value: value as unknown, text: text.replaceAll(' ', '') }
}

t.test('values and their octets', async (t) => {
  const rows = [
    row(BOOLEAN, true, '01 01 ff'),
    row(BOOLEAN, false, '01 01 00'),
    row(INTEGER, 0n, '02 01 00'),
    row(INTEGER, 127n, '02 01 7f'),
    row(INTEGER, 128n, '02 02 0080'),
    row(INTEGER, -128n, '02 01 80'),
    row(INTEGER, -129n, '02 02 ff7f'),
    row(INTEGER, 2n ** 64n - 1n, '02 09 00ffffffffffffffff'),
    row(INTEGER, -(2n ** 127n), `02 10 80${'00'.repeat(15)}`),
    row(ENUMERATED, 6n, '0a 01 06'),
    row(BIT_STRING, [], '03 01 00'),
    row(BIT_STRING, [0], '03 02 0780'),
    row(BIT_STRING, [4], '03 02 0308'),
    row(BIT_STRING, [25], '03 05 06 00000040'),
    row(BIT_STRING, [3, 7], '03 02 0011'),
    row(octetString(0, 4), octets('0102'), '04 02 0102'),
    row(utf8String(9), 'é', '0c 02 c3a9'),
    row(ia5String(9), 'Jones', '16 05 4a6f6e6573'),
    row(graphicString(9), '49', '19 02 3439'),
    // X.690 §8.19.5.
    row(OBJECT_IDENTIFIER, '2.100.3', '06 03 813403'),
    row(OBJECT_IDENTIFIER, '1.2.840.113549', '06 06 2a864886f70d'),
    row(OBJECT_IDENTIFIER, '0.39', '06 01 27'),
    row(OBJECT_IDENTIFIER, '2.999.3', '06 03 883703'),
    row(sequenceOf(INTEGER), [], '30 00'),
    row(setOf(INTEGER), [1n, 2n], '31 06 020101 020102'),
  ]
  for (const { type, value, text } of rows) {
    t.equal(hex(type.write(value)), text)
    t.same(read(type, text), value, text)
  }
})

t.test('other octets of a value that are read as well', async (t) => {
  t.equal(read(BOOLEAN, '01 01 01'), true)
  // X.690 §8.6.4.2: 44 bits, not a named bit list.
  t.same(
    read(BIT_STRING, '03 07 04 0a3b5f291cd0'),
    [4, 6, 10, 11, 12, 14, 15, 17, 19, 20, 21, 22, 23, 26, 28, 31, 35, 36, 37, 40, 41, 43],
  )
  t.same(read(BIT_STRING, '03 05 00 00000040'), [25])
  t.equal(read(INTEGER, '02 81 01 05'), 5n, 'a length in the long form')
})

t.test('octets that are no value', async (t) => {
  const rows: (readonly [BerType<unknown>, string, string])[] = [
    [BOOLEAN, '01 00', 'value'],
    [BOOLEAN, '01 02 0000', 'value'],
    [INTEGER, '02 00', 'value'],
    [INTEGER, '02 02 007f', 'value'],
    [INTEGER, '02 02 ff80', 'value'],
    [INTEGER, `02 11 01${'00'.repeat(16)}`, 'value'],
    [INTEGER, '22 03 020101', 'wrong-tag'],
    [unsigned(255n), '02 01 ff', 'value'],
    [unsigned(255n), '02 02 0100', 'value'],
    [BIT_STRING, '03 00', 'value'],
    [BIT_STRING, '03 01 01', 'value'],
    [BIT_STRING, '03 02 0800', 'value'],
    [BIT_STRING, '03 02 0309', 'value'],
    [BIT_STRING, '03 02 0401', 'value'],
    [octetString(1, 2), '04 00', 'value'],
    [octetString(1, 2), '04 03 000000', 'value'],
    [utf8String(4), '0c 01 ff', 'value'],
    [ia5String(4), '16 02 c3a9', 'value'],
    [graphicString(4), '19 01 0a', 'value'],
    [OBJECT_IDENTIFIER, '06 00', 'value'],
    [OBJECT_IDENTIFIER, '06 01 81', 'value'],
    [OBJECT_IDENTIFIER, '06 02 8001', 'value'],
    [OBJECT_IDENTIFIER, `06 41${'01'.repeat(65)}`, 'value'],
    [sequenceOf(INTEGER), '30 03 0c0161', 'wrong-tag'],
  ]
  for (const [type, text, fault] of rows) {
    t.match(read(type, text), { fault }, text)
  }
})

t.test('values that a type does not have are not written', async (t) => {
  t.equal(unsigned(5n).write(6n), undefined)
  t.equal(unsigned(5n).write(-1n), undefined)
  t.equal(INTEGER.write(2n ** 127n), undefined)
  t.equal(BIT_STRING.write([256]), undefined)
  t.equal(BIT_STRING.write([-1]), undefined)
  t.equal(octetString(1, 2).write(new Uint8Array(3)), undefined)
  t.equal(utf8String(2).write('abc'), undefined)
  t.equal(utf8String(9).write('\ud800'), undefined)
  t.equal(ia5String(9).write('é'), undefined)
  for (const oid of ['', '1', '3.1', '1.40', '1.2.', '1.02', `2.25.${2n ** 500n}`])
    t.equal(OBJECT_IDENTIFIER.write(oid), undefined, oid)
  t.equal(sequenceOf(unsigned(1n)).write([0n, 2n]), undefined)
})

t.test('elements', async (t) => {
  t.equal(hex(writeElement(context(30), false, [])), '9e00')
  t.equal(hex(writeElement(context(31), true, [])), 'bf1f00')
  t.equal(hex(writeElement(context(200), true, [])), 'bf814800')
  t.equal(hex(writeElement(context(79), true, [new Uint8Array(128)]))?.slice(0, 8), 'bf4f8180')
  t.equal(hex(writeElement(universal(4), false, [new Uint8Array(65_536)]))?.slice(0, 10), '0483010000')
  const faults: (readonly [string, string, number])[] = [
    ['', 'truncated', 0],
    ['02', 'truncated', 0],
    ['02 01', 'truncated', 0],
    ['02 01 00 00', 'trailing', 3],
    ['30 80 0000', 'indefinite-length', 0],
    ['02 ff 00', 'length-form', 0],
    ['02 85 0000000001 00', 'length-form', 0],
    ['02 84 00000001 00', '', 0],
    ['02 84 ffffffff 00', 'truncated', 0],
    ['02 82 01', 'truncated', 0],
    ['9f 1e 00', 'tag-form', 0],
    ['9f 80 7f 00', 'tag-form', 0],
    ['9f ff ff ff 7f 00', '', 0],
    ['9f ff ff ff ff 7f 00', 'tag-form', 0],
    ['9f ff', 'truncated', 0],
    ['30 03 02 02 00', 'truncated', 2],
    ['30 02 02 00', '', 0],
  ]
  for (const [text, fault, offset] of faults) {
    const element = readElement(octets(text))
    if (fault === '') t.notOk(isBerFault(element), text)
    else t.match(element, { fault, offset }, text)
  }
})

t.test('caps', async (t) => {
  let nested: Uint8Array = new Uint8Array(0)
  for (let depth = 0; depth < 16; depth++) nested = writeElement(universal(16), true, [nested])
  t.notOk(isBerFault(readElement(nested)))
  t.match(readElement(writeElement(universal(16), true, [nested])), { fault: 'too-deep' })
  const many = writeElement(universal(16), true, [
    new Uint8Array(10).fill(0x05).map((octet, at) => (at % 2 ? 0 : octet)),
  ])
  t.notOk(isBerFault(readElement(many, { depth: 2, elements: 6 })))
  t.match(readElement(many, { depth: 2, elements: 5 }), { fault: 'too-many' })
})

const POINT = sequence({ x: required(0, INTEGER), y: optional(1, INTEGER), note: required(undefined, utf8String(9)) })
const PAIR = set({ a: required(0, INTEGER), b: required(1, BOOLEAN) })
const EITHER = choice({ number: [0, INTEGER], text: [1, utf8String(9)] })
const HOLDER = sequence({ either: required(5, EITHER), list: optional(6, sequenceOf(EITHER)) })

t.test('components', async (t) => {
  const rows = [
    row(POINT, { x: 1n, y: undefined, note: 'n' }, '30 06 800101 0c016e'),
    row(POINT, { x: 1n, y: 2n, note: 'n' }, '30 09 800101 810102 0c016e'),
    row(PAIR, { a: 1n, b: false }, '31 06 800101 810100'),
    // A choice within a context tag keeps its own (X.680 §31.2.7).
    row(HOLDER, { either: { kind: 'number', value: 7n }, list: undefined }, '30 05 a503 800107'),
    row(
      HOLDER,
      { either: { kind: 'text', value: 'a' }, list: [{ kind: 'number', value: 1n }] },
      '30 0a a503 810161 a603 800101',
    ),
  ]
  for (const { type, value, text } of rows) {
    t.equal(hex(type.write(value)), text)
    t.same(read(type, text), value, text)
  }
  t.same(read(PAIR, '31 06 810100 800101'), { a: 1n, b: false }, 'a set has no order')
  t.same(read(POINT, '30 0b 800101 8203010203 0c016e'), { x: 1n, y: undefined, note: 'n' })
  const faults: (readonly [BerType<unknown>, string, object])[] = [
    [POINT as BerType<unknown>, '30 03 800101', { fault: 'missing', field: 'note' }],
    [POINT as BerType<unknown>, '30 06 0c016e 800101', { fault: 'order', field: 'x' }],
    [POINT as BerType<unknown>, '30 09 800101 800101 0c016e', { fault: 'order', field: 'x', offset: 5 }],
    [POINT as BerType<unknown>, '30 05 8000 0c016e', { fault: 'value', field: 'x', offset: 2 }],
    [POINT as BerType<unknown>, '31 06 800101 0c016e', { fault: 'wrong-tag' }],
    [HOLDER as BerType<unknown>, '30 05 a503 820107', { fault: 'wrong-tag', field: 'either' }],
    [HOLDER as BerType<unknown>, '30 02 a500', { fault: 'wrong-tag', field: 'either' }],
    [HOLDER as BerType<unknown>, '30 08 a506 800107 800107', { fault: 'wrong-tag', field: 'either' }],
  ]
  for (const [type, text, fault] of faults) t.match(read(type, text), fault, text)
  t.throws(() => PAIR.write({ a: 2n ** 200n, b: true }), { code: 'BER_VALUE_INVALID', context: { field: 'a' } })
})

t.test('any value survives', async () => {
  const survives = <Value>(type: BerType<Value>, arbitrary: fc.Arbitrary<Value>) =>
    fc.assert(
      fc.property(arbitrary, (value) => {
        const written = type.write(value)
        assert.ok(written)
        const element = readElement(written)
        assert.ok(!isBerFault(element))
        assert.deepEqual(type.read(element), value)
      }),
      { numRuns: 300, seed: SEED },
    )
  survives(INTEGER, fc.bigInt(-(2n ** 127n), 2n ** 127n - 1n))
  survives(
    BIT_STRING,
    fc.uniqueArray(fc.nat(255)).map((bits) => bits.sort((a, b) => a - b)),
  )
  survives(utf8String(400), fc.string({ unit: 'grapheme', maxLength: 20 }))
  survives(
    OBJECT_IDENTIFIER,
    fc.array(fc.bigInt(0n, 2n ** 128n), { minLength: 1, maxLength: 3 }).map((arcs) => `2.${arcs.join('.')}`),
  )
})

t.test('random octets are read or refused', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const element = readElement(bytes)
      if (isBerFault(element)) return assert.ok(element.offset >= 0 && element.offset <= bytes.length)
      assert.equal(element.octets.length, bytes.length)
      for (const type of [INTEGER, BOOLEAN, BIT_STRING, OBJECT_IDENTIFIER, POINT, PAIR, HOLDER, EITHER])
        (type as BerType<unknown>).read(element)
    }),
    { numRuns: 5000, seed: SEED },
  )
})
