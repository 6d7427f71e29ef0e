// Quota updates as a gateway sends them: many open sessions, each asking again when its grant is used, every answer durable before it
// is given. The load and the engine share one process. Beside it, the same number of rows of the same size written to the same
// database in the same groups, with nothing computed. Then the same with more and more subscribers in the books.
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCluster } from '../emulators/postgresql.ts'
import type { ChargingJob, ChargingResult } from './charging-load.ts'
import { atMost, type BenchRow, median } from './row.ts'

const ROUNDS = 3
const SESSIONS = 10_000
const UPDATES = 300_000
const P99_BOUND = 20
const TARGETS = { sqlite: 30_000, postgres: 10_000 }
/** Subscribers in the books; `charging.scale` is the last against the first. */
const SCALE = [10_000, 100_000, 1_000_000, 5_000_000]
/** A cost per update that has grown by more than this is not flat. */
const FLAT = 0.8

/** Tells `note` the curve and what it took. */
export async function chargingUpdates(note: (line: string) => void): Promise<BenchRow[]> {
  const base = mkdtempSync(join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), 'tallycell-bench-'))
  // The database server runs as a user of its own and has to pass.
  chmodSync(base, 0o711)
  try {
    const sqlite: ChargingResult[] = []
    for (let round = 0; round < ROUNDS; round++) sqlite.push(await onSqlite(join(base, `s${round}`), SESSIONS))
    const postgres = await onPostgresql(join(base, 'postgresql'))
    note(
      `charging: ${SESSIONS} open sessions, ${UPDATES} updates, ${sqlite[0]?.outstanding} outstanding, the load in the same process; medians of ${ROUNDS} rounds on SQLite`,
    )
    return [
      ...rowsOf('sqlite', sqlite, 'the same rows upserted into SQLite, nothing computed'),
      ...rowsOf('postgres', postgres, 'the same rows upserted into PostgreSQL, nothing computed'),
      await scale(base, sqlite, note),
    ]
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

function rowsOf(engine: keyof typeof TARGETS, results: readonly ChargingResult[], peer: string): BenchRow[] {
  const value = results.length === 0 ? null : Math.round(median(results.map(({ rate }) => rate)))
  const bare = results.length === 0 ? null : Math.round(median(results.map((result) => result.bare)))
  const p99 = results.length === 0 ? null : median(results.map((result) => result.p99))
  return [
    {
      id: `charging.update.${engine}`,
      value,
      unit: 'updates/s',
      peer: results.length === 0 ? 'PostgreSQL is not installed' : peer,
      peerValue: bare,
      ratio: value === null || bare === null ? null : Math.round((value / bare) * 100) / 100,
      target: TARGETS[engine],
      met: value !== null && value >= TARGETS[engine],
    },
    atMost({ id: `charging.p99.${engine}`, unit: 'ms', value: p99 }, { name: '-', value: null }, P99_BOUND),
  ]
}

/** The same load on growing books. */
async function scale(base: string, first: readonly ChargingResult[], note: (line: string) => void): Promise<BenchRow> {
  const small = median(first.map(({ rate }) => rate))
  let last = small
  for (const subscribers of SCALE.slice(1)) {
    const folder = join(base, `scale-${subscribers}`)
    const result = await onSqlite(folder, subscribers)
    const size = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)
    note(
      `charging with ${subscribers.toLocaleString('en')} subscribers: ${Math.round(result.rate)}/s, p99 ${result.p99} ms, RSS ${result.rss} MB, database ${Math.round(size / 1e6)} MB, books filled in ${Math.round(result.fillSeconds)} s`,
    )
    rmSync(folder, { recursive: true })
    last = result.rate
  }
  const ratio = Math.round((last / small) * 100) / 100
  return {
    id: 'charging.scale',
    value: Math.round(last),
    unit: 'updates/s',
    peer: `the same with ${SESSIONS.toLocaleString('en')} subscribers`,
    peerValue: Math.round(small),
    ratio,
    target: `>= ${FLAT} x peer with ${SCALE.at(-1)?.toLocaleString('en')} subscribers`,
    met: ratio >= FLAT,
  }
}

function onSqlite(folder: string, subscribers: number): Promise<ChargingResult> {
  mkdirSync(folder, { recursive: true })
  return inProcess({ store: { path: join(folder, 's.db') }, subscribers, sessions: SESSIONS, updates: UPDATES })
}

/** Nothing where PostgreSQL is missing. */
async function onPostgresql(folder: string): Promise<ChargingResult[]> {
  const settings = ['shared_buffers=256MB', 'max_wal_size=2GB', 'max_connections=20', 'synchronous_commit=on']
  const cluster = await createCluster(folder, { user: 'tallycell', settings })
  if (cluster === undefined) return []
  const server = await cluster.start()
  try {
    const results: ChargingResult[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await cluster.psql('-c', `create database bench${round}`)
      const url = `postgresql://${cluster.user}@${encodeURIComponent(cluster.socket)}/bench${round}`
      results.push(
        await inProcess({ store: { url }, subscribers: SESSIONS, sessions: SESSIONS, updates: UPDATES / ROUNDS }),
      )
    }
    return results
  } finally {
    await server.stop('SIGINT')
  }
}

/** Runs a job in a process of its own, so that its memory is its own. */
function inProcess(job: ChargingJob): Promise<ChargingResult> {
  const load = join(import.meta.dirname, 'charging-load.ts')
  const child = spawn(
    process.execPath,
    ['--import=tsx', '--max-semi-space-size=8', '--max-old-space-size=2000', load, JSON.stringify(job)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(output))
      else reject(new Error(`the load ended with ${code}`))
    })
  })
}
