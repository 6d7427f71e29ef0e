// The key-encryption key in SoftHSM, a security module in software; the objects are made with OpenSC's pkcs11-tool, as an operator would.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t from 'tap'
import { createKeyStore, type KeyStoreOptions } from '../../core/runtime/keys.ts'
import { openStore } from '../../core/store/store.ts'
import { createProvisioning } from '../../sim-provisioning/node.ts'
import { createVault } from '../../sim-provisioning/vault/vault.ts'
import { clock, csvOf, NOW, testSims, testWorld } from '../compliance/sim-world.ts'

const MODULE =
  ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so'].find(existsSync) ?? ''
const PIN = '471100'

const folder = t.testdir({ tokens: {}, pin: `${PIN}\n`, 'wrong-pin': '000000\n', kek: Buffer.alloc(32, 7) })
process.env.SOFTHSM2_CONF = join(folder, 'softhsm2.conf')
writeFileSync(
  process.env.SOFTHSM2_CONF,
  `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`,
)
for (const name of ['pin', 'wrong-pin', 'kek']) chmodSync(join(folder, name), 0o600)
execFileSync('softhsm2-util', ['--init-token', '--free', '--label', 'tallycell', '--so-pin', '123456', '--pin', PIN], {
  stdio: 'ignore',
})

function makeKey(label: string, ...more: string[]): void {
  const common = ['--module', MODULE, '--token-label', 'tallycell', '--login', '--pin', PIN]
  execFileSync('pkcs11-tool', [...common, '--keygen', '--key-type', 'AES:32', '--label', label, ...more], {
    stdio: 'ignore',
  })
}

const keysIn = (directory: string, pkcs11: object | undefined, more: Partial<KeyStoreOptions> = {}) => {
  const standard = { module: MODULE, token: 'tallycell', key: 'kek', pinFile: join(folder, 'pin') }
  return createKeyStore({
    directory: join(folder, directory),
    pkcs11: pkcs11 === undefined ? undefined : { ...standard, ...pkcs11 },
    ...more,
  })
}

t.test('keys are sealed in the module, moved into it from a file, and on to its next key', async (t) => {
  t.testdir()
  makeKey('kek', '--sensitive')
  makeKey('kek-2', '--sensitive')
  const store = await openStore({ path: join(folder, 's.db') })
  t.teardown(() => store.close())
  const file = keysIn('keys', undefined, { kekFile: join(folder, 'kek') })
  const { publicKey } = await file.signingKey('log')
  const secret = await file.secret('receipts', 32)
  await testWorld(t, store, createVault(store, file.kek)).load(csvOf(testSims(3)))

  await t.rejects(keysIn('keys', {}).signingKey('log'), { code: 'KEY_KEK_WRONG', message: /the key kek of the token/ })
  const moving = keysIn('keys', {}, { previousKekFile: join(folder, 'kek') })
  t.same((await moving.signingKey('log')).publicKey, publicKey)
  t.equal(await moving.rewrap(), 2)
  t.equal(await createVault(store, moving.kek).rewrap('alice', NOW), 2)
  t.equal(await moving.rewrap(), 0)

  const inside = keysIn('keys', {})
  t.same((await inside.signingKey('log')).publicKey, publicKey)
  t.same(await inside.secret('receipts', 32), secret)
  const provisioning = createProvisioning({
    store,
    kek: inside.kek,
    clock,
    metrics: new Registry(),
    log: pino({ level: 'silent' }),
  })
  await provisioning.start()
  await provisioning.stop()
  await testWorld(t, store, createVault(store, inside.kek)).load(csvOf(testSims(3, 10)))

  const next = keysIn('keys', { key: 'kek-2', previousKey: 'kek' })
  t.equal(await next.rewrap(), 2)
  t.equal(await createVault(store, next.kek).rewrap('alice', NOW), 2)
  t.same(await keysIn('keys', { key: 'kek-2' }).secret('receipts', 32), secret)
  await t.rejects(keysIn('keys', {}).secret('receipts', 32), { code: 'KEY_KEK_WRONG' })
  await t.resolves(createVault(store, keysIn('keys', { key: 'kek-2' }).kek).check())
})

t.test('what was changed does not open; nothing opens in another place', async (t) => {
  const { kek } = keysIn('bound', {})
  const sealed = await kek.seal('data-key', 'seal', Buffer.alloc(32, 9))
  t.same(Buffer.from(await kek.open('data-key', 'seal', sealed, 'x')), Buffer.alloc(32, 9))
  await t.rejects(kek.open('data-key', 'fingerprint', sealed, 'x'), { code: 'KEY_FILE_DAMAGED', message: /it holds/ })
  const text = Buffer.from(sealed).toString()
  const renamed = text.replace('"seal"', '"fingerprint"')
  await t.rejects(kek.open('data-key', 'fingerprint', Buffer.from(renamed), 'x'), {
    code: 'KEY_FILE_DAMAGED',
    message: /seal is broken/,
  })
  const flipped = text.replace(/"tag":"(.)/, (_all, digit) => `"tag":"${digit === '0' ? '1' : '0'}`)
  await t.rejects(kek.open('data-key', 'seal', Buffer.from(flipped), 'x'), { code: 'KEY_FILE_DAMAGED' })
  t.same(Buffer.from(await kek.open('data-key', 'seal', sealed, 'x')), Buffer.alloc(32, 9), 'and the session goes on')
})

t.test('mistakes are said, and no PIN with them', async (t) => {
  makeKey('open')
  makeKey('twice', '--sensitive')
  makeKey('twice', '--sensitive')
  mkdirSync(join(folder, 'none'))
  const wrong: [object, RegExp][] = [
    [{ module: join(folder, 'none', 'no.so') }, /no\.so/],
    [{ token: 'other' }, /no token with the label other/],
    [{ key: 'absent' }, /no AES key has the label absent/],
    [{ key: 'open' }, /the key open can be read from it/],
    [{ key: 'twice' }, /several keys have the label twice/],
    [{ pinFile: undefined }, /pinFile is not set/],
    [{ pinFile: join(folder, 'nowhere') }, /there is no file/],
  ]
  for (const [options, message] of wrong) {
    const error = await keysIn('wrong', options)
      .secret('x', 32)
      .catch((caught: Error) => caught)
    t.match(error, { code: 'KEY_PKCS11_UNUSABLE', message })
    t.notMatch(JSON.stringify(error) + (error as Error).stack, PIN)
  }
})

t.test('a wrong PIN, in a process of its own', async (t) => {
  const script = `import { createKeyStore } from '${join(import.meta.dirname, '../../core/runtime/keys.ts')}'
    const pkcs11 = { module: '${MODULE}', token: 'tallycell', key: 'kek', pinFile: '${join(folder, 'wrong-pin')}' }
    await createKeyStore({ directory: '${join(folder, 'wrong')}', pkcs11 }).secret('x', 32).catch((error) => console.log(error.code, error.message))`
  const path = join(folder, 'wrong.ts')
  writeFileSync(path, script)
  const said = execFileSync(process.execPath, ['--import=tsx', path], {
    cwd: join(import.meta.dirname, '../..'),
  }).toString()
  t.match(said, /^KEY_PKCS11_UNUSABLE .*CKR_PIN_INCORRECT/)
  t.notMatch(said, /000000/)
})
