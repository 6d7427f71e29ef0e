// Numbers on their way in and out in the partner API. The clearing house is talked to by a job.
import { type Static, Type } from 'typebox'
import {
  ACCEPTED,
  type Answer,
  accepted,
  type Call,
  ID,
  nullable,
  type PartnerApi,
  type PartnerRoutes,
  TIME,
  unknown,
} from '../../core/http/partner/contract.ts'
import { fail } from '../../core/kernel/errors.ts'
import { subscriberId } from '../../core/kernel/ids.ts'
import { millis } from '../../core/kernel/units.ts'
import { instant } from '../command-deps.ts'
import { msisdn } from '../profiles/msisdn.ts'
import { cancelPort, placePort, submitPort } from '../profiles/porting/porting.ts'
import { listPorts, needPort, type Port } from '../profiles/porting/store.ts'
import { possiblePortSteps, stepPort } from '../profiles/subscription-machine.ts'
import { actOf, CALLBACK, decodeInput, encodeInput, jobAct, type RouteDeps } from './deps.ts'
import { unlessLocked } from './subscriptions.ts'

const NUMBER = Type.String({ pattern: '^\\+?[0-9]{5,15}$', description: 'number with its country code' })
const ORDER = {
  subscription: ID,
  msisdn: NUMBER,
  partner: Type.String({ minLength: 1, maxLength: 100, description: 'the operator at the other end' }),
  account: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'of the subscriber there' })),
  pin: Type.Optional(
    Type.String({ minLength: 1, maxLength: 32, writeOnly: true, description: 'of that account; never given back' }),
  ),
  firmOrderCommitment: Type.Optional(TIME),
  callback: CALLBACK,
}
const NEW_PORT = Type.Object(ORDER)
const PORT = Type.Object({
  port: Type.String(),
  direction: Type.Enum(['in', 'out']),
  subscription: ID,
  msisdn: Type.String(),
  partner: Type.String(),
  account: nullable(Type.String()),
  firmOrderCommitment: nullable(TIME),
  state: Type.Enum(['requested', 'submitted', 'confirmed', 'completed', 'refused', 'cancelled']),
  reference: nullable(Type.String({ description: 'its name at the other side' })),
  reason: nullable(Type.String()),
  created: TIME,
  changed: TIME,
})
const OF_ONE = Type.Object({ port: Type.String({ pattern: '^[1-9][0-9]{0,18}$' }) })

const portBody = (port: Port) => ({
  port: port.portId,
  direction: port.direction,
  subscription: port.subscriber,
  msisdn: port.msisdn,
  partner: port.partner,
  account: port.account ?? null,
  firmOrderCommitment: port.foc === undefined ? null : instant(port.foc),
  state: port.state,
  reference: port.reference ?? null,
  reason: port.reason ?? null,
  created: instant(port.created),
  changed: instant(port.changed),
})

type Direction = Port['direction']
const KINDS = { submit: 'port-submit', cancel: 'port-cancel' } as const

export const portRoutes =
  (deps: RouteDeps): PartnerRoutes =>
  (api) => {
    jobs(api, deps)
    directionRoutes(api, 'in')
    directionRoutes(api, 'out')
  }

interface PortInput {
  readonly port: string
  readonly pin?: string | undefined
}

/** Run again after a crash, each finds that it has been done. */
function jobs(api: PartnerApi, { store, adapter, clock }: RouteDeps): void {
  api.job(KINDS.submit, async ({ tenant, client, input }) => {
    const { port, pin } = decodeInput(input) as PortInput
    const found = await store.batch((sql) => needPort(sql, BigInt(port), tenant))
    if (found.state !== 'requested') return portBody(found)
    return portBody(await submitPort({ store, adapter }, found.portId, pin, jobAct({ client, tenant }, clock())))
  })
  api.job(KINDS.cancel, async ({ tenant, client, input }) => {
    const { port } = decodeInput(input) as PortInput
    const found = await store.batch((sql) => needPort(sql, BigInt(port), tenant))
    if (found.state === 'cancelled') return portBody(found)
    return portBody(await cancelPort({ store, adapter }, found.portId, jobAct({ client, tenant }, clock())))
  })
}

function directionRoutes(api: PartnerApi, direction: Direction): void {
  const url = `/port-${direction}s` as const
  const tag = `port-${direction}s` as const
  const words = direction === 'in' ? 'from another operator' : 'to another operator'
  const own = async (call: Pick<Call<Static<typeof OF_ONE>, unknown, unknown>, 'sql' | 'tenant' | 'params'>) => {
    const port = await needPort(call.sql, BigInt(call.params.port), call.tenant)
    return port.direction === direction ? port : unknown('port', port.portId)
  }
  api.list({
    url,
    tag,
    scope: `${tag}:read`,
    summary: `Numbers on their way ${words}`,
    query: Type.Object({ open: Type.Optional(Type.Boolean({ description: 'under way, or over' })) }),
    item: PORT,
    async handler({ sql, tenant, query, page }) {
      const after = page.after === undefined ? undefined : BigInt(page.after)
      const { ports, more } = await listPorts(sql, { limit: page.limit, after, tenant, direction, open: query.open })
      return { items: ports.map(portBody), next: more ? String(ports.at(-1)?.portId) : undefined }
    },
  })
  api.route({
    method: 'GET',
    url: `${url}/{port}`,
    tag,
    scope: `${tag}:read`,
    summary: `A number on its way ${words}`,
    params: OF_ONE,
    answers: { 200: PORT },
    errors: ['PORT_UNKNOWN'],
    handler: async (call) => ({ body: portBody(await own(call)) }),
  })
  api.route({
    method: 'POST',
    url,
    tag,
    scope: `${tag}:write`,
    summary: `Order that a number goes ${words}`,
    body: NEW_PORT,
    answers: {
      202: Type.Object({ ...ACCEPTED.properties, port: Type.String() }),
      409: Type.Object({ code: Type.String() }),
    },
    errors: ['SUBSCRIPTION_UNKNOWN', 'MSISDN_TAKEN', 'RANGE_FOREIGN', 'SUBSCRIPTION_LOCKED', 'SIM_STEP'],
    handler: (call) => unlessLocked(() => order(call, direction)),
  })
  api.route({
    method: 'POST',
    url: `${url}/{port}/cancel`,
    tag,
    scope: `${tag}:write`,
    summary: 'Call the order off, as long as the other side has not confirmed it',
    params: OF_ONE,
    body: Type.Object({ callback: CALLBACK }),
    answers: { 202: ACCEPTED },
    errors: ['PORT_UNKNOWN', 'SIM_STEP'],
    async handler(call) {
      const { portId, state } = await own(call)
      if (!stepPort(state, 'cancel').legal)
        fail('SIM_STEP', {
          what: `the port ${portId}`,
          state,
          event: 'cancel',
          possible: possiblePortSteps(state, portId),
        })
      const input = encodeInput({ port: String(portId) } satisfies PortInput)
      return accepted(await call.later({ kind: KINDS.cancel, input, callback: call.body.callback }))
    },
  })
}

async function order(call: Call<unknown, unknown, Static<typeof NEW_PORT>>, direction: Direction): Promise<Answer> {
  const { subscription, firmOrderCommitment: foc, callback, pin, partner, account } = call.body
  const wanted = {
    ...{ direction, partner, account, pin },
    subscriber: subscriberId(subscription),
    msisdn: msisdn(call.body.msisdn),
    foc: foc === undefined ? undefined : millis(Date.parse(foc)),
  }
  const { portId } = await placePort(call.joined, wanted, actOf(call))
  const input = encodeInput({ port: String(portId), pin } satisfies PortInput)
  const job = await call.later({ kind: KINDS.submit, input, callback })
  return { ...accepted(job), body: { job, port: portId } }
}
