// A service and its subscriber's wallet: what was used is posted, what is not needed goes back, and a new piece is set aside. Pure but for
// the purse and book in memory.
import type { ServiceRequest, UsedUnits } from '../../../core/events/quota.ts'
import { type Millis, millis } from '../../../core/kernel/units.ts'
import { periodOf } from '../plan/calendar.ts'
import { type Grant, grantFor } from '../plan/grant.ts'
import type { Cap, Plan, TariffRule } from '../plan/plan.ts'
import { tariffFor } from '../plan/tariff.ts'
import type { Book, Cause } from '../wallet/book.ts'
import {
  capsLeft,
  count,
  fairOf,
  freeOf,
  hold,
  isPlausible,
  type Promised,
  type Purse,
  payersOf,
  payFrom,
  periodEnd,
  post,
  turn,
  untilThreshold,
} from '../wallet/purse.ts'
import { addUsed } from './again.ts'
import type { PlainAnswer } from './answer.ts'
import { isUsed, type ServiceState, UNUSED } from './state.ts'
import { type Asked, amountsOf, isNegative, measuredBy, type Terms } from './terms.ts'

/** Grants to set aside at once where there is plenty; never more than a quarter of what is left, nor beyond the next threshold. */
const MOST_GRANTS = 64n
/** No grant is given twice for longer than this, so that records are cut in time, milliseconds. */
const LONGEST = 3_600_000n
const FOREVER = 1n << 62n
/** What the caps count as set aside for one service at most: far more than any session can carry. */
const MOST_HELD = 1n << 54n
const UNFIT = 'the charge would not fit the books'

export interface Serving {
  readonly book: Book
  readonly purse: Purse
  readonly terms: Terms
  readonly asked: Asked
  readonly cause: Cause
  /** Usage that is not believed or that the books cannot take, with the reason. */
  readonly held: (reason: string, usage: unknown) => void
  /** Ends the record so far: what comes next is under another tariff. */
  readonly cut: (state: ServiceState) => void
}

/** Posts what was used and gives the rest back: nothing is held afterwards. */
export function settle(serving: Serving, state: ServiceState): ServiceState {
  const { book, purse, terms, asked, cause } = serving
  for (const { account, held, spent } of state.parts) {
    const pot = purse.pots.get(account)
    if (!pot) throw new RangeError(`account ${account} is not in the purse`)
    hold(pot, -held)
    if (!post(book, purse, pot, spent, cause, terms.plan))
      serving.held(UNFIT, { ratingGroup: state.ratingGroup, account: pot.id, amount: spent })
  }
  const { wallet } = purse
  const { at } = asked.request
  turn(wallet, terms.plan, at, terms.timeZone)
  count(book, purse, terms.plan, at, state.chargedOctets, state.chargedMoney)
  if (state.heldOctets !== 0n || state.heldMoney !== 0n) {
    wallet.heldOctets -= state.heldOctets
    wallet.heldMoney -= state.heldMoney
    wallet.touched = true
  }
  return {
    ...state,
    parts: [],
    step: 0n,
    until: 0n,
    settled: at,
    chargedOctets: 0n,
    chargedMoney: 0n,
    heldOctets: 0n,
    heldMoney: 0n,
  }
}

/** Charges what a request reports, out of the whole purse. The state must be settled; `promised`: what it held before. */
export function chargeUsed(
  serving: Serving,
  state: ServiceState,
  wanted: ServiceRequest,
  promised: Promised,
): ServiceState {
  const { used } = wanted
  const { purse, terms, asked } = serving
  const { at } = asked.request
  if (isNegative(wanted) || !isPlausible(amountsOf(used))) {
    serving.held('implausible', wanted)
    return state
  }
  let next = state
  const { change } = state
  const rank = ({ tariff }: UsedUnits): number => (tariff === 'before' ? 0 : 1)
  for (const units of [...used].sort((a, b) => rank(a) - rank(b))) {
    const when: Millis = units.tariff === 'before' && change !== undefined && change <= at ? millis(change - 1n) : at
    const { rule } = tariffFor(terms.plan, asked.context, wanted.ratingGroup, when, terms.timeZone)
    const index = rule ? terms.plan.tariffs.indexOf(rule) : -1
    if (index !== next.rule && isUsed(next.used)) {
      serving.cut(next)
      next = { ...next, used: UNUSED }
    }
    const carried = next.remainder + purse.wallet.remainder
    const usage = {
      amounts: amountsOf([units]),
      rule,
      context: asked.context,
      ratingGroup: wanted.ratingGroup,
      at: when,
      remainder: carried,
      promised,
    }
    const payment = payFrom(serving.book, purse, terms.plan, usage, serving.cause)
    if (!payment) {
      serving.held(UNFIT, { ...wanted, used: [units] })
      continue
    }
    if (purse.wallet.remainder !== 0n) Object.assign(purse.wallet, { remainder: 0n, touched: true })
    const charged = usage.amounts.octet - payment.free.octet
    count(serving.book, purse, terms.plan, at, charged, payment.charge)
    next = {
      ...next,
      rule: index,
      remainder: payment.remainder,
      used: addUsed(next.used, { used: [units] }, payment, at),
    }
  }
  return next
}

export interface GrantedAnew {
  readonly state: ServiceState
  readonly answer: PlainAnswer
  /** There was not enough for what was wanted: others may hold some that they do not need. */
  readonly short: boolean
}

/** Sets a new piece aside. The state must be settled; `rate`: octets a second of late. */
export function grantAnew(
  { purse, terms, asked, cause }: Serving,
  state: ServiceState,
  wanted: ServiceRequest,
  rate: bigint | undefined,
): GrantedAnew {
  const { plan, timeZone } = terms
  const { at } = asked.request
  const { ratingGroup } = wanted
  turn(purse.wallet, plan, at, timeZone)
  const { rule, until } = tariffFor(plan, asked.context, ratingGroup, at, timeZone)
  const fair = fairOf(purse, plan)
  const left = capsLeft(purse, plan)
  const payers = payersOf(purse, asked.context, ratingGroup, at)
  const grant = grantFor(plan, rule, payers, {
    at,
    until,
    rate,
    measured: measuredBy(amountsOf(wanted.used)),
    left,
    fairUseLeft: fair.left,
  })
  const change = until !== undefined && until <= at + plan.grant.validity * 1000n ? until : undefined
  const answer: PlainAnswer = {
    ratingGroup,
    result: grant.result,
    granted: grant.units,
    validity: grant.validity,
    threshold: grant.threshold,
    final: grant.final,
    tariffChange: change,
    throttled: fair.throttled,
  }
  const index = rule ? plan.tariffs.indexOf(rule) : -1
  const base: ServiceState = { ...state, rule: isUsed(state.used) ? state.rule : index, change }
  if (!grant.units)
    return {
      state: { ...base, octets: undefined, seconds: undefined, units: undefined, validity: grant.validity },
      answer,
      short: grant.result === 'credit-limit-reached',
    }
  // Sessions that begin together, as after an outage, shall not all come back to their wallets together.
  const most = rate === undefined ? 1n + (cause.reference % MOST_GRANTS) : MOST_GRANTS
  const times = grant.final ? 1n : timesOf(grant, purse, { plan, most, left, fairLeft: fair.left })
  const parts = grant.reserve.flatMap(({ account, amount }) => {
    const pot = purse.pots.get(account)
    if (!pot) return []
    hold(pot, amount * times)
    return [{ account, kind: pot.kind, unit: pot.unit, held: amount * times, spent: 0n }]
  })
  const octets = isCharged(rule) ? (grant.units.octets ?? 0n) * times : 0n
  const heldOctets = octets < MOST_HELD ? octets : MOST_HELD
  const heldMoney = parts.reduce((sum, { unit, held }) => (unit === 'money' ? sum + held : sum), 0n)
  if (heldOctets !== 0n || heldMoney !== 0n) {
    purse.wallet.heldOctets += heldOctets
    purse.wallet.heldMoney += heldMoney
    purse.wallet.touched = true
  }
  // With the tenant's day the record ends, too.
  const ends = [until, at + LONGEST, periodEnd(plan, at, timeZone), periodOf('day', at, timeZone).end]
  for (const { account } of parts) ends.push(purse.pots.get(account)?.expires)
  const next: ServiceState = {
    ...base,
    octets: grant.units.octets,
    seconds: grant.units.seconds,
    units: grant.units.units,
    validity: grant.validity,
    threshold: grant.threshold,
    throttled: fair.throttled,
    step: parts.length === 1 && !grant.final ? (grant.reserve[0]?.amount ?? 0n) : 0n,
    until: grant.final
      ? 0n
      : ends.reduce((soonest: bigint, end) => (end !== undefined && end < soonest ? end : soonest), FOREVER),
    parts,
    heldOctets,
    heldMoney,
  }
  return { state: next, answer, short: grant.final }
}

const isCharged = (rule: TariffRule | undefined): boolean => rule?.tariff.kind === 'paid'

interface Bounds {
  readonly plan: Plan
  readonly most: bigint
  /** What the caps leave. */
  readonly left: Cap
  /** Octets until the fair-use profile applies. */
  readonly fairLeft: bigint | undefined
}

/** How many such grants to set aside: one, unless a single account has four times as much, and caps and fair use leave it. */
function timesOf({ reserve, units }: Grant, { pots }: Purse, { plan, most, left, fairLeft }: Bounds): bigint {
  const [only, second] = reserve
  const pot = only && pots.get(only.account)
  if (!only || !pot || second) return 1n
  const limits = [freeOf(pot) / 4n / only.amount]
  const mark = untilThreshold(pot, plan)
  if (mark !== undefined) limits.push(mark / only.amount)
  const octets = units?.octets
  if (octets && left.octets !== undefined) limits.push(left.octets / 4n / octets)
  if (octets && fairLeft !== undefined) limits.push(fairLeft / octets)
  if (only.unit === 'money' && left.money !== undefined) limits.push(left.money / 4n / only.amount)
  return limits.reduce((least, limit) => (limit < least ? (limit < 1n ? 1n : limit) : least), most)
}

/**
 * Sets aside again what the peer still may use after an older report has been charged in between: as much as before, or what there is.
 */
export function holdAgain({ purse }: Serving, settled: ServiceState, before: ServiceState): ServiceState {
  const parts = before.parts.flatMap((part) => {
    const pot = purse.pots.get(part.account)
    const left = part.held - part.spent
    const there = pot?.open ? freeOf(pot) : 0n
    const amount = left < there ? left : there > 0n ? there : 0n
    if (!pot || amount === 0n) return []
    hold(pot, amount)
    return [{ ...part, held: amount, spent: 0n }]
  })
  const whole = parts.length === before.parts.length
  const heldMoney = parts.reduce((sum, { unit, held }) => (unit === 'money' ? sum + held : sum), 0n)
  const heldOctets = before.heldOctets - before.chargedOctets > 0n ? before.heldOctets - before.chargedOctets : 0n
  purse.wallet.heldOctets += heldOctets
  purse.wallet.heldMoney += heldMoney
  purse.wallet.touched = true
  return { ...settled, parts, step: whole ? before.step : 0n, until: whole ? before.until : 0n, heldOctets, heldMoney }
}

/** What a session holds beyond the grant that its peer has: it can be given to others at once. */
export const slackOf = ({ parts: [only, second], step }: ServiceState): bigint =>
  !only || second || step === 0n || only.held - only.spent <= step ? 0n : only.held - only.spent - step

/** What a service has set aside and not used. */
export const promisedBy = ({ parts }: ServiceState): Promised =>
  parts.map(({ account, held, spent }) => ({ account, amount: held - spent }))

/** Gives the slack back. */
export function giveSlack(purse: Purse, state: ServiceState): ServiceState {
  const slack = slackOf(state)
  const [only] = state.parts
  const pot = only && purse.pots.get(only.account)
  if (!only || !pot || slack === 0n) return state
  hold(pot, -slack)
  const octets = only.unit === 'octet' ? slack : (state.octets ?? 0n) * (slack / state.step)
  const heldOctets = state.heldOctets > octets ? state.heldOctets - octets : 0n
  const heldMoney = only.unit === 'money' ? state.heldMoney - slack : state.heldMoney
  purse.wallet.heldOctets -= state.heldOctets - heldOctets
  purse.wallet.heldMoney -= state.heldMoney - heldMoney
  purse.wallet.touched = true
  return { ...state, parts: [{ ...only, held: only.held - slack }], heldOctets, heldMoney }
}
