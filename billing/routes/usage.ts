// /partner/v1/usage and /partner/v1/invoices: what was used and charged, record by record and month by month.
import { Type } from 'typebox'
import {
  afterNumber,
  ID,
  instantOf,
  type PartnerRoutes,
  pageOf,
  TIME,
  U64,
  unknown,
} from '../../core/http/partner/contract.ts'
import { readTenants } from '../charging/catalogue/store.ts'
import { listRecords } from '../charging/cdr/store.ts'
import { recordJson } from '../charging/commands/cdr.ts'
import { invoiceJson } from '../charging/commands/invoice.ts'
import { listInvoices, readInvoice } from '../charging/invoice/store.ts'
import { ownProfile } from './own.ts'

const AMOUNT = Type.String({ pattern: '^-?(0|[1-9][0-9]{0,18})$' })

const RECORD = Type.Object(
  {
    number: U64,
    subscriber: ID,
    access: Type.Enum(['wifi', 'lte', 'nr']),
    opened: TIME,
    closed: TIME,
    seconds: U64,
    cause: Type.String(),
    charge: { ...AMOUNT, description: 'micro-units of the currency' },
    currency: Type.String(),
    services: Type.Array(
      Type.Object({
        ratingGroup: U64,
        uplink: { ...U64, description: 'octets' },
        downlink: { ...U64, description: 'octets' },
        seconds: U64,
        messages: U64,
        charge: AMOUNT,
        bundleOctets: { ...U64, description: 'octets that bundles paid for' },
        zeroRatedOctets: { ...U64, description: 'octets that cost nothing' },
      }),
    ),
  },
  { description: 'A charging data record: a session, or a part of a long one' },
)

const INVOICE = Type.Object({
  invoice: U64,
  tenant: ID,
  subscriber: ID,
  month: Type.String({ description: '2026-11, by the clock of the tenant' }),
  periodStart: { ...U64, description: 'milliseconds since 1970' },
  periodEnd: { ...U64, description: 'milliseconds since 1970' },
  currency: Type.String(),
  exact: { ...AMOUNT, description: 'micro-units charged' },
  rounded: { ...AMOUNT, description: 'micro-units, as the invoice says' },
  owed: { ...AMOUNT, description: 'micro-units of it that are to be paid' },
  made: { ...U64, description: 'milliseconds since 1970' },
})

const SUBSCRIBER = { subscriber: Type.Optional(ID) }
const instant = (text: string | undefined) => (text === undefined ? undefined : instantOf(text))

export const usageRoutes: PartnerRoutes = (api) => {
  api.list({
    url: '/usage',
    tag: 'usage',
    scope: 'usage:read',
    summary: 'What was used and charged, the newest first',
    description:
      'One record when a session has ended, and for each part of a long one. Sessions that go on are not in it yet.',
    query: Type.Object({
      ...SUBSCRIBER,
      from: Type.Optional({ ...TIME, description: 'records made from then on' }),
      to: Type.Optional({ ...TIME, description: 'and before then' }),
    }),
    item: RECORD,
    errors: ['SUBSCRIBER_UNKNOWN'],
    async handler({ sql, tenant, query, page }) {
      const subscriber =
        query.subscriber === undefined ? undefined : (await ownProfile(sql, tenant, query.subscriber)).subscriber
      const before = page.after === undefined ? undefined : afterNumber(page)
      const [from, to] = [instant(query.from), instant(query.to)]
      const records = await listRecords(sql, { tenant, subscriber, before, from, to, limit: page.limit + 1 })
      return pageOf(records, page.limit, ({ number }) => number, recordJson)
    },
  })
  api.list({
    url: '/invoices',
    tag: 'invoices',
    scope: 'invoices:read',
    summary: 'Invoices, the oldest first: what each subscriber was charged in a month, rounded once',
    query: Type.Object(SUBSCRIBER),
    item: INVOICE,
    errors: ['SUBSCRIBER_UNKNOWN'],
    async handler({ sql, tenant, query, page }) {
      const subscriber =
        query.subscriber === undefined ? undefined : (await ownProfile(sql, tenant, query.subscriber)).subscriber
      const found = await listInvoices(sql, { tenant, subscriber, after: afterNumber(page), limit: page.limit + 1 })
      const tenants = await readTenants(sql, [tenant])
      return pageOf(
        found,
        page.limit,
        (one) => one.invoice_no,
        (one) => invoiceJson(one, tenants),
      )
    },
  })
  api.route({
    method: 'GET',
    url: '/invoices/{invoice}',
    tag: 'invoices',
    scope: 'invoices:read',
    summary: 'An invoice',
    params: Type.Object({ invoice: U64 }),
    answers: { 200: INVOICE },
    async handler({ sql, tenant, params }) {
      const invoice = await readInvoice(sql, BigInt(params.invoice))
      if (!invoice || invoice.tenant_id !== tenant) return unknown('invoice', params.invoice)
      return { body: invoiceJson(invoice, await readTenants(sql, [tenant])) }
    },
  })
}
