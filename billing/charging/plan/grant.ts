// How much a session may use before it asks again. Everything granted is reserved first, so that many sessions on one balance cannot
// overspend it together; near the end grants become small, so that one session does not hold what another could use.
import type { ServiceResult, Units } from '../../../core/events/quota.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import {
  type Balance,
  type Cap,
  METERED,
  type Metered,
  NO_LIMIT,
  type Part,
  type Plan,
  type Price,
  type Tariff,
  type TariffRule,
  type Unit,
} from './plan.ts'
import { PRICE_PARTS, REMAINDER_PARTS, spend, take } from './wallet.ts'

export interface Demand {
  readonly at: Millis
  /** When the tariff changes or another reason makes this grant end; undefined: not foreseen. */
  readonly until: Millis | undefined
  /** Octets per second of late; undefined: not known yet. */
  readonly rate: bigint | undefined
  /** What the service is measured in: a free service is granted these. */
  readonly measured: readonly Metered[]
  /** What the caps leave (`allowance`). */
  readonly left: Cap
  /** Octets until the fair-use profile applies (`fairUseLeft`); undefined: it does already, or there is none. */
  readonly fairUseLeft: bigint | undefined
}

export interface Grant {
  readonly result: ServiceResult
  /** Undefined where nothing is granted. */
  readonly units: Units | undefined
  /** Reserve these: each account at most once for a unit, none of them 0. */
  readonly reserve: readonly Part[]
  /** This is all there is: what comes after it is the plan's final action. */
  readonly final: boolean
  /** Ask again when so many octets are left; undefined: when all is used. */
  readonly threshold: bigint | undefined
  /** Seconds, 1 or more. */
  readonly validity: bigint
}

/**
 * A grant under `rule` (undefined: none applies) from `balances`, which stand in paying order. Never more than is available: money is
 * reserved rounded up, so that it suffices whatever remainder is carried and however the usage is cut into reports.
 */
export function grantFor(
  plan: Plan,
  rule: TariffRule | undefined,
  balances: readonly Balance[],
  demand: Demand,
): Grant {
  const refused = (result: ServiceResult): Grant => ({
    result,
    units: undefined,
    reserve: [],
    final: false,
    threshold: undefined,
    validity: validityOf(plan, demand, []),
  })
  if (!rule) return refused('rating-failed')
  const { tariff } = rule
  if (tariff.kind === 'deny') return refused('service-denied')
  if (tariff.kind === 'free') return freeGrant(plan, demand)
  const needs = needsOf(tariff)
  let purse = balances
  let budget = smaller(total(balances, 'money'), demand.left.money)
  const reserve: Part[] = []
  const granted: Partial<Record<Metered, bigint>> = {}
  for (const [index, need] of needs.entries()) {
    const { unit } = need
    // Units that are charged in money share it evenly: no grant of one leaves nothing for the other.
    const money = budget / BigInt(needs.length - index)
    const covered = smaller(coverage(need, purse, money), unit === 'octet' ? demand.left.octets : undefined)
    if (covered <= 0n) return refused('credit-limit-reached')
    const amount = sizeOf(covered, wanted(plan, unit, demand), plan.grant.least[unit])
    const parts = reserveFor(need, purse, amount)
    for (const part of parts) if (part.unit === 'money') budget -= part.amount
    purse = spend(purse, parts)
    reserve.push(...parts)
    granted[unit] = amount
  }
  const capped = demand.left.octets !== undefined && granted.octet === demand.left.octets
  const share = budget / BigInt(needs.length)
  const final = capped || needs.some((need) => coverage(need, purse, share) === 0n)
  return {
    result: 'granted',
    units: unitsOf(granted),
    reserve: merge(reserve),
    final,
    threshold: final ? undefined : thresholdOf(granted.octet),
    validity: validityOf(plan, demand, holders(balances, reserve)),
  }
}

/** Octets that `balances` can pay for under `rule`; undefined: no limit. */
export function octetsLeft(rule: TariffRule, balances: readonly Balance[], left: Cap): bigint | undefined {
  const { tariff } = rule
  const need = tariff.kind === 'paid' ? needsOf(tariff).find(({ unit }) => unit === 'octet') : undefined
  if (need === undefined) return undefined
  const covered = smaller(coverage(need, balances, smaller(total(balances, 'money'), left.money)), left.octets)
  return covered < NO_LIMIT / REMAINDER_PARTS ? covered : undefined
}

function freeGrant(plan: Plan, demand: Demand): Grant {
  const { largest } = plan.grant
  const granted = Object.fromEntries(demand.measured.map((unit) => [unit, largest[unit]])) as Partial<
    Record<Metered, bigint>
  >
  return {
    result: 'granted',
    units: unitsOf(granted),
    reserve: [],
    final: false,
    threshold: thresholdOf(granted.octet),
    validity: validityOf(plan, demand, []),
  }
}

interface Need {
  readonly unit: Metered
  readonly price: Price
  readonly bundles: boolean
}

const needs = new WeakMap<Tariff, readonly Need[]>()

/** The units that a tariff charges. */
function needsOf(tariff: Tariff & { readonly kind: 'paid' }): readonly Need[] {
  const known = needs.get(tariff)
  if (known) return known
  const { price, bundles } = tariff
  const made = METERED.map((unit) => ({ unit, price: price[unit], bundles })).filter(({ price }) => price !== undefined)
  needs.set(tariff, made)
  return made
}

/** How many units the bundles, and then so much money, can pay for. */
function coverage({ unit, price, bundles }: Need, balances: readonly Balance[], money: bigint): bigint {
  const bundled = bundles ? total(balances, unit) : 0n
  if (price === 'bundle' || price === undefined) return bundled
  return bundled + (price === 0n ? NO_LIMIT : (money * REMAINDER_PARTS) / (price * PRICE_PARTS[unit]))
}

/** A quarter of what is left, but not below `least`, and not more than is wanted; a crumb is not kept back. */
function sizeOf(left: bigint, want: bigint, least: bigint): bigint {
  const quarter = left / 4n
  const size = smaller(smaller(want, quarter > least ? quarter : least), left)
  return left - size < least && left <= want ? left : size
}

/** What would last for the validity time at the present rate. */
function wanted({ grant: { largest, least, validity } }: Plan, unit: Metered, { rate, fairUseLeft }: Demand): bigint {
  if (unit !== 'octet') return largest[unit]
  const atLeast = (amount: bigint): bigint => (amount < least.octet ? least.octet : amount)
  const useful = rate === undefined ? largest.octet : smaller(atLeast(rate * validity), largest.octet)
  // Ending where the fair-use profile begins; a grant of a few octets is not worth the question.
  return fairUseLeft === undefined ? useful : smaller(useful, atLeast(fairUseLeft))
}

function reserveFor({ unit, price, bundles }: Need, balances: readonly Balance[], amount: bigint): Part[] {
  const parts: Part[] = []
  const rest = bundles ? take(balances, unit, amount, parts) : amount
  if (typeof price === 'bigint') {
    const exact = rest * price * PRICE_PARTS[unit]
    take(balances, 'money', (exact + REMAINDER_PARTS - 1n) / REMAINDER_PARTS, parts)
  }
  return parts
}

function merge(parts: readonly Part[]): readonly Part[] {
  if (parts.length < 2) return parts
  const merged = new Map<bigint, Part>()
  for (const part of parts)
    merged.set(part.account, { ...part, amount: part.amount + (merged.get(part.account)?.amount ?? 0n) })
  return [...merged.values()]
}

const holders = (balances: readonly Balance[], reserve: readonly Part[]): Balance[] =>
  balances.filter(({ account }) => reserve.some((part) => part.account === account))

/** Four fifths are used before the next question, the last fifth while it is answered. */
const thresholdOf = (octets: bigint | undefined): bigint | undefined =>
  octets === undefined || octets < 5n ? undefined : octets / 5n

/** The plan's, shortened to when the tariff changes or a balance that pays expires, rounded up to a whole second. */
function validityOf({ grant }: Plan, { at, until }: Demand, holding: readonly Balance[]): bigint {
  return [until, ...holding.map(({ expires }) => expires)].reduce(
    (validity: bigint, end) =>
      end === undefined || end <= at ? validity : smaller(validity, (end - at + 999n) / 1000n),
    grant.validity,
  )
}

function total(balances: readonly Balance[], unit: Unit): bigint {
  let sum = 0n
  for (const balance of balances) if (balance.unit === unit && balance.available > 0n) sum += balance.available
  return sum
}

const smaller = (a: bigint, b: bigint | undefined): bigint => (b !== undefined && b < a ? b : a)

const unitsOf = ({ octet, second, message }: Partial<Record<Metered, bigint>>): Units => ({
  octets: octet,
  seconds: second,
  units: message,
})
