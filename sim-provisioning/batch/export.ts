// SIMs of a batch as a file. Keys go with them only under a transport key, and only when one person asked and another agreed; that they went
// is written down before the first line is.
import { randomBytes } from 'node:crypto'
import { open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail } from '../../core/kernel/errors.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { authPlace, CODES, codesPlace, decodeAuth, decodeCodes } from '../vault/material.ts'
import { openTransportKey } from '../vault/network-keys/network-keys.ts'
import { needNetworkKey } from '../vault/network-keys/store.ts'
import { operatorOf } from '../vault/operators/store.ts'
import { recordUses } from '../vault/store.ts'
import { padCode, type Transport } from '../vault/transport.ts'
import type { Opener, Vault } from '../vault/vault.ts'
import { createSimWriter, type Format } from './formats.ts'
import {
  approveExportRow,
  type Batch,
  batchMembers,
  closeExport,
  countMembers,
  insertExport,
  lockExport,
  type MemberRow,
  needBatch,
} from './store.ts'

export interface ExportDeps {
  readonly store: Store
  readonly vault: Vault
}

/** An operator, by its token. */
export interface Signed {
  readonly token: string
  readonly now: Millis
}

/** How long a request stands, approved or not, milliseconds. */
const STANDS = 24n * 3_600_000n

const OPEN_COLUMNS = ['iccid', 'imsi', 'mnc', 'eid', 'msisdn', 'acc', 'algorithm', 'amf', 'home_key'] as const
const KEY_COLUMNS = ['ki', 'opc', 'topc', ...CODES] as const
const GROUP = 1000

/** Asks that the keys of a batch may leave; the number to be approved. Throws OPERATOR_TOKEN_WRONG, BATCH_UNKNOWN, NETWORK_KEY_UNKNOWN. */
export async function requestExport(
  { store }: ExportDeps,
  batch: string,
  transportKey: string,
  { token, now }: Signed,
): Promise<bigint> {
  return store.batch(async (sql) => {
    const actor = await operatorOf(sql, token)
    const { batchNo } = await needBatch(sql, batch)
    await needNetworkKey(sql, 'transport', transportKey)
    await recordUses(sql, [{ actor, purpose: 'export-request', subject: `batch:${batch}`, count: 1n }], now)
    return insertExport(sql, batchNo, transportKey, { actor, now, expires: millis(now + STANDS) })
  })
}

/** Another operator agrees; its name. Throws OPERATOR_TOKEN_WRONG, EXPORT_UNAPPROVED for the one who asked, and for an export that is over. */
export async function approveExport({ store }: ExportDeps, exportId: bigint, { token, now }: Signed): Promise<string> {
  return store.batch(async (sql) => {
    const actor = await operatorOf(sql, token)
    const row = await lockExport(sql, exportId)
    if (row === undefined) return refuse(exportId, 'nobody asked for it')
    if (row.requested_by === actor) return refuse(exportId, `${actor} asked for it and cannot approve it`)
    if (row.written_at !== null) return refuse(exportId, 'it was made already')
    if (row.expires_at <= now) return refuse(exportId, 'it was asked for more than a day ago')
    if (row.approved_by !== null) return refuse(exportId, `${row.approved_by} has approved it already`)
    await recordUses(sql, [{ actor, purpose: 'export-approval', subject: `export:${exportId}`, count: 1n }], now)
    await approveExportRow(sql, exportId, actor, now)
    return actor
  })
}

const refuse = (id: bigint, reason: string): never => fail('EXPORT_UNAPPROVED', { export: id, reason })

export interface ExportOptions {
  readonly batch: string
  readonly format: Format
  /** Where to; replaced as a whole when the last line is written. */
  readonly path: string
  /** The approved export, and the operator who asked for it; without it no keys are written. */
  readonly approval?: (Signed & { readonly id: bigint }) | undefined
}

/** Resolves with the number of SIMs. Throws BATCH_UNKNOWN, OPERATOR_TOKEN_WRONG, EXPORT_UNAPPROVED, CLI_OUTPUT_UNWRITABLE. */
export async function exportBatch(deps: ExportDeps, options: ExportOptions): Promise<number> {
  const { store } = deps
  const batch = await store.batch((sql) => needBatch(sql, options.batch))
  const transport = options.approval === undefined ? undefined : await useApproval(deps, batch, options.approval)
  const quantity = await store.batch((sql) => countMembers(sql, batch.batchNo))
  const columns = [...OPEN_COLUMNS, ...(transport === undefined ? [] : KEY_COLUMNS)]
  const writer = createSimWriter(options.format, columns, {
    batch: batch.batch,
    tenant: batch.tenant,
    quantity,
    transportKey: transport?.id,
  })
  await writeWhole(options.path, async (write) => {
    await write(writer.head())
    for await (const lines of members(deps, batch, transport)) await write(lines.map(writer.line).join(''))
  })
  return quantity
}

/** An approval serves once. */
async function useApproval(
  deps: ExportDeps,
  batch: Batch,
  { id, token, now }: Signed & { readonly id: bigint },
): Promise<Transport> {
  const { name, actor } = await deps.store.batch(async (sql) => {
    const actor = await operatorOf(sql, token)
    const row = await lockExport(sql, id)
    if (row === undefined || row.batch_no !== batch.batchNo) return refuse(id, 'nobody asked for it for this batch')
    if (row.requested_by !== actor) return refuse(id, `${row.requested_by} asked for it, and makes it`)
    if (row.approved_by === null) return refuse(id, 'nobody else has approved it yet')
    if (row.written_at !== null) return refuse(id, 'it was made already')
    if (row.expires_at <= now) return refuse(id, 'it was asked for more than a day ago')
    await closeExport(sql, id, now)
    const count = BigInt(await countMembers(sql, batch.batchNo))
    await recordUses(sql, [{ actor, purpose: 'export', subject: `batch:${batch.batch}`, count }], now)
    return { name: row.transport_key, actor }
  })
  return openTransportKey(deps, name, 'export', { actor, now })
}

async function* members(
  { store, vault }: ExportDeps,
  { batchNo }: Batch,
  transport: Transport | undefined,
): AsyncGenerator<Record<string, string>[]> {
  let after = 0n
  for (;;) {
    const { rows, open } = await store.batch(async (sql) => {
      const found = await batchMembers(sql, batchNo, after, GROUP)
      return { rows: found, open: await vault.opener(sql, transport ? found.map(({ data_key }) => data_key) : []) }
    })
    yield rows.map((row) => ({ ...openFields(row), ...(transport ? keyFields(row, open, transport) : {}) }))
    const last = rows.at(-1)
    if (rows.length < GROUP || last === undefined) return
    after = last.sim_no
  }
}

const given = (fields: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])))

const openFields = (row: MemberRow): Record<string, string> =>
  given({
    iccid: row.iccid,
    imsi: row.imsi,
    mnc: row.imsi.slice(3, 3 + Number(row.mnc_digits)),
    eid: row.eid ?? undefined,
    msisdn: row.msisdn ?? undefined,
    acc: row.acc ?? undefined,
    algorithm: row.algorithm,
    amf: row.amf,
    home_key: row.home_key === null ? undefined : String(row.home_key),
  })

function keyFields(row: MemberRow, open: Opener, transport: Transport): Record<string, string> {
  const material = open(row.data_key, authPlace(row.iccid), row.auth)
  const { algorithm, k, operator } = decodeAuth(material)
  const wrapped = (octets: Uint8Array): string => transport.wrap(octets).toString('hex')
  const fields: Record<string, string> = {
    ki: wrapped(k),
    [algorithm === 'milenage' ? 'opc' : 'topc']: wrapped(operator),
  }
  material.fill(0)
  if (row.codes === null) return fields
  const codes = decodeCodes(open(row.data_key, codesPlace(row.iccid), row.codes))
  // Keys for OTA are octets, the others are what people type.
  for (const [name, code] of Object.entries(codes))
    fields[name] = wrapped(name.startsWith('k') ? Buffer.from(code, 'hex') : padCode(code))
  return fields
}

async function writeWhole(
  path: string,
  work: (write: (text: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.export.${randomBytes(8).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await work(async (text) => {
        await file.write(text)
      })
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    if (error instanceof Error && 'syscall' in error) fail('CLI_OUTPUT_UNWRITABLE', { reason: error.message }, error)
    throw error
  }
}
