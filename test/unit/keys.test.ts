import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import t from 'tap'
import { loadConfig } from '../../core/config/load.ts'
import { isTallycellError } from '../../core/kernel/errors.ts'
import { sealEnvelope } from '../../core/runtime/envelope.ts'
import { configuredKeyStore, createKeyStore, keysSection } from '../../core/runtime/keys.ts'

const folder = (test: Pick<typeof t, 'testdir'>): string => join(test.testdir({}), 'keys')
const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8)

/** A stored Ed25519 key with the seed that the test chooses. */
function store(directory: string, name: string, seed: Buffer): string {
  const kek = readFileSync(join(directory, 'kek'))
  const file = join(directory, `${name}.key`)
  writeFileSync(file, sealEnvelope({ kind: 'ed25519', name, kek, file, kekFile: '' }, seed), { mode: 0o600 })
  return file
}

t.test('RFC 8032 §7.1: public keys and signatures', async (t) => {
  const directory = folder(t)
  const keys = createKeyStore({ directory })
  await keys.secret('first', 16)
  const vectors = [
    {
      seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      message: '',
      signature:
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    },
    {
      seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      message: '72',
      signature:
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    },
  ]
  for (const [index, { seed, publicKey, message, signature }] of vectors.entries()) {
    store(directory, `vector-${index}`, Buffer.from(seed, 'hex'))
    const key = await keys.signingKey(`vector-${index}`)
    t.equal(Buffer.from(key.publicKey).toString('hex'), publicKey)
    t.equal(Buffer.from(key.sign(Buffer.from(message, 'hex'))).toString('hex'), signature)
  }
})

t.test('signatures are 64 octets that two other implementations accept', async (t) => {
  const key = await createKeyStore({ directory: folder(t) }).signingKey('log')
  t.equal(key.publicKey.length, 32)
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key.publicKey).toString('base64url') }
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
      const signature = key.sign(message)
      return (
        signature.length === 64 &&
        ed25519.verify(signature, message, key.publicKey) &&
        verify(null, message, publicKey, signature)
      )
    }),
    { numRuns: 20 },
  )
})

t.test('a key is made once, encrypted, private, and found again', async (t) => {
  const directory = folder(t)
  const key = await createKeyStore({ directory }).signingKey('log')
  const secret = await createKeyStore({ directory }).secret('log', 32)
  t.same((await createKeyStore({ directory }).signingKey('log')).publicKey, key.publicKey)
  t.same(await createKeyStore({ directory }).secret('log', 32), secret)
  t.notSame((await createKeyStore({ directory }).signingKey('other')).publicKey, key.publicKey)
  t.same(readdirSync(directory).sort(), ['kek', 'log.key', 'log.secret', 'other.key'], 'no temporary file stays')
  t.equal(mode(directory), '700')
  for (const file of readdirSync(directory)) t.equal(mode(join(directory, file)), '600', file)
  t.equal(readFileSync(join(directory, 'kek')).length, 32)
  const stored = readFileSync(join(directory, 'log.secret'))
  t.notOk(
    stored.includes(Buffer.from(secret)) || stored.includes(Buffer.from(secret).toString('hex')),
    'not in the clear',
  )
})

t.test('secrets: length, copies', async (t) => {
  const keys = createKeyStore({ directory: folder(t) })
  const first = await keys.secret('payer', 16)
  first.fill(0)
  t.notSame(await keys.secret('payer', 16), first, 'a caller cannot change what the next one gets')
  t.equal((await keys.secret('long', 1024)).length, 1024)
  for (const length of [0, 15, 1025, 16.5, Number.NaN]) await t.rejects(keys.secret('bad', length), RangeError)
  await t.rejects(keys.secret('payer', 32), {
    code: 'KEY_FILE_DAMAGED',
    message: /holds 16 octets, and 32 are expected/,
  })
})

t.test('names cannot leave the folder', async (t) => {
  const keys = createKeyStore({ directory: folder(t) })
  for (const name of ['', '../x', 'a/b', 'A', '.kek', 'a.b', '-a', 'a'.repeat(65), 'a\n', 'a\u0000'])
    await t.rejects(keys.signingKey(name), { code: 'ID_INVALID' }, JSON.stringify(name))
})

t.test('whoever comes first makes the key, and all get the same', async (t) => {
  const directory = folder(t)
  const stores = Array.from({ length: 24 }, () => createKeyStore({ directory }))
  const made = await Promise.all(stores.map((keys) => keys.signingKey('race')))
  t.equal(new Set(made.map(({ publicKey }) => Buffer.from(publicKey).toString('hex'))).size, 1)
  t.same(readdirSync(directory).sort(), ['kek', 'race.key'])
})

t.test('a key-encryption key that is supplied', async (t) => {
  const base = t.testdir({ kek: randomBytes(32) })
  const kekFile = join(base, 'kek')
  const directory = join(base, 'keys')
  for (const [permissions, fine] of [
    [0o400, true],
    [0o440, true],
    [0o600, true],
    [0o460, false],
    [0o404, false],
    [0o644, false],
  ] as const) {
    chmodSync(kekFile, permissions)
    const fresh = createKeyStore({ directory, kekFile }).secret('again', 16)
    if (fine) await t.resolves(fresh, permissions.toString(8))
    else await t.rejects(fresh, { code: 'KEY_PERMISSIONS_OPEN' }, permissions.toString(8))
  }
  t.notOk(readdirSync(directory).includes('kek'))

  rmSync(kekFile)
  await t.rejects(
    createKeyStore({ directory, kekFile }).secret('again', 16),
    { code: 'KEY_KEK_MISSING' },
    'it is never made',
  )
  t.throws(() => statSync(kekFile))
  for (const length of [0, 31, 33, 64]) {
    writeFileSync(kekFile, randomBytes(length), { mode: 0o600 })
    const error = { code: 'KEY_KEK_INVALID', message: new RegExp(`has ${length} octets: expected exactly 32`) }
    await t.rejects(createKeyStore({ directory, kekFile }).secret('again', 16), error)
  }
  writeFileSync(kekFile, randomBytes(32), { mode: 0o600 })
  await t.rejects(createKeyStore({ directory, kekFile }).secret('again', 16), { code: 'KEY_KEK_WRONG' })
})

t.test('a lost key-encryption key is not replaced in silence', async (t) => {
  const directory = folder(t)
  await createKeyStore({ directory }).signingKey('log')
  rmSync(join(directory, 'kek'))
  await t.rejects(createKeyStore({ directory }).signingKey('log'), { code: 'KEY_KEK_MISSING' })
  await t.rejects(createKeyStore({ directory }).signingKey('new'), { code: 'KEY_KEK_MISSING' })
  t.notOk(readdirSync(directory).includes('kek'))
})

t.test('too open, not a file, not a folder', async (t) => {
  const directory = folder(t)
  await createKeyStore({ directory }).signingKey('log')
  const again = () => createKeyStore({ directory }).signingKey('log')
  chmodSync(join(directory, 'log.key'), 0o640)
  await t.rejects(again(), { code: 'KEY_PERMISSIONS_OPEN', message: /log\.key.*mode 0640/, hint: /chmod 600/ })
  chmodSync(join(directory, 'log.key'), 0o600)
  chmodSync(join(directory, 'kek'), 0o644)
  await t.rejects(again(), { code: 'KEY_PERMISSIONS_OPEN' })
  chmodSync(join(directory, 'kek'), 0o600)
  chmodSync(directory, 0o755)
  await t.rejects(again(), { code: 'KEY_PERMISSIONS_OPEN', hint: /chmod 700/ })
  chmodSync(directory, 0o700)
  await t.resolves(again())

  mkdirSync(join(directory, 'dir.key'), 0o700)
  await t.rejects(createKeyStore({ directory }).signingKey('dir'), { code: 'KEY_FILE_UNUSABLE' })
  symlinkSync('loop.key', join(directory, 'loop.key'))
  await t.rejects(createKeyStore({ directory }).signingKey('loop'), { code: 'KEY_FILE_UNUSABLE' })
  symlinkSync('nowhere', join(directory, 'dangling.key'))
  await t.rejects(
    createKeyStore({ directory }).signingKey('dangling'),
    { code: 'KEY_FILE_UNUSABLE' },
    'never written through a link',
  )
  writeFileSync(join(directory, 'big.key'), 'x'.repeat(5000), { mode: 0o600 })
  await t.rejects(createKeyStore({ directory }).signingKey('big'), { code: 'KEY_FILE_UNUSABLE' })
  const file = join(t.testdir({ plain: 'x' }), 'plain')
  await t.rejects(createKeyStore({ directory: file }).signingKey('log'), { code: 'KEY_FOLDER_UNUSABLE' })
})

t.test('a torn or changed file is refused at every octet, without a word of its contents', async (t) => {
  const directory = folder(t)
  const seed = randomBytes(32)
  await createKeyStore({ directory }).secret('first', 16)
  const file = store(directory, 'log', seed)
  const whole = readFileSync(file)
  const outcome = async (octets: Buffer): Promise<string> => {
    writeFileSync(file, octets)
    try {
      const key = await createKeyStore({ directory }).signingKey('log')
      return Buffer.from(key.publicKey).equals(Buffer.from(ed25519.getPublicKey(seed))) ? 'same key' : 'another key'
    } catch (error) {
      if (!isTallycellError(error)) throw error
      const text = JSON.stringify(error, Object.getOwnPropertyNames(error))
      if (text.includes(seed.toString('hex')) || text.includes(seed.toString('base64'))) return 'leak'
      return error.code
    }
  }
  const cut = new Set<string>()
  for (let end = 0; end < whole.length; end++) cut.add(await outcome(whole.subarray(0, end)))
  t.same([...cut], ['KEY_FILE_DAMAGED'])
  const changed = new Set<string>()
  for (let at = 0; at < whole.length; at++) {
    const copy = Buffer.from(whole)
    copy[at] = (copy[at] ?? 0) ^ 1
    changed.add(await outcome(copy))
  }
  t.same([...changed].sort(), ['KEY_FILE_DAMAGED', 'KEY_KEK_WRONG'])
  t.equal(await outcome(whole), 'same key')
})

t.test('one file cannot stand in for another', async (t) => {
  const directory = folder(t)
  const keys = createKeyStore({ directory })
  await keys.signingKey('a')
  await keys.secret('b', 32)
  const swap = (from: string, to: string) =>
    writeFileSync(join(directory, to), readFileSync(join(directory, from)), { mode: 0o600 })
  swap('a.key', 'c.key')
  await t.rejects(keys.signingKey('c'), { code: 'KEY_FILE_DAMAGED' })
  swap('b.secret', 'b.key')
  await t.rejects(keys.signingKey('b'), { code: 'KEY_FILE_DAMAGED' })
  // With the visible name changed too, the seal is still over the old one.
  const forged = readFileSync(join(directory, 'a.key'), 'utf8').replace('"name":"a"', '"name":"d"')
  writeFileSync(join(directory, 'd.key'), forged, { mode: 0o600 })
  await t.rejects(keys.signingKey('d'), { code: 'KEY_FILE_DAMAGED', message: /seal is broken/ })
  await t.resolves(keys.signingKey('a'))
})

t.test('a failure is not remembered', async (t) => {
  const directory = folder(t)
  const keys = createKeyStore({ directory })
  await keys.signingKey('a')
  writeFileSync(join(directory, 'b.key'), 'torn', { mode: 0o600 })
  await t.rejects(keys.signingKey('b'), { code: 'KEY_FILE_DAMAGED' })
  rmSync(join(directory, 'b.key'))
  await t.resolves(keys.signingKey('b'))
})

t.test('the configuration says where', async (t) => {
  const cwd = t.testdir({
    'tallycell.yaml': 'dataDir: data\nkeys: { directory: k, kekFile: ./the-kek }',
    'the-kek': randomBytes(32),
  })
  chmodSync(join(cwd, 'the-kek'), 0o600)
  await configuredKeyStore(loadConfig([keysSection], { env: {}, cwd })).signingKey('log')
  t.same(readdirSync(join(cwd, 'data/k')), ['log.key'])
})
