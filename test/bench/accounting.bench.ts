// Accounting end to end: our node, durable and with everything behind it at work, beside FreeRADIUS with PostgreSQL and with its
// detail file. One server runs at a time, in turns, under the same load.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createTestNode } from '../emulators/node.ts'
import * as postgresql from '../emulators/postgresql.ts'
import type { Running } from '../emulators/program.ts'
import { waitForStages } from '../emulators/stages.ts'
import { createFreeradius, THREADS } from './freeradius.ts'
import { type Cluster, createCluster } from './postgresql.ts'
import { calibrate, compileRadload, type LoadResult, load, RADIOS, SECRET, SESSIONS, WINDOW } from './radload.ts'
import { against, atMost, type BenchRow, median } from './row.ts'

/** Each server is measured so often, so long. */
const ROUNDS = 3
const SECONDS = 8
const P99_BOUND = 20
const RSS_BOUND = 300
/**
 * What our server asks the system to hold for its socket, octets; FreeRADIUS gets the same. As installed it asks for nothing, loses part of
 * the first burst of a window of 256, and waits two seconds for it to come again: that would measure the wait.
 */
const RECEIVE_BUFFER = 4_194_304

/** A server under test: started and stopped for each measurement. */
interface Contender {
  readonly name: string
  readonly port: number
  start(): Promise<Running>
  /** After the load, before the end. */
  after?(running: Running): Promise<void>
  stop(running: Running): Promise<void>
}

/** Tells `note` how it was measured. */
export async function radiusAccounting(note: (line: string) => void): Promise<BenchRow[]> {
  const radload = await compileRadload()
  if (radload === undefined) return unmeasured('radload needs cc and libssl-dev')
  // Not below this file: the servers run as users of their own, who need to reach their folders, and Unix sockets have short names.
  const base = mkdtempSync(join(existsSync('/var/tmp') ? '/var/tmp' : '/tmp', 'tallycell-bench-'))
  chmodSync(base, 0o755)
  try {
    return await measure(radload, base, note)
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

async function measure(radload: string, base: string, note: (line: string) => void): Promise<BenchRow[]> {
  const ours = await createOurs(join(base, 'tallycell'))
  const shared = await createShared(join(base, 'shared'))
  const sql = await createSqlPeer(join(base, 'sql'))
  const detail = createDetailPeer(join(base, 'detail'))
  const results = new Map<Contender, LoadResult[]>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const contender of [ours.contender, shared, sql, detail]) {
      if (contender === undefined) continue
      const result = await turn(contender, radload, `r${round}`)
      const before = results.get(contender) ?? []
      results.set(contender, [...before, result])
    }
  }
  const of = (contender: Contender | undefined): Summary | undefined =>
    contender && summary(results.get(contender) ?? [])
  const mine = of(ours.contender)
  const [database, file] = [of(sql), of(detail)]
  const onPostgresql = of(shared)
  const peer = (name: string, value: number | undefined) =>
    value === undefined ? { name: `${name}: missing, or root alone may run it`, value: null } : { name, value }
  const unit = 'requests/s'
  const rate = mine?.clean === true ? mine.rps : null
  const sqlName = 'FreeRADIUS 3.2 + PostgreSQL'
  const detailName = 'FreeRADIUS 3.2 detail file (no fsync)'
  note(
    `accounting: ${ROUNDS} rounds of about ${SECONDS} s each in turns, window ${WINDOW}, ${SESSIONS} sessions, ${RADIOS} radios, load on the same machine; medians`,
  )
  for (const [{ name }, all] of results) note(`${name}: ${all.map(describe).join('; ')}`)
  note(ours.note())
  return [
    against({ id: 'radius.accounting.sqlite', unit, value: rate }, peer(sqlName, database?.rps), 10),
    against(
      { id: 'radius.accounting.postgres', unit, value: onPostgresql?.clean === true ? onPostgresql.rps : null },
      peer(sqlName, database?.rps),
      4,
    ),
    against({ id: 'radius.accounting.detail', unit, value: rate }, peer(detailName, file?.rps), 2.5),
    atMost(
      { id: 'radius.accounting.p99', unit: 'ms', value: mine?.p99 ?? null },
      peer(sqlName, database?.p99),
      P99_BOUND,
    ),
    atMost({ id: 'radius.accounting.rss', unit: 'MB', value: ours.rss() }, { name: '-', value: null }, RSS_BOUND),
  ]
}

function unmeasured(reason: string): BenchRow[] {
  const peer = { name: reason, value: null }
  return [
    against({ id: 'radius.accounting.sqlite', unit: 'requests/s', value: null }, peer, 10),
    against({ id: 'radius.accounting.postgres', unit: 'requests/s', value: null }, peer, 4),
    against({ id: 'radius.accounting.detail', unit: 'requests/s', value: null }, peer, 2.5),
    atMost({ id: 'radius.accounting.p99', unit: 'ms', value: null }, peer, P99_BOUND),
    atMost({ id: 'radius.accounting.rss', unit: 'MB', value: null }, peer, RSS_BOUND),
  ]
}

async function turn(contender: Contender, radload: string, tag: string): Promise<LoadResult> {
  const running = await contender.start()
  try {
    const total = await calibrate(radload, contender.port, SECONDS, `${tag}w`)
    const result = await load(radload, contender.port, total, tag)
    await contender.after?.(running)
    return result
  } finally {
    await contender.stop(running)
  }
}

interface Summary {
  readonly rps: number
  readonly p99: number
  /** Every request was answered, and every answer was right. */
  readonly clean: boolean
}

const summary = (results: readonly LoadResult[]): Summary => ({
  rps: median(results.map(({ rps }) => rps)),
  p99: median(results.map(({ p99 }) => p99)),
  clean: results.length > 0 && results.every(({ lost, bad, answered }) => lost === 0 && bad === 0 && answered > 0),
})

const describe = ({ rps, p50, p99, answered, lost, bad, retransmitted }: LoadResult): string =>
  `${Math.round(rps)}/s (p50 ${p50} ms, p99 ${p99} ms, ${answered} answered, ${lost} lost, ${bad} bad, ${retransmitted} sent again)`

interface Ours {
  readonly contender: Contender
  /** Most memory that the process has held, megabytes; null where the system does not say. */
  rss(): number | null
  note(): string
}

/** One node, provisioned once; each turn goes on with the same database. */
async function createOurs(folder: string): Promise<Ours> {
  const node = await createTestNode({ folder, secret: SECRET, form: 'compiled' })
  await node.provision(RADIOS, SESSIONS)
  let peak: number | null = null
  const drains: string[] = []
  return {
    contender: {
      name: 'Tallycell, SQLite',
      port: node.radius.port,
      start: () => node.start(),
      async after(running) {
        drains.push(await describeDrain(node.database))
        const held = residentPeak(running.child.pid)
        if (held !== undefined) peak = Math.max(peak ?? 0, held)
      },
      stop: (running) => running.stop(),
    },
    rss: () => peak,
    note: () =>
      `Tallycell's stages after the load, until every event had its charge and its receipt: ${drains.join('; ')}`,
  }
}

/** One node on a PostgreSQL of its own, as durable as it comes; undefined where PostgreSQL is missing. */
async function createShared(folder: string): Promise<Contender | undefined> {
  const cluster = await postgresql.createCluster(join(folder, 'cluster'), {
    user: 'tallycell',
    settings: ['max_connections=40', 'shared_buffers=256MB', 'max_wal_size=4GB', 'checkpoint_timeout=15min'],
  })
  if (!cluster) return undefined
  const node = await createTestNode({
    ...{ folder: join(folder, 'node'), secret: SECRET, form: 'compiled' },
    store: { url: `postgresql://${cluster.user}@${encodeURIComponent(cluster.socket)}/postgres` },
  })
  let database = await cluster.start()
  await node.provision(RADIOS, SESSIONS)
  await database.stop('SIGINT')
  return {
    name: 'Tallycell, PostgreSQL',
    port: node.radius.port,
    async start() {
      database = await cluster.start()
      return node.start()
    },
    async after() {
      const rows = await cluster.psql('-At', '-c', 'select count(*) from usage_counter')
      if (Number(rows) < SESSIONS) throw new Error('our node answered and PostgreSQL has no rows')
    },
    async stop(running) {
      await running.stop()
      await database.stop('SIGINT')
    },
  }
}

async function describeDrain(database: string): Promise<string> {
  const { first, left, seconds } = await waitForStages(database)
  return left > 0
    ? `${left} events left after ${Math.round(seconds)} s`
    : `${first} events behind, ${seconds.toFixed(1)} s`
}

/** VmHWM of proc(5), megabytes. */
function residentPeak(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? undefined : Math.round((Number(kilobytes) * 1024) / 1e6)
  } catch {
    return undefined
  }
}

async function createSqlPeer(folder: string): Promise<Contender | undefined> {
  const cluster: Cluster | undefined = await createCluster(join(folder, 'postgresql'), THREADS)
  if (cluster === undefined) return undefined
  const port = 31_813
  const server = createFreeradius(join(folder, 'freeradius'), {
    port,
    backend: { kind: 'postgresql', socket: cluster.socket },
    receiveBuffer: RECEIVE_BUFFER,
  })
  if (server === undefined) return undefined
  let database: Running | undefined
  return {
    name: 'FreeRADIUS + PostgreSQL',
    port,
    async start() {
      database = await cluster.start()
      return server.start()
    },
    async after() {
      // A configuration that loses what it answers would be fast.
      if ((await cluster.count()) < SESSIONS) throw new Error('FreeRADIUS answered and PostgreSQL has no rows')
    },
    async stop(running) {
      await running.stop()
      await database?.stop('SIGINT')
    },
  }
}

function createDetailPeer(folder: string): Contender | undefined {
  const port = 31_814
  const server = createFreeradius(folder, { port, backend: { kind: 'detail' }, receiveBuffer: RECEIVE_BUFFER })
  if (server === undefined) return undefined
  const file = join(folder, 'detail')
  return {
    name: 'FreeRADIUS detail file',
    port,
    start: () => server.start(),
    async after() {
      if (!existsSync(file)) throw new Error('FreeRADIUS answered and wrote no detail file')
    },
    async stop(running) {
      await running.stop()
      rmSync(file, { force: true })
    },
  }
}
