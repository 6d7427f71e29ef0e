// The TM Forum's words for plans, records and balances: TMF620 product catalogue, TMF635 usage and TMF654 prepay balance, version 4. Their
// quantities are JSON numbers; whoever needs every digit reads the objects that `href` of the same name below /partner/v1 has.
import { Type } from 'typebox'
import { ID, type PartnerRoutes, timeOf, U64, unknown } from '../../core/http/partner/contract.ts'
import { TMF_FIELDS, TMF_PAGE, tmfFields, tmfList, tmfPage } from '../../core/http/partner/tmf630.ts'
import { listPlans } from '../charging/catalogue/store.ts'
import { countRecords, findRecord, type KeptRecord, listRecords } from '../charging/cdr/store.ts'
import { readWealth, type Wealth } from '../charging/commands/wealth.ts'
import type { Plan } from '../charging/plan/plan.ts'
import { ownProfile } from './own.ts'

const BASE = '/partner/v1'
const OFFERINGS = '/tmf-api/productCatalogManagement/v4/productOffering'
const USAGE = '/tmf-api/usageManagement/v4/usage'
const BUCKETS = '/tmf-api/prepayBalanceManagement/v4/bucket'

const ITEM = Type.Object({ id: Type.String(), href: Type.String(), '@type': Type.String() })
const LIST = { 200: Type.Array(ITEM), 206: Type.Array(ITEM) }
const PARTY = { 'relatedParty.id': Type.Optional({ ...ID, description: 'the subscriber' }) }

const CURRENCY = /^[A-Z]{3}$/
/** Micro-units of a currency in whole ones. */
const quantity = (amount: bigint, unit: string) =>
  CURRENCY.test(unit) ? { amount: Number(amount) / 1e6, units: unit } : { amount: Number(amount), units: unit }
const money = (amount: bigint, unit: string) => ({ unit, value: Number(amount) / 1e6 })

const offeringBody = ({ id, name, version, kind, bundles, recurring }: Plan) => ({
  id,
  href: `${BASE}${OFFERINGS}/${id}`,
  '@type': 'ProductOffering',
  name,
  version: version.toString(),
  description: `${kind} plan`,
  lifecycleStatus: 'Active',
  isBundle: false,
  isSellable: true,
  ...(recurring
    ? { productOfferingPrice: [{ name: `per ${recurring.period}`, '@type': 'ProductOfferingPriceRef' }] }
    : {}),
  bundledProductOffering: bundles.map((bundle) => ({ id: `${id}/${bundle.id}`, name: bundle.id })),
})

function usageBody(record: KeptRecord) {
  const sum = (of: (service: KeptRecord['services'][number]) => bigint): number =>
    Number(record.services.reduce((total, service) => total + of(service), 0n))
  const characteristic = (name: string, value: string | number) => ({ name, valueType: typeof value, value })
  return {
    id: record.number.toString(),
    href: `${BASE}${USAGE}/${record.number}`,
    '@type': 'Usage',
    usageDate: timeOf(record.closed),
    usageType: 'data',
    status: 'rated',
    usageCharacteristic: [
      characteristic('access', record.access),
      characteristic(
        'uplinkOctets',
        sum(({ uplink }) => uplink),
      ),
      characteristic(
        'downlinkOctets',
        sum(({ downlink }) => downlink),
      ),
      characteristic('duration', Number(record.seconds)),
      characteristic('startDate', timeOf(record.opened)),
    ],
    ratedProductUsage: [
      { ratingDate: timeOf(record.closed), taxExcludedRatingAmount: money(record.charge, record.currency) },
    ],
    relatedParty: [{ id: record.subscriber, role: 'subscriber', '@referredType': 'Individual' }],
  }
}

function bucketBodies({ profile, balances }: Wealth) {
  return balances.map((pot) => ({
    id: pot.account,
    href: `${BASE}/balances/${profile.subscriber}`,
    '@type': 'Bucket',
    name: pot.offer ?? pot.kind,
    isShared: pot.owner.startsWith('pool:'),
    status: 'active',
    usageType: pot.kind === 'money' ? 'monetary' : pot.unit,
    remainingValue: quantity(pot.posted, pot.unit),
    reservedValue: quantity(pot.posted - pot.free, pot.unit),
    validFor: {
      startDateTime: timeOf(pot.created_at),
      ...(pot.expires_at === null ? {} : { endDateTime: timeOf(pot.expires_at) }),
    },
    relatedParty: [{ id: profile.subscriber, role: 'subscriber', '@referredType': 'Individual' }],
  }))
}

export const tmfRoutes: PartnerRoutes = (api) => {
  api.route({
    method: 'GET',
    url: OFFERINGS,
    tag: 'plans',
    scope: 'plans:read',
    summary: 'Product offerings (TMF620): the plans that new sessions use, by id',
    query: Type.Object({ ...TMF_PAGE, ...TMF_FIELDS }),
    answers: LIST,
    async handler({ sql, tenant, query: { fields, ...page } }) {
      const { offset, limit } = tmfPage(page)
      const plans = await listPlans(sql, tenant)
      return tmfList(plans.slice(offset, offset + limit).map(offeringBody), plans.length, fields)
    },
  })
  api.route({
    method: 'GET',
    url: `${OFFERINGS}/{offering}`,
    tag: 'plans',
    scope: 'plans:read',
    summary: 'A product offering (TMF620)',
    params: Type.Object({ offering: ID }),
    query: Type.Object(TMF_FIELDS),
    answers: { 200: ITEM },
    async handler({ sql, tenant, params: { offering }, query }) {
      const plan = (await listPlans(sql, tenant)).find(({ id }) => id === offering)
      return { body: tmfFields(offeringBody(plan ?? unknown('plan', offering)), query.fields) }
    },
  })
  api.route({
    method: 'GET',
    url: USAGE,
    tag: 'usage',
    scope: 'usage:read',
    summary: 'Usage (TMF635): charging data records, the newest first',
    query: Type.Object({ ...TMF_PAGE, ...TMF_FIELDS, ...PARTY }),
    answers: LIST,
    errors: ['SUBSCRIBER_UNKNOWN'],
    async handler({ sql, tenant, query }) {
      const { fields, 'relatedParty.id': party, ...page } = query
      const subscriber = party === undefined ? undefined : (await ownProfile(sql, tenant, party)).subscriber
      const filter = { tenant, subscriber, before: undefined }
      const records = await listRecords(sql, { ...filter, ...tmfPage(page) })
      return tmfList(records.map(usageBody), Number(await countRecords(sql, filter)), fields)
    },
  })
  api.route({
    method: 'GET',
    url: `${USAGE}/{usage}`,
    tag: 'usage',
    scope: 'usage:read',
    summary: 'A usage (TMF635)',
    params: Type.Object({ usage: U64 }),
    query: Type.Object(TMF_FIELDS),
    answers: { 200: ITEM },
    async handler({ sql, tenant, params: { usage }, query }) {
      const record = await findRecord(sql, BigInt(usage))
      if (record?.tenant !== tenant) return unknown('usage', usage)
      return { body: tmfFields(usageBody(record), query.fields) }
    },
  })
  api.route({
    method: 'GET',
    url: BUCKETS,
    tag: 'balances',
    scope: 'balances:read',
    summary: 'Buckets (TMF654): what a subscriber can pay with',
    query: Type.Object({ ...TMF_PAGE, ...TMF_FIELDS, 'relatedParty.id': { ...ID, description: 'the subscriber' } }),
    answers: LIST,
    errors: ['SUBSCRIBER_UNKNOWN'],
    async handler({ sql, tenant, query: { fields, 'relatedParty.id': party, ...page } }) {
      const { offset, limit } = tmfPage(page)
      const buckets = bucketBodies(await readWealth(sql, await ownProfile(sql, tenant, party)))
      return tmfList(buckets.slice(offset, offset + limit), buckets.length, fields)
    },
  })
}
