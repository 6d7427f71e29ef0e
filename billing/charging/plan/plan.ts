// What a subscriber has bought and what it costs: a plan, one version of it, and the balances that pay. Amounts are bigint: octets,
// seconds, messages, and money in micro-units (millionths) of the tenant's currency. Percentages and counts are small numbers.
import type { FinalAction, QuotaContext } from '../../../core/events/quota.ts'
import type { Access } from '../../../core/events/usage-event.ts'
import type { PlanId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'

/** What can be measured at a service. */
export type Metered = 'octet' | 'second' | 'message'
/** What a balance can hold. Money: micro-units of the tenant's currency. */
export type Unit = Metered | 'money'
export const METERED = ['octet', 'second', 'message'] as const satisfies readonly Metered[]

/** An amount of each thing that can be measured. */
export type Amounts = Readonly<Record<Metered, bigint>>
export const NOTHING: Amounts = { octet: 0n, second: 0n, message: 0n }

/** The available amount of a balance that has no limit: large enough for any use, small enough for a 64-bit column. */
export const NO_LIMIT: bigint = 1n << 62n

export type Day = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'
export type PeriodKind = 'day' | 'week' | 'month'

/** `QuotaContext` and what the registry says of the radio: the class that its owner registered it in, if any. */
export interface TariffContext extends QuotaContext {
  readonly radioClass: string | undefined
}

/** Which services something is for; undefined is any. */
export interface ServiceFilter {
  readonly access: readonly Access[] | undefined
  readonly radioClasses: readonly string[] | undefined
  /** Rating-Group (RFC 8506 §8.29). */
  readonly ratingGroups: readonly bigint[] | undefined
  /** `home`, `roaming` (any visited network), a country's MCC (3 digits) or a network's MCC and MNC (5 or 6 digits, TS 23.003 §2.2). */
  readonly zones: readonly string[] | undefined
}

export const ANY_SERVICE: ServiceFilter = {
  access: undefined,
  radioClasses: undefined,
  ratingGroups: undefined,
  zones: undefined,
}

/** Days and hours are those of the tenant's time zone. */
export interface TariffWhen extends ServiceFilter {
  readonly days: readonly Day[] | undefined
  /** Minutes after midnight, 0 to 1439, inclusive. `from` after `to` reaches over midnight and belongs to the day that it begins on. */
  readonly from: number | undefined
  /** Minutes after midnight, 1 to 1440, exclusive. */
  readonly to: number | undefined
}

/** Micro-units of money; `bundle`: only a bundle can pay for it; undefined: it is not charged. */
export type Price = bigint | 'bundle' | undefined

export type Tariff =
  | { readonly kind: 'deny' }
  /** Zero-rated: measured, never charged. */
  | { readonly kind: 'free' }
  | {
      readonly kind: 'paid'
      /** Octets: per 1,000,000. Seconds: per 60. Messages: each. */
      readonly price: Readonly<Record<Metered, Price>>
      /** Whether bundles may pay, before money does. */
      readonly bundles: boolean
    }

/** The first rule of a plan whose `when` matches says what a service costs. */
export interface TariffRule {
  /** Unique in the plan; statements and records name it. */
  readonly name: string
  readonly when: TariffWhen
  readonly tariff: Tariff
}

/** How long a bundle lasts: so many days of the calendar, to the end of the current period, or for ever. */
export type Validity =
  | { readonly kind: 'days'; readonly days: number }
  | { readonly kind: 'period'; readonly period: PeriodKind }
  | { readonly kind: 'unlimited' }

/** What is left at the end of a period and may be used in the next. */
export interface RollOver {
  /** 0 to 100 per cent of what is left, rounded down. */
  readonly percent: number
  /** The most that rolls over; undefined: no limit. */
  readonly limit: bigint | undefined
  /** How often the same units may roll over, 1 or more. */
  readonly times: number
}

export interface BundleOffer {
  /** Unique in the plan. */
  readonly id: string
  readonly unit: Metered
  readonly amount: bigint
  readonly validity: Validity
  /** Smaller pays first, among those that expire at the same instant. */
  readonly priority: number
  /** Micro-units; 0 where it is part of the plan. */
  readonly price: bigint
  readonly rollOver: RollOver | undefined
  readonly services: ServiceFilter
  /** One balance for all members of a family or pool. */
  readonly shared: boolean
  /** Given anew at the start of each period (`validity.kind` is `period`). */
  readonly recurring: boolean
}

/** Undefined: no limit. Money in micro-units. */
export interface Cap {
  readonly octets: bigint | undefined
  readonly money: bigint | undefined
}

export interface FairUse {
  /** From so many octets in the period on, the profile applies. */
  readonly octets: bigint
  readonly period: PeriodKind
  /** Bits per second. */
  readonly throttle: { readonly uplink: bigint; readonly downlink: bigint }
}

export interface GrantSizes {
  /** The most that one grant may hold. */
  readonly largest: Amounts
  /** A grant is not smaller than this while there is so much left. */
  readonly least: Amounts
  /** Validity-Time (RFC 8506 §8.33), seconds. */
  readonly validity: bigint
}

export interface Plan {
  readonly tenant: string
  readonly id: PlanId
  /** 1 for the first. A version never changes; subscribers move to a newer one. */
  readonly version: bigint
  readonly name: string
  /** Prepaid: what is there can be used. Postpaid: used on credit, paid at the end of the period. Hybrid: money first, then credit. */
  readonly kind: 'prepaid' | 'postpaid' | 'hybrid'
  readonly tariffs: readonly TariffRule[]
  readonly bundles: readonly BundleOffer[]
  /** The charge for having the plan, micro-units at the start of each period. */
  readonly recurring: { readonly period: PeriodKind; readonly price: bigint } | undefined
  /** Micro-units; undefined: postpaid without limit. Never set on a prepaid plan. */
  readonly creditLimit: bigint | undefined
  readonly caps: { readonly day: Cap; readonly month: Cap }
  /** Per cent of a balance or cap at whose use an event is sent, ascending. */
  readonly thresholds: readonly number[]
  readonly fairUse: FairUse | undefined
  /** How many sessions of a subscriber may be open at the same time. */
  readonly sessions: number
  readonly grant: GrantSizes
  /** What happens when the last grant is used up. */
  readonly final: FinalAction
}

/** One pot that can pay, as it stands now. Credit: what of the limit has not been drawn, `NO_LIMIT` where there is none. */
export interface Balance {
  /** Number of its ledger account. */
  readonly account: bigint
  readonly kind: 'bundle' | 'money' | 'credit'
  /** What is measured in a bundle, `money` in the two others. */
  readonly unit: Unit
  /** Posted less reserved; what this service itself holds is counted as available again. */
  readonly available: bigint
  /** What it held at first: thresholds are per cent of it. */
  readonly granted: bigint
  readonly priority: number
  /** From this instant on it pays for nothing; undefined: never expires. */
  readonly expires: Millis | undefined
  readonly when: ServiceFilter
}

/** So much from one account. */
export interface Part {
  readonly account: bigint
  readonly unit: Unit
  readonly amount: bigint
}
