// What a vector is made of, and the sequence numbers: the only place that writes them.
import type { Sql, Target } from '../../../core/store/sql.ts'
import { assignInd, type IndTable, type Sqn, sqn } from '../../auth/sqn.ts'

export interface AuthRow {
  readonly sim_no: bigint
  readonly iccid: string
  readonly imsi: string
  readonly state: string
  readonly amf: string
  readonly data_key: bigint
  readonly auth: Uint8Array
}

const SELECT = `select s.sim_no, s.iccid, s.imsi, s.state, s.amf, k.data_key, k.auth from sim s join sim_secret k on k.sim_no = s.sim_no`
const SEQUENCE: Target = {
  table: 'sim_sequence',
  columns: ['sim_no', 'sqn'],
  conflict: '(sim_no) do update set sqn = excluded.sqn',
}
const ENTITY: Target = { table: 'aka_entity', columns: ['entity', 'ind'], conflict: 'do nothing' }

/** SIMs by IMSI, with their sealed keys. */
export async function readAuth(sql: Sql, imsis: readonly string[]): Promise<Map<string, AuthRow>> {
  const rows = await sql.find<AuthRow>(SELECT, 's.imsi', [...new Set(imsis)])
  return new Map(rows.map((row) => [row.imsi, row]))
}

/** The last sequence number of each SIM; nobody else can issue for them before the transaction ends. */
export async function lockSequences(sql: Sql, simNos: readonly bigint[]): Promise<Map<bigint, Sqn>> {
  const rows = await sql.find<{ sim_no: bigint; sqn: bigint }>(
    'select sim_no, sqn from sim_sequence',
    'sim_no',
    [...new Set(simNos)].sort((a, b) => (a < b ? -1 : 1)),
    'lock',
  )
  return new Map(rows.map((row) => [row.sim_no, sqn(row.sqn)]))
}

/** Of SIMs that are locked. */
export async function writeSequences(sql: Sql, sequences: Iterable<readonly [bigint, Sqn]>): Promise<void> {
  await sql.insert(SEQUENCE, [...sequences])
}

async function readEntities(sql: Sql): Promise<IndTable> {
  const rows = await sql.rows<{ entity: string; ind: bigint }>('select entity, ind from aka_entity')
  return new Map(rows.map(({ entity, ind }) => [entity, Number(ind)]))
}

/** The INDs of serving entities; those that have none get the next (TS 33.102 §C.3.4). */
export async function giveInds(sql: Sql, entities: Iterable<string>): Promise<IndTable> {
  await sql.journal('aka_entity')
  let table = await readEntities(sql)
  for (const entity of new Set(entities)) {
    const assigned = assignInd(table, entity)
    if (assigned.table !== table) await sql.insert(ENTITY, [[entity, BigInt(assigned.ind)]])
    table = assigned.table
  }
  return table
}

/** As `giveInds`, without giving any. */
export const knownInds = readEntities

/** The last sequence number of a SIM, for people. */
export async function readSequence(sql: Sql, simNo: bigint): Promise<bigint | undefined> {
  return (await sql.row<{ sqn: bigint }>('select sqn from sim_sequence where sim_no = ?', simNo))?.sqn
}
