// Certificates of sites, and what has to be told to access points about open sessions. Times are milliseconds since 1970-01-01 UTC.
import type { Definition } from '../tables.ts'

export const radsec: readonly Definition[] = [
  // Our own certification authority. certificate: X.509, DER; its key lies in the key store.
  {
    table: 'radio_authority',
    columns: `authority_no identity, name text not null unique, certificate blob not null, created_at integer not null`,
  },
  // Client certificates of sites (RFC 6614 §2.3). serial: hex; fingerprint: SHA-256 of the DER form, hex; radio_id: whose name is its subject.
  {
    table: 'radio_certificate',
    columns: `serial text primary key, fingerprint text not null unique, radio_id text not null, certificate blob not null,
    issued_at integer not null, expires_at integer not null, revoked_at integer, reason text`,
  },
  { index: 'radio_certificate_subject', on: 'radio_certificate (radio_id)' },
  // Whose packets may come over a connection with it: the subject's, and those of the other radios of the site.
  {
    table: 'radio_certificate_member',
    columns: `serial text not null, radio_id text not null, primary key (serial, radio_id)`,
  },
  // Journal of certificates, read behind a cursor by every node.
  {
    table: 'radio_certificate_event',
    columns: `event_id identity forever, serial text not null, kind text not null check (kind in ('issued', 'revoked')), at integer not null`,
  },
  // What an access point has to be told of a session (RFC 5176), once for each kind of a session. session_no, incarnation: of usage_session.
  // origin: as in usage_session. rate_up, rate_down: bits per second of a throttle. next_at: when to try (again); attempt: so often it was tried.
  // outcome: why it ended, in words of RFC 5176 where the access point said so.
  {
    table: 'control_order',
    columns: `order_no identity, session_no integer not null, incarnation integer not null,
    kind text not null check (kind in ('disconnect', 'throttle', 'reauthorise')), origin text not null, cause text not null,
    rate_up integer, rate_down integer, state text not null check (state in ('due', 'done', 'failed')), attempt integer not null,
    next_at integer not null, created_at integer not null, ended_at integer, outcome text, unique (session_no, incarnation, kind)`,
  },
  { index: 'control_order_due', on: `control_order (next_at) where state = 'due'` },
  { index: 'control_order_ended', on: `control_order (ended_at) where ended_at is not null` },
  {
    index: 'usage_session_subscriber',
    on: `usage_session (subscriber_id) where state = 'open' and subscriber_id is not null`,
  },
  // Accounting of roamers that their home server has not acknowledged yet. digest: SHA-256 of who sent it and the packet, so that a
  // retransmission is not forwarded twice; realm: of the route that it takes; packet: as it came.
  {
    table: 'proxy_accounting',
    columns: `record_no identity, digest blob not null unique, realm text not null, packet blob not null, received_at integer not null,
    attempt integer not null, next_at integer not null`,
  },
  { index: 'proxy_accounting_due', on: 'proxy_accounting (next_at)' },
]
