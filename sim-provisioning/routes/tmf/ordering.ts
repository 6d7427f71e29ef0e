// TMF622 product ordering, version 4: the same changes of subscriptions in the TM Forum's words. An order is carried out whole, in one transaction, or
// refused whole.
import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { type Answer, type Call, type PartnerApi, unknown } from '../../../core/http/partner/contract.ts'
import { TMF_FIELDS, TMF_PAGE, tmfFields, tmfList, tmfPage } from '../../../core/http/partner/tmf630.ts'
import { fail } from '../../../core/kernel/errors.ts'
import { iccid as parseIccid } from '../../../core/kernel/iccid.ts'
import { type PlanId, planId, type SubscriberId, subscriberId } from '../../../core/kernel/ids.ts'
import { instant } from '../../command-deps.ts'
import { msisdn as parseMsisdn } from '../../profiles/msisdn.ts'
import { activateIn, changeMsisdn, moveSubscription, swapSim } from '../../profiles/subscriptions/life.ts'
import { enrolAgain, lockSubscription, needSubscription } from '../../profiles/subscriptions/store.ts'
import { actOf, type RouteDeps } from '../deps.ts'
import { unlessLocked } from '../subscriptions.ts'
import { productBody } from './inventory.ts'
import { insertProductOrder, listProductOrders, readProductOrder } from './store.ts'

const ORDERS = '/tmf-api/productOrderingManagement/v4/productOrder'
const MOST_ITEMS = 100

const CHARACTERISTIC = Type.Object({ name: Type.String({ maxLength: 64 }), value: Type.Unknown() })
const ITEM = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 64 }),
  action: Type.Enum(['add', 'modify', 'delete', 'noChange']),
  productOffering: Type.Optional(Type.Object({ id: Type.String({ maxLength: 64 }) })),
  product: Type.Optional(
    Type.Object({
      id: Type.Optional(
        Type.String({ maxLength: 64, description: 'the subscription; of add: a new one is named unless given' }),
      ),
      status: Type.Optional(Type.Enum(['active', 'suspended'], { description: 'of modify: resume or suspend' })),
      productSerialNumber: Type.Optional(Type.String({ maxLength: 20, description: 'ICCID; also as characteristic' })),
      productCharacteristic: Type.Optional(
        Type.Array(CHARACTERISTIC, { maxItems: 20, description: 'iccid, msisdn; of modify: the new ones' }),
      ),
    }),
  ),
})
type OrderItem = Static<typeof ITEM>

/** What the standard knows besides is kept with the order and does nothing. */
const KEPT = Object.fromEntries(
  [
    ...[
      'externalId',
      'description',
      'category',
      'priority',
      'note',
      'relatedParty',
      'channel',
      'billingAccount',
      'payment',
    ],
    ...[
      'requestedStartDate',
      'requestedCompletionDate',
      'notificationContact',
      'agreement',
      'quote',
      'orderTotalPrice',
    ],
    ...['productOfferingQualification', '@type', '@baseType', '@schemaLocation'],
  ].map((name) => [name, Type.Optional(Type.Unknown())]),
)
const NEW_ORDER = Type.Object({
  ...KEPT,
  productOrderItem: Type.Array(ITEM, { minItems: 1, maxItems: MOST_ITEMS }),
})
const ORDER = Type.Object({ id: Type.String(), href: Type.String(), state: Type.String() })
/** Where `fields` may leave members out. */
const SHOWN = Type.Object({ id: Type.String(), href: Type.String(), state: Type.Optional(Type.String()) })

type Writing = Call<unknown, unknown, { readonly productOrderItem: readonly OrderItem[] }>

export function orderingRoutes(api: PartnerApi, deps: RouteDeps): void {
  const about = { tag: 'subscriptions', scope: 'subscriptions:read' } as const
  api.route({
    ...about,
    method: 'POST',
    url: ORDERS,
    scope: 'subscriptions:write',
    summary: 'Product order (TMF622): open, change and end subscriptions',
    description: 'Carried out whole before it is answered, or refused whole: its state is completed.',
    body: NEW_ORDER,
    answers: { 201: ORDER, 409: Type.Object({ code: Type.String() }) },
    errors: [
      'SIM_UNKNOWN',
      'SIM_STEP',
      'SUBSCRIBER_EXISTS',
      'SUBSCRIPTION_UNKNOWN',
      'SUBSCRIPTION_LOCKED',
      'PLAN_UNKNOWN',
    ],
    handler: (call) => take(call as unknown as Writing, deps),
  })
  api.route({
    ...about,
    method: 'GET',
    url: ORDERS,
    summary: 'Product orders (TMF622), in the order of their making',
    query: Type.Object({ ...TMF_PAGE, ...TMF_FIELDS }),
    answers: { 200: Type.Array(SHOWN), 206: Type.Array(SHOWN) },
    async handler({ sql, tenant, query: { fields, ...page } }) {
      const { orders, total } = await listProductOrders(sql, tenant, tmfPage(page))
      return tmfList(orders, total, fields)
    },
  })
  api.route({
    ...about,
    method: 'GET',
    url: `${ORDERS}/{id}`,
    summary: 'A product order (TMF622)',
    params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) }),
    query: Type.Object(TMF_FIELDS),
    answers: { 200: SHOWN },
    async handler({ sql, tenant, params, query }) {
      const order = (await readProductOrder(sql, tenant, params.id)) ?? unknown('product order', params.id)
      return { body: tmfFields(order, query.fields) }
    },
  })
}

async function take(call: Writing, deps: RouteDeps): Promise<Answer> {
  const { sql, tenant, at, body } = call
  const wishes = body.productOrderItem.map(readItem)
  // What a lock stands against is refused before anything is done, so that the subscriber's notice is all that stays.
  for (const wish of wishes) {
    const refused = await refusedByLock(call, wish)
    if (refused) return refused
  }
  const done: object[] = []
  for (const wish of wishes) {
    await carryOut(call, deps, wish)
    const product = productBody(await needSubscription(sql, wish.subscriber, tenant))
    done.push({
      id: wish.id,
      action: wish.action,
      state: 'completed',
      productOffering: product.productOffering,
      product,
    })
  }
  const id = randomUUID()
  const order = {
    ...body,
    id,
    href: `/partner/v1${ORDERS}/${id}`,
    '@type': 'ProductOrder',
    state: 'completed',
    orderDate: instant(at),
    completionDate: instant(at),
    productOrderItem: done,
  }
  await insertProductOrder(sql, { id, tenant, document: order, at })
  return { body: order, location: `${ORDERS}/${id}` }
}

interface Wish {
  readonly id: string
  readonly action: OrderItem['action']
  readonly subscriber: SubscriberId
  readonly plan: PlanId | undefined
  readonly iccid: string | undefined
  readonly msisdn: string | undefined
  readonly status: 'active' | 'suspended' | undefined
}

/** Throws ID_INVALID. */
function readItem({ id, action, product = {}, productOffering }: OrderItem): Wish {
  const named = (name: string): string | undefined => {
    const value = product.productCharacteristic?.find((one) => one.name === name)?.value
    return value === undefined || typeof value === 'string' ? value : wrong(id, `${name} as text`)
  }
  const subscriber = product.id ?? (action === 'add' ? randomUUID() : wrong(id, 'product.id'))
  const plan = productOffering && planId(productOffering.id)
  const iccid = named('iccid') ?? product.productSerialNumber
  if (action === 'add' && plan === undefined) wrong(id, 'productOffering.id')
  if (action === 'add' && iccid === undefined) wrong(id, 'the characteristic iccid')
  return {
    id,
    action,
    subscriber: subscriberId(subscriber),
    plan,
    iccid,
    msisdn: named('msisdn'),
    status: product.status,
  }
}

const wrong = (item: string, expected: string): never =>
  fail('ID_INVALID', { what: 'product order item', came: item, expected })

async function refusedByLock(call: Writing, wish: Wish): Promise<Answer | undefined> {
  const { sql, joined, tenant } = call
  const { action, subscriber, iccid, msisdn } = wish
  if (action !== 'modify') return undefined
  const held = await lockSubscription(sql, subscriber, tenant)
  const act = actOf(call)
  const ask = async (): Promise<Answer | undefined> => {
    if (iccid !== undefined && iccid !== held.iccid && held.simSwapLock)
      await swapSim(joined, subscriber, parseIccid(iccid), act)
    if (msisdn !== undefined && parseMsisdn(msisdn) !== held.msisdn && held.portLock)
      await changeMsisdn(joined, subscriber, parseMsisdn(msisdn), act)
    return undefined
  }
  return unlessLocked(ask)
}

async function carryOut(call: Writing, { suspendCharging, checkPlan }: RouteDeps, wish: Wish): Promise<void> {
  const { sql, joined, tenant } = call
  const { action, subscriber, plan } = wish
  const act = actOf(call)
  const life = { store: joined, suspendCharging }
  if (plan !== undefined && action !== 'delete') await checkPlan(sql, tenant, plan)
  if (action === 'delete') await moveSubscription(life, subscriber, 'terminate', act)
  if (action === 'modify') await modify(call, life, wish)
  if (action !== 'add' || plan === undefined) return
  const number = wish.msisdn === undefined ? undefined : parseMsisdn(wish.msisdn)
  const opened = { subscriber, tenant, plan, iccid: parseIccid(wish.iccid ?? ''), msisdn: number }
  await activateIn(sql, opened, act)
}

async function modify(
  call: Writing,
  life: Parameters<typeof moveSubscription>[0],
  { subscriber, plan, iccid, msisdn, status }: Wish,
): Promise<void> {
  const { sql, joined, tenant } = call
  const act = actOf(call)
  const held = await needSubscription(sql, subscriber, tenant)
  if (iccid !== undefined && iccid !== held.iccid) await swapSim(joined, subscriber, parseIccid(iccid), act)
  if (msisdn !== undefined && parseMsisdn(msisdn) !== held.msisdn)
    await changeMsisdn(joined, subscriber, parseMsisdn(msisdn), act)
  if (plan !== undefined && plan !== held.plan) await enrolAgain(sql, subscriber, { plan })
  if (status !== undefined && status !== held.state)
    await moveSubscription(life, subscriber, status === 'active' ? 'resume' : 'suspend', act)
}
