// core/docs/partner-quick-start.md as it is written: its commands in one shell, against a node of its own.
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { createTestNode } from '../emulators/node.ts'
import { run } from '../emulators/program.ts'

const ROOT = join(import.meta.dirname, '../..')
const MARK = '--- end of block'
const document = readFileSync(join(ROOT, 'core/docs/partner-quick-start.md'), 'utf8')
const blocks = [...document.matchAll(/```sh\n(.*?)```/gs)].map(([, text = '']) => text)

t.test('every command works, and says what the page says', async (t) => {
  t.equal(blocks.length, 9)
  const folder = t.testdir()
  const node = await createTestNode({ folder, secret: 'quick start' })
  const running = await node.start()
  t.teardown(() => running.stop())
  const program = join(folder, 'tallycell')
  const main = [process.execPath, '--import=tsx', join(ROOT, 'main.ts')].map((word) => `'${word}'`).join(' ')
  writeFileSync(program, `#!/bin/sh\nTALLYCELL_CONFIG='${join(folder, 'tallycell.yaml')}' exec ${main} "$@"\n`, {
    mode: 0o755,
  })
  const script = join(folder, 'script')
  const prelude = [
    'set -eu',
    `export API='${node.http}' PATH='${folder}${delimiter}${process.env.PATH}' NO_COLOR=1`,
    // Where packages are found.
    `export NODE_PATH='${join(ROOT, 'node_modules')}'`,
    `cd '${folder}'`,
  ]
  writeFileSync(script, [...prelude, ...blocks.flatMap((block) => [block, `echo '${MARK}'`])].join('\n'))
  const said = (await run('/bin/sh', [script], { cwd: ROOT })).split(MARK).map((text) => text.trim())
  const [client, token, batch, sim, plan, subscription, usage, suspended, commands = ''] = said
  const json = (text: string | undefined, line = 0): unknown => JSON.parse(text?.split('\n')[line] ?? '')
  t.match(client, /^Tenant acme.*Client: acme\.[0-9a-f]+\nSecret: \S+/s)
  t.equal(token, '')
  t.match(json(batch), { state: 'done', result: { added: 2, refused: 0 } })
  t.match(json(sim), { imsi: '001010000000001', state: 'inStock', fingerprint: /^[0-9a-f]{16}$/ })
  t.match(json(plan), { plan: 'data-m', current: true })
  const alice = { subscription: 'alice', state: 'active', plan: 'data-m', msisdn: '14155552671' }
  t.match(json(subscription), alice)
  t.match(json(usage), { items: [], next: null })
  t.match(json(usage, 1), { subscriber: 'alice' })
  t.match(json(suspended), { ...alice, state: 'suspended', reason: 'invoice of May' })
  t.match(json(suspended, 1), alice)
  t.match(commands, /2 there already/)
  t.match(commands, /bob is suspended|bob.*suspended/i)
  t.match(commands, /8988211000000000029\s+00101········02\s+acme\s+active/)
  for (const key of ['465b5ce8b199b49faa5f0a2ee238a6bc', 'cd63cb71954a9f4e48a5994e37a02baf']) {
    t.notOk(
      said.some((text) => text.includes(key)),
      'no key is shown',
    )
    t.notOk(running.output().includes(key), 'nor logged')
  }
})
