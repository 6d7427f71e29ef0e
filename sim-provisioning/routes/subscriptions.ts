// Subscriptions in the partner API: opened on a SIM, changed, suspended, ended.
import { Type } from 'typebox'
import {
  type Answer,
  ID,
  nullable,
  type PartnerApi,
  type PartnerRoutes,
  TIME,
} from '../../core/http/partner/contract.ts'
import { toProblem } from '../../core/http/problem.ts'
import { isTallycellError } from '../../core/kernel/errors.ts'
import { iccid } from '../../core/kernel/iccid.ts'
import { planId, subscriberId } from '../../core/kernel/ids.ts'
import type { Sql } from '../../core/store/sql.ts'
import { instant } from '../command-deps.ts'
import { type Act, CAUSES } from '../profiles/act.ts'
import { msisdn } from '../profiles/msisdn.ts'
import { SUBSCRIPTION_STATES } from '../profiles/subscription-machine.ts'
import { activateIn, changeMsisdn, moveSubscription, setLock, swapSim } from '../profiles/subscriptions/life.ts'
import {
  enrolAgain,
  type ListedSubscription,
  listSubscriptions,
  lockSubscription,
  needSubscription,
} from '../profiles/subscriptions/store.ts'
import { actOf, type RouteDeps, WHY, Why } from './deps.ts'

const ICCID = Type.String({ pattern: '^89[0-9]{16,18}[Ff]?$', description: 'number of the SIM' })
const MSISDN = Type.String({ pattern: '^\\+?[0-9]{5,15}$', description: 'number with its country code' })
const OF_ONE = Type.Object({ subscription: ID })

const SUBSCRIPTION = Type.Object({
  subscription: ID,
  state: Type.Enum([...SUBSCRIPTION_STATES]),
  reason: nullable(Type.String()),
  plan: ID,
  iccid: nullable(Type.String()),
  msisdn: nullable(Type.String()),
  simSwapLock: Type.Boolean({ description: 'true: its SIM is not changed' }),
  portLock: Type.Boolean({ description: 'true: its number is not changed, nor given to another operator' }),
  created: TIME,
  changed: TIME,
})

const subscriptionBody = (one: ListedSubscription) => ({
  subscription: one.subscriber,
  state: one.state,
  reason: one.reason,
  plan: one.plan,
  iccid: one.iccid,
  msisdn: one.msisdn,
  simSwapLock: one.simSwapLock,
  portLock: one.portLock,
  created: instant(one.created),
  changed: instant(one.changed),
})

/** What a lock stands against: the subscriber is told that somebody asked. */
const REFUSED = Type.Object({ code: Type.String(), detail: Type.String() }, { description: 'RFC 9457' })

export const subscriptionRoutes =
  (deps: RouteDeps): PartnerRoutes =>
  (api) => {
    readRoutes(api)
    openRoute(api, deps)
    changeRoutes(api, deps)
    lifeRoutes(api, deps)
  }

const read = async (sql: Sql, id: string, act: Act): Promise<Answer> => ({
  body: subscriptionBody(await needSubscription(sql, id, act.tenant)),
})

function readRoutes(api: PartnerApi): void {
  api.list({
    url: '/subscriptions',
    tag: 'subscriptions',
    scope: 'subscriptions:read',
    summary: 'The subscriptions, by id',
    query: Type.Object({
      state: Type.Optional(Type.Enum([...SUBSCRIPTION_STATES])),
      msisdn: Type.Optional(MSISDN),
      iccid: Type.Optional(ICCID),
    }),
    item: SUBSCRIPTION,
    async handler({ sql, tenant, query, page }) {
      const number = query.msisdn?.replace(/^\+/, '')
      const { subscriptions, more } = await listSubscriptions(sql, { ...query, msisdn: number, ...page, tenant })
      return {
        items: subscriptions.map(subscriptionBody),
        next: more ? subscriptions.at(-1)?.subscriber : undefined,
      }
    },
  })
  api.route({
    method: 'GET',
    url: '/subscriptions/{subscription}',
    tag: 'subscriptions',
    scope: 'subscriptions:read',
    summary: 'A subscription',
    params: OF_ONE,
    answers: { 200: SUBSCRIPTION },
    errors: ['SUBSCRIPTION_UNKNOWN'],
    handler: (call) => read(call.sql, call.params.subscription, actOf(call)),
  })
}

function openRoute(api: PartnerApi, { checkPlan }: RouteDeps): void {
  api.route({
    method: 'POST',
    url: '/subscriptions',
    tag: 'subscriptions',
    scope: 'subscriptions:write',
    summary: 'Open a subscription on a SIM in stock, which is active from then on',
    body: Type.Object({
      subscription: ID,
      iccid: ICCID,
      plan: ID,
      msisdn: Type.Optional(MSISDN),
    }),
    answers: { 201: SUBSCRIPTION },
    errors: ['SIM_UNKNOWN', 'SIM_STEP', 'SUBSCRIBER_EXISTS', 'IMSI_TAKEN', 'MSISDN_TAKEN', 'RANGE_FOREIGN'],
    async handler(call) {
      const { sql, tenant, body } = call
      const [subscriber, plan] = [subscriberId(body.subscription), planId(body.plan)]
      await checkPlan(sql, tenant, plan)
      const number = body.msisdn === undefined ? undefined : msisdn(body.msisdn)
      await activateIn(sql, { subscriber, tenant, plan, iccid: iccid(body.iccid), msisdn: number }, actOf(call))
      return { ...(await read(sql, subscriber, actOf(call))), location: `/subscriptions/${subscriber}` }
    },
  })
}

function changeRoutes(api: PartnerApi, { checkPlan }: RouteDeps): void {
  api.route({
    method: 'PATCH',
    url: '/subscriptions/{subscription}',
    tag: 'subscriptions',
    scope: 'subscriptions:write',
    summary: 'Change the plan or the locks of a subscription',
    description:
      'A plan is charged by from the next session on. The subscriber is told of locks that are set or taken away.',
    params: OF_ONE,
    body: Type.Object({
      plan: Type.Optional(ID),
      simSwapLock: Type.Optional(Type.Boolean()),
      portLock: Type.Optional(Type.Boolean()),
    }),
    answers: { 200: SUBSCRIPTION },
    errors: ['SUBSCRIPTION_UNKNOWN'],
    current: (call) => read(call.sql, call.params.subscription, actOf(call)).then(({ body }) => body),
    async handler(call) {
      const { sql, joined, tenant, params, body } = call
      const act = actOf(call)
      const subscriber = subscriberId(params.subscription)
      await lockSubscription(sql, subscriber, tenant)
      if (body.simSwapLock !== undefined) await setLock(joined, subscriber, 'sim-swap', body.simSwapLock, act)
      if (body.portLock !== undefined) await setLock(joined, subscriber, 'port', body.portLock, act)
      if (body.plan !== undefined) {
        const plan = planId(body.plan)
        await checkPlan(sql, tenant, plan)
        if ((await needSubscription(sql, subscriber, tenant)).plan !== plan) await enrolAgain(sql, subscriber, { plan })
      }
      return read(sql, subscriber, act)
    },
  })
  api.route({
    method: 'PUT',
    url: '/subscriptions/{subscription}/sim',
    tag: 'subscriptions',
    scope: 'subscriptions:write',
    summary: 'Give a subscription another SIM; the old one is retired and its sessions end',
    params: OF_ONE,
    body: Type.Object({ iccid: ICCID, ...WHY }),
    answers: { 200: SUBSCRIPTION, 409: REFUSED },
    errors: ['SUBSCRIPTION_UNKNOWN', 'SIM_UNKNOWN', 'SIM_STEP', 'SUBSCRIPTION_LOCKED'],
    handler(call) {
      const { joined, sql, params, body } = call
      const act = actOf(call, body)
      const subscriber = subscriberId(params.subscription)
      return unlessLocked(async () => {
        // Before the body is looked at more closely: another tenant's is not there, whatever is asked of it.
        await lockSubscription(sql, subscriber, act.tenant)
        await swapSim(joined, subscriber, iccid(body.iccid), act)
        return read(sql, subscriber, act)
      })
    },
  })
  api.route({
    method: 'PUT',
    url: '/subscriptions/{subscription}/msisdn',
    tag: 'subscriptions',
    scope: 'subscriptions:write',
    summary: 'Give a subscription another number',
    params: OF_ONE,
    body: Type.Object({ msisdn: MSISDN, ...WHY }),
    answers: { 200: SUBSCRIPTION, 409: REFUSED },
    errors: ['SUBSCRIPTION_UNKNOWN', 'MSISDN_TAKEN', 'RANGE_FOREIGN', 'SUBSCRIPTION_LOCKED', 'PORT_OPEN'],
    handler(call) {
      const { joined, sql, params, body } = call
      const act = actOf(call, body)
      const subscriber = subscriberId(params.subscription)
      return unlessLocked(async () => {
        // Before the body is looked at more closely: another tenant's is not there, whatever is asked of it.
        await lockSubscription(sql, subscriber, act.tenant)
        await changeMsisdn(joined, subscriber, msisdn(body.msisdn), act)
        return read(sql, subscriber, act)
      })
    },
  })
}

/** A refusal because of a lock is an answer, not an error: what the subscriber is told of it has to be kept. */
export async function unlessLocked<Result>(work: () => Promise<Result>): Promise<Result | Answer> {
  try {
    return await work()
  } catch (error) {
    if (!isTallycellError(error) || error.code !== 'SUBSCRIPTION_LOCKED') throw error
    return { status: 409, body: toProblem(error) }
  }
}

const STEPS = {
  suspend: 'Keep a subscription off the network until it is resumed: its sessions end, and nothing is granted',
  resume: 'Let a suspended subscription in again',
  cease: 'End a subscription and keep its number back',
  terminate: 'End a subscription for good, and free its number',
} as const

function lifeRoutes(api: PartnerApi, { suspendCharging }: RouteDeps): void {
  for (const step of ['suspend', 'resume', 'cease', 'terminate'] as const)
    api.route({
      method: 'POST',
      url: `/subscriptions/{subscription}/${step}`,
      tag: 'subscriptions',
      scope: 'subscriptions:write',
      summary: STEPS[step],
      description: `Why: one of ${CAUSES.join(', ')}, and in words.`,
      params: OF_ONE,
      body: Why,
      answers: { 200: SUBSCRIPTION },
      errors: ['SUBSCRIPTION_UNKNOWN', 'SIM_STEP', 'PORT_OPEN'],
      async handler(call) {
        const { joined, sql, params, body } = call
        const act = actOf(call, body)
        const subscriber = subscriberId(params.subscription)
        await moveSubscription({ store: joined, suspendCharging }, subscriber, step, act)
        return read(sql, subscriber, act)
      },
    })
}
