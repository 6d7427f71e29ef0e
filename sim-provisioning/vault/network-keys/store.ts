// Keys of the network as rows: home network keys for SUCI, and the keys that card makers wrap with.
import { fail } from '../../../core/kernel/errors.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'

export type NetworkKeyKind = 'home' | 'transport'
/** `retiring`: still used for SIMs that know it, no longer given to new ones. */
export type NetworkKeyState = 'active' | 'retiring' | 'retired'

export interface NetworkKeyRow {
  readonly kind: NetworkKeyKind
  readonly key_id: string
  readonly profile: string
  readonly public_key: Uint8Array | null
  readonly state: NetworkKeyState
  readonly data_key: bigint
  readonly sealed: Uint8Array
  readonly fingerprint: string
  readonly created_at: bigint
}

const KEY: Target = {
  table: 'network_key',
  columns: [
    ...['kind', 'key_id', 'profile', 'public_key', 'state', 'data_key', 'sealed', 'fingerprint', 'created_at'],
    'changed_at',
  ],
  conflict: 'do nothing',
}
const SELECT =
  'select kind, key_id, profile, public_key, state, data_key, sealed, fingerprint, created_at from network_key'

export type NewNetworkKey = Omit<NetworkKeyRow, 'created_at' | 'state'>

/** Throws NETWORK_KEY_EXISTS. */
export async function insertNetworkKey(sql: Sql, key: NewNetworkKey, now: Millis): Promise<void> {
  const { kind, key_id, profile, public_key, data_key, sealed, fingerprint } = key
  const row = [kind, key_id, profile, public_key, 'active', data_key, sealed, fingerprint, now, now]
  if ((await sql.insert(KEY, [row])) === 0) fail('NETWORK_KEY_EXISTS', { kind, id: key_id })
}

/** In the order of their ids, numbers by value. */
export async function readNetworkKeys(sql: Sql, kind?: NetworkKeyKind): Promise<NetworkKeyRow[]> {
  const rows = await sql.rows<NetworkKeyRow>(`${SELECT} order by kind, length(key_id), key_id`)
  return rows.filter((row) => kind === undefined || row.kind === kind)
}

/** Throws NETWORK_KEY_UNKNOWN. */
export async function needNetworkKey(sql: Sql, kind: NetworkKeyKind, id: string): Promise<NetworkKeyRow> {
  const row = await sql.row<NetworkKeyRow>(`${SELECT} where kind = ? and key_id = ?`, kind, id)
  return row ?? fail('NETWORK_KEY_UNKNOWN', { kind, id: id.slice(0, 64) })
}

export async function setNetworkKeyState(
  sql: Sql,
  kind: NetworkKeyKind,
  id: string,
  state: NetworkKeyState,
  now: Millis,
): Promise<void> {
  await sql.run('update network_key set state = ?, changed_at = ? where kind = ? and key_id = ?', state, now, kind, id)
}

/** How many SIMs in use know each home network key, by its id. */
export async function simsByHomeKey(sql: Sql): Promise<Map<number, number>> {
  const rows = await sql.rows<{ home_key: bigint; count: bigint }>(
    "select home_key, count(*) as count from sim where home_key is not null and state <> 'retired' group by home_key",
  )
  return new Map(rows.map(({ home_key, count }) => [Number(home_key), Number(count)]))
}
