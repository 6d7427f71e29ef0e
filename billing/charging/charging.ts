// Charging as the protocols see it: `QuotaPort` behind group commit. Requests gather while a transaction is being written; one
// transaction serves hundreds. Every answer is given after its commit.

import type { SubscriberDirectory } from '../../core/events/ports.ts'
import type { QuotaAnswer, QuotaEventAnswer, QuotaPort, QuotaRequest } from '../../core/events/quota.ts'
import type { RadioId, SubscriberId } from '../../core/kernel/ids.ts'
import { type Microtokens, type Millis, millis } from '../../core/kernel/units.ts'
import { createGroupCommit } from '../../core/store/group-commit.ts'
import type { Store } from '../../core/store/store.ts'
import type { AccountId } from '../ledger/accounts.ts'
import { createCatalogue } from './catalogue/store.ts'
import { type BatchDeps, type Item, type ItemAnswer, LockFirst, serveBatch } from './session/batch.ts'
import { sessionKey } from './session/session.ts'
import { sessionsOfOrigin, sessionsToCheck } from './session/store.ts'
import { sessionsUntil } from './suspension/store.ts'
import { AccountsFull } from './wallet/book.ts'

export interface ChargingDeps {
  readonly store: Store
  readonly subscribers: SubscriberDirectory
  /** The class that a radio's owner registered it in, for tariffs. */
  readonly radioClass?: (radio: RadioId) => string | undefined
}

export interface ChargingOptions {
  /** The flat plan's: microtokens per 1,000,000 octets. */
  readonly price: Microtokens
  /** Names this node's accounts of what was earned; 1 to 64 of a-z, 0-9, '.', '_', '-'. */
  readonly node?: string
  /** Requests in one transaction at most. */
  readonly batch?: number
  /** Transactions under way at once. */
  readonly inFlight?: number
  /** Silence beyond twice the validity after which a session is dead, milliseconds. */
  readonly margin?: Millis
  /** A record is cut after so many octets, and after so many milliseconds. */
  readonly recordOctets?: bigint
  readonly recordTime?: Millis
}

export interface Charging extends QuotaPort {
  /** Ends sessions that have been silent too long, at most `limit` of them looked at; resolves with how many were looked at. */
  supervise(now: Millis, limit?: number): Promise<number>
  /**
   * Ends a subscriber's sessions that were opened until `opened`; what their peers report later is charged all the same. Resolves with how many
   * ended.
   */
  drop(subscriber: SubscriberId, opened: Millis, now: Millis): Promise<number>
  /** Ends the sessions of a peer that it opened before `before` and has lost; resolves with how many ended. */
  lose(origin: string, before: Millis): Promise<number>
  /** Resolves when everything that was asked has been answered. */
  drain(): Promise<void>
}

const keyOf = ({ origin, sessionId }: Pick<QuotaRequest, 'origin' | 'sessionId'>): string =>
  sessionKey(origin, sessionId)

const BATCH = 512
const MINUTE = 60_000n
const HOUR = 3_600_000n
const GIGABYTE = 1_000_000_000n
/** Attempts until what others hold is left to them. */
const ATTEMPTS = 5

export function createCharging(
  { store, subscribers, radioClass = () => undefined }: ChargingDeps,
  {
    price,
    node = 'n1',
    batch = BATCH,
    inFlight = 2,
    margin = millis(MINUTE),
    recordOctets = GIGABYTE * 10n,
    recordTime = millis(HOUR * 24n),
  }: ChargingOptions,
): Charging {
  const deps: BatchDeps = {
    catalogue: createCatalogue(price),
    subscriber: (id) => subscribers.byId(id),
    radioClass: (radio) => (radio === undefined ? undefined : radioClass(radio)),
    limits: { recordOctets, recordTime, margin },
    node,
  }

  const commit = async (items: readonly Item[]): Promise<readonly ItemAnswer[]> => {
    const isUnknown = (item: Item): boolean =>
      item.kind === 'event'
        ? !subscribers.byId(item.event.subscriber)
        : item.kind === 'open' && !subscribers.byId(item.request.subscriber)
    if (items.some(isUnknown)) await subscribers.refresh()
    const also = new Set<bigint>()
    const crowded = new Set<AccountId>()
    for (let attempt = 1; ; attempt++) {
      try {
        return await store.batch((sql) =>
          serveBatch(deps, sql, items, { sessions: [...also], enough: attempt >= ATTEMPTS, crowded: [...crowded] }),
        )
      } catch (error) {
        if (error instanceof LockFirst) for (const session of error.sessions) also.add(session)
        else if (error instanceof AccountsFull) for (const account of error.accounts) crowded.add(account)
        else throw error
      }
    }
  }
  const group = createGroupCommit<Item, ItemAnswer>(commit, { maxDelay: 0, maxItems: batch, inFlight })
  const ask = async (item: Item): Promise<ItemAnswer> => {
    const [answer] = await group.submit([item])
    return answer ?? false
  }

  return {
    open: (request) => ask({ kind: 'open', key: keyOf(request), request }) as Promise<QuotaAnswer>,
    update: (request) => ask({ kind: 'update', key: keyOf(request), request }) as Promise<QuotaAnswer>,
    close: (request) => ask({ kind: 'close', key: keyOf(request), request }) as Promise<QuotaAnswer>,
    event: (event) => ask({ kind: 'event', key: keyOf(event), event }) as Promise<QuotaEventAnswer>,
    async supervise(now, limit = BATCH) {
      const rows = await store.batch((sql) => sessionsToCheck(sql, now, limit))
      await group.submit(rows.map(({ session_no }): Item => ({ kind: 'supervise', session: session_no, now })))
      return rows.length
    },
    async drop(subscriber, opened, now) {
      const numbers = await store.batch((sql) => sessionsUntil(sql, subscriber, opened))
      const items = numbers.map((session): Item => ({ kind: 'supervise', session, now, drop: true }))
      return (await group.submit(items)).filter((ended) => ended === true).length
    },
    async lose(origin, before) {
      for (let ended = 0; ; ) {
        const rows = await store.batch((sql) => sessionsOfOrigin(sql, origin, before, batch))
        if (rows.length === 0) return ended
        const items = rows.map(
          ({ session_no }): Item => ({ kind: 'supervise', session: session_no, now: before, drop: true }),
        )
        ended += (await group.submit(items)).length
      }
    },
    drain: () => group.drain(),
  }
}
