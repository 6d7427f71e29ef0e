import fc from 'fast-check'
import t from 'tap'
import { decodeEntry, encodeEntry } from '../../billing/log/entries/codec.ts'
import { openCheckpoint } from '../../billing/log/note/checkpoint.ts'
import { formatNote, parseNote, parseVkey, SIGNATURE_TYPE, verifierKey } from '../../billing/log/note/note.ts'
import { formatReceipt, parseReceipt, verifyReceipt } from '../../billing/log/receipt-file.ts'
import { decodeBundle } from '../../billing/log/tiles/layout.ts'

const sample = encodeEntry({ type: 'correction', entry: 7n, reason: 'counted twice', octets: -65_791n })
const key = verifierKey('example.com/log', SIGNATURE_TYPE.ed25519, new Uint8Array(32).fill(9))

/** Either a fault, or an entry that encodes to the same octets. */
function isSound(octets: Uint8Array): boolean {
  const decoded = decodeEntry(octets)
  return !decoded.ok || Buffer.compare(encodeEntry(decoded.entry), octets) === 0
}

t.test('any octets', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), isSound), { numRuns: 3000 })
})

t.test('an entry with octets changed, put in or taken out', async () => {
  const edit = fc.tuple(fc.nat(sample.length), fc.nat(3), fc.uint8Array({ maxLength: 4 }))
  const edited = (edits: readonly (readonly [number, number, Uint8Array])[]): Uint8Array =>
    edits.reduce<Uint8Array>(
      (octets, [at, out, put]) => Buffer.concat([octets.subarray(0, at), put, octets.subarray(at + out)]),
      sample,
    )
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => isSound(edited(edits))),
    { numRuns: 3000 },
  )
})

t.test('hostile shapes end in a fault', async (t) => {
  const deep = (octet: number, count: number): Uint8Array => new Uint8Array(count).fill(octet)
  for (const [what, octets] of [
    ['arrays in arrays', deep(0x81, 65_535)],
    ['maps in maps', deep(0xa1, 65_535)],
    ['tags on tags', deep(0xc1, 65_535)],
    ['an array that says 2^64 - 1', Buffer.from('9bffffffffffffffff', 'hex')],
    ['a map that says 2^32', Buffer.from('ba0000000100', 'hex')],
    ['bytes that say 2^32', Buffer.from('5affffffff00', 'hex')],
    ['text that says 2^53', Buffer.from('7b001fffffffffffff61', 'hex')],
    ['a map with an array for a key', Buffer.from('a28000a0', 'hex')],
    ['__proto__', Buffer.from('a1695f5f70726f746f5f5f00', 'hex')],
  ] as const)
    t.match(decodeEntry(octets), { ok: false }, what)
})

t.test('bundles, notes, keys and receipts of any text', async () => {
  const line = fc.constantFrom(
    '\n',
    '\n\n',
    '— ',
    'example.com/log ',
    'AAAAAAA=',
    'index 0\n',
    'extra AA==\n',
    'c2sp.org/tlog-proof@v1\n',
    '0',
    '+',
    ' ',
  )
  const text = fc
    .array(fc.oneof(line, fc.string({ unit: 'binary', maxLength: 8 })), { maxLength: 20 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, fc.uint8Array({ maxLength: 60 }), (source, octets) => {
      decodeBundle(octets)
      parseVkey(source)
      const note = parseNote(source)
      const receipt = parseReceipt(source)
      const canonical = (!note || formatNote(note) === source) && (!receipt || formatReceipt(receipt) === source)
      return canonical && !openCheckpoint(source, key).ok && !verifyReceipt(source, key).ok
    }),
    { numRuns: 3000 },
  )
})
