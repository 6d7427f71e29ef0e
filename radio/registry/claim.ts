// What somebody types or writes into a file about a radio, turned into a claim that the register takes.
import type { Access } from '../../core/events/usage-event.ts'
import { bssid } from '../../core/kernel/bssid.ts'
import { fail } from '../../core/kernel/errors.ts'
import { radioClass, radioId, wallet } from '../../core/kernel/ids.ts'
import type { NewRadio } from './store.ts'

export interface ClaimText {
  readonly radio: string
  readonly owner: string
  readonly access?: string | undefined
  readonly radioClass?: string | undefined
  readonly nasIdentifier?: string | undefined
  readonly bssid?: string | undefined
  readonly cell?: string | undefined
  readonly payout?: string | undefined
}

const ACCESS: readonly Access[] = ['wifi', 'lte', 'nr']

/** Throws `ID_INVALID`, naming the first part that is wrong. */
export function readClaim(text: ClaimText): NewRadio {
  return {
    radio: radioId(text.radio),
    access: access(text.access ?? 'wifi'),
    radioClass: text.radioClass === undefined ? undefined : radioClass(text.radioClass),
    nasIdentifier: text.nasIdentifier === undefined ? undefined : nasIdentifier(text.nasIdentifier),
    calledStation: text.bssid === undefined ? undefined : bssid(text.bssid),
    cell: text.cell === undefined ? undefined : cell(text.cell),
    owner: wallet(text.owner),
    payout: text.payout === undefined ? undefined : wallet(text.payout),
  }
}

function access(text: string): Access {
  const known = ACCESS.find((name) => name === text)
  return known ?? fail('ID_INVALID', { what: 'access', expected: ACCESS.join(', '), came: text.slice(0, 64) })
}

/** A NAS-Identifier is text (RFC 2865 §5.32) of at most 253 octets (§5); control characters are a slip of the keyboard. */
function nasIdentifier(text: string): string {
  const length = Buffer.byteLength(text)
  if (length >= 1 && length <= 253 && !/\p{Cc}/u.test(text)) return text
  return fail('ID_INVALID', { what: 'NAS-Identifier', expected: '1 to 253 octets of text', came: text.slice(0, 64) })
}

/**
 * How a core network names a radio (TS 23.003 §19.6, §19.6A, §19.4.2.3): PLMN and, in hex digits, 7 of an E-UTRAN cell, 9 of an NR cell, 5 of a
 * macro eNB with all its cells, 4 or 6 of a tracking area that holds nothing else.
 */
function cell(text: string): string {
  const lower = text.trim().toLowerCase()
  if (/^\d{5,6}-([0-9a-f]{4,7}|[0-9a-f]{9})$/.test(lower)) return lower
  return fail('ID_INVALID', {
    what: 'cell',
    expected:
      "MCC and MNC digits, '-', and 7 hex digits of an ECI, 9 of an NCI, 5 of an eNB, 4 or 6 of a TAC, like 99970-0000101",
    came: text.slice(0, 64),
  })
}

/** A date (its first instant, UTC) or an RFC 3339 time in UTC, as milliseconds since 1970; throws `ID_INVALID`. */
export function readInstant(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?$/.test(text) ? Date.parse(text) : Number.NaN
  // Date.parse takes February 31 for March 3.
  if (!Number.isNaN(at) && new Date(at).toISOString().startsWith(text.slice(0, 10))) return at
  const expected = 'a date like 2027-01-31 or a UTC time like 2027-01-31T12:00:00Z'
  return fail('ID_INVALID', { what: 'time', expected, came: text.slice(0, 64) })
}
