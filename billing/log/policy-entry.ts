// The policy in the log: what is configured is signed by oracles, numbered and appended; what is in force is read back from there.
import { fail } from '../../core/kernel/errors.ts'
import type { SigningKey } from '../../core/runtime/keys.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import { type PolicyTerms, sortTerms } from '../policy/policy.ts'
import { decodeEntry, encodeEntry, isEntry } from './entries/codec.ts'
import type { EntryOf } from './entries/dictionary.ts'
import type { ReceiptLog } from './log.ts'
import { verifyEd25519 } from './note/ed25519.ts'
import { lockLog, newestEntry } from './store.ts'

export type PolicyEntry = EntryOf<'policy'>

/** The newest policy of the log, in the caller's transaction; undefined before the first. */
export async function readPolicy(sql: Sql): Promise<PolicyEntry | undefined> {
  const octets = await newestEntry(sql, 'policy')
  if (octets === undefined) return undefined
  const decoded = decodeEntry(octets)
  if (decoded.ok && isEntry(decoded.entry, 'policy')) return decoded.entry
  return fail('LOG_POLICY_INVALID', { reason: 'the newest policy entry of the log is damaged' })
}

/** What an oracle signs: a line that names the purpose, a line that names the log, and the entry without signatures. */
export function policyMessage(origin: string, entry: PolicyEntry): Uint8Array {
  const unsigned = encodeEntry({ ...entry, signatures: undefined })
  return Buffer.concat([Buffer.from(`tallycell/policy/v1\n${origin}\n`), unsigned])
}

/**
 * Why a policy must not follow `before` in the log `origin`, or undefined when it may. The oracles of the policy before decide on the
 * next one, and on who the oracles are from then on; the first policy is signed by its own.
 */
export function policyFault(origin: string, entry: PolicyEntry, before: PolicyEntry | undefined): string | undefined {
  const fault = termsFault(entry)
  if (fault !== undefined) return fault
  const expected = (before?.version ?? 0n) + 1n
  if (entry.version !== expected) return `its version is ${entry.version}, expected ${expected}`
  const { oracles, threshold } = before ?? entry
  const message = policyMessage(origin, entry)
  const signed = new Set<string>()
  for (const { oracle, signature } of entry.signatures ?? []) {
    if (!oracles.some((key) => same(key, oracle))) return 'it carries a signature of somebody who is not an oracle'
    if (!verifyEd25519(oracle, message, signature)) return 'it carries a wrong signature'
    signed.add(Buffer.from(oracle).toString('hex'))
  }
  return BigInt(signed.size) < threshold ? `${threshold} oracles must sign it, ${signed.size} did` : undefined
}

function termsFault(terms: PolicyTerms): string | undefined {
  const { rates, peaks, oracles, threshold } = terms
  const sorted = sortTerms(terms)
  if (rates.some((row, at) => row !== sorted.rates[at]) || peaks.some((row, at) => row !== sorted.peaks[at]))
    return 'its rates or peaks are not sorted'
  if (oracles.some((key, at) => key !== sorted.oracles[at])) return 'its oracles are not sorted'
  if (repeats(rates.map(({ payer, access }) => `${payer} ${access}`)))
    return 'it names two rates for one payer and access'
  if (repeats(peaks.map(({ access }) => access))) return 'it names two peaks for one access'
  if (repeats(oracles.map((key) => Buffer.from(key).toString('hex')))) return 'it names an oracle twice'
  if (threshold > BigInt(oracles.length)) return `${threshold} oracles must sign, but it names ${oracles.length}`
  return undefined
}

export interface EnsurePolicyDeps {
  readonly store: Store
  readonly receiptLog: Pick<ReceiptLog, 'append' | 'origin'>
  /** The keys of oracles that are at hand. */
  readonly oracles: readonly SigningKey[]
}

/**
 * Appends the configured policy when it differs from the newest one of the log; answers its index, or undefined when nothing changed.
 * Throws LOG_POLICY_INVALID when it cannot be used, or cannot be signed by enough oracles.
 */
export function ensurePolicy(
  { store, receiptLog, oracles }: EnsurePolicyDeps,
  configured: PolicyTerms,
): Promise<bigint | undefined> {
  const terms = sortTerms(configured)
  return store.batch(async (sql) => {
    // Of two nodes that start at once, one writes the policy and the other finds it.
    await lockLog(sql, receiptLog.origin)
    const before = await readPolicy(sql)
    if (before && equalTerms(before, terms)) return undefined
    const unsigned: PolicyEntry = { ...terms, type: 'policy', version: (before?.version ?? 0n) + 1n }
    const message = policyMessage(receiptLog.origin, unsigned)
    const entitled = (before ?? unsigned).oracles
    const signatures = oracles
      .filter(({ publicKey }) => entitled.some((key) => same(key, publicKey)))
      .map((oracle) => ({ oracle: oracle.publicKey, signature: oracle.sign(message) }))
      .toSorted((a, b) => Buffer.compare(a.oracle, b.oracle))
    const entry: PolicyEntry = { ...unsigned, signatures }
    const reason = policyFault(receiptLog.origin, entry, before)
    if (reason !== undefined) fail('LOG_POLICY_INVALID', { reason })
    return receiptLog.append(sql, [entry])
  })
}

/** Whether two policies say the same, whatever their versions and signatures. */
function equalTerms(a: PolicyEntry, terms: PolicyTerms): boolean {
  const octets = (from: PolicyTerms): Uint8Array =>
    encodeEntry({ ...from, type: 'policy', version: 0n, signatures: undefined })
  return same(octets(a), octets(terms))
}

function repeats(names: readonly string[]): boolean {
  return new Set(names).size < names.length
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
