// Batches of SIMs: how far their files were loaded, what was wrong with which line, and who let their keys out.
import { emit } from '../../core/events/partner/store.ts'
import { fail } from '../../core/kernel/errors.ts'
import type { PayerId } from '../../core/kernel/ids.ts'
import { type Millis, millis } from '../../core/kernel/units.ts'
import type { Page } from '../../core/store/page.ts'
import type { Sql, Target } from '../../core/store/sql.ts'
import type { Algorithm } from '../vault/material.ts'

export type BatchMode = 'row' | 'all'
export type BatchState = 'running' | 'done' | 'refused'

export interface NewBatch {
  readonly batch: string
  readonly tenant: PayerId
  readonly source: string
  readonly sha256: string
  readonly format: string
  readonly mode: BatchMode
  readonly transportKey: string | undefined
}

export interface Batch {
  readonly batchNo: bigint
  readonly batch: string
  readonly tenant: PayerId
  readonly source: string
  readonly sha256: string
  readonly format: string
  readonly mode: BatchMode
  readonly state: BatchState
  /** Lines dealt with. */
  readonly position: number
  readonly added: number
  readonly unchanged: number
  readonly refused: number
  readonly created: Millis
}

interface Row {
  readonly batch_no: bigint
  readonly batch_id: string
  readonly tenant_id: PayerId
  readonly source: string
  readonly sha256: string
  readonly format: string
  readonly mode: BatchMode
  readonly state: BatchState
  readonly position: bigint
  readonly added: bigint
  readonly unchanged: bigint
  readonly refused: bigint
  readonly created_at: bigint
}

const BATCH: Target = {
  table: 'sim_batch',
  columns: [
    ...['batch_id', 'tenant_id', 'source', 'sha256', 'format', 'mode', 'transport_key', 'state', 'position'],
    ...['added', 'unchanged', 'refused', 'created_at'],
  ],
}
const ERROR: Target = { table: 'sim_batch_error', columns: ['batch_no', 'line', 'code', 'message', 'hint'] }

const batchOf = (row: Row): Batch => ({
  batchNo: row.batch_no,
  batch: row.batch_id,
  tenant: row.tenant_id,
  source: row.source,
  sha256: row.sha256,
  format: row.format,
  mode: row.mode,
  state: row.state,
  position: Number(row.position),
  added: Number(row.added),
  unchanged: Number(row.unchanged),
  refused: Number(row.refused),
  created: millis(row.created_at),
})

export async function findBatch(sql: Sql, batch: string): Promise<Batch | undefined> {
  const row = await sql.row<Row>('select * from sim_batch where batch_id = ?', batch)
  return row && batchOf(row)
}

/** Throws BATCH_UNKNOWN, also for one of another tenant than `tenant`. */
export async function needBatch(sql: Sql, batch: string, tenant?: PayerId): Promise<Batch> {
  const found = await findBatch(sql, batch)
  if (found && (tenant === undefined || found.tenant === tenant)) return found
  return fail('BATCH_UNKNOWN', { batch: batch.slice(0, 64) })
}

export async function insertBatch(sql: Sql, batch: NewBatch, now: Millis): Promise<Batch> {
  const [row] = await sql.insertReturning<Row>(BATCH, '*', [
    [
      ...[batch.batch, batch.tenant, batch.source, batch.sha256, batch.format, batch.mode, batch.transportKey ?? null],
      ...(['running', 0n, 0n, 0n, 0n, now] as const),
    ],
  ])
  if (row === undefined) throw new Error('a batch was not inserted')
  return batchOf(row)
}

export async function listBatches(
  sql: Sql,
  { limit, after = '', tenant }: Page & { readonly tenant?: PayerId | undefined },
): Promise<{ batches: Batch[]; more: boolean }> {
  const rows = await sql.rows<Row>(
    `select * from sim_batch where batch_id > ?${tenant === undefined ? '' : ' and tenant_id = ?'} order by batch_id limit ?`,
    after,
    ...(tenant === undefined ? [] : [tenant]),
    BigInt(limit + 1),
  )
  return { batches: rows.slice(0, limit).map(batchOf), more: rows.length > limit }
}

export interface Advance {
  readonly position: number
  readonly added: number
  readonly unchanged: number
  readonly refused: number
}

/** Writes down how far a batch is, unless somebody else did so before: then false, and the transaction is to be undone. */
export async function advanceBatch(sql: Sql, batchNo: bigint, from: number, by: Advance): Promise<boolean> {
  const changed = await sql.run(
    `update sim_batch set position = ?, added = added + ?, unchanged = unchanged + ?, refused = refused + ?
     where batch_no = ? and position = ? and state = 'running'`,
    ...[by.position, by.added, by.unchanged, by.refused].map(BigInt),
    batchNo,
    BigInt(from),
  )
  return changed === 1
}

export interface LineError {
  readonly line: number
  readonly code: string
  readonly message: string
  readonly hint: string
}

export async function insertErrors(sql: Sql, batchNo: bigint, errors: readonly LineError[]): Promise<void> {
  await sql.insert(
    ERROR,
    errors.map(({ line, code, message, hint }) => [batchNo, BigInt(line), code, message, hint]),
  )
}

/** Errors in the order of their lines, at most `limit` of those after line `after`. */
export async function listErrors(sql: Sql, batchNo: bigint, limit: number, after = 0): Promise<LineError[]> {
  const rows = await sql.rows<{ line: bigint; code: string; message: string; hint: string }>(
    'select line, code, message, hint from sim_batch_error where batch_no = ? and line > ? order by line limit ?',
    batchNo,
    BigInt(after),
    BigInt(limit),
  )
  return rows.map((row) => ({ ...row, line: Number(row.line) }))
}

/** All of a batch counts from now on. */
export async function finishBatch(sql: Sql, batchNo: bigint, now: Millis): Promise<void> {
  await sql.run("update sim set state = 'inStock' where batch_no = ? and state = 'staged'", batchNo)
  await endBatch(sql, 'done', batchNo, now)
}

/** Nothing of a batch counts, now or later: what it had added goes. */
export async function refuseBatch(sql: Sql, batchNo: bigint, now: Millis): Promise<void> {
  const staged = "select sim_no from sim where batch_no = ? and state = 'staged'"
  await sql.run(`delete from sim_secret where sim_no in (${staged})`, batchNo)
  await sql.run(`delete from sim_sequence where sim_no in (${staged})`, batchNo)
  await sql.run("delete from sim where batch_no = ? and state = 'staged'", batchNo)
  await sql.run('update sim_batch set added = 0 where batch_no = ?', batchNo)
  await endBatch(sql, 'refused', batchNo, now)
}

async function endBatch(sql: Sql, state: BatchState, batchNo: bigint, at: Millis): Promise<void> {
  await sql.run('update sim_batch set state = ?, finished_at = ? where batch_no = ?', state, at, batchNo)
  const row = await sql.row<Row>('select * from sim_batch where batch_no = ?', batchNo)
  if (row === undefined) return
  const { batch, added, unchanged, refused, tenant } = batchOf(row)
  const data = { batch, state, added, unchanged, refused }
  await emit(sql, [{ tenant, type: 'batch.finished', subject: batch, data, at }])
}

/** A SIM of a batch as it is exported; its secrets sealed. */
export interface MemberRow {
  readonly sim_no: bigint
  readonly iccid: string
  readonly imsi: string
  readonly mnc_digits: bigint
  readonly eid: string | null
  readonly msisdn: string | null
  readonly acc: string | null
  readonly algorithm: Algorithm
  readonly amf: string
  readonly home_key: bigint | null
  readonly data_key: bigint
  readonly auth: Uint8Array
  readonly codes: Uint8Array | null
}

/** SIMs of a batch after `simNo`, at most `limit`, in order. */
export const batchMembers = (sql: Sql, batchNo: bigint, simNo: bigint, limit: number): Promise<MemberRow[]> =>
  sql.rows<MemberRow>(
    `select s.sim_no, s.iccid, s.imsi, s.mnc_digits, s.eid, s.msisdn, s.acc, s.algorithm, s.amf, s.home_key, k.data_key, k.auth, k.codes
     from sim s join sim_secret k on k.sim_no = s.sim_no where s.batch_no = ? and s.sim_no > ? and s.state <> 'staged' order by s.sim_no limit ?`,
    batchNo,
    simNo,
    BigInt(limit),
  )

export async function countMembers(sql: Sql, batchNo: bigint): Promise<number> {
  const row = await sql.row<{ count: bigint }>(
    "select count(*) as count from sim where batch_no = ? and state <> 'staged'",
    batchNo,
  )
  return Number(row?.count ?? 0n)
}

export interface KeyExport {
  readonly export_id: bigint
  readonly batch_no: bigint
  readonly transport_key: string
  readonly requested_by: string
  readonly expires_at: Millis
  readonly approved_by: string | null
  readonly written_at: bigint | null
}

const EXPORT: Target = {
  table: 'key_export',
  columns: ['batch_no', 'transport_key', 'requested_by', 'requested_at', 'expires_at'],
}

export async function insertExport(
  sql: Sql,
  batchNo: bigint,
  transportKey: string,
  { actor, now, expires }: { readonly actor: string; readonly now: Millis; readonly expires: Millis },
): Promise<bigint> {
  const [row] = await sql.insertReturning<{ export_id: bigint }>(EXPORT, 'export_id', [
    [batchNo, transportKey, actor, now, expires],
  ])
  if (row === undefined) throw new Error('an export was not inserted')
  return row.export_id
}

/** Locked until the transaction ends. */
export async function lockExport(sql: Sql, exportId: bigint): Promise<KeyExport | undefined> {
  const [row] = await sql.find<KeyExport>(
    'select export_id, batch_no, transport_key, requested_by, expires_at, approved_by, written_at from key_export',
    'export_id',
    [exportId],
    'lock',
  )
  return row
}

export async function approveExportRow(sql: Sql, exportId: bigint, actor: string, now: Millis): Promise<void> {
  await sql.run('update key_export set approved_by = ?, approved_at = ? where export_id = ?', actor, now, exportId)
}

export async function closeExport(sql: Sql, exportId: bigint, now: Millis): Promise<void> {
  await sql.run('update key_export set written_at = ? where export_id = ?', now, exportId)
}
