// Units as branded integers. Counters and money are bigint end to end; JSON carries them as decimal strings.
import { fail } from './errors.ts'
import type { Branded } from './ids.ts'

/** Octets of user traffic, never negative. */
export type Octets = Branded<bigint, 'Octets'>
/** Millionths of the settlement token. */
export type Microtokens = Branded<bigint, 'Microtokens'>
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Millis = Branded<bigint, 'Millis'>

export const octets = (value: bigint): Octets => (value >= 0n ? (value as Octets) : negative('octets', value))
export const microtokens = (value: bigint): Microtokens =>
  value >= 0n ? (value as Microtokens) : negative('microtokens', value)
export const millis = (value: bigint | number): Millis => BigInt(value) as Millis

/** The unit in which rates are quoted: microtokens per 1,000,000 octets. */
export const RATE_OCTETS = 1_000_000n

function negative(what: string, value: bigint): never {
  return fail('UNIT_NEGATIVE', { what, came: value.toString() })
}

/** Parses a decimal string into a non-negative bigint; throws `UNIT_INVALID`. */
export function decimal(text: string, what: string): bigint {
  if (/^[0-9]{1,19}$/.test(text)) return BigInt(text)
  return fail('UNIT_INVALID', { what, came: text.slice(0, 64) })
}

/** JSON text with bigint as decimal strings; `indent` as JSON.stringify takes it. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item), indent)
}

const STEPS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Octets for people: decimal multiples with one digit, exact below 1 kB. */
export function formatOctets(value: bigint): string {
  let step = 0
  let scale = 1n
  while (step < STEPS.length - 1 && value >= scale * 1000n) {
    scale *= 1000n
    step++
  }
  if (step === 0) return `${value} B`
  const tenths = (value * 10n) / scale
  return `${tenths / 10n}.${tenths % 10n} ${STEPS[step]}`
}

/** Microtokens for people: a decimal number of tokens with six places. */
export function formatTokens(value: bigint): string {
  const sign = value < 0n ? '-' : ''
  const magnitude = value < 0n ? -value : value
  return `${sign}${magnitude / 1_000_000n}.${(magnitude % 1_000_000n).toString().padStart(6, '0')}`
}
