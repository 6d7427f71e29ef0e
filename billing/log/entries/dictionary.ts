// The seven types of entry. Each is a map with integer keys: key 0 is the type, the others stand here. Keys are never reused.
import {
  access,
  account,
  count,
  difference,
  digest,
  duration,
  type Field,
  instant,
  listOf,
  money,
  octetCount,
  payerName,
  publicKey,
  radioName,
  ratePayer,
  record,
  reference,
  registryKind,
  sentence,
  signature,
  transaction,
  type ValueOf,
  verdictText,
} from './fields.ts'

interface Row {
  /** 1 to 23: one octet of CBOR, so that the order of keys is the order of their octets (RFC 8949 §4.2.1). */
  readonly key: number
  readonly name: string
  readonly field: Field<unknown>
  /** The key is left out where there is nothing to say. */
  readonly optional?: true
  readonly note: string
}

/** A metered piece of a session, with the verdict on it. Signed by the log. */
const USAGE = [
  { key: 1, name: 'radio', field: radioName, optional: true, note: 'who carried it; absent when nobody knows' },
  { key: 2, name: 'radioSeq', field: count, note: 'counts the receipts of the radio from 1 without gaps' },
  { key: 3, name: 'epoch', field: count, note: 'the epoch that pays it' },
  { key: 4, name: 'payer', field: payerName, optional: true, note: 'who pays for the subscriber; absent when unknown' },
  { key: 5, name: 'sessionRef', field: reference, note: 'stands for origin and session; keyed by the log' },
  { key: 6, name: 'sequence', field: count, note: 'place of the event in its session' },
  {
    key: 7,
    name: 'subscriberRef',
    field: reference,
    optional: true,
    note: 'stands for the subscriber in one calendar month (UTC); keyed by the payer',
  },
  { key: 8, name: 'access', field: access, note: 'access technology' },
  { key: 9, name: 'start', field: instant, note: 'when the octets began to flow' },
  { key: 10, name: 'end', field: instant, note: 'when they were counted' },
  { key: 11, name: 'uplink', field: octetCount, note: 'from the subscriber' },
  { key: 12, name: 'downlink', field: octetCount, note: 'to the subscriber' },
  { key: 13, name: 'counted', field: octetCount, note: 'octets that earn; 0 unless VALID' },
  { key: 14, name: 'verdict', field: verdictText, note: 'what the rules said' },
  { key: 15, name: 'received', field: instant, note: 'when the meter of record reported it; a rule needs it' },
  {
    key: 16,
    name: 'flags',
    field: count,
    note: 'doubts of the meter: 1 counter fell, 2 wrap assumed, 4 no start seen; a rule needs them',
  },
] as const satisfies readonly Row[]

/** What a radio says that it carried. Signed by the radio's device key. */
const CLAIM = [
  { key: 1, name: 'radio', field: radioName, note: 'who claims' },
  { key: 2, name: 'claimSeq', field: count, note: 'counts the claims of the radio from 1' },
  { key: 3, name: 'start', field: instant, note: 'beginning of the period' },
  { key: 4, name: 'end', field: instant, note: 'end of the period' },
  { key: 5, name: 'uplink', field: octetCount, note: 'carried from subscribers' },
  { key: 6, name: 'downlink', field: octetCount, note: 'carried to subscribers' },
  { key: 7, name: 'sessions', field: count, note: 'sessions seen in the period' },
  { key: 8, name: 'signature', field: signature, note: 'of the device key over this entry without key 8' },
] as const satisfies readonly Row[]

/** What happened to a radio. */
const REGISTRY = [
  { key: 1, name: 'kind', field: registryKind, note: 'what happened' },
  { key: 2, name: 'radio', field: radioName, note: 'to whom' },
  { key: 3, name: 'owner', field: account, note: 'wallet of the owner' },
  { key: 4, name: 'payout', field: account, note: 'wallet that is paid' },
  { key: 5, name: 'at', field: instant, note: 'when' },
  { key: 6, name: 'reason', field: sentence, optional: true, note: 'of a ban or an appeal' },
  { key: 7, name: 'expires', field: instant, optional: true, note: 'end of a ban; absent for good' },
  { key: 8, name: 'cell', field: sentence, optional: true, note: 'location, an H3 cell' },
  { key: 9, name: 'deviceKey', field: publicKey, optional: true, note: 'that signs the claims of the radio' },
  {
    key: 10,
    name: 'signature',
    field: signature,
    optional: true,
    note: 'of the party named, over this entry without key 10',
  },
] as const satisfies readonly Row[]

/** The rules' numbers. Signed by M of N oracles. */
const POLICY = [
  { key: 1, name: 'version', field: count, note: 'counts policies from 1' },
  {
    key: 2,
    name: 'rates',
    field: listOf(record({ payer: ratePayer, access, rate: money }), 4096),
    note: 'microtokens per 1,000,000 octets, sorted by payer and access',
  },
  {
    key: 3,
    name: 'peaks',
    field: listOf(record({ access, peak: octetCount }), 3),
    note: 'most octets a second that a session of this access can carry',
  },
  { key: 4, name: 'tolerance', field: count, note: 'thousandths by which a measure may exceed its limit' },
  { key: 5, name: 'shortest', field: duration, note: 'a shorter event is judged as if it had lasted this long' },
  { key: 6, name: 'past', field: duration, note: 'how long before its report an event may have ended' },
  { key: 7, name: 'future', field: duration, note: 'how long after its report an event may end' },
  { key: 8, name: 'epochLength', field: duration, note: 'length of an epoch' },
  { key: 9, name: 'hold', field: duration, note: 'from the close of an epoch to its payout' },
  { key: 10, name: 'oracles', field: listOf(publicKey, 11), note: 'N keys, sorted' },
  { key: 11, name: 'threshold', field: count, note: 'M' },
  {
    key: 12,
    name: 'signatures',
    field: listOf(record({ oracle: publicKey, signature }), 11),
    optional: true,
    note: 'of oracles over this entry without key 12, sorted by key',
  },
] as const satisfies readonly Row[]

/** The end of an epoch. Signed by the log. */
const CLOSE = [
  { key: 1, name: 'epoch', field: count, note: 'which' },
  { key: 2, name: 'first', field: count, note: 'index of its first entry' },
  { key: 3, name: 'last', field: count, note: 'index of its last entry' },
  { key: 4, name: 'tableHash', field: digest, note: 'of the canonical payout table' },
  { key: 5, name: 'total', field: money, note: 'what the table pays' },
  { key: 6, name: 'at', field: instant, note: 'when it was closed' },
  {
    key: 7,
    name: 'priorAnchor',
    field: transaction,
    optional: true,
    note: 'transaction that anchored the epoch before; absent for the first',
  },
] as const satisfies readonly Row[]

/** A payout that is final on chain. Signed by the log. */
const PAYOUT = [
  { key: 1, name: 'epoch', field: count, note: 'that is paid' },
  { key: 2, name: 'payer', field: payerName, note: 'whose treasury paid' },
  { key: 3, name: 'batch', field: sentence, note: 'name of the batch' },
  { key: 4, name: 'signature', field: transaction, note: 'of the transaction' },
  { key: 5, name: 'slot', field: count, note: 'in which it was finalized' },
] as const satisfies readonly Row[]

/** An earlier entry was wrong: it stays, this is added. Signed by the log. */
const CORRECTION = [
  { key: 1, name: 'entry', field: count, note: 'index of the entry' },
  { key: 2, name: 'reason', field: sentence, note: 'for people' },
  { key: 3, name: 'octets', field: difference, note: 'to add to its counted octets' },
] as const satisfies readonly Row[]

/** Type numbers are never reused. */
export const ENTRY_TYPES = {
  usage: { type: 1, rows: USAGE },
  claim: { type: 2, rows: CLAIM },
  registry: { type: 3, rows: REGISTRY },
  policy: { type: 4, rows: POLICY },
  close: { type: 5, rows: CLOSE },
  payout: { type: 6, rows: PAYOUT },
  correction: { type: 7, rows: CORRECTION },
} as const satisfies Record<string, { readonly type: number; readonly rows: readonly Row[] }>

export type EntryName = keyof typeof ENTRY_TYPES
type Rows<Name extends EntryName> = (typeof ENTRY_TYPES)[Name]['rows'][number]
type Optional<Of> = Extract<Of, { readonly optional: true }>

/** An entry of one type, as a value: `type` and the fields of its table. */
export type EntryOf<Name extends EntryName> = { readonly type: Name } & {
  readonly [Each in Exclude<Rows<Name>, Optional<Rows<Name>>> as Each['name']]: ValueOf<Each['field']>
} & {
  readonly [Each in Optional<Rows<Name>> as Each['name']]?: ValueOf<Each['field']> | undefined
}
export type Entry = { [Name in EntryName]: EntryOf<Name> }[EntryName]

/** The rows of a type, without the types of their values. */
export function rowsOf(name: EntryName): readonly Row[] {
  return ENTRY_TYPES[name].rows
}

/** The type of a number, or undefined. */
export function entryName(type: unknown): EntryName | undefined {
  return (Object.keys(ENTRY_TYPES) as EntryName[]).find((name) => ENTRY_TYPES[name].type === type)
}
