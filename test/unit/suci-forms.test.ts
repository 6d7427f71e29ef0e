// A SUCI as text, as NAS octets and as a NAI: each form there and back, and that nonsense gives a fault.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { formatNai, parseNai } from '../../sim-provisioning/auth/suci/nai.ts'
import { decodeSuci, encodeSuci } from '../../sim-provisioning/auth/suci/nas.ts'
import {
  isSuciFault,
  packDigits,
  type Suci,
  type SuciFault,
  unpackDigits,
} from '../../sim-provisioning/auth/suci/suci.ts'
import { formatSuci, parseSuci } from '../../sim-provisioning/auth/suci/text.ts'

interface Row {
  readonly source: string
  readonly suci: string
  readonly nas?: string
  readonly nai?: string
}

const read = (name: string) => JSON.parse(readFileSync(new URL(`../vectors/sim/${name}`, import.meta.url), 'utf8'))
const rows: readonly Row[] = read('suci.json').sets
const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const shown = (value: string | Uint8Array | SuciFault): string =>
  isSuciFault(value) ? `${value.fault}: ${value.field}` : typeof value === 'string' ? value : hex(value)

function valid(suci: Suci | SuciFault): Suci {
  if (isSuciFault(suci)) throw new Error(`${suci.fault}: ${suci.field}`)
  return suci
}

for (const { source, suci: text, nas, nai } of rows) {
  t.test(source, async (t) => {
    const suci = valid(parseSuci(text))
    t.equal(formatSuci(suci), text)
    t.equal(
      formatSuci(
        valid(
          parseSuci(
            text
              .toUpperCase()
              .replace(/VERYLONGUSERNAME1/, 'verylongusername1')
              .replace(/3GPP\.COM/, '3gpp.com'),
          ),
        ),
      ),
      text,
      'in capitals',
    )
    if (nas !== undefined) {
      t.same(decodeSuci(octets(nas)), suci, 'read from NAS')
      t.equal(shown(encodeSuci(suci)), nas, 'written to NAS')
    }
    if (nai !== undefined) {
      t.same(parseNai(nai), suci, 'read from NAI')
      t.equal(formatNai(suci), nai, 'written as NAI')
      const onAir = `11${Buffer.from(nai).toString('hex')}`
      t.same(decodeSuci(octets(onAir)), suci, 'a NAI in NAS')
      t.equal(shown(encodeSuci(suci)), onAir)
    }
  })
}

t.test('the examples of TS 23.003 §28.7.3', async (t) => {
  const imsi = 'type0.rid678.schid0.userid0999999999@5gc.mnc015.mcc234.3gppnetwork.org'
  t.equal(formatSuci(valid(parseNai(imsi, 2))), 'suci-0-234-15-678-0-0-0999999999')
  t.equal(formatSuci(valid(parseNai(imsi, 3))), 'suci-0-234-015-678-0-0-0999999999')
  t.equal(formatNai(valid(parseSuci('suci-0-234-15-678-0-0-0999999999'))), imsi)
  t.match(parseNai(imsi), { fault: 'supi-type' }, 'how long the MNC is must be known')
  t.match(parseNai(imsi.replace('mnc015', 'mnc115'), 2), { fault: 'malformed', field: 'realm' })
  t.same(valid(parseNai('type1.rid678.schid0.useriduser17@example.com')).home, { realm: 'example.com' })
})

t.test('values that are read', async (t) => {
  for (const [text, expected] of [
    [
      'suci-0-999-70-0000-0-0-0000000001',
      { home: { mcc: '999', mnc: '70' }, routingIndicator: '0000', scheme: 0, keyId: 0 },
    ],
    ['suci-0-999-700-1-f-255-00', { home: { mcc: '999', mnc: '700' }, routingIndicator: '1', scheme: 15, keyId: 255 }],
    [
      'suci-1-my-realm-2.example.org-12-0-0-a-1-0-0-b',
      { home: { realm: 'my-realm-2.example.org' }, routingIndicator: '12', scheme: 0 },
    ],
  ] as const) {
    t.match(parseSuci(text), expected, text)
    t.equal(formatSuci(valid(parseSuci(text))), text)
  }
})

t.test('texts that are refused', async (t) => {
  for (const [text, fault] of [
    ['', 'malformed'],
    ['imsi-001010000000001', 'malformed'],
    ['suci-', 'malformed'],
    ['suci-8-x', 'malformed'],
    ['suci-2-gci', 'supi-type'],
    ['suci-3-gli', 'supi-type'],
    ['suci-0-99-70-0-0-0-1', 'malformed'],
    ['suci-0-999-7-0-0-0-1', 'malformed'],
    ['suci-0-999-7000-0-0-0-1', 'malformed'],
    ['suci-0-999-70--0-0-1', 'malformed'],
    ['suci-0-999-70-00000-0-0-1', 'malformed'],
    ['suci-0-999-70-0-g-0-1', 'malformed'],
    ['suci-0-999-70-0-1-256-00', 'malformed'],
    ['suci-0-999-70-0-1-1-0', 'malformed'],
    ['suci-0-999-70-0-1-1-', 'malformed'],
    ['suci-0-999-70-0-1-1-0g', 'malformed'],
    ['suci-0-999-70-0-0-0-12345678901', 'malformed'],
    ['suci-0-999-70-0-0-0-1a', 'malformed'],
    ['suci-0-999-70-0-0-0-1\n', 'malformed'],
    ['suci-1--0-0-0-user', 'malformed'],
    ['suci-1--realm-0-0-0-user', 'malformed'],
    ['suci-1-realm@x-0-0-0-user', 'malformed'],
    ['suci-1-realm-0-0-0-us@er', 'malformed'],
    ['suci-1-realm-0-0-0-', 'malformed'],
    [`suci-0-999-70-0-1-1-${'00'.repeat(600)}`, 'malformed'],
  ] as const) {
    t.match(parseSuci(text), { fault }, JSON.stringify(text.slice(0, 60)))
  }
})

t.test('octets that are refused', async (t) => {
  const good = '0199f9070000000000000000' + '10'
  t.notOk(isSuciFault(decodeSuci(octets(good))))
  for (const [what, octet, values, fault] of [
    ['type of identity', 0, [0x00, 0x02, 0x07, 0x09, 0x81], 'malformed'],
    ['SUPI format', 0, [0x21, 0x31, 0x71], 'supi-type'],
    ['MCC', 1, [0xa9, 0x9a], 'malformed'],
    ['MNC', 3, [0xa7, 0x7a], 'malformed'],
    ['routing indicator', 4, [0x0f, 0xa0, 0x0b], 'malformed'],
    ['routing indicator, second half', 5, [0x0f, 0xc0], 'malformed'],
    ['protection scheme', 6, [0x10, 0xff], 'malformed'],
  ] as const) {
    for (const value of values) t.match(decodeSuci(octets(good).with(octet, value)), { fault }, `${what} ${value}`)
  }
  for (const [text, digits] of [
    ['f0ff', '0'],
    ['21f3', '123'],
    ['2143', '1234'],
    ['21ff', '12'],
  ] as const) {
    const bytes = octets(good)
    bytes.set(octets(text), 4)
    const suci = valid(decodeSuci(bytes))
    t.equal(suci.routingIndicator, digits)
    t.equal(shown(encodeSuci(suci)), hex(bytes))
  }
  t.match(decodeSuci(octets('11ff')), { fault: 'malformed' }, 'a NAI that is not UTF-8')
  t.match(decodeSuci(new Uint8Array(2000).fill(1)), { fault: 'malformed' }, 'far too long')
})

for (const { source, nas, nai } of rows) {
  t.test(`${source}: every cut of the header is refused`, async (t) => {
    if (nas !== undefined) {
      const bytes = octets(nas)
      for (let length = 0; length <= 8; length++) {
        t.match(decodeSuci(bytes.subarray(0, length)), { fault: 'malformed' }, `${length} octets`)
      }
    }
    if (nai !== undefined) {
      const end = nai.indexOf('@') + 1
      for (let length = 0; length <= end; length++) {
        t.ok(isSuciFault(parseNai(nai.slice(0, length))), `${length} characters`)
      }
    }
  })
}

t.test('NAIs that are refused', async (t) => {
  const point = '11'.repeat(32)
  const mac = '22'.repeat(8)
  for (const [text, fault] of [
    ['', 'malformed'],
    ['type1.rid678.schid0.userid@example.com', 'malformed'],
    ['type2.rid678.schid0.useridx@example.com', 'supi-type'],
    ['type1.rid678.schid0.useridx@-example.com', 'malformed'],
    ['type1.rid67890.schid0.useridx@example.com', 'malformed'],
    ['type1.rid678.schid3.whatever@example.com', 'scheme-unknown'],
    [`type1.rid0.schid1.hnkey256.ecckey${point}.cip00.mac${mac}@example.com`, 'malformed'],
    [`type1.rid0.schid2.hnkey1.ecckey${point}.cip00.mac${mac}@example.com`, 'output-length'],
    [`type1.rid0.schid1.hnkey1.ecckey${point}.cip000.mac${mac}@example.com`, 'output-length'],
    [`type1.rid0.schid1.hnkey1.ecckey${point}.cip00.mac${mac}22@example.com`, 'output-length'],
    [`type1.rid0.schid1.hnkey1.ecckey${point}.cip${'00'.repeat(254)}.mac${mac}@example.com`, 'output-length'],
  ] as const) {
    t.match(parseNai(text), { fault }, text.slice(0, 60))
  }
  const suci = valid(parseNai(`type1.rid0.schid1.hnkey1.ecckey${point}.cip00.mac${mac}@example.com`))
  t.match(formatNai({ ...suci, scheme: 3 }), { fault: 'scheme-unknown' })
  t.match(formatNai({ ...suci, output: suci.output.subarray(0, 40) }), { fault: 'output-length' })
  t.match(encodeSuci({ ...suci, scheme: 3 }), { fault: 'scheme-unknown' })
  t.match(formatSuci({ ...suci, scheme: 0, output: octets('00') }), { fault: 'plain' })
})

t.test('digits in octets', async (t) => {
  for (const [digits, text] of [
    ['', ''],
    ['1', 'f1'],
    ['12', '21'],
    ['001002086', '00012080f6'],
  ] as const) {
    t.equal(hex(packDigits(digits)), text)
    t.equal(unpackDigits(octets(text)), digits)
  }
  for (const bad of ['ff', '0f', 'a0', '0a', 'f1f1', 'e1']) t.equal(unpackDigits(octets(bad)), undefined, bad)
})

const plmn = fc.record({ mcc: fc.stringMatching(/^[0-9]{3}$/), mnc: fc.stringMatching(/^[0-9]{2,3}$/) })
const routingIndicator = fc.stringMatching(/^[0-9]{1,4}$/)
const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength })
const suci = fc.oneof(
  fc.record({
    home: plmn,
    routingIndicator,
    scheme: fc.integer({ min: 1, max: 15 }),
    keyId: fc.nat(255),
    output: bytes(1, 60),
  }),
  fc.record({
    home: plmn,
    routingIndicator,
    scheme: fc.constant(0),
    keyId: fc.constant(0),
    output: fc.stringMatching(/^[0-9]{1,10}$/).map(packDigits),
  }),
  fc.record({
    home: fc.record({ realm: fc.stringMatching(/^[a-z]{1,9}\.[a-z]{2,5}$/) }),
    routingIndicator,
    scheme: fc.constant(1),
    keyId: fc.nat(255),
    output: bytes(41, 90),
  }),
)

t.test('any SUCI survives each form', async () => {
  fc.assert(
    fc.property(suci, (value) => {
      const text = formatSuci(value)
      const wire = encodeSuci(value)
      if (isSuciFault(text) || isSuciFault(wire)) return false
      return [parseSuci(text), decodeSuci(wire)].every(
        (again) => !isSuciFault(again) && formatSuci(again) === text && hex(again.output) === hex(value.output),
      )
    }),
  )
})

t.test('whatever comes, no reader throws, and what it accepts it writes again', async () => {
  const piece = fc.constantFrom(
    'suci-',
    '0-',
    '1-',
    '999-',
    '70-',
    '0-0-0-',
    '1-1-',
    'aa',
    '@',
    '.',
    'type1',
    '.rid0',
    '.schid0',
    '.userid',
    '\u0000',
    'ä',
    '-',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join('')),
  )
  fc.assert(
    fc.property(text, (value) => {
      const read = parseSuci(value)
      const nai = parseNai(value, 2)
      return (isSuciFault(read) || !isSuciFault(formatSuci(read))) && (isSuciFault(nai) || !isSuciFault(formatNai(nai)))
    }),
    { numRuns: 2000 },
  )
  const octet = fc.oneof(fc.constantFrom(0x01, 0x11, 0x00, 0xff, 0xf0), fc.nat(255))
  fc.assert(
    fc.property(fc.array(octet, { maxLength: 60 }), (value) => {
      const wire = Uint8Array.from(value)
      const read = decodeSuci(wire)
      if (isSuciFault(read)) return true
      const again = encodeSuci(read)
      return !isSuciFault(again) && hex(again) === hex(wire)
    }),
    { numRuns: 2000 },
  )
})
