// Two processes register the same radios and subscribers on one database at the same time: each is taken once.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openStore } from '../../core/store/store.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const ADD = `
import { openStore } from './core/store/store.ts'
import { addRadio } from './radio/registry/store.ts'
import { addSubscriber } from './sim-provisioning/profiles/store.ts'
const store = await openStore({ path: process.env.DATABASE, busyTimeout: 20000 })
const outcomes = []
for (let n = 0; n < 50; n++) {
  const owner = '7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK'
  const radio = { radio: 'r' + n, access: 'wifi', nasIdentifier: 'ap' + n, owner }
  outcomes.push(await addRadio(store, radio, 1n).then(() => 'added', (error) => error.code))
  const subscriber = { subscriber: 's' + n, imsi: String(1010000000000 + n), payer: 'default', plan: 'flat' }
  outcomes.push(await addSubscriber(store, subscriber, 1n).then(() => 'added', (error) => error.code))
}
await store.close()
console.log(JSON.stringify(outcomes))
`

async function adder(database: string): Promise<string[]> {
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '--eval', ADD], {
    cwd: ROOT,
    env: { ...process.env, DATABASE: database },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the process ended with ${code}`)
  return JSON.parse(output) as string[]
}

t.test('each id is taken once, and the loser learns why', async (t) => {
  const database = `${t.testdir()}/tallycell.db`
  await (await openStore({ path: database })).close()
  const [one, two] = await Promise.all([adder(database), adder(database)])
  const losses = new Set(['RADIO_EXISTS', 'SUBSCRIBER_EXISTS'])
  for (const [index, outcome] of one.entries()) {
    const pair = [outcome, two[index]]
    t.equal(pair.filter((word) => word === 'added').length, 1, `row ${index}`)
    t.equal(pair.filter((word) => word !== undefined && losses.has(word)).length, 1)
  }
  const store = await openStore({ path: database })
  t.teardown(() => store.close())
  const events = await store.db.selectFrom('radio_event').select('radio_id').execute()
  t.equal(events.length, 50)
  t.equal(new Set(events.map((event) => event.radio_id)).size, 50)
})
