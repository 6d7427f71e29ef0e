// The demonstration as a person or a script starts it.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url))
const TSX = import.meta.resolve('tsx')

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [`--import=${TSX}`, MAIN, ...args], { cwd, env: { ...process.env, ...env } })
}

async function end(child: ChildProcess, onStderr: (text: string) => void = () => {}): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    onStderr(stderr)
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}

const run = (cwd: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> =>
  end(start(cwd, args, env))

t.test('--json ends with one object, and nothing is left behind; twice', async (t) => {
  const folder = t.testdir({ cwd: {}, tmp: {} })
  const [cwd, temporary] = [join(folder, 'cwd'), join(folder, 'tmp')]
  for (const round of [1, 2]) {
    const { code, stdout, stderr } = await run(cwd, ['demo', '--json'], { TMPDIR: temporary })
    t.equal(code, 0, `round ${round}: ${stderr}`)
    const result = JSON.parse(stdout)
    t.equal(result.ok, true)
    t.equal(result.octets, '50445357')
    t.equal(result.receipts, 4)
    // Policy, two claims, 4 receipts, close, payout.
    t.equal(result.checkpointSize, 9)
    // 50,445,357 octets at 1000 microtokens per 1,000,000.
    t.equal(result.paidMicrotokens, '50445')
    t.match(result.signature, /^[1-9A-HJ-NP-Za-km-z]{64,88}$/)
    // 400,000 octets beyond the bundle, in two reports.
    t.match(result.wifi, { octets: '25400000', receipts: 2, paidMicrotokens: '25400', cutOffMillis: Number })
    t.same(readdirSync(cwd), [])
    t.same(
      readdirSync(temporary).filter((name) => name.startsWith('tallycell')),
      [],
    )
  }
})

t.test('the commands that it names show the same again', async (t) => {
  const cwd = t.testdir()
  const { code, stdout, stderr } = await run(cwd, ['demo'], { PATH: '' })
  t.equal(code, 0, stderr)
  t.match(stdout, /our own access point sent/, 'without radclient on the PATH')
  t.match(stdout, /Balance\s+0\.050445 tokens/)
  t.match(stdout, /directly, as freeDiameterd is not installed/)
  t.match(stdout, /demo-cell carried 25\.0 MB: 10 receipts, 0\.025000 tokens paid/)
  t.match(stdout, /by itself, as radsecproxy is not installed/)
  t.match(stdout, /our own phone came on by EAP-AKA'/)
  t.match(stdout, /a Disconnect-Request \(RFC 5176\) came down the access point's/)
  t.match(stdout, /demo-hotspot carried 25\.4 MB: 2 receipts, 0\.025400 tokens paid/)
  const commands = [...stdout.matchAll(/npx tallycell (.+)/g)].map(([, words]) => words?.split(' ') ?? [])
  t.ok(commands.length >= 4)
  for (const words of commands) {
    const again = await run(cwd, words)
    t.equal(again.code, 0, `${words.join(' ')}: ${again.stderr}`)
  }
  const file = join(cwd, 'kept')
  const config = ['--config', 'tallycell-demo/tallycell.yaml']
  t.equal((await run(cwd, ['receipt', 'show', '5', '--out', file, ...config])).code, 0)
  t.equal((await run(cwd, ['receipt', 'verify', file, ...config])).code, 0)
  const secrets = readFileSync(join(cwd, 'tallycell-demo/radius-secret'), 'utf8').trim()
  const log = readFileSync(join(cwd, 'tallycell-demo/node.log'), 'utf8')
  t.notMatch(log, secrets)
  t.match(log, /"kind":"disconnect","cause":"exhausted","outcome":"acknowledged"/)
  t.notMatch(log, '00101000000000', 'no IMSI in the log')
  t.notOk(existsSync(join(cwd, 'tallycell-demo/sims.csv')), 'no keys in clear')
})

t.test('Ctrl-C leaves nothing behind', async (t) => {
  const cwd = t.testdir()
  const child = start(cwd, ['demo', '--stay'])
  const { code } = await end(child, (text) => {
    if (/Playing an accounting session/.test(text)) child.kill('SIGINT')
  })
  t.equal(code, 130)
  t.notOk(existsSync(join(cwd, 'tallycell-demo')))
})

t.test('a folder of somebody else is left alone', async (t) => {
  const cwd = t.testdir({ mine: { 'letter.txt': 'dear' } })
  const { code, stderr } = await run(cwd, ['demo', '--folder', 'mine'])
  t.equal(code, 73)
  t.match(stderr, /was not made by a demonstration/)
  t.same(readdirSync(join(cwd, 'mine')), ['letter.txt'])
})
