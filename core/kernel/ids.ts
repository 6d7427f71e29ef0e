// Identifiers as branded strings: a value of one kind cannot be passed for another, and parsing happens once, at the edge.
import { fail } from './errors.ts'

declare const brand: unique symbol
/** A `Base` that only the parser of its kind can make. */
export type Branded<Base, Kind extends string> = Base & { readonly [brand]: Kind }

/** International Mobile Subscriber Identity: 6 to 15 decimal digits (TS 23.003 §2.2). */
export type Imsi = Branded<string, 'Imsi'>
/** A radio (small cell or access point): 1 to 64 of `a-z 0-9 . _ -`, starting with a letter or digit. */
export type RadioId = Branded<string, 'RadioId'>
/** A subscriber of a payer: 1 to 64 of `a-z 0-9 . _ -`, starting with a letter or digit. */
export type SubscriberId = Branded<string, 'SubscriberId'>
/** Who pays for a subscriber's rewards (an MVNO partner): 1 to 64 of `a-z 0-9 . _ -`, starting with a letter or digit. */
export type PayerId = Branded<string, 'PayerId'>
/** A class that radios are registered in, for tariffs: 1 to 64 of `a-z 0-9 . _ -`, starting with a letter or digit. */
export type RadioClass = Branded<string, 'RadioClass'>
/** A plan that a subscriber is charged by: 1 to 64 of `a-z 0-9 . _ -`, starting with a letter or digit. */
export type PlanId = Branded<string, 'PlanId'>
/** A Solana address: 32 octets in base58. */
export type Wallet = Branded<string, 'Wallet'>

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

const name =
  <Id extends string>(what: string) =>
  (text: string): Id =>
    NAME.test(text)
      ? (text as Id)
      : fail('ID_INVALID', {
          what,
          expected: "1 to 64 of a-z, 0-9, '.', '_', '-', starting with a letter or digit",
          came: text,
        })

export const radioId = name<RadioId>('radio id')
export const radioClass = name<RadioClass>('radio class')
export const subscriberId = name<SubscriberId>('subscriber id')
export const payerId = name<PayerId>('payer id')
export const planId = name<PlanId>('plan id')

/** Parses an IMSI; throws `ID_INVALID` without repeating the digits. */
export function imsi(text: string): Imsi {
  if (/^[0-9]{6,15}$/.test(text)) return text as Imsi
  return fail('ID_INVALID', { what: 'IMSI', expected: '6 to 15 decimal digits', came: `${text.length} characters` })
}

/** Parses a Solana address; throws `ID_INVALID` unless it is base58 of exactly 32 octets. */
export function wallet(text: string): Wallet {
  if (base58Length(text) === 32) return text as Wallet
  return fail('ID_INVALID', {
    what: 'wallet',
    expected: 'a Solana address, base58 of 32 octets',
    came: text.slice(0, 64),
  })
}

/** Octets that `text` decodes to, or -1 when it is not base58. */
function base58Length(text: string): number {
  if (text.length < 32 || text.length > 44) return -1
  let value = 0n
  let zeros = 0
  let leading = true
  for (const char of text) {
    const digit = BASE58.indexOf(char)
    if (digit < 0) return -1
    if (leading && digit === 0) zeros++
    else leading = false
    value = value * 58n + BigInt(digit)
  }
  return zeros + (value === 0n ? 0 : Math.ceil(value.toString(16).length / 2))
}
