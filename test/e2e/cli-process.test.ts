// The command line as a process: pipes, exit codes, files.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const from = (path: string): string => JSON.stringify(new URL(`../../core/${path}`, import.meta.url).href)

const program = `
  import { runProcess } from ${from('cli/process.ts')}
  import { configCommands } from ${from('config/commands.ts')}
  import { httpSection } from ${from('http/http.ts')}
  import { logSection } from ${from('log/logger.ts')}
  import { keysSection } from ${from('runtime/keys.ts')}
  const sections = [logSection, httpSection, keysSection]
  const write = { path: ['write'], summary: 'much text', run: async () => ({ text: 'line\\n'.repeat(1_000_000), json: null }) }
  const late = { path: ['late'], summary: 'fails later', run: () => new Promise(() => { setTimeout(() => { throw new Error('kaboom') }) }) }
  const linger = { path: ['linger'], summary: 'leaves a timer', run: async () => { setInterval(() => {}, 1000); return { text: 'done', json: null } } }
  await runProcess({ version: '0', summary: 'x', commands: [...configCommands(sections), write, late, linger], sections })
`

async function tallycell(cwd: string, words: string[], { env = {}, closeOutput = false } = {}) {
  const root = new URL('../../', import.meta.url).pathname
  const tsx = new URL(import.meta.resolve('tsx')).href
  const args = [`--import=${tsx}`, '--input-type=module', '-e', program, '--', 'tallycell', ...words]
  const { TALLYCELL_CONFIG: _none, ...rest } = process.env
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...rest, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'), ...env },
  })
  let [stdout, stderr] = ['', '']
  if (closeOutput) child.stdout.destroy()
  else child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const [exit] = await once(child, 'close')
  return { exit, stdout, stderr }
}

t.test('a configuration is written, read, changed and explained', async (t) => {
  const cwd = t.testdir({})
  t.match(await tallycell(cwd, ['config', 'init']), { exit: 0, stdout: /^Wrote .*tallycell\.yaml/, stderr: '' })
  t.ok(existsSync(join(cwd, 'tallycell.yaml')))
  t.match(await tallycell(cwd, ['config', 'init', '--json']), {
    exit: 73,
    stdout: /^\{"error":\{"code":"CONFIG_EXISTS"/,
    stderr: '',
  })
  const printed = await tallycell(cwd, ['config', 'print', '--json'], { env: { TALLYCELL_HTTP_LISTEN: '[::1]:9' } })
  t.match(JSON.parse(printed.stdout), { file: join(cwd, 'tallycell.yaml'), dataDir: join(cwd, 'tallycell-data') })
  t.match(
    printed.stdout,
    '{"path":"http.listen","value":"[::1]:9","origin":"environment","place":"TALLYCELL_HTTP_LISTEN"}',
  )
  t.match(await tallycell(cwd, ['config', 'print'], { env: { TALLYCELL_HTP_LISTEN: 'x' } }), {
    exit: 78,
    stdout: '',
    stderr:
      /^error: the configuration has 1 problem\(s\):\n {2}TALLYCELL_HTP_LISTEN: .*did you mean 'TALLYCELL_HTTP_LISTEN'\?\nhint: /,
  })
})

t.test('a reader that has seen enough', async (t) => {
  t.match(await tallycell(t.testdir({}), ['write'], { closeOutput: true }), { exit: 0, stderr: '' })
  t.equal(
    (await tallycell(t.testdir({}), ['write'])).stdout.length,
    5_000_000,
    'and one that reads all of it gets all of it',
  )
})

t.test('an error that nobody caught: exit 70, no stack', async (t) => {
  const plain = await tallycell(t.testdir({}), ['late'])
  t.match(plain, { exit: 70, stdout: '', stderr: /^error: unexpected failure: kaboom\nhint: .*--verbose.*\n$/ })
  t.match(await tallycell(t.testdir({}), ['late', '--verbose']), { exit: 70, stderr: /at / })
})

t.test('what a command leaves running does not keep the process', async (t) => {
  t.match(await tallycell(t.testdir({}), ['linger']), { exit: 0, stdout: 'done\n' })
})
