// Forgets answers that nobody can ask for again, and old events.
import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../log/logger.ts'
import type { Part } from '../../runtime/module.ts'
import type { Store } from '../../store/store.ts'
import { forgetAnswers } from './replay/store.ts'
import { forgetEvents } from './webhooks/store.ts'

export interface TidyDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
}

/** Milliseconds. */
const INTERVAL = 60_000

export function createTidy({ store, clock, log }: TidyDeps): Part {
  let timer: NodeJS.Timeout | undefined
  let working: Promise<unknown> | undefined
  const run = async (): Promise<void> => {
    try {
      for (const forget of [forgetAnswers, forgetEvents])
        while ((await store.batch((sql) => forget(sql, clock()))) > 0) await new Promise(setImmediate)
    } catch (error) {
      log.warn(
        { err: error },
        'old answers and events of the partner API could not be forgotten and will be tried again',
      )
    }
  }
  return {
    name: 'partner tidy',
    async start() {
      timer = setInterval(() => {
        working ??= run().finally(() => {
          working = undefined
        })
      }, INTERVAL)
    },
    async stop() {
      clearInterval(timer)
      await working
    },
  }
}
