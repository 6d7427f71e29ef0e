// Sessions and their events on SQLite: one batch of records, one transaction. This is the hot path: two prepared statements per
// record, and nothing read that is remembered.
import { usageAppender } from '../../core/events/store.ts'
import type { Access } from '../../core/events/usage-event.ts'
import type { RadioId, SubscriberId } from '../../core/kernel/ids.ts'
import { millis, octets } from '../../core/kernel/units.ts'
import type { RawDatabase, Store } from '../../core/store/store.ts'
import { merge, type Outcome, type Report, type Session } from './session.ts'

/** A session's report, placed: whose session, on which radio. */
export interface SessionRecord {
  readonly kind: 'session'
  readonly report: Report
  /** Meter of record and scope of session identifiers: `radius:<client>:<NAS>`. */
  readonly origin: string
  /** Acct-Session-Id (RFC 2866 §5.5), as text or hex. */
  readonly sessionId: string
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
}

/** A session as it stands in the database. */
interface Known {
  /** Its number in the tables. */
  readonly number: bigint
  readonly session: Session
  readonly radio: RadioId | null
  readonly subscriber: SubscriberId | null
}

/** Sessions remembered at most; then all are forgotten and read again when they report. */
const REMEMBERED = 50_000

/** Takes all records in one durable transaction and says what became of each. Only one node at a time may use a database so. */
export function createAccountingStore(
  store: Store,
): (records: readonly AccountingRecord[]) => Promise<RecordOutcome[]> {
  const memory = new Map<string, Known>()
  let apply: ((record: AccountingRecord) => RecordOutcome) | undefined
  return async (records) => {
    try {
      return await store.batch((database) => {
        apply ??= prepare(database, memory)
        return records.map(apply)
      })
    } catch (error) {
      // What was rolled back must not be remembered.
      memory.clear()
      throw error
    }
  }
}

function prepare(database: RawDatabase, memory: Map<string, Known>): (record: AccountingRecord) => RecordOutcome {
  const select = database.prepare<[string], SessionRow>(
    `select session_no, incarnation, state, started_at, identity, radio_id, subscriber_id,
       sequence, uplink, downlink, last_at, seconds, gigawords, anomalies
     from usage_session join usage_counter using (session_no) where session_key = ?`,
  )
  const upsert = database
    .prepare<unknown[], bigint>(
      `insert into usage_session (session_key, incarnation, state, started_at, identity, radio_id, subscriber_id, origin)
       values (?, ?, ?, ?, ?, ?, ?, ?)
       on conflict (session_key) do update set incarnation = excluded.incarnation, state = excluded.state,
         started_at = excluded.started_at, identity = excluded.identity, radio_id = excluded.radio_id,
         subscriber_id = excluded.subscriber_id
       returning session_no`,
    )
    .pluck()
  const count = database.prepare(
    `insert or replace into usage_counter (session_no, sequence, uplink, downlink, last_at, seconds, gigawords, anomalies)
     values (?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const append = usageAppender(database)
  const close = database.prepare(
    `update usage_session set state = 'closed' where origin = ? and state = 'open' and started_at <= ?`,
  )

  const read = (key: string): Known | undefined => {
    const row = select.get(key)
    return row && { number: row.session_no, session: fromRow(row), radio: row.radio_id, subscriber: row.subscriber_id }
  }

  const applySession = (record: SessionRecord): RecordOutcome => {
    const key = record.origin + SEPARATOR + record.sessionId
    const known = memory.get(key) ?? read(key)
    const before = known?.session
    const { session, delta, outcome } = merge(before, record.report)
    if (session === before) return outcome
    const same = known !== undefined && session.incarnation === known.session.incarnation
    const subscriber = (same ? known.subscriber : null) ?? record.subscriber ?? null
    const radio = record.radio ?? (same ? known.radio : null)
    const settled = same && radio === known.radio && subscriber === known.subscriber
    const number =
      settled && session.open && session.identity === known.session.identity
        ? known.number
        : upsert.get(
            key,
            session.incarnation,
            session.open ? 'open' : 'closed',
            session.startedAt,
            session.identity,
            radio,
            subscriber,
            record.origin,
          )
    if (number === undefined) throw new RangeError('the session got no number')
    count.run(
      number,
      session.sequence,
      session.uplink,
      session.downlink,
      session.lastAt,
      session.seconds,
      session.gigawords ? 1 : 0,
      session.anomalies,
    )
    if (memory.size >= REMEMBERED) memory.clear()
    memory.set(key, { number, session, radio, subscriber })
    if (delta) {
      const end = record.report.at > delta.start ? record.report.at : delta.start
      append({
        origin: record.origin,
        sessionId: `${record.sessionId}#${session.incarnation}`,
        sequence: delta.sequence,
        subscriber: subscriber ?? undefined,
        radio: radio ?? undefined,
        access: record.access,
        start: millis(delta.start),
        end: millis(end),
        uplink: octets(delta.uplink),
        downlink: octets(delta.downlink),
        cause: record.report.status === 'stop' ? 'stop' : 'interim',
        received: millis(record.received),
        flags: delta.flags,
      })
    }
    return outcome
  }

  return (record) => {
    if (record.kind === 'session') return applySession(record)
    close.run(record.origin, record.at)
    memory.clear()
    return 'restarted'
  }
}

function fromRow(row: SessionRow): Session {
  return {
    incarnation: row.incarnation,
    open: row.state === 'open',
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
