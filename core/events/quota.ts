// The question that every protocol asks while a phone waits: may this session go on, and for how much? Answers are reservations,
// never receipts.
import type { RadioId, SubscriberId } from '../kernel/ids.ts'
import type { Millis } from '../kernel/units.ts'
import type { Access } from './usage-event.ts'

/** Where and how a service is used: what tariffs are chosen by. */
export interface QuotaContext {
  readonly access: Access
  readonly radio: RadioId | undefined
  /** Visited PLMN, MCC and MNC digits (TS 23.003 §2.2); undefined at home. */
  readonly visitedPlmn: string | undefined
}

/** Differences since the request before, never totals. */
export interface UsedUnits {
  readonly uplink: bigint
  readonly downlink: bigint
  readonly seconds: bigint
  /** Service-specific units: messages. */
  readonly units: bigint
  /** Which side of the tariff change that was announced (RFC 8506 §8.27); undefined where none was. */
  readonly tariff: 'before' | 'after' | undefined
}

/** One Multiple-Services-Credit-Control (RFC 8506 §8.16). */
export interface ServiceRequest {
  /** Rating-Group (RFC 8506 §8.29); 0 where the peer names none. */
  readonly ratingGroup: bigint
  readonly used: readonly UsedUnits[]
  /** Asks for a (further) grant. */
  readonly wanted: boolean
}

export interface QuotaRequest {
  /** Who asks, and scope of session identifiers: `gy:<Origin-Host>`. */
  readonly origin: string
  readonly sessionId: string
  /** CC-Request-Number (RFC 8506 §8.2): a repeated number is a repeated request. */
  readonly number: bigint
  readonly at: Millis
  readonly subscriber: SubscriberId
  readonly context: QuotaContext
  readonly services: readonly ServiceRequest[]
  /**
   * The peer is the meter of record: what it reports goes into the usage journal, in the transaction of the debit. It was used where the
   * request before was; a request that comes from another radio reports the last octets of the one that the phone has left.
   */
  readonly meter?: true | undefined
  /** Of an open: without a grant for any service the session ends at once, since its peer will not come back to it. */
  readonly endUnlessGranted?: true | undefined
  /** Of an open: what the records of the session say of it. */
  readonly detail?: SessionDetail | undefined
}

/** What is known of a session once and for all. */
export interface SessionDetail {
  /** IMEISV, 16 digits (TS 23.003 §6.2.2). */
  readonly device: string | undefined
  /** Access point name, network identifier only. */
  readonly apn: string | undefined
  /** Address of the gateway. */
  readonly gateway: string | undefined
  /** 3GPP-Charging-Id (TS 29.061 §16.4.7). */
  readonly chargingId: bigint | undefined
}

export interface Units {
  readonly octets: bigint | undefined
  readonly seconds: bigint | undefined
  readonly units: bigint | undefined
}

/** What to do when the last grant is used up (RFC 8506 §8.35). */
export type FinalAction =
  | { readonly action: 'terminate' }
  | { readonly action: 'redirect'; readonly address: string }
  | { readonly action: 'restrict'; readonly filter: string }

/** Result-Code in brackets (RFC 8506 §9, TS 32.299): 2001, 4012, 4010, 5031. */
export type ServiceResult = 'granted' | 'credit-limit-reached' | 'service-denied' | 'rating-failed'

export interface ServiceAnswer {
  readonly ratingGroup: bigint
  readonly result: ServiceResult
  /** Undefined where nothing was wanted or nothing is granted. */
  readonly granted: Units | undefined
  /** Validity-Time, seconds: ask again after it at the latest. */
  readonly validity: bigint
  /** Volume-Quota-Threshold: ask again when so many octets are left. */
  readonly threshold: bigint | undefined
  /** Set on the last grant. */
  readonly final: FinalAction | undefined
  /** Tariff-Time-Change: usage before and after it is to be reported apart. */
  readonly tariffChange: Millis | undefined
  /** The plan's fair-use profile, when it applies. */
  readonly throttle: { readonly uplink: bigint; readonly downlink: bigint } | undefined
}

/** Result-Code in brackets: 2001, 5030, 4010, 5002, 4012. */
export type QuotaResult = 'success' | 'unknown-subscriber' | 'too-many-sessions' | 'unknown-session' | 'suspended'

export interface QuotaAnswer {
  readonly result: QuotaResult
  readonly services: readonly ServiceAnswer[]
}

/** One-time requests (RFC 8506 §6). `refund` names an earlier request's session. */
export interface QuotaEvent {
  readonly origin: string
  readonly sessionId: string
  readonly number: bigint
  readonly at: Millis
  readonly subscriber: SubscriberId
  readonly context: QuotaContext
  readonly action: 'debit' | 'refund' | 'check-balance' | 'price-enquiry'
  readonly ratingGroup: bigint
  readonly requested: Units
}

export interface QuotaEventAnswer {
  readonly result: QuotaResult | ServiceResult
  /** What was debited or would be, or what a refund gave back. */
  readonly granted: Units | undefined
  /** Price in micro-units of the tenant's currency, where it was asked. */
  readonly price: bigint | undefined
  /** Answer of `check-balance`. */
  readonly enough: boolean | undefined
}

/** Every answer is durable before it is given, and the same request gets the same answer, as often as it comes. */
export interface QuotaPort {
  open(request: QuotaRequest): Promise<QuotaAnswer>
  update(request: QuotaRequest): Promise<QuotaAnswer>
  close(request: QuotaRequest): Promise<QuotaAnswer>
  event(request: QuotaEvent): Promise<QuotaEventAnswer>
}
