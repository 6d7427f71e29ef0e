// A new batch: identifiers from the tenant's ranges, keys and codes from the system's generator. The vendor gets it as an export.
import { randomBytes, randomInt } from 'node:crypto'
import type { Clock } from '../../core/kernel/clock.ts'
import { fail } from '../../core/kernel/errors.ts'
import { iccidOf } from '../../core/kernel/iccid.ts'
import { imsi, type PayerId } from '../../core/kernel/ids.ts'
import type { Store } from '../../core/store/store.ts'
import { takeNumbers } from '../profiles/ranges/store.ts'
import { addSims } from '../profiles/sims/store.ts'
import { type Algorithm, encodeAuth, encodeCodes, OPERATOR_OCTETS, operatorKey } from '../vault/material.ts'
import type { Vault } from '../vault/vault.ts'
import { DEFAULT_AMF } from './record.ts'
import { type PlacedSim, sealSim, VALUES_PER_SIM } from './seal.ts'
import { advanceBatch, findBatch, finishBatch, insertBatch } from './store.ts'

export interface GenerateOptions {
  readonly batch: string
  readonly tenant: PayerId
  /** 1 to 100,000. */
  readonly count: number
  readonly algorithm: Algorithm
  /** The operator's OP or TOP, of which each SIM's OPc or TOPc is made; without it each is random by itself. */
  readonly op?: Uint8Array | undefined
  readonly homeKey?: number | undefined
  readonly form: 'card' | 'esim'
}

const MOST = 100_000
const K_OCTETS = 16

/** All or nothing. Throws RANGE_EXHAUSTED, BATCH_UNFINISHED where the name is taken, SIM_EXISTS. */
export async function generateBatch(
  { store, vault, clock }: { readonly store: Store; readonly vault: Vault; readonly clock: Clock },
  { batch: name, tenant, count, algorithm, op, homeKey, form }: GenerateOptions,
): Promise<void> {
  if (!Number.isInteger(count) || count < 1 || count > MOST)
    fail('ID_INVALID', { what: 'number of SIMs', expected: `1 to ${MOST}`, came: String(count) })
  const fingerprint = await vault.fingerprints(clock())
  const sealer = await vault.sealer(VALUES_PER_SIM * count, clock())
  await store.batch(async (sql) => {
    const known = await findBatch(sql, name)
    if (known) fail('BATCH_UNFINISHED', { batch: name, state: 'there already' })
    const made = { batch: name, tenant, source: 'generated', sha256: '', format: 'generated', mode: 'all' as const }
    const { batchNo } = await insertBatch(sql, { ...made, transportKey: undefined }, clock())
    const terms = { tenant, batchNo, state: 'inStock' as const, form }
    const imsis = await takeNumbers(sql, tenant, 'imsi', count)
    const iccids = await takeNumbers(sql, tenant, 'iccid', count)
    const sims = imsis.map(({ digits, mncDigits = 2 }, index) => {
      const sim: PlacedSim = {
        iccid: iccidOf(iccids[index]?.digits ?? ''),
        imsi: imsi(digits),
        mncDigits,
        eid: undefined,
        msisdn: undefined,
        acc: accessClass(digits),
        algorithm,
        amf: DEFAULT_AMF,
        homeKey,
        ...newSecrets(algorithm, op),
      }
      return sealSim(sim, terms, sealer, fingerprint)
    })
    for (const outcome of await addSims(sql, sims, clock())) if (outcome !== 'added') throw asError(outcome)
    await advanceBatch(sql, batchNo, 0, { position: count, added: count, unchanged: 0, refused: 0 })
    await finishBatch(sql, batchNo, clock())
  })
}

const asError = (outcome: unknown): Error =>
  outcome instanceof Error ? outcome : new Error('a SIM that was just made is there already')

/** One of the classes 0 to 9, by the last digit of the IMSI, so that a busy network can bar a tenth at a time (TS 22.011 §4.2). */
const accessClass = (digits: string): string => (1 << Number(digits.at(-1))).toString(16).padStart(4, '0')

function newSecrets(algorithm: Algorithm, op: Uint8Array | undefined): Pick<PlacedSim, 'auth' | 'codes'> {
  const k = randomBytes(K_OCTETS)
  const operator = op === undefined ? randomBytes(OPERATOR_OCTETS[algorithm]) : operatorKey(algorithm, k, op)
  const digits = (length: number): string => String(randomInt(10 ** length)).padStart(length, '0')
  return {
    auth: encodeAuth(algorithm, k, operator),
    codes: encodeCodes({ pin1: digits(4), puk1: digits(8), pin2: digits(4), puk2: digits(8), adm1: digits(8) }),
  }
}
