// The partner API as a whole node serves it, on SQLite: balances read, and payments booked under idempotency keys, each durable and in the
// audit trail before it is answered. The load generator (autocannon) has the same two cores. Beside it: Fastify alone.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { createTestNode } from '../emulators/node.ts'
import { atMost, type BenchRow } from './row.ts'

const SECONDS = 6
const WARM_UP = 2
/** As many requests wait at once. */
const CONNECTIONS = 32
const SUBSCRIBERS = 100
const TARGETS = { read: 3000, write: 800 }
const P99_BOUND = 50

interface Measured {
  readonly rate: number
  /** Milliseconds. */
  readonly p99: number
}

export async function apiRows(note: (line: string) => void): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tallycell-bench-'))
  try {
    const ours = await measureNode(join(folder, 'node'))
    const bare = await measurePeer(join(folder, 'peer.db'))
    note(
      `api: ${CONNECTIONS} connections, ${SECONDS} s each after ${WARM_UP} s of warm-up; GET /balances/{subscriber} of ${SUBSCRIBERS} subscribers, POST /balances/{subscriber}/top-ups with an Idempotency-Key each`,
    )
    return (['read', 'write'] as const).flatMap((what) => rowsOf(what, ours[what], bare[what]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function rowsOf(what: 'read' | 'write', ours: Measured, bare: Measured): BenchRow[] {
  const peer =
    what === 'read' ? 'Fastify alone, one row read from SQLite' : 'Fastify alone, one row written to SQLite, fsync each'
  return [
    {
      id: `api.${what}`,
      value: Math.round(ours.rate),
      unit: 'requests/s',
      peer,
      peerValue: Math.round(bare.rate),
      ratio: Math.round((ours.rate / bare.rate) * 100) / 100,
      target: TARGETS[what],
      met: ours.rate >= TARGETS[what],
    },
    atMost({ id: `api.${what}.p99`, unit: 'ms', value: ours.p99 }, { name: peer, value: bare.p99 }, P99_BOUND),
  ]
}

async function measureNode(folder: string) {
  const node = await createTestNode({ folder, secret: 'a secret of the bench' })
  await node.command('tenant', 'set', 'default', '--currency', 'EUR')
  await node.provision(1, SUBSCRIBERS)
  await node.command('partner', 'limit', 'default', '--per-second', '1000000', '--per-day', '1000000000')
  const { client, secret } = (await node.command('partner', 'add', 'default')) as { client: string; secret: string }
  const running = await node.start()
  try {
    const token = await tokenOf(node.http, client, secret)
    const headers = { authorization: `Bearer ${token}` }
    const path = (index: number): string => `/partner/v1/balances/s-${index % SUBSCRIBERS}`
    const write = await load(node.http, [
      ...Array.from({ length: SUBSCRIBERS }, (_, index) => ({
        method: 'POST' as const,
        path: `${path(index)}/top-ups`,
        headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': 'k[<id>]' },
        body: JSON.stringify({ amount: '1.00', reference: 'r[<id>]' }),
      })),
    ])
    const read = await load(
      node.http,
      Array.from({ length: SUBSCRIBERS }, (_, index) => ({ method: 'GET' as const, path: path(index), headers })),
    )
    return { read, write }
  } finally {
    await running.stop()
  }
}

async function tokenOf(http: string, client: string, secret: string): Promise<string> {
  const answer = await fetch(`${http}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: client, client_secret: secret }),
  })
  const { access_token } = (await answer.json()) as { access_token: string }
  return access_token
}

async function measurePeer(database: string) {
  const peer = spawn(process.execPath, ['--import=tsx', join(import.meta.dirname, 'api-peer.ts'), database], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const http = `http://127.0.0.1:${await portOf(peer)}`
    const read = await load(http, [{ method: 'GET', path: '/item' }])
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ amount: '1.00', reference: 'r[<id>]' })
    const write = await load(http, [{ method: 'POST', path: '/item', headers, body }])
    return { read, write }
  } finally {
    peer.kill()
    await once(peer, 'exit')
  }
}

async function portOf(peer: ChildProcess): Promise<string> {
  const [line] = await once(peer.stdout ?? peer, 'data')
  return String(line).trim()
}

/** Every answer must be of the 200s: an error is answered quickly. */
async function load(url: string, requests: autocannon.Request[]): Promise<Measured> {
  const options = { url, connections: CONNECTIONS, requests, idReplacement: true }
  await autocannon({ ...options, duration: WARM_UP })
  const { '2xx': good, non2xx, errors, duration, latency } = await autocannon({ ...options, duration: SECONDS })
  if (non2xx + errors > 0) throw new Error(`${non2xx} answers of ${url} were no successes, ${errors} failed`)
  return { rate: good / duration, p99: latency.p99 }
}
