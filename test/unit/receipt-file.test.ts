import t from 'tap'
import { encodeEntry } from '../../billing/log/entries/codec.ts'
import type { Entry } from '../../billing/log/entries/dictionary.ts'
import { addSignature, cosign, signCheckpoint } from '../../billing/log/note/checkpoint.ts'
import { formatNote, SIGNATURE_TYPE, verifierKey } from '../../billing/log/note/note.ts'
import { formatReceipt, parseReceipt, type ReceiptFault, verifyReceipt } from '../../billing/log/receipt-file.ts'
import { appendLeaves, EMPTY_FRONTIER, frontierRoot } from '../../billing/log/tree/frontier.ts'
import { hashLeaf } from '../../billing/log/tree/hash.ts'
import { type HashReader, inclusionProof } from '../../billing/log/tree/proof.ts'
import { createTestKey, ORIGIN } from './log-fixture.ts'

const SIZE = 11
const entryOf = (at: number): Entry => ({
  type: 'correction',
  entry: BigInt(at),
  reason: `Größe ${at}`,
  octets: BigInt(-at),
})
const leaves = Array.from({ length: SIZE }, (_, at) => hashLeaf(encodeEntry(entryOf(at))))
const read: HashReader = async (nodes) =>
  nodes.map(({ level, index }) => {
    const first = Number(index) * 2 ** level
    return frontierRoot(appendLeaves(EMPTY_FRONTIER, leaves.slice(first, first + 2 ** level)))
  })

const log = createTestKey('log')
const oracle = createTestKey('oracle')
const key = verifierKey(ORIGIN, SIGNATURE_TYPE.ed25519, log.publicKey)
const witness = verifierKey('example.com/oracle-1', SIGNATURE_TYPE.cosignature, oracle.publicKey)
const signed = signCheckpoint(
  { origin: ORIGIN, size: BigInt(SIZE), root: frontierRoot(appendLeaves(EMPTY_FRONTIER, leaves)) },
  log,
)
const cosigned = addSignature(signed, cosign(signed.text, witness.name, oracle, 1_763_600_000n))

async function receiptOf(index: number, note = signed): Promise<string> {
  const proof = await inclusionProof(BigInt(index), BigInt(SIZE), read)
  return formatReceipt({
    entry: encodeEntry(entryOf(index)),
    index: BigInt(index),
    proof,
    checkpoint: formatNote(note),
  })
}

t.test('a receipt for every entry: written, read, verified', async (t) => {
  for (let index = 0; index < SIZE; index++) {
    const text = await receiptOf(index)
    const receipt = parseReceipt(text)
    if (!receipt) return t.fail(text)
    t.equal(formatReceipt(receipt), text)
    t.match(verifyReceipt(text, key), {
      ok: true,
      entry: entryOf(index),
      checkpoint: { size: BigInt(SIZE) },
      cosigned: [],
    })
  }
  t.match(
    await receiptOf(0),
    /^c2sp\.org\/tlog-proof@v1\nextra [A-Za-z0-9+/=]+\nindex 0\n(?:[A-Za-z0-9+/]{43}=\n)+\nlog\.example\/receipts\n11\n/,
  )
})

t.test('a cosigned receipt names its cosigners; a signature of a key that was not given is refused', async (t) => {
  const text = await receiptOf(3, cosigned)
  t.match(verifyReceipt(text, key, [witness]), { ok: true, cosigned: [{ key: witness, seconds: 1_763_600_000n }] })
  t.match(verifyReceipt(text, key), { ok: false, fault: 'unknown-signer' })
  t.match(verifyReceipt(text.slice(0, text.lastIndexOf('—')), key, [witness]), { ok: true, cosigned: [] })
})

for (const [what, note] of [
  ['signed by the log alone', signed],
  ['cosigned', cosigned],
] as const)
  t.test(`any octet changed, left out or put in: ${what}`, async (t) => {
    const original = Buffer.from(await receiptOf(5, note))
    const decode = (octets: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(octets)
    t.ok(verifyReceipt(decode(original), key, [witness]).ok)
    const lastLine = note === cosigned ? original.lastIndexOf('—') : -1
    const passed: string[] = []
    let tried = 0
    const attempt = (octets: Uint8Array, how: string): void => {
      tried++
      if (verifyReceipt(decode(octets), key, [witness]).ok) passed.push(how)
    }
    for (let at = 0; at < original.length; at++) {
      const octet = original[at] ?? 0
      // One bit each, the other case, the neighbours in base64 and digits, and what ends or spaces lines.
      const others = new Set([
        ...Array.from({ length: 8 }, (_, bit) => octet ^ (1 << bit)),
        octet + 1,
        octet - 1,
        0,
        9,
        10,
        13,
        32,
        43,
        47,
        48,
        61,
        65,
        97,
        255,
      ])
      for (const other of others) {
        const value = other & 255
        if (value === octet) continue
        const changed = Buffer.from(original)
        changed[at] = value
        attempt(changed, `${at} ${octet} to ${value}`)
      }
      attempt(Buffer.concat([original.subarray(0, at), original.subarray(at + 1)]), `${at} left out`)
      for (const extra of [10, 13, 32, octet])
        attempt(
          Buffer.concat([original.subarray(0, at), Buffer.of(extra), original.subarray(at)]),
          `${extra} put in at ${at}`,
        )
      // Without its last line a cosigned receipt is a receipt still, with one cosigner fewer.
      if (at !== lastLine) attempt(original.subarray(0, at), `cut at ${at}`)
    }
    for (const extra of ['\n', ' ', '\0', '— x AAAAAAA=\n', '\ufeff'])
      attempt(Buffer.concat([original, Buffer.from(extra)]), `${extra} at the end`)
    attempt(Buffer.concat([Buffer.from('\ufeff'), original]), 'a byte order mark')
    t.same(passed, [])
    t.ok(tried > original.length * 20, `${tried} changes to ${original.length} octets`)
  })

t.test('each fault by its name', async (t) => {
  const text = await receiptOf(5)
  const other = createTestKey('other')
  const cases: readonly (readonly [ReceiptFault, string, typeof key])[] = [
    ['not-a-receipt', text.replace('tlog-proof@v1', 'tlog-proof@v2'), key],
    ['not-a-receipt', text.replace('index 5', 'index 05'), key],
    ['not-included', text.replace('index 5', 'index 4'), key],
    ['not-included', text.replace('index 5', 'index 11'), key],
    ['not-a-note', text.slice(0, text.lastIndexOf('—')), key],
    ['not-a-checkpoint', text.replace(`\n${SIZE}\n`, `\n0${SIZE}\n`), key],
    ['bad-signature', text.replace(`\n${SIZE}\n`, `\n${SIZE + 1}\n`), key],
    ['other-origin', text, verifierKey('other.example', SIGNATURE_TYPE.ed25519, log.publicKey)],
    ['not-signed', text, verifierKey(ORIGIN, SIGNATURE_TYPE.ed25519, other.publicKey)],
  ]
  for (const [fault, changed, by] of cases) t.match(verifyReceipt(changed, by), { ok: false, fault }, fault)
  const leaf = Buffer.from('no CBOR')
  const checkpoint = formatNote(signCheckpoint({ origin: ORIGIN, size: 1n, root: hashLeaf(leaf) }, log))
  t.match(verifyReceipt(formatReceipt({ entry: leaf, index: 0n, proof: [], checkpoint }), key), {
    ok: false,
    fault: 'not-an-entry',
  })
  t.match(verifyReceipt('x'.repeat(300_000), key), { ok: false, fault: 'not-a-receipt' })
})
