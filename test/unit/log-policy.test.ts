import t from 'tap'
import { decodeEntry, encodeEntry } from '../../billing/log/entries/codec.ts'
import {
  ensurePolicy,
  type PolicyEntry,
  policyFault,
  policyMessage,
  readPolicy,
} from '../../billing/log/policy-entry.ts'
import { appendEntries } from '../../billing/log/store.ts'
import type { PolicyTerms } from '../../billing/policy/policy.ts'
import { payerId } from '../../core/kernel/ids.ts'
import { microtokens, octets } from '../../core/kernel/units.ts'
import type { SigningKey } from '../../core/runtime/keys.ts'
import { openStore, type Store } from '../../core/store/store.ts'
import { createTestKey, ORIGIN, TERMS } from './log-fixture.ts'

const oracles = ['oracle-1', 'oracle-2', 'oracle-3'].map(createTestKey)
const terms: PolicyTerms = { ...TERMS, oracles: oracles.map(({ publicKey }) => publicKey), threshold: 2n }

const ensure = (store: Store, configured: PolicyTerms, signers: readonly SigningKey[]): Promise<bigint | undefined> =>
  ensurePolicy(
    {
      store,
      receiptLog: { origin: ORIGIN, append: (sql, entries) => appendEntries(sql, ORIGIN, entries) },
      oracles: signers,
    },
    configured,
  )

async function newest(store: Store): Promise<PolicyEntry> {
  const policy = await store.batch(readPolicy)
  if (!policy) throw new Error('no policy')
  return policy
}

t.test('a policy is written once, read back as it was configured, and again when it changes', async (t) => {
  const store = await openStore({ path: ':memory:' })
  t.equal(await store.batch(readPolicy), undefined)
  t.equal(await ensure(store, terms, oracles), 0n)
  t.equal(await ensure(store, terms, oracles), undefined, 'the same again')
  t.equal(
    await ensure(store, { ...terms, oracles: terms.oracles.toReversed() }, oracles),
    undefined,
    'in another order',
  )
  const first = await newest(store)
  t.equal(first.version, 1n)
  t.equal(first.signatures?.length, 3)
  t.same(first.rates, terms.rates)
  t.equal(policyFault(ORIGIN, first, undefined), undefined)
  const dearer = { ...terms, rates: [{ payer: payerId('partner'), access: 'wifi', rate: microtokens(501n) } as const] }
  t.equal(await ensure(store, dearer, oracles.slice(1)), 1n)
  const second = await newest(store)
  t.equal(second.version, 2n)
  t.equal(second.signatures?.length, 2)
  t.equal(policyFault(ORIGIN, second, first), undefined)
  t.equal(await ensure(store, terms, oracles), 2n, 'back again is a third one')
  await store.close()
})

t.test('the oracles of the policy before decide on the next', async (t) => {
  const store = await openStore({ path: ':memory:' })
  await ensure(store, terms, oracles)
  const others = ['new-1', 'new-2'].map(createTestKey)
  const taken = { ...terms, oracles: others.map(({ publicKey }) => publicKey) }
  await t.rejects(ensure(store, taken, others), { code: 'LOG_POLICY_INVALID' }, 'a coup')
  await t.rejects(
    ensure(store, taken, [...others, ...oracles.slice(0, 1)]),
    { code: 'LOG_POLICY_INVALID' },
    'one of two',
  )
  t.equal(await ensure(store, taken, oracles), 1n, 'handed over')
  await t.rejects(ensure(store, terms, oracles), { code: 'LOG_POLICY_INVALID' }, 'and gone')
  t.equal(await ensure(store, terms, others), 2n)
  await store.close()
})

t.test('what no policy may be', async (t) => {
  const store = await openStore({ path: ':memory:' })
  const [rate] = terms.rates
  const [peak] = terms.peaks
  const [key] = terms.oracles
  if (!rate || !peak || !key) return t.fail()
  for (const [what, wrong, signers] of [
    ['too few signatures', terms, oracles.slice(0, 1)],
    ['nobody signs', terms, []],
    ['more signatures than oracles', { ...terms, threshold: 4n }, oracles],
    ['two rates', { ...terms, rates: [rate, { ...rate, rate: microtokens(1n) }] }, oracles],
    ['two peaks', { ...terms, peaks: [peak, { ...peak, peak: octets(1n) }] }, oracles],
    ['an oracle twice', { ...terms, oracles: [...terms.oracles, key] }, oracles],
  ] as const)
    await t.rejects(ensure(store, wrong, signers), { code: 'LOG_POLICY_INVALID' }, what)
  t.equal(await store.batch(readPolicy), undefined, 'nothing was written')

  await ensure(store, terms, oracles)
  const good = await newest(store)
  const sign = (entry: PolicyEntry, origin = ORIGIN): PolicyEntry => ({
    ...entry,
    signatures: oracles.map((oracle) => ({
      oracle: oracle.publicKey,
      signature: oracle.sign(policyMessage(origin, entry)),
    })),
  })
  t.equal(policyFault(ORIGIN, sign(good), undefined), undefined)
  t.match(policyFault('other.example', good, undefined), /wrong signature/, 'the policy of another log')
  t.match(policyFault(ORIGIN, { ...good, hold: TERMS.past }, undefined), /wrong signature/)
  t.match(policyFault(ORIGIN, good, good), /version/, 'the same again')
  t.match(policyFault(ORIGIN, sign({ ...good, version: 3n }), good), /version/, 'one left out')
  const [once] = good.signatures ?? []
  t.match(
    policyFault(ORIGIN, { ...good, signatures: once ? [once, once] : [] }, undefined),
    /must sign/,
    'one signature twice',
  )
  t.match(policyFault(ORIGIN, sign({ ...good, oracles: good.oracles.toReversed() }), undefined), /sorted/)
  const stranger = createTestKey('stranger')
  const forged = { oracle: stranger.publicKey, signature: stranger.sign(policyMessage(ORIGIN, good)) }
  t.match(
    policyFault(ORIGIN, { ...good, signatures: [...(good.signatures ?? []), forged] }, undefined),
    /not an oracle/,
  )
  await store.close()
})

t.test('the signed octets are the entry without its signatures', async (t) => {
  const entry: PolicyEntry = { ...terms, type: 'policy', version: 1n, oracles: terms.oracles.toSorted(Buffer.compare) }
  const message = Buffer.from(policyMessage(ORIGIN, { ...entry, signatures: [] }))
  const head = `tallycell/policy/v1\n${ORIGIN}\n`
  t.equal(message.subarray(0, head.length).toString(), head)
  t.same(message.subarray(head.length), encodeEntry(entry))
  t.match(decodeEntry(message.subarray(head.length)), { ok: true, entry: { type: 'policy' } })
})

t.test('a damaged policy in the database is said', async (t) => {
  const store = await openStore({ path: ':memory:' })
  await ensure(store, terms, oracles)
  await store.batch((sql) => sql.run('update log_entry set entry = ?', Buffer.of(0xa0)))
  await t.rejects(store.batch(readPolicy), { code: 'LOG_POLICY_INVALID' })
  await store.close()
})
