// /partner/v1/vouchers: codes that are worth money or a bundle, once.
import { randomBytes } from 'node:crypto'
import { Type } from 'typebox'
import {
  ID,
  instantOf,
  nullable,
  type PartnerRoutes,
  pageOf,
  TIME,
  timeOf,
  U64,
} from '../../core/http/partner/contract.ts'
import { fail } from '../../core/kernel/errors.ts'
import type { Millis } from '../../core/kernel/units.ts'
import { findOffer } from '../charging/commands/bundle.ts'
import { listSeries, needTenant } from '../charging/commands/store.ts'
import { createVouchers, redeemVoucher } from '../charging/vouchers/store.ts'
import { readMoney } from '../ledger/amount.ts'
import { ownProfile } from './own.ts'

export interface VoucherDeps {
  /** The hash of every code hangs on it. */
  readonly voucherKey: () => Promise<Uint8Array>
}

const MOST = 10_000
const TEXT = Type.String()
const NAME = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$', description: 'names the print run' })

const SERIES = Type.Object({
  series: TEXT,
  amount: nullable({ ...U64, description: 'micro-units of the currency' }),
  bundle: nullable(TEXT),
  expires: nullable(TIME),
  made: U64,
  redeemed: U64,
})

/** What one voucher is worth: money or a bundle, never both. */
const worth = Type.Object({
  series: Type.Optional(NAME),
  count: Type.Integer({ minimum: 1, maximum: MOST }),
  amount: Type.Optional(
    Type.String({ pattern: '^[0-9]{1,12}(\\.[0-9]{1,6})?$', description: 'money that each is worth: 10.00' }),
  ),
  bundle: Type.Optional(
    Type.String({ pattern: '^[^/\\s]{1,64}/[^/\\s]{1,64}$', description: 'or the plan/bundle that it is worth' }),
  ),
  expires: Type.Optional({ ...TIME, description: 'last redeemed before' }),
})

function expiryOf(text: string | undefined, at: Millis): Millis | undefined {
  if (text === undefined) return undefined
  const expires = instantOf(text)
  if (expires > at) return expires
  return fail('ID_INVALID', { what: 'expires', expected: 'a time in the future', came: text })
}

export const voucherRoutes =
  ({ voucherKey }: VoucherDeps): PartnerRoutes =>
  (api) => {
    api.list({
      url: '/vouchers',
      tag: 'vouchers',
      scope: 'vouchers:read',
      summary: 'Print runs of vouchers, and how many of each have been redeemed; codes are not known',
      item: SERIES,
      async handler({ sql, tenant, page: { limit, after } }) {
        const series = (await listSeries(sql, tenant)).map((one) => ({
          ...{ series: one.series, bundle: one.offer, made: one.made, redeemed: one.redeemed },
          amount: one.offer === null ? one.amount : null,
          expires: one.expires_at === null ? null : timeOf(one.expires_at),
          position: `${one.series} ${one.amount} ${one.offer ?? ''} ${one.expires_at ?? ''}`,
        }))
        const start = after === undefined ? 0 : series.findIndex(({ position }) => position === after) + 1
        return pageOf(
          series.slice(start),
          limit,
          ({ position }) => position,
          ({ position: _, ...body }) => body,
        )
      },
    })
    api.route({
      method: 'POST',
      url: '/vouchers',
      tag: 'vouchers',
      scope: 'vouchers:write',
      summary: 'Make vouchers; the codes are in this answer and cannot be had again',
      body: worth,
      answers: { 201: Type.Object({ series: TEXT, codes: Type.Array(TEXT) }) },
      errors: ['TENANT_UNKNOWN', 'PLAN_UNKNOWN', 'ID_INVALID'],
      async handler({ sql, tenant, body, at }) {
        const { count, amount, bundle } = body
        if ((amount === undefined) === (bundle === undefined))
          fail('PARTNER_REQUEST_INVALID', { count: 1, problems: 'body: expected one of amount and bundle' })
        const known = await needTenant(sql, tenant)
        if (bundle !== undefined) await findOffer(sql, known, bundle)
        const series = body.series ?? `${timeOf(at).slice(0, 10)}-${randomBytes(3).toString('hex')}`
        const codes = await createVouchers(
          sql,
          await voucherKey(),
          {
            ...{ tenant, series, count, offer: bundle, expires: expiryOf(body.expires, at) },
            amount: amount === undefined ? 0n : readMoney(amount, known.decimals, known.currency),
          },
          randomBytes,
        )
        return { body: { series, codes } }
      },
    })
    api.route({
      method: 'POST',
      url: '/vouchers/redemptions',
      tag: 'vouchers',
      scope: 'vouchers:write',
      summary: 'Give a subscriber what a voucher is worth',
      description: 'The same code again by the same subscriber changes nothing.',
      body: Type.Object({ code: Type.String({ minLength: 1, maxLength: 64 }), subscriber: ID }),
      answers: { 200: Type.Object({ subscriber: ID, redeemed: Type.Boolean() }) },
      errors: ['SUBSCRIBER_UNKNOWN', 'VOUCHER_REFUSED'],
      async handler({ sql, tenant, body: { code, subscriber: id }, at }) {
        const { subscriber } = await ownProfile(sql, tenant, id)
        await redeemVoucher(sql, await voucherKey(), { code, subscriber, tenant, at })
        return { body: { subscriber, redeemed: true } }
      },
    })
  }
