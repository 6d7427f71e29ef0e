// The chart of accounts. An account belongs to somebody, holds one unit and has one normal side; what is free of it (posted less
// pending) never falls below zero on that side.
import type { PayerId, RadioId, SubscriberId } from '../../core/kernel/ids.ts'

export type AccountId = `${Owner}:${string}:${string}`
type Owner = 'subscriber' | 'payer' | 'radio' | 'pool'
export type Side = 'debit' | 'credit'
/** `microtoken`, what can be metered, or micro-units of a currency (ISO 4217 code). */
export type LedgerUnit = string

interface Kind {
  readonly side: Side
  /** Undefined: the last part of the account's id names it. */
  readonly unit: 'microtoken' | undefined
}

const KINDS: Readonly<Record<string, Kind>> = {
  /** What a subscriber owes for usage at the flat tariff. */
  'subscriber:usage': { side: 'debit', unit: 'microtoken' },
  /** What a payer's subscribers were charged at the flat tariff. */
  'payer:revenue': { side: 'credit', unit: 'microtoken' },
  /** What a payer's traffic has earned for radios. */
  'payer:rewards': { side: 'debit', unit: 'microtoken' },
  /** What a payer has deposited. */
  'payer:deposits': { side: 'credit', unit: 'microtoken' },
  /** Tokens in a payer's treasury account on chain. */
  'payer:treasury': { side: 'debit', unit: 'microtoken' },
  /** What a radio has earned and not yet been paid. */
  'radio:payable': { side: 'credit', unit: 'microtoken' },

  /** Prepaid money, and units of a bundle: what the payer still has to deliver. */
  'subscriber:money': { side: 'credit', unit: undefined },
  'subscriber:bundle': { side: 'credit', unit: undefined },
  'pool:money': { side: 'credit', unit: undefined },
  'pool:bundle': { side: 'credit', unit: undefined },
  /** What was used on credit and is not paid yet. */
  'subscriber:owed': { side: 'debit', unit: undefined },
  /** What was used and nobody could pay. */
  'subscriber:overuse': { side: 'debit', unit: undefined },
  /** Money received from subscribers, and units given to them. */
  'payer:received': { side: 'debit', unit: undefined },
  'payer:issued': { side: 'debit', unit: undefined },
  /** Money earned by usage and sales, and units used; one for each node, so that nodes do not queue for one row. */
  'payer:income': { side: 'credit', unit: undefined },
  'payer:consumed': { side: 'credit', unit: undefined },
  /** Given back to subscribers, and what lapsed. */
  'payer:refunds': { side: 'debit', unit: undefined },
  'payer:expired': { side: 'credit', unit: undefined },
}

export const usageOf = (subscriber: SubscriberId): AccountId => `subscriber:${subscriber}:usage`
export const revenueOf = (payer: PayerId): AccountId => `payer:${payer}:revenue`
export const rewardsOf = (payer: PayerId): AccountId => `payer:${payer}:rewards`
export const depositsOf = (payer: PayerId): AccountId => `payer:${payer}:deposits`
export const treasuryOf = (payer: PayerId): AccountId => `payer:${payer}:treasury`
export const payableOf = (radio: RadioId): AccountId => `radio:${radio}:payable`

/** `owner`: `subscriber:<id>` or `pool:<id>`. */
export type WalletOwner = `subscriber:${string}` | `pool:${string}`
export const moneyOf = (owner: WalletOwner, currency: string): AccountId => `${owner}:money:${currency}`
/** `reference` tells the bundles of an owner apart. */
export const bundleOf = (owner: WalletOwner, reference: string, unit: string): AccountId =>
  `${owner}:bundle:${reference}:${unit}`
export const owedOf = (subscriber: SubscriberId, currency: string): AccountId =>
  `subscriber:${subscriber}:owed:${currency}`
export const overuseOf = (subscriber: SubscriberId, unit: LedgerUnit): AccountId =>
  `subscriber:${subscriber}:overuse:${unit}`
/** The payer's side of something, kind and unit: `payer:<id>:issued:octet`. */
export const payerAccount = (
  payer: PayerId,
  kind: 'received' | 'issued' | 'refunds' | 'expired',
  unit: LedgerUnit,
): AccountId => `payer:${payer}:${kind}:${unit}`
/** `node`: who books, or `sales`. */
export const earnedOf = (payer: PayerId, kind: 'income' | 'consumed', node: string, unit: LedgerUnit): AccountId =>
  `payer:${payer}:${kind}:${node}:${unit}`

const kindOf = (account: AccountId): Kind => {
  const [owner, , name] = account.split(':')
  const kind = KINDS[`${owner}:${name}`]
  if (!kind) throw new RangeError(`no such kind of account: ${owner}:${name}`)
  return kind
}

/** The side on which the account's balance is positive. */
export const normalSide = (account: AccountId): Side => kindOf(account).side

/** What the account holds. */
export const unitOf = (account: AccountId): LedgerUnit =>
  kindOf(account).unit ?? account.slice(account.lastIndexOf(':') + 1)
