// What a CDR of either kind is made of: who writes it, why it was closed, and our extension of it.
import { type Extension, writeExtension } from './extension.ts'
import type { ZonedTime } from './octet-strings.ts'
import type { ChargingRecord, ClosingCause, ServiceContainer } from './record.ts'

/** Who writes the records. */
export interface CdrNode {
  /** NodeID: 1 to 20 ASCII characters. */
  readonly nodeId: string
  /** UUID of the charging function (CHF-CDR). */
  readonly functionId: string
  /** IPv4 or IPv6; stands in for a gateway's address that is not known. */
  readonly address: string
  /** Local time minus UTC, minutes: the zone that times are written in. */
  readonly utcOffset: number
}

/** CauseForRecClosing. */
export const CLOSING: Readonly<Record<ClosingCause, bigint>> = {
  'normal-release': 0n,
  'abnormal-release': 4n,
  'volume-limit': 16n,
  'time-limit': 17n,
  management: 20n,
}
export const CAUSES: ReadonlyMap<bigint, ClosingCause> = new Map(
  Object.entries(CLOSING).map(([name, code]) => [code, name as ClosingCause]),
)

/** LocalSequenceNumber. */
export const localSequence = (number: bigint): bigint => number % 2n ** 32n

/** Times as `node` writes them. */
export const zoned =
  ({ utcOffset }: CdrNode) =>
  (at: ZonedTime['at']): ZonedTime => ({ at, utcOffset })

/** Throws BER_VALUE_INVALID. */
export function extensionsOf(record: ChargingRecord, node: CdrNode): ReturnType<typeof writeExtension> {
  return writeExtension({
    number: record.number,
    tenant: record.tenant,
    subscriber: record.subscriber,
    origin: record.origin,
    session: record.sessionId,
    radio: record.radio,
    charge: record.charge,
    currency: record.currency,
    closed: zoned(node)(record.closed),
    services: record.services,
  })
}

export type Extended = Pick<
  ChargingRecord,
  'number' | 'tenant' | 'subscriber' | 'origin' | 'sessionId' | 'radio' | 'charge' | 'currency' | 'closed'
>

export function fromExtension(extension: Extension): Extended {
  const { session, closed, services, ...rest } = extension
  return { ...rest, sessionId: session, closed: closed.at }
}

/** What a container of either kind says. */
export type Used = Omit<ServiceContainer, 'charge' | 'bundleOctets' | 'zeroRatedOctets' | 'tariff'>

/** Undefined unless there are as many containers as the extension has prices for. */
export function together(used: readonly Used[], extension: Extension): ServiceContainer[] | undefined {
  if (used.length !== extension.services.length) return undefined
  return used.map((container, index) => ({ ...container, ...(extension.services[index] as Extension['services'][0]) }))
}
