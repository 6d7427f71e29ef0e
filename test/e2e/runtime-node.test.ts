// A node in a process of its own: real signals, real faults, kill -9.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createNodeLock } from '../../core/store/node-lock.ts'

const from = (path: string): string => JSON.stringify(new URL(`../../core/${path}`, import.meta.url).href)

/** `tallycell up` of this test: a lock and one part that tells what happens to it. */
const program = `
  import { runProcess } from ${from('cli/process.ts')}
  import { logSection } from ${from('log/logger.ts')}
  import { httpSection } from ${from('http/http.ts')}
  import { keysSection } from ${from('runtime/keys.ts')}
  import { runParts } from ${from('runtime/run.ts')}
  import { createNodeLock } from ${from('store/node-lock.ts')}
  const tell = (word) => process.stdout.write(word + '\\n')
  const part = (mode) => ({
    name: 'part',
    async start() { if (mode === 'throw') setTimeout(() => { throw new Error('boom') }); if (mode === 'reject') setTimeout(() => { void Promise.reject(new Error('boom')) }) },
    async stop() { if (mode === 'stuck') { tell('stopping'); await new Promise((resolve) => setTimeout(resolve, 60_000)) } ; tell('stopped') },
  })
  const up = {
    path: ['up'], summary: 'run', positionals: [{ name: 'MODE', summary: 'how' }],
    async run({ args }, context) {
      const { dataDir } = await context.config()
      const keepAlive = setInterval(() => {}, 1000)
      const exit = await runParts([createNodeLock(dataDir), part(args.MODE)], { log: context.log, signal: context.signal, onReady: () => tell('ready') })
      clearInterval(keepAlive)
      return { text: 'bye', json: { bye: true }, exit }
    },
  }
  await runProcess({ version: '0', summary: 'x', commands: [up], sections: [logSection, httpSection, keysSection] })
`

function start(dataDir: string, ...words: string[]) {
  const args = ['--import=tsx', '--input-type=module', '-e', program, '--', 'tallycell', 'up', ...words]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, TALLYCELL_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk) => (text.out += chunk))
  child.stderr.on('data', (chunk) => (text.err += chunk))
  t.teardown(() => child.kill('SIGKILL'))
  return { child, text, told: (word: string) => tell(child, text, word), ended: once(child, 'close') }
}

async function tell(child: ChildProcess, text: { out: string; err: string }, word: string): Promise<void> {
  while (!text.out.includes(word)) {
    if (child.exitCode !== null) throw new Error(`ended before '${word}': ${text.err}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

t.test('SIGTERM and SIGINT drain, then the process ends with 0', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const dataDir = join(t.testdir({}), 'data')
    const node = start(dataDir)
    await node.told('ready')
    node.child.kill(signal)
    t.same(await node.ended, [0, null], signal)
    t.equal(node.text.out, 'ready\nstopped\nbye\n')
    t.notOk(existsSync(join(dataDir, 'node.pid')))
  }
})

t.test('a second signal insists', async (t) => {
  const node = start(join(t.testdir({}), 'data'), 'stuck')
  await node.told('ready')
  node.child.kill('SIGTERM')
  await node.told('stopping')
  node.child.kill('SIGINT')
  t.same(await node.ended, [130, null])
})

t.test('an error that nobody caught: orderly stop, exit code 70', async (t) => {
  for (const mode of ['throw', 'reject']) {
    const node = start(join(t.testdir({}), 'data'), mode)
    t.same(await node.ended, [70, null], mode)
    t.match(node.text.out, 'stopped')
    t.match(node.text.err, /"level":60.*boom/)
  }
})

t.test('one node per data folder, whoever holds it and however it ended', async (t) => {
  const dataDir = join(t.testdir({}), 'data')
  const first = start(dataDir)
  await first.told('ready')
  await t.rejects(createNodeLock(dataDir).start(), {
    code: 'NODE_ALREADY_RUNNING',
    message: new RegExp(`process ${first.child.pid}`),
  })
  const second = start(dataDir)
  t.same(await second.ended, [75, null])
  t.match(second.text.err, `another node (process ${first.child.pid}) is running on ${dataDir}`)
  t.equal(second.text.out, '')

  first.child.kill('SIGKILL')
  await first.ended
  const third = start(dataDir)
  await third.told('ready')
  third.child.kill('SIGTERM')
  t.same(await third.ended, [0, null], 'kill -9 leaves no lock behind')
})

t.test('the lock within one process, and where it cannot be', async (t) => {
  const folder = t.testdir({ file: '' })
  const lock = createNodeLock(join(folder, 'data'))
  await lock.start()
  await t.rejects(createNodeLock(join(folder, 'data')).start(), {
    code: 'NODE_ALREADY_RUNNING',
    message: new RegExp(`${process.pid}`),
  })
  await lock.stop()
  await t.resolves(createNodeLock(join(folder, 'data')).start())
  await t.rejects(createNodeLock(join(folder, 'file', 'below')).start(), { code: 'STORE_UNUSABLE' })
})
