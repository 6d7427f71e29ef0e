// SIMs: cards and their life, subscriptions, keys under envelope encryption, sequence numbers, batches, ranges, number porting. Times are
// milliseconds since 1970-01-01 UTC.
import type { Definition } from '../tables.ts'

export const sim: readonly Definition[] = [
  // Keys that encrypt what follows (AES-256): envelope is the key itself, sealed under the key-encryption key (core/runtime/envelope.ts).
  // purpose: 'seal' encrypts rows, 'fingerprint' tells keys apart. uses: values sealed so far; open: 1 while more may come.
  {
    table: 'data_key',
    columns: `key_no identity, purpose text not null check (purpose in ('seal', 'fingerprint')), envelope blob not null,
    uses integer not null, open integer not null, created_at integer not null, rewrapped_at integer`,
  },
  // Keys of the network. kind 'home': a home network key (TS 33.501 §6.12.2), key_id 0 to 255, profile A or B, public_key as sent;
  // 'transport': what a card vendor wraps Ki with, profile names the cipher. sealed: the secret half under data_key.
  {
    table: 'network_key',
    columns: `kind text not null check (kind in ('home', 'transport')), key_id text not null, profile text not null, public_key blob,
    state text not null check (state in ('active', 'retiring', 'retired')), data_key integer not null, sealed blob not null,
    fingerprint text not null, created_at integer not null, changed_at integer not null, primary key (kind, key_id)`,
  },
  // What was done with a secret, by whom; written in the transaction that used it, or before the secret left. subject: iccid:…,
  // home:…, transport:…, batch:…, data-key:….
  {
    table: 'key_use',
    columns: `use_id identity, at integer not null, actor text not null, purpose text not null, subject text not null, count integer not null`,
  },
  { index: 'key_use_subject', on: 'key_use (subject, use_id)' },

  // Identifiers that belong to a tenant: first to last, decimal digits of one length, the check digit of an ICCID left out. Ranges of a kind do not overlap.
  // mnc_digits: length of the MNC, of IMSI ranges only. next: the first that was never given out.
  {
    table: 'number_range',
    columns: `range_no identity, tenant_id text not null, kind text not null check (kind in ('imsi', 'iccid', 'msisdn')),
    first text not null, last text not null, mnc_digits integer, next text not null, created_at integer not null, unique (kind, first)`,
  },
  // source: name of the file as given, or 'generated'; sha256: of the file. mode 'all': no row of it counts before all do.
  // position: lines of the file that are dealt with, from which a broken-off import goes on.
  {
    table: 'sim_batch',
    columns: `batch_no identity, batch_id text not null unique, tenant_id text not null, source text not null, sha256 text not null,
    format text not null, mode text not null check (mode in ('row', 'all')), transport_key text,
    state text not null check (state in ('running', 'done', 'refused')), position integer not null, added integer not null,
    unchanged integer not null, refused integer not null, created_at integer not null, finished_at integer`,
  },
  // message never holds a key, nor an identifier in full.
  {
    table: 'sim_batch_error',
    columns: `batch_no integer not null, line integer not null, code text not null, message text not null, hint text not null,
    primary key (batch_no, line)`,
  },
  // A SIM. iccid: ITU-T E.118; imsi: TS 23.003 §2.2, with the digits of its MNC; eid: SGP.29; msisdn: number it was delivered with.
  // form: where the profile lives. fingerprint: tells its K and OPc from others and says nothing about them. amf: TS 33.102 Annex H,
  // 4 hex digits. home_key: id of the home network key on the card. State: sim-provisioning/profiles/sim-machine.ts.
  {
    table: 'sim',
    columns: `sim_no identity, iccid text not null unique, imsi text not null unique, mnc_digits integer not null check (mnc_digits in (2, 3)),
    tenant_id text not null, batch_no integer not null, state text not null, form text not null check (form in ('card', 'esim')), eid text,
    msisdn text, acc text, algorithm text not null check (algorithm in ('milenage', 'tuak')), amf text not null, fingerprint text not null,
    home_key integer, created_at integer not null, changed_at integer not null`,
  },
  { index: 'sim_batch_member', on: 'sim (batch_no, sim_no)' },
  // Encrypted under data_key, bound to the ICCID. auth: K and OPc or TOPc; codes: PIN, PUK, ADM. Never selected but to be used.
  {
    table: 'sim_secret',
    distribute: 'sim_no',
    columns: `sim_no integer primary key, data_key integer not null, auth blob not null, codes blob`,
  },
  { index: 'sim_secret_data_key', on: 'sim_secret (data_key)' },
  // The last sequence number issued (TS 33.102 §6.3.5), 48 bits. A table of its own, so that no edit of a SIM can write it.
  {
    table: 'sim_sequence',
    distribute: 'sim_no',
    columns: `sim_no integer primary key, sqn integer not null check (sqn between 0 and 281474976710655)`,
  },
  // Which part of the USIM's array each serving entity uses (TS 33.102 §C.3.4), 0 to 31.
  {
    table: 'aka_entity',
    columns: `entity text primary key, ind integer not null`,
  },
  // What happened to SIMs and subscriptions. subject: iccid:… or subscriber:…. cause: one of profiles/act.ts; reason: in words.
  {
    table: 'sim_event',
    columns: `event_id identity, at integer not null, subject text not null, kind text not null, from_state text not null, to_state text not null,
    actor text not null, cause text not null, reason text`,
  },
  { index: 'sim_event_subject', on: 'sim_event (subject, event_id)' },
  // A subscriber's contract: SIM, number, locks (1: no SIM swap, no port-out). State: profiles/subscription-machine.ts.
  {
    table: 'subscription',
    columns: `subscriber_id text primary key, tenant_id text not null, iccid text unique, msisdn text unique, state text not null,
    reason text, sim_swap_lock integer not null, port_lock integer not null, changed_at integer not null`,
  },
  // What a subscriber has to be told at once (47 CFR §64.2010(h)): SIM changed, number changed, lock set, refused because of a lock.
  {
    table: 'subscriber_notice',
    columns: `notice_id identity, subscriber_id text not null, kind text not null, at integer not null, detail text not null, sent_at integer`,
  },
  { index: 'subscriber_notice_unsent', on: 'subscriber_notice (notice_id) where sent_at is null' },
  // Numbers that come from or go to another operator. partner: donor or recipient; foc_at: firm order commitment; pin_hash: scrypt of
  // the account PIN; reference: the clearing house's.
  {
    table: 'number_port',
    columns: `port_id identity, direction text not null check (direction in ('in', 'out')), msisdn text not null, tenant_id text not null,
    subscriber_id text not null, partner text not null, account text, pin_hash text, foc_at integer, state text not null, reference text,
    reason text, created_at integer not null, changed_at integer not null`,
  },
  {
    index: 'number_port_open',
    on: `number_port (msisdn) where state not in ('completed', 'refused', 'cancelled')`,
    unique: true,
  },
  // Keys may leave once under a transport key, until expires_at, when a second operator agrees.
  {
    table: 'key_export',
    columns: `export_id identity, batch_no integer not null, transport_key text not null, requested_by text not null, requested_at integer not null,
    expires_at integer not null, approved_by text, approved_at integer, written_at integer, check (approved_by is null or approved_by <> requested_by)`,
  },
]
