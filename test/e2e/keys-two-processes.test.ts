// Several processes ask for the same new keys at the same moment; a key that two of them made would split a log.
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'

const PROCESSES = 4
const KEYS = ['log', 'oracle-1', 'oracle-2', 'payer']

const child = `
  import { createKeyStore } from ${JSON.stringify(new URL('../../core/runtime/keys.ts', import.meta.url).href)}
  const [directory, at] = process.argv.slice(1)
  while (Date.now() < Number(at));
  const keys = createKeyStore({ directory })
  const found = []
  for (const name of ${JSON.stringify(KEYS)}) found.push(Buffer.from((await keys.signingKey(name)).publicKey).toString('hex'))
  found.push(Buffer.from(await keys.secret('hmac', 32)).toString('hex'))
  console.log(found.join(' '))
`

t.test('every process gets the same keys', async (t) => {
  const directory = join(t.testdir({}), 'keys')
  const at = String(Date.now() + 3000)
  const args = ['--import=tsx', '--input-type=module', '-e', child, directory, at]
  const runs = await Promise.all(Array.from({ length: PROCESSES }, () => promisify(execFile)(process.execPath, args)))
  const answers = new Set(runs.map(({ stdout }) => stdout.trim()))
  t.equal(answers.size, 1)
  t.match([...answers][0], /^([0-9a-f]{64} ?){5}$/)
  t.same(readdirSync(directory).sort(), ['hmac.secret', 'kek', ...KEYS.map((name) => `${name}.key`)].sort())
})
