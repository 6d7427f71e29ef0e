// Dates and times on the command line.
import { fail } from '../../../core/kernel/errors.ts'
import { type Millis, millis } from '../../../core/kernel/units.ts'
import { instantOf } from '../plan/wall-clock.ts'

/** A date, whose first instant by the clock of `timeZone` is meant, or a time in UTC (RFC 3339). Throws ID_INVALID. */
export function readInstant(text: string, timeZone = 'UTC'): Millis {
  const [, time] = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?$/.exec(text) ?? [undefined, '']
  const at = time === '' ? Number.NaN : Date.parse(text)
  // Date.parse takes February 31 for March 3.
  if (!Number.isNaN(at) && new Date(at).toISOString().startsWith(text.slice(0, 10)))
    return time === undefined ? instantOf(BigInt(at), timeZone) : millis(at)
  const expected = 'a date like 2027-01-31 or a UTC time like 2027-01-31T12:00:00Z'
  return fail('ID_INVALID', { what: 'time', expected, came: text.slice(0, 64) })
}

/** UTC, to the second. */
export const formatInstant = (at: bigint): string => new Date(Number(at)).toISOString().replace(/\.\d+Z$/, 'Z')
