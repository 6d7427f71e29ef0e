// The receipts stage: what happened to radios and what was metered becomes entries of the log. Entries, look-up rows and cursors are
// written in one transaction, so that a crash neither loses a receipt nor writes one twice.
import { Counter, type Registry } from 'prom-client'
import type { Stage } from '../../core/events/journal.ts'
import type { SubscriberDirectory } from '../../core/events/ports.ts'
import { setAside } from '../../core/events/store.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail } from '../../core/kernel/errors.ts'
import { type PayerId, wallet } from '../../core/kernel/ids.ts'
import { toJson } from '../../core/kernel/units.ts'
import { readCursor, writeCursor } from '../../core/store/cursor.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { judge, type Usage } from '../policy/judge.ts'
import { applyChange } from '../policy/registry.ts'
import { type Outcome, splitVerdict } from '../policy/verdict.ts'
import type { Entry, EntryOf } from './entries/dictionary.ts'
import { MAX_TEXT } from './entries/fields.ts'
import type { ReceiptLog } from './log.ts'
import { readPolicy } from './policy-entry.ts'
import { type ReferenceSecrets, sessionReference, subscriberReference } from './receipts/references.ts'
import {
  insertReceipts,
  openEpoch,
  pieceKey,
  type RadioRow,
  type RadioState,
  type ReceiptRow,
  radioEventsAfter,
  readRadioStates,
  receiptedEvents,
  saveRadioStates,
  type UsageRow,
  usageAfter,
} from './receipts/store.ts'
import { lockLog } from './store.ts'

export interface ReceiptsDeps {
  readonly store: Store
  readonly receiptLog: Pick<ReceiptLog, 'append' | 'origin'>
  readonly subscribers: SubscriberDirectory
  readonly secrets: ReferenceSecrets
  readonly clock: Clock
  readonly metrics: Registry
}

export interface ReceiptsOptions {
  /** The most journal rows in one transaction, where `step` is not told. */
  readonly batch?: number
}

export interface ReceiptsStage extends Stage {
  /** Writes the entry of a journal row that was set aside; false where its journal has it no more. */
  release(sql: Sql, journal: 'registry' | 'receipt', position: bigint): Promise<boolean>
}

/** `step` rejects with LOG_NO_POLICY as long as the log says nothing to judge usage by. */
export function createReceiptsStage(deps: ReceiptsDeps, { batch = 1000 }: ReceiptsOptions = {}): ReceiptsStage {
  const { store, receiptLog, subscribers, metrics } = deps
  const written = new Counter({
    name: 'tallycell_log_receipts_total',
    help: 'Usage receipts by outcome',
    labelNames: ['outcome'],
    registers: [metrics],
  })

  const take = async (sql: Sql, limit: number): Promise<Taken> => {
    const [registry, receipts] = [await readCursor(sql, 'registry'), await readCursor(sql, 'receipts')]
    const changes = await radioEventsAfter(sql, registry, limit)
    const events = await usageAfter(sql, receipts, limit - changes.length)
    const taken = await write(sql, changes, events)
    const [change, event] = [changes.at(-1), events.at(-1)]
    if (change) await writeCursor(sql, 'registry', change.event_id)
    if (event) await writeCursor(sql, 'receipts', event.event_id)
    return taken
  }

  const write = async (sql: Sql, changes: readonly RadioRow[], events: readonly UsageRow[]): Promise<Taken> => {
    if (changes.length + events.length === 0) return { count: 0, outcomes: [] }
    // The policy, the open epoch and the radios' numbers stay as they are read here until the entries stand behind them.
    await lockLog(sql, receiptLog.origin)
    const states = await readRadioStates(sql, [...changes, ...events].map(radioOf))
    const entries: Entry[] = changes.map((row) => {
      const entry = registryEntry(row)
      const state = stateOf(states, row)
      state.standing = applyChange(state.standing, entry)
      return entry
    })
    const rows = events.length === 0 ? [] : await writeReceipts(sql, deps, events, states, entries)
    const first = await receiptLog.append(sql, entries)
    await insertReceipts(
      sql,
      rows.map(({ place, row }) => ({ ...row, index: first + BigInt(place) })),
    )
    await saveRadioStates(sql, states)
    const outcomes = rows.map(({ row }) => splitVerdict(row.verdict).outcome)
    return { count: changes.length + events.length, outcomes }
  }

  return {
    name: 'receipts',
    async step(limit = batch) {
      await subscribers.refresh()
      const { count, outcomes } = await store.batch((sql) => take(sql, limit))
      for (const outcome of outcomes) written.inc({ outcome })
      return count
    },
    setAside: (reason) =>
      store.batch(async (sql) => {
        const [registry, receipts] = [await readCursor(sql, 'registry'), await readCursor(sql, 'receipts')]
        const [change] = await radioEventsAfter(sql, registry, 1)
        if (change) {
          const source = `registry:${change.event_id}`
          await setAside(sql, { source, at: change.at, subscriber: undefined, reason, row: toJson(change) })
          await writeCursor(sql, 'registry', change.event_id)
          return source
        }
        const [event] = await usageAfter(sql, receipts, 1)
        if (!event) return undefined
        const source = `receipt:${event.event_id}`
        const subscriber = event.subscriber_id ?? undefined
        await setAside(sql, { source, at: event.end_at, subscriber, reason, row: toJson(event) })
        await writeCursor(sql, 'receipts', event.event_id)
        return source
      }),
    async release(sql, journal, position) {
      const changes = journal === 'registry' ? await radioEventsAfter(sql, position - 1n, 1) : []
      const events = journal === 'receipt' ? await usageAfter(sql, position - 1n, 1) : []
      if ((changes[0] ?? events[0])?.event_id !== position) return false
      for (const outcome of (await write(sql, changes, events)).outcomes) written.inc({ outcome })
      return true
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

/** Nobody's radio has receipts too. */
const radioOf = ({ radio_id }: Pick<UsageRow, 'radio_id'>): string => radio_id ?? ''

function stateOf(states: ReadonlyMap<string, RadioState>, row: Pick<UsageRow, 'radio_id'>): RadioState {
  const state = states.get(radioOf(row))
  if (!state) throw new RangeError(`the state of the radio '${radioOf(row)}' was not read`)
  return state
}

/** Adds a receipt for each event to `entries`. An event that has one already, because a cursor was set back, is passed over. */
async function writeReceipts(
  sql: Sql,
  deps: ReceiptsDeps,
  events: readonly UsageRow[],
  states: ReadonlyMap<string, RadioState>,
  entries: Entry[],
): Promise<Awaited[]> {
  const policy = (await readPolicy(sql)) ?? fail('LOG_NO_POLICY', {})
  const epoch = await openEpoch(sql, deps.clock())
  const pieces = events.map((event) => ({ event, named: name(event, deps) }))
  const receipted = await receiptedEvents(
    sql,
    pieces.map(({ event: { sequence }, named: { sessionRef } }) => ({ sessionRef, sequence })),
  )
  const rows: Awaited[] = []
  for (const { event, named } of pieces) {
    const { event_id, sequence } = event
    const { sessionRef } = named
    const key = pieceKey({ sessionRef, sequence })
    const earlier = receipted.get(key)
    if (earlier?.has(event_id)) continue
    if (!earlier) receipted.set(key, new Set([event_id]))
    const radio = radioOf(event)
    const state = stateOf(states, event)
    const usage = usageOf(event, named.payer)
    const { verdict, counted } = judge(policy, { radio: state.standing, repeated: earlier !== undefined }, usage)
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
