// Vouchers: a code that is worth money or a bundle, once. Codes are never stored, only what a keyed hash makes of them: whoever reads the
// database can redeem nothing.
import { createHmac } from 'node:crypto'
import { fail } from '../../../core/kernel/errors.ts'
import type { PayerId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import { topUp } from '../balances/store.ts'
import { readTenants } from '../catalogue/store.ts'
import { giveOffer } from '../renewal/store.ts'

const VOUCHERS: Target = {
  table: 'voucher',
  columns: ['code_hash', 'tenant_id', 'series', 'amount', 'offer', 'expires_at', 'redeemed_by', 'redeemed_at'],
}

/** Without 0, 1, I and O, which people mistake: 32 letters, 5 bits each. */
export const LETTERS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
const CODE_LENGTH = 16

export interface NewVouchers {
  readonly tenant: PayerId
  /** Names the print run. */
  readonly series: string
  readonly count: number
  /** Micro-units of the tenant's currency; 0 where an offer is given. */
  readonly amount: bigint
  /** `plan/bundle` of the tenant. */
  readonly offer: string | undefined
  readonly expires: Millis | undefined
}

const hashOf = (key: Uint8Array, code: string): Uint8Array => createHmac('sha256', key).update(code).digest()

/** What people type, as it was printed. */
const plain = (code: string): string => code.toUpperCase().replace(/[^0-9A-Z]/g, '')

/** A voucher for each hash. */
export const insertVouchers = (
  sql: Sql,
  { tenant, series, amount, offer, expires }: NewVouchers,
  hashes: readonly Uint8Array[],
): Promise<number> =>
  sql.insert(
    VOUCHERS,
    hashes.map((hash) => [hash, tenant, series, amount, offer ?? null, expires ?? null, null, null]),
  )

/** Makes vouchers and returns their codes, which cannot be had again. `random`: so many octets that nobody can guess. */
export async function createVouchers(
  sql: Sql,
  key: Uint8Array,
  vouchers: NewVouchers,
  random: (octets: number) => Uint8Array,
): Promise<string[]> {
  const codes = Array.from({ length: vouchers.count }, () =>
    Array.from(random(CODE_LENGTH), (octet) => LETTERS[octet % LETTERS.length]).join(''),
  )
  await insertVouchers(
    sql,
    vouchers,
    codes.map((code) => hashOf(key, code)),
  )
  return codes.map((code) => (code.match(/.{4}/g) ?? []).join('-'))
}

export interface Redemption {
  readonly code: string
  readonly subscriber: SubscriberId
  readonly tenant: PayerId
  readonly at: Millis
}

/** Redeems a voucher of the subscriber's tenant; the same code again by the same subscriber changes nothing. Throws VOUCHER_REFUSED. */
export async function redeemVoucher(
  sql: Sql,
  key: Uint8Array,
  { code, subscriber, tenant, at }: Redemption,
): Promise<void> {
  const hash = hashOf(key, plain(code))
  const [row] = await sql.find<{
    tenant_id: PayerId
    amount: bigint
    offer: string | null
    expires_at: Millis | null
    redeemed_by: string | null
  }>('select tenant_id, amount, offer, expires_at, redeemed_by from voucher', 'code_hash', [hash], 'lock')
  if (!row || row.tenant_id !== tenant) return fail('VOUCHER_REFUSED', { reason: 'not known' })
  if (row.redeemed_by === subscriber) return
  if (row.redeemed_by !== null) return fail('VOUCHER_REFUSED', { reason: 'used' })
  if (row.expires_at !== null && row.expires_at <= at) return fail('VOUCHER_REFUSED', { reason: 'expired' })
  await sql.run('update voucher set redeemed_by = ?, redeemed_at = ? where code_hash = ?', subscriber, at, hash)
  const reference = `voucher:${Buffer.from(hash).toString('hex')}`
  const known = (await readTenants(sql, [tenant])).get(tenant)
  if (!known) return fail('TENANT_UNKNOWN', { tenant })
  if (row.offer !== null)
    await giveOffer(sql, { subscriber, tenant: known, offer: row.offer, reference, at, paid: false })
  else
    await topUp(sql, {
      owner: `subscriber:${subscriber}`,
      tenant,
      currency: known.currency,
      amount: row.amount,
      reference,
      at,
    })
}
