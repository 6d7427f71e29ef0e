// TMF637 product inventory and TMF638 service inventory, version 4: subscriptions as partners' other systems know them.
import { Type } from 'typebox'
import type { Call, PartnerApi } from '../../../core/http/partner/contract.ts'
import { TMF_FIELDS, TMF_PAGE, tmfFields, tmfList, tmfPage } from '../../../core/http/partner/tmf630.ts'
import { instant } from '../../command-deps.ts'
import type { SubscriptionState } from '../../profiles/subscription-machine.ts'
import { type ListedSubscription, needSubscription } from '../../profiles/subscriptions/store.ts'
import { findSubscribers } from './store.ts'

const PRODUCTS = '/tmf-api/productInventory/v4/product'
const SERVICES = '/tmf-api/serviceInventory/v4/service'
const BASE = '/partner/v1'

/** TMF637 ProductStatusType, and TMF638 ServiceStateType, of which version 4 has no word for suspended. */
const STATES = {
  active: { product: 'active', service: 'active' },
  suspended: { product: 'suspended', service: 'inactive' },
  ceased: { product: 'pendingTerminate', service: 'terminated' },
  terminated: { product: 'terminated', service: 'terminated' },
} as const satisfies Record<SubscriptionState, { readonly product: string; readonly service: string }>

const statesOf = (kind: 'product' | 'service', wanted: string | undefined): string[] =>
  Object.entries(STATES).flatMap(([state, words]) => (wanted === undefined || words[kind] === wanted ? [state] : []))

const characteristics = (entries: Readonly<Record<string, string | null>>) =>
  Object.entries(entries).flatMap(([name, value]) => (value === null ? [] : [{ name, valueType: 'string', value }]))

export function productBody(one: ListedSubscription) {
  const href = `${BASE}${PRODUCTS}/${one.subscriber}`
  return {
    id: one.subscriber,
    href,
    '@type': 'Product',
    name: one.subscriber,
    status: STATES[one.state].product,
    startDate: instant(one.created),
    ...(one.state === 'terminated' ? { terminationDate: instant(one.changed) } : {}),
    ...(one.iccid === null ? {} : { productSerialNumber: one.iccid }),
    productOffering: { id: one.plan, '@referredType': 'ProductOffering' },
    productCharacteristic: characteristics({ iccid: one.iccid, msisdn: one.msisdn }),
    realizingService: [
      { id: one.subscriber, href: `${BASE}${SERVICES}/${one.subscriber}`, '@referredType': 'Service' },
    ],
  }
}

const serviceBody = (one: ListedSubscription) => ({
  id: one.subscriber,
  href: `${BASE}${SERVICES}/${one.subscriber}`,
  '@type': 'Service',
  category: 'CustomerFacingService',
  name: one.subscriber,
  state: STATES[one.state].service,
  isServiceEnabled: one.state === 'active',
  startDate: instant(one.created),
  serviceCharacteristic: characteristics({ msisdn: one.msisdn }),
  supportingResource:
    one.iccid === null ? [] : [{ id: one.iccid, href: `${BASE}/sims/${one.iccid}`, '@referredType': 'Resource' }],
})

const ITEM = Type.Object({ id: Type.String(), href: Type.String(), '@type': Type.String() })
const OF_ONE = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) })

export function inventoryRoutes(api: PartnerApi): void {
  const kinds = [
    { kind: 'product', url: PRODUCTS, filter: 'status', words: 'Products (TMF637)', body: productBody },
    { kind: 'service', url: SERVICES, filter: 'state', words: 'Services (TMF638)', body: serviceBody },
  ] as const
  for (const { kind, url, filter, words, body } of kinds) {
    api.route({
      method: 'GET',
      url,
      tag: 'subscriptions',
      scope: 'subscriptions:read',
      summary: `${words}: the subscriptions, by id`,
      query: Type.Object({ ...TMF_PAGE, ...TMF_FIELDS, [filter]: Type.Optional(Type.String({ maxLength: 32 })) }),
      answers: { 200: Type.Array(ITEM), 206: Type.Array(ITEM) },
      async handler({ sql, tenant, query }: Pick<Call<unknown, TmfQuery, unknown>, 'sql' | 'tenant' | 'query'>) {
        const { fields, ...rest } = query
        const states = statesOf(kind, rest[filter])
        const { subscribers, total } = await findSubscribers(sql, tenant, states, tmfPage(rest))
        const items: ReturnType<typeof body>[] = []
        for (const subscriber of subscribers) items.push(body(await needSubscription(sql, subscriber, tenant)))
        return tmfList(items, total, fields)
      },
    })
    api.route({
      method: 'GET',
      url: `${url}/{id}`,
      tag: 'subscriptions',
      scope: 'subscriptions:read',
      summary: `${words}: one`,
      params: OF_ONE,
      query: Type.Object(TMF_FIELDS),
      answers: { 200: ITEM },
      errors: ['SUBSCRIPTION_UNKNOWN'],
      handler: async ({ sql, tenant, params, query }) => ({
        body: tmfFields(body(await needSubscription(sql, params.id, tenant)), query.fields),
      }),
    })
  }
}

interface TmfQuery {
  readonly offset?: number
  readonly limit?: number
  readonly fields?: string
  readonly status?: string
  readonly state?: string
}
