// The register of radios and the journal of what happened to them. A radio's row is what the program looks up; the journal is
// what billing reads and writes into the public log, so whatever an owner should be able to see later goes into it.
import type { Access } from '../../core/events/usage-event.ts'
import { type Bssid, formatBssid } from '../../core/kernel/bssid.ts'
import { fail, isTallycellError, TallycellError } from '../../core/kernel/errors.ts'
import type { RadioId, Wallet } from '../../core/kernel/ids.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import type { AddOutcome } from '../../core/store/add-outcome.ts'
import type { Page } from '../../core/store/page.ts'
import type { Store, Tx } from '../../core/store/store.ts'

export interface NewRadio {
  readonly radio: RadioId
  readonly access: Access
  /** NAS-Identifier that the access point sends (RFC 2865 §5.32). */
  readonly nasIdentifier?: string | undefined
  /** BSSID that the access point sends in Called-Station-Id (RFC 3580 §3.20). */
  readonly calledStation?: Bssid | undefined
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
  readonly nasIdentifier: string | undefined
  /** 12 lower-case hex digits. */
  readonly calledStation: string | undefined
  readonly owner: string
  readonly payout: string
  readonly created: Millis
  /** The ban in force, if any. */
  readonly ban: Ban | undefined
}

const JOURNALS = ['radio_event'] as const

/**
 * Registers a radio and journals its claim, in one transaction. Throws RADIO_EXISTS, RADIO_NAS_TAKEN, RADIO_BSSID_TAKEN, or
 * RADIO_UNRECOGNISABLE for an access point without NAS-Identifier and BSSID.
 */
export async function addRadio(store: Store, radio: NewRadio, now: Millis): Promise<void> {
  const [outcome] = await addRadios(store, [radio], now)
  if (isTallycellError(outcome)) throw outcome
  if (outcome !== 'added') fail('RADIO_EXISTS', { radio: radio.radio })
}

/** Registers radios in one transaction, each as if alone: one that is refused does not stop the others. Outcomes in order. */
export async function addRadios(store: Store, radios: readonly NewRadio[], now: Millis): Promise<AddOutcome[]> {
  return store.transaction(async (tx) => {
    const outcomes: AddOutcome[] = []
    for (const radio of radios) outcomes.push(await addOne(tx, radio, now))
    return outcomes
  }, JOURNALS)
}

async function addOne(tx: Tx, radio: NewRadio, now: Millis): Promise<AddOutcome> {
  if (radio.access === 'wifi' && radio.nasIdentifier === undefined && radio.calledStation === undefined)
    return new TallycellError('RADIO_UNRECOGNISABLE', { radio: radio.radio })
  const row = {
    radio_id: radio.radio,
    access: radio.access,
    nas_identifier: radio.nasIdentifier ?? null,
    called_station: radio.calledStation ?? null,
    owner_wallet: radio.owner,
    payout_wallet: radio.payout ?? radio.owner,
  }
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('radio')
    .values({ ...row, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 0n) return whatStandsInTheWay(tx, row)
  await tx
    .insertInto('radio_event')
    .values({
      kind: 'claim',
      radio_id: row.radio_id,
      owner_wallet: row.owner_wallet,
      payout_wallet: row.payout_wallet,
      at: now,
      reason: null,
      expires_at: null,
    })
    .execute()
  return 'added'
}

interface RadioRow {
  readonly radio_id: string
  readonly access: string
  readonly nas_identifier: string | null
  readonly called_station: string | null
  readonly owner_wallet: string
  readonly payout_wallet: string
}

async function whatStandsInTheWay(tx: Tx, row: RadioRow): Promise<AddOutcome> {
  const others = await tx
    .selectFrom('radio')
    .selectAll()
    .where((eb) =>
      eb.or([
        eb('radio_id', '=', row.radio_id),
        eb('nas_identifier', '=', row.nas_identifier),
        eb('called_station', '=', row.called_station),
      ]),
    )
    .execute()
  const same = others.find((other) => other.radio_id === row.radio_id)
  if (same) return isSame(same, row) ? 'unchanged' : new TallycellError('RADIO_EXISTS', { radio: row.radio_id })
  const byNas = others.find((other) => other.nas_identifier !== null && other.nas_identifier === row.nas_identifier)
  if (byNas) return new TallycellError('RADIO_NAS_TAKEN', { came: byNas.nas_identifier ?? '', radio: byNas.radio_id })
  return new TallycellError('RADIO_BSSID_TAKEN', {
    came: formatBssid(row.called_station ?? ''),
    radio: others[0]?.radio_id ?? '',
  })
}

const isSame = (a: RadioRow, b: RadioRow): boolean =>
  a.access === b.access &&
  a.nas_identifier === b.nas_identifier &&
  a.called_station === b.called_station &&
  a.owner_wallet === b.owner_wallet &&
  a.payout_wallet === b.payout_wallet

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
  kind: 'ban' | 'unban',
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
    nasIdentifier: row.nas_identifier ?? undefined,
    calledStation: row.called_station ?? undefined,
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

/** A radio as the directory keeps it, with the journal row that brought it. */
export interface ClaimedRadio {
  readonly eventId: bigint
  readonly radio: string
  readonly access: string
  readonly nasIdentifier: string | null
  readonly calledStation: string | null
}

/** Radios claimed by journal rows after `eventId`, at most `limit`, in order. */
export async function radiosAfter(store: Store, eventId: bigint, limit: number): Promise<ClaimedRadio[]> {
  return store.db
    .selectFrom('radio_event')
    .innerJoin('radio', 'radio.radio_id', 'radio_event.radio_id')
    .select([
      'radio_event.event_id as eventId',
      'radio.radio_id as radio',
      'radio.access as access',
      'radio.nas_identifier as nasIdentifier',
      'radio.called_station as calledStation',
    ])
    .where('radio_event.event_id', '>', eventId)
    .where('radio_event.kind', '=', 'claim')
    .orderBy('radio_event.event_id')
    .limit(limit)
    .execute()
}
