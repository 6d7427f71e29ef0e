// What one payout transaction pays, as a hash: it stands in the transaction's memo, so that the two can be compared.
import { createHash } from 'node:crypto'
import { createCborWriter } from '../log/entries/cbor-writer.ts'

export interface Payment {
  readonly wallet: string
  /** Microtokens. */
  readonly amount: bigint
}

/** SHA-256 of deterministic CBOR, [[wallet, microtokens], …], sorted by wallet. */
export function payoutDigest(payments: readonly Payment[]): Uint8Array {
  const sorted = payments.toSorted((a, b) => (a.wallet < b.wallet ? -1 : 1))
  const writer = createCborWriter()
  writer.array(sorted.length)
  for (const { wallet, amount } of sorted) {
    writer.array(2)
    writer.text(wallet)
    writer.integer(amount)
  }
  return createHash('sha256').update(writer.finish()).digest()
}
