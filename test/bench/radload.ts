// The load: radload.c, compiled here, with the same arguments for every server.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, run } from '../emulators/program.ts'

const HERE = import.meta.dirname
const WORK = join(HERE, '.work')
export const SECRET = 'testing123'
export const WINDOW = 256
export const SESSIONS = 1000
export const RADIOS = 50

export interface LoadResult {
  readonly answered: number
  readonly lost: number
  readonly bad: number
  readonly retransmitted: number
  readonly seconds: number
  /** Answers a second. */
  readonly rps: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** Compiles the load program; undefined where there is no C compiler or no libssl-dev. */
export async function compileRadload(): Promise<string | undefined> {
  const cc = findProgram('cc')
  if (cc === undefined) return undefined
  mkdirSync(WORK, { recursive: true })
  const program = join(WORK, 'radload')
  try {
    await run(cc, ['-O2', '-w', '-o', program, join(HERE, 'radload.c'), '-lcrypto'])
    return program
  } catch {
    return undefined
  }
}

/** Sends `total` requests of SESSIONS sessions, WINDOW of them unanswered at a time. `tag` begins the session identifiers. */
export async function load(program: string, port: number, total: number, tag: string): Promise<LoadResult> {
  const args = ['127.0.0.1', port, SECRET, total, WINDOW, SESSIONS, tag].map(String)
  const line = await run(program, args, { tolerate: true })
  const field = (name: string): number => Number(new RegExp(`\\b${name}=([0-9.]+)`).exec(line)?.[1] ?? Number.NaN)
  return {
    answered: field('answered'),
    lost: field('lost'),
    bad: field('bad'),
    retransmitted: field('retransmitted'),
    seconds: field('seconds'),
    rps: field('rps'),
    p50: field('p50_ms'),
    p99: field('p99_ms'),
  }
}

/** A number of requests that takes about `seconds`, found by a short run that also warms the server up. */
export async function calibrate(program: string, port: number, seconds: number, tag: string): Promise<number> {
  const { rps } = await load(program, port, 5000, tag)
  const { rps: warm } = await load(program, port, Math.ceil(rps), `${tag}w`)
  return Math.max(SESSIONS, Math.ceil(warm * seconds))
}
