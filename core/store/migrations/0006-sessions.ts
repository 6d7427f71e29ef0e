// Orders about sessions of changed subscribers, and who may let keys leave. Times are milliseconds since 1970-01-01 UTC.
import type { Definition } from '../tables.ts'

export const sessions: readonly Definition[] = [
  // What has to happen to the live sessions of a subscriber; written with the change, read by every node behind a cursor, forgotten after a day.
  // imsi: the SIM whose sessions are meant, where the subscriber has another by now.
  {
    table: 'session_order',
    columns: `order_no identity forever, at integer not null, subscriber_id text not null, imsi text,
    action text not null check (action in ('drop', 'refresh')), cause text not null`,
  },
  // Who may let keys leave. token_hash: SHA-256 of a random token; created_by: the operator who let it in, or the user of the first two.
  {
    table: 'key_operator',
    columns: `operator_id text primary key, token_hash text not null unique, created_by text not null, created_at integer not null,
    revoked_at integer`,
  },
  { index: 'session_order_age', on: 'session_order (at)' },
]
