// The first schema. Times are milliseconds since 1970-01-01 UTC; octets and microtokens are 64-bit integers. How to write a table for both
// engines stands in ../tables.ts; a migration is a file like this one, named in ../migrate.ts, that exports its definitions in order.
import type { Definition } from '../tables.ts'

export const definitions: readonly Definition[] = [
  // Radios and what is known of them. nas_identifier: RFC 2865 §5.32; called_station: BSSID of RFC 2865 §5.30 (RFC 3580 §3.20), 12 lower-case hex digits;
  // cell: PLMN digits, '-', and 7 hex digits of an ECI, 9 of an NCI, 5 of a macro eNB (TS 23.003 §19.6), 4 or 6 of a TAC (§19.4.2.3);
  // radio_class: what tariffs may ask for.
  {
    table: 'radio',
    columns: `radio_id text primary key, access text not null check (access in ('wifi', 'lte', 'nr')), radio_class text,
      nas_identifier text unique, called_station text unique, cell text unique,
      owner_wallet text not null, payout_wallet text not null, created_at integer not null`,
  },
  // Journal of what happened to radios: claim, payout, ban, unban, class. Read behind cursors; never updated.
  {
    table: 'radio_event',
    columns: `event_id identity forever, kind text not null check (kind in ('claim', 'payout', 'ban', 'unban', 'class')),
      radio_id text not null, owner_wallet text not null, payout_wallet text not null, at integer not null,
      reason text, expires_at integer`,
  },
  { index: 'radio_event_radio', on: 'radio_event (radio_id)' },
  // imsi: TS 23.003 §2.2. subscriber_seq: order of enrolment, by which readers find what is new.
  {
    table: 'subscriber',
    columns: `subscriber_seq identity forever, subscriber_id text not null unique, imsi text unique, payer_id text not null, plan_id text not null, created_at integer not null`,
  },
  // One row per accounting session, written when it starts, ends, changes hands or goes 'stale' (no report for several intervals: it may wake). incarnation: tells sessions apart whose
  // Acct-Session-Id the access point used again; identity: User-Name as received;
  // multi_session: Acct-Multi-Session-Id (RFC 2866 §5.11), the same for the sessions of a phone that roams between access points; calling_station:
  // RFC 2865 §5.31, which some access points want to be told again.
  {
    table: 'usage_session',
    columns: `session_no identity, session_key text not null unique, incarnation integer not null,
      state text not null check (state in ('open', 'stale', 'closed')), started_at integer not null, identity text not null,
      radio_id text, subscriber_id text, origin text not null, multi_session text, calling_station text`,
  },
  // What each report of a session moves, apart from the rest, so that a hundred rows share a page and a commit dirties few.
  // uplink, downlink: the highest cumulative counters seen, octets; sequence: events emitted so far; last_at: newest event time
  // seen; seconds: highest Acct-Session-Time (RFC 2866 §5.7); gigawords: 1 once a Gigawords attribute (RFC 2869 §5.1) was seen;
  // anomalies: records that were kept out of the count.
  {
    table: 'usage_counter',
    columns: `session_no integer primary key, sequence integer not null, uplink integer not null, downlink integer not null,
      last_at integer not null, seconds integer not null, gigawords integer not null, anomalies integer not null`,
  },
  { index: 'usage_session_open', on: "usage_session (origin) where state <> 'closed'" },
  // The usage journal, never deleted from at its end, so that event_id only grows. (origin, session_id, sequence) is unique because sequence is counted in the session's row, in the same
  // transaction; an index to say so again would dirty one more page per event and cost a third of the throughput.
  // uplink, downlink: octets since the event before. flags: USAGE_FLAG of core/events.
  {
    table: 'usage_event',
    distribute: 'event_id',
    blocks: 'event_id',
    columns: `event_id identity, origin text not null, session_id text not null, sequence integer not null,
      subscriber_id text, radio_id text, access text not null, start_at integer not null, end_at integer not null,
      uplink integer not null check (uplink >= 0), downlink integer not null check (downlink >= 0),
      cause text not null, received_at integer not null, flags integer not null`,
  },
  // How far each stage has read its journal; written in the transaction of what the stage wrote.
  {
    table: 'stage_cursor',
    columns: `stage text primary key, position integer not null`,
  },
  // The receipt log: entry is deterministic CBOR (RFC 8949 §4.2.1), leaf_hash RFC 6962 §2.1.
  {
    table: 'log_entry',
    distribute: 'entry_index',
    columns: `entry_index integer primary key, type integer not null, entry blob not null, leaf_hash blob not null`,
  },
  // Nearly all entries are receipts (type 1): the others are found by type.
  { index: 'log_entry_rare', on: 'log_entry (type, entry_index) where type <> 1' },
  // frontier: the roots of the perfect subtrees of the log, 32 octets each, largest first; published_size: entries whose tiles are on disk.
  {
    table: 'log_state',
    columns: `origin text primary key, size integer not null, frontier blob not null, published_size integer not null`,
  },
  // note: C2SP tlog-checkpoint in a signed note.
  {
    table: 'log_checkpoint',
    columns: `size integer primary key, root blob not null, note text not null, signed_at integer not null`,
  },
  // What a usage entry of the log says, for look-ups and epoch close. radio_seq has no gaps per radio; (session_ref, sequence) is one
  // piece of usage: a second receipt for it is a rejected one.
  {
    table: 'receipt',
    columns: `entry_index integer primary key, event_id integer not null unique, epoch integer not null, payer_id text not null, radio_id text not null,
      radio_seq integer not null, counted integer not null, verdict text not null, session_ref blob not null, sequence integer not null,
      unique (radio_id, radio_seq)`,
  },
  { index: 'receipt_piece', on: 'receipt (session_ref, sequence)' },
  { index: 'receipt_epoch', on: 'receipt (epoch)' },
  // What the log itself says of a radio so far: the state that verdicts are judged by. banned_from: start of the newest ban, null
  // without one; banned_until: its end, null for good; next_seq: radio_seq of the next receipt.
  {
    table: 'policy_radio',
    distribute: 'radio_id',
    columns: `radio_id text primary key, owner_wallet text not null, payout_wallet text not null,
      next_seq integer not null, claim_seq integer not null, banned_from integer, banned_until integer`,
  },
  // first_index, last_index: entries of the epoch; table_hash: SHA-256 of the canonical payout table; total: microtokens.
  {
    table: 'epoch',
    columns: `epoch integer primary key, state text not null check (state in ('open', 'closed', 'anchored', 'settled')), opened_at integer not null, closed_at integer,
      first_index integer not null, last_index integer, table_hash blob, total integer not null`,
  },
  // carry_in, carry_out: what rounding left, in microtokens × octets / 1,000,000 (numerator below 1,000,000).
  {
    table: 'payout',
    distribute: 'radio_id',
    columns: `epoch integer not null, payer_id text not null, radio_id text not null, payout_wallet text not null, counted integer not null,
      carry_in integer not null, amount integer not null, carry_out integer not null,
      state text not null check (state in ('due', 'waiting', 'batched', 'paid')), batch_id text, primary key (epoch, payer_id, radio_id)`,
  },
  { index: 'payout_radio', on: 'payout (payer_id, radio_id, epoch)' },
  // Transactions are stored with their signatures before they are sent; wire: the serialised transaction; digest: SHA-256 of what it pays;
  // chain: names the chain that it is meant for, by its genesis hash or the instance of an embedded one; since_slot: final there before the first attempt, so where a search may begin.
  {
    table: 'settlement_transaction',
    columns: `batch_id text primary key, epoch integer not null, kind text not null check (kind in ('anchor', 'payout')), payer_id text,
      state text not null, attempt integer not null, chain text not null, since_slot integer not null, memo text not null, digest blob not null, wire blob, signature text,
      last_valid_block_height integer, slot integer, updated_at integer not null`,
  },
  // signers: base58 keys of the SPL multisig, comma-separated, in its order; chain: as in settlement_transaction.
  {
    table: 'treasury',
    columns: `payer_id text primary key, mint text not null, multisig text not null, token_account text not null, signers text not null,
      threshold integer not null, chain text not null, created_at integer not null`,
  },
]
