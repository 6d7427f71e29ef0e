// Where an owner receives tokens. The owner opens it and pays its rent: a payer who did would pay again for every owner who closes
// and reopens it.
import '../../core/runtime/polyfill.ts'
import { address, createNoopSigner } from '@solana/kit'
import { getCreateAssociatedTokenIdempotentInstruction } from '@solana-program/token'
import { type CarryOutDeps, carryOut } from './carry-out.ts'
import { addressOf, tokenAccountOf } from './transactions.ts'
import { readTokenAccount } from './treasury-accounts.ts'

/** Opens the token account of `deps.key`'s owner for the token `mint`, once; answers its address. The owner needs about 0.0021 SOL. */
export async function openTokenAccount(deps: CarryOutDeps, mint: string): Promise<string> {
  const owner = addressOf(deps.key.publicKey)
  const account = await tokenAccountOf(owner, mint)
  return carryOut(
    {
      what: `opening the token account of ${owner}`,
      until: 'confirmed',
      done: async () => (readTokenAccount((await deps.chain.accounts([account]))[0]) ? account : undefined),
      instructions: async () => [
        getCreateAssociatedTokenIdempotentInstruction({
          payer: createNoopSigner(address(owner)),
          ata: address(account),
          owner: address(owner),
          mint: address(mint),
        }),
      ],
    },
    deps,
  )
}

/** Microtokens that `wallet` holds of the token `mint`; 0 without an account. */
export async function tokenBalance(
  { chain }: Pick<CarryOutDeps, 'chain'>,
  wallet: string,
  mint: string,
): Promise<bigint> {
  const account = await tokenAccountOf(wallet, mint)
  return readTokenAccount((await chain.accounts([account]))[0])?.amount ?? 0n
}
