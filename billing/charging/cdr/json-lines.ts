// Records for programs: one JSON object per line. Whole numbers, times (milliseconds since 1970) among them, are decimal strings; what
// is absent has no key.
import { toJson } from '../../../core/kernel/units.ts'
import type { ChargingRecord, ServiceContainer } from './record.ts'

/** The record's line, with its end. Keys come in the order below, whatever order the record has. */
export function formatJsonLine(record: ChargingRecord): string {
  const line = {
    number: record.number,
    partial: record.partial,
    cause: record.cause,
    tenant: record.tenant,
    subscriber: record.subscriber,
    imsi: record.imsi,
    msisdn: record.msisdn,
    access: record.access,
    origin: record.origin,
    sessionId: record.sessionId,
    chargingId: record.chargingId,
    radio: record.radio,
    apn: record.apn,
    nodeAddress: record.nodeAddress,
    visitedPlmn: record.visitedPlmn,
    opened: record.opened,
    closed: record.closed,
    seconds: record.seconds,
    services: record.services.map(serviceLine),
    charge: record.charge,
    currency: record.currency,
  } satisfies Readonly<Record<keyof ChargingRecord, unknown>>
  return `${toJson(line)}\n`
}

function serviceLine(service: ServiceContainer) {
  return {
    ratingGroup: service.ratingGroup,
    uplink: service.uplink,
    downlink: service.downlink,
    seconds: service.seconds,
    messages: service.messages,
    firstUse: service.firstUse,
    lastUse: service.lastUse,
    tariff: service.tariff,
    charge: service.charge,
    bundleOctets: service.bundleOctets,
    zeroRatedOctets: service.zeroRatedOctets,
  } satisfies Readonly<Record<keyof ServiceContainer, unknown>>
}
