// The number of a card (ITU-T E.118): major industry identifier 89, country, issuer, account number, Luhn digit.
import { fail } from './errors.ts'
import type { Branded } from './ids.ts'
import { luhnDigit, luhnValid } from './luhn.ts'

/** 18 to 20 decimal digits, 19 as a rule, the last of them the check digit. */
export type Iccid = Branded<string, 'Iccid'>

const DIGITS = /^89[0-9]{16,18}$/

/** Parses an ICCID, with or without the filler F of EF.ICCID at its end; throws `ID_INVALID`. */
export function iccid(text: string): Iccid {
  const digits = text.length === 20 && /[fF]$/.test(text) ? text.slice(0, -1) : text
  if (DIGITS.test(digits) && luhnValid(digits)) return digits as Iccid
  const came = DIGITS.test(digits)
    ? `${digits.slice(0, 7)}… with the check digit ${digits.at(-1)}, not ${luhnDigit(digits.slice(0, -1))}`
    : /^[0-9]*$/.test(digits)
      ? `${digits.length} digits from '${digits.slice(0, 2)}'`
      : `${digits.length} characters that are not all digits`
  return fail('ID_INVALID', { what: 'ICCID', expected: '18 to 20 digits from 89 with a valid check digit', came })
}

/** The ICCID of an account number: `body` without check digit, 17 to 19 digits; throws `ID_INVALID`. */
export const iccidOf = (body: string): Iccid => iccid(body + (/^[0-9]+$/.test(body) ? luhnDigit(body) : ''))

/** The 10 octets of EF.ICCID: digits swapped in pairs, F where none is left (TS 102 221 §13.2). */
export function encodeIccid(value: Iccid): Uint8Array {
  const digits = value.padEnd(20, 'f')
  return Uint8Array.from({ length: 10 }, (_, index) =>
    Number.parseInt(`${digits[2 * index + 1]}${digits[2 * index]}`, 16),
  )
}

/** The inverse of `encodeIccid`; throws `ID_INVALID`. */
export function decodeIccid(octets: Uint8Array): Iccid {
  const digits = Array.from(octets, (octet) => (octet & 15).toString(16) + (octet >> 4).toString(16)).join('')
  return iccid(digits.replace(/f+$/, ''))
}
