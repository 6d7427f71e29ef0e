// Turns what happened to a subscriber into orders to the access points of its open sessions.
import type { SessionListener, SessionOrder } from '../../core/events/sessions/port.ts'
import type { Standing, StandingPort } from '../../core/events/standing.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import type { Store } from '../../core/store/store.ts'
import { giveOrders, type NewOrder, type OpenSession, openSessions, throttled } from './store.ts'

export interface ListenerDeps {
  readonly store: Store
  readonly clock: Clock
  readonly standing: StandingPort
  /** There is something to do. */
  wake(): void
}

/** Orders are on record when it resolves; they are carried out after that, for as long as it takes. */
export function createWifiListener({ store, clock, standing, wake }: ListenerDeps): SessionListener {
  const give = async (orders: readonly NewOrder[]): Promise<number> => {
    if (orders.length === 0) return 0
    await store.batch((sql) => giveOrders(sql, orders, clock()))
    wake()
    return orders.length
  }

  const sessionsOf = ({ subscriber, imsi }: SessionOrder): Promise<OpenSession[]> =>
    store.batch((sql) => openSessions(sql, subscriber, imsi))

  return {
    name: 'wifi',
    async drop(order) {
      const sessions = await sessionsOf(order)
      return give(sessions.map((session) => ({ session, kind: 'disconnect', cause: order.cause })))
    },
    async refresh(order) {
      const orders: NewOrder[] = []
      for (const session of await sessionsOf(order)) {
        const place = { access: 'wifi', radio: session.radio_id ?? undefined } as const
        const now = await standing.standing(order.subscriber, place, clock())
        const slow = now?.throttle === undefined && (await store.batch((sql) => throttled(sql, session)))
        const given = orderFor(now, slow, order.cause)
        if (given) orders.push({ ...given, session, cause: order.cause })
      }
      return give(orders)
    },
  }
}

/** `slow`: a throttle that no longer applies was ordered before. */
function orderFor(
  standing: Standing | undefined,
  slow: boolean,
  cause: SessionOrder['cause'],
): Omit<NewOrder, 'session' | 'cause'> | undefined {
  if (standing && standing.state !== 'open') return { kind: 'disconnect' }
  if (standing?.throttle) return { kind: 'throttle', up: standing.throttle.uplink, down: standing.throttle.downlink }
  if (slow) return { kind: 'throttle' }
  return cause === 'operator' ? { kind: 'reauthorise' } : undefined
}
