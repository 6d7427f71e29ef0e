// /partner/v1/webhooks: who is told what, what was delivered, and what is to be delivered again.
import { randomUUID } from 'node:crypto'
import { Type } from 'typebox'
import { emit, PARTNER_EVENTS } from '../../../events/partner/store.ts'
import { fail } from '../../../kernel/errors.ts'
import type { PayerId } from '../../../kernel/ids.ts'
import type { Sql } from '../../../store/sql.ts'
import type { Box } from '../box.ts'
import { afterNumber, nullable, type PartnerRoutes, pageOf, TIME, timeOf, unknown } from '../contract.ts'
import { newWebhookSecret } from './signature.ts'
import {
  addWebhook,
  changeWebhook,
  type Delivery,
  deliverAgain,
  listDeliveries,
  listWebhooks,
  readWebhook,
  removeWebhook,
  type Webhook,
} from './store.ts'
import { checkTarget, type Targets } from './target.ts'

export interface WebhookDeps {
  readonly box: Box
  readonly targets: Targets
}

/** Of one tenant. */
const MOST = 20
const WEBHOOK_ID = Type.String({ pattern: '^[0-9a-f-]{36}$' })
const EVENT_ID = Type.String({ pattern: '^evt_[1-9][0-9]{0,17}$' })
const TYPES = Type.Array(Type.Enum([...PARTNER_EVENTS]), {
  minItems: 1,
  maxItems: 50,
  uniqueItems: true,
  description: 'what it is told',
})
const URL_TEXT = Type.String({ minLength: 1, maxLength: 2000, description: 'https address of the public Internet' })
const STATE = Type.Enum(['active', 'paused'])

const properties = {
  webhook: WEBHOOK_ID,
  url: URL_TEXT,
  types: nullable(TYPES),
  state: Type.Enum(['active', 'paused', 'gone'], { description: 'gone: its server has answered 410' }),
  created: TIME,
  changed: TIME,
}
const WEBHOOK = Type.Object(properties)
const MADE = Type.Object({
  ...properties,
  secret: Type.String({ description: 'signs what is delivered (Standard Webhooks); cannot be had again' }),
})
const DELIVERY = Type.Object({
  event: EVENT_ID,
  type: Type.String(),
  subject: Type.String(),
  at: TIME,
  state: Type.Enum(['due', 'delivered', 'dead']),
  attempts: Type.Integer(),
  next: nullable(TIME),
  lastStatus: nullable(Type.Integer()),
  lastError: nullable(Type.String()),
  changed: TIME,
})

const webhookBody = ({ webhook_id, url, types, state, created_at, changed_at }: Webhook) => ({
  webhook: webhook_id,
  url,
  types: types === '*' ? null : types.split(' '),
  state,
  created: timeOf(created_at),
  changed: timeOf(changed_at),
})

const deliveryBody = (row: Delivery) => ({
  event: `evt_${row.event_id}`,
  type: row.type,
  subject: row.subject,
  at: timeOf(row.at),
  state: row.state,
  attempts: Number(row.attempts),
  next: row.state === 'due' ? timeOf(row.next_at) : null,
  lastStatus: row.last_status === null ? null : Number(row.last_status),
  lastError: row.last_error,
  changed: timeOf(row.changed_at),
})

const typesText = (types: readonly string[] | undefined): string => types?.join(' ') ?? '*'

async function need(sql: Sql, tenant: PayerId, id: string, lock?: 'lock'): Promise<Webhook> {
  return (await readWebhook(sql, tenant, id, lock)) ?? unknown('webhook', id)
}

const about = { tag: 'webhooks', scope: 'webhooks:read' } as const
const changes = { tag: 'webhooks', scope: 'webhooks:write' } as const
const params = Type.Object({ webhook: WEBHOOK_ID })

export const webhookRoutes =
  ({ box, targets }: WebhookDeps): PartnerRoutes =>
  (api) => {
    api.list({
      ...about,
      url: '/webhooks',
      summary: 'Webhooks',
      item: WEBHOOK,
      async handler({ sql, tenant, page: { limit, after } }) {
        const all = (await listWebhooks(sql, tenant)).filter(({ webhook_id: id }) => after === undefined || id > after)
        return pageOf(all, limit, ({ webhook_id }) => webhook_id, webhookBody)
      },
    })
    api.route({
      ...changes,
      method: 'POST',
      url: '/webhooks',
      summary: 'Be told what happens, by HTTP',
      description:
        'Events are CloudEvents 1.0 in JSON, signed as Standard Webhooks has it, delivered at least once and in no certain order, and tried again for about a day and a half.',
      body: Type.Object({ url: URL_TEXT, types: Type.Optional(TYPES) }),
      answers: { 201: MADE },
      errors: ['PARTNER_CONFLICT'],
      async handler({ sql, tenant, body, at }) {
        checkTarget(body.url, targets)
        if ((await listWebhooks(sql, tenant)).length >= MOST)
          fail('PARTNER_CONFLICT', { reason: `there are ${MOST} webhooks already` })
        const id = randomUUID()
        const secret = newWebhookSecret()
        const webhook: Webhook = {
          webhook_id: id,
          tenant_id: tenant,
          url: body.url,
          types: typesText(body.types),
          secret: box.seal(`webhook ${id}`, Buffer.from(secret)),
          state: 'active',
          created_at: at,
          changed_at: at,
        }
        await addWebhook(sql, webhook)
        return { body: { ...webhookBody(webhook), secret }, location: `/webhooks/${id}` }
      },
    })
    api.route({
      ...about,
      method: 'GET',
      url: '/webhooks/{webhook}',
      summary: 'A webhook, without its secret',
      params,
      answers: { 200: WEBHOOK },
      handler: async ({ sql, tenant, params: { webhook } }) => ({
        body: webhookBody(await need(sql, tenant, webhook)),
      }),
    })
    api.route({
      ...changes,
      method: 'PATCH',
      url: '/webhooks/{webhook}',
      summary: 'Change a webhook, pause it, or take it up again',
      params,
      body: Type.Object({ url: Type.Optional(URL_TEXT), types: Type.Optional(TYPES), state: Type.Optional(STATE) }),
      answers: { 200: WEBHOOK },
      current: async ({ sql, tenant, params: { webhook } }) => webhookBody(await need(sql, tenant, webhook, 'lock')),
      async handler({ sql, tenant, params: { webhook }, body, at }) {
        if (body.url !== undefined) checkTarget(body.url, targets)
        const before = await need(sql, tenant, webhook, 'lock')
        const after: Webhook = {
          ...before,
          url: body.url ?? before.url,
          types: body.types === undefined ? before.types : typesText(body.types),
          state: body.state ?? before.state,
          changed_at: at,
        }
        await changeWebhook(sql, after, at)
        return { body: webhookBody(after) }
      },
    })
    api.route({
      ...changes,
      method: 'DELETE',
      url: '/webhooks/{webhook}',
      summary: 'Remove a webhook, with what was to be delivered to it',
      params,
      answers: { 204: null },
      async handler({ sql, tenant, params: { webhook } }) {
        await removeWebhook(sql, (await need(sql, tenant, webhook, 'lock')).webhook_id)
        return {}
      },
    })
    api.list({
      ...about,
      url: '/webhooks/{webhook}/deliveries',
      summary: 'What was and is to be delivered, the oldest first; events are kept for 30 days',
      params,
      query: Type.Object({ state: Type.Optional(Type.Enum(['due', 'delivered', 'dead'])) }),
      item: DELIVERY,
      async handler({ sql, tenant, params: { webhook }, query: { state }, page }) {
        await need(sql, tenant, webhook)
        const rows = await listDeliveries(sql, { webhook, state, after: afterNumber(page), limit: page.limit + 1 })
        return pageOf(rows, page.limit, (row) => row.delivery_no, deliveryBody)
      },
    })
    api.route({
      ...changes,
      method: 'POST',
      url: '/webhooks/{webhook}/events/{event}/replay',
      summary: 'Deliver an event again',
      params: Type.Object({ webhook: WEBHOOK_ID, event: EVENT_ID }),
      answers: { 202: Type.Object({ event: EVENT_ID }) },
      async handler({ sql, tenant, params: { webhook, event }, at }) {
        const found = await need(sql, tenant, webhook)
        if (!(await deliverAgain(sql, found, BigInt(event.slice('evt_'.length)), at))) unknown('event', event)
        return { body: { event } }
      },
    })
    api.route({
      ...changes,
      method: 'POST',
      url: '/webhooks/{webhook}/test',
      summary: 'Deliver an event that means nothing',
      params,
      answers: { 202: Type.Object({ event: EVENT_ID }) },
      async handler({ sql, tenant, params: { webhook }, at }) {
        const found = await need(sql, tenant, webhook)
        const [event = 0n] = await emit(sql, [{ tenant, type: 'webhook.test', subject: webhook, data: {}, at }])
        await deliverAgain(sql, found, event, at)
        return { body: { event: `evt_${event}` } }
      },
    })
  }
