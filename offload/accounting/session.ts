// One accounting session's life, pure: cumulative counters in, differences out, each octet once. The access point is the paid
// party, and UDP reorders and repeats, so a counter is believed only where it moves forward, or where time proves a restart.
import { USAGE_FLAG } from '../../core/events/usage-event.ts'

/** Accounting-On and -Off end sessions without naming them: see the store. */
export type Status = 'start' | 'interim' | 'stop'

/** What one Accounting-Request says of a session. */
export interface Report {
  readonly status: Status
  /** When it happened: Event-Timestamp (RFC 2869 §5.3), else receipt less Acct-Delay-Time (RFC 2866 §5.2). Milliseconds. */
  readonly at: bigint
  /** `at` comes from the access point's own clock, so that it orders reports. */
  readonly timestamped: boolean
  /** Acct-Session-Time, seconds; -1n where absent. */
  readonly seconds: bigint
  readonly uplink: Counter
  readonly downlink: Counter
  /** User-Name as received, '' where absent. */
  readonly identity: string
}

export interface Counter {
  /** Gigawords × 2³² + Octets (RFC 2869 §5.1, §5.2); -1n where the octets attribute is absent. */
  readonly total: bigint
  readonly gigawords: boolean
}

export interface Session {
  readonly incarnation: bigint
  readonly open: boolean
  /** Events emitted so far. */
  readonly sequence: bigint
  /** High-water marks, octets. */
  readonly uplink: bigint
  readonly downlink: bigint
  readonly startedAt: bigint
  readonly lastAt: bigint
  readonly seconds: bigint
  readonly gigawords: boolean
  readonly identity: string
  readonly anomalies: bigint
}

export interface Delta {
  readonly sequence: bigint
  readonly start: bigint
  readonly uplink: bigint
  readonly downlink: bigint
  readonly flags: number
}

/** `counted`: the report moved the session on. The others change nothing but, for `suspect`, the anomaly count. */
export type Outcome = 'counted' | 'repeated' | 'late' | 'suspect'

export interface Merged {
  readonly session: Session
  /** The octets that this report adds, if any. */
  readonly delta: Delta | undefined
  readonly outcome: Outcome
}

const WORD = 1n << 32n
const HALF = 1n << 31n

/** Takes a report into the session (undefined when there is none yet). Every outcome is answered: the report is on record. */
export function merge(session: Session | undefined, report: Report): Merged {
  if (!session) return begin(report, 1n)
  if (report.status === 'start') return restart(session, report)
  if (!session.open) return { session, delta: undefined, outcome: 'late' }
  const order = compare(session, report)
  if (order === 'older' && report.status !== 'stop') return { session, delta: undefined, outcome: 'late' }
  return advance(session, report, order === 'newer')
}

function begin(report: Report, incarnation: bigint): Merged {
  const began = report.seconds > 0n ? report.at - report.seconds * 1000n : report.at
  const startedAt = began > 0n ? began : 0n
  const fresh: Session = {
    incarnation,
    open: true,
    sequence: 0n,
    uplink: 0n,
    downlink: 0n,
    startedAt,
    lastAt: startedAt,
    seconds: -1n,
    gigawords: false,
    identity: report.identity,
    anomalies: 0n,
  }
  if (report.status !== 'start') return advance(fresh, report, true, report.status === 'stop' ? USAGE_FLAG.noStart : 0)
  return { session: { ...fresh, seconds: report.seconds, open: true }, delta: undefined, outcome: 'counted' }
}

/** A Start for a known session is a repetition, or the access point uses the identifier again (after a reboot, say). */
function restart(session: Session, report: Report): Merged {
  const repeated = report.at <= session.lastAt || (session.open && session.uplink + session.downlink === 0n)
  if (repeated && report.identity === session.identity) return { session, delta: undefined, outcome: 'repeated' }
  if (report.at <= session.startedAt) return { session, delta: undefined, outcome: 'late' }
  return begin(report, session.incarnation + 1n)
}

/** Is the report newer than what is known? Session time decides, then the access point's clock; else nobody can tell. */
function compare(session: Session, report: Report): 'newer' | 'older' | 'same' | 'unknown' {
  if (report.seconds >= 0n && session.seconds >= 0n && report.seconds !== session.seconds)
    return report.seconds > session.seconds ? 'newer' : 'older'
  if (report.timestamped && report.at !== session.lastAt) return report.at > session.lastAt ? 'newer' : 'older'
  return report.timestamped || report.seconds >= 0n ? 'same' : 'unknown'
}

function advance(session: Session, report: Report, newer: boolean, noStart = 0): Merged {
  // Some access points send zeros in the Stop of a lost client: that is a missing counter, not a reset one.
  const blank =
    report.status === 'stop' &&
    report.uplink.total <= 0n &&
    report.downlink.total <= 0n &&
    session.uplink + session.downlink > 0n
  const up = blank ? held(session.uplink) : count(session.uplink, report.uplink, session.gigawords, newer)
  const down = blank ? held(session.downlink) : count(session.downlink, report.downlink, session.gigawords, newer)
  const suspect = up === undefined || down === undefined
  if (suspect && report.status !== 'stop')
    return { session: { ...session, anomalies: session.anomalies + 1n }, delta: undefined, outcome: 'suspect' }
  const uplink = up ?? held(session.uplink)
  const downlink = down ?? held(session.downlink)
  const moved = uplink.delta + downlink.delta > 0n
  const flags = uplink.flags | downlink.flags | (moved ? noStart : 0)
  // Written out: a spread of the session would cost a tenth of the whole request.
  const next: Session = {
    incarnation: session.incarnation,
    open: report.status !== 'stop',
    sequence: moved ? session.sequence + 1n : session.sequence,
    uplink: uplink.high,
    downlink: downlink.high,
    startedAt: session.startedAt,
    lastAt: report.at > session.lastAt ? report.at : session.lastAt,
    seconds: report.seconds > session.seconds ? report.seconds : session.seconds,
    gigawords: session.gigawords || report.uplink.gigawords || report.downlink.gigawords,
    identity: session.identity === '' ? report.identity : session.identity,
    anomalies: session.anomalies + (suspect || blank || (flags & ~USAGE_FLAG.noStart) !== 0 ? 1n : 0n),
  }
  if (!moved && !suspect && next.open && next.lastAt === session.lastAt && next.seconds === session.seconds)
    return { session, delta: undefined, outcome: 'repeated' }
  const delta = moved
    ? { sequence: next.sequence, start: session.lastAt, uplink: uplink.delta, downlink: downlink.delta, flags }
    : undefined
  return { session: next, delta, outcome: suspect ? 'suspect' : 'counted' }
}

interface Counted {
  readonly high: bigint
  readonly delta: bigint
  readonly flags: number
}

const held = (high: bigint): Counted => ({ high, delta: 0n, flags: 0 })

/**
 * What a counter adds to its high-water mark. A fall counts from zero again, flagged, only when the report is provably newer;
 * otherwise (undefined) it may be a late packet, and believing it would charge the next one's octets twice.
 */
function count(
  high: bigint,
  { total, gigawords }: Counter,
  sawGigawords: boolean,
  newer: boolean,
): Counted | undefined {
  if (total < 0n) return held(high)
  if (!gigawords && !sawGigawords) {
    const value = high - (high % WORD) + total
    if (value >= high) {
      // A far jump after an inferred wrap is rather a packet from before it.
      if (high >= WORD && value - high > HALF && !newer) return undefined
      return { high: value, delta: value - high, flags: 0 }
    }
    if (newer && high - value > HALF)
      return { high: value + WORD, delta: value + WORD - high, flags: USAGE_FLAG.wrapAssumed }
  } else if (total >= high) return { high: total, delta: total - high, flags: 0 }
  return newer ? { high: total, delta: total, flags: USAGE_FLAG.counterFell } : undefined
}
