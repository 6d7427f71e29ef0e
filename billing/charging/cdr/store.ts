// Records out of the database: looked at one by one, and exported to files, each record once.
import { fail, isTallycellError } from '../../../core/kernel/errors.ts'
import type { Imsi, SubscriberId } from '../../../core/kernel/ids.ts'
import { type Millis, millis } from '../../../core/kernel/units.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import type { Store } from '../../../core/store/store.ts'
import type { RecordBody } from '../session/record.ts'
import { RECORD_COLUMNS, RECORD_DETAIL, recordsAfter, SELECT_RECORD, type StoredRecord } from '../session/store.ts'
import type { CdrNode } from './contents.ts'
import { type CdrFormat, exportCdrs } from './files.ts'
import type { ChargingRecord, ServiceContainer } from './record.ts'

/** A stored record without the subscriber's identities. */
export interface KeptRecord extends RecordBody {
  readonly number: bigint
}

type Texts<Value> = { readonly [Key in keyof Value]: Value[Key] extends bigint ? string : Value[Key] }
type StoredService = Texts<ServiceContainer>
type StoredBody = Omit<RecordBody, 'services' | 'partial'> & {
  readonly partial?: string
  readonly services: readonly StoredService[]
}

/** The inverse of how a session stores its record: whole numbers stand in it as decimal strings. */
function readRecord({ record_no, record, apn, gateway, charging_id }: StoredRecord): KeptRecord {
  const body = JSON.parse(record) as StoredBody
  return {
    number: record_no,
    partial: body.partial === undefined ? undefined : BigInt(body.partial),
    cause: body.cause,
    tenant: body.tenant,
    subscriber: body.subscriber,
    access: body.access,
    origin: body.origin,
    sessionId: body.sessionId,
    chargingId: charging_id ?? BigInt(body.chargingId),
    radio: body.radio,
    apn: apn ?? body.apn,
    nodeAddress: gateway ?? body.nodeAddress,
    visitedPlmn: body.visitedPlmn,
    opened: instant(body.opened),
    closed: instant(body.closed),
    seconds: BigInt(body.seconds),
    services: body.services.map((service) => ({
      ratingGroup: BigInt(service.ratingGroup),
      uplink: BigInt(service.uplink),
      downlink: BigInt(service.downlink),
      seconds: BigInt(service.seconds),
      messages: BigInt(service.messages),
      firstUse: instant(service.firstUse),
      lastUse: instant(service.lastUse),
      tariff: service.tariff,
      charge: BigInt(service.charge),
      bundleOctets: BigInt(service.bundleOctets),
      zeroRatedOctets: BigInt(service.zeroRatedOctets),
    })),
    charge: BigInt(body.charge),
    currency: body.currency,
    gaps: BigInt(body.gaps),
    late: BigInt(body.late),
  }
}

const instant = (text: string | bigint): Millis => millis(BigInt(text))

export interface RecordFilter {
  readonly subscriber: string | undefined
  /** Only records with smaller numbers. */
  readonly before: bigint | undefined
  readonly tenant?: string | undefined
  /** Made in this time, half open. */
  readonly from?: Millis | undefined
  readonly to?: Millis | undefined
  readonly limit: number
  /** So many of the newest are left out. */
  readonly offset?: number
}

/** What of the records is meant. */
function meant({ subscriber, before, tenant, from, to }: Omit<RecordFilter, 'limit'>, detail = '') {
  const conditions: [text: string, value: bigint | string | undefined][] = [
    ['s.subscriber_id = ?', subscriber],
    ['c.record_no < ?', before],
    ['c.tenant_id = ?', tenant],
    ['c.created_at >= ?', from],
    ['c.created_at < ?', to],
  ]
  const where = conditions.flatMap(([text, value]) => (value === undefined ? [] : [{ text, value }]))
  const join = subscriber === undefined ? '' : 'join charging_session s on s.session_no = c.session_no'
  return {
    text: `from cdr c ${detail} ${join} ${where.length === 0 ? '' : `where ${where.map(({ text }) => text).join(' and ')}`}`,
    values: where.map(({ value }) => value),
  }
}

/** The newest first. */
export async function listRecords(sql: Sql, { limit, offset = 0, ...filter }: RecordFilter): Promise<KeptRecord[]> {
  const { text, values } = meant(filter, RECORD_DETAIL)
  const rows = await sql.rows<StoredRecord>(
    `select ${RECORD_COLUMNS} ${text} order by c.record_no desc limit ? offset ?`,
    ...[...values, BigInt(limit), BigInt(offset)],
  )
  return rows.map(readRecord)
}

export async function countRecords(sql: Sql, filter: Omit<RecordFilter, 'limit' | 'offset'>): Promise<bigint> {
  const { text, values } = meant(filter)
  const row = await sql.row<{ count: bigint }>(`select cast(count(*) as bigint) as count ${text}`, ...values)
  return row?.count ?? 0n
}

export async function findRecord(sql: Sql, number: bigint): Promise<KeptRecord | undefined> {
  const row = await sql.row<StoredRecord>(`${SELECT_RECORD} where c.record_no = ?`, number)
  return row && readRecord(row)
}

/** Number of the newest record, 0 where there is none. */
export async function newestRecord(sql: Sql): Promise<bigint> {
  return (await sql.row<{ last: bigint }>(`select last from cdr_counter where name = 'cdr'`))?.last ?? 0n
}

export interface CdrIdentity {
  readonly imsi: Imsi
  readonly msisdn: string | undefined
}

export interface ExportDeps {
  readonly store: Store
  /** What names a subscriber to others; records of whom there is none cannot be exported. */
  readonly identities: (
    sql: Sql,
    subscribers: readonly SubscriberId[],
  ) => Promise<ReadonlyMap<SubscriberId, CdrIdentity>>
}

export interface ExportRequest {
  /** Absolute path. */
  readonly folder: string
  readonly format: CdrFormat
  readonly node: CdrNode
  readonly recordsPerFile: number
  /** Begin with this record instead of the first one that was not exported yet. */
  readonly from: bigint | undefined
  readonly signal: AbortSignal
  /** Called after each file with the number of its last record. */
  readonly progress?: (done: bigint) => void
}

export interface Exported {
  /** Names within the folder, in the order of their sequence numbers. */
  readonly files: readonly string[]
  readonly records: bigint
  /** The last record that has been exported to this folder in this format, now or before; 0 where there is none. */
  readonly last: bigint
  /** Ended by the signal: there may be more. */
  readonly stopped: boolean
}

/**
 * Writes every record that has not been exported to this folder in this format, a file at a time. What a file is to hold is fixed in the
 * database before it is written, and its octets follow from that alone: an export that broke off, or that runs twice at once, ends with
 * the same files. Rejects as `exportCdrs` does; the records before one that cannot be written are exported.
 */
export async function exportRecords({ store, identities }: ExportDeps, request: ExportRequest): Promise<Exported> {
  const { folder, format, node, signal, progress } = request
  const target = `${format} ${folder}`
  const files: string[] = []
  let [records, last] = [0n, 0n]
  let from = request.from
  while (!signal.aborted) {
    const claim = await store.batch((sql) => claimFile(sql, target, request.recordsPerFile, from))
    last = claim.position
    if (claim.fromTaken) from = undefined
    if (claim.rows.length === 0) break
    const kept = claim.rows.map(readRecord)
    const known = await store.batch((sql) => identities(sql, [...new Set(kept.map(({ subscriber }) => subscriber))]))
    try {
      const { sequence: first, perFile: recordsPerFile } = claim
      const whole = kept.map((record) => withIdentity(record, known))
      files.push(...(await exportCdrs({ folder, format, node, first, records: whole, recordsPerFile })).files)
    } catch (error) {
      if (!isTallycellError(error) || error.code !== 'CDR_RECORD_INVALID') throw error
      // No file of this claim can have been written: it is given up from that record on.
      const good = BigInt(error.context.number ?? 0) - 1n
      await store.batch((sql) => setPending(sql, target, claim, good > claim.position ? good : 0n))
      if (good > claim.position) continue
      throw error
    }
    await store.batch((sql) => finishFile(sql, target, claim))
    records += BigInt(kept.length)
    last = claim.pending
    progress?.(last)
  }
  return { files, records, last, stopped: signal.aborted }
}

function withIdentity(
  { gaps: _gaps, late: _late, ...record }: KeptRecord,
  known: ReadonlyMap<SubscriberId, CdrIdentity>,
): ChargingRecord {
  const identity = known.get(record.subscriber)
  const reason = `its subscriber '${record.subscriber}' is not registered`
  return identity ? { ...record, ...identity } : fail('CDR_RECORD_INVALID', { number: record.number, reason })
}

const COUNTERS: Target = {
  table: 'cdr_counter',
  columns: ['name', 'last'],
  conflict: '(name) do update set last = excluded.last',
}
const NEW_COUNTERS: Target = { ...COUNTERS, conflict: '(name) do nothing' }

/** Where an export has got to. position: last record in a finished file; sequence: of the next file; pending: last record of the file that is being written, 0 without one; perFile: the most records in that file. */
interface Place {
  readonly position: bigint
  readonly sequence: bigint
  readonly pending: bigint
  readonly perFile: number
}

const COUNTED = ['position', 'sequence', 'pending', 'per-file'] as const
const FIRST: Readonly<Record<(typeof COUNTED)[number], bigint>> = {
  position: 0n,
  sequence: 1n,
  pending: 0n,
  'per-file': 0n,
}
const counterName = (target: string, what: (typeof COUNTED)[number]): string => `export ${what} ${target}`

/** Locked until the transaction ends. */
async function readPlace(sql: Sql, target: string): Promise<Place> {
  const names = COUNTED.map((what) => counterName(target, what)).sort()
  const read = (): Promise<{ name: string; last: bigint }[]> =>
    sql.find('select name, last from cdr_counter', 'name', names, 'lock')
  let rows = await read()
  if (rows.length < names.length) {
    await sql.insert(
      NEW_COUNTERS,
      COUNTED.map((what) => [counterName(target, what), FIRST[what]]),
    )
    rows = await read()
  }
  const of = (what: (typeof COUNTED)[number]): bigint =>
    rows.find(({ name }) => name === counterName(target, what))?.last ?? FIRST[what]
  return { position: of('position'), sequence: of('sequence'), pending: of('pending'), perFile: Number(of('per-file')) }
}

const writePlace = (sql: Sql, target: string, place: Place): Promise<number> =>
  sql.insert(COUNTERS, [
    [counterName(target, 'position'), place.position],
    [counterName(target, 'sequence'), place.sequence],
    [counterName(target, 'pending'), place.pending],
    [counterName(target, 'per-file'), BigInt(place.perFile)],
  ])

interface Claim extends Place {
  readonly rows: readonly StoredRecord[]
  readonly fromTaken: boolean
}

/** Fixes what the next file is to hold; a file that was begun comes first. No rows where there is nothing to write. */
async function claimFile(sql: Sql, target: string, recordsPerFile: number, from: bigint | undefined): Promise<Claim> {
  const place = await readPlace(sql, target)
  if (place.pending !== 0n) {
    const rows = await recordsAfter(sql, place.position, Number(place.pending - place.position))
    return { ...place, rows, fromTaken: false }
  }
  const position = from === undefined ? place.position : from - 1n
  const rows = await recordsAfter(sql, position, recordsPerFile)
  const pending = rows.at(-1)?.record_no ?? 0n
  const claimed = { position, sequence: place.sequence, pending, perFile: recordsPerFile }
  if (pending !== 0n) await writePlace(sql, target, claimed)
  return { ...claimed, rows, fromTaken: true }
}

const isSame = (a: Place, b: Place): boolean =>
  a.position === b.position && a.sequence === b.sequence && a.pending === b.pending

/** Another process may have finished the same file meanwhile. */
async function finishFile(sql: Sql, target: string, claim: Claim): Promise<void> {
  const place = await readPlace(sql, target)
  if (isSame(place, claim))
    await writePlace(sql, target, { ...place, position: place.pending, sequence: place.sequence + 1n, pending: 0n })
}

async function setPending(sql: Sql, target: string, claim: Claim, pending: bigint): Promise<void> {
  const place = await readPlace(sql, target)
  if (isSame(place, claim)) await writePlace(sql, target, { ...place, pending })
}
