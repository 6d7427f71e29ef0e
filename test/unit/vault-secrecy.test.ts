// Keys are looked for wherever they could leak: the database with its journal, its backup, errors, logs, a process's report, the answers of
// commands. In the forms in which a careless program would leave them.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { isTallycellError } from '../../core/kernel/errors.ts'
import { redact } from '../../core/log/redact.ts'
import { createKeyStore } from '../../core/runtime/keys.ts'
import { backUpSqlite } from '../../core/store/backup.ts'
import { openStore, type Store } from '../../core/store/store.ts'
import { readSim } from '../../sim-provisioning/batch/record.ts'
import {
  addHomeKey,
  addTransportKey,
  listHomeKeys,
  loadHomeKeys,
  retireHomeKey,
  rotateHomeKey,
} from '../../sim-provisioning/vault/network-keys/network-keys.ts'
import { createVault, type Vault } from '../../sim-provisioning/vault/vault.ts'
import { act, csvOf, NOW, testSim, testSims, testWorld } from '../compliance/sim-world.ts'

const run = promisify(execFile)
const TRANSPORT = createHash('sha256').update('transport').digest()

/** The octets, and the ways to write them. */
function traces(hex: string): (string | Buffer)[] {
  const octets = Buffer.from(hex, 'hex')
  return [
    octets,
    hex,
    hex.toUpperCase(),
    octets.toString('base64').slice(0, -2),
    octets.toString('base64url').slice(0, -2),
    [...octets].join(','),
  ]
}

const SECRETS = [...testSims(30).flatMap(({ ki, opc }) => [ki, opc]), TRANSPORT.toString('hex')].flatMap(traces)

function noSecret(t: Test, where: string, content: Buffer | string): void {
  const octets = Buffer.from(content)
  t.notOk(
    SECRETS.some((secret) => octets.includes(secret)),
    `no key in ${where}`,
  )
}

async function filled(t: Test): Promise<{ store: Store; vault: Vault; folder: string }> {
  const folder = t.testdir()
  const store = await openStore({ path: join(folder, 'data', 's.db') })
  t.teardown(() => store.close())
  const vault = createVault(store, createKeyStore({ directory: join(folder, 'keys') }).kek)
  await testWorld(t, store, vault).load(csvOf(testSims(30)))
  await addTransportKey({ store, vault }, { id: 'vendor', cipher: 'aes-ecb', key: TRANSPORT }, act)
  return { store, vault, folder }
}

t.test('the traces would be found', async (t) => {
  const { ki } = testSim(0)
  const octets = Buffer.from(ki, 'hex')
  const leaks = [
    octets,
    ki,
    ki.toUpperCase(),
    octets.toString('base64'),
    octets.toString('base64url'),
    JSON.stringify(octets),
  ]
  for (const leak of leaks)
    t.ok(SECRETS.some((secret) => Buffer.concat([Buffer.from('x'), Buffer.from(leak)]).includes(secret)))
})

t.test('neither the database, its journal nor its backup holds a key, a PIN or an ADM', async (t) => {
  const { folder } = await filled(t)
  const backup = join(folder, 'backup.db')
  await backUpSqlite(join(folder, 'data', 's.db'), backup)
  const files = [backup, ...readdirSync(join(folder, 'data')).map((name) => join(folder, 'data', name))]
  t.ok(files.length >= 3)
  for (const file of files) {
    const content = readFileSync(file)
    noSecret(t, file, content)
    t.notOk(content.includes('"pin1"') || content.includes('87654321'), `no codes in ${file}`)
  }
  for (const name of readdirSync(join(folder, 'keys'))) noSecret(t, name, readFileSync(join(folder, 'keys', name)))
})

t.test('errors and logs say nothing', async (t) => {
  const { store, vault } = await filled(t)
  const { ki, opc, iccid, imsi: digits } = testSim(3)
  const good = { iccid, imsi: digits, ki, opc }
  const bad = [
    { ...good, imsi: ki },
    { ...good, iccid: ki },
    { ...good, acc: opc },
    { ...good, amf: ki },
    { ...good, opc: `${opc}00` },
    { ...good, msisdn: ki },
    { ...good, eid: ki },
    { ...good, algorithm: ki },
    { ...good, home_key: ki },
    { ...good, pin1: ki },
  ]
  for (const fields of bad) {
    let caught: unknown
    try {
      readSim(fields)
    } catch (error) {
      caught = error
    }
    t.ok(isTallycellError(caught))
    noSecret(
      t,
      'an error',
      JSON.stringify([caught, String((caught as Error).stack), (caught as { context: unknown }).context]),
    )
  }
  const sim = readSim(good)
  noSecret(t, 'a log line', JSON.stringify(redact({ sim, fields: good, vault })))
  noSecret(t, 'a log line', JSON.stringify(redact(sim.auth)))
  await store.batch((sql) => sql.run("update sim_secret set auth = x'00'"))
  const row = await store.batch((sql) => sql.row<{ data_key: bigint }>('select data_key from sim_secret'))
  const open = await store.batch((sql) => vault.opener(sql, [row?.data_key ?? 0n]))
  t.throws(() => open(row?.data_key ?? 0n, `sim-auth ${iccid}`, Buffer.alloc(40)), {
    code: 'VAULT_DAMAGED',
    message: /\(sim-auth\)/,
  })
})

t.test("a crashed process's report names no key", async (t) => {
  const folder = t.testdir()
  const script = join(folder, 'crash.ts')
  const root = join(import.meta.dirname, '../..')
  writeFileSync(join(folder, 'sims.csv'), csvOf(testSims(30)))
  writeFileSync(
    script,
    `import { openStore } from '${root}/core/store/store.ts'
     import { createKeyStore } from '${root}/core/runtime/keys.ts'
     import { createVault } from '${root}/sim-provisioning/vault/vault.ts'
     import { importBatch } from '${root}/sim-provisioning/batch/import.ts'
     const store = await openStore({ path: '${folder}/s.db' })
     const vault = createVault(store, createKeyStore({ directory: '${folder}/keys' }).kek)
     await importBatch({ store, vault, clock: () => 1n, signal: new AbortController().signal },
       { path: '${folder}/sims.csv', format: 'pysim', tenant: 'acme', mode: 'row', dryRun: false, mncDigits: 2 })
     throw new Error('crash')`,
  )
  const report = join(folder, 'report.json')
  const args = ['--import=tsx', '--report-uncaught-exception', `--report-filename=${report}`, script]
  const failed = await run(process.execPath, args, { cwd: root }).catch(
    (error: { stderr: string; stdout: string }) => error,
  )
  t.match(failed.stderr, /crash/)
  noSecret(t, 'the output', failed.stderr + failed.stdout)
  noSecret(t, 'the report', readFileSync(report))
})

t.test('a new key-encryption key: data keys are sealed again, the old one is needed no longer', async (t) => {
  const folder = t.testdir({ old: Buffer.alloc(32, 1), new: Buffer.alloc(32, 2) })
  for (const name of ['old', 'new']) await run('chmod', ['600', join(folder, name)])
  const store = await openStore({ path: join(folder, 's.db') })
  t.teardown(() => store.close())
  const keys = (kekFile: string, previousKekFile?: string) =>
    createKeyStore({
      directory: join(folder, 'keys'),
      kekFile: join(folder, kekFile),
      previousKekFile: previousKekFile === undefined ? undefined : join(folder, previousKekFile),
    })
  const before = keys('old')
  const { publicKey } = await before.signingKey('log')
  const vault = createVault(store, before.kek)
  await testWorld(t, store, vault).load(csvOf(testSims(5)))

  const openAll = (from: Vault): Promise<number> =>
    store.batch(async (sql) => {
      type Row = { iccid: string; data_key: bigint; auth: Uint8Array }
      const rows = await sql.rows<Row>(
        'select s.iccid, k.data_key, k.auth from sim s join sim_secret k on k.sim_no = s.sim_no',
      )
      const open = await from.opener(
        sql,
        rows.map((row) => row.data_key),
      )
      return rows.filter((row) => open(row.data_key, `sim-auth ${row.iccid}`, row.auth).length === 34).length
    })
  await t.rejects(openAll(createVault(store, keys('new').kek)), { code: 'KEY_KEK_WRONG' })
  const both = keys('new', 'old')
  const between = createVault(store, both.kek)
  t.equal(await openAll(between), 5)
  t.equal(await both.rewrap(), 1)
  t.equal(await between.rewrap('alice', NOW), 2)
  t.equal(await both.rewrap(), 0)
  t.equal(await between.rewrap('alice', NOW), 0)
  const after = keys('new')
  t.equal(await openAll(createVault(store, after.kek)), 5)
  t.same((await after.signingKey('log')).publicKey, publicKey)
  await t.rejects(openAll(createVault(store, before.kek)), { code: 'KEY_KEK_WRONG' })
  const uses = await store.batch((sql) =>
    sql.rows("select actor, subject from key_use where purpose = 'rewrap' order by subject"),
  )
  t.same(uses, [
    { actor: 'alice', subject: 'data-key:1' },
    { actor: 'alice', subject: 'data-key:2' },
  ])
})

t.test('home network keys: made, taken over, rotated with an overlap, and the published ones refused', async (t) => {
  const { store, vault } = await filled(t)
  const deps = { store, vault }
  await addHomeKey(deps, { id: 1, profile: 'A' }, act)
  await addHomeKey(deps, { id: 2, profile: 'B' }, act)
  await t.rejects(addHomeKey(deps, { id: 1, profile: 'A' }, act), { code: 'NETWORK_KEY_EXISTS' })
  await t.rejects(addHomeKey(deps, { id: 256, profile: 'A' }, act), { code: 'SUCI_KEY_INVALID' })
  // TS 33.501 Annex C.4.3: the private key of the home network, in PKCS #8.
  const der = `302e020100300506032b656e04220420c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d`
  const pem = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(der, 'hex').toString('base64')}\n-----END PRIVATE KEY-----\n`
  await t.rejects(addHomeKey(deps, { id: 3, profile: 'A', pem }, act), {
    code: 'NETWORK_KEY_PUBLIC',
    message: /TS 33.501/,
  })
  await addHomeKey(deps, { id: 3, profile: 'A', pem, force: true }, act)
  await testWorld(t, store, vault).load(csvOf(testSims(4, 100)), { homeKey: 1 })
  await rotateHomeKey(deps, 1, 9, act)
  const listed = await listHomeKeys(store)
  t.match(listed, [
    { id: 1, profile: 'A', state: 'retiring', sims: 4, alarm: undefined },
    { id: 2, profile: 'B', state: 'active', sims: 0 },
    {
      id: 3,
      alarm: 'TS 33.501 Annex C.4.3 (profile A)',
      publicKey: '5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650',
    },
    { id: 9, profile: 'A', state: 'active', sims: 0 },
  ])
  await t.rejects(retireHomeKey(deps, 1, false, act), { code: 'NETWORK_KEY_IN_USE', message: /on 4 SIMs/ })
  t.same([...(await loadHomeKeys(deps, { actor: 'udm', now: NOW })).keys()], [1, 2, 3, 9])
  await retireHomeKey(deps, 1, true, act)
  const loaded = await loadHomeKeys(deps, { actor: 'udm', now: NOW })
  t.same([...loaded.keys()], [2, 3, 9])
  t.equal(Buffer.from(loaded.get(2)?.publicKey ?? []).toString('hex'), listed[1]?.publicKey)
  t.equal((await store.batch((sql) => sql.rows("select 1 as one from key_use where actor = 'udm'"))).length, 7)
})
