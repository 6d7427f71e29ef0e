// What charging does by the clock, without being asked: silent sessions end and free what they hold, balances expire, periods begin.
import type { Clock } from '../../core/kernel/clock.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { Part } from '../../core/runtime/module.ts'

export interface Chore {
  readonly name: string
  /** Does a part of what is due; resolves with how much that was, 0 when nothing is left. Several nodes may do it at the same time. */
  run(now: ReturnType<Clock>): Promise<number>
}

export interface UpkeepDeps {
  readonly clock: Clock
  readonly log: Logger
}

/** Does every chore each `interval` milliseconds, until nothing is due. */
export function createUpkeep(
  chores: readonly Chore[],
  { clock, log }: UpkeepDeps,
  { interval }: { readonly interval: number },
): Part {
  const failing = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let running: Promise<void> = Promise.resolve()

  const attempt = async ({ name, run }: Chore): Promise<void> => {
    try {
      while (!stopped && (await run(clock())) > 0) await new Promise(setImmediate)
      failing.delete(name)
    } catch (error) {
      failing.add(name)
      log.error({ err: error, chore: name }, 'a chore of charging failed and will be tried again')
    }
  }
  const round = async (): Promise<void> => {
    for (const chore of chores) await attempt(chore)
    if (!stopped) timer = setTimeout(start, interval)
  }
  const start = (): void => {
    running = round()
  }

  return {
    name: 'charging',
    async start() {
      start()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
    health: () => (failing.size === 0 ? undefined : `charging cannot ${[...failing].join(', ')}, see the log`),
  }
}
