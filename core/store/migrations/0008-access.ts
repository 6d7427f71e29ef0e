// Access to Wi-Fi: who was let in, where, until when. Times are milliseconds since 1970-01-01 UTC.
import type { Definition } from '../tables.ts'

export const access: readonly Definition[] = [
  // One row for each Access-Accept, written before it leaves. reference: names the EAP conversation, so that none is granted twice;
  // authenticator: Request Authenticator of the request that was granted (RFC 2865 §3), by which its repetition is known.
  // client: name of the RADIUS client; calling_station, called_station: RFC 2865 §5.31, §5.30; cui: Chargeable-User-Identity (RFC 4372).
  {
    table: 'access_session',
    distribute: 'reference',
    columns: `reference text primary key, authenticator blob not null, subscriber_id text not null, client text not null,
    method text not null, calling_station text, called_station text, cui text not null, granted_at integer not null, expires_at integer not null`,
  },
  { index: 'access_session_expiry', on: 'access_session (expires_at)' },
]
