// The one place where an invoice is rounded: once per period and tenant, never per session.

export interface Rounding {
  /** Decimal places of the currency, 0 to 6. */
  readonly decimals: number
  /** `up`: away from zero. `down`: towards zero. `half-up`: half goes away from zero. `half-even`: half goes to the even digit. */
  readonly mode: 'half-even' | 'half-up' | 'up' | 'down'
}

const PLACES = 6

/** `amount` (micro-units, may be negative for a refund) to a whole number of the currency's smallest coins, in micro-units. */
export function roundPeriod(amount: bigint, { decimals, mode }: Rounding): bigint {
  const coin = 10n ** BigInt(PLACES - decimals)
  const magnitude = amount < 0n ? -amount : amount
  const whole = magnitude / coin
  const rest = (magnitude % coin) * 2n
  const up =
    mode === 'up'
      ? rest > 0n
      : mode === 'half-up'
        ? rest >= coin
        : mode === 'half-even' && (rest > coin || (rest === coin && whole % 2n === 1n))
  const rounded = (whole + (up ? 1n : 0n)) * coin
  return amount < 0n ? -rounded : rounded
}
