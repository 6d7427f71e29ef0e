// Authentication vectors over the vault: keys are opened, used and wiped within one call, the new sequence numbers and who asked are stored
// before the answer is given. Requests that come within a moment share a transaction.
import { randomBytes } from 'node:crypto'
import type { AuthVector, AuthVectorPort, VectorAnswer, VectorRequest } from '../../core/events/auth-vectors.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import { isTallycellError } from '../../core/kernel/errors.ts'
import { createGroupCommit } from '../../core/store/group-commit.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { openAuts } from '../auth/auts.ts'
import type { AuthenticationFunctions } from '../auth/functions.ts'
import { encodePlmn, isServingNetworkName } from '../auth/plmn.ts'
import { assignInd, IND_COUNT, type IndTable, issueSqns, resynchronise, type Sqn } from '../auth/sqn.ts'
import { akaPrimeVector, epsVector, homeVector, umtsVector } from '../auth/vector.ts'
import { mayAuthenticate } from '../profiles/sim-machine.ts'
import { authPlace, functionsOf } from './material.ts'
import { type AuthRow, giveInds, knownInds, lockSequences, readAuth, writeSequences } from './sequence/store.ts'
import { type KeyUse, recordUses } from './store.ts'
import type { Opener, Vault } from './vault.ts'

export interface VectorDeps {
  readonly store: Store
  readonly vault: Vault
  readonly clock: Clock
  /** 16 octets for RAND; from the system's generator unless a test gives its own. */
  readonly random?: () => Uint8Array
}

export interface VectorService extends AuthVectorPort {
  /** Answers what is under way. */
  drain(): Promise<void>
}

const RAND_OCTETS = 16
const MOST_VECTORS = 32
const MOST_ENTITY = 255
const GROUP = { maxDelay: 0, maxItems: 256 }

export function createVectors({
  store,
  vault,
  clock,
  random = () => randomBytes(RAND_OCTETS),
}: VectorDeps): VectorService {
  let inds: IndTable = new Map()

  /** An entity that shares an IND, because all are given away, is never in the table. */
  const indOf = (entity: string): number => assignInd(inds, entity).ind

  const learn = async (requests: readonly VectorRequest[]): Promise<void> => {
    const unknown = (table: IndTable): string[] => {
      const full = table.size >= IND_COUNT
      return full ? [] : requests.flatMap(({ servingEntity }) => (table.has(servingEntity) ? [] : [servingEntity]))
    }
    if (unknown(inds).length === 0) return
    inds = await store.batch(knownInds)
    const missing = unknown(inds)
    if (missing.length > 0) inds = await store.batch((sql) => giveInds(sql, missing))
  }

  const answerAll = async (sql: Sql, requests: readonly VectorRequest[]): Promise<readonly VectorAnswer[]> => {
    const now = clock()
    const rows = await readAuth(
      sql,
      requests.map(({ imsi }) => imsi),
    )
    const served = [...rows.values()].filter(({ state }) => mayAuthenticate(state))
    const sequences = await lockSequences(
      sql,
      served.map(({ sim_no }) => sim_no),
    )
    const open = await vault.opener(
      sql,
      served.map(({ data_key }) => data_key),
    )
    const changed = new Map<bigint, Sqn>()
    const uses: KeyUse[] = []
    const answers = requests.map((request): VectorAnswer => {
      const row = rows.get(request.imsi)
      if (row === undefined) return { result: 'unknown' }
      const last = changed.get(row.sim_no) ?? sequences.get(row.sim_no)
      if (!mayAuthenticate(row.state) || last === undefined) return { result: 'barred' }
      const functions = functionsIn(open, row)
      if (functions === undefined) return { result: 'unavailable' }
      const made = answer(request, row, last, functions)
      if (made.last !== last) changed.set(row.sim_no, made.last)
      const purpose = request.resync === undefined ? 'vector' : 'resync'
      const count = made.answer.result === 'vectors' ? made.answer.vectors.length : 0
      uses.push({ actor: request.servingEntity, purpose, subject: `iccid:${row.iccid}`, count: BigInt(count) })
      return made.answer
    })
    await writeSequences(sql, changed)
    await recordUses(sql, uses, now)
    return answers
  }

  const answer = (
    request: VectorRequest,
    row: AuthRow,
    stored: Sqn,
    functions: AuthenticationFunctions,
  ): { readonly answer: VectorAnswer; readonly last: Sqn } => {
    let last = stored
    if (request.resync !== undefined) {
      const verdict = openAuts(functions, request.resync.rand, request.resync.auts)
      if (verdict.verdict === 'reject') return { answer: { result: 'resync-refused' }, last }
      last = resynchronise(last, verdict.sqnMs).last
    }
    const issued = issueSqns(last, indOf(request.servingEntity), request.count)
    if (issued === undefined) return { answer: { result: 'exhausted' }, last: stored }
    const amf = Buffer.from(row.amf, 'hex')
    const vectors = issued.sqns.map((number) => vector(request, functions, random(), number, amf))
    return { answer: { result: 'vectors', vectors }, last: issued.last }
  }

  const group = createGroupCommit<VectorRequest, VectorAnswer>(
    async (requests) => {
      await learn(requests)
      return store.batch((sql) => answerAll(sql, requests))
    },
    { ...GROUP, inFlight: 2 },
  )
  return {
    async vectors(request) {
      if (!isFormed(request)) return { result: 'malformed' }
      const [first] = await group.submit([request])
      return first ?? { result: 'malformed' }
    },
    drain: () => group.drain(),
  }
}

/** Undefined where the row is damaged: that is no reason to refuse the others of its group. */
function functionsIn(open: Opener, { data_key, iccid, auth }: AuthRow): AuthenticationFunctions | undefined {
  let material: Buffer | undefined
  try {
    material = open(data_key, authPlace(iccid), auth)
    return functionsOf(material)
  } catch (error) {
    if (isTallycellError(error) && error.code === 'VAULT_DAMAGED') return undefined
    throw error
  } finally {
    material?.fill(0)
  }
}

function isFormed({ kind, network, servingEntity, count }: VectorRequest): boolean {
  if (!Number.isInteger(count) || count < 1 || count > MOST_VECTORS) return false
  if (servingEntity.length < 1 || servingEntity.length > MOST_ENTITY) return false
  if (kind === 'umts') return network === ''
  if (kind === 'eps') return /^[0-9]{5,6}$/.test(network)
  return kind === '5g' ? isServingNetworkName(network) : network.length > 0 && network.length <= MOST_ENTITY
}

function vector(
  { kind, network }: VectorRequest,
  functions: AuthenticationFunctions,
  rand: Uint8Array,
  number: Sqn,
  amf: Uint8Array,
): AuthVector {
  switch (kind) {
    case 'umts':
      return { kind, ...umtsVector(functions, rand, number, amf) }
    case 'eps': {
      const plmn = encodePlmn({ mcc: network.slice(0, 3), mnc: network.slice(3) })
      return { kind, ...epsVector(functions, rand, number, amf, plmn) }
    }
    case 'aka-prime':
      return { kind, ...akaPrimeVector(functions, rand, number, amf, network) }
    case '5g':
      return { kind, ...homeVector(functions, rand, number, amf, network) }
  }
}
