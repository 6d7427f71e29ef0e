// The receipt log of a node: appends in the callers' transactions, publishes on a timer, answers proofs from its own files.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail } from '../../core/kernel/errors.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { SigningKey } from '../../core/runtime/keys.ts'
import type { Part } from '../../core/runtime/module.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import type { Entry } from './entries/dictionary.ts'
import { isKeyName, type VerifierKey } from './note/note.ts'
import { createPublisher } from './publish.ts'
import { appendEntries, readCheckpoint, type StoredCheckpoint } from './store.ts'
import { createTileDirectory } from './tiles/directory.ts'
import { createLogReader, type LogReader } from './tiles/reader.ts'

export interface ReceiptLogDeps {
  readonly store: Store
  readonly signer: SigningKey
  /** Folder of the tiles, the checkpoint and the key, to be served as it is. */
  readonly directory: string
  readonly clock: Clock
  readonly metrics: Registry
  readonly log: Logger
}

export interface ReceiptLogOptions {
  /** Name of the log for life: a host name and a path, without spaces or '+'. */
  readonly origin: string
  /** Milliseconds between two looks at what is new. */
  readonly interval?: number
}

/** Readers take sizes up to that of the newest checkpoint. */
export interface ReceiptLog extends Part, LogReader {
  readonly origin: string
  /** What signatures on checkpoints are checked with. */
  readonly key: VerifierKey
  /**
   * Appends in the caller's transaction (`store.batch`) and answers the index of the first entry. Rejects with LOG_ENTRY_INVALID or
   * LOG_ORIGIN_CHANGED, and the transaction must not commit then.
   */
  append(sql: Sql, entries: readonly Entry[]): Promise<bigint>
  /** Publishes all that is committed; answers the size of the newest checkpoint, 0 before the first. */
  flush(): Promise<bigint>
  /** The newest checkpoint, or undefined before the first. */
  checkpoint(): Promise<StoredCheckpoint | undefined>
}

/** Throws LOG_ORIGIN_INVALID. */
export function createLog(
  { store, signer, directory, clock, metrics, log }: ReceiptLogDeps,
  { origin, interval = 1000 }: ReceiptLogOptions,
): ReceiptLog {
  if (!isKeyName(origin)) fail('LOG_ORIGIN_INVALID', { came: origin.slice(0, 64) })
  const tiles = createTileDirectory(directory)
  const publisher = createPublisher({ store, signer, tiles, clock, directory }, origin)
  const measured = measures(metrics)
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let running: Promise<unknown> = Promise.resolve()
  let trouble: string | undefined

  const publish = async (): Promise<bigint> => {
    const end = measured.seconds.startTimer()
    try {
      const size = await publisher.publish()
      measured.size.set(Number(size))
      if (trouble !== undefined) log.info({ size }, 'the log is published again')
      trouble = undefined
      return size
    } catch (error) {
      measured.failures.inc()
      trouble = error instanceof Error ? error.message : String(error)
      throw error
    } finally {
      end()
    }
  }

  /** One after the other, whoever asks. */
  const flush = (): Promise<bigint> => {
    const next = running.then(publish, publish)
    running = next.catch(() => undefined)
    return next
  }

  const tick = async (): Promise<void> => {
    try {
      await flush()
    } catch (error) {
      log.error({ err: error }, 'the log could not be published and will be tried again')
    }
    if (!stopped) timer = setTimeout(tick, interval)
  }

  return {
    ...createLogReader(tiles),
    name: 'log',
    origin,
    key: publisher.key,
    append: (sql, entries) => appendEntries(sql, origin, entries),
    flush,
    checkpoint: () => readCheckpoint(store),
    async start() {
      await flush()
      timer = setTimeout(tick, interval)
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      try {
        await flush()
      } catch (error) {
        log.error({ err: error }, 'the log could not be published before the end; its entries are safe in the database')
      }
    },
    health: () => (trouble === undefined ? undefined : `the log is not published: ${trouble}`),
  }
}

function measures(metrics: Registry): { size: Gauge; seconds: Histogram; failures: Counter } {
  const registers = [metrics]
  return {
    size: new Gauge({
      name: 'tallycell_log_published_entries',
      help: 'Entries under the newest signed checkpoint',
      registers,
    }),
    seconds: new Histogram({
      name: 'tallycell_log_publish_seconds',
      help: 'Time to write tiles and sign a checkpoint',
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    failures: new Counter({
      name: 'tallycell_log_publish_failures_total',
      help: 'Attempts to publish that failed',
      registers,
    }),
  }
}
