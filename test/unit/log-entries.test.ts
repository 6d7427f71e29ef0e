import { encode as cborgEncode, rfc8949EncodeOptions } from 'cborg'
import t from 'tap'
import { decodeEntry, encodeEntry } from '../../billing/log/entries/codec.ts'
import { describeEntry, entryJson } from '../../billing/log/entries/describe.ts'
import { ENTRY_TYPES, type Entry, type EntryName, type EntryOf, rowsOf } from '../../billing/log/entries/dictionary.ts'
import { payerId, radioId, wallet } from '../../core/kernel/ids.ts'
import { microtokens, millis, octets, toJson } from '../../core/kernel/units.ts'

const MAX = (1n << 63n) - 1n
const bytes = (size: number, fill: number): Uint8Array => new Uint8Array(size).fill(fill)
const owner = wallet('4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM')

const usage: EntryOf<'usage'> = {
  type: 'usage',
  radio: radioId('cafe'),
  radioSeq: 1n,
  epoch: 1n,
  payer: payerId('partner'),
  sessionRef: bytes(16, 0xaa),
  sequence: 24n,
  subscriberRef: bytes(16, 0xbb),
  access: 'wifi',
  start: millis(1_763_640_000_000),
  end: millis(1_763_640_060_000),
  uplink: octets(255n),
  downlink: octets(65_536n),
  counted: octets(65_791n),
  verdict: 'VALID',
  received: millis(1_763_640_061_000),
  flags: 0n,
}

const samples: { readonly [Name in EntryName]: EntryOf<Name> } = {
  usage,
  claim: {
    type: 'claim',
    radio: radioId('cafe'),
    claimSeq: 9n,
    start: millis(0),
    end: millis(MAX),
    uplink: octets(0n),
    downlink: octets(MAX),
    sessions: 3n,
    signature: bytes(64, 1),
  },
  registry: {
    type: 'registry',
    kind: 'ban',
    radio: radioId('cafe'),
    owner,
    payout: owner,
    at: millis(-1),
    reason: 'wrong place: Zürich',
    expires: millis(-(1n << 63n)),
  },
  policy: {
    type: 'policy',
    version: 1n,
    rates: [
      { payer: '*', access: 'lte', rate: microtokens(0n) },
      { payer: payerId('partner'), access: 'wifi', rate: microtokens(500n) },
    ],
    peaks: [{ access: 'wifi', peak: octets(100_000_000n) }],
    tolerance: 100n,
    shortest: millis(10_000),
    past: millis(172_800_000),
    future: millis(300_000),
    epochLength: millis(86_400_000),
    hold: millis(86_400_000),
    oracles: [bytes(32, 1), bytes(32, 2)],
    threshold: 2n,
    signatures: [{ oracle: bytes(32, 1), signature: bytes(64, 3) }],
  },
  close: {
    type: 'close',
    epoch: 1n,
    first: 0n,
    last: 99n,
    tableHash: bytes(32, 5),
    total: microtokens(25_000n),
    at: millis(1_763_726_400_000),
    priorAnchor: '5'.repeat(88),
  },
  payout: {
    type: 'payout',
    epoch: 1n,
    payer: payerId('partner'),
    batch: '1:partner:0',
    signature: '4'.repeat(64),
    slot: 321n,
  },
  correction: { type: 'correction', entry: 7n, reason: 'counted twice by the access point', octets: -65_791n },
}

/** The entry as a map for a general CBOR encoder, by the tables. */
function mapOf(entry: Entry): Map<number, unknown> {
  const codes: Readonly<Record<string, number>> = {
    wifi: 1,
    lte: 2,
    nr: 3,
    claim: 1,
    payout: 2,
    ban: 3,
    unban: 4,
    appeal: 5,
  }
  const plain = (name: string, value: unknown): unknown => {
    if ((name === 'access' || name === 'kind') && typeof value === 'string') return codes[value]
    if (value instanceof Uint8Array) return value
    if (Array.isArray(value)) return value.map((each) => plain('', each))
    if (typeof value === 'object' && value !== null) return Object.entries(value).map(([key, each]) => plain(key, each))
    return value
  }
  const values = entry as unknown as Readonly<Record<string, unknown>>
  const map = new Map<number, unknown>([[0, ENTRY_TYPES[entry.type].type]])
  for (const { key, name } of rowsOf(entry.type))
    if (values[name] !== undefined) map.set(key, plain(name, values[name]))
  return map
}

const cbor = (map: Map<number, unknown>): Uint8Array => cborgEncode(map, rfc8949EncodeOptions)

/** The decoded entry without undefined fields, for comparison. */
const compact = (entry: Entry): unknown =>
  Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined))

t.test('the tables: types 1 to 7, keys 1 to 23 without repetition, names without repetition', async (t) => {
  t.same(
    Object.values(ENTRY_TYPES).map(({ type }) => type),
    [1, 2, 3, 4, 5, 6, 7],
  )
  for (const name of Object.keys(ENTRY_TYPES) as EntryName[]) {
    const rows = rowsOf(name)
    t.ok(
      rows.every(({ key }) => key >= 1 && key <= 23),
      `${name}: one octet for each key`,
    )
    t.same(
      rows.map(({ key }) => key),
      rows.map(({ key }) => key).toSorted((a, b) => a - b),
      `${name}: keys in order`,
    )
    t.equal(new Set(rows.map(({ key }) => key)).size, rows.length)
    t.equal(new Set(rows.map(({ name }) => name)).size, rows.length)
  }
})

for (const sample of Object.values(samples)) {
  t.test(`${sample.type}: there and back, and as a general deterministic encoder writes it`, async (t) => {
    const octets = encodeEntry(sample)
    t.same(Buffer.from(octets).toString('hex'), Buffer.from(cbor(mapOf(sample))).toString('hex'))
    const decoded = decodeEntry(octets)
    if (!decoded.ok) return t.fail(toJson(decoded.fault))
    t.same(compact(decoded.entry), compact(sample))
    t.equal(describeEntry(sample).length, mapOf(sample).size - 1)
    t.match(JSON.parse(toJson(entryJson(sample))), { type: sample.type })
  })

  t.test(`${sample.type}: cut anywhere, lengthened, a field left out, a field too many`, async (t) => {
    const octets = encodeEntry(sample)
    for (let length = 0; length < octets.length; length++)
      t.match(decodeEntry(octets.subarray(0, length)), { ok: false, fault: { code: 'malformed' } }, `cut at ${length}`)
    t.match(decodeEntry(Buffer.concat([octets, Buffer.of(0)])), { ok: false, fault: { code: 'malformed' } })
    for (const { key, name, optional } of rowsOf(sample.type)) {
      const map = mapOf(sample)
      if (!map.delete(key)) continue
      t.match(
        decodeEntry(cbor(map)),
        optional ? { ok: true } : { ok: false, fault: { code: 'missing', field: name } },
        `without ${name}`,
      )
      t.match(decodeEntry(cbor(map.set(key, null))), { ok: false, fault: { code: 'invalid', field: name } })
      t.match(decodeEntry(cbor(map.set(key, 1.5))), { ok: false, fault: { code: 'invalid', field: name } })
      t.match(decodeEntry(cbor(map.set(key, new Map()))), { ok: false, fault: { code: 'invalid', field: name } })
    }
    t.match(decodeEntry(cbor(mapOf(sample).set(23, 1))), { ok: false, fault: { code: 'unexpected' } })
    t.match(decodeEntry(cbor(mapOf(sample).set(0, 8))), { ok: false, fault: { code: 'not-an-entry' } })
    t.match(decodeEntry(cbor(mapOf(sample).set(0, '1'))), { ok: false, fault: { code: 'not-an-entry' } })
  })
}

t.test('integers at their edges', async (t) => {
  for (const value of [
    0n,
    1n,
    23n,
    24n,
    255n,
    256n,
    65_535n,
    65_536n,
    4_294_967_295n,
    4_294_967_296n,
    (1n << 53n) - 1n,
    1n << 53n,
    MAX,
  ]) {
    const entry = { ...usage, uplink: octets(value), start: millis(-value), end: millis(value) }
    const decoded = decodeEntry(encodeEntry(entry))
    t.ok(decoded.ok && decoded.entry.type === 'usage')
    if (decoded.ok && decoded.entry.type === 'usage')
      t.same([decoded.entry.uplink, decoded.entry.start], [value, -value])
    t.same(encodeEntry(entry), Buffer.from(cbor(mapOf(entry))), `${value}`)
  }
  for (const uplink of [MAX + 1n, 1n << 64n])
    t.throws(() => encodeEntry({ ...usage, uplink: octets(uplink) }), { code: 'LOG_ENTRY_INVALID' })
  t.match(decodeEntry(cbor(mapOf(usage).set(11, MAX + 1n))), { fault: { code: 'invalid', field: 'uplink' } })
  t.match(decodeEntry(cbor(mapOf(usage).set(11, -1))), { fault: { code: 'invalid', field: 'uplink' } })
})

t.test('what encodes to something else is refused', async (t) => {
  const good = Buffer.from(encodeEntry(usage)).toString('hex')
  // Key 1 'cafe' is 01 64 63616665; key 6 is 06 18 18 (24).
  const refused: readonly (readonly [string, string, string])[] = [
    ['a length in two octets', '016463616665', '01780463616665'],
    ['an integer in two octets', '061818', '06190018'],
    ['an integer in nine octets', '061818', '061b0000000000000018'],
    ['a float for an integer', '061818', '06fb4038000000000000'],
    ['a bignum for an integer', '061818', '06c24118'],
    ['a key in two octets', '016463616665', '18016463616665'],
    ['a text in pieces', '016463616665', '017f6463616665ff'],
    ['a tag', '016463616665', '01c06463616665'],
    ['bytes for text', '016463616665', '014463616665'],
    ['another name', '016463616665', '016443616665'],
    ['no UTF-8', '016463616665', '0164636166ff'],
    ['a key twice', '016463616665', '016463616665016463616665'],
    ['undefined', '061818', '06f7'],
    ['a break', '061818', '06ff'],
  ]
  for (const [what, from, to] of refused) {
    t.ok(good.includes(from), from)
    t.match(decodeEntry(Buffer.from(good.replace(from, to), 'hex')), { ok: false }, what)
  }
  t.match(decodeEntry(Buffer.from(`bf${good.slice(2)}ff`, 'hex')), { ok: false }, 'a map of unknown length')
})

t.test('keys out of order', async (t) => {
  const pairs = [...mapOf(samples.correction)]
  const part = ([key, value]: readonly [number, unknown]): Uint8Array => cbor(new Map([[key, value]])).subarray(1)
  const rebuilt = (order: typeof pairs): Uint8Array =>
    Buffer.concat([Buffer.of(0xa0 | pairs.length), ...order.map(part)])
  t.same(rebuilt(pairs), encodeEntry(samples.correction))
  t.match(decodeEntry(rebuilt(pairs.toReversed())), { ok: false, fault: { code: 'not-canonical' } })
})

t.test('sizes', async (t) => {
  t.match(decodeEntry(new Uint8Array(65_536)), { ok: false, fault: { code: 'too-long' } })
  const many = {
    ...samples.policy,
    rates: Array.from(
      { length: 4096 },
      (_, at) => ({ payer: payerId(`payer-${at}`), access: 'wifi', rate: microtokens(MAX) }) as const,
    ),
  }
  t.throws(() => encodeEntry(many), { code: 'LOG_ENTRY_INVALID' })
  t.throws(() => encodeEntry({ ...samples.policy, oracles: Array.from({ length: 12 }, () => bytes(32, 1)) }), {
    code: 'LOG_ENTRY_INVALID',
  })
  t.throws(() => encodeEntry({ ...samples.correction, reason: '' }), { code: 'LOG_ENTRY_INVALID' })
  t.throws(() => encodeEntry({ ...samples.correction, reason: 'ü'.repeat(129) }), { code: 'LOG_ENTRY_INVALID' })
  t.throws(() => encodeEntry({ ...samples.correction, reason: 'a\u001b[2J' }), { code: 'LOG_ENTRY_INVALID' })
  t.throws(() => encodeEntry({ ...usage, sessionRef: bytes(15, 0) }), { code: 'LOG_ENTRY_INVALID' })
  t.throws(() => encodeEntry({ ...usage, verdict: 'HOLD(No)' }), { code: 'LOG_ENTRY_INVALID' })
  t.ok(decodeEntry(encodeEntry({ ...samples.correction, reason: 'ü'.repeat(128) })).ok)
  t.ok(decodeEntry(encodeEntry(usage)).ok, 'the writer is none the worse for what it refused')
})
