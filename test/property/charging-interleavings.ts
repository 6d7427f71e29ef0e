// Random lives of sessions, as commands on an engine whose store crashes between statements, beside a model that knows what must be charged.
import fc from 'fast-check'
import { expire } from '../../billing/charging/balances/store.ts'
import type { Charging } from '../../billing/charging/charging.ts'
import { reservedByAccount } from '../../billing/charging/session/store.ts'
import { checkLedger } from '../../billing/ledger/audit/store.ts'
import type { QuotaAnswer, QuotaRequest } from '../../core/events/quota.ts'
import { millis, toJson } from '../../core/kernel/units.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { engine, grantOf, NOON, request } from '../compliance/charging-world.ts'

export type Command =
  | { readonly kind: 'open' | 'close'; readonly session: number; readonly share: number }
  | { readonly kind: 'update'; readonly session: number; readonly share: number; readonly skip: boolean }
  | { readonly kind: 'late' | 'repeat'; readonly session: number; readonly pick: number }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'together'; readonly first: number; readonly second: number; readonly share: number }
  | { readonly kind: 'crash'; readonly statement: number }
  | { readonly kind: 'restart' }

const SESSIONS = 4
/** Twice the validity, milliseconds. */
const SILENCE = 120_000n
const session = fc.nat(SESSIONS - 1)
/** Hundredths of the grant. */
const share = fc.oneof(fc.nat(100), fc.constant(100))

export const commands = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('open' as const), session, share: fc.constant(0) }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('update' as const), session, share, skip: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), session, share }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constantFrom('late' as const, 'repeat' as const), session, pick: fc.nat(9) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.nat(400) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('together' as const), first: session, second: session, share }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('crash' as const), statement: fc.integer({ min: 1, max: 14 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  ),
  { minLength: 5, maxLength: 60, size: 'max' },
)

interface Peer {
  readonly subscriber: string
  generation: number
  number: bigint
  /** What it may still use. */
  granted: bigint
  /** When it was granted that. */
  since: bigint
  open: boolean
  /** Numbers that were not sent in their turn, with what was used. */
  skipped: { readonly asked: QuotaRequest }[]
  readonly sent: { readonly asked: QuotaRequest; readonly kind: 'open' | 'update' | 'close'; readonly answer: string }[]
}

const crash = new Error('the power went')

/** A store whose transaction dies at the `at`th statement, once. */
function crashing(store: Store): { readonly store: Store; arm(at: number): void } {
  let left = 0
  const dying = (sql: Sql): Sql =>
    new Proxy(sql, {
      get(target, name, receiver) {
        const value: unknown = Reflect.get(target, name, receiver)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (left > 0 && --left === 0) throw crash
          return value.apply(target, args)
        }
      },
    })
  return {
    store: { ...store, batch: (work) => store.batch((sql) => work(dying(sql))) },
    arm(at) {
      left = at
    },
  }
}

export interface Totals {
  /** Octets used, each number once. */
  octets: bigint
  /** Of them, reported after a newer request had given the rest of their grant back. */
  late: bigint
}

/**
 * Runs the commands; answers what must have been charged. Throws where an answer differs from its repeat or a book does not balance. Peers
 * never use more than they were granted.
 */
export async function live(
  reopen: () => Promise<Store>,
  list: readonly Command[],
  owners: readonly string[],
): Promise<Totals> {
  let store = crashing(await reopen())
  let charging: Charging = engine(store.store)
  let now = NOON
  const totals: Totals = { octets: 0n, late: 0n }
  const peers = Array.from(
    { length: SESSIONS },
    (_, index): Peer => ({
      subscriber: owners[index % owners.length] ?? '',
      generation: 0,
      number: 0n,
      granted: 0n,
      since: 0n,
      open: false,
      skipped: [],
      sent: [],
    }),
  )
  const send = async (kind: 'open' | 'update' | 'close', asked: QuotaRequest): Promise<QuotaAnswer> => {
    for (;;) {
      try {
        return await charging[kind](asked)
      } catch (error) {
        // A peer that gets no answer asks again.
        if (error !== crash) throw error
      }
    }
  }
  const usedBy = ({ services }: QuotaRequest): bigint =>
    services.reduce((sum, { used }) => used.reduce((all, { downlink }) => all + downlink, sum), 0n)
  const make = (peer: Peer, index: number, octets: bigint | undefined, wanted: boolean): QuotaRequest =>
    request({
      subscriber: peer.subscriber,
      session: `${index}.${peer.generation}`,
      number: peer.number,
      ...(octets === undefined ? {} : { octets }),
      wanted,
      at: now,
    })
  const use = (peer: Peer, share: number): bigint => {
    // What was granted to a session that supervision may have ended is no longer its peer's.
    const octets = now - peer.since > SILENCE ? 0n : (peer.granted * BigInt(share)) / 100n
    peer.granted -= octets
    return octets
  }
  const step = async (peer: Peer, index: number, kind: 'open' | 'update' | 'close', share: number): Promise<void> => {
    const asked = make(peer, index, kind === 'open' ? undefined : use(peer, share), kind !== 'close')
    peer.number++
    const answer = await send(kind, asked)
    peer.sent.push({ asked, kind, answer: toJson(answer) })
    if (kind === 'open' && answer.result !== 'success') return
    totals.octets += usedBy(asked)
    peer.open = kind !== 'close' && answer.result !== 'unknown-session'
    peer.granted = peer.open ? grantOf(answer) : 0n
    peer.since = now
  }
  const begin = (peer: Peer): void => {
    Object.assign(peer, { generation: peer.generation + 1, number: 0n, granted: 0n, open: false, skipped: [] })
    peer.sent.length = 0
  }

  for (const command of list) {
    now += 1n
    switch (command.kind) {
      case 'open': {
        const peer = peers[command.session]
        if (!peer || peer.open) break
        begin(peer)
        await step(peer, command.session, 'open', 0)
        break
      }
      case 'update':
      case 'close': {
        const peer = peers[command.session]
        if (peer && !peer.open && command.kind === 'update') {
          begin(peer)
          await step(peer, command.session, 'open', 0)
          break
        }
        if (!peer?.open) break
        if (command.kind === 'update' && command.skip) {
          peer.skipped.push({ asked: make(peer, command.session, use(peer, 30), true) })
          peer.number++
        }
        await step(peer, command.session, command.kind, command.share)
        break
      }
      case 'late': {
        const peer = peers[command.session]
        const [late] = peer?.skipped.splice(command.pick % (peer.skipped.length || 1), 1) ?? []
        if (!peer || !late || peer.number - late.asked.number > 60n) break
        const answer = await send('update', late.asked)
        if (answer.services.some(({ granted }) => granted)) throw new Error('a late request got a grant')
        totals.octets += usedBy(late.asked)
        totals.late += usedBy(late.asked)
        if (
          toJson(await send('update', late.asked)) !== toJson({ ...answer, result: 'success' }) &&
          answer.result === 'success'
        )
          throw new Error('a late answer changed')
        break
      }
      case 'repeat': {
        const peer = peers[command.session]
        const last = peer?.sent.at(-1)
        if (last && toJson(await send(last.kind, last.asked)) !== last.answer)
          throw new Error('a repeated answer changed')
        const other = peer?.sent[command.pick % peer.sent.length]
        if (other && other !== last) await send(other.kind, other.asked)
        break
      }
      case 'together': {
        const [a, b] = [peers[command.first], peers[command.second]]
        if (!a?.open || !b?.open || a === b) break
        await Promise.all([
          step(a, command.first, 'update', command.share),
          step(b, command.second, 'update', 100 - command.share),
        ])
        break
      }
      case 'wait':
        now += BigInt(command.seconds) * 1000n
        await charging.supervise(millis(now)).catch((error: unknown) => {
          if (error !== crash) throw error
        })
        await store.store
          .batch((sql) => expire(sql, millis(now)))
          .catch((error: unknown) => {
            if (error !== crash) throw error
          })
        break
      case 'crash':
        store.arm(command.statement)
        break
      case 'restart':
        store = crashing(await reopen())
        charging = engine(store.store)
        break
    }
    store.arm(0)
    const found = await store.store.batch(async (sql) => checkLedger(sql, await reservedByAccount(sql)))
    if (found.length > 0)
      throw new Error(
        `after ${JSON.stringify(command)}: ${found.map(({ account, problem }) => `${account} ${problem}`).join('; ')}`,
      )
    if (command.kind === 'crash') store.arm(command.statement)
  }
  store.arm(0)
  for (const [index, peer] of peers.entries()) if (peer.open) await step(peer, index, 'close', 100)
  return totals
}
