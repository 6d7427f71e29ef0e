// Payers prepay: each has a token account of its own on chain, which the oracles own together, so one payer's shortfall holds only
// its own payouts. Opening and depositing may be repeated at will; what was done is found on chain and not done again.
import '../../core/runtime/polyfill.ts'
import { address } from '@solana/kit'
import { getMintToCheckedInstruction } from '@solana-program/token'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail } from '../../core/kernel/errors.ts'
import type { PayerId } from '../../core/kernel/ids.ts'
import type { Microtokens, Millis } from '../../core/kernel/units.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { type CarryOutDeps, carryOut } from './carry-out.ts'
import type { ChainPort } from './chain.ts'
import { depositMemo } from './memo.ts'
import type { Oracles } from './oracles.ts'
import { readTreasury, saveTreasury } from './store.ts'
import { DECIMALS, memoInstruction, type Treasury } from './transactions.ts'
import { readTokenAccount, type WantedAccount, wantedTreasury } from './treasury-accounts.ts'

/** Tokens that have reached a payer's treasury: the ledger books them. */
export interface Deposit {
  readonly payer: PayerId
  /** Names the deposit, once per payer. */
  readonly reference: string
  readonly amount: Microtokens
  readonly at: Millis
}

export interface TreasuryDeps {
  readonly store: Store
  readonly chain: ChainPort
  readonly oracles: Oracles
  readonly clock: Clock
  /** Origin of the log. */
  readonly origin: string
  /** Ends all waiting. */
  readonly signal: AbortSignal
  /** Books a deposit, once per payer and reference, in the caller's transaction. */
  postDeposit(sql: Sql, deposit: Deposit): Promise<void>
}

export interface TreasuryOptions {
  /** Mint address of the settlement token; 'test' for a token that the first oracle makes and mints. */
  readonly mint: string
  /** Milliseconds between two looks at a transaction. */
  readonly poll: number
}

export interface Treasurer {
  /** Makes what is missing on chain. Throws TREASURY_DIFFERS, TREASURY_FAILED and the chain's errors. */
  open(payer: PayerId): Promise<Treasury>
  /** Mints `amount` of the test token into the payer's treasury, once for each reference; answers the transaction. */
  deposit(payer: PayerId, reference: string, amount: Microtokens): Promise<string>
  /** Microtokens in the payer's treasury. Throws TREASURY_UNKNOWN. */
  balance(payer: PayerId): Promise<Microtokens>
}

const TEST_TOKEN = 'test'
/** Deposits are few: all of an account's history is searched for them. */
const FROM_THE_START = 0n

export function createTreasurer(deps: TreasuryDeps, { mint, poll }: TreasuryOptions): Treasurer {
  const { store, chain, oracles, clock, origin, signal, postDeposit } = deps
  const [key] = oracles.signing
  if (!key) throw new RangeError('a treasury needs an oracle')
  const sending: CarryOutDeps = { chain, key, poll, signal }

  /** Those of `wanted` that are not on chain. */
  const missing = async (wanted: readonly WantedAccount[]): Promise<WantedAccount[]> => {
    const found = await chain.accounts(wanted.map((each) => each.address))
    return wanted.filter((each, at) => {
      const account = found[at]
      if (!account) return true
      const reason = each.fault(account)
      if (reason !== undefined) fail('TREASURY_DIFFERS', { account: `the ${each.what} ${each.address}`, reason })
      return false
    })
  }

  const make = async (account: WantedAccount): Promise<ReturnType<NonNullable<WantedAccount['create']>>> => {
    if (!account.create)
      return fail('TREASURY_DIFFERS', {
        account: `the ${account.what} ${account.address}`,
        reason: 'it does not exist',
      })
    return account.create(await chain.rent(account.size))
  }

  const open = async (payer: PayerId): Promise<Treasury> => {
    const wanted = await wantedTreasury(payer, oracles, mint === TEST_TOKEN ? undefined : mint)
    const accounts = [wanted.mint, wanted.multisig, wanted.token]
    await carryOut(
      {
        what: `making the treasury of ${payer}`,
        until: 'confirmed',
        done: async () => ((await missing(accounts)).length === 0 ? true : undefined),
        instructions: async () => (await Promise.all((await missing(accounts)).map(make))).flat(),
      },
      sending,
    )
    const treasury: Treasury = {
      mint: wanted.mint.address,
      multisig: wanted.multisig.address,
      tokenAccount: wanted.token.address,
      oracles: oracles.signers,
    }
    await saveTreasury(store, { payer, treasury, oracles, chain: await chain.genesis(), at: clock() })
    return treasury
  }

  return {
    open,

    async deposit(payer, reference, amount) {
      const { mint: token, tokenAccount } = await open(payer)
      const memo = depositMemo({ origin, payer, reference })
      const signature = await carryOut(
        {
          what: `the deposit ${reference} of ${payer}`,
          until: 'finalized',
          done: async () => {
            const history = await chain.history(tokenAccount, { sinceSlot: FROM_THE_START, minSlot: FROM_THE_START })
            return history.find((entry) => entry.memo === memo && entry.error === undefined)?.signature
          },
          instructions: async () => [
            memoInstruction(memo, [oracles.feePayer]),
            getMintToCheckedInstruction({
              mint: address(token),
              token: address(tokenAccount),
              mintAuthority: address(oracles.feePayer),
              amount,
              decimals: DECIMALS,
            }),
          ],
        },
        sending,
      )
      await store.batch((sql) => postDeposit(sql, { payer, reference, amount, at: clock() }))
      return signature
    },

    async balance(payer) {
      const treasury = await readTreasury(store, payer)
      const account = treasury && readTokenAccount((await chain.accounts([treasury.tokenAccount]))[0])
      if (!account) return fail('TREASURY_UNKNOWN', { payer })
      return account.amount as Microtokens
    },
  }
}
