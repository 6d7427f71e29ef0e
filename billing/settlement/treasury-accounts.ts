// The accounts of a treasury on chain. Each address follows from the keys, the token and the payer alone, so that asking twice
// finds what was made once, and nobody has to remember an address.
import '../../core/runtime/polyfill.ts'
import { createHash } from 'node:crypto'
import { type Address, address, createAddressWithSeed, createNoopSigner, type Instruction } from '@solana/kit'
import { getCreateAccountWithSeedInstruction } from '@solana-program/system'
import {
  getInitializeAccount3Instruction,
  getInitializeMint2Instruction,
  getInitializeMultisig2Instruction,
  getMintDecoder,
  getMintSize,
  getMultisigDecoder,
  getMultisigSize,
  getTokenDecoder,
  getTokenSize,
  TOKEN_PROGRAM_ADDRESS,
} from '@solana-program/token'
import type { ChainAccount } from './chain.ts'
import type { Oracles } from './oracles.ts'
import { DECIMALS } from './transactions.ts'

/** An account that must exist on chain: how to make it, and how to tell whether what is there is it. */
export interface WantedAccount {
  readonly what: string
  readonly address: string
  readonly size: bigint
  /** Undefined where it cannot be made here. */
  readonly create: ((lamports: bigint) => readonly Instruction[]) | undefined
  /** What is wrong with the account that is there. */
  fault(account: ChainAccount): string | undefined
}

export interface WantedTreasury {
  readonly mint: WantedAccount
  readonly multisig: WantedAccount
  readonly token: WantedAccount
}

/** `mint`: the configured token; undefined for a test token whose mint authority is the first oracle. */
export async function wantedTreasury(
  payer: string,
  oracles: Oracles,
  mint: string | undefined,
): Promise<WantedTreasury> {
  const base = address(oracles.feePayer)
  const feePayer = createNoopSigner(base)
  const seeded = async (what: string, seed: string, size: number, initialize: (at: Address) => Instruction) => {
    const at = await createAddressWithSeed({ baseAddress: base, programAddress: TOKEN_PROGRAM_ADDRESS, seed })
    const create = (amount: bigint): Instruction[] => [
      getCreateAccountWithSeedInstruction({
        payer: feePayer,
        newAccount: at,
        base,
        seed,
        amount,
        space: size,
        programAddress: TOKEN_PROGRAM_ADDRESS,
      }),
      initialize(at),
    ]
    return { what, address: at, size: BigInt(size), create }
  }

  const signers = oracles.addresses.map((each) => address(each))
  const testMint = await seeded('test token', 'tallycell test token', getMintSize(), (at) =>
    getInitializeMint2Instruction({ mint: at, decimals: DECIMALS, mintAuthority: base }),
  )
  const token = mint === undefined ? testMint.address : address(mint)
  const multisig = await seeded(
    'multisig of the oracles',
    `tallycell multisig ${digest(oracles.threshold, ...signers).slice(0, 12)}`,
    getMultisigSize(),
    (at) => getInitializeMultisig2Instruction({ multisig: at, m: oracles.threshold, signers }),
  )
  const account = await seeded('treasury account', digest(payer, token, multisig.address), getTokenSize(), (at) =>
    getInitializeAccount3Instruction({ account: at, mint: token, owner: multisig.address }),
  )
  return {
    mint: {
      ...(mint === undefined
        ? testMint
        : { what: 'token', address: token, size: BigInt(getMintSize()), create: undefined }),
      fault: (found) => {
        const decoded = readToken(found, getMintSize(), getMintDecoder())
        if (!decoded?.isInitialized) return 'it is not the mint of an SPL token'
        return decoded.decimals === DECIMALS ? undefined : `its token has ${decoded.decimals} decimals, not ${DECIMALS}`
      },
    },
    multisig: {
      ...multisig,
      fault: (found) => {
        const decoded = readToken(found, getMultisigSize(), getMultisigDecoder())
        const same =
          decoded?.isInitialized &&
          decoded.m === oracles.threshold &&
          decoded.n === signers.length &&
          signers.every((signer, at) => decoded.signers[at] === signer)
        return same ? undefined : `it is not the multisig of ${oracles.threshold} of the ${signers.length} oracle keys`
      },
    },
    token: {
      ...account,
      fault: (found) => {
        const decoded = readToken(found, getTokenSize(), getTokenDecoder())
        if (decoded?.mint !== token) return 'it is not an account of the token'
        return decoded.owner === multisig.address ? undefined : `it belongs to ${decoded.owner}, not to the oracles`
      },
    },
  }
}

/** A seed of at most 32 characters. */
const digest = (...parts: readonly (string | number)[]): string =>
  createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 32)

function readToken<Value>(
  { program, data }: ChainAccount,
  size: number,
  decoder: { decode(octets: Uint8Array): Value },
): Value | undefined {
  return program === TOKEN_PROGRAM_ADDRESS && data.length === size ? decoder.decode(data) : undefined
}

/** What a token account says; undefined when `account` is none. */
export interface TokenAccount {
  readonly owner: string
  readonly mint: string
  /** Microtokens. */
  readonly amount: bigint
  /** A frozen account can receive nothing. */
  readonly frozen: boolean
}

const FROZEN = 2

export function readTokenAccount(account: ChainAccount | undefined): TokenAccount | undefined {
  const decoded = account && readToken(account, getTokenSize(), getTokenDecoder())
  if (!decoded || decoded.state === 0) return undefined
  return { owner: decoded.owner, mint: decoded.mint, amount: decoded.amount, frozen: decoded.state === FROZEN }
}
