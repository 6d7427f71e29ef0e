// The register of radios and the journal of what happened to them. A radio's row is what the program looks up; the journal is
// what billing reads and writes into the public log, so whatever an owner should be able to see later goes into it.
import type { RadioNames } from '../../core/events/ports.ts'
import type { Access } from '../../core/events/usage-event.ts'
import { type Bssid, formatBssid } from '../../core/kernel/bssid.ts'
import { fail, isTallycellError, TallycellError } from '../../core/kernel/errors.ts'
import { type RadioClass, type RadioId, radioId, type Wallet } from '../../core/kernel/ids.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import type { AddOutcome } from '../../core/store/add-outcome.ts'
import type { Page } from '../../core/store/page.ts'
import type { Sql, Target } from '../../core/store/sql.ts'
import type { Store, Tx } from '../../core/store/store.ts'

export interface NewRadio {
  readonly radio: RadioId
  readonly access: Access
  /** What tariffs may ask for. */
  readonly radioClass?: RadioClass | undefined
  /** NAS-Identifier that the access point sends (RFC 2865 §5.32). */
  readonly nasIdentifier?: string | undefined
  /** BSSID that the access point sends in Called-Station-Id (RFC 3580 §3.20). */
  readonly calledStation?: Bssid | undefined
  /** How core networks name it, as `readClaim` writes it. */
  readonly cell?: string | undefined
  readonly owner: Wallet
  /** Where payouts go; the owner's wallet when absent. */
  readonly payout?: Wallet | undefined
}

export interface Ban {
  readonly reason: string
  /** Absent: without end. */
  readonly until: Millis | undefined
}

export interface ListedRadio {
  readonly radio: string
  readonly access: string
  readonly radioClass: string | undefined
  readonly nasIdentifier: string | undefined
  /** 12 lower-case hex digits. */
  readonly calledStation: string | undefined
  readonly cell: string | undefined
  readonly owner: string
  readonly payout: string
  readonly created: Millis
  /** The ban in force, if any. */
  readonly ban: Ban | undefined
}

const JOURNALS = ['radio_event'] as const

/**
 * Registers a radio and journals its claim, in one transaction. Throws RADIO_EXISTS, RADIO_NAS_TAKEN, RADIO_BSSID_TAKEN, RADIO_CELL_TAKEN, or
 * RADIO_UNRECOGNISABLE for an access point without NAS-Identifier and BSSID.
 */
export async function addRadio(store: Store, radio: NewRadio, now: Millis): Promise<void> {
  const [outcome] = await addRadios(store, [radio], now)
  if (isTallycellError(outcome)) throw outcome
  if (outcome !== 'added') fail('RADIO_EXISTS', { radio: radio.radio })
}

/** Registers radios in one transaction, each as if alone: one that is refused does not stop the others. Outcomes in order. */
export async function addRadios(store: Store, radios: readonly NewRadio[], now: Millis): Promise<AddOutcome[]> {
  return store.batch(async (sql) => {
    // Whoever registers holds the journal: what is found now stays as it is until the commit.
    await sql.journal('radio_event')
    const register = await readRegister(sql, radios)
    const added: NewRadio[] = []
    const outcomes = radios.map((radio): AddOutcome => {
      const outcome = judge(register, radio)
      if (outcome !== 'added') return outcome
      register.add(rowOf(radio))
      added.push(radio)
      return outcome
    })
    await sql.insert(
      RADIOS,
      added.map((radio) => {
        const row = rowOf(radio)
        return [...RADIO_COLUMNS.map((column) => row[column]), now]
      }),
    )
    await sql.insert(
      CLAIMS,
      added.map(({ radio, owner, payout }) => ['claim', radio, owner, payout ?? owner, now]),
    )
    return outcomes
  })
}

interface RadioRow {
  readonly radio_id: string
  readonly access: string
  readonly radio_class: string | null
  readonly nas_identifier: string | null
  readonly called_station: string | null
  readonly cell: string | null
  readonly owner_wallet: string
  readonly payout_wallet: string
}

const rowOf = (radio: NewRadio): RadioRow => ({
  radio_id: radio.radio,
  access: radio.access,
  radio_class: radio.radioClass ?? null,
  nas_identifier: radio.nasIdentifier ?? null,
  called_station: radio.calledStation ?? null,
  cell: radio.cell ?? null,
  owner_wallet: radio.owner,
  payout_wallet: radio.payout ?? radio.owner,
})

const RADIO_COLUMNS = [
  'radio_id',
  'access',
  'radio_class',
  'nas_identifier',
  'called_station',
  'cell',
  'owner_wallet',
  'payout_wallet',
] as const
const RADIOS: Target = { table: 'radio', columns: [...RADIO_COLUMNS, 'created_at'] }
const CLAIMS: Target = {
  table: 'radio_event',
  columns: ['kind', 'radio_id', 'owner_wallet', 'payout_wallet', 'at'],
}
/** What no two radios share. */
const UNIQUE = ['radio_id', 'nas_identifier', 'called_station', 'cell'] as const

/** The radios that may stand in the way, by what they must not share with others. */
interface Register {
  readonly by: Readonly<Record<(typeof UNIQUE)[number], Map<string, RadioRow>>>
  add(row: RadioRow): void
}

async function readRegister(sql: Sql, radios: readonly NewRadio[]): Promise<Register> {
  const by = {
    radio_id: new Map(),
    nas_identifier: new Map(),
    called_station: new Map(),
    cell: new Map(),
  } as Register['by']
  const register: Register = {
    by,
    add(row) {
      for (const key of UNIQUE) if (row[key] !== null) by[key].set(row[key], row)
    },
  }
  const rows = radios.map(rowOf)
  for (const key of UNIQUE) {
    const wanted = new Set(rows.flatMap((row) => row[key] ?? []))
    const select = `select ${RADIO_COLUMNS.join(', ')} from radio`
    for (const row of await sql.find<RadioRow>(select, key, [...wanted])) register.add(row)
  }
  return register
}

/** Whether a radio can be added beside those of the register. */
function judge({ by }: Register, radio: NewRadio): AddOutcome {
  if (radio.access === 'wifi' && radio.nasIdentifier === undefined && radio.calledStation === undefined)
    return new TallycellError('RADIO_UNRECOGNISABLE', { radio: radio.radio })
  const row = rowOf(radio)
  const same = by.radio_id.get(row.radio_id)
  if (same)
    return RADIO_COLUMNS.every((column) => same[column] === row[column])
      ? 'unchanged'
      : new TallycellError('RADIO_EXISTS', { radio: row.radio_id })
  const nas = row.nas_identifier === null ? undefined : by.nas_identifier.get(row.nas_identifier)
  if (nas) return new TallycellError('RADIO_NAS_TAKEN', { came: row.nas_identifier ?? '', radio: nas.radio_id })
  const station = row.called_station === null ? undefined : by.called_station.get(row.called_station)
  const cell = row.cell === null ? undefined : by.cell.get(row.cell)
  if (cell) return new TallycellError('RADIO_CELL_TAKEN', { came: row.cell ?? '', radio: cell.radio_id })
  if (!station) return 'added'
  return new TallycellError('RADIO_BSSID_TAKEN', {
    came: formatBssid(row.called_station ?? ''),
    radio: station.radio_id,
  })
}

/**
 * Puts a radio into a class, or with undefined into none, for what is charged from then on; false where it is there already. Throws
 * RADIO_UNKNOWN.
 */
export async function classifyRadio(
  store: Store,
  radio: RadioId,
  radioClass: RadioClass | undefined,
  now: Millis,
): Promise<boolean> {
  return store.transaction(async (tx) => {
    const { radio_class: before } = await find(tx, radio)
    if (before === (radioClass ?? null)) return false
    await tx
      .updateTable('radio')
      .set({ radio_class: radioClass ?? null })
      .where('radio_id', '=', radio)
      .execute()
    await journal(tx, radio, 'class', now, undefined, undefined)
    return true
  }, JOURNALS)
}

/** Journals a ban; a later one replaces an earlier one. Throws RADIO_UNKNOWN, ID_INVALID for the reason, or BAN_ENDED unless `until` is after `now`. */
export async function banRadio(store: Store, radio: RadioId, { reason, until }: Ban, now: Millis): Promise<void> {
  if (until !== undefined && until <= now) fail('BAN_ENDED', { came: new Date(Number(until)).toISOString() })
  await store.transaction((tx) => journal(tx, radio, 'ban', now, reason, until), JOURNALS)
}

/** Journals the end of a ban. Throws RADIO_UNKNOWN, RADIO_NOT_BANNED, or ID_INVALID for the reason. */
export async function unbanRadio(store: Store, radio: RadioId, reason: string | undefined, now: Millis): Promise<void> {
  await store.transaction(async (tx) => {
    const [latest] = await latestBanEvents(tx, [radio])
    if (inForce(latest, now) === undefined) {
      await find(tx, radio)
      fail('RADIO_NOT_BANNED', { radio })
    }
    await journal(tx, radio, 'unban', now, reason, undefined)
  }, JOURNALS)
}

async function journal(
  tx: Tx,
  radio: RadioId,
  kind: 'ban' | 'unban' | 'class',
  at: Millis,
  reason: string | undefined,
  expires: Millis | undefined,
): Promise<void> {
  const { owner_wallet, payout_wallet } = await find(tx, radio)
  if (reason !== undefined) checkReason(reason)
  await tx
    .insertInto('radio_event')
    .values({
      kind,
      radio_id: radio,
      owner_wallet,
      payout_wallet,
      at,
      reason: reason ?? null,
      expires_at: expires ?? null,
    })
    .execute()
}

/** A reason goes into the public log as it is: the log takes one line of at most 256 octets, and would stop at anything else. */
function checkReason(text: string): void {
  const fits = Buffer.byteLength(text) <= 256 && /^[^\p{Cc}\p{Surrogate}]+$/u.test(text)
  if (!fits) fail('ID_INVALID', { what: 'reason', expected: 'one line of 1 to 256 octets', came: text.slice(0, 64) })
}

async function find(tx: Tx, radio: RadioId): Promise<RadioRow> {
  const row = await tx.selectFrom('radio').selectAll().where('radio_id', '=', radio).executeTakeFirst()
  return row ?? fail('RADIO_UNKNOWN', { radio })
}

/** Radios in the order of their ids; `more` when others follow. */
export async function listRadios(
  store: Store,
  { limit, after = '' }: Page,
  now: Millis,
): Promise<{ radios: ListedRadio[]; more: boolean }> {
  const rows = await store.db
    .selectFrom('radio')
    .selectAll()
    .where('radio_id', '>', after)
    .orderBy('radio_id')
    .limit(limit + 1)
    .execute()
  const shown = rows.slice(0, limit)
  const bans = await latestBanEvents(
    store.db,
    shown.map((row) => row.radio_id),
  )
  const byRadio = new Map(bans.map((event) => [event.radio_id, event]))
  const radios = shown.map((row) => ({
    radio: row.radio_id,
    access: row.access,
    radioClass: row.radio_class ?? undefined,
    nasIdentifier: row.nas_identifier ?? undefined,
    calledStation: row.called_station ?? undefined,
    cell: row.cell ?? undefined,
    owner: row.owner_wallet,
    payout: row.payout_wallet,
    created: millis(row.created_at),
    ban: inForce(byRadio.get(row.radio_id), now),
  }))
  return { radios, more: rows.length > limit }
}

interface BanEvent {
  readonly kind: string
  readonly radio_id: string
  readonly reason: string | null
  readonly expires_at: bigint | null
}

/** The newest ban or unban of each of `radios` that has one. */
async function latestBanEvents(db: Store['db'], radios: readonly string[]): Promise<BanEvent[]> {
  if (radios.length === 0) return []
  return db
    .selectFrom('radio_event')
    .select(['kind', 'radio_id', 'reason', 'expires_at'])
    .where('event_id', 'in', (eb) =>
      eb
        .selectFrom('radio_event')
        .select((inner) => inner.fn.max('event_id').as('newest'))
        .where('radio_id', 'in', radios)
        .where('kind', 'in', ['ban', 'unban'])
        .groupBy('radio_id'),
    )
    .execute()
}

function inForce(event: BanEvent | undefined, now: Millis): Ban | undefined {
  if (event?.kind !== 'ban' || (event.expires_at !== null && event.expires_at <= now)) return undefined
  return { reason: event.reason ?? '', until: event.expires_at === null ? undefined : millis(event.expires_at) }
}

/** The radios that bear `name`, as their id or as their NAS-Identifier; more than one where somebody mixed them up. */
export async function radiosNamed(store: Store, name: string): Promise<RadioNames[]> {
  const rows = await store.db
    .selectFrom('radio')
    .select(['radio_id', 'access', 'nas_identifier', 'called_station'])
    .where((eb) => eb.or([eb('radio_id', '=', name), eb('nas_identifier', '=', name)]))
    .orderBy('radio_id')
    .execute()
  return rows.map((row) => ({
    radio: radioId(row.radio_id),
    access: row.access as Access,
    nasIdentifier: row.nas_identifier ?? undefined,
    bssid: row.called_station ?? undefined,
  }))
}

/** A radio as the directory keeps it now, with the journal row that brought it. */
export interface ClaimedRadio {
  readonly eventId: bigint
  readonly radio: string
  readonly access: string
  readonly radioClass: string | null
  readonly nasIdentifier: string | null
  readonly calledStation: string | null
  readonly cell: string | null
}

/** Radios claimed or put into another class by journal rows after `eventId`, at most `limit`, in order. */
export async function radiosAfter(store: Store, eventId: bigint, limit: number): Promise<ClaimedRadio[]> {
  return store.db
    .selectFrom('radio_event')
    .innerJoin('radio', 'radio.radio_id', 'radio_event.radio_id')
    .select([
      'radio_event.event_id as eventId',
      'radio.radio_id as radio',
      'radio.access as access',
      'radio.radio_class as radioClass',
      'radio.nas_identifier as nasIdentifier',
      'radio.called_station as calledStation',
      'radio.cell as cell',
    ])
    .where('radio_event.event_id', '>', eventId)
    .where('radio_event.kind', 'in', ['claim', 'class'])
    .orderBy('radio_event.event_id')
    .limit(limit)
    .execute()
}
