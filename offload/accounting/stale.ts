// Sessions whose Stop never came: the access point lost power, or its uplink. After several missed reports a session is stale: it is not live
// any more, and retention may delete it in its time. Nothing is lost by that: what is reported of it later counts as ever, and wakes it.
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Clock } from '../../core/kernel/clock.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { Part } from '../../core/runtime/module.ts'
import type { Store } from '../../core/store/store.ts'

export interface StaleDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Registry
}

/** Sessions in one transaction. */
const ROWS = 500n
const EVERY = 60_000

const MARK = `update usage_session set state = 'stale' where state = 'open' and session_no in
  (select session_no from usage_session join usage_counter using (session_no) where state = 'open' and last_at < ? limit ?)`

/** Marks at most 500 sessions that were last heard of before `before`, by their access points' clocks; resolves with how many. */
export const markStale = (store: Store, before: bigint): Promise<number> =>
  store.batch(async (sql) => {
    const marked = await sql.run(MARK, before, ROWS)
    // Accounting remembers them as they were.
    if (marked > 0) sql.memory('usage_session')?.clear()
    return marked
  })

/** Looks every minute. `silence`: milliseconds without a report after which a session is stale. */
export function createStaleReaper({ store, clock, log, metrics }: StaleDeps, silence: bigint): Part {
  const registers = [metrics]
  const marked = new Counter({
    name: 'tallycell_accounting_stale_sessions_total',
    help: 'Sessions of which no report came for several intervals',
    registers,
  })
  const failing = new Gauge({
    name: 'tallycell_accounting_stale_failing',
    help: '1 while the look for stale sessions fails',
    registers,
  })
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  const look = async (): Promise<void> => {
    try {
      for (let rows = ROWS; rows === ROWS; ) {
        rows = BigInt(await markStale(store, clock() - silence))
        marked.inc(Number(rows))
      }
      failing.set(0)
    } catch (error) {
      failing.set(1)
      log.warn({ err: error }, 'stale sessions could not be looked for; tried again in a minute')
    }
  }
  return {
    name: 'radius-stale',
    async start() {
      timer = setInterval(() => {
        running = running.then(look)
      }, EVERY)
    },
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
