// SIGINT and SIGTERM as one AbortSignal. The first asks for an orderly end, the second insists.
import type { EventEmitter } from 'node:events'

export type StopSignal = 'SIGINT' | 'SIGTERM'

/** Exit codes of a program that a signal ended: 128 and the signal's number. */
export const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const satisfies Record<StopSignal, number>

export interface SignalWatch {
  readonly signal: AbortSignal
  /** The first that came. */
  came(): StopSignal | undefined
  dispose(): void
}

/** Listens on `source` (the process); `force` is called with an exit code at the second signal. */
export function watchSignals(source: Pick<EventEmitter, 'on' | 'off'>, force: (exit: number) => void): SignalWatch {
  const controller = new AbortController()
  let first: StopSignal | undefined
  const listen = (name: StopSignal): (() => void) => {
    const onSignal = (): void => {
      if (first !== undefined) force(SIGNAL_EXIT[name])
      first ??= name
      controller.abort()
    }
    source.on(name, onSignal)
    return () => source.off(name, onSignal)
  }
  const stops = [listen('SIGINT'), listen('SIGTERM')]
  return {
    signal: controller.signal,
    came: () => first,
    dispose: () => {
      for (const stop of stops) stop()
    },
  }
}
