// The embedded chain gives SOL and test tokens away, so that a new node can pay without anybody's money.
import { setTimeout as sleep } from 'node:timers/promises'
import { fail } from '../../core/kernel/errors.ts'
import type { PayerId } from '../../core/kernel/ids.ts'
import { type Microtokens, microtokens } from '../../core/kernel/units.ts'
import type { Logger } from '../../core/log/logger.ts'
import type { SigningKey } from '../../core/runtime/keys.ts'
import type { Part } from '../../core/runtime/module.ts'
import { type ConnectedChain, type SettlementSettings, settlementMint } from './connect.ts'
import { openTokenAccount, tokenBalance } from './owner-account.ts'
import { listPayable, readTreasury } from './store.ts'
import { addressOf } from './transactions.ts'
import { createTreasurer, type TreasuryDeps } from './treasury.ts'

export interface Development extends Part {
  /** Mints a million test tokens into the payer's treasury, once per chain; answers the transaction. */
  deposit(payer: PayerId): Promise<string>
  /** Opens an owner's account for the payer's token, with SOL that costs nothing. */
  openAccount(owner: SigningKey, payer: PayerId): Promise<void>
  /** Microtokens that the wallet holds of the payer's token. */
  balance(wallet: string, payer: PayerId): Promise<Microtokens>
}

/** Lamports of a SOL. */
const SOL = 1_000_000_000
const TEST_DEPOSIT = microtokens(1_000_000_000_000n)
/** Between two looks for payers that owe and have no treasury, milliseconds. */
const LOOK = 1000

export function createDevelopment(
  deps: Omit<TreasuryDeps, 'chain' | 'signal'> & { readonly log: Logger },
  connected: ConnectedChain,
  fund: NonNullable<ConnectedChain['fund']>,
  settings: SettlementSettings,
): Development {
  const { store, oracles, clock, log } = deps
  const { chain } = connected
  const stopping = new AbortController()
  const { signal } = stopping
  const treasurer = createTreasurer(
    { ...deps, chain, signal },
    { mint: settlementMint(settings, connected), poll: settings.poll },
  )
  const mintOf = async (payer: PayerId): Promise<string> =>
    (await readTreasury(store, payer))?.mint ?? fail('TREASURY_UNKNOWN', { payer })
  let loop: Promise<void> = Promise.resolve()

  const deposit = async (payer: PayerId): Promise<string> => {
    const genesis = await chain.genesis()
    return treasurer.deposit(payer, `test-${genesis.slice(0, 8)}`, TEST_DEPOSIT)
  }

  const run = async (): Promise<void> => {
    const served = new Set<PayerId>()
    while (!signal.aborted) {
      try {
        for (const payer of new Set((await listPayable(store, clock())).map((row) => row.payer))) {
          if (served.has(payer)) continue
          await deposit(payer)
          served.add(payer)
        }
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'the test treasury could not be filled and will be tried again')
      }
      await sleep(LOOK, undefined, { signal }).catch(() => undefined)
    }
  }

  return {
    name: 'development-treasury',
    async start() {
      fund(oracles.feePayer, 100 * SOL)
      loop = run()
    },
    async stop() {
      stopping.abort()
      await loop
    },
    deposit,
    async openAccount(owner, payer) {
      fund(addressOf(owner.publicKey), SOL)
      await openTokenAccount({ chain, key: owner, poll: settings.poll, signal }, await mintOf(payer))
    },
    balance: async (wallet, payer) => microtokens(await tokenBalance({ chain }, wallet, await mintOf(payer))),
  }
}
