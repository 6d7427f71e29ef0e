// The keys that pay together. Here they live in one process; nothing but signing depends on that.
import type { KeyStore, SigningKey } from '../../core/runtime/keys.ts'
import { addressOf } from './transactions.ts'

export interface Oracles {
  /** All N, in the order of the multisig. */
  readonly keys: readonly SigningKey[]
  readonly addresses: readonly string[]
  /** M: how many must sign. */
  readonly threshold: number
  /** The M that sign, the first of them paying the fees. */
  readonly signing: readonly SigningKey[]
  readonly signers: readonly string[]
  readonly feePayer: string
}

const NAMES = ['oracle-1', 'oracle-2', 'oracle-3'] as const
const THRESHOLD = 2

/** 2 of the 3 keys `oracle-1` to `oracle-3`, made on first use. */
export async function loadOracles(keys: KeyStore): Promise<Oracles> {
  const all = await Promise.all(NAMES.map((name) => keys.signingKey(name)))
  const addresses = all.map(({ publicKey }) => addressOf(publicKey))
  const signers = addresses.slice(0, THRESHOLD)
  return {
    keys: all,
    addresses,
    threshold: THRESHOLD,
    signing: all.slice(0, THRESHOLD),
    signers,
    feePayer: signers[0] ?? '',
  }
}
