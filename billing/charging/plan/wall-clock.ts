// What the clock on the wall shows in a time zone, and when it shows it. Knows of daylight saving through Intl, and of nothing else.
import { type Millis, millis } from '../../../core/kernel/units.ts'

export const MINUTE = 60_000n
export const DAY = 86_400_000n

/** A date and time without a zone, as milliseconds since 1970-01-01T00:00 on the same wall: arithmetic on dates, not an instant. */
export type Wall = bigint

const formats = new Map<string, Intl.DateTimeFormat>()

/** Throws RangeError where the time zone is not one of the IANA data base. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(timeZone, format)
  }
  return format
}

/** Whether Intl knows this name of a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

// Offsets change on a whole minute of UTC, everywhere since 1973: one question to Intl answers for a minute.
const SLOT = MINUTE
const SLOTS_KEPT = 20_000
const offsets = new Map<string, Map<bigint, bigint>>()

/** Milliseconds by which the wall clock is ahead of UTC at the instant `at`. */
function offsetAt(at: bigint, timeZone: string): bigint {
  let known = offsets.get(timeZone)
  if (!known) {
    known = new Map()
    offsets.set(timeZone, known)
  }
  const slot = floorDiv(at, SLOT)
  let offset = known.get(slot)
  if (offset === undefined) {
    if (known.size >= SLOTS_KEPT) known.clear()
    offset = askIntl(slot * SLOT, timeZone)
    known.set(slot, offset)
  }
  return offset
}

function askIntl(at: bigint, timeZone: string): bigint {
  const field: Record<string, number> = {}
  for (const { type, value } of formatOf(timeZone).formatToParts(Number(at))) field[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = field
  return BigInt(Date.UTC(year, month - 1, day, hour, minute, second)) - at
}

/** What the wall clock shows at the instant `at`. */
export const wallAt = (at: bigint, timeZone: string): Wall => at + offsetAt(at, timeZone)

/** Every instant at which the wall clock shows `wall`, in order: none where the clock skips it, two where it comes twice. */
export function instantsOf(wall: Wall, timeZone: string): Millis[] {
  const around = [offsetAt(wall - DAY, timeZone), offsetAt(wall + DAY, timeZone)]
  const candidates = [...new Set(around)].map((offset) => wall - offset).sort((a, b) => (a < b ? -1 : 1))
  return candidates.filter((at) => wallAt(at, timeZone) === wall).map(millis)
}

/** The instant at which the wall clock reaches `wall`: the earlier of two, and where `wall` is skipped, the instant of the skip. */
export function instantOf(wall: Wall, timeZone: string): Millis {
  const [first] = instantsOf(wall, timeZone)
  if (first !== undefined) return first
  const change = nextChange(wall - DAY, wall + DAY, timeZone)
  if (change === undefined) throw new RangeError(`the wall clock of ${timeZone} never shows ${wall}`)
  return change
}

/** The first change of the offset in (`after`, `until`]; `until` at most two days after `after`. */
export function nextChange(after: bigint, until: bigint, timeZone: string): Millis | undefined {
  const before = offsetAt(after, timeZone)
  if (offsetAt(until, timeZone) === before) return undefined
  let [low, high] = [floorDiv(after, SLOT), floorDiv(until, SLOT)]
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    if (offsetAt(middle * SLOT, timeZone) === before) low = middle
    else high = middle
  }
  return millis(high * SLOT)
}

/** Division that rounds down, also below zero. */
export function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}
