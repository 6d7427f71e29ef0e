// Sessions and their events: one batch of records, one transaction, a few statements. This is the hot path: nothing is read that is
// remembered, and a session's row is written once however many of its reports the batch holds.
import { appendUsage } from '../../core/events/store.ts'
import type { Access, UsageEvent } from '../../core/events/usage-event.ts'
import type { RadioId, SubscriberId } from '../../core/kernel/ids.ts'
import { millis, octets } from '../../core/kernel/units.ts'
import type { Sql, Target, Value } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { type Delta, merge, type Outcome, type Report, type Session } from './session.ts'

/** A session's report, placed: whose session, on which radio. */
export interface SessionRecord {
  readonly kind: 'session'
  readonly report: Report
  /** Meter of record and scope of session identifiers: `radius:<client>:<NAS>`. */
  readonly origin: string
  /** Acct-Session-Id (RFC 2866 §5.5), as text or hex. */
  readonly sessionId: string
  /** Acct-Multi-Session-Id (RFC 2866 §5.11) and Calling-Station-Id (RFC 2865 §5.31), where the access point sends them. */
  readonly multiSession?: string | undefined
  readonly callingStation?: string | undefined
  readonly radio: RadioId | undefined
  readonly subscriber: SubscriberId | undefined
  readonly access: Access
  readonly received: bigint
}

/** Accounting-On or -Off (RFC 2866 §5.1): every session of the access point that began before `at` has ended. */
export interface RestartRecord {
  readonly kind: 'restart'
  readonly origin: string
  readonly at: bigint
}

export type AccountingRecord = SessionRecord | RestartRecord
export type RecordOutcome = Outcome | 'restarted'

/** Neither part of a key contains control characters. */
const SEPARATOR = '\u001f'

interface SessionRow {
  readonly session_key: string
  readonly session_no: bigint
  readonly incarnation: bigint
  readonly state: string
  readonly sequence: bigint
  readonly uplink: bigint
  readonly downlink: bigint
  readonly started_at: bigint
  readonly last_at: bigint
  readonly seconds: bigint
  readonly gigawords: bigint
  readonly identity: string
  readonly anomalies: bigint
  readonly radio_id: RadioId | null
  readonly subscriber_id: SubscriberId | null
  readonly multi_session: string | null
  readonly calling_station: string | null
}

const SELECT = `select session_key, session_no, incarnation, state, started_at, identity, radio_id, subscriber_id,
  multi_session, calling_station, sequence, uplink, downlink, last_at, seconds, gigawords, anomalies
  from usage_session join usage_counter using (session_no)`

const SESSION_COLUMNS = [
  'session_key',
  'incarnation',
  'state',
  'started_at',
  'identity',
  'radio_id',
  'subscriber_id',
  'origin',
  'multi_session',
  'calling_station',
] as const
const NEW_SESSIONS: Target = { table: 'usage_session', columns: SESSION_COLUMNS, conflict: '(session_key) do nothing' }
const CHANGED_SESSIONS: Target = {
  table: 'usage_session',
  columns: SESSION_COLUMNS,
  conflict: `(session_key) do update set incarnation = excluded.incarnation, state = excluded.state,
    started_at = excluded.started_at, identity = excluded.identity, radio_id = excluded.radio_id,
    subscriber_id = excluded.subscriber_id, multi_session = excluded.multi_session, calling_station = excluded.calling_station`,
}
const COUNTERS: Target = {
  table: 'usage_counter',
  columns: ['session_no', 'sequence', 'uplink', 'downlink', 'last_at', 'seconds', 'gigawords', 'anomalies'],
  conflict: `(session_no) do update set sequence = excluded.sequence, uplink = excluded.uplink, downlink = excluded.downlink,
    last_at = excluded.last_at, seconds = excluded.seconds, gigawords = excluded.gigawords, anomalies = excluded.anomalies`,
}

/** A session as the batch leaves it. */
interface Known {
  readonly key: string
  readonly origin: string
  /** Its number in the tables; undefined until its first row is written. */
  number: bigint | undefined
  session: Session | undefined
  /** `<Acct-Session-Id>#<incarnation>`, what its events call it. */
  eventName: string
  radio: RadioId | null
  subscriber: SubscriberId | null
  multiSession: string | null
  callingStation: string | null
  /** More than counters changed. */
  changed: boolean
}

/** Sessions remembered at most; then all are forgotten and read again when they report. */
const REMEMBERED = 50_000
/** Another node opened one of our new sessions in the same instant: so often the batch starts again. */
const ATTEMPTS = 5

class Raced extends Error {}

/** Takes all records in one durable transaction and says what became of each. */
export function createAccountingStore(
  store: Store,
): (records: readonly AccountingRecord[]) => Promise<RecordOutcome[]> {
  const apply = async (sql: Sql, records: readonly AccountingRecord[]): Promise<RecordOutcome[]> => {
    // Only where nobody else writes is memory as good as the table.
    const memory = sql.memory<string, Known>('usage_session') ?? new Map<string, Known>()
    if (memory.size >= REMEMBERED) memory.clear()
    const outcomes: RecordOutcome[] = []
    for (let from = 0; from < records.length; ) {
      const record = records[from]
      if (record?.kind === 'restart') {
        await sql.run(CLOSE, record.origin, record.at)
        memory.clear()
        outcomes.push('restarted')
        from++
        continue
      }
      let end = from + 1
      while (end < records.length && records[end]?.kind === 'session') end++
      const run = records.slice(from, end) as SessionRecord[]
      for (const outcome of await applySessions(sql, memory, run)) outcomes.push(outcome)
      from = end
    }
    return outcomes
  }
  return async (records) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await store.batch((sql) => apply(sql, records))
      } catch (error) {
        if (!(error instanceof Raced) || attempt === ATTEMPTS) throw error
      }
    }
  }
}

const CLOSE = `update usage_session set state = 'closed' where origin = ? and state <> 'closed' and started_at <= ?`

async function applySessions(
  sql: Sql,
  memory: Map<string, Known>,
  records: readonly SessionRecord[],
): Promise<RecordOutcome[]> {
  const places: Known[] = []
  const missing: Known[] = []
  for (const record of records) {
    const key = record.origin + SEPARATOR + record.sessionId
    let known = memory.get(key)
    if (!known) {
      known = {
        key,
        origin: record.origin,
        number: undefined,
        session: undefined,
        eventName: '',
        radio: null,
        subscriber: null,
        multiSession: null,
        callingStation: null,
        changed: false,
      }
      memory.set(key, known)
      missing.push(known)
    }
    places.push(known)
  }
  if (missing.length > 0) await load(sql, memory, missing)
  const events: Omit<UsageEvent, 'eventId'>[] = []
  const moved = new Set<Known>()
  const outcomes: RecordOutcome[] = []
  for (let index = 0; index < records.length; index++) {
    const [record, known] = [records[index], places[index]]
    if (!record || !known) continue
    const { session, delta, outcome } = merge(known.session, record.report)
    outcomes.push(outcome)
    if (session === known.session) continue
    move(known, session, record)
    moved.add(known)
    if (delta) events.push(eventOf(record, known, delta))
  }
  await write(sql, [...moved])
  await appendUsage(sql, events)
  return outcomes
}

/** Brings in what the tables know of sessions that memory does not. */
async function load(sql: Sql, memory: ReadonlyMap<string, Known>, missing: readonly Known[]): Promise<void> {
  const keys = missing.map(({ key }) => key)
  for (const row of await sql.find<SessionRow>(SELECT, 'session_key', keys, 'lock')) {
    const known = memory.get(row.session_key)
    if (!known) continue
    known.number = row.session_no
    known.session = fromRow(row)
    known.radio = row.radio_id
    known.subscriber = row.subscriber_id
    known.multiSession = row.multi_session
    known.callingStation = row.calling_station
    known.eventName = nameOf(known, known.session)
    // Heard from again: see stale.ts.
    known.changed = row.state === 'stale'
  }
}

const nameOf = ({ key, origin }: Known, { incarnation }: Session): string =>
  `${key.slice(origin.length + SEPARATOR.length)}#${incarnation}`

function move(known: Known, session: Session, record: SessionRecord): void {
  const before = known.session
  const same = before !== undefined && session.incarnation === before.incarnation
  const subscriber = (same ? known.subscriber : null) ?? record.subscriber ?? null
  const radio = record.radio ?? (same ? known.radio : null)
  const multiSession = record.multiSession ?? (same ? known.multiSession : null)
  const callingStation = record.callingStation ?? (same ? known.callingStation : null)
  const settled =
    same &&
    radio === known.radio &&
    subscriber === known.subscriber &&
    multiSession === known.multiSession &&
    callingStation === known.callingStation
  if (!settled || !session.open || session.identity !== before.identity) known.changed = true
  if (!same) known.eventName = nameOf(known, session)
  known.session = session
  known.subscriber = subscriber
  known.radio = radio
  known.multiSession = multiSession
  known.callingStation = callingStation
}

function eventOf(record: SessionRecord, known: Known, delta: Delta): Omit<UsageEvent, 'eventId'> {
  return {
    origin: record.origin,
    sessionId: known.eventName,
    sequence: delta.sequence,
    subscriber: known.subscriber ?? undefined,
    radio: known.radio ?? undefined,
    access: record.access,
    start: millis(delta.start),
    end: millis(record.report.at > delta.start ? record.report.at : delta.start),
    uplink: octets(delta.uplink),
    downlink: octets(delta.downlink),
    cause: record.report.status === 'stop' ? 'stop' : 'interim',
    received: millis(record.received),
    flags: delta.flags,
  }
}

async function write(sql: Sql, moved: readonly Known[]): Promise<void> {
  const fresh = moved.filter(({ number }) => number === undefined)
  if (fresh.length > 0) {
    const rows = await sql.insertReturning<{ session_key: string; session_no: bigint }>(
      NEW_SESSIONS,
      'session_key, session_no',
      fresh.map(sessionValues),
    )
    if (rows.length < fresh.length) throw new Raced()
    const numbers = new Map(rows.map(({ session_key: key, session_no: number }) => [key, number]))
    for (const known of fresh) {
      known.number = numbers.get(known.key)
      known.changed = false
    }
  }
  const changed = moved.filter((known) => known.changed)
  if (changed.length > 0) await sql.insert(CHANGED_SESSIONS, changed.map(sessionValues))
  for (const known of changed) known.changed = false
  await sql.insert(COUNTERS, moved.map(counterValues))
}

function sessionValues({ key, session, radio, subscriber, origin, multiSession, callingStation }: Known): Value[] {
  if (!session) throw new RangeError('a session that nothing moved is not written')
  const { incarnation, open, startedAt, identity } = session
  const state = open ? 'open' : 'closed'
  return [key, incarnation, state, startedAt, identity, radio, subscriber, origin, multiSession, callingStation]
}

function counterValues({ number, session }: Known): Value[] {
  if (!session || number === undefined) throw new RangeError('the session got no number')
  const { sequence, uplink, downlink, lastAt, seconds, gigawords, anomalies } = session
  return [number, sequence, uplink, downlink, lastAt, seconds, gigawords ? 1n : 0n, anomalies]
}

function fromRow(row: SessionRow): Session {
  return {
    incarnation: row.incarnation,
    open: row.state !== 'closed',
    sequence: row.sequence,
    uplink: row.uplink,
    downlink: row.downlink,
    startedAt: row.started_at,
    lastAt: row.last_at,
    seconds: row.seconds,
    gigawords: row.gigawords === 1n,
    identity: row.identity,
    anomalies: row.anomalies,
  }
}
