// Carries orders out: each goes to the access point by whichever node reaches it, is put in other words or tried again as the answer asks,
// and ends when the access point has done it, when the session is over, or after a day.
import { Counter, type Registry } from 'prom-client'
import type { Clock } from '../../core/kernel/clock.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { Part } from '../../core/runtime/module.ts'
import type { Store } from '../../core/store/store.ts'
import { type Attributes, isSilence, type Requester } from '../../core/transport/radius/client.ts'
import { CODE } from '../../core/wire/radius/packet.ts'
import { identifications, type SessionName, sessionNameOf } from './identification.ts'
import { claimOrder, type DueOrder, dueOrders, endOrder, forgetOrders, retryOrder } from './store.ts'
import { type Maker, type RoleNames, throttleAttributes } from './throttle.ts'
import { backOff, judgeAnswer, type Verdict } from './verdict.ts'

/** The way to an access point. */
export interface Way {
  readonly requester: Requester
  readonly maker: Maker
}

export interface DeliveryDeps {
  readonly store: Store
  readonly clock: Clock
  readonly metrics: Registry
  readonly log: Logger
  /** How this node reaches the access point; undefined where another node may; a sentence where none ever will. */
  wayTo(session: SessionName): Way | string | undefined
}

export interface DeliveryOptions {
  readonly roles: RoleNames
  /** Between two looks at the orders, milliseconds. */
  readonly poll?: number
  /** For one answer, retransmissions included, milliseconds. */
  readonly patience?: number
}

export interface Delivery extends Part {
  /** Looks at the orders now. */
  wake(): void
}

const PAGE = 64
const MOST_UNDER_WAY = 512
const DAY = 86_400_000n
const KEPT = 30n * DAY
/** An order that only another node may reach is looked at again after this. */
const ELSEWHERE = 1000n
const FORGET_EVERY = 3_600_000n

export function createDelivery(deps: DeliveryDeps, { roles, poll = 1000, patience = 6000 }: DeliveryOptions): Delivery {
  const { store, clock, log } = deps
  const ended = new Counter({
    name: 'tallycell_control_orders_total',
    help: 'Orders to access points by kind and by what became of them',
    labelNames: ['kind', 'result'],
    registers: [deps.metrics],
  })
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined
  let again = false
  let stopping = false
  let failing = false
  const underWay = new Map<bigint, Promise<void>>()
  let forgotten = 0n

  const request = async (order: DueOrder, session: SessionName, way: Way): Promise<Verdict> => {
    let verdict: Verdict = { verdict: 'failed', outcome: 'nothing names the session' }
    for (const identification of identifications(session)) {
      const answer = await way.requester.request({
        code: CODE[order.kind === 'disconnect' ? 'Disconnect-Request' : 'CoA-Request'],
        attributes: () => [...identification, ...demand(order, way.maker), ['Event-Timestamp', clock()]],
        patience,
      })
      if (isSilence(answer)) return { verdict: 'retry', outcome: answer }
      verdict = judgeAnswer(answer.packet)
      if (verdict.verdict !== 'reword') return verdict
    }
    return { verdict: 'failed', outcome: verdict.outcome }
  }

  const demand = ({ kind, rate_up, rate_down, order_no }: DueOrder, maker: Maker): Attributes => {
    if (kind === 'throttle')
      return throttleAttributes(maker, { up: rate_up ?? undefined, down: rate_down ?? undefined }, roles)
    // RFC 5176 §3.2: the State comes back in the Access-Request that follows.
    if (kind === 'reauthorise')
      return [
        ['Service-Type', 'Authorize Only'],
        ['State', Buffer.from(`order:${order_no}`)],
      ]
    return []
  }

  const settle = async (order: DueOrder, claimed: Millis, { verdict, outcome }: Verdict): Promise<void> => {
    const now = clock()
    const attempt = Number(order.attempt) + 1
    const state = verdict === 'done' ? 'done' : 'failed'
    const tryAgain = verdict === 'retry' && now - order.created_at < DAY
    if (!tryAgain) ended.inc({ kind: order.kind, result: state })
    if (!tryAgain || attempt === 1)
      log.info(
        { order: order.order_no, kind: order.kind, cause: order.cause, outcome, attempt, tryAgain },
        'access point ordered',
      )
    await store.batch((sql) =>
      tryAgain
        ? retryOrder(sql, order.order_no, claimed, millis(now + BigInt(backOff(attempt, Math.random()))), outcome)
        : endOrder(sql, order.order_no, claimed, { state, outcome, at: now }),
    )
  }

  const carryOut = async (order: DueOrder): Promise<void> => {
    const session = sessionNameOf(order.origin, order.session_key, order.identity, order.calling_station ?? undefined)
    const way = order.alive === 0n || !session ? undefined : deps.wayTo(session)
    if (order.alive !== 0n && session && way === undefined && clock() - order.created_at < DAY) {
      await store.batch((sql) =>
        retryOrder(
          sql,
          order.order_no,
          order.next_at,
          millis(clock() + ELSEWHERE),
          'the access point is not connected',
        ),
      )
      return
    }
    const claimed = millis(clock() + BigInt(patience) * 4n)
    if (!(await store.batch((sql) => claimOrder(sql, order, claimed)))) return
    await settle(order, claimed, await attemptOf(order, session, way))
  }

  const attemptOf = async (
    order: DueOrder,
    session: SessionName | undefined,
    way: Way | string | undefined,
  ): Promise<Verdict> => {
    if (order.alive === 0n) return { verdict: 'done', outcome: 'the session is over' }
    if (!session) return { verdict: 'failed', outcome: 'nothing names the session' }
    if (way === undefined) return { verdict: 'failed', outcome: 'the access point is not connected' }
    if (typeof way === 'string') return { verdict: 'failed', outcome: way }
    try {
      return await request(order, session, way)
    } catch (error) {
      log.error({ err: error, order: order.order_no }, 'an order to an access point could not be sent')
      return { verdict: 'retry', outcome: 'could not be sent' }
    }
  }

  /** Nobody waits for an access point that does not answer but its own orders. */
  const begin = (order: DueOrder): void => {
    const done = carryOut(order).catch((error: unknown) => {
      log.error({ err: error, order: order.order_no }, 'an order to an access point was not carried out')
    })
    underWay.set(order.order_no, done)
    void done.finally(() => underWay.delete(order.order_no))
  }

  const look = async (): Promise<void> => {
    for (let full = true; full && !stopping && underWay.size < MOST_UNDER_WAY; ) {
      const orders = await store.batch((sql) => dueOrders(sql, clock(), PAGE))
      const fresh = orders.filter(({ order_no }) => !underWay.has(order_no))
      for (const order of fresh) begin(order)
      full = orders.length === PAGE && fresh.length > 0
    }
    if (clock() - forgotten < FORGET_EVERY) return
    forgotten = clock()
    while ((await store.batch((sql) => forgetOrders(sql, millis(clock() - KEPT)))) > 0) await new Promise(setImmediate)
  }

  const wake = (): void => {
    if (stopping) return
    if (looking) {
      again = true
      return
    }
    looking = look()
      .then(
        () => {
          failing = false
        },
        (error: unknown) => {
          if (!failing) log.error({ err: error }, 'orders to access points cannot be read, and will be again')
          failing = true
        },
      )
      .finally(() => {
        looking = undefined
        if (again) {
          again = false
          wake()
        }
      })
  }

  return {
    name: 'control',
    wake,
    async start() {
      timer = setInterval(wake, poll)
    },
    async stop() {
      stopping = true
      clearInterval(timer)
      await looking
      await Promise.all(underWay.values())
    },
    health: () => (failing ? 'orders to access points cannot be carried out, see the log' : undefined),
  }
}
