// /partner/v1/balances: what subscribers can pay with, payments, and bundles given or sold.
import { Type } from 'typebox'
import { ID, nullable, type PartnerRoutes, U64 } from '../../core/http/partner/contract.ts'
import { microtokens } from '../../core/kernel/units.ts'
import { createCatalogue } from '../charging/catalogue/store.ts'
import { findOffer } from '../charging/commands/bundle.ts'
import { bookPayment } from '../charging/commands/payment.ts'
import { needTenant } from '../charging/commands/store.ts'
import { readWealth, wealthJson } from '../charging/commands/wealth.ts'
import { giveOffer } from '../charging/renewal/store.ts'
import { ownProfile } from './own.ts'

const TEXT = Type.String()
/** Amounts of the ledger may be below zero where more was given back. */
const AMOUNT = Type.String({
  pattern: '^-?(0|[1-9][0-9]{0,18})$',
  description: 'in the unit beside it; micro-units of money',
})
const REFERENCE = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$',
  description: 'names the payment or gift, once and for all: the same again changes nothing',
})

const WEALTH = Type.Object(
  {
    subscriber: ID,
    tenant: ID,
    plan: nullable(Type.Object({ id: ID, version: U64, kind: TEXT })),
    currency: nullable(TEXT),
    pool: nullable(TEXT),
    balances: Type.Array(
      Type.Object({
        account: TEXT,
        owner: Type.String({ description: 'subscriber:<id> or pool:<id>' }),
        kind: Type.Enum(['bundle', 'money']),
        unit: TEXT,
        offer: nullable(Type.String({ description: 'plan/bundle that it came from' })),
        left: AMOUNT,
        reserved: AMOUNT,
        granted: AMOUNT,
        priority: U64,
        expires: nullable(TEXT),
        services: Type.Unknown({ description: 'what it is for; null for anything' }),
      }),
    ),
    owed: nullable(Type.Object({ unit: TEXT, amount: AMOUNT, reserved: AMOUNT, limit: nullable(AMOUNT) })),
    overuse: Type.Array(Type.Object({ unit: TEXT, amount: AMOUNT })),
  },
  { description: 'What a subscriber can pay with' },
)

const PAYMENT = Type.Object({
  subscriber: ID,
  amount: { ...U64, description: 'micro-units of the currency' },
  currency: TEXT,
  reference: TEXT,
  added: Type.Boolean({ description: 'false where it was booked before' }),
  balance: AMOUNT,
})

const about = {
  tag: 'balances',
  params: Type.Object({ subscriber: ID }),
  errors: ['SUBSCRIBER_UNKNOWN', 'TENANT_UNKNOWN'],
} as const

export const balanceRoutes: PartnerRoutes = (api) => {
  // Versions of plans never change: what has been read of them is kept. Flat prices play no part here.
  const catalogue = createCatalogue(microtokens(0n))
  api.route({
    ...about,
    method: 'GET',
    url: '/balances/{subscriber}',
    scope: 'balances:read',
    summary: 'What a subscriber can pay with, what is reserved of it, and what is owed',
    answers: { 200: WEALTH },
    handler: async ({ sql, tenant, params }) => ({
      body: wealthJson(await readWealth(sql, await ownProfile(sql, tenant, params.subscriber), catalogue)),
    }),
  })
  api.route({
    ...about,
    method: 'POST',
    url: '/balances/{subscriber}/top-ups',
    scope: 'balances:write',
    summary: 'Book a payment of a subscriber',
    body: Type.Object({
      amount: Type.String({
        pattern: '^[0-9]{1,12}(\\.[0-9]{1,6})?$',
        description: 'in the currency of the tenant, with as many decimal places as it has: 12.50',
      }),
      reference: REFERENCE,
    }),
    answers: { 201: PAYMENT },
    errors: [...about.errors, 'ID_INVALID', 'REFERENCE_TAKEN'],
    async handler({ sql, tenant, params, body, at }) {
      const profile = await ownProfile(sql, tenant, params.subscriber)
      const { decimals: _, ...paid } = await bookPayment(sql, profile, { ...body, at })
      return { body: { ...paid, reference: body.reference }, location: `/balances/${profile.subscriber}` }
    },
  })
  api.route({
    ...about,
    method: 'POST',
    url: '/balances/{subscriber}/bundles',
    scope: 'balances:write',
    summary: 'Give or sell a subscriber a bundle of the catalogue',
    body: Type.Object({
      bundle: Type.String({ pattern: '^[^/\\s]{1,64}/[^/\\s]{1,64}$', description: 'plan/bundle' }),
      paid: Type.Optional(
        Type.Boolean({ default: false, description: 'its price is taken from the money of who gets it' }),
      ),
      reference: REFERENCE,
    }),
    answers: {
      201: Type.Object({
        subscriber: ID,
        bundle: TEXT,
        unit: TEXT,
        amount: U64,
        reference: TEXT,
        added: Type.Boolean({ description: 'false where it was booked before' }),
      }),
    },
    errors: [...about.errors, 'PLAN_UNKNOWN', 'LEDGER_BELOW_ZERO'],
    async handler({ sql, tenant: id, params, body: { bundle, paid = false, reference }, at }) {
      const { subscriber } = await ownProfile(sql, id, params.subscriber)
      const tenant = await needTenant(sql, id)
      const { unit, amount } = await findOffer(sql, tenant, bundle)
      const added = await giveOffer(sql, { subscriber, tenant, offer: bundle, reference, at, paid })
      return { body: { subscriber, bundle, unit, amount, reference, added }, location: `/balances/${subscriber}` }
    },
  })
}
