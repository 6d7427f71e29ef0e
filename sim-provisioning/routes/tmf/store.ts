// What the TM Forum facade reads in its own order, and the orders that it has carried out.

import type { TmfPage } from '../../../core/http/partner/tmf630.ts'
import type { PayerId, SubscriberId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'

const SUBSCRIBERS =
  "from subscriber s left join subscription c on c.subscriber_id = s.subscriber_id where s.payer_id = ? and coalesce(c.state, 'active') in"

export interface Found {
  readonly subscribers: readonly SubscriberId[]
  /** Of all pages. */
  readonly total: number
}

/** Subscribers of a tenant in these states, by id. */
export async function findSubscribers(
  sql: Sql,
  tenant: PayerId,
  states: readonly string[],
  { offset, limit }: TmfPage,
): Promise<Found> {
  if (states.length === 0) return { subscribers: [], total: 0 }
  const where = `${SUBSCRIBERS} (${states.map(() => '?').join(', ')})`
  const rows = await sql.rows<{ subscriber_id: SubscriberId }>(
    `select s.subscriber_id ${where} order by s.subscriber_id limit ? offset ?`,
    tenant,
    ...states,
    BigInt(limit),
    BigInt(offset),
  )
  const count = await sql.row<{ total: bigint }>(`select count(*) as total ${where}`, tenant, ...states)
  return { subscribers: rows.map(({ subscriber_id }) => subscriber_id), total: Number(count?.total ?? 0n) }
}

const ORDER: Target = { table: 'product_order', columns: ['order_id', 'tenant_id', 'document', 'created_at'] }

export async function insertProductOrder(
  sql: Sql,
  {
    id,
    tenant,
    document,
    at,
  }: { readonly id: string; readonly tenant: PayerId; readonly document: object; readonly at: Millis },
): Promise<void> {
  await sql.insert(ORDER, [[id, tenant, JSON.stringify(document), at]])
}

/** As it was stored; undefined for another tenant's too. */
export async function readProductOrder(
  sql: Sql,
  tenant: PayerId,
  id: string,
): Promise<Record<string, unknown> | undefined> {
  const row = await sql.row<{ document: string }>(
    'select document from product_order where order_id = ? and tenant_id = ?',
    id,
    tenant,
  )
  return row && JSON.parse(row.document)
}

/** In the order of their making. */
export async function listProductOrders(
  sql: Sql,
  tenant: PayerId,
  { offset, limit }: TmfPage,
): Promise<{ readonly orders: readonly Record<string, unknown>[]; readonly total: number }> {
  const rows = await sql.rows<{ document: string }>(
    'select document from product_order where tenant_id = ? order by created_at, order_id limit ? offset ?',
    tenant,
    BigInt(limit),
    BigInt(offset),
  )
  const count = await sql.row<{ total: bigint }>(
    'select count(*) as total from product_order where tenant_id = ?',
    tenant,
  )
  return { orders: rows.map(({ document }) => JSON.parse(document)), total: Number(count?.total ?? 0n) }
}
