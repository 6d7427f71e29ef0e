// SIMs. Their secrets and sequence numbers are in tables of their own: nothing here reads the one or writes the other but to add a SIM.
import { emit } from '../../../core/events/partner/store.ts'
import { fail, TallycellError } from '../../../core/kernel/errors.ts'
import { type Iccid, iccid } from '../../../core/kernel/iccid.ts'
import { type Imsi, imsi, type PayerId } from '../../../core/kernel/ids.ts'
import { type Millis, millis } from '../../../core/kernel/units.ts'
import type { AddOutcome } from '../../../core/store/add-outcome.ts'
import type { Page } from '../../../core/store/page.ts'
import type { Sql, Target, Value } from '../../../core/store/sql.ts'
import type { Algorithm } from '../../vault/material.ts'
import type { Act } from '../act.ts'
import type { MncDigits } from '../home-imsi.ts'
import { possibleSimSteps, type SimState, type SimStep, stepSim } from '../sim-machine.ts'
import { maskImsi } from '../store.ts'

/** A SIM with its secrets sealed. */
export interface SealedSim {
  readonly iccid: Iccid
  readonly imsi: Imsi
  readonly mncDigits: MncDigits
  readonly tenant: PayerId
  readonly batchNo: bigint
  readonly state: SimState
  readonly form: 'card' | 'esim'
  readonly eid: string | undefined
  readonly msisdn: string | undefined
  readonly acc: string | undefined
  readonly algorithm: Algorithm
  readonly amf: string
  readonly fingerprint: string
  readonly homeKey: number | undefined
  readonly dataKey: bigint
  readonly auth: Uint8Array
  readonly codes: Uint8Array | undefined
}

const SIM: Target = {
  table: 'sim',
  columns: [
    ...['iccid', 'imsi', 'mnc_digits', 'tenant_id', 'batch_no', 'state', 'form', 'eid', 'msisdn', 'acc', 'algorithm'],
    ...['amf', 'fingerprint', 'home_key', 'created_at', 'changed_at'],
  ],
  conflict: 'do nothing',
}
const SECRET: Target = { table: 'sim_secret', columns: ['sim_no', 'data_key', 'auth', 'codes'] }
const SEQUENCE: Target = { table: 'sim_sequence', columns: ['sim_no', 'sqn'] }
const EVENT: Target = {
  table: 'sim_event',
  columns: ['at', 'subject', 'kind', 'from_state', 'to_state', 'actor', 'cause', 'reason'],
}

const simValues = (sim: SealedSim, now: Millis): Value[] => [
  sim.iccid,
  sim.imsi,
  BigInt(sim.mncDigits),
  sim.tenant,
  sim.batchNo,
  sim.state,
  sim.form,
  sim.eid ?? null,
  sim.msisdn ?? null,
  sim.acc ?? null,
  sim.algorithm,
  sim.amf,
  sim.fingerprint,
  sim.homeKey === undefined ? null : BigInt(sim.homeKey),
  now,
  now,
]

/** Adds SIMs, each as if alone; outcomes in order. SIM_EXISTS names what is taken. */
export async function addSims(sql: Sql, sims: readonly SealedSim[], now: Millis): Promise<AddOutcome[]> {
  const inserted = await sql.insertReturning<{ sim_no: bigint; iccid: string; imsi: string }>(
    SIM,
    'sim_no, iccid, imsi',
    sims.map((sim) => simValues(sim, now)),
  )
  const numbers = new Map(inserted.map((row) => [`${row.iccid} ${row.imsi}`, row.sim_no]))
  const secrets: Value[][] = []
  const outcomes = sims.map((sim): AddOutcome | undefined => {
    const key = `${sim.iccid} ${sim.imsi}`
    const simNo = numbers.get(key)
    if (simNo === undefined) return undefined
    // A repetition of this very row further down is another's matter.
    numbers.delete(key)
    secrets.push([simNo, sim.dataKey, sim.auth, sim.codes ?? null])
    return 'added'
  })
  await sql.insert(SECRET, secrets)
  await sql.insert(
    SEQUENCE,
    secrets.map(([simNo = null]) => [simNo, 0n]),
  )
  const known = await findTaken(
    sql,
    sims.filter((_sim, index) => outcomes[index] === undefined),
  )
  return sims.map((sim, index) => outcomes[index] ?? known(sim))
}

type Identity = Pick<SealedSim, 'iccid' | 'imsi' | 'tenant' | 'fingerprint'>

/** Says of SIMs what stands in their way: `added` when nothing does. */
export async function findTaken(sql: Sql, sims: readonly Identity[]): Promise<(sim: Identity) => AddOutcome> {
  const select = 'select iccid, imsi, tenant_id, fingerprint from sim'
  type Row = { iccid: string; imsi: string; tenant_id: string; fingerprint: string }
  const distinct = (values: readonly string[]): string[] => [...new Set(values)].sort()
  const [iccids, imsis] = [distinct(sims.map((sim) => sim.iccid)), distinct(sims.map((sim) => sim.imsi))]
  const byIccid = new Map((await sql.find<Row>(select, 'iccid', iccids)).map((row) => [row.iccid, row]))
  const byImsi = new Map((await sql.find<Row>(select, 'imsi', imsis)).map((row) => [row.imsi, row]))
  return (sim) => {
    const same = byIccid.get(sim.iccid)
    if (same?.imsi === sim.imsi && same.tenant_id === sim.tenant && same.fingerprint === sim.fingerprint)
      return 'unchanged'
    const where = same?.imsi === sim.imsi && same.tenant_id === sim.tenant ? ', with other keys' : ''
    if (same) return new TallycellError('SIM_EXISTS', { what: 'ICCID', came: maskImsi(sim.iccid), where })
    if (!byImsi.has(sim.imsi)) return 'added'
    return new TallycellError('SIM_EXISTS', { what: 'IMSI', came: maskImsi(sim.imsi), where: '' })
  }
}

export interface Sim {
  readonly simNo: bigint
  readonly iccid: Iccid
  readonly imsi: Imsi
  readonly mncDigits: number
  readonly tenant: string
  readonly batch: string
  readonly state: SimState
  readonly form: string
  readonly eid: string | undefined
  readonly msisdn: string | undefined
  readonly acc: string | undefined
  readonly algorithm: Algorithm
  readonly amf: string
  readonly fingerprint: string
  readonly homeKey: number | undefined
  readonly created: Millis
  readonly changed: Millis
}

interface SimRow {
  readonly sim_no: bigint
  readonly iccid: string
  readonly imsi: string
  readonly mnc_digits: bigint
  readonly tenant_id: string
  readonly batch_id: string | null
  readonly state: SimState
  readonly form: string
  readonly eid: string | null
  readonly msisdn: string | null
  readonly acc: string | null
  readonly algorithm: Algorithm
  readonly amf: string
  readonly fingerprint: string
  readonly home_key: bigint | null
  readonly created_at: bigint
  readonly changed_at: bigint
}

const SELECT = `select s.sim_no, s.iccid, s.imsi, s.mnc_digits, s.tenant_id, b.batch_id, s.state, s.form, s.eid, s.msisdn, s.acc, s.algorithm, s.amf,
  s.fingerprint, s.home_key, s.created_at, s.changed_at from sim s left join sim_batch b on b.batch_no = s.batch_no`

const simOf = (row: SimRow): Sim => ({
  simNo: row.sim_no,
  iccid: iccid(row.iccid),
  imsi: imsi(row.imsi),
  mncDigits: Number(row.mnc_digits),
  tenant: row.tenant_id,
  batch: row.batch_id ?? '',
  state: row.state,
  form: row.form,
  eid: row.eid ?? undefined,
  msisdn: row.msisdn ?? undefined,
  acc: row.acc ?? undefined,
  algorithm: row.algorithm,
  amf: row.amf,
  fingerprint: row.fingerprint,
  homeKey: row.home_key === null ? undefined : Number(row.home_key),
  created: millis(row.created_at),
  changed: millis(row.changed_at),
})

/** The SIM with this ICCID or IMSI; throws SIM_UNKNOWN, also for one of another tenant than `tenant`. */
export async function needSim(sql: Sql, digits: string, tenant?: PayerId): Promise<Sim> {
  const plain = digits.replace(/[fF]$/, '')
  const row =
    (await sql.row<SimRow>(`${SELECT} where s.iccid = ?`, plain)) ??
    (await sql.row<SimRow>(`${SELECT} where s.imsi = ?`, plain))
  if (row && (tenant === undefined || row.tenant_id === tenant)) return simOf(row)
  return fail('SIM_UNKNOWN', { sim: maskImsi(plain.slice(0, 20)) })
}

export interface SimFilter extends Page {
  readonly tenant?: string | undefined
  readonly state?: string | undefined
  readonly batchNo?: bigint | undefined
}

/** SIMs in the order of their ICCIDs; `more` when others follow. */
export async function listSims(
  sql: Sql,
  { limit, after = '', tenant, state, batchNo }: SimFilter,
): Promise<{ sims: Sim[]; more: boolean }> {
  const conditions = [
    ['s.tenant_id = ?', tenant],
    ['s.state = ?', state],
    ['s.batch_no = ?', batchNo],
  ] as const
  const wanted = conditions.flatMap(([text, value]) => (value === undefined ? [] : [{ text, value }]))
  const rows = await sql.rows<SimRow>(
    `${SELECT} where ${['s.iccid > ?', ...wanted.map(({ text }) => text)].join(' and ')} order by s.iccid limit ?`,
    after,
    ...wanted.map(({ value }) => value),
    BigInt(limit + 1),
  )
  return { sims: rows.slice(0, limit).map(simOf), more: rows.length > limit }
}

/** Takes one SIM through its life cycle; resolves with its new state. Throws SIM_UNKNOWN or SIM_STEP, having changed nothing. */
export async function moveSim(sql: Sql, card: string, steps: readonly SimStep[], act: Act): Promise<SimState> {
  const select = 'select state, tenant_id from sim'
  const [row] = await sql.find<{ state: SimState; tenant_id: PayerId }>(select, 'iccid', [card], 'lock')
  if (row === undefined) return fail('SIM_UNKNOWN', { sim: maskImsi(card) })
  let state = row.state
  for (const event of steps) {
    const step = stepSim(state, event)
    if (!step.legal)
      fail('SIM_STEP', { what: `the SIM ${maskImsi(card)}`, state, event, possible: possibleSimSteps(state) })
    await recordEvent(sql, { subject: `iccid:${card}`, kind: event, from: state, to: step.state }, act)
    state = step.state
  }
  await sql.run('update sim set state = ?, changed_at = ? where iccid = ?', state, act.now, card)
  const data = { iccid: card, state }
  await emit(sql, [{ tenant: row.tenant_id, type: 'sim.changed', subject: card, data, at: act.now }])
  return state
}

export interface LifeEvent {
  readonly subject: string
  readonly kind: string
  readonly from: string
  readonly to: string
}

export async function recordEvent(sql: Sql, { subject, kind, from, to }: LifeEvent, act: Act): Promise<void> {
  await sql.insert(EVENT, [[act.now, subject, kind, from, to, act.actor, act.cause ?? 'operator', act.reason ?? null]])
}

export interface RecordedEvent extends LifeEvent {
  readonly at: bigint
  readonly actor: string
  readonly cause: string
  readonly reason: string | null
}

/** The newest events of a SIM or a subscription, at most `limit`. */
export const listEvents = (sql: Sql, subject: string, limit: number): Promise<RecordedEvent[]> =>
  sql.rows<RecordedEvent>(
    'select at, subject, kind, from_state as "from", to_state as "to", actor, cause, reason from sim_event where subject = ? order by event_id desc limit ?',
    subject,
    BigInt(limit),
  )
