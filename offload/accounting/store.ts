// Sessions and their events on SQLite: one batch of records, one transaction. This is the hot path: prepared statements,
// three per record, nothing read twice.
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

/** Takes all records in one durable transaction and says what became of each. */
export function createAccountingStore(
  store: Store,
): (records: readonly AccountingRecord[]) => Promise<RecordOutcome[]> {
  let apply: ((record: AccountingRecord) => RecordOutcome) | undefined
  return (records) =>
    store.batch((database) => {
      apply ??= prepare(database)
      return records.map(apply)
    })
}

function prepare(database: RawDatabase): (record: AccountingRecord) => RecordOutcome {
  const select = database.prepare<[string], SessionRow>(
    `select incarnation, state, sequence, uplink, downlink, started_at, last_at, seconds, gigawords, identity, anomalies,
       radio_id, subscriber_id from usage_session where session_key = ?`,
  )
  const upsert = database.prepare(
    `insert into usage_session (session_key, incarnation, state, sequence, uplink, downlink, started_at, last_at, seconds,
       gigawords, identity, anomalies, radio_id, subscriber_id, origin)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (session_key) do update set incarnation = excluded.incarnation, state = excluded.state,
       sequence = excluded.sequence, uplink = excluded.uplink, downlink = excluded.downlink, started_at = excluded.started_at,
       last_at = excluded.last_at, seconds = excluded.seconds, gigawords = excluded.gigawords, identity = excluded.identity,
       anomalies = excluded.anomalies, radio_id = excluded.radio_id, subscriber_id = excluded.subscriber_id`,
  )
  // Most records move an open session on: only what they change is written, so that no index is touched.
  const advance = database.prepare(
    `update usage_session set sequence = ?, uplink = ?, downlink = ?, last_at = ?, seconds = ?, gigawords = ?, anomalies = ?,
       identity = ?, radio_id = ?, subscriber_id = ? where session_key = ?`,
  )
  const append = usageAppender(database)
  const close = database.prepare(
    `update usage_session set state = 'closed' where origin = ? and state = 'open' and started_at <= ?`,
  )

  const save = (
    key: string,
    session: Session,
    radio: RadioId | null,
    subscriber: SubscriberId | null,
    origin: string,
  ): void => {
    upsert.run(
      key,
      session.incarnation,
      session.open ? 'open' : 'closed',
      session.sequence,
      session.uplink,
      session.downlink,
      session.startedAt,
      session.lastAt,
      session.seconds,
      session.gigawords ? 1 : 0,
      session.identity,
      session.anomalies,
      radio,
      subscriber,
      origin,
    )
  }

  const applySession = (record: SessionRecord): RecordOutcome => {
    const key = record.origin + SEPARATOR + record.sessionId
    const row = select.get(key)
    const before = row && fromRow(row)
    const { session, delta, outcome } = merge(before, record.report)
    if (session === before) return outcome
    const same = before !== undefined && session.incarnation === before.incarnation
    const subscriber = (same ? row?.subscriber_id : undefined) ?? record.subscriber ?? null
    const radio = record.radio ?? (same ? row?.radio_id : undefined) ?? null
    if (same && session.open) {
      advance.run(
        session.sequence,
        session.uplink,
        session.downlink,
        session.lastAt,
        session.seconds,
        session.gigawords ? 1 : 0,
        session.anomalies,
        session.identity,
        radio,
        subscriber,
        key,
      )
    } else save(key, session, radio, subscriber, record.origin)
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
