// Charging sessions to and from their rows. The counter's row is the lock: whoever works on a session has it first of all.
import type { SessionDetail } from '../../../core/events/quota.ts'
import type { Access } from '../../../core/events/usage-event.ts'
import type { PayerId, RadioId, SubscriberId } from '../../../core/kernel/ids.ts'
import { type Millis, toJson } from '../../../core/kernel/units.ts'
import type { Sql, Target, Value } from '../../../core/store/sql.ts'
import { decodeAnswers, encodeAnswers } from './earlier.ts'
import { decodeServices, encodeServices } from './services-codec.ts'
import { Session } from './session.ts'
import type { SessionFields } from './state.ts'

interface SessionRow {
  readonly session_no: bigint
  readonly session_key: string
  readonly subscriber_id: SubscriberId
  readonly pool_id: string | null
  readonly tenant_id: PayerId
  readonly plan_no: bigint | null
  readonly opened_at: Millis
  readonly closed_at: Millis | null
  readonly check_at: Millis | null
  readonly access: Access
  readonly radio_id: RadioId | null
  readonly visited_plmn: string | null
}

interface CounterRow {
  readonly session_no: bigint
  readonly state: SessionFields['state']
  readonly number: bigint
  readonly seen: bigint
  readonly last_at: Millis
  readonly gaps: bigint
  readonly late: bigint
  readonly context: string
  readonly answer: string
  readonly services: Uint8Array
}

const SESSION = [
  ...['session_key', 'subscriber_id', 'pool_id', 'tenant_id', 'plan_no', 'opened_at', 'closed_at', 'check_at'],
  ...['access', 'radio_id', 'visited_plmn'],
]
const COUNTER = ['session_no', 'state', 'number', 'seen', 'last_at', 'gaps', 'late', 'context', 'answer', 'services']
const NEW_SESSIONS: Target = { table: 'charging_session', columns: SESSION, conflict: '(session_key) do nothing' }
const SESSIONS: Target = {
  table: 'charging_session',
  columns: SESSION,
  conflict: `(session_key) do update set closed_at = excluded.closed_at, check_at = excluded.check_at, access = excluded.access,
    radio_id = excluded.radio_id, visited_plmn = excluded.visited_plmn`,
}
const COUNTERS: Target = {
  table: 'charging_counter',
  columns: COUNTER,
  conflict: `(session_no) do update set ${COUNTER.slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`,
}
const SELECT_SESSION = `select session_no, ${SESSION.join(', ')} from charging_session`
const SELECT_COUNTER = `select ${COUNTER.join(', ')} from charging_counter`
const OPEN = '(select session_no, subscriber_id, pool_id from charging_session where closed_at is null) open_session'

export interface SessionsWanted {
  readonly keys: readonly string[]
  readonly numbers: readonly bigint[]
}

/** Sessions remembered at most; then all are forgotten and read again. */
const REMEMBERED = 50_000

/** Open sessions as they stand, by key and by number; undefined where others may change them. */
const remembered = (sql: Sql): Map<string | bigint, Session> | undefined => sql.memory('charging_session')

/** The sessions, locked until the transaction ends. */
export async function lockSessions(sql: Sql, { keys, numbers }: SessionsWanted): Promise<Session[]> {
  const memory = remembered(sql)
  const found = new Map<bigint, Session>()
  const take = <Key extends string | bigint>(wanted: Iterable<Key>): Key[] => {
    const missing: Key[] = []
    for (const key of new Set(wanted)) {
      const session = memory?.get(key)
      if (session) found.set(session.no, session)
      else missing.push(key)
    }
    return missing
  }
  const [missingKeys, missingNumbers] = [take(keys), take(numbers)]
  if (missingKeys.length + missingNumbers.length > 0)
    // A number may name a session that its key has brought in.
    for (const session of await readSessions(sql, missingKeys, missingNumbers))
      if (!found.has(session.no)) found.set(session.no, session)
  return [...found.values()]
}

async function readSessions(sql: Sql, keys: string[], numbers: readonly bigint[]): Promise<Session[]> {
  const rows = new Map<bigint, SessionRow>()
  for (const row of await sql.find<SessionRow>(SELECT_SESSION, 'session_key', keys.sort()))
    rows.set(row.session_no, row)
  const others = numbers.filter((number) => !rows.has(number))
  for (const row of await sql.find<SessionRow>(SELECT_SESSION, 'session_no', others)) rows.set(row.session_no, row)
  const sorted = [...rows.keys()].sort((a, b) => (a < b ? -1 : 1))
  const counters = await sql.find<CounterRow>(SELECT_COUNTER, 'session_no', sorted, 'lock')
  const sessions: Session[] = []
  for (const counter of counters) {
    const row = rows.get(counter.session_no)
    if (row) sessions.push(sessionOf(row, counter))
  }
  return sessions
}

function sessionOf(row: SessionRow, counter: CounterRow): Session {
  const { records, recordFrom, services } = decodeServices(counter.services)
  const fields: SessionFields = {
    no: row.session_no,
    key: row.session_key,
    subscriber: row.subscriber_id,
    pool: row.pool_id ?? undefined,
    tenant: row.tenant_id,
    plan: row.plan_no ?? undefined,
    opened: row.opened_at,
    // The row was read before the lock: what moves stands in the counter.
    closed: counter.state === 'open' ? undefined : (row.closed_at ?? counter.last_at),
    checkAt: row.check_at ?? undefined,
    access: row.access,
    radio: row.radio_id ?? undefined,
    visitedPlmn: row.visited_plmn ?? undefined,
    state: counter.state,
    number: counter.number,
    seen: counter.seen,
    last: counter.last_at,
    gaps: counter.gaps,
    late: counter.late,
    context: counter.context,
    ...decodeAnswers(counter.answer),
    records,
    recordFrom,
    services,
  }
  return new Session(fields, false)
}

export type NewSession = Pick<
  Session,
  'key' | 'subscriber' | 'pool' | 'tenant' | 'plan' | 'opened' | 'checkAt' | 'access' | 'radio' | 'visitedPlmn'
>

const sessionRow = (session: NewSession & Partial<Pick<Session, 'closed'>>): Value[] => [
  session.key,
  session.subscriber,
  session.pool ?? null,
  session.tenant,
  session.plan ?? null,
  session.opened,
  session.closed ?? null,
  session.checkAt ?? null,
  session.access,
  session.radio ?? null,
  session.visitedPlmn ?? null,
]

/** Makes sessions; those that another node has made meanwhile are missing in the result, and can be locked then. */
export async function makeSessions(sql: Sql, made: readonly NewSession[]): Promise<Session[]> {
  const byKey = new Map(made.map((session) => [session.key, session]))
  const rows = await sql.insertReturning<Pick<SessionRow, 'session_no' | 'session_key'>>(
    NEW_SESSIONS,
    'session_no, session_key',
    [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1)).map(sessionRow),
  )
  return rows.flatMap(({ session_no, session_key }): Session[] => {
    const session = byKey.get(session_key)
    if (!session) return []
    const fields: SessionFields = {
      ...session,
      no: session_no,
      closed: undefined,
      state: 'open',
      number: -1n,
      seen: 0n,
      last: session.opened,
      gaps: 0n,
      late: 0n,
      context: '',
      answer: '',
      answerFrom: 0n,
      earlier: [],
      records: 0n,
      recordFrom: session.opened,
      services: [],
    }
    return [new Session(fields, true)]
  })
}

/** Writes back what has moved. */
export async function saveSessions(sql: Sql, sessions: Iterable<Session>): Promise<void> {
  const changed: Value[][] = []
  const moved: Value[][] = []
  const memory = remembered(sql)
  if (memory && memory.size > 2 * REMEMBERED) memory.clear()
  // In the order of the table, so that rows of one page are written together.
  for (const session of inOrder(sessions)) {
    if (session.changed) changed.push(sessionRow(session))
    if (session.moved) moved.push(counterRow(session))
    session.changed = false
    session.moved = false
    if (session.state === 'open') {
      if (memory && !memory.has(session.no)) memory.set(session.key, session).set(session.no, session)
    } else if (memory?.delete(session.key)) memory.delete(session.no)
  }
  await sql.insert(SESSIONS, changed)
  await sql.insert(COUNTERS, moved)
}

/** Sorted by number. Numbers of rows are far below 2⁵³, and doubles are compared quickly. */
function inOrder(sessions: Iterable<Session>): Session[] {
  const numbered = Array.from(sessions, (session) => ({ no: Number(session.no), session }))
  return numbered.sort((a, b) => a.no - b.no).map(({ session }) => session)
}

const counterRow = (session: Session): Value[] => [
  session.no,
  session.state,
  session.number,
  session.seen,
  session.last,
  session.gaps,
  session.late,
  session.context,
  encodeAnswers(session),
  encodeServices(session),
]

const DETAILS: Target = {
  table: 'charging_session_detail',
  columns: ['session_no', 'device', 'apn', 'gateway', 'charging_id'],
}

export interface NewDetail {
  readonly session: bigint
  readonly detail: SessionDetail
}

export const saveDetails = (sql: Sql, details: readonly NewDetail[]): Promise<number> =>
  sql.insert(
    DETAILS,
    details.map(({ session, detail: { device, apn, gateway, chargingId } }) => [
      session,
      device ?? null,
      apn ?? null,
      gateway ?? null,
      chargingId ?? null,
    ]),
  )

/** The open sessions of a peer that began before `before`. */
export const sessionsOfOrigin = (
  sql: Sql,
  origin: string,
  before: Millis,
  limit: number,
): Promise<{ session_no: bigint }[]> =>
  sql.rows(
    `select session_no from charging_session where session_key > ? and session_key < ? and closed_at is null and opened_at < ?
     order by session_key limit ?`,
    `${origin}\n`,
    `${origin}\v`,
    before,
    BigInt(limit),
  )

export interface OpenSession {
  readonly session_no: bigint
  readonly subscriber_id: SubscriberId
  readonly pool_id: string | null
}

/** The open sessions of subscribers and of the members of pools, as committed; nothing is locked. */
export async function openSessions(
  sql: Sql,
  subscribers: readonly SubscriberId[],
  pools: readonly string[],
): Promise<OpenSession[]> {
  const select = `select session_no, subscriber_id, pool_id from ${OPEN}`
  const own = await sql.find<OpenSession>(select, 'subscriber_id', subscribers)
  const shared = await sql.find<OpenSession>(select, 'pool_id', pools)
  return [...new Map([...own, ...shared].map((row) => [row.session_no, row])).values()]
}

/** What sessions hold, read without a lock. */
export async function peekServices(sql: Sql, sessions: readonly bigint[]): Promise<Map<bigint, Session['services']>> {
  const rows = await sql.find<{ session_no: bigint; services: Uint8Array }>(
    'select session_no, services from charging_counter',
    'session_no',
    sessions,
  )
  return new Map(rows.map(({ session_no, services }) => [session_no, decodeServices(services).services]))
}

/** Open sessions that supervision has to look at, the longest overdue first. */
export const sessionsToCheck = (sql: Sql, now: Millis, limit: number): Promise<{ session_no: bigint }[]> =>
  sql.rows(
    'select session_no from charging_session where closed_at is null and check_at <= ? order by check_at limit ?',
    now,
    BigInt(limit),
  )

/** What open sessions hold of each account: what must be pending in the ledger. Reads all open sessions. */
export async function reservedByAccount(sql: Sql): Promise<Map<bigint, bigint>> {
  const held = new Map<bigint, bigint>()
  for (let after = -1n; ; ) {
    const rows = await sql.rows<{ session_no: bigint; services: Uint8Array }>(
      `select c.session_no, c.services from charging_counter c join charging_session s on s.session_no = c.session_no
       where s.closed_at is null and c.session_no > ? order by c.session_no limit 1000`,
      after,
    )
    for (const { services } of rows)
      for (const { parts } of decodeServices(services).services)
        for (const { account, held: amount } of parts) held.set(account, (held.get(account) ?? 0n) + amount)
    const last = rows.at(-1)
    if (!last) return held
    after = last.session_no
  }
}

const NUMBERS: Target = {
  table: 'cdr_counter',
  columns: ['name', 'last'],
  conflict: '(name) do update set last = cdr_counter.last + excluded.last',
}
const RECORDS: Target = { table: 'cdr', columns: ['record_no', 'session_no', 'tenant_id', 'record', 'created_at'] }

export interface NewRecord {
  readonly session: bigint
  readonly tenant: PayerId
  /** JSON of a `ChargingRecord` without its number and the subscriber's identities. */
  readonly record: string
  readonly at: Millis
}

/** Numbers records without a gap and keeps them for export. The last lock that a transaction takes. */
export async function saveRecords(sql: Sql, records: readonly NewRecord[]): Promise<void> {
  if (records.length === 0) return
  const [row] = await sql.insertReturning<{ last: bigint }>(NUMBERS, 'last', [['cdr', BigInt(records.length)]])
  const first = (row?.last ?? 0n) - BigInt(records.length) + 1n
  await sql.insert(
    RECORDS,
    records.map(({ session, tenant, record, at }, index) => [first + BigInt(index), session, tenant, record, at]),
  )
}

export interface StoredRecord {
  readonly record_no: bigint
  readonly session_no: bigint
  readonly tenant_id: PayerId
  readonly record: string
  /** Of the session, where its gateway named them. */
  readonly apn: string | null
  readonly gateway: string | null
  readonly charging_id: bigint | null
}

/** Of a record `c`, with what is known of its session. */
export const RECORD_COLUMNS = 'c.record_no, c.session_no, c.tenant_id, c.record, d.apn, d.gateway, d.charging_id'
export const RECORD_DETAIL = 'left join charging_session_detail d on d.session_no = c.session_no'
export const SELECT_RECORD = `select ${RECORD_COLUMNS} from cdr c ${RECORD_DETAIL}`

/** Records behind `after`, in the order of their numbers. */
export const recordsAfter = (sql: Sql, after: bigint, limit: number): Promise<StoredRecord[]> =>
  sql.rows<StoredRecord>(`${SELECT_RECORD} where c.record_no > ? order by c.record_no limit ?`, after, BigInt(limit))

export interface PaidPart {
  readonly account: bigint
  readonly amount: bigint
}

/** What each session has paid and not got back, by session number. */
export async function paidBy(sql: Sql, sessions: readonly bigint[]): Promise<Map<bigint, PaidPart[]>> {
  const paid = new Map<bigint, PaidPart[]>()
  for (const session of sessions) {
    const rows = await sql.rows<PaidPart>(
      `select account, cast(sum(amount) as bigint) as amount from (
         select debit_account as account, amount from ledger_transfer where source = 'session' and reference = ?
         union all select credit_account as account, -amount from ledger_transfer where source = 'session' and reference = ?) moved
       group by account having sum(amount) > 0 order by account`,
      session,
      session,
    )
    paid.set(session, rows)
  }
  return paid
}

const HELD: Target = { table: 'rating_held', columns: ['source', 'at', 'subscriber_id', 'reason', 'usage'] }

/** Usage that is not believed, for somebody to look at. */
export interface HeldUsage {
  readonly source: string
  readonly at: Millis
  readonly subscriber: string | undefined
  readonly reason: string
  readonly usage: unknown
}

export const saveHeld = (sql: Sql, held: readonly HeldUsage[]): Promise<number> =>
  sql.insert(
    HELD,
    held.map(({ source, at, subscriber, reason, usage }) => [source, at, subscriber ?? null, reason, toJson(usage)]),
  )
