// Takes orders about sessions, whichever process gave them, to everybody in this node who holds sessions.
import { Counter, type Registry } from 'prom-client'
import type { Clock } from '../../kernel/clock.ts'
import type { SubscriberId } from '../../kernel/ids.ts'
import { millis } from '../../kernel/units.ts'
import type { Logger } from '../../log/logger.ts'
import type { Part } from '../../runtime/module.ts'
import type { Store } from '../../store/store.ts'
import type { SessionControl, SessionListener, SessionOrder } from './port.ts'
import { forgetOrders, orderSessions, ordersAfter } from './store.ts'

export interface SessionControlDeps {
  readonly store: Store
  readonly clock: Clock
  readonly metrics: Registry
  readonly log: Logger
}

export interface SessionControlOptions {
  /** Between two looks at the orders, milliseconds. */
  readonly poll?: number
  /** For one listener to carry an order out, milliseconds. */
  readonly patience?: number
}

/**
 * How old an order may be that a node takes up when it starts, milliseconds: sessions outlive a restart at their peers. Older ones have asked
 * for a grant since, and were refused.
 */
const REPLAY = 15n * 60_000n
const KEPT = 24n * 3_600_000n
const FORGET_EVERY = 3_600_000n
const PAGE = 500
/** Subscribers with an order under way at once; the others wait in the database. */
const MOST_UNDER_WAY = 1000

export function createSessionControl(
  { store, clock, metrics, log }: SessionControlDeps,
  { poll = 1000, patience = 10_000 }: SessionControlOptions = {},
): SessionControl & Part {
  const peers: SessionListener[] = []
  const books: SessionListener[] = []
  const stopping = new AbortController()
  const underWay = new Map<SubscriberId, Promise<void>>()
  let position = 0n
  let forgotten = 0n
  let looking: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let failing = false
  const ended = new Counter({
    name: 'tallycell_sessions_ordered_total',
    help: 'Sessions that ended, or were asked to report anew, because their subscriber was changed',
    labelNames: ['listener', 'action'] as const satisfies readonly string[],
    registers: [metrics],
  })
  const failures = new Counter({
    name: 'tallycell_sessions_order_failures_total',
    help: 'Orders about sessions that a listener could not carry out',
    labelNames: ['listener'] as const satisfies readonly string[],
    registers: [metrics],
  })

  const tell = async (listener: SessionListener, order: SessionOrder): Promise<void> => {
    const { name } = listener
    const { orderNo, action, cause } = order
    try {
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(patience)])
      const count = await before(signal, listener[action](order, signal))
      ended.inc({ listener: name, action }, count)
      if (count > 0) log.info({ listener: name, action, cause, sessions: count, order: orderNo }, 'sessions ordered')
    } catch (error) {
      failures.inc({ listener: name })
      log.error({ err: error, listener: name, action, order: orderNo }, 'an order about sessions was not carried out')
    }
  }

  const carryOut = async (order: SessionOrder): Promise<void> => {
    for (const listeners of [peers, books]) await Promise.all(listeners.map((listener) => tell(listener, order)))
  }

  /** Orders about one subscriber one after the other, of several subscribers at once. */
  const begin = (order: SessionOrder): void => {
    const { subscriber } = order
    const done = (underWay.get(subscriber) ?? Promise.resolve()).then(() => carryOut(order))
    const last = done.finally(() => {
      if (underWay.get(subscriber) === last) underWay.delete(subscriber)
    })
    underWay.set(subscriber, last)
  }

  const readAll = async (): Promise<void> => {
    for (;;) {
      while (underWay.size > MOST_UNDER_WAY) await Promise.race(underWay.values())
      const orders = await store.batch((sql) => ordersAfter(sql, position, millis(0n), PAGE))
      for (const order of orders) begin(order)
      position = orders.at(-1)?.orderNo ?? position
      if (orders.length < PAGE || stopping.signal.aborted) break
    }
    const now = clock()
    if (now - forgotten < FORGET_EVERY) return
    while ((await store.batch((sql) => forgetOrders(sql, millis(now - KEPT)))) > 0) await new Promise(setImmediate)
    forgotten = now
  }

  const look = (): Promise<void> => {
    looking ??= readAll()
      .then(
        () => {
          failing = false
        },
        (error: unknown) => {
          if (!failing) log.error({ err: error }, 'the orders about sessions could not be read, and will be again')
          failing = true
        },
      )
      .finally(() => {
        looking = undefined
      })
    return looking
  }

  /** What was ordered while this node was down, as far as it still holds: of each subscriber the newest order. */
  const takeUp = async (): Promise<void> => {
    const since = millis(clock() - REPLAY)
    const newest = new Map<SubscriberId, SessionOrder>()
    for (;;) {
      const orders = await store.batch((sql) => ordersAfter(sql, position, since, PAGE))
      for (const order of orders) newest.set(order.subscriber, order)
      position = orders.at(-1)?.orderNo ?? position
      if (orders.length < PAGE) break
    }
    for (const order of newest.values()) begin(order)
  }

  return {
    name: 'sessions',
    register: (listener, turn) => void (turn === 'books' ? books : peers).push(listener),
    async order(order) {
      await store.batch((sql) => orderSessions(sql, order, clock()))
      void look()
    },
    async start() {
      await takeUp()
      timer = setInterval(() => void look(), poll)
    },
    async stop() {
      clearInterval(timer)
      stopping.abort()
      await looking
      await Promise.all(underWay.values())
    },
    health: () => (failing ? 'orders about sessions cannot be read, see the log' : undefined),
  }
}

/** The work's result, unless the signal comes first: no listener holds up the others. */
async function before<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  signal.throwIfAborted()
  let stop = (): void => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop)
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
