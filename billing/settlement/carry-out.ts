// Sends transactions that may safely be sent twice, because doing them again changes nothing or fails: making accounts whose
// addresses are fixed, and deposits that are looked for by their memo. Payouts never go this way.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Instruction } from '@solana/kit'
import { fail } from '../../core/kernel/errors.ts'
import type { SigningKey } from '../../core/runtime/keys.ts'
import type { ChainPort } from './chain.ts'
import { addressOf, buildTransaction, sign } from './transactions.ts'

export interface Errand<Result> {
  /** For people: 'the deposit of …'. */
  readonly what: string
  /** How final the transaction must be before `done` can see its result. */
  readonly until: 'confirmed' | 'finalized'
  /** The result as it stands on chain; undefined while there is none. */
  done(): Promise<Result | undefined>
  instructions(): Promise<readonly Instruction[]>
}

export interface CarryOutDeps {
  readonly chain: ChainPort
  /** Pays the fee and signs. */
  readonly key: SigningKey
  /** Milliseconds between two looks at the transaction. */
  readonly poll: number
  readonly signal: AbortSignal
}

const ATTEMPTS = 3

/** Throws TREASURY_FAILED when the chain does not do it in three attempts. */
export async function carryOut<Result>(errand: Errand<Result>, deps: CarryOutDeps): Promise<Result> {
  const { chain, key } = deps
  const payer = addressOf(key.publicKey)
  let reason = 'it was not tried'
  for (let attempt = 1; ; attempt++) {
    const result = await errand.done()
    if (result !== undefined) return result
    if (attempt > ATTEMPTS) return fail('TREASURY_FAILED', { what: errand.what, reason, payer })
    const blockhash = await chain.latestBlockhash()
    const { wire, signature } = sign(buildTransaction(payer, blockhash, await errand.instructions()), [key])
    const submission = await chain.submit(wire)
    reason = submission.accepted
      ? await outcome(signature, blockhash.lastValidBlockHeight, errand.until, deps)
      : submission.reason
  }
}

/** Waits until a transaction is on chain, has failed, or can no longer land; in words. */
async function outcome(
  signature: string,
  lastValid: bigint,
  until: Errand<unknown>['until'],
  { chain, poll, signal }: CarryOutDeps,
): Promise<string> {
  for (;;) {
    const { height } = await chain.blockHeight()
    const status = await chain.status(signature)
    if (status?.error !== undefined) return status.error
    if (status && (status.commitment === until || status.commitment === 'finalized'))
      return 'it is on chain, but its result is not'
    if (!status && height > lastValid) return 'no block took it in time'
    await sleep(poll, undefined, { signal })
  }
}
