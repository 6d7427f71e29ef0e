// Secrets are planted wherever there is a place for one, everything is done with them that is done with secrets, and then they are looked for
// in whatever could be read by others: the database and its journal, copies and dumps of it, log lines at their most talkative, error texts.
import { execFile } from 'node:child_process'
import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { iccid } from '../../core/kernel/iccid.ts'
import { planId, subscriberId } from '../../core/kernel/ids.ts'
import { redact } from '../../core/log/redact.ts'
import { createKeyStore } from '../../core/runtime/keys.ts'
import { backUpSqlite } from '../../core/store/backup.ts'
import type { Store } from '../../core/store/store.ts'
import { approveExport, exportBatch, requestExport } from '../../sim-provisioning/batch/export.ts'
import { createProvisioning } from '../../sim-provisioning/node.ts'
import { msisdn } from '../../sim-provisioning/profiles/msisdn.ts'
import { byHand, requestPort } from '../../sim-provisioning/profiles/porting/porting.ts'
import { activate } from '../../sim-provisioning/profiles/subscriptions/life.ts'
import { addHomeKey, addTransportKey, loadHomeKeys } from '../../sim-provisioning/vault/network-keys/network-keys.ts'
import { addOperator } from '../../sim-provisioning/vault/operators/store.ts'
import { onEachEngine, type TestDatabase } from './engines.ts'
import { ACME, act, clock, NOW, type TestSim, testSims, testWorld } from './sim-world.ts'

const run = promisify(execFile)

/** Eight digits that stand nowhere by chance. */
const digits = (text: string): string =>
  String((createHash('sha256').update(text).digest().readUInt32BE() % 90_000_000) + 10_000_000)
const codesOf = ({ iccid: card }: TestSim) => ({
  pin1: digits(`pin1 ${card}`),
  puk1: digits(`puk1 ${card}`),
  pin2: digits(`pin2 ${card}`),
  puk2: digits(`puk2 ${card}`),
  adm1: digits(`adm1 ${card}`),
})
const SIMS = testSims(20)
const KIC = createHash('sha256').update('kic').digest('hex').slice(0, 32)
const TRANSPORT = createHash('sha256').update('transport').digest()
const PORT_PIN = digits('port')
const { privateKey } = generateKeyPairSync('x25519', {
  privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
  publicKeyEncoding: { format: 'pem', type: 'spki' },
})
const SUCI = Buffer.from(String(createPrivateKey(privateKey).export({ format: 'jwk' }).d), 'base64url')

/** Octets, and the ways to write them. */
const tracesOfOctets = (octets: Buffer): (string | Buffer)[] => [
  octets,
  octets.toString('hex'),
  octets.toString('hex').toUpperCase(),
  octets.toString('base64').slice(0, -2),
  octets.toString('base64url').slice(0, -2),
  [...octets].join(','),
]
const tracesOfText = (text: string): string[] => [
  text,
  Buffer.from(text).toString('hex'),
  Buffer.from(text)
    .toString('base64')
    .replace(/.{0,2}=*$/, ''),
  [...Buffer.from(text)].join(','),
]
const KEYS = [
  ...SIMS.flatMap(({ ki, opc }) => [Buffer.from(ki, 'hex'), Buffer.from(opc, 'hex')]),
  Buffer.from(KIC, 'hex'),
  TRANSPORT,
  SUCI,
].flatMap(tracesOfOctets)
const CODES = [...SIMS.flatMap((sim) => Object.values(codesOf(sim))), PORT_PIN].flatMap(tracesOfText)
const PEM = privateKey.split('\n')[1] ?? ''

const leaks = (content: Buffer | string, more: readonly string[] = []): string[] => {
  const octets = Buffer.from(content)
  return [...KEYS, ...CODES, PEM, ...more].filter((secret) => octets.includes(secret)).map(String)
}

const jsonl = (): string =>
  SIMS.map(({ iccid, imsi, ki, opc }) =>
    JSON.stringify({ iccid, imsi, ki, opc, kic1: KIC, ...codesOf({ iccid, imsi, ki, opc }) }),
  ).join('\n')

interface Used {
  readonly lines: string[]
  readonly tokens: string[]
  readonly wrapped: string
}

/** Everything that is done with secrets. */
async function useAll(t: Test, store: Store, folder: string): Promise<Used> {
  const lines: string[] = []
  const sink = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line))
      done()
    },
  })
  const log = pino({ level: 'trace', formatters: { log: (entry) => redact(entry) as Record<string, unknown> } }, sink)
  const { kek } = createKeyStore({ directory: join(folder, 'keys') })
  const node = createProvisioning({ store, kek, clock, metrics: new Registry(), log })
  await node.start()
  const { vault } = node
  const deps = { store, vault }
  const world = testWorld(t, store, vault)
  const batch = await world.load(jsonl(), { format: 'jsonl', batch: 'planted' })
  t.match(batch, { added: 20, refused: 0 })
  const [first] = SIMS as [TestSim]
  const alice = subscriberId('alice')
  await activate(store, { subscriber: alice, tenant: ACME, plan: planId('flat'), iccid: iccid(first.iccid) }, act)
  await node.vectors({ imsi: first.imsi, kind: 'umts', network: '', servingEntity: 'mme', count: 3 })
  await addHomeKey(deps, { id: 1, profile: 'A', pem: privateKey }, act)
  await loadHomeKeys(deps, { actor: 'udm', now: NOW })
  await addTransportKey(deps, { id: 'vendor', cipher: 'aes-ecb', key: TRANSPORT }, act)
  const order = { direction: 'in', msisdn: msisdn('+447400123456'), subscriber: alice, partner: 'other' } as const
  await requestPort({ store, adapter: byHand }, { ...order, pin: PORT_PIN }, act)
  const tokens: string[] = []
  for (const operator of ['ann', 'ben'])
    tokens.push(await store.batch((sql) => addOperator(sql, { operator, by: undefined, actor: 'root' }, NOW)))
  const [ann = '', ben = ''] = tokens
  const id = await requestExport(deps, 'planted', 'vendor', { token: ann, now: NOW })
  await approveExport(deps, id, { token: ben, now: NOW })
  const wrapped = join(folder, 'wrapped.jsonl')
  await exportBatch(deps, { batch: 'planted', format: 'jsonl', path: wrapped, approval: { id, token: ann, now: NOW } })
  await exportBatch(deps, { batch: 'planted', format: 'jsonl', path: join(folder, 'open.jsonl') })
  // What fails says why, and nothing else; the same lines once more with a mistake in each.
  const bad = SIMS.map(({ iccid: card, imsi, ki, opc }, n) => {
    const row: Record<string, string> = { iccid: card, imsi, ki, opc, ...codesOf({ iccid: card, imsi, ki, opc }) }
    const fields = Object.keys(row)
    const [here = 'ki', there = 'imsi'] = [fields[n % fields.length], fields[(n + 3) % fields.length]]
    return JSON.stringify({ ...row, [here]: row[there], [there]: row[here] })
  })
  const refused = await world.load(bad.join('\n'), { format: 'jsonl', batch: 'mistaken' })
  t.ok(refused.refused > 10)
  log.error({ refused, sims: SIMS.map(({ ki }) => ({ ki })), vault, kek, first: { k: first.ki } }, 'everything')
  t.same(leaks(JSON.stringify(refused), tokens), [], 'errors of lines')
  await store.batch((sql) => sql.run('update sim_secret set auth = ? where sim_no = 1', Buffer.alloc(64)))
  t.match(await node.vectors({ imsi: first.imsi, kind: 'umts', network: '', servingEntity: 'mme', count: 1 }), {
    result: 'unavailable',
  })
  await node.stop()
  return { lines, tokens, wrapped }
}

/** What others may read of the database. */
async function copies(database: TestDatabase, folder: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  if ('path' in database.options) {
    const backup = join(folder, 'backup.db')
    await backUpSqlite(database.options.path, backup)
    found.set('backup', readFileSync(backup))
    const data = dirname(database.options.path)
    for (const name of readdirSync(data).filter((file) => file.startsWith('s.db')))
      found.set(name, readFileSync(join(data, name)))
  } else {
    const { stdout } = await run('pg_dump', [database.options.url], { encoding: 'buffer', maxBuffer: 1 << 28 })
    found.set('pg_dump', stdout)
  }
  return found
}

t.test('the traces would be found', async (t) => {
  for (const secret of [...KEYS, ...CODES])
    t.equal(leaks(Buffer.concat([Buffer.from('x'), Buffer.from(secret)])).length > 0, true)
  t.not(leaks(jsonl()).length, 0)
  t.same(leaks('nothing of that kind 12345678'), [])
})

onEachEngine(
  'no planted secret stands in the database, a copy of it, a log line or a file without keys',
  async (t, database) => {
    const store = await database.open()
    const folder = database.engine === 'sqlite' ? t.testdirName : t.testdir()
    const { lines, tokens, wrapped } = await useAll(t, store, folder)
    const found = await copies(database, folder)
    const whole = [...found].filter(([, content]) => content.includes('planted')).map(([name]) => name)
    t.ok(
      ['pg_dump', 'backup'].some((name) => whole.includes(name)),
      'the batch itself is found',
    )
    for (const [name, content] of found) t.same(leaks(content, tokens), [], name)
    t.ok(lines.some((line) => line.includes('everything')))
    t.same(leaks(lines.join(''), tokens), [], 'log')
    t.same(leaks(readFileSync(join(folder, 'open.jsonl'))), [], 'export without keys')
    t.same(leaks(readFileSync(wrapped)), [], 'export with wrapped keys')
    t.match(readFileSync(wrapped, 'utf8'), /"ki":"[0-9a-f]{32}"/)
    for (const name of readdirSync(join(folder, 'keys')))
      t.same(leaks(readFileSync(join(folder, 'keys', name))), [], name)
  },
)

const CRASHES = {
  'an exception that nobody catches': ["throw new Error('crash')", ['--report-uncaught-exception']],
  'a fatal error of the engine': [
    'const all = []; for (;;) all.push(Array.from({ length: 1e5 }, (_, n) => ({ n })))',
    ['--report-on-fatalerror', '--max-old-space-size=64'],
  ],
  'a signal that asks for a report': [
    "process.kill(process.pid, 'SIGUSR2'); await new Promise((done) => setTimeout(done, 300))",
    ['--report-on-signal'],
  ],
} as const

for (const [name, [crash, flags]] of Object.entries(CRASHES))
  t.test(`the report of a process names no secret: ${name}`, async (t) => {
    const folder = t.testdir({ 'sims.jsonl': jsonl() })
    const root = join(import.meta.dirname, '../..')
    const script = join(folder, 'crash.ts')
    writeFileSync(
      script,
      `import { openStore } from '${root}/core/store/store.ts'
       import { createKeyStore } from '${root}/core/runtime/keys.ts'
       import { createVault } from '${root}/sim-provisioning/vault/vault.ts'
       import { importBatch } from '${root}/sim-provisioning/batch/import.ts'
       const store = await openStore({ path: '${folder}/s.db' })
       const vault = createVault(store, createKeyStore({ directory: '${folder}/keys' }).kek)
       const report = await importBatch({ store, vault, clock: () => 1n, signal: new AbortController().signal },
         { path: '${folder}/sims.jsonl', format: 'jsonl', tenant: 'acme', mode: 'row', dryRun: false, mncDigits: 2 })
       if (report.added !== 20) throw new Error('not loaded')
       ${crash}`,
    )
    const args = ['--import=tsx', ...flags, `--report-directory=${folder}`, script]
    const said = await run(process.execPath, args, { cwd: root }).catch(
      (error: { stderr: string; stdout: string }) => error,
    )
    t.same(leaks(said.stderr + said.stdout), [], 'output')
    const reports = readdirSync(folder).filter((file) => file.startsWith('report.'))
    t.equal(reports.length, 1)
    for (const file of reports) t.same(leaks(readFileSync(join(folder, file))), [], 'report')
  })
