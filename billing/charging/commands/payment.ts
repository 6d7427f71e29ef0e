// A payment of a subscriber, booked once.
import { fail } from '../../../core/kernel/errors.ts'
import type { SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql } from '../../../core/store/sql.ts'
import { moneyOf, type WalletOwner } from '../../ledger/accounts.ts'
import { formatMoney, readMoney } from '../../ledger/amount.ts'
import { topUp } from '../balances/store.ts'
import { formatInstant } from './instant.ts'
import { findTransfer, needTenant, type Profile, readAccount } from './store.ts'

export interface Payment {
  /** As written, in the currency of the tenant: `12.50`. */
  readonly amount: string
  /** Names the payment, once and for all. */
  readonly reference: string
  readonly at: Millis
}

export interface BookedPayment {
  readonly subscriber: SubscriberId
  /** Micro-units of the currency. */
  readonly amount: bigint
  readonly currency: string
  readonly decimals: number
  /** False where it was booked before. */
  readonly added: boolean
  /** Money of the subscriber afterwards, micro-units. */
  readonly balance: bigint
}

/** Throws ID_INVALID for the amount, TENANT_UNKNOWN, and REFERENCE_TAKEN where the reference names another payment. */
export async function bookPayment(
  sql: Sql,
  { subscriber, tenant }: Profile,
  { amount: written, reference, at }: Payment,
): Promise<BookedPayment> {
  const { currency, decimals } = await needTenant(sql, tenant)
  const amount = readMoney(written, decimals, currency)
  const owner: WalletOwner = `subscriber:${subscriber}`
  const account = moneyOf(owner, currency)
  const added = await topUp(sql, { owner, tenant, currency, amount, reference, at })
  if (!added) {
    const before = await findTransfer(sql, `topup:${tenant}:${reference}`)
    if (before && (before.credit !== account || before.amount !== amount)) {
      const booked = `${formatMoney(before.amount, currency, decimals)} for ${before.credit}, ${formatInstant(before.at)}`
      fail('REFERENCE_TAKEN', { reference, booked })
    }
  }
  const balance = (await readAccount(sql, account))?.posted ?? 0n
  return { subscriber, amount, currency, decimals, added, balance }
}
