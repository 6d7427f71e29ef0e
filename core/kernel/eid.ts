// The number of an embedded secure element (GSMA SGP.29; check digits as in SGP.02 §2.2.2).
import { fail } from './errors.ts'
import type { Branded } from './ids.ts'

/** 32 decimal digits from 89; as a number it leaves 1 when divided by 97 (ISO/IEC 7064 MOD 97-10). */
export type Eid = Branded<string, 'Eid'>

/** Parses an EID; throws `ID_INVALID`. */
export function eid(text: string): Eid {
  const formed = /^89[0-9]{30}$/.test(text)
  if (formed && BigInt(text) % 97n === 1n) return text as Eid
  const came = formed ? `${text.slice(0, 8)}… with wrong check digits` : `${text.length} characters`
  return fail('ID_INVALID', { what: 'EID', expected: '32 digits from 89 with valid check digits', came })
}
