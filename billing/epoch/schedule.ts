// Closes epochs when their time has come.
import type { Clock } from '../../core/kernel/clock.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { Part } from '../../core/runtime/module.ts'
import type { Store } from '../../core/store/store.ts'

export interface ScheduleDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  /** Closes `epoch`, which may have been closed by another node in the meantime. */
  closeEpoch(epoch: bigint): Promise<unknown>
}

/** How often the clock is looked at, milliseconds. */
const LOOK = 10_000

/** An epoch without receipts stays open: there is nothing to settle, and nothing to pay an anchor for. */
export function createEpochSchedule({ store, clock, log, closeEpoch }: ScheduleDeps, length: Millis): Part {
  let timer: NodeJS.Timeout | undefined
  let turn: Promise<void> = Promise.resolve()
  let trouble: string | undefined

  /** The open epoch, when its time has come. */
  const due = async (): Promise<bigint | undefined> => {
    const open = await store.db
      .selectFrom('epoch')
      .select(['epoch', 'opened_at'])
      .where('state', '=', 'open')
      .executeTakeFirst()
    if (!open || open.opened_at + length > clock()) return undefined
    const receipt = await store.db.selectFrom('receipt').select('entry_index').where('epoch', '=', open.epoch).limit(1)
    return (await receipt.executeTakeFirst()) && open.epoch
  }

  const look = async (): Promise<void> => {
    try {
      const epoch = await due()
      if (epoch !== undefined) await closeEpoch(epoch)
      trouble = undefined
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error)
      log.error({ err: error }, 'the epoch could not be closed and will be tried again')
    }
  }

  return {
    name: 'epochs',
    async start() {
      timer = setInterval(() => {
        turn = turn.then(look)
      }, LOOK)
    },
    async stop() {
      clearInterval(timer)
      await turn
    },
    health: () => (trouble === undefined ? undefined : `the epoch is not closed: ${trouble}`),
  }
}
