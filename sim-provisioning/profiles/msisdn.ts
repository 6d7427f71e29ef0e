// Telephone numbers (ITU-T E.164), judged by the numbering plans of the countries.
import { parsePhoneNumberFromString } from 'libphonenumber-js/max'
import { fail } from '../../core/kernel/errors.ts'
import type { Branded } from '../../core/kernel/ids.ts'

/** Digits of an international number with its country code, without `+`: as MAP, Diameter and SIM files carry it. */
export type Msisdn = Branded<string, 'Msisdn'>

/** Parses a number in international form, with or without `+`; throws `ID_INVALID` without repeating it. */
export function msisdn(text: string): Msisdn {
  const compact = text.replace(/[\s().-]/g, '')
  const number = /^\+?[0-9]{5,15}$/.test(compact)
    ? parsePhoneNumberFromString(compact.startsWith('+') ? compact : `+${compact}`)
    : undefined
  if (number?.isValid()) return number.number.slice(1) as Msisdn
  return fail('ID_INVALID', {
    what: 'MSISDN',
    expected: 'a number of a numbering plan with its country code, such as +1 415 555 2671',
    came: `${compact.length} characters`,
  })
}
