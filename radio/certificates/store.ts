// Certificates of sites in the database: what was issued, for whom, and what has been revoked since.
import { fail } from '../../core/kernel/errors.ts'
import type { RadioId } from '../../core/kernel/ids.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Page } from '../../core/store/page.ts'
import type { Store } from '../../core/store/store.ts'

export interface NewCertificate {
  readonly serial: string
  readonly fingerprint: string
  readonly radio: RadioId
  /** Further radios of the site. */
  readonly others: readonly RadioId[]
  /** DER. */
  readonly certificate: Uint8Array
  readonly expires: Millis
}

export interface StoredCertificate {
  readonly serial: string
  readonly fingerprint: string
  readonly radio: string
  readonly members: readonly string[]
  readonly issued: bigint
  readonly expires: bigint
  readonly revoked: bigint | undefined
  readonly reason: string | undefined
}

const AUTHORITY = 'radio'
const JOURNALS = ['radio_certificate_event'] as const

/** DER of the authority's certificate; undefined before the first. */
export async function readAuthority({ db }: Pick<Store, 'db'>): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('radio_authority')
    .select('certificate')
    .where('name', '=', AUTHORITY)
    .executeTakeFirst()
  return row?.certificate
}

/** Keeps the authority's certificate; another process may have been first, and its certificate is the one that counts. */
export async function keepAuthority(store: Store, certificate: Uint8Array, now: Millis): Promise<void> {
  await store.transaction((tx) =>
    tx
      .insertInto('radio_authority')
      .values({ name: AUTHORITY, certificate, created_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  )
}

/** Keeps an issued certificate before anybody gets it. Throws RADIO_UNKNOWN. */
export async function addCertificate(store: Store, added: NewCertificate, now: Millis): Promise<void> {
  const { serial, fingerprint, radio, others, certificate, expires } = added
  const members = [...new Set([radio, ...others])]
  await store.transaction(async (tx) => {
    const known = await tx.selectFrom('radio').select('radio_id').where('radio_id', 'in', members).execute()
    const missing = members.find((member) => !known.some(({ radio_id }) => radio_id === member))
    if (missing !== undefined) fail('RADIO_UNKNOWN', { radio: missing })
    await tx
      .insertInto('radio_certificate')
      .values({
        serial,
        fingerprint,
        radio_id: radio,
        certificate,
        issued_at: now,
        expires_at: expires,
        revoked_at: null,
        reason: null,
      })
      .execute()
    await tx
      .insertInto('radio_certificate_member')
      .values(members.map((radio_id) => ({ serial, radio_id })))
      .execute()
    await tx.insertInto('radio_certificate_event').values({ serial, kind: 'issued', at: now }).execute()
  }, JOURNALS)
}

/** Revokes for good. Throws RADIO_CERT_UNKNOWN, RADIO_CERT_REVOKED. */
export async function revokeCertificate(store: Store, serial: string, reason: string, now: Millis): Promise<void> {
  await store.transaction(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('radio_certificate')
      .set({ revoked_at: now, reason })
      .where('serial', '=', serial)
      .where('revoked_at', 'is', null)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) {
      const row = await tx
        .selectFrom('radio_certificate')
        .select('serial')
        .where('serial', '=', serial)
        .executeTakeFirst()
      fail(row ? 'RADIO_CERT_REVOKED' : 'RADIO_CERT_UNKNOWN', { serial })
    }
    await tx.insertInto('radio_certificate_event').values({ serial, kind: 'revoked', at: now }).execute()
  }, JOURNALS)
}

/** Certificates in the order of their serial numbers, all or one radio's; `more` when others follow. */
export async function listCertificates(
  { db }: Pick<Store, 'db'>,
  radio: RadioId | undefined,
  { limit, after = '' }: Page,
): Promise<{ certificates: StoredCertificate[]; more: boolean }> {
  let query = db
    .selectFrom('radio_certificate')
    .selectAll()
    .where('serial', '>', after)
    .orderBy('serial')
    .limit(limit + 1)
  if (radio !== undefined)
    query = query.where('serial', 'in', (eb) =>
      eb.selectFrom('radio_certificate_member').select('serial').where('radio_id', '=', radio),
    )
  const rows = await query.execute()
  const certificates = await withMembers({ db }, rows.slice(0, limit))
  return { certificates, more: rows.length > limit }
}

/** What the revocation list names: revoked and not expired yet. */
export const revokedCertificates = ({ db }: Pick<Store, 'db'>, now: Millis) =>
  db
    .selectFrom('radio_certificate')
    .select(['serial', 'revoked_at'])
    .where('revoked_at', 'is not', null)
    .where('expires_at', '>', now)
    .orderBy('serial')
    .execute()

/** What happened after `eventId`, at most `limit`, in order, each with its certificate as it is now. */
export async function certificatesAfter(
  store: Pick<Store, 'db'>,
  eventId: bigint,
  limit: number,
): Promise<{ readonly eventId: bigint; readonly certificate: StoredCertificate }[]> {
  const rows = await store.db
    .selectFrom('radio_certificate_event')
    .innerJoin('radio_certificate', 'radio_certificate.serial', 'radio_certificate_event.serial')
    .selectAll('radio_certificate')
    .select('radio_certificate_event.event_id as event_id')
    .where('radio_certificate_event.event_id', '>', eventId)
    .orderBy('radio_certificate_event.event_id')
    .limit(limit)
    .execute()
  const stored = await withMembers(store, rows)
  return rows.flatMap(({ event_id }, index) => {
    const certificate = stored[index]
    return certificate ? [{ eventId: event_id, certificate }] : []
  })
}

interface Row {
  readonly serial: string
  readonly fingerprint: string
  readonly radio_id: string
  readonly issued_at: bigint
  readonly expires_at: bigint
  readonly revoked_at: bigint | null
  readonly reason: string | null
}

/** Serial numbers in one question: engines take some tens of thousands of parameters. */
const PART = 1000

async function withMembers({ db }: Pick<Store, 'db'>, rows: readonly Row[]): Promise<StoredCertificate[]> {
  const members = new Map<string, string[]>()
  for (let from = 0; from < rows.length; from += PART) {
    const found = await db
      .selectFrom('radio_certificate_member')
      .selectAll()
      .where(
        'serial',
        'in',
        rows.slice(from, from + PART).map(({ serial }) => serial),
      )
      .orderBy('radio_id')
      .execute()
    for (const { serial, radio_id } of found) members.set(serial, [...(members.get(serial) ?? []), radio_id])
  }
  return rows.map((row) => ({
    serial: row.serial,
    fingerprint: row.fingerprint,
    radio: row.radio_id,
    members: [...new Set(members.get(row.serial))],
    issued: row.issued_at,
    expires: row.expires_at,
    revoked: row.revoked_at ?? undefined,
    reason: row.reason ?? undefined,
  }))
}
