// Pays what epochs owe, exactly once. Message and signatures are stored before anything is sent; the same octets are sent until the
// chain has them for good or can never take them; only then is another message built. A crash between any two steps leaves a row
// from which the next round goes on.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail, isTallycellError } from '../../core/kernel/errors.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { Part } from '../../core/runtime/module.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { payoutDigest } from '../epoch/payout-digest.ts'
import { appendEntries } from '../log/store.ts'
import { type DueRow, gatherOwners } from './batches.ts'
import type { ChainPort } from './chain.ts'
import { judge } from './judge.ts'
import { type Event, stepSettlement } from './machine.ts'
import { createSettlementMetrics } from './metrics.ts'
import type { Oracles } from './oracles.ts'
import { hasFunds, openAccounts, type PlanOptions, planAnchors, planPayouts } from './plan.ts'
import {
  beginAttempt,
  keepFinality,
  keepMessage,
  keepSignatures,
  listUnfinished,
  type Message,
  markAnchored,
  markPaid,
  moveTransaction,
  readBatch,
  readEpochState,
  readTreasury,
  releaseRows,
  type StoredTransaction,
  settleEpoch,
} from './store.ts'
import { buildAnchor, buildPayout, sign } from './transactions.ts'

/** A payout row that is final on chain: the ledger books it. */
export interface PaidRow extends DueRow {
  readonly signature: string
  readonly at: Millis
}

export interface SettlementDeps {
  readonly store: Store
  readonly chain: ChainPort
  readonly oracles: Oracles
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Registry
  /** Origin of the log. */
  readonly origin: string
  /** Books payouts, once per epoch, payer and radio, in the transaction that records them as paid. */
  postPayouts(sql: Sql, rows: readonly PaidRow[]): Promise<void>
}

export interface SettlementOptions extends PlanOptions {
  /** Milliseconds between two rounds. */
  readonly poll: number
  /** The chain ends with its process: what was signed for another one is dead. */
  readonly volatile: boolean
}

export interface Round {
  /** Steps taken: when 0 and something is on its way, the chain is what is waited for. */
  readonly steps: number
  /** Transactions on their way. */
  readonly pending: number
}

export interface Settlement extends Part {
  /** One round, unless another node is at it: plans, and takes each transaction as far as it will go. Rejects with CHAIN_UNREACHABLE, CHAIN_REFUSED or CHAIN_CHANGED. */
  runOnce(): Promise<Round>
  /** Runs rounds until all of the epoch is paid; rejects when `signal` aborts, or with what a round rejects with. */
  settled(epoch: bigint, signal: AbortSignal): Promise<void>
}

/** An event and what it brings. */
type Happening =
  | { readonly on: 'build'; readonly message: Message }
  | { readonly on: 'sign'; readonly wire: Uint8Array; readonly signature: string }
  | { readonly on: 'finalize'; readonly signature: string; readonly slot: bigint }
  | { readonly on: Exclude<Event, 'build' | 'sign' | 'finalize'> }

/** The longest pause after failures, in rounds. */
const MAX_BACKOFF = 32

export function createSettlement(deps: SettlementDeps, options: SettlementOptions): Settlement {
  const { store, chain, oracles, clock, log, origin, postPayouts } = deps
  const metrics = createSettlementMetrics(deps.metrics)
  const stopping = new AbortController()
  let loop: Promise<void> = Promise.resolve()
  let turn: Promise<unknown> = Promise.resolve()
  let trouble: string | undefined

  /** Writes down what happened, with all that follows from it, in one transaction. False when another process was first. */
  const happen = async (row: StoredTransaction, happening: Happening): Promise<boolean> => {
    const step = stepSettlement(row.state, happening.on)
    if (!step.legal) {
      metrics.illegal.inc()
      log.error(
        { batch: row.batch_id, state: row.state, event: happening.on },
        'an event that the state does not allow',
      )
      return false
    }
    const moved = await store.batch(async (sql) => {
      if (!(await moveTransaction(sql, row, step.state, clock()))) return false
      for (const effect of step.effects) {
        if (effect === 'keepMessage' && happening.on === 'build')
          await keepMessage(sql, row.batch_id, happening.message)
        if (effect === 'keepSignatures' && happening.on === 'sign')
          await keepSignatures(sql, row.batch_id, happening.wire, happening.signature)
        if (effect === 'recordPayment' && happening.on === 'finalize') await record(sql, row, happening)
        if (effect === 'beginAttempt') await beginAttempt(sql, row.batch_id)
        if (effect === 'releaseRows') await releaseRows(sql, row)
      }
      return true
    })
    if (moved) {
      metrics.events.inc({ kind: row.kind, event: happening.on })
      log.info({ batch: row.batch_id, attempt: row.attempt, from: row.state, to: step.state }, 'settlement went on')
    }
    return moved
  }

  const record = async (
    sql: Sql,
    row: StoredTransaction,
    { signature, slot }: Extract<Happening, { on: 'finalize' }>,
  ): Promise<void> => {
    await keepFinality(sql, row.batch_id, signature, slot)
    if (row.kind === 'anchor') await markAnchored(sql, row.epoch)
    else if (row.payer_id !== null) {
      const { epoch, payer_id: payer, batch_id: batch } = row
      // The log before the ledger, as the close of an epoch locks them.
      await appendEntries(sql, origin, [{ type: 'payout', epoch, payer, batch, signature, slot }])
      const at = clock()
      const rows = await markPaid(sql, row)
      await postPayouts(
        sql,
        rows.map((paid) => ({ ...paid, signature, at })),
      )
    }
    await settleEpoch(sql, row.epoch)
  }

  /** What happens to `row` next; undefined while the chain is what is waited for. */
  const next = async (row: StoredTransaction, genesis: string): Promise<Happening | undefined> => {
    if (row.chain !== genesis && row.state !== 'planned' && row.state !== 'dead') {
      if (options.volatile) return { on: 'expire' }
      return fail('CHAIN_CHANGED', { before: row.chain, now: genesis })
    }
    switch (row.state) {
      case 'planned':
        return build(row, genesis)
      case 'built':
        return signStored(row)
      case 'signed':
        return send(row)
      case 'sent':
        return follow(row)
      case 'dead':
        return { on: 'retry' }
      case 'finalized':
      case 'dropped':
        return undefined
    }
  }

  const build = async (row: StoredTransaction, genesis: string): Promise<Happening> => {
    const { slot } = await chain.blockHeight()
    const sinceSlot = row.chain === genesis ? row.since_slot : slot
    const message = (wire: Uint8Array, lastValidBlockHeight: bigint): Happening => ({
      on: 'build',
      message: { wire, lastValidBlockHeight, chain: genesis, sinceSlot },
    })
    if (row.kind === 'anchor') {
      const blockhash = await chain.latestBlockhash()
      return message(buildAnchor(oracles.signers, row.memo, blockhash).wire, blockhash.lastValidBlockHeight)
    }
    const treasury = row.payer_id === null ? undefined : await readTreasury(store, row.payer_id)
    if (!treasury) return { on: 'drop' }
    const due = await readBatch(store, row.batch_id)
    const accounts = await openAccounts(chain, [...new Set(due.map(({ wallet }) => wallet))], treasury.mint)
    const owners = gatherOwners(due, accounts)
    const total = owners.reduce((sum, { amount }) => sum + amount, 0n)
    const same = Buffer.compare(payoutDigest(owners), row.digest) === 0
    if (!same || !(await hasFunds(chain, treasury, total))) return { on: 'drop' }
    const blockhash = await chain.latestBlockhash()
    return message(buildPayout(treasury, row.memo, owners, blockhash).wire, blockhash.lastValidBlockHeight)
  }

  const signStored = async (row: StoredTransaction): Promise<Happening> => {
    // Nobody has signed it, so nobody can have sent it.
    if (!row.wire || row.last_valid_block_height === null) return { on: 'expire' }
    if ((await chain.blockHeight()).height > row.last_valid_block_height) return { on: 'expire' }
    return { on: 'sign', ...sign({ wire: row.wire }, oracles.signing) }
  }

  const send = async (row: StoredTransaction): Promise<Happening | undefined> => {
    const verdict = await follow(row)
    if (verdict) return verdict
    return (await submit(row)) ? { on: 'send' } : undefined
  }

  const submit = async ({ batch_id: batch, wire }: StoredTransaction): Promise<boolean> => {
    if (!wire) return false
    const submission = await chain.submit(wire)
    metrics.submissions.inc({ outcome: submission.accepted ? 'accepted' : 'refused' })
    if (!submission.accepted)
      log.warn({ batch, reason: submission.reason }, 'the chain refused a transaction; it is sent again')
    return submission.accepted
  }

  /** What the chain says of a signed transaction; sends it again while it says nothing. */
  const follow = async (row: StoredTransaction): Promise<Happening | undefined> => {
    const verdict = await judge(chain, row, oracles)
    if (verdict.is === 'finalized') return { on: 'finalize', signature: verdict.signature, slot: verdict.slot }
    if (verdict.is === 'failed') {
      log.error(
        { batch: row.batch_id, reason: verdict.reason },
        'a transaction failed on chain: nothing moved, and another is built',
      )
      return { on: 'revert' }
    }
    if (verdict.is === 'dead') return { on: 'expire' }
    if (verdict.is === 'unseen' && row.state === 'sent') await submit(row)
    return undefined
  }

  const round = async (lost: AbortSignal): Promise<Round> => {
    const genesis = await chain.genesis()
    let steps = await planAnchors(deps, genesis)
    steps += await advance(genesis, lost)
    const planned = await planPayouts(deps, genesis, options)
    for (const [reason, amount] of Object.entries(planned.waiting)) metrics.waiting.set({ reason }, Number(amount))
    if (planned.transactions > 0) steps += planned.transactions + (await advance(genesis, lost))
    const [held] = holding.splice(0)
    if (held) throw held.error
    return { steps, pending: (await listUnfinished(store)).length }
  }

  /** What stopped single transactions: one payer's trouble must not hold another's payout. */
  const holding: { readonly error: unknown }[] = []

  const attempt = async (row: StoredTransaction, genesis: string): Promise<boolean> => {
    try {
      const happening = await next(row, genesis)
      return happening !== undefined && (await happen(row, happening))
    } catch (error) {
      if (isTallycellError(error) && /^(CHAIN|STORE)_/.test(error.code)) throw error
      log.error({ err: error, batch: row.batch_id }, 'a transaction could not go on')
      holding.push({ error })
      return false
    }
  }

  /** Takes each unfinished transaction as far as it will go; answers the steps. */
  const advance = async (genesis: string, lost: AbortSignal): Promise<number> => {
    const ended = (): boolean => stopping.signal.aborted || lost.aborted
    let steps = 0
    for (let rows = await listUnfinished(store); rows.length > 0 && !ended(); ) {
      const moved = new Set<string>()
      for (const row of rows) if (await attempt(row, genesis)) moved.add(row.batch_id)
      steps += moved.size
      if (moved.size === 0) break
      rows = (await listUnfinished(store)).filter((row) => moved.has(row.batch_id))
    }
    return steps
  }

  /** While another node runs a round, this one looks on: what they would both plan from one treasury might be more than it holds. */
  const roundAlone = async (): Promise<Round> =>
    (await store.exclusive('settlement', round)) ?? { steps: 0, pending: (await listUnfinished(store)).length }

  /** One after the other, whoever asks. */
  const runOnce = (): Promise<Round> => {
    const result = turn.then(roundAlone).then(
      (done) => {
        if (trouble !== undefined) log.info('settlement goes on')
        trouble = undefined
        return done
      },
      (error: unknown) => {
        trouble = error instanceof Error ? error.message : String(error)
        metrics.failures.inc({ code: isTallycellError(error) ? error.code : 'other' })
        throw error
      },
    )
    turn = result.catch(() => undefined)
    return result
  }

  const run = async (): Promise<void> => {
    let backoff = 1
    while (!stopping.signal.aborted) {
      try {
        await runOnce()
        backoff = 1
      } catch (error) {
        log.error({ err: error }, 'settlement could not go on and will be tried again')
        backoff = Math.min(backoff * 2, MAX_BACKOFF)
      }
      await sleep(options.poll * backoff, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  return {
    name: 'settlement',
    async start() {
      loop = run()
    },
    async stop() {
      stopping.abort()
      await loop
      await turn
    },
    health: () => (trouble === undefined ? undefined : `nobody is paid: ${trouble}`),
    runOnce,
    async settled(epoch, signal) {
      while ((await readEpochState(store, epoch)) !== 'settled') {
        signal.throwIfAborted()
        const { steps } = await runOnce()
        if (steps === 0) await sleep(options.poll, undefined, { signal })
      }
    },
  }
}
