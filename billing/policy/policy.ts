// The numbers that verdicts and payouts are made with. They stand in the log, signed by the oracles, so that anybody who replays
// the log judges by the same ones.
import type { Access } from '../../core/events/usage-event.ts'
import type { PayerId } from '../../core/kernel/ids.ts'
import type { Microtokens, Millis, Octets } from '../../core/kernel/units.ts'

/** A payer, or '*' for every payer without a rate of its own. */
export type RatePayer = PayerId | '*'

export interface RewardRate {
  readonly payer: RatePayer
  readonly access: Access
  /** Microtokens per 1,000,000 octets, to the radio's owner. */
  readonly rate: Microtokens
}

export interface PeakRate {
  readonly access: Access
  /** The most octets a second that one session of this access can carry, both directions together. */
  readonly peak: Octets
}

/** What the operator decides; a version number and the oracles' signatures make a log entry of it. */
export interface PolicyTerms {
  /** One for each payer and access. */
  readonly rates: readonly RewardRate[]
  /** One for each access; an access without one carries nothing that counts. */
  readonly peaks: readonly PeakRate[]
  /** Thousandths by which a measure may exceed its limit: 100 is 10 %. */
  readonly tolerance: bigint
  /** A shorter event is judged as if it had lasted this long: its counters may have been read late. */
  readonly shortest: Millis
  /** How long before its report an event may have ended. */
  readonly past: Millis
  /** How long after its report an event may end. */
  readonly future: Millis
  readonly epochLength: Millis
  /** From the close of an epoch to its payout. */
  readonly hold: Millis
  /** Ed25519 keys of the N oracles, 32 octets each. */
  readonly oracles: readonly Uint8Array[]
  /** M: how many of them must sign. */
  readonly threshold: bigint
}

/** The payer's own rate for `access`, else that of '*', else undefined: nobody has promised to pay. */
export function rateOf(terms: Pick<PolicyTerms, 'rates'>, payer: PayerId, access: Access): Microtokens | undefined {
  const of = (name: RatePayer): Microtokens | undefined =>
    terms.rates.find((row) => row.payer === name && row.access === access)?.rate
  return of(payer) ?? of('*')
}

/** The terms in the one order in which they are written and compared. */
export function sortTerms(terms: PolicyTerms): PolicyTerms {
  const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  return {
    ...terms,
    rates: terms.rates.toSorted((a, b) => byText(a.payer, b.payer) || byText(a.access, b.access)),
    peaks: terms.peaks.toSorted((a, b) => byText(a.access, b.access)),
    oracles: terms.oracles.toSorted((a, b) => Buffer.compare(a, b)),
  }
}
