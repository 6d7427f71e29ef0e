import t from 'tap'
import { explain, judge, type LogState, RULES, type RuleCode, type Usage } from '../../billing/policy/judge.ts'
import { type PolicyTerms, rateOf, sortTerms } from '../../billing/policy/policy.ts'
import { applyChange, isBanned, type RadioStanding, type RegistryChange } from '../../billing/policy/registry.ts'
import { parseVerdict, splitVerdict } from '../../billing/policy/verdict.ts'
import { payerId } from '../../core/kernel/ids.ts'
import { microtokens, millis, octets } from '../../core/kernel/units.ts'
import { START, TERMS, WALLET } from './log-fixture.ts'

const HOUR = 3_600_000n
const partner = payerId('partner')
const standing: RadioStanding = { owner: WALLET, payout: WALLET, ban: undefined }
const state: LogState = { radio: standing, repeated: false }
const end = millis(START + 60_000n)
const usage: Usage = {
  payer: partner,
  access: 'wifi',
  start: START,
  end,
  uplink: octets(1_000n),
  downlink: octets(2_000n),
  received: end,
  flags: 0,
}
const banned = (from: bigint, until?: bigint): LogState => ({
  ...state,
  radio: { ...standing, ban: { from: millis(from), until: until === undefined ? undefined : millis(until) } },
})

interface Case {
  readonly what: string
  readonly expect: 'VALID' | RuleCode
  readonly state?: Partial<LogState>
  readonly usage?: Partial<Usage>
  readonly terms?: Partial<PolicyTerms>
}

/** At 100 MB/s for 60 s and 10 %: 6.6 GB; for an event shorter than 10 s: 1.1 GB. */
const cases: readonly Case[] = [
  { what: 'ordinary usage', expect: 'VALID' },
  { what: 'no octets at all', expect: 'VALID', usage: { uplink: octets(0n), downlink: octets(0n) } },
  { what: 'a repeated piece', expect: 'duplicate', state: { repeated: true } },
  { what: 'reported 48 h after its end', expect: 'VALID', usage: { received: millis(end + 48n * HOUR) } },
  {
    what: 'reported 48 h and 1 ms after its end',
    expect: 'outside-window',
    usage: { received: millis(end + 48n * HOUR + 1n) },
  },
  { what: 'reported 5 min before its end', expect: 'VALID', usage: { received: millis(end - 300_000n) } },
  {
    what: 'reported 5 min and 1 ms before its end',
    expect: 'outside-window',
    usage: { received: millis(end - 300_001n) },
  },
  { what: 'banned 1 ms before its end', expect: 'banned', state: banned(end - 1n) },
  { what: 'banned at its end', expect: 'VALID', state: banned(end) },
  { what: 'a ban that ended at its end', expect: 'VALID', state: banned(START, end) },
  { what: 'a ban that ended 1 ms after its end', expect: 'banned', state: banned(START, end + 1n) },
  { what: 'an unknown radio', expect: 'unknown-radio', state: { radio: undefined } },
  { what: 'an unknown subscriber', expect: 'unknown-subscriber', usage: { payer: undefined } },
  { what: 'a payer without a rate', expect: 'no-rate', usage: { payer: payerId('stranger') } },
  { what: 'an access without a rate', expect: 'no-rate', usage: { access: 'nr' } },
  {
    what: 'a payer under the rate for every other',
    expect: 'VALID',
    usage: { payer: payerId('stranger') },
    terms: { rates: [{ payer: '*', access: 'wifi', rate: microtokens(1n) }] },
  },
  { what: 'a counter that fell', expect: 'counter-fell', usage: { flags: 1 } },
  { what: 'a wrap that was assumed, and no start', expect: 'VALID', usage: { flags: 6 } },
  {
    what: 'the most that 60 s can carry',
    expect: 'VALID',
    usage: { uplink: octets(600_000_000n), downlink: octets(6_000_000_000n) },
  },
  {
    what: 'one octet more',
    expect: 'implausible-rate',
    usage: { uplink: octets(600_000_001n), downlink: octets(6_000_000_000n) },
  },
  {
    what: 'the most that counts for an instant',
    expect: 'VALID',
    usage: { start: end, uplink: octets(0n), downlink: octets(1_100_000_000n) },
  },
  {
    what: 'one octet more in an instant',
    expect: 'implausible-rate',
    usage: { start: end, uplink: octets(1n), downlink: octets(1_100_000_000n) },
  },
  {
    what: 'an end before its start',
    expect: 'implausible-rate',
    usage: { start: millis(end + HOUR), downlink: octets(1_100_000_001n) },
  },
  { what: 'an access without a peak', expect: 'implausible-rate', terms: { peaks: [] } },
  {
    what: 'a duplicate of a banned, unknown radio',
    expect: 'duplicate',
    state: { repeated: true, radio: undefined },
    usage: { payer: undefined },
  },
]

t.test('each rule at its edge', async (t) => {
  for (const { what, expect, ...change } of cases) {
    const judged = { ...usage, ...change.usage }
    const { verdict, counted } = judge({ ...TERMS, ...change.terms }, { ...state, ...change.state }, judged)
    t.equal(splitVerdict(verdict).code ?? verdict, expect, what)
    t.equal(counted, expect === 'VALID' ? judged.uplink + judged.downlink : 0n, `${what}: counted`)
    t.equal(parseVerdict(verdict), verdict)
  }
  const covered = new Set(cases.map(({ expect }) => expect))
  t.same(
    RULES.filter(({ code }) => !covered.has(code)),
    [],
    'no rule without a case',
  )
})

t.test('each rule explains itself to an owner, and refusals come first', async (t) => {
  for (const { outcome, code, sentence } of RULES) {
    t.equal(explain(`${outcome}(${code})`), sentence)
    t.match(sentence, /^[A-Z].{30,}\.$/)
  }
  t.equal(new Set(RULES.map(({ code }) => code)).size, RULES.length)
  const outcomes = RULES.map(({ outcome }) => outcome)
  t.ok(outcomes.lastIndexOf('REJECT') < outcomes.indexOf('HOLD'))
  t.equal(explain('VALID'), 'Counted in full.')
  t.match(explain('HOLD(of-the-future)'), /does not know/)
  t.match(explain('REJECT(of-the-future)'), /does not know/)
})

t.test('verdicts as text', async (t) => {
  for (const bad of [
    '',
    'valid',
    'VALID ',
    'HOLD',
    'HOLD()',
    'HOLD(A)',
    'HOLD(a b)',
    `HOLD(${'a'.repeat(33)})`,
    'VALID(a)',
    'REJECT(a)\n',
  ])
    t.equal(parseVerdict(bad), undefined, bad)
  t.same(splitVerdict('REJECT(banned)'), { outcome: 'REJECT', code: 'banned' })
})

t.test('rates: the own one goes before that for every other', async (t) => {
  const rates = [
    { payer: '*', access: 'wifi', rate: microtokens(1n) },
    { payer: partner, access: 'wifi', rate: microtokens(0n) },
  ] as const
  t.equal(rateOf({ rates }, partner, 'wifi'), 0n)
  t.equal(rateOf({ rates }, payerId('stranger'), 'wifi'), 1n)
  t.equal(rateOf({ rates }, partner, 'lte'), undefined)
  const sorted = sortTerms({ ...TERMS, rates: rates.toReversed(), oracles: [Buffer.of(2), Buffer.of(1)] })
  t.same(sorted.rates, rates)
  t.same(sorted.oracles, [Buffer.of(1), Buffer.of(2)])
})

t.test('the standing of a radio over its life', async (t) => {
  const change = (kind: RegistryChange['kind'], at: bigint, expires?: bigint): RegistryChange => ({
    kind,
    owner: 'owner',
    payout: `${kind}-${at}`,
    at: millis(at),
    expires: expires === undefined ? undefined : millis(expires),
  })
  const after = (...changes: RegistryChange[]): RadioStanding | undefined =>
    changes.reduce<RadioStanding | undefined>(applyChange, undefined)
  const claim = change('claim', 0n)
  t.equal(after(change('ban', 1n)), undefined, 'nobody has claimed it')
  t.match(after(claim), { owner: 'owner', payout: 'claim-0', ban: undefined })
  t.match(after(claim, change('payout', 5n)), { payout: 'payout-5' })
  t.match(after(claim, change('ban', 10n)), { payout: 'claim-0', ban: { from: 10n, until: undefined } })
  t.match(
    after(claim, change('ban', 10n), change('claim', 20n)),
    { payout: 'claim-20', ban: { from: 10n } },
    'a new claim is no way out',
  )
  t.match(
    after(claim, change('ban', 10n, 20n), change('ban', 15n, 30n)),
    { ban: { from: 10n, until: 30n } },
    'prolonged',
  )
  t.match(
    after(claim, change('ban', 10n, 20n), change('ban', 25n, 30n)),
    { ban: { from: 25n, until: 30n } },
    'a new one',
  )
  t.match(
    after(claim, change('ban', 10n), change('unban', 20n)),
    { ban: { from: 10n, until: 20n } },
    'ended, not undone',
  )
  t.match(
    after(claim, change('ban', 10n, 15n), change('unban', 20n)),
    { ban: { from: 10n, until: 15n } },
    'over already',
  )
  t.match(after(claim, change('unban', 20n)), { ban: undefined })
  t.match(after(claim, change('ban', 10n), change('appeal', 20n)), { ban: { from: 10n, until: undefined } })
  const ended = after(claim, change('ban', 10n), change('unban', 20n)) ?? standing
  t.same(
    [10n, 11n, 19n, 20n].map((at) => isBanned(ended, millis(at))),
    [false, true, true, false],
  )
})
