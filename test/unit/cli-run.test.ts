import { EventEmitter } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Command, CommandContext } from '../../core/cli/command.ts'
import { runCli } from '../../core/cli/run.ts'
import { httpSection } from '../../core/http/http.ts'
import { fail } from '../../core/kernel/errors.ts'
import { logSection } from '../../core/log/logger.ts'
import { keysSection } from '../../core/runtime/keys.ts'
import { storeSection } from '../../core/store/settings.ts'
import { openStore } from '../../core/store/store.ts'

interface Scene {
  readonly cwd: string
  readonly env?: Record<string, string>
  readonly tty?: boolean
  readonly during?: (signals: EventEmitter) => void
}

/** Runs one line with a command `try` that does `run`. */
async function run(line: string, act: Command['run'], { cwd, env = {}, tty = false, during }: Scene) {
  const out = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr') => ({
    isTTY: tty,
    write(text: string, done?: (error?: Error | null) => void) {
      out[name] += text
      done?.()
    },
  })
  const signals = new EventEmitter()
  const commands: Command[] = [
    {
      path: ['try', 'it'],
      summary: 'try it',
      examples: ['tallycell try it'],
      positionals: [{ name: 'X', summary: 'an x' }],
      run: act,
    },
  ]
  const forced: number[] = []
  const program = {
    version: '1.2.3',
    summary: 'A sentence.',
    commands,
    sections: [logSection, httpSection, storeSection, keysSection],
  }
  const io = {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    env,
    cwd,
    signals,
    force: (exit: number) => forced.push(exit),
  }
  const ending = runCli(program, line.split(' ').filter(Boolean), io)
  during?.(signals)
  const exit = await ending
  return { exit, ...out, forced, listening: signals.eventNames() }
}

const nothing: Command['run'] = async () => ({ text: '', json: null })

t.test('the answer: text for people, one line of JSON with bigint as strings for programs', async (t) => {
  const cwd = t.testdir({})
  const act: Command['run'] = async () => ({ text: 'two\nlines', json: { octets: 2n ** 64n, x: 'a\nb' }, exit: 3 })
  t.match(await run('try it', act, { cwd }), { exit: 3, stdout: 'two\nlines\n', stderr: '', listening: [] })
  t.match(await run('try it --json', act, { cwd }), {
    exit: 3,
    stdout: '{"octets":"18446744073709551616","x":"a\\nb"}\n',
    stderr: '',
  })
  t.match(await run('try it', nothing, { cwd }), { exit: 0, stdout: '', stderr: '' })
  t.match(await run('try it --json', async () => ({ text: '', json: undefined }), { cwd }), { stdout: 'null\n' })
})

t.test('an error of the catalogue: what happened, what to do, its exit code', async (t) => {
  const cwd = t.testdir({})
  const act: Command['run'] = async () => fail('UNIT_NEGATIVE', { what: 'octets', came: -1n })
  t.match(await run('try it', act, { cwd }), {
    exit: 64,
    stdout: '',
    stderr: 'error: octets must not be negative, got -1\nhint: use 0 or more\n',
  })
  t.match(await run('try it --json', act, { cwd }), {
    exit: 64,
    stdout:
      '{"error":{"code":"UNIT_NEGATIVE","message":"octets must not be negative, got -1","hint":"use 0 or more","context":{"what":"octets","came":"-1"}}}\n',
    stderr: '',
  })
  t.match(await run('try it', act, { cwd, tty: true }), { stderr: '\u001b[31merror\u001b[39m: octets must' })
  t.match(await run('try it', act, { cwd, tty: true, env: { NO_COLOR: '1' } }), { stderr: /^error: octets/ })
  t.match(await run('try is', nothing, { cwd }), { exit: 64, stderr: /did you mean 'it'/ })
  t.match(await run('try is --json', nothing, { cwd }), {
    exit: 64,
    stdout: /^\{"error":\{"code":"CLI_COMMAND_UNKNOWN".*\}\n$/,
    stderr: '',
  })
})

t.test('an unexpected error: exit 70, where to look, and the stack only when asked for', async (t) => {
  const cwd = t.testdir({})
  const act: Command['run'] = () => Promise.reject(new Error('kaboom', { cause: new Error('below') }))
  const plain = await run('try it', act, { cwd })
  t.match(plain, { exit: 70, stderr: /^error: unexpected failure: kaboom\nhint: .*--verbose/ })
  t.notMatch(plain.stderr, 'cli-run.test.ts')
  const verbose = await run('try it --verbose', act, { cwd })
  t.match(verbose, { exit: 70, stderr: /cli-run\.test\.ts.*\n(.*\n)*caused by Error: below/ })
  t.match(await run('try it --json --verbose', act, { cwd }), {
    stdout: /^\{"error":\{"code":"INTERNAL".*\}\n$/,
    stderr: /kaboom/,
  })
  t.match(await run('try it', () => Promise.reject('not an error'), { cwd }), { exit: 70, stderr: /not an error/ })
})

t.test('what is opened on first use is closed at the end, also after an error', async (t) => {
  const cwd = t.testdir({ 'tallycell.yaml': 'dataDir: d' })
  const stores: Awaited<ReturnType<CommandContext['store']>>[] = []
  const act: Command['run'] = async (_input, context) => {
    stores.push(await context.store(), await context.store())
    t.equal(await context.keys(), await context.keys())
    t.equal(await context.config(), await context.config())
    await (await context.keys()).secret('s', 16)
    throw new Error('after opening')
  }
  t.match(await run('try it', act, { cwd }), { exit: 70, stderr: /after opening/ })
  t.equal(stores[0], stores[1])
  await t.rejects(async () => stores[0]?.db.selectFrom('radio').selectAll().execute(), 'closed')
  t.ok(existsSync(join(cwd, 'd/tallycell.db')) && existsSync(join(cwd, 'd/keys/s.secret')))
  const again = await openStore({ path: join(cwd, 'd/tallycell.db') })
  await again.close()

  const untouched = t.testdir({})
  await run('try it', nothing, { cwd: untouched })
  t.notOk(existsSync(join(untouched, 'tallycell-data')), 'nothing is opened that is not used')
})

t.test('a broken configuration stops only the command that needs it', async (t) => {
  const cwd = t.testdir({ 'tallycell.yaml': 'htp: 1' })
  t.match(await run('try it', async (_i, context) => ({ text: 'fine', json: context.log.level }), { cwd }), {
    exit: 0,
    stdout: 'fine\n',
  })
  const need: Command['run'] = async (_i, context) => ({ text: '', json: await context.config() })
  t.match(await run('try it', need, { cwd }), { exit: 78, stderr: /tallycell\.yaml:1: htp: .*did you mean 'http'/ })
  t.match(await run('--config gone.yaml try it', need, { cwd }), {
    exit: 78,
    stderr: /gone\.yaml: there is no such file/,
  })
  writeFileSync(join(cwd, 'other.yaml'), 'log: { level: error }')
  const level: Command['run'] = async (_i, context) => ({ text: context.log.level, json: null })
  t.match(await run('try it --config other.yaml', level, { cwd }), { stdout: 'error\n' })
  t.match(await run('try it --verbose --config other.yaml', level, { cwd }), { stdout: 'debug\n' })
})

t.test('an unusable database is told once, with its own exit code', async (t) => {
  const cwd = t.testdir({
    d: { 'tallycell.db': 'this is not a database, and long enough to be seen as none'.repeat(20) },
  })
  const act: Command['run'] = async (_i, context) => ({ text: '', json: (await context.store()) && null })
  t.match(await run('try it', act, { cwd, env: { TALLYCELL_DATA_DIR: join(cwd, 'd') } }), {
    exit: 74,
    stderr: /cannot use the database/,
  })
})

t.test('say and progress: for people only', async (t) => {
  const cwd = t.testdir({})
  const act: Command['run'] = async (_i, context) => {
    context.say('working\u001b[31m\non it')
    const bar = context.progress('load')
    bar.update(1, 1)
    bar.end()
    return { text: 'done', json: {} }
  }
  t.match(await run('try it', act, { cwd }), { stdout: 'done\n', stderr: 'working\ufffd[31m\non it\n' })
  t.match(await run('try it --json', act, { cwd, tty: true }), { stdout: '{}\n', stderr: '' })
  t.match(await run('try it', act, { cwd, tty: true }), { stderr: /100 % \(1 of 1\)/ })
})

t.test('signals: the command is told, and what it throws because of it is no failure', async (t) => {
  const cwd = t.testdir({})
  const wait: Command['run'] = (_i, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  const during = (name: string) => (signals: EventEmitter) => void setImmediate(() => signals.emit(name))
  t.match(await run('try it', wait, { cwd, during: during('SIGINT') }), {
    exit: 130,
    stdout: '',
    stderr: '',
    listening: [],
  })
  t.match(await run('try it', wait, { cwd, during: during('SIGTERM') }), { exit: 143 })
  t.match(await run('try it --json', wait, { cwd, during: during('SIGTERM') }), {
    exit: 143,
    stdout: /"code":"CLI_INTERRUPTED"/,
  })
  const drain: Command['run'] = (_i, { signal }) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve({ text: 'drained', json: null })))
  t.match(await run('try it', drain, { cwd, during: during('SIGTERM') }), { exit: 0, stdout: 'drained\n' })
  const twice = (signals: EventEmitter) => void setImmediate(() => signals.emit('SIGINT') && signals.emit('SIGINT'))
  t.match(await run('try it', drain, { cwd, during: twice }), { forced: [130] })
})

t.test('help and version', async (t) => {
  const cwd = t.testdir({})
  t.match(await run('', nothing, { cwd }), {
    exit: 0,
    stdout:
      /^Tallycell 1\.2\.3\. A sentence\.\n(.*\n)*Commands\n {2}try it \[X\] {2}try it\n(.*\n)*Options everywhere\n/,
  })
  t.match(await run('try it --help', nothing, { cwd }), {
    exit: 0,
    stdout: /^try it\n\nUsage: tallycell try it \[X\]\n/,
  })
  t.match(await run('--version', nothing, { cwd }), { exit: 0, stdout: '1.2.3\n' })
  t.match(await run('--version --json', nothing, { cwd }), { stdout: '{"version":"1.2.3"}\n' })
  const map = JSON.parse((await run('--help --json', nothing, { cwd })).stdout)
  t.match(map, { program: 'tallycell', commands: [{ command: 'try it', usage: 'tallycell try it [X]' }] })
  const coloured = await run('--help', nothing, { cwd, tty: true })
  t.match(coloured.stdout, '\u001b[1mUsage\u001b[22m')
})

t.test('a reader that goes away is no failure; a full disk is', async (t) => {
  const cwd = t.testdir({})
  const broken = (code: string) => {
    const error = Object.assign(new Error(code), { code })
    return { write: (_text: string, done?: (error?: Error | null) => void) => done?.(error) }
  }
  const program = { version: '1', summary: 'x', commands: [], sections: [] }
  const io = { env: {}, cwd, signals: new EventEmitter(), force: () => {} }
  t.equal(await runCli(program, ['--help'], { ...io, stdout: broken('EPIPE'), stderr: broken('EPIPE') }), 0)
  t.equal(await runCli(program, ['banana'], { ...io, stdout: broken('EPIPE'), stderr: broken('EPIPE') }), 64)
  let said = ''
  const stderr = {
    write(text: string, done?: (error?: Error | null) => void) {
      said += text
      done?.()
    },
  }
  t.equal(await runCli(program, ['--help'], { ...io, stdout: broken('ENOSPC'), stderr }), 74)
  t.match(said, 'cannot write the answer')
})
