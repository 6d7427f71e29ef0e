// `tallycell db …` on both engines, as the command line runs it.
import { EventEmitter } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { runCli } from '../../core/cli/run.ts'
import { configCommands } from '../../core/config/commands.ts'
import { loadConfig } from '../../core/config/load.ts'
import { logSection } from '../../core/log/logger.ts'
import { storeCommands } from '../../core/store/commands.ts'
import { createNodeLock } from '../../core/store/node-lock.ts'
import { storeOptions, storeSection } from '../../core/store/settings.ts'
import { ask, newDatabase, onEachEngine, type TestDatabase } from './engines.ts'

const sections = [logSection, storeSection]

interface Answer {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

async function run(line: string, cwd: string, env: Record<string, string>): Promise<Answer> {
  const out = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr') => ({
    isTTY: false,
    write(text: string, done?: (error?: Error | null) => void) {
      out[name] += text
      done?.()
    },
  })
  const program = {
    version: '0',
    summary: 'x',
    sections,
    commands: [...storeCommands(), ...configCommands(sections)],
  }
  const io = { stdout: sink('stdout'), stderr: sink('stderr'), env, cwd, signals: new EventEmitter(), force: () => {} }
  return { exit: await runCli(program, line.split(' '), io), ...out }
}

const urlOf = ({ options }: TestDatabase): string => ('path' in options ? `sqlite:${options.path}` : options.url)
const environment = (database: TestDatabase): Record<string, string> => ({ TALLYCELL_STORE_URL: urlOf(database) })

onEachEngine('a database goes through backup and restore while it is in use', async (t, database) => {
  const cwd = t.testdirName
  const env = environment(database)
  t.equal((await run('db migrate', cwd, env)).exit, 0)
  const store = await database.open()
  await store.batch((sql) => sql.insert({ table: 'stage_cursor', columns: ['stage', 'position'] }, [['s', 2n ** 62n]]))
  const folder = join(t.testdirName, 'copies')
  mkdirSync(folder, { recursive: true })
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'copy')
  t.match(await run(`db backup ${file}`, cwd, env), { exit: 0, stdout: /Keys and log tiles are not in it/ })
  t.equal(statSync(file).mode & 0o077, 0, 'for our eyes only')
  t.same(readdirSync(folder), ['copy'], 'nothing else is left behind')
  const before = readFileSync(file)
  t.match(await run(`db backup ${file}`, cwd, env), { exit: 73, stderr: /exists already/ })
  t.ok(before.equals(readFileSync(file)))
  t.match(await run(`db restore ${file}`, cwd, env), { exit: 73, stderr: /is not empty/ })

  const other = await emptyPlace(t, database)
  t.match(await run(`db restore ${file}`, cwd, { TALLYCELL_STORE_URL: other }), { exit: 0 })
  const checked = await run('db check --json', cwd, { TALLYCELL_STORE_URL: other })
  t.equal(checked.exit, 0)
  const { rows, problems } = JSON.parse(checked.stdout)
  t.same(problems, [])
  t.match(
    rows.find(({ table }: { table: string }) => table === 'stage_cursor'),
    { count: '1' },
  )
})

async function emptyPlace(t: Test, { engine }: TestDatabase): Promise<string> {
  return engine === 'sqlite'
    ? `sqlite:${join(t.testdirName, 'other', 'o.db')}`
    : newDatabase(t, process.env.TEST_POSTGRESQL ?? '')
}

onEachEngine('nothing is restored while a node runs, or from a file that is no backup', async (t, database) => {
  const env = environment(database)
  const cwd = join(t.testdirName, 'place')
  mkdirSync(cwd, { recursive: true })
  t.teardown(() => rmSync(cwd, { recursive: true, force: true }))
  const junk = join(cwd, 'junk')
  writeFileSync(junk, 'this is a sentence and not a backup, however long one looks at it')
  t.not((await run(`db restore ${junk}`, cwd, env)).exit, 0)
  t.match(await run(`db restore ${join(cwd, 'none')}`, cwd, env), { exit: 73, stderr: /no such file/ })
  const lock = createNodeLock(join(cwd, 'tallycell-data'))
  await lock.start()
  t.match(await run(`db restore ${junk}`, cwd, env), { exit: 75, stderr: /is running/ })
  await lock.stop()
})

onEachEngine('db check reads the indexes too where it can', async (t, database) => {
  const env = environment(database)
  t.equal((await run('db migrate', t.testdirName, env)).exit, 0)
  if ('url' in database.options) await ask(database.options.url, 'create extension amcheck')
  const { exit, stdout } = await run('db check --json', t.testdirName, env)
  t.equal(exit, 0)
  t.match(JSON.parse(stdout), { thorough: true, problems: [] })
})

t.test('db check finds a damaged page', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 's.db')
  const env = { TALLYCELL_STORE_URL: `sqlite:${path}` }
  t.equal((await run('db check', folder, env)).exit, 74, 'no database')
  t.equal((await run('db migrate', folder, env)).exit, 0)
  const file = new Database(path)
  file.exec(
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) insert into stage_cursor select 's' || i, i from n",
  )
  file.pragma('wal_checkpoint(truncate)')
  file.close()
  t.match(await run('db check', folder, env), { exit: 0, stdout: /Nothing is wrong/ })
  const octets = readFileSync(path)
  octets.fill(0xff, octets.length - 4096 * 3, octets.length - 4096)
  writeFileSync(path, octets)
  t.match(await run('db check', folder, env), { exit: 1, stdout: /wrong: / })
})

onEachEngine('without Citus nothing is distributed, but what would be can be read', async (t, database) => {
  const env = environment(database)
  t.match(await run('db distribute', t.testdirName, env), { exit: 69, stderr: /cannot be spread/ })
  const { stdout } = await run('db distribute --print', t.testdirName, env)
  t.match(stdout, /select create_distributed_table\('usage_event', 'event_id'\);/)
})

t.test('which database the configuration names', async (t) => {
  const cwd = t.testdir({ pw: 'sesame\n', empty: '', two: 'a\nb\n' })
  const options = (url: string, passwordFile?: string) =>
    storeOptions(
      loadConfig(sections, { env: {}, cwd, values: { store: { url, ...(passwordFile ? { passwordFile } : {}) } } }),
    )
  t.same(storeOptions(loadConfig(sections, { env: {}, cwd })), { path: join(cwd, 'tallycell-data', 'tallycell.db') })
  t.same(options('sqlite:x/y.db'), { path: join(cwd, 'x/y.db') })
  t.same(options('sqlite:///var/y.db'), { path: '/var/y.db' })
  t.match(options('postgresql://u@h:5433/d', 'pw'), {
    url: 'postgresql://u@h:5433/d',
    password: 'sesame',
    connections: 10,
  })
  t.match(options('postgres://u@%2Frun%2Fpostgresql/d'), { url: 'postgres://u@%2Frun%2Fpostgresql/d' })
  for (const url of [
    'mysql://h/d',
    'tallycell.db',
    'sqlite:',
    'postgresql://h',
    'postgresql://h/',
    'postgresql:d',
    'http://h/d',
  ])
    t.throws(() => options(url), { code: 'STORE_URL_INVALID' }, url)
  for (const file of ['none', 'empty', 'two'])
    t.throws(() => options('postgresql://u@h/d', file), { code: 'STORE_PASSWORD_UNREADABLE' }, file)
})

const SECRETS = [
  'postgresql://u:s3same@127.0.0.1:1/d',
  'postgresql://u@127.0.0.1:1/d?password=s3same',
  'postgresql://u:s3@same@127.0.0.1:1/d',
  'mysql://u:s3same@h/d',
]
for (const url of SECRETS)
  t.test(`no output has the password of ${url.replace(/s3@?same/, '…')}`, async (t) => {
    const env = { TALLYCELL_STORE_URL: url }
    for (const line of [
      'config print',
      'config print --json',
      'db migrate --verbose',
      'db check --json',
      'db backup x',
    ]) {
      const { stdout, stderr } = await run(line, t.testdir(), env)
      t.notMatch(stdout + stderr, /s3|same/, line)
    }
  })

onEachEngine('db prune deletes what is old, and says what it would', async (t, database) => {
  const env = environment(database)
  const cwd = t.testdirName
  const store = await database.open()
  await store.batch((sql) =>
    sql.insert({ table: 'charging_event', columns: ['at', 'subscriber_id', 'kind'] }, [
      [1n, 'alice', 'threshold'],
      [2n, 'alice', 'threshold'],
      [3n, 'alice', 'threshold'],
    ]),
  )
  const events = (): Promise<unknown[]> => store.batch((sql) => sql.rows('select event_id from charging_event'))
  t.match(await run('db prune --dry-run', cwd, env), {
    exit: 0,
    stdout: /Would delete .*\n(.*\n)* {2}charging_event: 2 rows/,
  })
  t.equal((await events()).length, 3)
  t.match(await run('db prune --before 2999-01-01', cwd, env), { exit: 78, stderr: /must not be deleted yet/ })
  t.match(await run('db prune --before yesterday', cwd, env), { exit: 64, stderr: /a date like/ })
  t.match(await run('db prune --before 1969-12-31 --json', cwd, env), { exit: 0, stdout: /"charging_event":\s*0/ })
  t.match(await run('db prune', cwd, { ...env, TALLYCELL_STORE_KEEP_DAYS: '0' }), { exit: 0, stdout: /for ever/ })
  t.match(await run('db prune', cwd, { ...env, TALLYCELL_STORE_KEEP_DAYS: '29' }), { exit: 78 })
  t.match(await run('db prune', cwd, env), { exit: 0, stdout: /Deleted .*\n(.*\n)* {2}charging_event: 2 rows/ })
  t.same(await events(), [{ event_id: 3n }])
  if (database.engine === 'postgresql') return
  const lock = createNodeLock(join(cwd, 'tallycell-data'))
  await lock.start()
  t.match(await run('db prune', cwd, env), { stderr: /another node/ })
  t.match(await run('db prune --dry-run', cwd, env), { exit: 0 })
  await lock.stop()
})
