// /partner/v1/audit-log: who changed what, in a chain of hashes that partners can check for themselves (core/docs/partner-api.md).
import { Type } from 'typebox'
import { afterNumber, type PartnerRoutes, pageOf, TIME, timeOf, U64 } from '../contract.ts'
import { type AuditRow, listAudit } from './store.ts'

const HASH = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, hex' })
const ENTRY = Type.Object(
  {
    number: U64,
    at: TIME,
    atMillis: { ...U64, description: 'the same in milliseconds since 1970, as the hash covers it' },
    actor: Type.String({ description: 'id of a client, or cli:<user>' }),
    action: Type.String(),
    target: Type.String(),
    status: Type.Integer(),
    bodyHash: HASH,
    hash: { ...HASH, description: 'SHA-256 over this entry and the hash before it' },
  },
  { description: 'A change that was made' },
)

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')

const entryBody = (row: AuditRow) => ({
  number: row.number,
  at: timeOf(row.at),
  atMillis: row.at,
  actor: row.actor,
  action: row.action,
  target: row.target,
  status: Number(row.status),
  bodyHash: hex(row.body_hash),
  hash: hex(row.hash),
})

export function auditRoutes(): PartnerRoutes {
  return (api) =>
    api.list({
      url: '/audit-log',
      tag: 'audit-log',
      scope: 'audit-log:read',
      summary: 'Changes, the oldest first',
      item: ENTRY,
      handler: async ({ sql, tenant, page }) =>
        pageOf(
          await listAudit(sql, tenant, afterNumber(page), page.limit + 1),
          page.limit,
          (row) => row.number,
          entryBody,
        ),
    })
}
