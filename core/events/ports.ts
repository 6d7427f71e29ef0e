// The questions that one domain asks another. The composition root injects the answers.
import type { Imsi, PayerId, RadioId, SubscriberId } from '../kernel/ids.ts'
import type { Access } from './usage-event.ts'

export interface KnownRadio {
  readonly radio: RadioId
  readonly access: Access
  /** What its owner registered it as, for tariffs. */
  readonly class: string | undefined
}

/** Which radio is this? Answers come from memory; `refresh` reads what other processes have added, if anything. */
export interface RadioDirectory {
  byId(radio: RadioId): KnownRadio | undefined
  byNasIdentifier(identifier: string): KnownRadio | undefined
  /** `bssid`: 12 lower-case hex digits. */
  byCalledStation(bssid: string): KnownRadio | undefined
  /** `cell`: one of `UserLocation.cells` (core/wire/diameter/user-location.ts), `99970-0000101`. */
  byCell(cell: string): KnownRadio | undefined
  refresh(): Promise<void>
}

/** How a radio names itself to us; asked seldom, of the register itself. */
export interface RadioNames {
  readonly radio: RadioId
  readonly access: Access
  /** NAS-Identifier that it sends (RFC 2865 §5.32). */
  readonly nasIdentifier: string | undefined
  /** 12 lower-case hex digits. */
  readonly bssid: string | undefined
}

export interface KnownSubscriber {
  readonly subscriber: SubscriberId
  readonly payer: PayerId
  readonly plan: string
}

/** Which subscriber is this? As `RadioDirectory`. */
export interface SubscriberDirectory {
  byImsi(imsi: Imsi): KnownSubscriber | undefined
  byId(subscriber: SubscriberId): KnownSubscriber | undefined
  imsiOf(subscriber: SubscriberId): Imsi | undefined
  refresh(): Promise<void>
}
