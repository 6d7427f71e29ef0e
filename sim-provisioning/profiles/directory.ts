// Who is this subscriber? Answered from memory for every accounting packet; what other processes have enrolled is read when asked.
import type { KnownSubscriber, SubscriberDirectory } from '../../core/events/ports.ts'
import { type Imsi, imsi, payerId, type SubscriberId, subscriberId } from '../../core/kernel/ids.ts'
import { createFollower, type FollowOptions } from '../../core/store/follow.ts'
import type { Store } from '../../core/store/store.ts'
import { type EnrolledSubscriber, subscribersAfter } from './store.ts'

/** Call `load` before the first question. */
export function createSubscriberDirectory(
  store: Store,
  options: FollowOptions = { minInterval: 100 },
): SubscriberDirectory & { load(): Promise<void> } {
  const byId = new Map<SubscriberId, KnownSubscriber>()
  const byImsi = new Map<Imsi, KnownSubscriber>()
  // Apart from KnownSubscriber, so that a logged answer carries no IMSI.
  const imsis = new Map<SubscriberId, Imsi>()

  const take = (row: EnrolledSubscriber): bigint => {
    const subscriber = subscriberId(row.subscriber)
    const digits = row.imsi === null ? undefined : imsi(row.imsi)
    // A subscriber that is enrolled again has another SIM.
    const before = imsis.get(subscriber)
    if (before !== undefined && byImsi.get(before)?.subscriber === subscriber) byImsi.delete(before)
    const known: KnownSubscriber = { subscriber, payer: payerId(row.payer), plan: row.plan }
    byId.set(subscriber, known)
    imsis.delete(subscriber)
    if (digits !== undefined) {
      byImsi.set(digits, known)
      imsis.set(subscriber, digits)
    }
    return row.sequence
  }

  return {
    byImsi: (digits) => byImsi.get(digits),
    byId: (subscriber) => byId.get(subscriber),
    imsiOf: (subscriber) => imsis.get(subscriber),
    ...createFollower((after, limit) => subscribersAfter(store, after, limit), take, options),
  }
}
