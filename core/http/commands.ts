// `tallycell partner`: clients of the partner API, their limits, and the audit trail. Credentials are shown once.
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import type { Command, CommandContext } from '../cli/command.ts'
import { table } from '../cli/table.ts'
import { fail } from '../kernel/errors.ts'
import { type PayerId, payerId } from '../kernel/ids.ts'
import { decimal, millis } from '../kernel/units.ts'
import type { Sql } from '../store/sql.ts'
import { appendAudit, auditTenants, verifyAudit } from './partner/audit/store.ts'
import { certificateThumbprint } from './partner/authenticate.ts'
import {
  ALL_SCOPES,
  addClient,
  type Client,
  listClients,
  needClient,
  revokeClient,
  rotateSecret,
} from './partner/clients/store.ts'
import { SCOPES } from './partner/contract.ts'
import { setLimits } from './partner/limits/store.ts'
import { hashSecret, newSecret } from './partner/secret.ts'

export function partnerCommands(): Command[] {
  return [add, list, rotate, revoke, limit, audit]
}

const CLIENT = { name: 'CLIENT', summary: 'id of the client', required: true } as const
const HOUR = 3_600_000n
const DAY = 24n

const add: Command = {
  path: ['partner', 'add'],
  summary: 'let a partner use the API: makes a client of a tenant and shows its secret once',
  positionals: [{ name: 'TENANT', summary: "the partner; see 'tallycell tenant set'", required: true }],
  options: {
    name: { value: 'NAME', summary: 'what the client is, for people', default: '' },
    scopes: { value: 'LIST', summary: `what it may do, parted by commas; all unless given: ${SCOPES.join(', ')}` },
    certificate: { value: 'FILE', summary: 'PEM certificate with which the client proves itself instead of a secret' },
  },
  examples: [
    'tallycell partner add acme',
    'tallycell partner add acme --name reports --scopes usage:read,balances:read',
  ],
  async run({ args, options }, context) {
    const tenant = payerId(args.TENANT ?? '')
    const wanted = readScopes(options.scopes)
    const certificate = options.certificate === undefined ? null : await readThumbprint(options.certificate)
    const secret = certificate === null ? newSecret() : undefined
    const client = `${tenant}.${randomBytes(6).toString('hex')}`
    const store = await context.store()
    const secret_hash = secret === undefined ? null : await hashSecret(secret)
    await store.batch(async (sql) => {
      const name = options.name ?? ''
      await addClient(
        sql,
        { client_id: client, tenant_id: tenant, name, scopes: wanted.join(' '), secret_hash, certificate },
        context.clock(),
      )
      await note(sql, context, { tenant, action: 'partner add', target: client })
    })
    return {
      text: credentials(client, secret, certificate),
      json: { client, tenant, secret: secret ?? null, certificate, scopes: wanted },
    }
  },
}

const credentials = (client: string, secret: string | undefined, certificate: string | null): string =>
  secret === undefined
    ? `Client: ${client}\nIt proves itself by its certificate (x5t#S256 ${certificate}).`
    : `Client: ${client}\nSecret: ${secret}\nKeep the secret: it is stored nowhere and cannot be shown again.`

function readScopes(text: string | undefined): readonly string[] {
  if (text === undefined) return [ALL_SCOPES]
  const wanted = [...new Set(text.split(/[\s,]+/).filter((word) => word !== ''))]
  const strange = wanted.find((scope) => !SCOPES.some((known) => known === scope))
  if (strange !== undefined || wanted.length === 0)
    fail('ID_INVALID', { what: 'scope', expected: SCOPES.join(', '), came: (strange ?? text).slice(0, 64) })
  return wanted
}

async function readThumbprint(path: string): Promise<string> {
  try {
    return certificateThumbprint(new X509Certificate(await readFile(path)).raw)
  } catch (error) {
    return fail('FILE_UNREADABLE', { path, reason: error instanceof Error ? error.message : String(error) }, error)
  }
}

interface Noted {
  readonly tenant: PayerId
  readonly action: string
  readonly target: string
}

const note = (sql: Sql, context: CommandContext, { tenant, action, target }: Noted): Promise<void> =>
  appendAudit(sql, {
    ...{ tenant, action, target },
    at: context.clock(),
    actor: `cli:${userInfo().username}`,
    status: 200,
    bodyHash: createHash('sha256').update(target).digest(),
  })

const instant = (at: bigint): string => new Date(Number(at)).toISOString().replace(/\.\d+Z$/, 'Z')

const list: Command = {
  path: ['partner', 'list'],
  summary: 'list the clients of the API, of one tenant or of all',
  options: { tenant: { value: 'ID', summary: 'only those of this tenant' } },
  examples: ['tallycell partner list', 'tallycell partner list --tenant acme'],
  async run({ options }, context) {
    const tenant = options.tenant === undefined ? undefined : payerId(options.tenant)
    const store = await context.store()
    const clients = await store.batch((sql) => listClients(sql, tenant))
    const json = { clients: clients.map(clientJson) }
    if (clients.length === 0) return { text: 'No clients yet. Make one: tallycell partner add TENANT', json }
    const rows = clients.map((client) => ({
      client: client.client_id,
      tenant: client.tenant_id,
      name: client.name || '-',
      proof: client.certificate === null ? 'secret' : 'certificate',
      since: instant(client.rotated_at ?? client.created_at),
      state: client.revoked_at === null ? 'active' : 'revoked',
      scopes: client.scopes,
    }))
    return { text: table(rows, ['client', 'tenant', 'name', 'proof', 'since', 'state', 'scopes']), json }
  },
}

const clientJson = (client: Client) => ({
  client: client.client_id,
  tenant: client.tenant_id,
  name: client.name,
  scopes: client.scopes.split(' '),
  certificate: client.certificate,
  created: instant(client.created_at),
  rotated: client.rotated_at === null ? null : instant(client.rotated_at),
  revoked: client.revoked_at === null ? null : instant(client.revoked_at),
})

const rotate: Command = {
  path: ['partner', 'rotate'],
  summary: 'give a client another secret, shown once; the old one stays good for a while',
  positionals: [CLIENT],
  options: { overlap: { value: 'HOURS', summary: 'how long the old secret stays good', default: DAY.toString() } },
  examples: ['tallycell partner rotate acme.0f3a5c7e9b21', 'tallycell partner rotate acme.0f3a5c7e9b21 --overlap 0'],
  async run({ args, options }, context) {
    const hours = decimal(options.overlap ?? '', 'number of hours')
    const id = args.CLIENT ?? ''
    const secret = newSecret()
    const hash = await hashSecret(secret)
    const store = await context.store()
    const until = millis(context.clock() + hours * HOUR)
    await store.batch(async (sql) => {
      const client = await needClient(sql, id)
      if (client.certificate !== null) fail('PARTNER_CONFLICT', { reason: 'this client has a certificate, no secret' })
      if (client.revoked_at !== null) fail('PARTNER_CONFLICT', { reason: 'this client has been revoked' })
      await rotateSecret(sql, id, hash, until, context.clock())
      await note(sql, context, { tenant: client.tenant_id, action: 'partner rotate', target: id })
    })
    return {
      text: `${credentials(id, secret, null)}\nThe secret before stays good until ${instant(until)}.`,
      json: { client: id, secret, previousUntil: instant(until) },
    }
  },
}

const revoke: Command = {
  path: ['partner', 'revoke'],
  summary: 'shut a client out: its secrets and its tokens are good no longer, from the next request on',
  positionals: [CLIENT],
  examples: ['tallycell partner revoke acme.0f3a5c7e9b21'],
  async run({ args }, context) {
    const id = args.CLIENT ?? ''
    const store = await context.store()
    const revoked = await store.batch(async (sql) => {
      const client = await needClient(sql, id)
      if ((await revokeClient(sql, id, context.clock())) === 0) return false
      await note(sql, context, { tenant: client.tenant_id, action: 'partner revoke', target: id })
      return true
    })
    return {
      text: revoked ? `The client ${id} is shut out.` : `The client ${id} was shut out before.`,
      json: { client: id, revoked },
    }
  },
}

const limit: Command = {
  path: ['partner', 'limit'],
  summary: 'set how many requests a tenant may make; without options the configured limits hold again',
  positionals: [{ name: 'TENANT', summary: 'the partner', required: true }],
  options: {
    'per-second': { value: 'N', summary: 'requests per second and node' },
    'per-day': { value: 'N', summary: 'requests per UTC day' },
  },
  examples: ['tallycell partner limit acme --per-second 50 --per-day 100000', 'tallycell partner limit acme'],
  async run({ args, options }, context) {
    const tenant = payerId(args.TENANT ?? '')
    const [perSecond, perDay] = [readLimit(options['per-second']), readLimit(options['per-day'])]
    const store = await context.store()
    await store.batch(async (sql) => {
      await setLimits(sql, tenant, {
        ...(perSecond === undefined ? {} : { perSecond }),
        ...(perDay === undefined ? {} : { perDay }),
      })
      await note(sql, context, { tenant, action: 'partner limit', target: `${perSecond ?? '-'}/s ${perDay ?? '-'}/d` })
    })
    const of = (value: number | undefined, unit: string): string => `${value ?? 'as configured'} per ${unit}`
    return {
      text: `Requests of ${tenant}: ${of(perSecond, 'second')}, ${of(perDay, 'day')}.`,
      json: { tenant, perSecond: perSecond ?? null, perDay: perDay ?? null },
    }
  },
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(decimal(text, 'number of requests'))
  if (value >= 1 && value <= 1e12) return value
  return fail('ID_INVALID', { what: 'number of requests', expected: '1 to 1000000000000', came: text.slice(0, 64) })
}

const audit: Command = {
  path: ['partner', 'audit', 'verify'],
  summary: 'compute the hash chain of the audit trail again and say whether anything was altered',
  options: { tenant: { value: 'ID', summary: 'only the trail of this tenant' } },
  examples: ['tallycell partner audit verify', 'tallycell partner audit verify --tenant acme --json'],
  async run({ options }, context) {
    const store = await context.store()
    const tenants = options.tenant === undefined ? await store.batch(auditTenants) : [payerId(options.tenant)]
    const checks = []
    for (const tenant of tenants) checks.push(await verifyAudit((work) => store.batch(work), tenant))
    const broken = checks.filter((check) => check.broken !== undefined)
    const lines = checks.map(({ tenant, entries, hash, broken: at }) =>
      at === undefined
        ? `${tenant}: ${entries} entries, whole; last hash ${hash}`
        : `${tenant}: entry ${at} is missing or was altered; ${entries} entries before it are whole`,
    )
    return {
      text: lines.length === 0 ? 'Nothing has been changed through the API yet.' : lines.join('\n'),
      json: { whole: broken.length === 0, trails: checks.map((check) => ({ ...check, broken: check.broken ?? null })) },
      exit: broken.length === 0 ? 0 : 65,
    }
  },
}
