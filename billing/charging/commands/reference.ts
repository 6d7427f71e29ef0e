// What operators call their payments and gifts.
import { fail } from '../../../core/kernel/errors.ts'

/** Names a payment or a gift in causes of transfers and in account ids. */
export function readReference(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/.test(text)) return text
  const expected = "1 to 100 of letters, digits, '.', '_', '/', '-', beginning with a letter or digit"
  return fail('ID_INVALID', { what: '--reference', expected, came: text.slice(0, 64) })
}
