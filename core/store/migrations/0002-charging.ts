// Charging: a ledger of many units, plans, balances, sessions with their reservations, records. Times are milliseconds since
// 1970-01-01 UTC; amounts are octets, seconds, messages, or millionths of a currency unit, 64-bit integers throughout.
import type { Definition } from '../tables.ts'

export const charging: readonly Definition[] = [
  // Double entry, one unit to an account. debits, credits: posted totals; pending: debits reserved by open sessions; remainder: what
  // rounding has not charged yet, in microtokens × octets / 1,000,000.
  {
    table: 'ledger_account',
    columns: `account_no identity, account_id text not null unique, unit text not null,
    normal_side text not null check (normal_side in ('debit', 'credit')),
    debits integer not null check (debits >= 0), credits integer not null check (credits >= 0),
    pending integer not null check (pending >= 0), remainder integer not null`,
  },
  // cause: what made the transfer. source 'rare': unique by its cause, listed with its accounts; 'session': by the counter of the charging
  // session `reference`; 'usage': by the cursor that took the usage event `reference`. An index over causes or accounts
  // of usage would dirty a page for each.
  {
    table: 'ledger_transfer',
    columns: `transfer_id identity, source text not null check (source in ('rare', 'session', 'usage')), reference integer,
    cause text not null, debit_account integer not null, credit_account integer not null,
    amount integer not null check (amount > 0), at integer not null`,
  },
  { index: 'ledger_transfer_cause', on: `ledger_transfer (cause) where source = 'rare'`, unique: true },
  { index: 'ledger_transfer_debit', on: `ledger_transfer (debit_account, transfer_id) where source = 'rare'` },
  { index: 'ledger_transfer_credit', on: `ledger_transfer (credit_account, transfer_id) where source = 'rare'` },
  { index: 'ledger_transfer_session', on: `ledger_transfer (reference) where source = 'session'` },
  { index: 'ledger_transfer_usage', on: `ledger_transfer (reference) where source = 'usage'` },

  // tenant_id: the payer's id; currency: ISO 4217; decimals, rounding: how a period's sum is rounded; time_zone: IANA name.
  {
    table: 'tenant',
    columns: `tenant_id text primary key, currency text not null, decimals integer not null, rounding text not null, time_zone text not null`,
  },
  // document: JSON as given. A version never changes. plan_key: tenant/plan.
  {
    table: 'plan',
    columns: `plan_no identity, plan_key text not null, version integer not null, document text not null, created_at integer not null,
    unique (plan_key, version)`,
  },
  // The version that new sessions use.
  {
    table: 'plan_head',
    columns: `plan_key text primary key, plan_no integer not null`,
  },

  // Who can pay: owner is subscriber:<id> or pool:<id>. Whoever touches an account of an owner locks this row first. remainder: parts of
  // a micro-unit not charged yet (REMAINDER_PARTS). *_start: the period that the sums beside it are of; held_*: what open sessions may
  // still use. suspended: 1 while nothing is granted. renewed_at: the last start of a period that recurring charges were made for.
  {
    table: 'wallet',
    columns: `owner text primary key, remainder integer not null, day_start integer not null, day_octets integer not null, day_money integer not null,
    month_start integer not null, month_octets integer not null, month_money integer not null,
    fair_start integer not null, fair_octets integer not null, held_octets integer not null, held_money integer not null,
    suspended integer not null, renewed_at integer not null`,
  },
  {
    table: 'pool_member',
    columns: `subscriber_id text primary key, pool_id text not null`,
  },
  { index: 'pool_member_pool', on: `pool_member (pool_id)` },
  // One pot that can pay: its ledger account says how much. services: JSON of what it is for, null for anything; offer: the bundle of a
  // plan that it came from; rolled: how often its units have rolled over.
  {
    table: 'balance',
    columns: `account_no integer primary key, owner text not null, tenant_id text not null, kind text not null check (kind in ('bundle', 'money')),
    unit text not null, granted integer not null, priority integer not null, expires_at integer, services text, offer text,
    rolled integer not null, state text not null check (state in ('open', 'closed')), created_at integer not null`,
  },
  { index: 'balance_owner', on: `balance (owner) where state = 'open'` },
  { index: 'balance_expiry', on: `balance (expires_at) where state = 'open' and expires_at is not null` },
  // code_hash: HMAC-SHA-256 of the code. amount: micro-units of the tenant's currency, or the bundle `offer` (plan/bundle).
  {
    table: 'voucher',
    columns: `code_hash blob primary key, tenant_id text not null, series text not null, amount integer not null, offer text, expires_at integer,
    redeemed_by text, redeemed_at integer`,
  },

  // One row per charging session and per one-time event, written when it opens, moves to another radio, and ends. session_key: origin, line feed,
  // Session-Id. plan_no null: the built-in flat plan. check_at: when supervision looks next, put off only when it does.
  {
    table: 'charging_session',
    columns: `session_no identity, session_key text not null unique, subscriber_id text not null, pool_id text, tenant_id text not null,
    plan_no integer, opened_at integer not null, closed_at integer, check_at integer, access text not null, radio_id text, visited_plmn text`,
  },
  { index: 'charging_session_subscriber', on: `charging_session (subscriber_id, session_no)` },
  { index: 'charging_session_open', on: `charging_session (subscriber_id) where closed_at is null` },
  { index: 'charging_session_pool', on: `charging_session (pool_id) where closed_at is null and pool_id is not null` },
  { index: 'charging_session_check', on: `charging_session (check_at) where closed_at is null` },
  // What every request moves, apart from the rest, so that a commit dirties few pages; locked first by whoever works on the session.
  // number: highest CC-Request-Number; seen: bit n is set when number − 1 − n was taken; gaps, late: numbers skipped, and taken or
  // refused after a higher one; answer: to the request `number`; services: reservations and counters, one part per Rating-Group
  // (billing/charging/session/services-codec.ts).
  {
    table: 'charging_counter',
    columns: `session_no integer primary key, state text not null check (state in ('open', 'closed', 'expired')), number integer not null,
    seen integer not null, last_at integer not null, gaps integer not null, late integer not null, context text not null,
    answer text not null, services blob not null`,
  },
  // Journal of what somebody may want to be told: thresholds, expiry, suspension, overuse. amount: in `unit`.
  {
    table: 'charging_event',
    distribute: 'event_id',
    columns: `event_id identity, at integer not null, subscriber_id text not null, kind text not null, account_no integer,
    percent integer, amount integer, unit text`,
  },
  { index: 'charging_event_subscriber', on: `charging_event (subscriber_id, event_id)` },
  // Records waiting for export. record_no has no gaps; record: JSON of a ChargingRecord without its number and identities.
  {
    table: 'cdr',
    distribute: 'record_no',
    columns: `record_no integer primary key, session_no integer not null, tenant_id text not null, record text not null, created_at integer not null`,
  },
  {
    table: 'cdr_counter',
    columns: `name text primary key, last integer not null`,
  },
  // Charged in money, micro-units, and not invoiced yet, by the start of the tenant's month in which it was charged; owed: of it, on credit.
  {
    table: 'accrual',
    columns: `tenant_id text not null, period_start integer not null, subscriber_id text not null, amount integer not null, owed integer not null,
    primary key (tenant_id, period_start, subscriber_id)`,
  },
  // One per tenant, calendar month and subscriber that was charged anything. exact: micro-units charged, what came late for earlier months
  // among it; rounded: what the invoice says, by the tenant's rule; owed: of it, on credit and to be paid.
  {
    table: 'invoice',
    columns: `invoice_no identity, tenant_id text not null, period_start integer not null, period_end integer not null, subscriber_id text not null,
    currency text not null, exact integer not null, rounded integer not null, owed integer not null, created_at integer not null,
    unique (tenant_id, period_start, subscriber_id)`,
  },
  { index: 'invoice_subscriber', on: 'invoice (subscriber_id, invoice_no)' },
  // Set aside whole until somebody decides, because it cannot be true, would not fit the books, or stopped a stage. source: `usage:<event_id>` where
  // rating, `receipt:<event_id>` where the log, `registry:<event_id>` where the log did not take a row of its journal, else session and request.
  {
    table: 'rating_held',
    distribute: 'held_id',
    columns: `held_id identity, source text not null, at integer not null, subscriber_id text, reason text not null, usage text not null,
    state text not null default 'held' check (state in ('held', 'released', 'dropped')), decided_at integer`,
  },
  { index: 'rating_held_open', on: `rating_held (source) where state = 'held'` },
]
