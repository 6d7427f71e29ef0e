// Building, signing and reading the transactions of settlement: a memo signed by M oracles, then one transfer per owner out of the
// payer's treasury, which those oracles own together. Messages are built without any private key and signed afterwards.
import '../../core/runtime/polyfill.ts'
import {
  type Address,
  address,
  appendTransactionMessageInstructions,
  type Blockhash,
  compileTransaction,
  createNoopSigner,
  createTransactionMessage,
  decompileTransactionMessage,
  getAddressDecoder,
  getBase58Decoder,
  getCompiledTransactionMessageDecoder,
  getCompiledTransactionMessageEncoder,
  getTransactionDecoder,
  getTransactionEncoder,
  type Instruction,
  pipe,
  type SignatureBytes,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/kit'
import { getSetComputeUnitLimitInstruction } from '@solana-program/compute-budget'
import { getAddMemoInstruction, parseAddMemoInstruction } from '@solana-program/memo'
import {
  findAssociatedTokenPda,
  getTransferCheckedInstruction,
  parseTransferCheckedInstruction,
  TOKEN_PROGRAM_ADDRESS,
  TRANSFER_CHECKED_DISCRIMINATOR,
} from '@solana-program/token'
import type { SigningKey } from '../../core/runtime/keys.ts'
import type { Blockhash as ChainBlockhash } from './chain.ts'

/** The Memo program that nodes list in an address's history; the client's own default is a newer one, which they do not. */
const MEMO_PROGRAM = address('MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr')

/** Octets of a serialised transaction: an IPv6 packet of 1,280 less its headers. */
export const MAX_WIRE = 1232

/** Decimals of the settlement token. */
export const DECIMALS = 6

/** A payer's account on chain, and who may pay from it. */
export interface Treasury {
  readonly mint: string
  /** SPL multisig that owns `tokenAccount`. */
  readonly multisig: string
  readonly tokenAccount: string
  /** The M oracles that sign, the first of them paying the fee. */
  readonly oracles: readonly string[]
}

export interface Payee {
  /** The owner's associated token account. */
  readonly tokenAccount: string
  /** Microtokens. */
  readonly amount: bigint
}

/** A transaction without its signatures. */
export interface Unsigned {
  readonly wire: Uint8Array
}

export interface Signed {
  readonly wire: Uint8Array
  /** Names the transaction: the fee payer's signature, base58. */
  readonly signature: string
}

export const addressOf = (publicKey: Uint8Array): string => getAddressDecoder().decode(publicKey)

/** Where the owner of `wallet` holds tokens of `mint`. */
export async function tokenAccountOf(wallet: string, mint: string): Promise<string> {
  const seeds = { owner: address(wallet), mint: address(mint), tokenProgram: TOKEN_PROGRAM_ADDRESS }
  const [found] = await findAssociatedTokenPda(seeds)
  return found
}

/** The Memo program fails unless every account that it is given has signed. */
export const memoInstruction = (memo: string, oracles: readonly string[]): Instruction =>
  getAddMemoInstruction(
    { memo, signers: oracles.map((each) => createNoopSigner(address(each))) },
    { programAddress: MEMO_PROGRAM },
  )

const transferInstruction = ({ mint, multisig, tokenAccount, oracles }: Treasury, payee: Payee): Instruction =>
  getTransferCheckedInstruction({
    source: address(tokenAccount),
    mint: address(mint),
    destination: address(payee.tokenAccount),
    authority: address(multisig),
    amount: payee.amount,
    decimals: DECIMALS,
    multiSigners: oracles.map((each) => createNoopSigner(address(each))),
  })

/** A legacy transaction of `instructions`, the first oracle paying the fee. */
export function buildTransaction(
  feePayer: string,
  { blockhash, lastValidBlockHeight }: ChainBlockhash,
  instructions: readonly Instruction[],
): Unsigned {
  const message = pipe(
    createTransactionMessage({ version: 'legacy' }),
    (empty) => setTransactionMessageFeePayer(address(feePayer), empty),
    (paid) =>
      setTransactionMessageLifetimeUsingBlockhash({ blockhash: blockhash as Blockhash, lastValidBlockHeight }, paid),
    (living) => appendTransactionMessageInstructions(instructions, living),
  )
  return { wire: new Uint8Array(getTransactionEncoder().encode(compileTransaction(message))) }
}

/**
 * Bounds in compute units, generous: on the embedded chain a memo took about 700 and a transfer 340, and older builds of the same programs
 * take many times that. Without a bound, 200,000 are reserved for each instruction, and leaders pack what reserves less first.
 */
const MEMO_UNITS = 120_000
const TRANSFER_UNITS = 15_000

const unitLimit = (transfers: number): Instruction =>
  getSetComputeUnitLimitInstruction({ units: MEMO_UNITS + transfers * TRANSFER_UNITS })

export const buildAnchor = (oracles: readonly string[], memo: string, blockhash: ChainBlockhash): Unsigned =>
  buildTransaction(oracles[0] ?? '', blockhash, [unitLimit(0), memoInstruction(memo, oracles)])

export const buildPayout = (
  treasury: Treasury,
  memo: string,
  payees: readonly Payee[],
  blockhash: ChainBlockhash,
): Unsigned =>
  buildTransaction(treasury.oracles[0] ?? '', blockhash, [
    unitLimit(payees.length),
    memoInstruction(memo, treasury.oracles),
    ...payees.map((payee) => transferInstruction(treasury, payee)),
  ])

/** Puts the keys' signatures in. Throws a RangeError when the transaction asks for another key, or the keys are not all it asks for. */
export function sign({ wire }: Unsigned, keys: readonly SigningKey[]): Signed {
  const transaction = getTransactionDecoder().decode(wire)
  const message = new Uint8Array(transaction.messageBytes)
  const signatures: Record<Address, SignatureBytes | null> = { ...transaction.signatures }
  for (const key of keys) {
    const signer = address(addressOf(key.publicKey))
    if (!(signer in signatures)) throw new RangeError(`the transaction does not ask for the signature of ${signer}`)
    signatures[signer] = key.sign(message) as SignatureBytes
  }
  const [first] = Object.values(signatures)
  if (!first || Object.values(signatures).includes(null)) throw new RangeError('a signature is missing')
  const signed = getTransactionEncoder().encode({ ...transaction, signatures })
  return { wire: new Uint8Array(signed), signature: getBase58Decoder().decode(first) }
}

/** What a transaction on chain says and moves. */
export interface Reading {
  readonly memos: readonly { readonly text: string; readonly signers: readonly string[] }[]
  readonly transfers: readonly {
    readonly from: string
    readonly to: string
    readonly mint: string
    readonly amount: bigint
  }[]
}

/** Undefined where `wire` is no transaction that can be read without asking the chain (address lookup tables). */
export function readTransaction(wire: Uint8Array): Reading | undefined {
  try {
    const { messageBytes } = getTransactionDecoder().decode(wire)
    const compiled = getCompiledTransactionMessageDecoder().decode(messageBytes)
    // The decoder is content with an instruction whose data has been cut short.
    const again = getCompiledTransactionMessageEncoder().encode(compiled)
    if (Buffer.compare(new Uint8Array(again), new Uint8Array(messageBytes)) !== 0) return undefined
    const message = decompileTransactionMessage(compiled)
    const memos: Reading['memos'][number][] = []
    const transfers: Reading['transfers'][number][] = []
    for (const { programAddress, accounts = [], data = new Uint8Array(0) } of message.instructions) {
      if (programAddress === MEMO_PROGRAM)
        memos.push({
          text: parseAddMemoInstruction({ programAddress, data }).data.memo,
          signers: accounts.map((account) => account.address),
        })
      else if (programAddress === TOKEN_PROGRAM_ADDRESS && data[0] === TRANSFER_CHECKED_DISCRIMINATOR) {
        const transfer = parseTransferCheckedInstruction({ programAddress, accounts, data })
        const { source, destination, mint } = transfer.accounts
        const { amount } = transfer.data
        transfers.push({ from: source.address, to: destination.address, mint: mint.address, amount })
      }
    }
    return { memos, transfers }
  } catch {
    return undefined
  }
}
