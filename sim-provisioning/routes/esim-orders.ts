// eSIM orders in the partner API. The SM-DP+ is talked to by jobs; what it reports arrives by itself, and goes to webhooks.
import { type Static, Type } from 'typebox'
import {
  ACCEPTED,
  type Answer,
  accepted,
  type Call,
  nullable,
  type PartnerApi,
  type PartnerRoutes,
  TIME,
} from '../../core/http/partner/contract.ts'
import { fail, isTallycellError } from '../../core/kernel/errors.ts'
import type { Sql } from '../../core/store/sql.ts'
import { instant } from '../command-deps.ts'
import { FINAL_STATES, type FinalState } from '../esim/es2plus/messages.ts'
import { ORDER_STATES, type OrderStep, possibleOrderSteps, stepOrder } from '../esim/order-machine.ts'
import {
  activationCode,
  allocateProfile,
  cancelOrder,
  confirmOrder,
  findOrder,
  type OrderDeps,
  placeOrder,
  releaseOrder,
} from '../esim/orders.ts'
import { qrPng, qrSvg } from '../esim/qr.ts'
import { listOrders, needOrder, type Order } from '../esim/store.ts'
import type { Act } from '../profiles/act.ts'
import { actOf, CALLBACK, decodeInput, encodeInput, jobAct, type RouteDeps } from './deps.ts'

const OF_ONE = Type.Object({ order: Type.String({ pattern: '^[0-9a-f]{16}$' }) })
const ORDER = Type.Object({
  order: Type.String(),
  state: Type.Enum([...ORDER_STATES]),
  iccid: nullable(Type.String()),
  profileType: nullable(Type.String()),
  eid: nullable(Type.String()),
  confirmationCodeRequired: Type.Boolean({ description: 'the phone’s user types a code' }),
  waitingFor: nullable(Type.String({ description: 'what the SM-DP+ was asked without an answer: ask for it again' })),
  created: TIME,
  changed: TIME,
})
const QUEUED = Type.Object({ ...ACCEPTED.properties, order: Type.String() })
const CODE = Type.Optional(
  Type.String({
    pattern: '^[\\x21-\\x7e]{1,64}$',
    writeOnly: true,
    description: 'that the phone’s user has to type in; never given back',
  }),
)

/** An order as its tenant sees it. */
export const orderBody = (one: Order) => ({
  order: one.orderId,
  state: one.state,
  iccid: one.iccid ?? null,
  profileType: one.profileType ?? null,
  eid: one.eid ?? null,
  confirmationCodeRequired: one.ccRequired,
  waitingFor: one.pending ?? null,
  created: instant(one.created),
  changed: instant(one.changed),
})

export const esimRoutes =
  (deps: RouteDeps): PartnerRoutes =>
  (api) => {
    workRoutes(api, deps)
    readRoutes(api)
    orderRoute(api, deps)
    stepRoutes(api, deps)
  }

const KIND = 'esim-order'

/** What is asked of the SM-DP+, in this order, as far as it has not been done. */
interface Work {
  readonly order: string
  readonly allocate?: boolean
  readonly confirm?: { readonly confirmationCode?: string | undefined; readonly release: boolean }
  readonly release?: boolean
  readonly cancel?: FinalState
}

function workRoutes(api: PartnerApi, { store, clock, orders }: RouteDeps): void {
  api.job(KIND, async ({ tenant, client, input, signal }) => {
    const work = decodeInput(input) as Work
    const order = await findOrder(store, work.order, tenant)
    try {
      return orderBody(await carryOut({ ...orders(), signal }, order, work, jobAct({ client, tenant }, clock())))
    } catch (error) {
      if (!isTallycellError(error) || error.code !== 'ESIM_ORDER_BUSY') throw error
      // Asked by a node that died, as a rule: tried again when its time is over.
      throw new Error(error.message, { cause: error })
    }
  })
}

/** Run again after a crash, it finds what has been done. */
async function carryOut(deps: OrderDeps, found: Order, work: Work, act: Act): Promise<Order> {
  let order = found
  const may = (step: OrderStep): boolean => stepOrder(order.state, step).legal
  if (work.allocate && order.state === 'available') order = await allocateProfile(deps, order, act)
  if (work.confirm && may('confirm')) order = await confirmOrder(deps, order.orderId, work.confirm, act)
  if (work.release && may('release')) order = await releaseOrder(deps, order.orderId, act)
  if (work.cancel && may('cancel')) order = await cancelOrder(deps, order.orderId, work.cancel, act)
  return order
}

function readRoutes(api: PartnerApi): void {
  api.list({
    url: '/esim-orders',
    tag: 'esim-orders',
    scope: 'esim-orders:read',
    summary: 'The eSIM orders',
    query: Type.Object({ state: Type.Optional(Type.Enum([...ORDER_STATES])) }),
    item: ORDER,
    async handler({ sql, tenant, query, page }) {
      const { orders, more } = await listOrders(sql, { ...page, ...query, tenant })
      return { items: orders.map(orderBody), next: more ? orders.at(-1)?.orderId : undefined }
    },
  })
  api.route({
    method: 'GET',
    url: '/esim-orders/{order}',
    tag: 'esim-orders',
    scope: 'esim-orders:read',
    summary: 'An eSIM order',
    params: OF_ONE,
    answers: { 200: ORDER },
    errors: ['ESIM_ORDER_UNKNOWN'],
    handler: async ({ sql, tenant, params }) => ({ body: orderBody(await needOrder(sql, params.order, tenant)) }),
  })
  api.route({
    method: 'GET',
    url: '/esim-orders/{order}/activation-code',
    tag: 'esim-orders',
    scope: 'esim-orders:read',
    summary: 'The activation code of an order, and its QR code as SVG and as PNG',
    description: 'Whoever has it may be first to use it: show it to the phone’s user alone.',
    params: OF_ONE,
    answers: {
      200: Type.Object({
        activationCode: Type.String({ description: 'LPA:1$… (SGP.22 §4.1)' }),
        svg: Type.String(),
        png: Type.String({ contentEncoding: 'base64', contentMediaType: 'image/png' }),
      }),
    },
    errors: ['ESIM_ORDER_UNKNOWN', 'ESIM_NO_CODE'],
    async handler({ sql, tenant, params }) {
      const code = activationCode(await needOrder(sql, params.order, tenant))
      return { body: { activationCode: code, svg: qrSvg(code), png: qrPng(code).toString('base64') } }
    },
  })
}

function orderRoute(api: PartnerApi, { orders }: RouteDeps): void {
  api.route({
    method: 'POST',
    url: '/esim-orders',
    tag: 'esim-orders',
    scope: 'esim-orders:write',
    summary: 'Order an eSIM profile for a SIM, and have its activation code made',
    description:
      'With confirm false the profile is only set aside. The same again goes on with an order whose outcome nobody knows.',
    body: Type.Object({
      iccid: Type.Optional(Type.String({ pattern: '^89[0-9]{16,18}[Ff]?$' })),
      profileType: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'as the SM-DP+ calls it' })),
      eid: Type.Optional(Type.String({ pattern: '^[0-9]{32}$', description: 'of the phone, if it is known' })),
      confirm: Type.Optional(Type.Boolean({ description: 'true unless given' })),
      confirmationCode: CODE,
      callback: CALLBACK,
    }),
    answers: { 202: QUEUED },
    errors: ['SIM_UNKNOWN', 'ESIM_ORDER_OPEN', 'ESIM_NOT_CONFIGURED'],
    async handler(call) {
      const { confirm = true, confirmationCode, callback, ...wanted } = call.body
      orders()
      const { orderId } = await placeOrder(call.sql, { ...wanted, tenant: call.tenant }, actOf(call))
      const then = confirm ? { confirm: { confirmationCode, release: true } } : {}
      return queue(call, { order: orderId, allocate: true, ...then }, callback)
    },
  })
}

type Writing<Body> = Call<Static<typeof OF_ONE>, unknown, Body>

async function queue(call: Pick<Writing<unknown>, 'later'>, work: Work, callback: string | undefined): Promise<Answer> {
  const job = await call.later({ kind: KIND, input: encodeInput(work), callback })
  return { ...accepted(job), body: { job, order: work.order } }
}

function stepRoutes(api: PartnerApi, { orders }: RouteDeps): void {
  const described = {
    method: 'POST',
    tag: 'esim-orders',
    scope: 'esim-orders:write',
    params: OF_ONE,
    answers: { 202: QUEUED },
    errors: ['ESIM_ORDER_UNKNOWN', 'SIM_STEP', 'ESIM_NOT_CONFIGURED'],
  } as const
  api.route({
    ...described,
    url: '/esim-orders/{order}/confirm',
    summary: 'Have the activation code of an order made',
    body: Type.Object({ confirmationCode: CODE, release: Type.Optional(Type.Boolean()), callback: CALLBACK }),
    async handler(call) {
      const { confirmationCode, release = true, callback } = call.body
      const order = await ready(call.sql, call, orders, 'confirm')
      return queue(call, { order, confirm: { confirmationCode, release } }, callback)
    },
  })
  api.route({
    ...described,
    url: '/esim-orders/{order}/release',
    summary: 'Let phones fetch the profile of a confirmed order',
    body: Type.Object({ callback: CALLBACK }),
    handler: async (call) =>
      queue(call, { order: await ready(call.sql, call, orders, 'release'), release: true }, call.body.callback),
  })
  api.route({
    ...described,
    url: '/esim-orders/{order}/cancel',
    summary: 'Call an order off whose profile is on no phone',
    body: Type.Object({
      final: Type.Optional(Type.Enum([...FINAL_STATES], { description: 'of the profile: Available unless given' })),
      callback: CALLBACK,
    }),
    async handler(call) {
      const { final = 'Available', callback } = call.body
      return queue(call, { order: await ready(call.sql, call, orders, 'cancel'), cancel: final }, callback)
    },
  })
}

/** The order's number, where the step can be asked for. */
async function ready(
  sql: Sql,
  { tenant, params }: Pick<Writing<unknown>, 'tenant' | 'params'>,
  orders: RouteDeps['orders'],
  step: 'confirm' | 'release' | 'cancel',
): Promise<string> {
  const { orderId, state } = await needOrder(sql, params.order, tenant)
  orders()
  if (!stepOrder(state, step).legal)
    fail('SIM_STEP', { what: `the eSIM order ${orderId}`, state, event: step, possible: possibleOrderSteps(state) })
  return orderId
}
