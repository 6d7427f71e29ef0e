// Accounting of roamers, on: recorded here and kept for the home server in one go, so that the access point waits for the disk, not for a
// partner; then sent until the home server has it.
import type { Clock } from '../../core/kernel/clock.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { Part } from '../../core/runtime/module.ts'
import type { Store } from '../../core/store/store.ts'
import { isFault } from '../../core/wire/radius/fault.ts'
import { CODE, decode } from '../../core/wire/radius/packet.ts'
import { backOff } from '../control/verdict.ts'
import { delayed, onward, type Terms } from './forward.ts'
import { askFirst, type WatchedServer } from './pool.ts'
import {
  claimRecord,
  dueRecords,
  forgetRecord,
  keepRecords,
  type NewRecord,
  putOff,
  type WaitingRecord,
} from './store.ts'

export interface ForwarderDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  /** Undefined where there is no such route any more. */
  serversOf(realm: string): readonly WatchedServer[] | undefined
  terms(): Terms
  /** What became of a record: the label of a metric. */
  count(result: 'forwarded' | 'given-up'): void
}

export interface Forwarder extends Part {
  /** Resolves when the records are durable. */
  keep(records: readonly NewRecord[]): Promise<void>
}

const PAGE = 64
const MOST_UNDER_WAY = 256
/** A claim outlasts every attempt. */
const CLAIM = 120_000n
/** A home server that has not taken a record for so long will not want it. */
const GIVE_UP = 7n * 86_400_000n
const POLL = 1000
/** Accounting hides nothing. */
const PLAIN = { hide: (value: Uint8Array) => value, revealPassword: () => undefined }

export function createForwarder({ store, clock, log, serversOf, terms, count }: ForwarderDeps): Forwarder {
  const underWay = new Map<bigint, Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined
  let stopping = false
  let failing = false

  const send = async (record: WaitingRecord): Promise<boolean> => {
    const packet = decode(record.packet)
    const servers = serversOf(record.realm)
    if (isFault(packet) || !servers || clock() - record.received_at > GIVE_UP) {
      log.warn({ realm: record.realm, record: record.record_no }, 'accounting of a roamer is given up')
      count('given-up')
      return true
    }
    const answer = await askFirst(servers, 'accounting', {
      code: CODE['Accounting-Request'],
      attributes: (sealing) =>
        delayed(onward(packet, PLAIN, sealing, undefined, terms()), packet, record.received_at, clock()),
    })
    if (answer?.packet.code !== CODE['Accounting-Response']) return false
    count('forwarded')
    return true
  }

  const carry = async (record: WaitingRecord): Promise<void> => {
    if (!(await store.batch((sql) => claimRecord(sql, record, millis(clock() + CLAIM))))) return
    const done = await send(record)
    const attempt = Number(record.attempt) + 1
    const until: Millis = millis(clock() + BigInt(backOff(attempt, Math.random())))
    await store.batch((sql) => (done ? forgetRecord(sql, record.record_no) : putOff(sql, record.record_no, until)))
  }

  const begin = (record: WaitingRecord): void => {
    const work = carry(record).catch((error: unknown) => {
      log.error({ err: error, record: record.record_no }, 'accounting of a roamer could not be forwarded')
    })
    underWay.set(record.record_no, work)
    void work.finally(() => underWay.delete(record.record_no))
  }

  const look = async (): Promise<void> => {
    for (let full = true; full && !stopping && underWay.size < MOST_UNDER_WAY; ) {
      const due = await store.batch((sql) => dueRecords(sql, clock(), PAGE))
      const fresh = due.filter(({ record_no }) => !underWay.has(record_no))
      for (const record of fresh) begin(record)
      full = due.length === PAGE && fresh.length > 0
    }
  }

  const wake = (): void => {
    if (stopping || looking) return
    looking = look()
      .then(
        () => {
          failing = false
        },
        (error: unknown) => {
          if (!failing) log.error({ err: error }, 'accounting of roamers cannot be read, and will be again')
          failing = true
        },
      )
      .finally(() => {
        looking = undefined
      })
  }

  return {
    name: 'proxy-accounting',
    async keep(records) {
      await store.batch((sql) => keepRecords(sql, records))
      wake()
    },
    async start() {
      timer = setInterval(wake, POLL)
    },
    async stop() {
      stopping = true
      clearInterval(timer)
      await looking
      await Promise.all(underWay.values())
    },
    health: () => (failing ? 'accounting of roamers cannot be forwarded, see the log' : undefined),
  }
}
