// The life of a running node: parts start in order and stop in reverse, whatever ends it.
import type { EventEmitter } from 'node:events'
import type { Logger } from '../log/logger.ts'
import type { Part } from './module.ts'

export interface RunOptions {
  readonly log: Logger
  /** Asks for an orderly stop. */
  readonly signal: AbortSignal
  /** Called once every part serves. */
  readonly onReady?: () => void
  /** For one part to stop, milliseconds; it is left behind after that, and said so. */
  readonly stopTimeout?: number
  /** Where errors arrive that nobody caught; the process unless given. */
  readonly faults?: Pick<EventEmitter, 'on' | 'off'>
}

/** After a fault that nobody caught (sysexits.h EX_SOFTWARE). */
export const EXIT_FAULT = 70
const STOP_TIMEOUT = 10_000

/**
 * Runs `parts` until `signal` aborts or something fails that nobody caught; resolves with the exit code, 0 or 70, after all have
 * stopped. Where a part cannot start, the ones before it are stopped and the rejection is that part's error.
 */
export async function runParts(parts: readonly Part[], options: RunOptions): Promise<number> {
  const { log, signal, onReady, stopTimeout = STOP_TIMEOUT, faults = process } = options
  const end = watchForEnd(signal, faults, log)
  const started: Part[] = []
  let clean = true
  try {
    for (const part of parts) {
      if (end.came()) break
      log.debug({ part: part.name }, 'starting')
      await part.start()
      started.push(part)
    }
    if (!end.came()) onReady?.()
    await end.wait
  } finally {
    for (const part of started.reverse()) clean = (await stopPart(part, stopTimeout, log)) && clean
    end.dispose()
  }
  return end.faulted() || !clean ? EXIT_FAULT : 0
}

interface End {
  readonly wait: Promise<void>
  came(): boolean
  faulted(): boolean
  dispose(): void
}

function watchForEnd(signal: AbortSignal, faults: Pick<EventEmitter, 'on' | 'off'>, log: Logger): End {
  let came = signal.aborted
  let faulted = false
  let finish = (): void => {}
  const wait = new Promise<void>((resolve) => {
    finish = () => {
      came = true
      resolve()
    }
  })
  const onAbort = (): void => {
    log.info('stopping: what was accepted is finished first')
    finish()
  }
  const onFault = (error: unknown): void => {
    faulted = true
    log.fatal({ err: error }, 'an error that nobody caught: stopping')
    finish()
  }
  if (signal.aborted) finish()
  signal.addEventListener('abort', onAbort)
  // A rejection that nobody handles arrives with a listener of its own; without one Node would end the process at once.
  faults.on('uncaughtException', onFault)
  faults.on('unhandledRejection', onFault)
  return {
    wait,
    came: () => came,
    faulted: () => faulted,
    dispose() {
      signal.removeEventListener('abort', onAbort)
      faults.off('uncaughtException', onFault)
      faults.off('unhandledRejection', onFault)
    },
  }
}

/** True when the part stopped in time and without an error. */
async function stopPart(part: Part, timeout: number, log: Logger): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), timeout)
  })
  try {
    const outcome = await Promise.race([part.stop(), late])
    if (outcome === 'late') log.error({ part: part.name, timeout }, 'did not stop in time and is left behind')
    return outcome !== 'late'
  } catch (error) {
    log.error({ err: error, part: part.name }, 'failed while stopping')
    return false
  } finally {
    clearTimeout(timer)
  }
}
