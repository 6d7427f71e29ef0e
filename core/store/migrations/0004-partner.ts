// The partner API: its clients, what was answered under an idempotency key, audit trail, limits, jobs, events for partners and their
// delivery. A partner is a tenant. Times are milliseconds since 1970-01-01 UTC.
import type { Definition } from '../tables.ts'

export const partner: readonly Definition[] = [
  // Who may ask for access tokens (RFC 6749 §2.2). scopes: parted by spaces, or *. secret_hash: scrypt (core/http/partner/secret.ts), null for
  // clients that have a certificate only; previous_*: the secret before the last rotation. certificate: x5t#S256 (RFC 8705 §3.1).
  {
    table: 'partner_client',
    columns: `client_id text primary key, tenant_id text not null, name text not null, scopes text not null, secret_hash text,
    previous_hash text, previous_until integer, certificate text, created_at integer not null, rotated_at integer, revoked_at integer`,
  },
  { index: 'partner_client_tenant', on: 'partner_client (tenant_id)' },
  // Limits of a tenant that differ from the configured ones; null: as configured.
  {
    table: 'partner_limit',
    columns: `tenant_id text primary key, per_second integer, per_day integer`,
  },
  // used: requests of the UTC day that nodes have taken for themselves to spend.
  {
    table: 'partner_quota',
    columns: `tenant_id text not null, day integer not null, used integer not null, primary key (tenant_id, day)`,
  },
  // What was answered under an Idempotency-Key, written with the effect. request_hash: SHA-256 of method, path and body; headers: JSON; body: sealed, for it may hold what is shown once.
  {
    table: 'partner_replay',
    columns: `client_id text not null, idempotency_key text not null, request_hash blob not null, status integer not null,
    headers text not null, body blob not null, created_at integer not null, primary key (client_id, idempotency_key)`,
  },
  { index: 'partner_replay_age', on: 'partner_replay (created_at)' },
  // Append-only, a chain of hashes per tenant (core/http/partner/audit/store.ts). actor: a client, or cli:<user>; body_hash: SHA-256 of what
  // was sent; hash: SHA-256 over the row and the hash before it.
  {
    table: 'audit_entry',
    columns: `tenant_id text not null, number integer not null, at integer not null, actor text not null, action text not null,
    target text not null, status integer not null, body_hash blob not null, hash blob not null, primary key (tenant_id, number)`,
  },
  // The newest entry of each chain.
  {
    table: 'audit_head',
    columns: `tenant_id text primary key, number integer not null, hash blob not null`,
  },
  // Usage of one subscriber, and of one tenant, is asked for by partners.
  { index: 'cdr_session', on: 'cdr (session_no)' },
  { index: 'cdr_tenant', on: 'cdr (tenant_id, record_no)' },
  // Work that takes longer than a request. input: sealed (AES-256-GCM), gone when the job has ended; result, problem: JSON.
  {
    table: 'partner_job',
    columns: `job_no identity forever, job_id text not null unique, tenant_id text not null, client_id text not null, kind text not null,
    state text not null check (state in ('queued', 'running', 'done', 'failed')), input blob, callback text, done integer not null,
    total integer, result text, problem text, created_at integer not null, changed_at integer not null`,
  },
  { index: 'partner_job_tenant', on: 'partner_job (tenant_id, job_no)' },
  { index: 'partner_job_waiting', on: `partner_job (job_no) where state in ('queued', 'running')` },
  // What happened that partners may want to be told, written with what happened. type: the end of a CloudEvents type; data: JSON; taken: 1 once its
  // deliveries are written.
  {
    table: 'partner_event',
    columns: `event_id identity forever, tenant_id text not null, type text not null, subject text not null, data text not null,
    at integer not null, taken integer not null`,
  },
  { index: 'partner_event_tenant', on: 'partner_event (tenant_id, event_id)' },
  { index: 'partner_event_new', on: 'partner_event (event_id) where taken = 0' },
  // types: parted by spaces, '*' for all. secret: sealed under the key-encryption key.
  {
    table: 'webhook',
    columns: `webhook_id text primary key, tenant_id text not null, url text not null, types text not null, secret blob not null,
    state text not null check (state in ('active', 'paused', 'gone')), created_at integer not null, changed_at integer not null`,
  },
  { index: 'webhook_tenant', on: 'webhook (tenant_id)' },
  // next_at: the next attempt while due.
  {
    table: 'webhook_delivery',
    columns: `delivery_no identity forever, event_id integer not null, webhook_id text not null, tenant_id text not null,
    state text not null check (state in ('due', 'delivered', 'dead')), attempts integer not null, next_at integer not null,
    last_status integer, last_error text, changed_at integer not null, unique (event_id, webhook_id)`,
  },
  { index: 'webhook_delivery_due', on: `webhook_delivery (next_at) where state = 'due'` },
  { index: 'webhook_delivery_tenant', on: 'webhook_delivery (tenant_id, delivery_no)' },
]
