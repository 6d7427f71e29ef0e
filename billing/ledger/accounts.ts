// The chart of accounts. An account belongs to somebody and has one normal side; its balance never falls below zero on that side.
import type { PayerId, RadioId, SubscriberId } from '../../core/kernel/ids.ts'

export type AccountId = `${Owner}:${string}:${string}`
type Owner = 'subscriber' | 'payer' | 'radio'
export type Side = 'debit' | 'credit'

const NORMAL_SIDE: Readonly<Record<string, Side>> = {
  /** What a subscriber owes for usage. */
  'subscriber:usage': 'debit',
  /** What a payer's subscribers were charged. */
  'payer:revenue': 'credit',
  /** What a payer's traffic has earned for radios. */
  'payer:rewards': 'debit',
  /** What a payer has deposited. */
  'payer:deposits': 'credit',
  /** Tokens in a payer's treasury account on chain. */
  'payer:treasury': 'debit',
  /** What a radio has earned and not yet been paid. */
  'radio:payable': 'credit',
}

export const usageOf = (subscriber: SubscriberId): AccountId => `subscriber:${subscriber}:usage`
export const revenueOf = (payer: PayerId): AccountId => `payer:${payer}:revenue`
export const rewardsOf = (payer: PayerId): AccountId => `payer:${payer}:rewards`
export const depositsOf = (payer: PayerId): AccountId => `payer:${payer}:deposits`
export const treasuryOf = (payer: PayerId): AccountId => `payer:${payer}:treasury`
export const payableOf = (radio: RadioId): AccountId => `radio:${radio}:payable`

/** The side on which the account's balance is positive. */
export function normalSide(account: AccountId): Side {
  const [owner, , kind] = account.split(':')
  const side = NORMAL_SIDE[`${owner}:${kind}`]
  if (!side) throw new RangeError(`no such kind of account: ${owner}:${kind}`)
  return side
}
