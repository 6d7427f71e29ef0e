// What a session's peer reports, as events of the usage journal: for sessions whose peer is the meter of record.
import { USAGE_FLAG, type UsageEvent } from '../../../core/events/usage-event.ts'
import { type Millis, octets } from '../../../core/kernel/units.ts'
import { isPlausible } from '../wallet/purse.ts'
import { type Session, splitKey } from './session.ts'
import { type Asked, amountsOf, isNegative } from './terms.ts'

/** An event before the journal has numbered it. */
export type Metered = Omit<UsageEvent, 'eventId'>

/**
 * Adds what `asked` reports to `journal`, before the session takes it in: it was used where the session was until now. What cannot be true
 * is left out; it is set aside with its charge.
 */
export function meter(journal: Metered[], session: Session, { request }: Asked, ends: boolean): void {
  if (!request.meter || request.services.some(isNegative)) return
  let [uplink, downlink] = [0n, 0n]
  for (const { used } of request.services) {
    if (!isPlausible(amountsOf(used))) continue
    for (const each of used) {
      uplink += each.uplink
      downlink += each.downlink
    }
  }
  if (uplink + downlink === 0n) return
  const known = session.number >= 0n
  const start: Millis = known && session.last < request.at ? session.last : request.at
  journal.push({
    ...splitKey(session.key),
    sequence: request.number + 1n,
    subscriber: session.subscriber,
    radio: known ? session.radio : request.context.radio,
    access: known ? session.access : request.context.access,
    start,
    end: request.at,
    uplink: octets(uplink),
    downlink: octets(downlink),
    cause: ends ? 'stop' : 'interim',
    received: request.at,
    flags: USAGE_FLAG.charged,
  })
}
