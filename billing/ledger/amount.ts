// Amounts as people read and write them, in any unit that the ledger holds. Exact: whole numbers in, whole numbers out.
import { fail } from '../../core/kernel/errors.ts'
import { formatOctets, formatTokens } from '../../core/kernel/units.ts'
import type { LedgerUnit } from './accounts.ts'

const MICRO = 1_000_000n
const PLACES = 6

/** Micro-units as `12.50 EUR`: `decimals` places, and more only where the amount needs them. */
export function formatMoney(micro: bigint, currency: string, decimals = 2): string {
  const sign = micro < 0n ? '-' : ''
  const magnitude = micro < 0n ? -micro : micro
  const digits = (magnitude % MICRO).toString().padStart(PLACES, '0')
  const places = digits.slice(0, decimals) + digits.slice(decimals).replace(/0+$/, '')
  return `${sign}${magnitude / MICRO}${places === '' ? '' : `.${places}`} ${currency}`
}

/** An amount in `unit`: octets, seconds, messages, tokens, or money of a currency with `decimals` places. */
export function formatAmount(amount: bigint, unit: LedgerUnit, decimals = 2): string {
  const magnitude = amount < 0n ? -amount : amount
  switch (unit) {
    case 'octet':
      return `${amount < 0n ? '-' : ''}${formatOctets(magnitude)}`
    case 'second':
      return `${amount} s`
    case 'message':
      return `${amount} ${magnitude === 1n ? 'message' : 'messages'}`
    case 'microtoken':
      return `${formatTokens(amount)} tokens`
    default:
      return formatMoney(amount, unit, decimals)
  }
}

/** A sum of money as written, `12.50`, in micro-units; more than 0. Throws ID_INVALID. */
export function readMoney(text: string, decimals: number, currency: string): bigint {
  const [, whole, places = ''] = /^([0-9]{1,12})(?:\.([0-9]+))?$/.exec(text) ?? []
  const amount = whole === undefined || places.length > decimals ? 0n : BigInt(whole + places.padEnd(PLACES, '0'))
  if (amount > 0n) return amount
  const form = decimals === 0 ? 'digits alone, such as 1250' : `at most ${decimals} decimal places, such as 12.50`
  return fail('ID_INVALID', { what: 'amount', expected: `more than 0 ${currency}, ${form}`, came: text.slice(0, 64) })
}

const MULTIPLES: Readonly<Record<string, readonly ['octet' | 'second' | 'message', bigint]>> = {
  B: ['octet', 1n],
  kB: ['octet', 10n ** 3n],
  MB: ['octet', 10n ** 6n],
  GB: ['octet', 10n ** 9n],
  TB: ['octet', 10n ** 12n],
  s: ['second', 1n],
  min: ['second', 60n],
  messages: ['message', 1n],
}
/** Far below what 64 bits hold, so that sums of many stay within. */
const MOST = 10n ** 18n

/** Units of a bundle as written: `10 GB`, `600 s`, `100 min`, `50 messages`. Throws ID_INVALID. */
export function readUnits(text: string): { readonly unit: 'octet' | 'second' | 'message'; readonly amount: bigint } {
  const [, digits = '0', suffix = ''] = /^([0-9]{1,18}) ?([A-Za-z]{1,8})$/.exec(text) ?? []
  const [unit, multiple] = (Object.hasOwn(MULTIPLES, suffix) ? MULTIPLES[suffix] : undefined) ?? ['octet', 0n]
  const amount = BigInt(digits) * multiple
  if (amount > 0n && amount <= MOST) return { unit, amount }
  const expected = `a number above 0 and one of ${Object.keys(MULTIPLES).join(', ')}, such as '10 GB'`
  return fail('ID_INVALID', { what: 'amount', expected, came: text.slice(0, 64) })
}
