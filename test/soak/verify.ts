// What must hold in a node's database and log files at any instant that it may be killed, found with SQL beside the program's own.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createLogReader } from '../../billing/log/tiles/reader.ts'
import { directoryTiles } from '../../billing/log/tiles/sources.ts'
import { appendLeaves, EMPTY_FRONTIER, frontierRoot } from '../../billing/log/tree/frontier.ts'
import { hashLeaf } from '../../billing/log/tree/hash.ts'
import { clientName, PRICE } from '../emulators/node.ts'
import type { Counters, Tally } from './load.ts'

export interface Findings {
  /** What does not hold; empty when all is well. */
  readonly faults: readonly string[]
  readonly sessions: number
  readonly events: bigint
  readonly receipts: bigint
  readonly charged: bigint
  readonly logSize: bigint
}

export interface VerifyOptions {
  readonly database: string
  readonly logDirectory: string
  readonly tallies: readonly Tally[]
  /** The node has stopped in order: every stage has taken every event. */
  readonly drained: boolean
}

type Complain = (fault: string) => void

/** Reads the database that a stopped or killed node left. */
export async function verify({ database, logDirectory, tallies, drained }: VerifyOptions): Promise<Findings> {
  const faults: string[] = []
  const complain = (fault: string): void => {
    faults.push(fault)
  }
  const db = new Database(database)
  db.defaultSafeIntegers(true)
  try {
    if (db.pragma('integrity_check', { simple: true }) !== 'ok') complain('the database is damaged')
    checkSessions(db, tallies, complain)
    checkLedger(db, complain)
    const charged = checkCharges(db, complain)
    const receipts = checkReceipts(db, complain)
    const logSize = await checkLog(db, logDirectory, complain)
    const events = one(db, 'select count(*) from usage_event')
    if (drained) checkDrained(db, complain)
    return { faults, sessions: tallies.length, events, receipts, charged, logSize }
  } finally {
    db.close()
  }
}

function one(db: Database.Database, sql: string, ...parameters: unknown[]): bigint {
  return db
    .prepare(sql)
    .pluck()
    .get(...parameters) as bigint
}

/** The rows of a query that should have none, as complaints. */
function none(db: Database.Database, complain: Complain, fault: string, sql: string): void {
  for (const row of db.prepare(`${sql} limit 5`).raw().iterate() as Iterable<unknown[]>)
    complain(`${fault}: ${row.join(', ')}`)
}

/** Every answered counter is on record, nothing that was never sent is, and the events of a session add up to it. */
function checkSessions(db: Database.Database, tallies: readonly Tally[], complain: Complain): void {
  interface Row extends Counters {
    readonly incarnation: bigint
    readonly sequence: bigint
    readonly origin: string
    readonly session_key: string
  }
  const rows = new Map<string, Row>()
  const select = db.prepare(
    'select session_key, origin, incarnation, sequence, uplink, downlink from usage_session join usage_counter using (session_no)',
  )
  for (const row of select.iterate() as Iterable<Row>) {
    // Origin, a separator, the identifier.
    rows.set(`${row.origin} ${row.session_key.slice(row.origin.length + 1)}`, row)
  }
  const sums = new Map<string, Counters & { readonly count: bigint; readonly last: bigint }>()
  const events = db.prepare(
    `select origin || ' ' || session_id as name, sum(uplink) as uplink, sum(downlink) as downlink, count(*) as count,
       max(sequence) as last from usage_event group by origin, session_id`,
  )
  for (const row of events.iterate() as Iterable<Counters & { name: string; count: bigint; last: bigint }>)
    sums.set(row.name, row)

  for (const { nas, id, sent, answered } of tallies) {
    const name = `radius:${clientName(0)}:${nas} ${id}`
    const row = rows.get(name)
    if (!row) {
      if (answered) complain(`${name}: answered, and not on record`)
      continue
    }
    rows.delete(name)
    if (row.incarnation !== 1n) complain(`${name}: taken for ${row.incarnation} sessions`)
    for (const counter of ['uplink', 'downlink'] as const) {
      const least = answered?.[counter] ?? 0n
      if (row[counter] < least) complain(`${name}: ${counter} is ${row[counter]}, but ${least} was answered`)
      if (row[counter] > sent[counter])
        complain(`${name}: ${counter} is ${row[counter]}, but ${sent[counter]} was sent`)
      const sum = sums.get(`${name}#1`)?.[counter] ?? 0n
      if (sum !== row[counter]) complain(`${name}: the ${counter} of its events is ${sum}, its own ${row[counter]}`)
    }
    const { count, last } = sums.get(`${name}#1`) ?? { count: 0n, last: 0n }
    if (count !== row.sequence || last !== row.sequence)
      complain(`${name}: ${count} events up to ${last}, but its sequence is ${row.sequence}`)
    sums.delete(`${name}#1`)
  }
  for (const name of rows.keys()) complain(`${name}: on record, and never sent`)
  for (const name of sums.keys()) complain(`${name}: has events, and was never sent`)
  none(
    db,
    complain,
    'an event twice',
    'select origin, session_id, sequence from usage_event group by origin, session_id, sequence having count(*) > 1',
  )
}

function checkLedger(db: Database.Database, complain: Complain): void {
  none(
    db,
    complain,
    'the ledger does not balance',
    'select unit, sum(debits), sum(credits) from ledger_account group by unit having sum(debits) <> sum(credits)',
  )
  none(
    db,
    complain,
    'an account is not the sum of its transfers',
    `select account_id, debits, credits from ledger_account a
     where debits <> (select coalesce(sum(amount), 0) from ledger_transfer where debit_account = a.account_no)
        or credits <> (select coalesce(sum(amount), 0) from ledger_transfer where credit_account = a.account_no)`,
  )
  none(
    db,
    complain,
    'an account is below zero',
    `select account_id, debits, credits from ledger_account
     where (normal_side = 'debit' and debits < credits) or (normal_side = 'credit' and credits < debits)`,
  )
}

/** Each subscriber is charged for the octets of the events rated so far, to the last fraction: Σ charges × 10⁶ + remainder = Σ octets × price. */
function checkCharges(db: Database.Database, complain: Complain): bigint {
  const rated = cursor(db, 'rating')
  const charges = db.prepare(
    `select a.account_id as account, a.debits * 1000000 + a.remainder as charged,
       (select coalesce(sum(e.uplink + e.downlink), 0) from usage_event e
        where 'subscriber:' || e.subscriber_id || ':usage' = a.account_id and e.event_id <= ?) as octets
     from ledger_account a where a.account_id like 'subscriber:%:usage'`,
  )
  let owed = 0n
  for (const { account, charged, octets } of charges.iterate(rated) as Iterable<{
    account: string
    charged: bigint
    octets: bigint
  }>) {
    owed += octets
    if (charged !== octets * PRICE) complain(`${account}: ${charged} charged for ${octets} octets`)
  }
  const metered = one(db, 'select coalesce(sum(uplink + downlink), 0) from usage_event where event_id <= ?', rated)
  if (metered !== owed) complain(`${metered} octets rated, but accounts are charged for ${owed}`)
  const strangers = one(db, 'select count(*) from usage_event where subscriber_id is null or radio_id is null')
  if (strangers > 0n) complain(`${strangers} events of a subscriber or a radio that nobody knows`)
  return one(db, "select coalesce(sum(amount), 0) from ledger_transfer where cause like 'usage:%'")
}

function checkReceipts(db: Database.Database, complain: Complain): bigint {
  const done = cursor(db, 'receipts')
  const receipts = one(db, 'select count(*) from receipt')
  const events = one(db, 'select count(*) from usage_event where event_id <= ?', done)
  if (receipts !== events) complain(`${receipts} receipts for ${events} events`)
  none(
    db,
    complain,
    'an event without its receipt',
    `select event_id from usage_event where event_id <= ${done} and event_id not in (select event_id from receipt)`,
  )
  none(
    db,
    complain,
    'the receipts of a radio have gaps',
    'select radio_id from receipt group by radio_id having min(radio_seq) <> 1 or max(radio_seq) <> count(*)',
  )
  none(
    db,
    complain,
    'a receipt is not where it says',
    'select entry_index from receipt where entry_index not in (select entry_index from log_entry where type = 1)',
  )
  return receipts
}

/** Entries, leaf hashes, frontier, checkpoints and the files that the world sees tell of one tree. */
async function checkLog(db: Database.Database, directory: string, complain: Complain): Promise<bigint> {
  const state = db.prepare('select size, frontier, published_size as published from log_state').get() as
    | { size: bigint; frontier: Buffer; published: bigint }
    | undefined
  const size = state?.size ?? 0n
  const checkpoints = db.prepare('select size, root from log_checkpoint order by size').all() as {
    size: bigint
    root: Buffer
  }[]
  const entries = db.prepare('select entry_index, entry, leaf_hash from log_entry order by entry_index')
  let tree = EMPTY_FRONTIER
  let leaves: Buffer[] = []
  const grow = (): void => {
    tree = appendLeaves(tree, leaves)
    leaves = []
  }
  let index = 0n
  let checkpoint = checkpoints.shift()
  for (const row of entries.iterate() as Iterable<{ entry_index: bigint; entry: Buffer; leaf_hash: Buffer }>) {
    if (row.entry_index !== index) complain(`log entry ${index} is missing`)
    if (Buffer.compare(hashLeaf(row.entry), row.leaf_hash) !== 0)
      complain(`log entry ${index} is not what its hash says`)
    leaves.push(row.leaf_hash)
    index = row.entry_index + 1n
    if (checkpoint?.size !== index) continue
    grow()
    if (Buffer.compare(frontierRoot(tree), checkpoint.root) !== 0) complain(`checkpoint ${index} has another root`)
    checkpoint = checkpoints.shift()
  }
  grow()
  if (index !== size) complain(`the log has ${index} entries and says ${size}`)
  if (state && Buffer.compare(Buffer.concat(tree.roots), state.frontier) !== 0)
    complain('the frontier is of another tree')
  if (checkpoint) complain(`checkpoint ${checkpoint.size} is beyond the log`)
  await checkFiles(db, directory, complain)
  return size
}

/** The checkpoint file is one that was signed, and the tiles hold its tree. */
async function checkFiles(db: Database.Database, directory: string, complain: Complain): Promise<void> {
  let note: string
  try {
    note = readFileSync(join(directory, 'checkpoint'), 'utf8')
  } catch {
    return
  }
  const signed = db.prepare('select size, root from log_checkpoint where note = ?').get(note) as
    | { size: bigint; root: Buffer }
    | undefined
  if (!signed) {
    complain('the checkpoint file is none that was signed')
    return
  }
  const reader = createLogReader(directoryTiles(directory))
  const root = await reader.root(signed.size)
  if (Buffer.compare(root, signed.root) !== 0) complain(`the tiles hold another tree of ${signed.size}`)
  const { entry } = db.prepare('select entry from log_entry where entry_index = ?').get(signed.size - 1n) as {
    entry: Buffer
  }
  if (Buffer.compare(await reader.entry(signed.size - 1n, signed.size), entry) !== 0)
    complain('the last published entry is another')
}

function checkDrained(db: Database.Database, complain: Complain): void {
  const last = one(db, 'select coalesce(max(event_id), 0) from usage_event')
  for (const stage of ['rating', 'receipts'])
    if (cursor(db, stage) !== last) complain(`${stage} stopped at ${cursor(db, stage)} of ${last}`)
  const size = one(db, 'select coalesce(max(size), 0) from log_state')
  const signed = one(db, 'select coalesce(max(size), 0) from log_checkpoint')
  if (size !== signed) complain(`${size} entries, but the newest checkpoint is ${signed}`)
}

const cursor = (db: Database.Database, stage: string): bigint =>
  one(db, 'select coalesce(max(position), 0) from stage_cursor where stage = ?', stage)
