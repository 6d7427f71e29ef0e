// The audit trail: who changed what, per tenant, in a chain: each entry's hash covers the entry before, so nothing can be altered, left out
// or put in between without every later hash changing. Whoever keeps one hash can prove what came before it.
import { createHash } from 'node:crypto'
import type { PayerId } from '../../../kernel/ids.ts'
import { type Millis, toJson } from '../../../kernel/units.ts'
import type { Sql, Target } from '../../../store/sql.ts'

export interface AuditEvent {
  readonly tenant: PayerId
  readonly at: Millis
  /** Id of a client, or `cli:<user>`. */
  readonly actor: string
  /** `POST /plans`, as in the OpenAPI document, or the words of a command. */
  readonly action: string
  /** The path or object that was meant. */
  readonly target: string
  readonly status: number
  /** SHA-256 of what was sent: it may hold keys. */
  readonly bodyHash: Uint8Array
}

export interface AuditRow {
  readonly number: bigint
  readonly at: Millis
  readonly actor: string
  readonly action: string
  readonly target: string
  readonly status: bigint
  readonly body_hash: Uint8Array
  readonly hash: Uint8Array
}

const ENTRIES: Target = {
  table: 'audit_entry',
  columns: ['tenant_id', 'number', 'at', 'actor', 'action', 'target', 'status', 'body_hash', 'hash'],
}
const HEADS: Target = {
  table: 'audit_head',
  columns: ['tenant_id', 'number', 'hash'],
  conflict: '(tenant_id) do update set number = excluded.number, hash = excluded.hash',
}
const NEW_HEAD: Target = { ...HEADS, conflict: '(tenant_id) do nothing' }
const ENTRY = 'select number, at, actor, action, target, status, body_hash, hash from audit_entry'
/** Before the first entry. */
const START = new Uint8Array(32)

interface Head {
  readonly number: bigint
  readonly hash: Uint8Array
}

async function lockHead(sql: Sql, tenant: PayerId): Promise<Head> {
  const select = 'select number, hash from audit_head'
  const [row] = await sql.find<Head>(select, 'tenant_id', [tenant], 'lock')
  if (row) return row
  // What is not there cannot be locked; another node may be making it at this moment.
  await sql.insert(NEW_HEAD, [[tenant, 0n, START]])
  const [made] = await sql.find<Head>(select, 'tenant_id', [tenant], 'lock')
  return made ?? { number: 0n, hash: START }
}

const hashOf = (tenant: PayerId, entry: Omit<AuditRow, 'hash'>, before: Uint8Array): Uint8Array =>
  createHash('sha256')
    .update(
      toJson([
        'tallycell-audit/1',
        ...[tenant, entry.number, entry.at, entry.actor, entry.action, entry.target, entry.status],
        ...[Buffer.from(entry.body_hash).toString('hex'), Buffer.from(before).toString('hex')],
      ]),
    )
    .digest()

/** Adds an entry in the caller's transaction, as the last thing it does: the end of the chain is locked until it commits. */
export async function appendAudit(sql: Sql, event: AuditEvent): Promise<void> {
  const { tenant, at, actor, action, target, status, bodyHash } = event
  const head = await lockHead(sql, tenant)
  const entry = { number: head.number + 1n, at, actor, action, target, status: BigInt(status), body_hash: bodyHash }
  const hash = hashOf(tenant, entry, head.hash)
  await sql.insert(ENTRIES, [[tenant, entry.number, at, actor, action, target, entry.status, bodyHash, hash]])
  await sql.insert(HEADS, [[tenant, entry.number, hash]])
}

/** Entries after number `after`, the oldest first. */
export const listAudit = (sql: Sql, tenant: PayerId, after: bigint, limit: number): Promise<AuditRow[]> =>
  sql.rows<AuditRow>(
    `${ENTRY} where tenant_id = ? and number > ? order by number limit ?`,
    tenant,
    after,
    BigInt(limit),
  )

export const auditTenants = async (sql: Sql): Promise<PayerId[]> =>
  (await sql.rows<{ tenant_id: PayerId }>('select tenant_id from audit_head order by tenant_id')).map(
    ({ tenant_id }) => tenant_id,
  )

export interface AuditCheck {
  readonly tenant: PayerId
  readonly entries: bigint
  /** Of the last entry that is right, hex. */
  readonly hash: string
  /** Number of the first entry that is missing or not what was written. */
  readonly broken: bigint | undefined
}

const PAGE = 1000

/** Computes the whole chain of a tenant again. `read` runs each page in a transaction of its own. */
export async function verifyAudit(
  read: <Result>(work: (sql: Sql) => Promise<Result>) => Promise<Result>,
  tenant: PayerId,
): Promise<AuditCheck> {
  // Read first: entries that are added meanwhile lie beyond it.
  const end = await read((sql) => sql.row<Head>('select number, hash from audit_head where tenant_id = ?', tenant))
  let number = 0n
  let hash: Uint8Array = START
  const checked = (broken: bigint | undefined): AuditCheck => ({
    tenant,
    entries: number,
    hash: Buffer.from(hash).toString('hex'),
    broken,
  })
  for (;;) {
    const rows = await read((sql) => listAudit(sql, tenant, number, PAGE))
    for (const row of rows) {
      const expected = hashOf(tenant, row, hash)
      if (row.number !== number + 1n || Buffer.compare(expected, row.hash) !== 0) return checked(number + 1n)
      number = row.number
      hash = expected
      if (number === end?.number && Buffer.compare(hash, end.hash) !== 0) return checked(number)
    }
    if (rows.length < PAGE) break
  }
  return checked(number < (end?.number ?? 0n) ? number + 1n : undefined)
}
