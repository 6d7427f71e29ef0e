// A plan as people write it, in YAML or JSON, and the checked value made of it.
import type { TSchema } from 'typebox'
import { checkObject } from '../../../core/config/check.ts'
import { fromValue } from '../../../core/config/located.ts'
import type { SchemaView } from '../../../core/config/schema.ts'
import type { FinalAction } from '../../../core/events/quota.ts'
import { fail } from '../../../core/kernel/errors.ts'
import { planId } from '../../../core/kernel/ids.ts'
import { faultsOf } from './document-faults.ts'
import { amountOf, type PlanDocument, planSchema } from './document-schema.ts'
import type { Amounts, BundleOffer, Cap, Plan, Price, ServiceFilter, Tariff, TariffRule, Validity } from './plan.ts'

type RuleDocument = PlanDocument['tariffs'][number]
type BundleDocument = PlanDocument['bundles'][number]

/** The plan that `document`, parsed from YAML or JSON, describes. Throws PLAN_INVALID with every problem and its path. */
export function parsePlan(document: unknown): Plan {
  const problems: string[] = []
  const complain = (_place: unknown, path: string, problem: string): void => {
    problems.push(path === '' ? problem : `${path}: ${problem}`)
  }
  const located = fromValue(jsonNumbers(document), { origin: 'program', text: 'plan' })
  const checked = checkObject(planSchema as TSchema as SchemaView, located, '', {
    overrides: new Map(),
    complain,
    record: () => {},
  })
  if (problems.length === 0)
    for (const { path, problem } of faultsOf(checked as PlanDocument)) complain(undefined, path, problem)
  if (problems.length > 0)
    fail('PLAN_INVALID', { count: problems.length, problems: problems.map((line) => `  ${line}`).join('\n') })
  return planOf(checked as PlanDocument)
}

/** A parser may give bigint: what a number holds exactly becomes one, the rest its digits. */
function jsonNumbers(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (Array.isArray(value)) return value.map(jsonNumbers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonNumbers(item)]))
}

function planOf(document: PlanDocument): Plan {
  const { caps, recurring, fairUse, grant } = document
  return {
    tenant: document.tenant,
    id: planId(document.id),
    version: BigInt(document.version),
    name: document.name,
    kind: document.kind,
    tariffs: document.tariffs.map(ruleOf),
    bundles: document.bundles.map(bundleOf),
    recurring: recurring && { period: recurring.period, price: amountOf(recurring.price) },
    creditLimit: optional(document.creditLimit),
    caps: { day: capOf(caps.day), month: capOf(caps.month) },
    thresholds: [...new Set(document.thresholds)].sort((a, b) => a - b),
    fairUse: fairUse && {
      octets: amountOf(fairUse.octets),
      period: fairUse.period,
      throttle: { uplink: BigInt(fairUse.throttle.uplink), downlink: BigInt(fairUse.throttle.downlink) },
    },
    sessions: document.sessions,
    grant: { largest: amountsOf(grant.largest), least: amountsOf(grant.least), validity: BigInt(grant.validity) },
    final: finalOf(document.final),
  }
}

const ruleOf = (rule: RuleDocument): TariffRule => ({
  name: rule.name,
  when: {
    ...filterOf(rule.when),
    days: rule.when.days,
    from: minuteOf(rule.when.from),
    to: minuteOf(rule.when.to),
  },
  tariff: tariffOf(rule),
})

function tariffOf({ deny, price, bundles }: RuleDocument): Tariff {
  if (deny) return { kind: 'deny' }
  if (!price) return { kind: 'free' }
  const { octets, seconds, messages } = price
  return {
    kind: 'paid',
    price: { octet: priceOf(octets), second: priceOf(seconds), message: priceOf(messages) },
    bundles,
  }
}

const bundleOf = (bundle: BundleDocument): BundleOffer => ({
  id: bundle.id,
  unit: bundle.unit,
  amount: amountOf(bundle.amount),
  validity: validityOf(bundle.validity),
  priority: bundle.priority,
  price: amountOf(bundle.price),
  rollOver: bundle.rollOver && {
    percent: bundle.rollOver.percent,
    limit: optional(bundle.rollOver.limit),
    times: bundle.rollOver.times,
  },
  services: filterOf(bundle.services),
  shared: bundle.shared,
  recurring: bundle.recurring,
})

function validityOf({ days, period }: BundleDocument['validity']): Validity {
  if (days !== undefined) return { kind: 'days', days }
  return period === undefined ? { kind: 'unlimited' } : { kind: 'period', period }
}

const filterOf = ({ access, radioClasses, ratingGroups, zones }: BundleDocument['services']): ServiceFilter => ({
  access,
  radioClasses,
  ratingGroups: ratingGroups?.map(BigInt),
  zones,
})

const capOf = ({ octets, money }: PlanDocument['caps']['day']): Cap => ({
  octets: optional(octets),
  money: optional(money),
})

const amountsOf = ({ octets, seconds, messages }: PlanDocument['grant']['largest']): Amounts => ({
  octet: amountOf(octets),
  second: amountOf(seconds),
  message: amountOf(messages),
})

function finalOf({ action, address = '', filter = '' }: PlanDocument['final']): FinalAction {
  if (action === 'redirect') return { action, address }
  return action === 'restrict' ? { action, filter } : { action }
}

const optional = (written: number | string | undefined): bigint | undefined =>
  written === undefined ? undefined : amountOf(written)

const priceOf = (written: number | string | undefined): Price => (written === 'bundle' ? 'bundle' : optional(written))

const minuteOf = (written: string | undefined): number | undefined =>
  written === undefined ? undefined : Number(written.slice(0, 2)) * 60 + Number(written.slice(3))
