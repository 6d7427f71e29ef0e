// A node dies; the others have its sessions. Two nodes work on one database, one of them is killed in the middle of its work, and the
// gateway and the access point that it served go on with the other.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { decodeServices } from '../../billing/charging/session/services-codec.ts'
import { radioId, subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { openStore, type Store } from '../../core/store/store.ts'
import { createAccountingStore } from '../../offload/accounting/store.ts'
import {
  accounts,
  engine,
  faults,
  giveOctets,
  grantOf,
  NOON,
  PLAN,
  prepare,
  rateAll,
  request,
} from '../compliance/charging-world.ts'
import { newDatabase } from '../compliance/engines.ts'

const GIFT = 1_000_000_000_000n
const server = process.env.TEST_POSTGRESQL ?? ''

interface Answered {
  readonly number: bigint
  readonly octets: bigint
}

interface Node {
  readonly child: ChildProcess
  /** The last answer of each session: `gy a.0`, `ap a.1`. */
  readonly answered: Map<string, Answered>
  /** Resolves when so many more answers have come. */
  more(count: number): Promise<void>
  end(): Promise<void>
}

function start(url: string, name: string): Node {
  const program = join(import.meta.dirname, 'node-death-program.ts')
  const child = spawn(process.execPath, ['--import=tsx', program, url, name], { stdio: ['ignore', 'pipe', 'inherit'] })
  const answered = new Map<string, Answered>()
  let text = ''
  let lines = 0
  let waiting: { lines: number; resolve: () => void } | undefined
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (text + chunk.toString()).split('\n')
    text = parts.pop() ?? ''
    for (const line of parts) {
      const [kind = '', session = '', number = '0', octets = '0'] = line.split(' ')
      const key = `${kind} ${session}`
      answered.set(key, { number: BigInt(number), octets: (answered.get(key)?.octets ?? 0n) + BigInt(octets) })
      lines++
    }
    if (waiting && lines >= waiting.lines) waiting.resolve()
  })
  const closed = once(child, 'close')
  return {
    child,
    answered,
    more: (count) =>
      new Promise((resolve, reject) => {
        waiting = { lines: lines + count, resolve }
        closed.then(() => reject(new Error(`node ${name} ended`)), reject)
      }),
    async end() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

/** What the tables say of each session, as `answered` has it. */
async function booked(store: Store): Promise<Map<string, Answered>> {
  const found = new Map<string, Answered>()
  await store.batch(async (sql) => {
    const charged = await sql.rows<{ session_key: string; number: bigint; services: Uint8Array }>(
      'select session_key, number, services from charging_session s join charging_counter c on c.session_no = s.session_no',
    )
    for (const { session_key, number, services } of charged) {
      const octets = decodeServices(services).services.reduce((sum, { used }) => sum + used.downlink, 0n)
      // The rating stage has sessions of its own for usage that came without a gateway.
      if (session_key.startsWith('gy:')) found.set(`gy ${session_key.split('\n')[1]}`, { number, octets })
    }
    const metered = await sql.rows<{ session_id: string; last: bigint; octets: bigint; pieces: bigint }>(
      `select session_id, max(sequence) as last, cast(sum(downlink) as bigint) as octets, count(distinct sequence) as pieces
       from usage_event group by session_id having count(*) = count(distinct sequence)`,
    )
    for (const { session_id, last, octets } of metered)
      found.set(`ap ${session_id.replace('#1', '')}`, { number: last, octets })
  })
  return found
}

t.test('a node is killed at work: another goes on with its sessions, nothing lost and nothing twice', async (t) => {
  const url = await newDatabase(t, server)
  const store = await openStore({ url, connections: 4 })
  t.teardown(() => store.close())
  await prepare(store, [{ ...PLAN, sessions: 100 }])
  await giveOctets(store, 'subscriber:alice-data', GIFT)
  const [dying, living] = [start(url, 'a'), start(url, 'b')]
  t.teardown(() => Promise.all([dying.end(), living.end()]))
  await Promise.all([dying.more(60), living.more(60)])
  await dying.end()
  await living.more(60)
  t.ok(living.child.exitCode === null, 'the other does not notice')

  const before = await booked(store)
  for (const [session, { number, octets }] of dying.answered) {
    const there = before.get(session)
    t.ok(
      there && there.octets >= octets && there.number >= number && there.number <= number + 1n,
      `${session}: answered ${number}, booked ${there?.number}`,
    )
  }

  await t.test('its gateway repeats the request that was not answered, and goes on', async (t) => {
    const charging = engine(store, { node: 'c' })
    for (let index = 0; index < 4; index++) {
      const session = `a.${index}`
      const last = dying.answered.get(`gy ${session}`)?.number ?? 0n
      const was = before.get(`gy ${session}`) ?? { number: 0n, octets: 0n }
      // Whether the dead node has booked it or not, after this it is booked once.
      const again = request({ session, number: last + 1n, octets: 100_000n, at: NOON + last + 1n })
      const first = await charging.update(again)
      t.ok(grantOf(first) > 0n, `${session} goes on`)
      t.same(await charging.update(again), first)
      const next = request({ session, number: last + 2n, octets: 7n, at: NOON + last + 2n })
      t.ok(grantOf(await charging.update(next)) > 0n)
      const now = (await booked(store)).get(`gy ${session}`)
      const repeated = was.number === last + 1n ? 0n : 100_000n
      t.same(now, { number: last + 2n, octets: was.octets + repeated + 7n })
    }
  })

  await t.test('its access point repeats a report, and goes on', async (t) => {
    const account = createAccountingStore(store)
    const none = { total: 0n, gigawords: false }
    for (let index = 0; index < 4; index++) {
      const sessionId = `a.${index}`
      const last = dying.answered.get(`ap ${sessionId}`)?.number ?? 0n
      const say = (number: bigint, status: 'interim' | 'stop') =>
        account([
          {
            kind: 'session',
            report: {
              ...{ status, at: NOON + number, timestamped: true, seconds: number, uplink: none, identity: '' },
              downlink: { total: number * 100n, gigawords: false },
            },
            ...{ origin: 'radius:ap', sessionId, radio: radioId('ap-1'), subscriber: subscriberId('alice-data') },
            ...{ access: 'wifi', received: NOON + number },
          },
        ])
      await say(last + 1n, 'interim')
      t.same(await say(last + 1n, 'interim'), ['repeated'])
      t.same(await say(last + 2n, 'stop'), ['counted'])
      t.same((await booked(store)).get(`ap ${sessionId}`), { number: last + 2n, octets: (last + 2n) * 100n })
    }
  })

  await living.more(20)
  await living.end()
  const all = await booked(store)
  t.equal(all.size, 16, 'every session is there, and no piece of usage twice')
  await rateAll(store, { node: 'c' })
  const supervisor = engine(store, { node: 'c' })
  t.equal(await supervisor.supervise(millis(NOON + 3_600_000n)), 8, 'sessions of both nodes are ended')
  const used = [...all.values()].reduce((sum, { octets }) => sum + octets, 0n)
  t.equal((await accounts(store))['subscriber:alice-data:bundle:gift:octet'], GIFT - used)
  t.same(await faults(store), [])
})
