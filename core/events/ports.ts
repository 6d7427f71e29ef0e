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
  refresh(): Promise<void>
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
