// The chain as settlement sees it. One narrow port, so that another chain, or a settlement program, can take its place.

export type Commitment = 'processed' | 'confirmed' | 'finalized'

/** The finalized block height, and the slot by which the node that answered had got there. */
export interface Height {
  readonly height: bigint
  readonly slot: bigint
}

export interface Blockhash {
  readonly blockhash: string
  /** A transaction on this blockhash can enter no block above this height. */
  readonly lastValidBlockHeight: bigint
}

/** `accepted` promises nothing but that the node took the bytes; a refusal says why. */
export type Submission = { readonly accepted: true } | { readonly accepted: false; readonly reason: string }

export interface TransactionStatus {
  readonly slot: bigint
  readonly commitment: Commitment
  /** Why it failed in its block; undefined when it succeeded. */
  readonly error: string | undefined
}

/** A transaction that names an address. */
export interface HistoryEntry {
  readonly signature: string
  readonly slot: bigint
  readonly commitment: Commitment
  readonly memo: string | undefined
  readonly error: string | undefined
}

export interface HistoryRange {
  /** Transactions of earlier slots need not be listed. */
  readonly sinceSlot: bigint
  /** The node must have seen this slot, or answer with an error: an older view could miss a payment. */
  readonly minSlot: bigint
}

export interface ChainTransaction {
  readonly slot: bigint
  readonly error: string | undefined
  /** As it was signed and sent. */
  readonly wire: Uint8Array
}

export interface ChainAccount {
  /** The program that owns the account. */
  readonly program: string
  readonly lamports: bigint
  readonly data: Uint8Array
}

/** Every call rejects with CHAIN_UNREACHABLE when no answer came, and CHAIN_REFUSED when the answer was an error. */
export interface ChainPort {
  /**
   * Names the chain, by the hash of its first block where that is unique. Another value is another chain, and what was signed for one is
   * nothing on the other.
   */
  genesis(): Promise<string>
  /** Sends signed bytes; sending the same bytes again is harmless. */
  submit(wire: Uint8Array): Promise<Submission>
  /** Undefined while the node knows no such transaction. */
  status(signature: string): Promise<TransactionStatus | undefined>
  blockHeight(): Promise<Height>
  latestBlockhash(): Promise<Blockhash>
  /** Every finalized transaction that names `address`, and perhaps younger ones, newest first. */
  history(address: string, range: HistoryRange): Promise<readonly HistoryEntry[]>
  /** A finalized transaction. */
  transaction(signature: string): Promise<ChainTransaction | undefined>
  /** Confirmed accounts, in the order asked; undefined where there is none. */
  accounts(addresses: readonly string[]): Promise<readonly (ChainAccount | undefined)[]>
  /** Lamports that an account of `size` octets must hold. */
  rent(size: bigint): Promise<bigint>
}
