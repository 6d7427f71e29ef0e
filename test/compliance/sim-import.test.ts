import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { approveExport, exportBatch, requestExport } from '../../sim-provisioning/batch/export.ts'
import { FORMATS, type Format } from '../../sim-provisioning/batch/formats.ts'
import { generateBatch } from '../../sim-provisioning/batch/generate.ts'
import { listErrors, needBatch } from '../../sim-provisioning/batch/store.ts'
import { addRange } from '../../sim-provisioning/profiles/ranges/store.ts'
import { listSims, needSim } from '../../sim-provisioning/profiles/sims/store.ts'
import { addTransportKey, openTransportKey } from '../../sim-provisioning/vault/network-keys/network-keys.ts'
import { addOperator, listOperators, revokeOperator } from '../../sim-provisioning/vault/operators/store.ts'
import { createTransport } from '../../sim-provisioning/vault/transport.ts'
import { onEachEngine } from './engines.ts'
import { ACME, act, clock, csvOf, NOW, testSim, testSims, testWorld } from './sim-world.ts'

const VECTORS = new URL('../vectors/sim-batch/', import.meta.url)
const vector = (name: string): string => readFileSync(new URL(name, VECTORS), 'utf8')
const K4 = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')

const fingerprints = async (store: Store): Promise<string[]> =>
  (await store.batch((sql) => listSims(sql, { limit: 10_000 }))).sims.map(
    ({ iccid, imsi, fingerprint }) => `${iccid} ${imsi} ${fingerprint}`,
  )

const counts = async (store: Store): Promise<bigint[]> =>
  store.batch(async (sql) => {
    const all: bigint[] = []
    for (const table of ['sim', 'sim_secret', 'sim_sequence'])
      all.push((await sql.row<{ n: bigint }>(`select count(*) as n from ${table}`))?.n ?? -1n)
    return all
  })

onEachEngine('the same SIMs in every format come to the same keys', async (t, database) => {
  const { load, store } = testWorld(t, await database.open())
  const none = { state: 'done', added: 0, unchanged: 3, refused: 0 }
  t.match(await load(vector('pysim.csv'), { mncDigits: undefined }), { ...none, added: 3, unchanged: 0 })
  const before = await fingerprints(store)
  t.equal(new Set(before).size, 3)
  t.match(await load(vector('sysmocom.csv'), { format: 'sysmocom' }), none)
  const transport = createTransport('007', 'aes-ecb', K4)
  t.match(await load(vector('vendor.out'), { format: 'out', transport }), none)
  t.match(await load(vector('sims.jsonl'), { format: 'jsonl' }), none)
  t.same(await fingerprints(store), before)
  t.match(await store.batch((sql) => needSim(sql, '001010000000001')), {
    mncDigits: 2,
    state: 'inStock',
    algorithm: 'milenage',
  })
  t.match(
    await load(vector('vendor.out').replaceAll('\n*\n', '\n*\n*\n'), { format: 'out' }),
    { refused: 3, duplicates: 3 },
    'not unwrapped: other keys',
  )
})

const WRONG: readonly (readonly [string, RegExp | string])[] = [
  ['8988211000000000002,001010000000900,KI,OPC', /check digit/],
  ['ICCID,00101000000090,KI,OPC', /imsi: expected 15 decimal digits, got 14 characters/],
  ['ICCID,001010000000900,abc,OPC', 'ki: expected 32 hex digits, got 3 characters'],
  ['ICCID,001010000000900,KI,', 'opc: expected opc or op, got neither'],
  ['ICCID,001010000000900,KI', /expected the 4 values/],
  ['"ICCID,001010000000900,KI,OPC', /quotes that do not match/],
  ['ICCID,IMSI0,KI,OPC', /the IMSI 00101········00 is on a SIM that is there already: line 2 of this file/],
  [
    'ICCID0,001010000000900,KI,OPC',
    /the ICCID 89882············\d\d is on a SIM that is there already: line 2 of this file/,
  ],
]
const K = 'e1'.repeat(16)

function wrongFile(): string {
  const [good, spare] = [testSim(0), testSim(900)]
  const fill = (line: string): string =>
    line
      .replace('ICCID0', good.iccid)
      .replace('IMSI0', good.imsi)
      .replace('ICCID', spare.iccid)
      .replace('KI', K)
      .replace('OPC', 'c3'.repeat(16))
  return ['iccid,imsi,ki,opc', fill('ICCID0,IMSI0,KI,OPC'), ...WRONG.map(([line]) => fill(line)), ''].join('\n')
}

onEachEngine(
  'a wrong line is named with its number, the right ones go in, and no key is repeated',
  async (t, database) => {
    const { load, store } = testWorld(t, await database.open())
    for (const dryRun of [true, false]) {
      const report = await load(wrongFile(), { dryRun, batch: 'wrong' })
      t.match(report, { state: dryRun ? 'dry' : 'done', added: 1, refused: WRONG.length, duplicates: 2 })
      t.same(
        report.errors.map(({ line }) => line),
        WRONG.map((_row, index) => index + 3),
      )
      t.match(
        report.errors.map(({ message }) => message),
        WRONG.map(([, message]) => message),
      )
      t.notMatch(JSON.stringify(report), new RegExp(`${K}|001010000000900`))
      t.same(await counts(store), dryRun ? [0n, 0n, 0n] : [1n, 1n, 1n])
    }
    const stored = await store.batch(async (sql) => listErrors(sql, (await needBatch(sql, 'wrong')).batchNo, 3, 4))
    t.same(
      stored.map(({ line }) => line),
      [5, 6, 7],
    )
  },
)

onEachEngine('all or nothing', async (t, database) => {
  const { load, store } = testWorld(t, await database.open())
  t.match(await load(wrongFile(), { mode: 'all' }), { state: 'refused', added: 0, refused: WRONG.length })
  t.same(await counts(store), [0n, 0n, 0n])
  t.match(await load(csvOf(testSims(2500)), { mode: 'all' }), { state: 'done', added: 2500 })
  t.match(await store.batch((sql) => needSim(sql, testSim(2499).imsi)), { state: 'inStock' })
})

onEachEngine(
  'a load that is broken off goes on where it stopped; a second one changes nothing',
  async (t, database) => {
    const { load, store } = testWorld(t, await database.open())
    const lines = csvOf(testSims(3200)).split('\n')
    lines.splice(5, 0, 'not,a,sim')
    const content = lines.join('\n')
    const aborting = new AbortController()
    aborting.abort()
    const first = await load(content, { batch: 'big' }, aborting.signal)
    t.match(first, { state: 'stopped', added: 998, refused: 1 })
    t.same(await counts(store), [998n, 998n, 998n])
    t.match(await load(content, { batch: 'big' }), {
      state: 'done',
      added: 3200,
      unchanged: 0,
      refused: 1,
      errors: [{ line: 6 }],
    })
    t.match(await load(content, { batch: 'big' }), { state: 'done', added: 0, unchanged: 3200, refused: 1 })
    t.same(await counts(store), [3200n, 3200n, 3200n])
    await t.rejects(load(csvOf(testSims(1)), { batch: 'big' }), { code: 'BATCH_UNFINISHED' })
  },
)

onEachEngine('ranges keep tenants apart', async (t, database) => {
  const { load, store } = testWorld(t, await database.open())
  await addRange(
    store,
    { tenant: ACME, kind: 'imsi', first: '001010000000000', last: '001010000000001', mncDigits: 3 },
    NOW,
  )
  const overlap = {
    tenant: ACME,
    kind: 'imsi',
    first: '001010000000001',
    last: '001010000000009',
    mncDigits: 3,
  } as const
  await t.rejects(addRange(store, overlap, NOW), { code: 'RANGE_OVERLAPS' })
  await t.rejects(addRange(store, { ...overlap, mncDigits: undefined }, NOW), { code: 'ID_INVALID' })
  const report = await load(csvOf(testSims(3)), { mncDigits: undefined })
  t.match(report, { added: 2, refused: 1, errors: [{ line: 4, code: 'RANGE_FOREIGN' }] })
  t.equal((await store.batch((sql) => needSim(sql, testSim(0).imsi))).mncDigits, 3)
  const other = await load(csvOf(testSims(3)), { tenant: 'zeta' as typeof ACME })
  t.match(other, { added: 1, refused: 2, errors: [{ line: 2, code: 'RANGE_FOREIGN' }, { line: 3 }] })
})

onEachEngine(
  'a batch is made, leaves with its keys wrapped when two agree, and comes back the same',
  async (t, database) => {
    const store = await database.open()
    const { load, vault } = testWorld(t, store)
    await addRange(
      store,
      { tenant: ACME, kind: 'imsi', first: '001010000000000', last: '001010000000049', mncDigits: 2 },
      NOW,
    )
    await addRange(
      store,
      { tenant: ACME, kind: 'iccid', first: '898821100000000000', last: '898821100000000099', mncDigits: undefined },
      NOW,
    )
    const wanted = { tenant: ACME, algorithm: 'milenage', form: 'card' } as const
    await generateBatch({ store, vault, clock }, { ...wanted, batch: 'one', count: 20 })
    await generateBatch({ store, vault, clock }, { ...wanted, batch: 'two', count: 20, algorithm: 'tuak', homeKey: 7 })
    await t.rejects(generateBatch({ store, vault, clock }, { ...wanted, batch: 'three', count: 11 }), {
      code: 'RANGE_EXHAUSTED',
      message: /10 left/,
    })
    await t.rejects(generateBatch({ store, vault, clock }, { ...wanted, batch: 'one', count: 1 }), {
      code: 'BATCH_UNFINISHED',
    })
    const before = await fingerprints(store)
    t.equal(new Set(before.map((line) => line.split(' ')[2])).size, 40)

    await addTransportKey({ store, vault }, { id: 'vendor', cipher: 'aes-cbc', key: Buffer.alloc(32, 5) }, act)
    const transport = await openTransportKey({ store, vault }, 'vendor', 'unwrap', act)
    const folder = t.testdirName
    const operator = async (name: string, by?: string) => ({
      token: await store.batch((sql) => addOperator(sql, { operator: name, by, actor: 'root' }, NOW)),
      now: NOW,
    })
    const [alice, bob] = [await operator('alice'), await operator('bob')]
    await t.rejects(operator('bob', alice.token), { code: 'OPERATOR_EXISTS' })
    await t.rejects(operator('mallory'), { code: 'OPERATOR_TOKEN_WRONG' }, 'the third needs one of the first two')
    const carol = await operator('carol', bob.token)
    await store.batch((sql) => revokeOperator(sql, 'carol', alice.token, NOW))
    await t.rejects(requestExport({ store, vault }, 'one', 'vendor', carol), { code: 'OPERATOR_TOKEN_WRONG' })
    t.match(await store.batch(listOperators), [
      { operator: 'alice', createdBy: 'root', revoked: undefined },
      { operator: 'bob', createdBy: 'root' },
      { operator: 'carol', createdBy: 'bob', revoked: NOW },
    ])
    for (const format of FORMATS) {
      const files: Record<string, string> = {}
      for (const batch of ['one', 'two']) {
        const path = join(folder, `${batch}.${format}`)
        t.equal(await exportBatch({ store, vault }, { batch, format, path }), 20)
        t.notMatch(readFileSync(path, 'utf8'), /\bki\b|opc/i, 'no keys without an approval')
        const id = await requestExport({ store, vault }, batch, 'vendor', alice)
        const get = (by = alice) => exportBatch({ store, vault }, { batch, format, path, approval: { ...by, id } })
        await t.rejects(get(), { code: 'EXPORT_UNAPPROVED', message: /nobody else has approved/ })
        await t.rejects(approveExport({ store, vault }, id, alice), {
          code: 'EXPORT_UNAPPROVED',
          message: /cannot approve it/,
        })
        await t.rejects(approveExport({ store, vault }, id, { token: 'x', now: NOW }), { code: 'OPERATOR_TOKEN_WRONG' })
        const tomorrow = millis(NOW + 86_400_000n)
        await t.rejects(approveExport({ store, vault }, id, { ...bob, now: tomorrow }), {
          code: 'EXPORT_UNAPPROVED',
          message: /more than a day ago/,
        })
        t.equal(await approveExport({ store, vault }, id, bob), 'bob')
        await t.rejects(approveExport({ store, vault }, id, bob), { code: 'EXPORT_UNAPPROVED', message: /already/ })
        await t.rejects(get(bob), { code: 'EXPORT_UNAPPROVED', message: /alice asked for it/ })
        await t.rejects(get({ ...alice, now: tomorrow }), { code: 'EXPORT_UNAPPROVED', message: /more than a day/ })
        t.equal(await get(), 20)
        files[batch] = readFileSync(path, 'utf8')
        await t.rejects(get(), { code: 'EXPORT_UNAPPROVED', message: /made already/ }, 'an approval serves once')
      }
      for (const [batch, content] of Object.entries(files))
        t.match(
          await load(content, {
            format: format as Format,
            transport,
            mncDigits: undefined,
            batch: `${batch}-${format}`,
          }),
          { added: 0, unchanged: 20, refused: 0 },
          `${batch} as ${format}`,
        )
    }
    t.same(await fingerprints(store), before)
    const uses = await store.batch((sql) =>
      sql.rows("select actor, count from key_use where purpose = 'export' and subject = 'batch:one'"),
    )
    t.same(
      uses,
      FORMATS.map(() => ({ actor: 'alice', count: 20n })),
    )
  },
)

t.test('a file that is not of its format is refused at once', async (t) => {
  const { openStore } = await import('../../core/store/store.ts')
  const store = await openStore({ path: ':memory:' })
  t.teardown(() => store.close())
  const { load } = testWorld(t, store)
  await t.rejects(load('imsi,ki\n1,2\n'), { code: 'CSV_HEADER' })
  await t.rejects(load('no variables\n', { format: 'out' }), { code: 'SIM_FILE_HEADING' })
  await t.rejects(load('var_out: IMSI/KI\n', { format: 'out' }), { code: 'SIM_FILE_HEADING' })
  const short = vector('vendor.out').split('\n').slice(0, -2).join('\n')
  t.match(await load(short, { format: 'out', mode: 'all' }), {
    state: 'refused',
    errors: [{ message: 'quantity: expected 3 SIMs, as the header says, got 2' }],
  })
  t.match(await load('{"ki":1\n[]\n', { format: 'jsonl' }), {
    refused: 2,
    errors: [{ line: 1, message: /an object in JSON/ }, { line: 2 }],
  })
})
