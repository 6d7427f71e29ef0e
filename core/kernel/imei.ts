// The number of a phone (TS 23.003 §6.2).
import { fail } from './errors.ts'
import type { Branded } from './ids.ts'
import { luhnDigit, luhnValid } from './luhn.ts'

/** 15 decimal digits: type allocation code, serial number, check digit. */
export type Imei = Branded<string, 'Imei'>

/**
 * Parses an IMEI, or an IMEISV of 16 digits, whose software version is dropped. A network carries 0 in place of the check digit
 * (TS 23.003 §6.2.1): 14 digits, and 15 with a last 0, get the right one. Throws `ID_INVALID`.
 */
export function imei(text: string): Imei {
  if (/^[0-9]{14,16}$/.test(text)) {
    const body = text.slice(0, 14)
    if (text.length !== 15 || text.endsWith('0')) return (body + luhnDigit(body)) as Imei
    if (luhnValid(text)) return text as Imei
  }
  const came = `${text.length} characters${/^[0-9]{15}$/.test(text) ? ' with a wrong check digit' : ''}`
  return fail('ID_INVALID', { what: 'IMEI', expected: '15 digits with a valid check digit', came })
}
