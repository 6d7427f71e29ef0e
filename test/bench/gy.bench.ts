// Gy end to end over TCP: updates of open sessions, each durable before it is answered, beside OTP's diameter answering a constant, which is what
// that stack can do without charging anything; and the memory that 100,000 open sessions take.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startErlangServer } from '../emulators/erlang-gy.ts'
import { findProgram, launch, type Running, run } from '../emulators/program.ts'
import type { Load } from './gy-load.ts'
import { type BenchRow, median } from './row.ts'

const SESSIONS = 4000
const WINDOW = 256
const SECONDS = 3
const ROUNDS = 3
const TARGET = 15_000
const LATENCY = 25
const OPEN = 100_000
const MEGABYTES = 500

const TSX = '--import=tsx'
const file = (name: string): string => join(import.meta.dirname, name)

async function drive(port: number, sessions: number, seconds: number): Promise<Load> {
  const args = [TSX, file('gy-load.ts'), ...[port, sessions, WINDOW, seconds].map(String)]
  return JSON.parse(await run(process.execPath, args)) as Load
}

async function withNode<Result>(
  subscribers: number,
  work: (port: number, node: Running) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'gy-bench-'))
  const args = [TSX, file('gy-node.ts'), join(folder, 'gy.db'), String(subscribers)]
  const node = await launch(process.execPath, args, { ready: (output) => /^\d+\n/m.test(output), patience: 120_000 })
  try {
    return await work(Number(/^\d+/m.exec(node.output())?.[0]), node)
  } finally {
    await node.stop('SIGKILL')
    await rm(folder, { recursive: true })
  }
}

async function constant(): Promise<number | null> {
  if (findProgram('escript') === undefined) return null
  const server = await startErlangServer()
  try {
    await drive(server.port, SESSIONS, 1)
    return (await drive(server.port, SESSIONS, SECONDS)).rate
  } finally {
    await server.stop('SIGKILL')
  }
}

async function updates(note: (line: string) => void): Promise<BenchRow> {
  const peerValue = await constant()
  const rounds = await withNode(SESSIONS, async (port) => {
    const loads: Load[] = []
    for (let round = 0; round < ROUNDS; round++) loads.push(await drive(port, SESSIONS, SECONDS))
    return loads
  })
  const value = median(rounds.map(({ rate }) => rate))
  const p99 = median(rounds.map(({ p99 }) => p99))
  note(`gy.update: 99 of 100 updates answered within ${p99.toFixed(1)} ms, ${WINDOW} under way`)
  return {
    id: 'gy.update',
    value,
    unit: 'requests/s',
    peer: 'erlang-diameter, a constant',
    peerValue,
    ratio: peerValue === null ? null : Math.round((value / peerValue) * 100) / 100,
    target: `>= ${TARGET} requests/s, p99 <= ${LATENCY} ms`,
    met: value >= TARGET && p99 <= LATENCY,
  }
}

/** VmRSS of a process, MB. */
const memory = (pid: number | undefined): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

async function openSessions(): Promise<BenchRow> {
  const value = await withNode(OPEN, async (port, node) => {
    await drive(port, OPEN, 0)
    return Math.round(memory(node.child.pid))
  })
  const target = `<= ${MEGABYTES} MB with ${OPEN} sessions open`
  return {
    id: 'gy.sessions',
    value,
    unit: 'MB',
    peer: 'none',
    peerValue: null,
    ratio: null,
    target,
    met: value <= MEGABYTES,
  }
}

export async function gyRows(note: (line: string) => void = () => undefined): Promise<BenchRow[]> {
  return [await updates(note), await openSessions()]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const row of await gyRows(console.log)) console.log(JSON.stringify(row))
}
