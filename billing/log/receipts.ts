// The receipts stage: what happened to radios and what was metered becomes entries of the log. Entries, look-up rows and cursors are
// written in one transaction, so that a crash neither loses a receipt nor writes one twice.
import { Counter, type Registry } from 'prom-client'
import type { Stage } from '../../core/events/journal.ts'
import type { SubscriberDirectory } from '../../core/events/ports.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail } from '../../core/kernel/errors.ts'
import { type PayerId, wallet } from '../../core/kernel/ids.ts'
import { readCursor, writeCursor } from '../../core/store/cursor.ts'
import type { RawDatabase, Store } from '../../core/store/store.ts'
import { judge, type Usage } from '../policy/judge.ts'
import { applyChange } from '../policy/registry.ts'
import { type Outcome, splitVerdict } from '../policy/verdict.ts'
import type { Entry, EntryOf } from './entries/dictionary.ts'
import { MAX_TEXT } from './entries/fields.ts'
import type { ReceiptLog } from './log.ts'
import { readPolicy } from './policy-entry.ts'
import { type ReferenceSecrets, sessionReference, subscriberReference } from './receipts/references.ts'
import {
  openEpoch,
  type RadioRow,
  type RadioStates,
  type ReceiptRow,
  radioEventsAfter,
  radioStates,
  receiptTable,
  type UsageRow,
  usageAfter,
} from './receipts/store.ts'

export interface ReceiptsDeps {
  readonly store: Store
  readonly receiptLog: Pick<ReceiptLog, 'append'>
  readonly subscribers: SubscriberDirectory
  readonly secrets: ReferenceSecrets
  readonly clock: Clock
  readonly metrics: Registry
}

export interface ReceiptsOptions {
  /** The most journal rows in one transaction, where `step` is not told. */
  readonly batch?: number
}

/** `step` rejects with LOG_NO_POLICY as long as the log says nothing to judge usage by. */
export function createReceiptsStage(deps: ReceiptsDeps, { batch = 1000 }: ReceiptsOptions = {}): Stage {
  const { store, receiptLog, subscribers, metrics } = deps
  const written = new Counter({
    name: 'tallycell_log_receipts_total',
    help: 'Usage receipts by outcome',
    labelNames: ['outcome'],
    registers: [metrics],
  })

  const take = (database: RawDatabase, limit: number): Taken => {
    const changes = radioEventsAfter(database, readCursor(database, 'registry'), limit)
    const events = usageAfter(database, readCursor(database, 'receipts'), limit - changes.length)
    const states = radioStates(database)
    const entries: Entry[] = []
    for (const row of changes) {
      const entry = registryEntry(row)
      const state = states.of(row.radio_id)
      state.standing = applyChange(state.standing, entry)
      entries.push(entry)
    }
    const rows = events.length === 0 ? [] : writeReceipts(database, deps, events, states, entries)
    if (entries.length > 0) {
      const first = receiptLog.append(database, entries)
      const table = receiptTable(database)
      for (const { place, row } of rows) table.insert({ ...row, index: first + BigInt(place) })
      states.save()
    }
    const [change, event] = [changes.at(-1), events.at(-1)]
    if (change) writeCursor(database, 'registry', change.event_id)
    if (event) writeCursor(database, 'receipts', event.event_id)
    const outcomes = rows.map(({ row }) => splitVerdict(row.verdict).outcome)
    return { count: changes.length + events.length, outcomes }
  }

  return {
    name: 'receipts',
    async step(limit = batch) {
      await subscribers.refresh()
      const { count, outcomes } = await store.batch((database) => take(database, limit))
      for (const outcome of outcomes) written.inc({ outcome })
      return count
    },
  }
}

interface Taken {
  /** Journal rows. */
  readonly count: number
  readonly outcomes: readonly Outcome[]
}

/** A row for an entry that is not appended yet; `place` is its place among those to append. */
interface Awaited {
  readonly place: number
  readonly row: Omit<ReceiptRow, 'index'>
}

/** Adds a receipt for each event to `entries`. An event that has one already, because a cursor was set back, is passed over. */
function writeReceipts(
  database: RawDatabase,
  deps: ReceiptsDeps,
  events: readonly UsageRow[],
  states: RadioStates,
  entries: Entry[],
): Awaited[] {
  const policy = readPolicy(database) ?? fail('LOG_NO_POLICY', {})
  const epoch = openEpoch(database, deps.clock())
  const table = receiptTable(database)
  const taken = new Set<string>()
  const rows: Awaited[] = []
  for (const event of events) {
    const { event_id, sequence } = event
    const named = name(event, deps)
    const { sessionRef } = named
    const earlier = table.receipted(sessionRef, sequence)
    if (earlier.includes(event_id)) continue
    const key = `${Buffer.from(sessionRef).toString('latin1')} ${sequence}`
    const repeated = earlier.length > 0 || taken.has(key)
    taken.add(key)
    const radio = event.radio_id ?? ''
    const state = states.of(radio)
    const usage = usageOf(event, named.payer)
    const { verdict, counted } = judge(policy, { radio: state.standing, repeated }, usage)
    const radioSeq = state.nextSeq++
    rows.push({
      place: entries.length,
      row: {
        event: event_id,
        epoch,
        payer: named.payer ?? '',
        radio,
        radioSeq,
        counted,
        verdict,
        sessionRef,
        sequence,
      },
    })
    entries.push({
      ...usage,
      ...named,
      type: 'usage',
      radio: event.radio_id ?? undefined,
      radioSeq,
      epoch,
      sequence,
      counted,
      verdict,
      flags: event.flags,
    })
  }
  return rows
}

type Named = Pick<EntryOf<'usage'>, 'payer' | 'sessionRef' | 'subscriberRef'>

/** Who pays, and what stands for the session and the subscriber in public. */
function name({ origin, session_id, subscriber_id, end_at }: UsageRow, { subscribers, secrets }: ReceiptsDeps): Named {
  const sessionRef = sessionReference(secrets, origin, session_id)
  const known = subscriber_id === null ? undefined : subscribers.byId(subscriber_id)
  const imsi = known && subscribers.imsiOf(known.subscriber)
  if (!known || !imsi) return { sessionRef }
  return { sessionRef, payer: known.payer, subscriberRef: subscriberReference(secrets, known.payer, imsi, end_at) }
}

function usageOf(row: UsageRow, payer: PayerId | undefined): Usage {
  return {
    payer,
    access: row.access,
    start: row.start_at,
    end: row.end_at,
    uplink: row.uplink,
    downlink: row.downlink,
    received: row.received_at,
    flags: Number(row.flags),
  }
}

function registryEntry(row: RadioRow): EntryOf<'registry'> {
  return {
    type: 'registry',
    kind: row.kind,
    radio: row.radio_id,
    owner: wallet(row.owner_wallet),
    payout: wallet(row.payout_wallet),
    at: row.at,
    reason: row.reason === null ? undefined : clip(row.reason),
    expires: row.expires_at ?? undefined,
  }
}

/** Text as an entry may hold it: a reason that somebody typed must not be able to stop the log. */
function clip(text: string): string | undefined {
  const plain = text.replace(/[\p{Cc}\p{Surrogate}]/gu, ' ').trim()
  let clipped = ''
  let length = 0
  for (const character of plain) {
    length += Buffer.byteLength(character)
    if (length > MAX_TEXT) break
    clipped += character
  }
  return clipped === '' ? undefined : clipped
}
