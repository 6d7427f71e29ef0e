import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { decodeServices } from '../../billing/charging/session/services-codec.ts'
import { millis } from '../../core/kernel/units.ts'
import { accounts, engine, faults, giveOctets, NOON, PLAN, prepare } from './charging-world.ts'
import { onEachEngine } from './engines.ts'

const ROUNDS = 3
/** Answers seen before the process is killed, without warning. */
const ANSWERS = [40, 7, 150]

onEachEngine(
  'killed at any instant, nothing that was answered is lost, and nothing is charged twice',
  async (t, database) => {
    const store = await database.open()
    await prepare(store, [{ ...PLAN, sessions: 100 }])
    await giveOctets(store, 'subscriber:alice-data', 1_000_000_000_000n)
    const answered = new Map<string, { number: bigint; octets: bigint }>()
    for (let round = 0; round < ROUNDS; round++) {
      const program = join(import.meta.dirname, 'charging-killed.ts')
      const child = spawn(
        process.execPath,
        ['--import=tsx', program, JSON.stringify(database.options), String(round)],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      )
      let text = ''
      let killed = false
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        if (!killed && text.split('\n').length > (ANSWERS[round] ?? 50)) killed = child.kill('SIGKILL')
      })
      await once(child, 'close')
      for (const line of text.split('\n').slice(0, -1)) {
        const [session = '', number = '0', octets = '0'] = line.split(' ')
        const before = answered.get(session)?.octets ?? 0n
        answered.set(session, { number: BigInt(number), octets: before + BigInt(octets) })
      }
      t.same(await faults(store), [], 'the books are whole')
    }
    const rows = await store.batch((sql) =>
      sql.rows<{ session_key: string; number: bigint; services: Uint8Array }>(
        'select session_key, number, services from charging_session s join charging_counter c on c.session_no = s.session_no',
      ),
    )
    let used = 0n
    for (const { session_key, number, services } of rows) {
      const said = answered.get(session_key.split('\n')[1] ?? '')
      const counted = decodeServices(services).services.reduce((sum, service) => sum + service.used.downlink, 0n)
      used += counted
      // At most the one update that was under way is in the books without having been answered.
      if (said && (number < said.number || number > said.number + 1n || counted < said.octets))
        t.fail(`${session_key}: ${number} and ${counted}, answered ${said.number} and ${said.octets}`)
    }
    t.equal(rows.length, 6 * ROUNDS)
    const charging = engine(store)
    t.equal(await charging.supervise(millis(NOON + 3_600_000n)), rows.length)
    const all = await accounts(store)
    t.equal(all['payer:mvno:consumed:n1:octet'], used)
    t.equal(all['subscriber:alice-data:bundle:gift:octet'], 1_000_000_000_000n - used)
    t.same(await faults(store), [])
  },
)
