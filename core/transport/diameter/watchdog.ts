// The watchdog of RFC 3539 §3.4.1 on one connection slot of a peer: is the peer there, and may requests be sent to it?

/** `suspect`: requests go elsewhere. `reopen`: connected again after a failure; requests go there once three DWAs came. */
export type WatchdogState = 'initial' | 'okay' | 'suspect' | 'down' | 'reopen'

export interface Watchdog {
  readonly state: WatchdogState
  /** A DWR is unanswered. */
  readonly pending: boolean
  /** DWAs since the connection is back; -1 when one was overdue. */
  readonly answers: number
}

/** `parted`: the connection ended with DPR and DPA, which is no failure. */
export type WatchdogEvent = 'up' | 'message' | 'dwa' | 'timer' | 'down' | 'parted'
export type WatchdogEffect = 'send-dwr' | 'set-timer' | 'failover' | 'failback' | 'close'

export interface WatchdogStep {
  readonly watchdog: Watchdog
  readonly effects: readonly WatchdogEffect[]
}

export const INITIAL: Watchdog = { state: 'initial', pending: false, answers: 0 }
const DOWN: Watchdog = { state: 'down', pending: false, answers: 0 }

/**
 * One step. Unlike RFC 3539, which throws away whatever comes in `reopen` but DWAs, requests are then answered as ever: a peer that came back
 * uses its connection at once, and silence would fail its users.
 */
export function stepWatchdog(watchdog: Watchdog, event: WatchdogEvent): WatchdogStep {
  const { state, pending, answers } = watchdog
  const to = (next: Watchdog, ...effects: WatchdogEffect[]): WatchdogStep => ({ watchdog: next, effects })
  const okay: Watchdog = { state: 'okay', pending: false, answers: 0 }
  if (event === 'parted') return to(INITIAL)
  if (event === 'up')
    return state === 'down'
      ? to({ state: 'reopen', pending: true, answers: 0 }, 'send-dwr', 'set-timer')
      : to(okay, 'set-timer', 'failback')
  if (event === 'down') return state === 'down' || state === 'initial' ? to(watchdog) : to(DOWN, 'failover')
  switch (state) {
    case 'okay':
      if (event === 'dwa') return to(okay, 'set-timer')
      if (event === 'message') return to(watchdog, 'set-timer')
      return pending
        ? to({ ...watchdog, state: 'suspect' }, 'failover', 'set-timer')
        : to({ ...watchdog, pending: true }, 'send-dwr', 'set-timer')
    case 'suspect':
      if (event === 'timer') return to(DOWN, 'close')
      return to({ ...okay, pending: event === 'message' && pending }, 'failback', 'set-timer')
    case 'reopen':
      if (event === 'message') return to(watchdog)
      if (event === 'dwa')
        return answers >= 2 ? to(okay, 'failback') : to({ ...watchdog, pending: false, answers: answers + 1 })
      if (!pending) return to({ ...watchdog, pending: true }, 'send-dwr', 'set-timer')
      return answers >= 0 ? to({ ...watchdog, answers: -1 }, 'set-timer') : to(DOWN, 'close')
    default:
      return to(watchdog)
  }
}

/** Tw with jitter, milliseconds: the interval with up to two seconds more or less, never below six (RFC 3539 §3.4.1). `random`: 0 to 1. */
export const watchdogInterval = (interval: number, random: number): number =>
  Math.max(interval, 6000) - 2000 + Math.round(random * 4000)
