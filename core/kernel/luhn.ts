// The check digit of ISO/IEC 7812-1 Annex B, which closes an ICCID (ITU-T E.118) and an IMEI (TS 23.003 Annex B).

/** The digit that makes `digits` with it valid. `digits` is decimal. */
export function luhnDigit(digits: string): string {
  let sum = 0
  for (let index = digits.length - 1, double = true; index >= 0; index--, double = !double) {
    const digit = digits.charCodeAt(index) - 48
    sum += double ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit
  }
  return String((10 - (sum % 10)) % 10)
}

/** True when the last digit of `digits` is the check digit of the others. */
export const luhnValid = (digits: string): boolean => luhnDigit(digits.slice(0, -1)) === digits.at(-1)
