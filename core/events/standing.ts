// What a subscriber may do at this moment where usage is reported after the fact and nobody asks before: whoever holds the session asks when
// told that something has changed.
import type { RadioId, SubscriberId } from '../kernel/ids.ts'
import type { Millis } from '../kernel/units.ts'
import type { Access } from './usage-event.ts'

export interface Standing {
  /** `exhausted`: nothing that could pay is left, or a cap is reached. */
  readonly state: 'open' | 'exhausted' | 'suspended'
  /** The plan's fair-use profile where it applies now, bits per second. */
  readonly throttle: { readonly uplink: bigint; readonly downlink: bigint } | undefined
  /** While `open`: octets that can be paid for now, and when the first of what pays for them expires; undefined: no limit, never. */
  readonly left?: { readonly octets: bigint | undefined; readonly until: Millis | undefined }
}

export interface StandingPort {
  /** Undefined where no plan of the catalogue says anything: then everything is allowed. Nothing is reserved. */
  standing(
    subscriber: SubscriberId,
    place: { readonly access: Access; readonly radio: RadioId | undefined },
    at: Millis,
  ): Promise<Standing | undefined>
}
