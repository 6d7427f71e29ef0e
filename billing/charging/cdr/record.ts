// A charging data record as we keep it, whatever the access and whatever the format it leaves in.
import type { Imsi, RadioId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'

/** Why the record was closed (TS 32.251 §5.2.3.4, TS 32.255 §5.2.3.2). `management` is the change of day, too. */
export type ClosingCause = 'normal-release' | 'time-limit' | 'volume-limit' | 'management' | 'abnormal-release'

/** What was used of one rating group under one tariff. Octets, seconds and messages are never negative. */
export interface ServiceContainer {
  /** Rating-Group (RFC 8506 §8.29), 0 to 2^32 - 1. */
  readonly ratingGroup: bigint
  readonly uplink: bigint
  readonly downlink: bigint
  readonly seconds: bigint
  readonly messages: bigint
  readonly firstUse: Millis
  readonly lastUse: Millis
  /** Name of the tariff that applied; undefined where none did. */
  readonly tariff: string | undefined
  /** Micro-units of the record's currency; negative for what was given back. */
  readonly charge: bigint
  /** Octets, of uplink and downlink together, that bundles paid for. */
  readonly bundleOctets: bigint
  /** Octets that cost nothing and count against nothing. */
  readonly zeroRatedOctets: bigint
}

/** One closed session, or a part of one. */
export interface ChargingRecord {
  /** Counts the records of this installation, without gaps: the local sequence number of TS 32.298, which wraps at 2^32. */
  readonly number: bigint
  /** 1 for the first part of a session; undefined for the only record of one. */
  readonly partial: bigint | undefined
  readonly cause: ClosingCause
  readonly tenant: string
  readonly subscriber: SubscriberId
  readonly imsi: Imsi
  /** 1 to 15 digits, country code first (E.164); undefined where the subscriber has none. */
  readonly msisdn: string | undefined
  readonly access: 'wifi' | 'lte' | 'nr'
  /** Who metered: the Diameter, N4 or RADIUS peer, as in UsageEvent. */
  readonly origin: string
  readonly sessionId: string
  /** 3GPP-Charging-Id, 0 to 2^32 - 1. */
  readonly chargingId: bigint
  readonly radio: RadioId | undefined
  /** Access point name or data network name, network identifier only. */
  readonly apn: string | undefined
  /** Address of the gateway or access point controller; undefined where it is not known. */
  readonly nodeAddress: string | undefined
  /** MCC and MNC digits (TS 23.003 §2.2); undefined at home. */
  readonly visitedPlmn: string | undefined
  readonly opened: Millis
  readonly closed: Millis
  readonly seconds: bigint
  readonly services: readonly ServiceContainer[]
  /** Micro-units of the currency, all services together. */
  readonly charge: bigint
  /** ISO 4217. */
  readonly currency: string
}
