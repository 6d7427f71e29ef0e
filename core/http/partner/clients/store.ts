// Clients of the partner API (RFC 6749 §2): which tenant each acts for, what it may do, and how it proves that it is itself.
import { fail } from '../../../kernel/errors.ts'
import type { PayerId } from '../../../kernel/ids.ts'
import type { Millis } from '../../../kernel/units.ts'
import type { Sql, Target } from '../../../store/sql.ts'

/** For clients that may do everything, also what later versions add. */
export const ALL_SCOPES = '*'

export interface Client {
  readonly client_id: string
  readonly tenant_id: PayerId
  readonly name: string
  /** Parted by spaces, or ALL_SCOPES. */
  readonly scopes: string
  readonly secret_hash: string | null
  readonly previous_hash: string | null
  readonly previous_until: Millis | null
  /** x5t#S256 (RFC 8705 §3.1). */
  readonly certificate: string | null
  readonly created_at: Millis
  readonly rotated_at: Millis | null
  readonly revoked_at: Millis | null
}

const COLUMNS = [
  ...['client_id', 'tenant_id', 'name', 'scopes', 'secret_hash', 'previous_hash', 'previous_until', 'certificate'],
  ...['created_at', 'rotated_at', 'revoked_at'],
] as const
const CLIENTS: Target = { table: 'partner_client', columns: COLUMNS }
const CLIENT = `select ${COLUMNS.join(', ')} from partner_client`

export interface NewClient extends Pick<Client, 'client_id' | 'tenant_id' | 'name' | 'scopes'> {
  readonly secret_hash: string | null
  readonly certificate: string | null
}

/** Throws TENANT_UNKNOWN: a client acts for a tenant that charges. */
export async function addClient(sql: Sql, client: NewClient, at: Millis): Promise<void> {
  const tenant = await sql.row('select tenant_id from tenant where tenant_id = ?', client.tenant_id)
  if (!tenant) fail('TENANT_UNKNOWN', { tenant: client.tenant_id })
  const { client_id, tenant_id, name, scopes, secret_hash, certificate } = client
  await sql.insert(CLIENTS, [
    [client_id, tenant_id, name, scopes, secret_hash, null, null, certificate, at, null, null],
  ])
}

export const readClient = (sql: Sql, id: string): Promise<Client | undefined> =>
  sql.row<Client>(`${CLIENT} where client_id = ?`, id)

/** Throws PARTNER_CLIENT_UNKNOWN. */
export const needClient = async (sql: Sql, id: string): Promise<Client> =>
  (await readClient(sql, id)) ?? fail('PARTNER_CLIENT_UNKNOWN', { client: id })

export const listClients = (sql: Sql, tenant?: string): Promise<Client[]> =>
  tenant === undefined
    ? sql.rows<Client>(`${CLIENT} order by tenant_id, client_id`)
    : sql.rows<Client>(`${CLIENT} where tenant_id = ? order by client_id`, tenant)

/** Gives a client another secret; the one before is good until `until`. */
export const rotateSecret = (sql: Sql, id: string, hash: string, until: Millis, at: Millis): Promise<number> =>
  sql.run(
    'update partner_client set previous_hash = secret_hash, previous_until = ?, secret_hash = ?, rotated_at = ? where client_id = ?',
    ...[until, hash, at, id],
  )

/** From now on neither secrets nor tokens of the client are good. */
export const revokeClient = (sql: Sql, id: string, at: Millis): Promise<number> =>
  sql.run('update partner_client set revoked_at = ? where client_id = ? and revoked_at is null', at, id)

/** True while the client may act for `tenant`. */
export async function isActive(sql: Sql, id: string, tenant: PayerId): Promise<boolean> {
  const row = await sql.row(
    'select 1 from partner_client where client_id = ? and tenant_id = ? and revoked_at is null',
    id,
    tenant,
  )
  return row !== undefined
}
