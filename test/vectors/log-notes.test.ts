import { readFileSync } from 'node:fs'
import t from 'tap'
import { addSignature, cosign, formatCheckpoint, openCheckpoint, signCheckpoint } from '../../billing/log/note/checkpoint.ts'
import { verifyEd25519 } from '../../billing/log/note/ed25519.ts'
import {
  formatNote,
  formatVkey,
  parseNote,
  parseVkey,
  SIGNATURE_TYPE,
  type VerifierKey,
  verifierKey,
} from '../../billing/log/note/note.ts'
import { TILE_WIDTH, tilePath, tileWidth } from '../../billing/log/tiles/layout.ts'
import { createTestKey } from '../unit/log-fixture.ts'

interface Vectors {
  readonly notes: readonly { readonly vkey: string; readonly note: string }[]
  readonly witnessed: {
    readonly log: string
    readonly cosigners: readonly string[]
    readonly origin: string
    readonly size: string
    readonly root: string
    readonly seconds: string
    readonly note: string
  }
  readonly tilePaths: {
    readonly index: string
    readonly path: string
    readonly size: string
    readonly tiles: readonly { readonly level: number; readonly full: number; readonly partial: number }[]
  }
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('./tlog/notes.json', import.meta.url), 'utf8'))

function vkey(text: string): VerifierKey {
  const key = parseVkey(text)
  if (!key) throw new Error(`no verifier key: ${text}`)
  return key
}

t.test('published notes: parsed, written again octet for octet, and verified', async (t) => {
  for (const { vkey: line, note: source } of vectors.notes) {
    const key = vkey(line)
    t.equal(formatVkey(key), line)
    const note = parseNote(source)
    const [signature] = note?.signatures ?? []
    if (!note || !signature) return t.fail('no note')
    t.equal(formatNote(note), source)
    t.match(signature, { name: key.name, keyId: key.keyId })
    t.ok(verifyEd25519(key.publicKey, Buffer.from(note.text), signature.signature))
    t.notOk(verifyEd25519(key.publicKey, Buffer.from(`${note.text} `), signature.signature))
  }
})

t.test('a checkpoint of a public log with the cosignatures of public witnesses', async (t) => {
  const { log, cosigners, origin, size, root, seconds, note } = vectors.witnessed
  const keys = cosigners.map(vkey)
  const opened = openCheckpoint(note, vkey(log), keys)
  if (!opened.ok) return t.fail(opened.fault)
  t.equal(formatCheckpoint(opened.checkpoint), `${origin}\n${size}\n${root}\n`)
  t.same(opened.cosigned.map(({ key }) => key.name).toSorted(), keys.map(({ name }) => name).toSorted())
  for (const cosigned of opened.cosigned) t.equal(cosigned.seconds, BigInt(seconds))
  t.equal(opened.unknown.length, 1, "the log's RFC 6962 signature is of a type that is passed over")

  const later = note.replace(size, '1432088533')
  t.same(openCheckpoint(later, vkey(log)), { ok: false, fault: 'bad-signature' })
  const [witness] = keys
  if (witness) t.match(openCheckpoint(later, witness, []), { ok: false, fault: 'other-origin' })
})

t.test('tile paths and widths of the specification', async (t) => {
  const { index, path, size, tiles } = vectors.tilePaths
  t.equal(tilePath({ level: 0, index: BigInt(index), width: TILE_WIDTH }), `tile/0/${path}`)
  t.equal(tilePath({ level: 'entries', index: BigInt(index), width: 7 }), `tile/entries/${path}.p/7`)
  t.equal(tilePath({ level: 63, index: 0n, width: 255 }), 'tile/63/000.p/255')
  t.equal(tilePath({ level: 1, index: 1000n, width: TILE_WIDTH }), 'tile/1/x001/000')
  for (const { level, full, partial } of tiles) {
    if (full > 0) t.equal(tileWidth(level, BigInt(full - 1), BigInt(size)), TILE_WIDTH)
    t.equal(tileWidth(level, BigInt(full), BigInt(size)), partial)
    t.equal(tileWidth(level, BigInt(full + 1), BigInt(size)), 0)
  }
  t.equal(tileWidth(0, 0n, 256n), TILE_WIDTH)
  t.equal(tileWidth(1, 0n, 256n), 1)
})

t.test('our own signatures and cosignatures', async (t) => {
  const origin = 'example.com/log'
  const log = createTestKey('log')
  const oracle = createTestKey('oracle')
  const key = verifierKey(origin, SIGNATURE_TYPE.ed25519, log.publicKey)
  const witness = verifierKey('example.com/oracle-1', SIGNATURE_TYPE.cosignature, oracle.publicKey)
  t.same(parseVkey(formatVkey(witness)), witness)
  const signed = signCheckpoint({ origin, size: 3n, root: log.publicKey }, log)
  const both = addSignature(signed, cosign(signed.text, witness.name, oracle, 1_763_600_000n))
  t.match(openCheckpoint(formatNote(both), key, [witness]), {
    ok: true,
    checkpoint: { origin, size: 3n },
    cosigned: [{ key: witness, seconds: 1_763_600_000n }],
    unknown: [],
  })
  t.match(openCheckpoint(formatNote(both), key), { ok: true, cosigned: [], unknown: [{ name: witness.name }] })
  const again = addSignature(both, cosign(signed.text, witness.name, oracle, 1_763_600_001n))
  t.equal(again.signatures.length, 2, 'a cosigner has one signature, the newest')

  const onlyWitness = { text: signed.text, signatures: both.signatures.slice(1) }
  t.match(openCheckpoint(formatNote(onlyWitness), key, [witness]), { ok: false, fault: 'not-signed' })
  const moved = Buffer.from(both.signatures[1]?.signature ?? [])
  moved[7] = (moved[7] ?? 0) ^ 1
  const wrongTime = { text: signed.text, signatures: [...signed.signatures, { ...witness, signature: moved }] }
  t.match(openCheckpoint(formatNote(wrongTime), key, [witness]), { ok: false, fault: 'bad-signature' }, 'the time is signed')
  const short = { text: signed.text, signatures: [...signed.signatures, { ...witness, signature: moved.subarray(8) }] }
  t.match(openCheckpoint(formatNote(short), key, [witness]), { ok: false, fault: 'bad-signature' })
})

t.test('what is no note, no key, no checkpoint', async (t) => {
  const note = vectors.notes[0]?.note ?? ''
  for (const bad of [
    '',
    '\n',
    '\n\n',
    note.slice(0, -1),
    `${note}\n`,
    ` ${note}`.replace('—', '-'),
    note.replace('foo ', 'foo  '),
    note.replace('=\n', '\n'),
    note.replace('yaQM=', 'yaQN='),
    note.replace('example.com/foo', 'example.com/+'),
    note.replace('message', 'mess\tage'),
    note.replace('message', 'mess\ud800age'),
    `${note}no signature\n`,
    `text\n\n${'— a AAAAAAA=\n'.repeat(65)}`,
    'text\n\n— a AAAAAA==\n',
  ])
    t.equal(parseNote(bad), undefined, JSON.stringify(bad.slice(0, 60)))
  t.equal(parseNote(`text\n\n${'— a AAAAAAA=\n'.repeat(64)}`)?.signatures.length, 64)
  const line = vectors.notes[0]?.vkey ?? ''
  for (const bad of ['', line.replace('530d903a', '530d903b'), line.replace('530d903a', '530D903A'), `${line}A`, line.replace('Aeky', 'Beky'), ` ${line}`])
    t.equal(parseVkey(bad), undefined, bad)

  const origin = 'example.com/log'
  const log = createTestKey('log')
  const key = verifierKey(origin, SIGNATURE_TYPE.ed25519, log.publicKey)
  const root = Buffer.alloc(32).toString('base64')
  const sign = (text: string): string => formatNote({ text, signatures: [{ ...key, signature: log.sign(Buffer.from(text)) }] })
  t.match(openCheckpoint(sign(`${origin}\n0\n${root}\n`), key), { ok: true })
  for (const text of [
    `${origin}\n00\n${root}\n`,
    `${origin}\n-1\n${root}\n`,
    `${origin}\n1\n${root.slice(0, -4)}\n`,
    `${origin}\n1\n\n`,
    `${origin}\n1\n${root}\nextension\n`,
    `${origin}\n12345678901234567890\n${root}\n`,
    `\n1\n${root}\n`,
  ])
    t.match(openCheckpoint(sign(text), key), { ok: false, fault: 'not-a-checkpoint' }, JSON.stringify(text))
})
