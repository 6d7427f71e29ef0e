// What a session's part says in its charging record. The number comes when the record is stored, the subscriber's identities when it
// leaves.
import type { Millis } from '../../../core/kernel/units.ts'
import type { ChargingRecord, ClosingCause } from '../cdr/record.ts'
import { type Session, splitKey } from './session.ts'
import { isUsed, UNUSED } from './state.ts'
import type { NewRecord } from './store.ts'
import type { Terms } from './terms.ts'

/** What is stored: a record but for number and identities; `gaps`, `late`: requests missing, and taken out of order. */
export type RecordBody = Omit<ChargingRecord, 'number' | 'imsi' | 'msisdn'> & {
  readonly gaps: bigint
  readonly late: bigint
}

/**
 * Ends the session's record so far and begins the next; nothing where nothing was used since, unless the session ends. `after`: requests
 * that came when the session had ended.
 */
export function cutRecord(
  session: Session,
  { plan, currency }: Terms,
  cause: ClosingCause,
  at: Millis,
  ends: boolean,
): NewRecord | undefined {
  const used = session.services.filter((service) => isUsed(service.used))
  if (used.length === 0 && !ends) return undefined
  const partial = ends && session.records === 0n ? undefined : session.records + 1n
  const services = used.map(({ ratingGroup, rule, used: u }) => ({
    ratingGroup,
    uplink: u.uplink,
    downlink: u.downlink,
    seconds: u.seconds,
    messages: u.messages,
    firstUse: u.first as Millis,
    lastUse: u.last as Millis,
    tariff: plan.tariffs[rule]?.name,
    charge: u.charge,
    bundleOctets: u.bundled,
    zeroRatedOctets: u.free,
  }))
  const closed = at > session.recordFrom ? at : (session.recordFrom as Millis)
  const body: RecordBody = {
    partial,
    cause,
    tenant: session.tenant,
    subscriber: session.subscriber,
    access: session.access,
    ...splitKey(session.key),
    chargingId: session.no % (1n << 32n),
    radio: session.radio,
    apn: undefined,
    nodeAddress: undefined,
    visitedPlmn: session.visitedPlmn,
    opened: session.recordFrom as Millis,
    closed,
    seconds: (closed - session.recordFrom) / 1000n,
    services,
    charge: services.reduce((sum, { charge }) => sum + charge, 0n),
    currency: currency ?? 'XXX',
    gaps: session.gaps,
    late: session.late,
  }
  session.records++
  session.recordFrom = closed
  session.services = session.services.map((service) => ({ ...service, used: UNUSED }))
  session.moved = true
  const record = JSON.stringify(body, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
  return { session: session.no, tenant: session.tenant, record, at }
}
