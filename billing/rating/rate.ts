// The only place where octets become money. Integers throughout; what rounding leaves is carried, so nothing is lost or made.
import { type Microtokens, type Octets, RATE_OCTETS } from '../../core/kernel/units.ts'

export interface Rated {
  readonly amount: Microtokens
  /** What the amount leaves over, 0 to 999,999 millionths of a microtoken: the next call's `remainder`. */
  readonly remainder: bigint
}

/**
 * `floor((octets × rate + remainder) / 1,000,000)` and the remainder of that division.
 * `rate`: microtokens per 1,000,000 octets. Over any series of calls Σ amount × 10⁶ + last remainder = Σ octets × rate.
 */
export function rate(octets: Octets, rate: Microtokens, remainder: bigint): Rated {
  const exact = octets * rate + remainder
  return { amount: (exact / RATE_OCTETS) as Microtokens, remainder: exact % RATE_OCTETS }
}
