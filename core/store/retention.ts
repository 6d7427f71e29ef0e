// The chore that lets go of what has been kept long enough, and keeps the journal's next block ready. It gives way: steps of a few
// milliseconds, less than a fifth of the time, and smaller ones while requests crowd in. One node of several does it.
import { setTimeout as sleep } from 'node:timers/promises'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Clock } from '../kernel/clock.ts'
import { fail, isTallycellError } from '../kernel/errors.ts'
import type { Logger } from '../log/logger.ts'
import type { Part } from '../runtime/module.ts'
import { dropBlock, makeBlock } from './blocks.ts'
import { createRound, type Pruned, type RoundOptions } from './prune.ts'
import type { Sql } from './sql.ts'
import type { Store } from './store.ts'

const DAY = 86_400_000n
/** Late repeats, and relays that were down for days, still meet the session that they repeat. */
const LEAST_DAYS = 30
/** How much longer rows may stay that their block will take with it. */
const BLOCK_DAYS = 31n

/** Rows looked at in a step. */
const ROWS = { least: 50, first: 500, most: 5000, crowded: 100 } as const
/** How long a step should take, milliseconds: SQLite lets nobody else work meanwhile, PostgreSQL does. */
const STEP = { sqlite: 8, postgresql: 40 } as const
/** How much longer than a step the pause after it is. */
const PAUSES = 4
/** The longest that a step gives way to requests, milliseconds. */
const PATIENCE = 250
const NAME = 'retention'

export interface Pace {
  /** Called before each step with the rows that the last one looked at and the milliseconds it took; resolves with the rows of the next, 0 to stop. */
  next(last?: { readonly rows: number; readonly took: number }): Promise<number>
}

export type Removed = Readonly<Partial<Record<Pruned, number>>> & { readonly blocks?: number }

export interface PruneOptions extends RoundOptions {
  readonly onStep?: (table: Pruned, removed: number) => void
  readonly onBlock?: (table: string) => void
}

/** One round: everything that may go, in steps at `pace`; resolves with the rows of each table, and the blocks, that went. */
export async function prune(store: Store, pace: Pace, options: PruneOptions): Promise<Removed> {
  const round = createRound(options)
  const removed: Partial<Record<Pruned, number>> = {}
  let blocks = 0
  let last: { rows: number; took: number } | undefined
  for (const { table, step } of round.walks) {
    if (table === 'usage_event' && !options.dryRun) blocks = await dropBlocks(store, round.journal, options.onBlock)
    for (let after: bigint | undefined = 0n; after !== undefined; ) {
      const rows = await pace.next(last)
      if (rows === 0) return { ...removed, blocks }
      const began = performance.now()
      const from: bigint = after
      const done = await store.batch((sql) => step(sql, from, rows))
      last = { rows, took: performance.now() - began }
      removed[table] = (removed[table] ?? 0) + done.removed
      if (done.removed > 0) options.onStep?.(table, done.removed)
      after = done.next
    }
  }
  return { ...removed, blocks }
}

/** Blocks that somebody reads just now stay until the next round. */
async function dropBlocks(
  store: Store,
  journal: ReturnType<typeof createRound>['journal'],
  onBlock: PruneOptions['onBlock'],
): Promise<number> {
  for (let count = 0; ; count++) {
    const block = await unlessLocked(() =>
      store.batch(async (sql) => (sql.engine === 'postgresql' ? dropBlock(sql, await journal(sql)) : undefined)),
    )
    if (block === undefined) return count
    onBlock?.(block)
  }
}

async function unlessLocked<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isTallycellError(error) && error.code === 'STORE_LOCKED') return undefined
    throw error
  }
}

/** As fast as it goes, for a command. */
export const atOnce = (signal: AbortSignal): Pace => ({ next: async () => (signal.aborted ? 0 : ROWS.most) })

/** Steps that take some milliseconds each, however fast the machine is, with pauses between them. */
export function createPace(engine: Sql['engine'], busy: () => boolean, signal: AbortSignal): Pace {
  const step = STEP[engine]
  let size: number = ROWS.first
  return {
    async next(last) {
      if (last) {
        if (last.took > step) size = Math.max(ROWS.least, Math.floor(size / 2))
        else if (last.took < step / 2) size = Math.min(ROWS.most, size * 2)
        await pause(Math.max(step, last.took) * PAUSES, signal)
      }
      for (let waited = 0; busy() && waited < PATIENCE && !signal.aborted; waited += 5) await pause(5, signal)
      if (signal.aborted) return 0
      return busy() ? Math.min(size, ROWS.crowded) : size
    },
  }
}

const pause = (millis: number, signal: AbortSignal): Promise<void> =>
  sleep(millis, undefined, { signal }).catch(() => {})

/** Throws STORE_KEEP_TOO_SHORT for less than 30 days, but for 0, which means for ever. */
export function checkKeepDays(days: number): number {
  return days === 0 || days >= LEAST_DAYS ? days : fail('STORE_KEEP_TOO_SHORT', { days, least: LEAST_DAYS })
}

/** The instant before which things are `days` old. */
export const daysBefore = (now: bigint, days: number): bigint => now - BigInt(days) * DAY

/** Throws STORE_KEEP_TOO_SHORT for a time that is less than 30 days ago. */
export function checkBefore(before: bigint, now: bigint): bigint {
  const days = Number((now - before) / DAY)
  return before <= daysBefore(now, LEAST_DAYS) ? before : fail('STORE_KEEP_TOO_SHORT', { days, least: LEAST_DAYS })
}

export interface RetentionDeps {
  readonly store: Store
  readonly clock: Clock
  readonly metrics: Registry
  readonly log: Logger
  /** True while requests crowd in. */
  readonly busy: () => boolean
}

export interface RetentionOptions {
  /** 0: for ever. */
  readonly keepDays: number
  /** Milliseconds between two rounds, and between two looks at the newest block. */
  readonly interval?: number
  readonly watch?: number
}

/** Throws STORE_KEEP_TOO_SHORT. */
export function createRetention(
  { store, clock, metrics, log, busy }: RetentionDeps,
  { keepDays, interval = 3_600_000, watch = 60_000 }: RetentionOptions,
): Part {
  checkKeepDays(keepDays)
  const rows = new Counter({
    name: 'tallycell_store_pruned_rows_total',
    help: 'Rows deleted because they were older than store.keepDays',
    labelNames: ['table'],
    registers: [metrics],
  })
  const dropped = new Counter({
    name: 'tallycell_store_dropped_blocks_total',
    help: 'Blocks of the usage journal dropped because they were older than store.keepDays',
    registers: [metrics],
  })
  const finished = new Gauge({
    name: 'tallycell_store_pruned_timestamp_seconds',
    help: 'When the last round through all tables ended',
    registers: [metrics],
  })
  const stopping = new AbortController()
  let loop: Promise<void> = Promise.resolve()
  let failing = false
  /** The newest session that the last round saw: those that are newer stay for the next one. */
  let newestSession: bigint | undefined

  const makeBlocks = (): Promise<unknown> =>
    unlessLocked(() => store.batch(async (sql) => sql.engine === 'postgresql' && makeBlock(sql, clock())))

  const round = async (lost: AbortSignal): Promise<void> => {
    const signal = AbortSignal.any([lost, stopping.signal])
    const before = daysBefore(clock(), keepDays)
    const seen = await store.batch(newestOf)
    await prune(store, createPace(seen.engine, busy, signal), {
      before,
      ...(seen.engine === 'postgresql' ? { rowsBefore: before - BLOCK_DAYS * DAY } : {}),
      newestSession,
      onStep: (table, removed) => rows.inc({ table }, removed),
      onBlock(table) {
        dropped.inc()
        log.info({ table }, 'dropped a block of the usage journal')
      },
    })
    newestSession = seen.session
    if (!signal.aborted) finished.set(Number(clock()) / 1000)
  }

  const run = async (): Promise<void> => {
    let due = performance.now() + watch
    while (!stopping.signal.aborted) {
      try {
        await store.exclusive(NAME, async (lost) => {
          await makeBlocks()
          if (keepDays === 0 || performance.now() < due) return
          due = performance.now() + interval
          await round(lost)
        })
        failing = false
      } catch (error) {
        failing = true
        log.error({ err: error }, 'old rows could not be deleted: will be tried again')
      }
      await pause(watch, stopping.signal)
    }
  }

  return {
    name: NAME,
    async start() {
      loop = run()
    },
    async stop() {
      stopping.abort()
      await loop
    },
    health: () => (failing ? 'old rows cannot be deleted, see the log' : undefined),
  }
}

async function newestOf(sql: Sql): Promise<{ readonly engine: Sql['engine']; readonly session: bigint }> {
  const row = await sql.row<{ session_no: bigint }>(
    'select session_no from usage_session order by session_no desc limit 1',
  )
  return { engine: sql.engine, session: row?.session_no ?? 0n }
}
