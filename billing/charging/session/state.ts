// A charging session and its services as they are stored.
import type { Access } from '../../../core/events/usage-event.ts'
import type { PayerId, RadioId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Balance, TariffContext, Unit } from '../plan/plan.ts'
import type { Answers } from './earlier.ts'

/** A piece of an account that is set aside for a service: pending in the ledger until it is posted or given back. */
export interface Held {
  readonly account: bigint
  readonly kind: Balance['kind']
  readonly unit: Unit
  readonly held: bigint
  /** Of it, used and not posted yet. */
  readonly spent: bigint
}

/** What a service was used for since its last record. Octets, seconds, messages; charge in micro-units. */
export interface Used {
  readonly first: bigint
  readonly last: bigint
  readonly uplink: bigint
  readonly downlink: bigint
  readonly seconds: bigint
  readonly messages: bigint
  readonly charge: bigint
  readonly bundled: bigint
  readonly free: bigint
}

export interface ServiceState {
  readonly ratingGroup: bigint
  /** Index of the plan's rule that applied last; -1: none. */
  readonly rule: number
  /** The grant that the peer holds; undefined: not granted in this unit. */
  readonly octets: bigint | undefined
  readonly seconds: bigint | undefined
  readonly units: bigint | undefined
  readonly validity: bigint
  readonly threshold: bigint | undefined
  readonly throttled: boolean
  /** The Tariff-Time-Change announced last. */
  readonly change: bigint | undefined
  /** What the same grant once more reserves of the one part; 0: it cannot be given again without asking the wallet. */
  readonly step: bigint
  /** Until then the same grant may be given again out of what is held. */
  readonly until: bigint
  readonly parts: readonly Held[]
  /** Parts of a micro-unit not charged yet. */
  readonly remainder: bigint
  /** Since `settled`, when the wallet was asked last: charged octets and money, which the wallet's periods do not know of yet. */
  readonly settled: bigint
  readonly chargedOctets: bigint
  readonly chargedMoney: bigint
  /** What the wallet's caps hold back for this service. */
  readonly heldOctets: bigint
  readonly heldMoney: bigint
  readonly used: Used
}

export const UNUSED: Used = {
  first: 0n,
  last: 0n,
  uplink: 0n,
  downlink: 0n,
  seconds: 0n,
  messages: 0n,
  charge: 0n,
  bundled: 0n,
  free: 0n,
}

export const isUsed = ({ first }: Used): boolean => first !== 0n

/** A service before its first request. */
export const newService = (ratingGroup: bigint, at: bigint): ServiceState => ({
  ratingGroup,
  rule: -1,
  octets: undefined,
  seconds: undefined,
  units: undefined,
  validity: 0n,
  threshold: undefined,
  throttled: false,
  change: undefined,
  step: 0n,
  until: 0n,
  parts: [],
  remainder: 0n,
  settled: at,
  chargedOctets: 0n,
  chargedMoney: 0n,
  heldOctets: 0n,
  heldMoney: 0n,
  used: UNUSED,
})

/** A session as its rows tell it. */
export interface SessionFields extends Readonly<Answers> {
  readonly no: bigint
  readonly key: string
  readonly subscriber: SubscriberId
  readonly pool: string | undefined
  readonly tenant: PayerId
  /** Undefined: the built-in flat plan. */
  readonly plan: bigint | undefined
  readonly opened: Millis
  readonly closed: Millis | undefined
  readonly checkAt: Millis | undefined
  readonly access: Access
  readonly radio: RadioId | undefined
  readonly visitedPlmn: string | undefined
  readonly state: 'open' | 'closed' | 'expired'
  /** Highest request number taken; -1 before the first. */
  readonly number: bigint
  /** Bit n: number − 1 − n was taken. */
  readonly seen: bigint
  readonly last: Millis
  readonly gaps: bigint
  readonly late: bigint
  readonly context: string
  /** Records written so far, and the start of the next. */
  readonly records: bigint
  readonly recordFrom: bigint
  readonly services: readonly ServiceState[]
}

/** Where a session has been until now, as tariffs see it. */
export const contextOf = ({
  access,
  radio,
  visitedPlmn,
  context,
}: Pick<SessionFields, 'access' | 'radio' | 'visitedPlmn' | 'context'>): TariffContext => ({
  access,
  radio,
  visitedPlmn,
  radioClass: context.slice(`${access} ${visitedPlmn ?? ''} `.length) || undefined,
})

/** What tariffs are chosen by, as one text to compare. */
export const contextKey = ({ access, visitedPlmn, radioClass }: TariffContext): string =>
  `${access} ${visitedPlmn ?? ''} ${radioClass ?? ''}`
