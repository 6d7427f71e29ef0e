// An IMSI with the length of its network code. An IMSI does not tell where its MNC ends (TS 23.003 §2.2): that is data of the
// operator, written down beside every SIM.
import { fail } from '../../core/kernel/errors.ts'
import { type Imsi, imsi } from '../../core/kernel/ids.ts'
import type { Plmn } from '../auth/plmn.ts'

export type MncDigits = 2 | 3

/** Parses `2` or `3`; throws `ID_INVALID`. */
export function mncDigits(text: string): MncDigits {
  if (text === '2' || text === '3') return text === '2' ? 2 : 3
  return fail('ID_INVALID', { what: 'length of the MNC', expected: '2 or 3', came: text.slice(0, 16) })
}

/** Parses the IMSI of a SIM, all 15 digits of it; throws `ID_INVALID` without repeating them. */
export function simImsi(text: string): Imsi {
  if (text.length === 15) return imsi(text)
  return fail('ID_INVALID', { what: 'IMSI', expected: '15 decimal digits', came: `${text.length} characters` })
}

/** The network that an IMSI belongs to. */
export const homePlmn = (digits: Imsi, length: MncDigits): Plmn => ({
  mcc: digits.slice(0, 3),
  mnc: digits.slice(3, 3 + length),
})
