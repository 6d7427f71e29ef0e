// What a schema cannot say of a plan: settings that contradict each other.
import { amountOf, type PlanDocument } from './document-schema.ts'
import { NO_LIMIT } from './plan.ts'

interface Fault {
  readonly path: string
  readonly problem: string
}

/** Everything in a document of the right form that contradicts something else in it. */
export function faultsOf(document: PlanDocument): Fault[] {
  return [
    ...repeated(
      'tariffs',
      'name',
      document.tariffs.map((rule) => rule.name),
    ),
    ...repeated(
      'bundles',
      'id',
      document.bundles.map(({ id }) => id),
    ),
    ...document.tariffs.flatMap(ruleFaults),
    ...document.bundles.flatMap(bundleFaults),
    ...creditFaults(document),
    ...grantFaults(document.grant),
    ...finalFaults(document.final),
  ]
}

function repeated(list: string, key: string, names: readonly string[]): Fault[] {
  return names.flatMap((name, index) => {
    const first = names.indexOf(name)
    if (first === index) return []
    return [
      { path: `${list}[${index}].${key}`, problem: `expected a name of its own, got '${name}' of ${list}[${first}]` },
    ]
  })
}

function ruleFaults({ when, deny, free, price, bundles }: PlanDocument['tariffs'][number], index: number): Fault[] {
  const path = `tariffs[${index}]`
  const faults: Fault[] = []
  const ways = Object.entries({ deny, free, price }).flatMap(([key, value]) => (value === undefined ? [] : [key]))
  if (ways.length !== 1)
    faults.push({ path, problem: `expected exactly one of deny, free, price; got ${ways.join(' and ') || 'none'}` })
  if (price && Object.values(price).every((value) => value === undefined))
    faults.push({
      path: `${path}.price`,
      problem: "expected a price for octets, seconds or messages, got none: for no charge write 'free: true'",
    })
  if (price && !bundles && Object.values(price).includes('bundle'))
    faults.push({ path: `${path}.bundles`, problem: 'expected true where only bundles pay, got false' })
  if (when.from !== undefined && when.from === when.to)
    faults.push({ path: `${path}.when.to`, problem: `expected another time than 'from', got '${when.to}' for both` })
  return faults
}

function bundleFaults(bundle: PlanDocument['bundles'][number], index: number): Fault[] {
  const path = `bundles[${index}]`
  const { amount, validity, rollOver, recurring } = bundle
  const faults: Fault[] = []
  const size = amountOf(amount)
  if (size === 0n || size > NO_LIMIT)
    faults.push({ path: `${path}.amount`, problem: `expected an amount from 1 to ${NO_LIMIT}, got ${size}` })
  if (validity.days !== undefined && validity.period !== undefined)
    faults.push({ path: `${path}.validity`, problem: 'expected days or period, got both' })
  if (recurring && validity.period === undefined)
    faults.push({
      path: `${path}.validity.period`,
      problem: 'is required of a recurring bundle: expected "day", "week" or "month"',
    })
  if (rollOver && !recurring)
    faults.push({
      path: `${path}.rollOver`,
      problem: 'expected only on a recurring bundle, got one that is given once',
    })
  return faults
}

function creditFaults({ kind, creditLimit }: PlanDocument): Fault[] {
  if (kind === 'prepaid' && creditLimit !== undefined)
    return [{ path: 'creditLimit', problem: `expected none on a prepaid plan, got ${creditLimit}: make it hybrid` }]
  if (kind === 'hybrid' && creditLimit === undefined)
    return [{ path: 'creditLimit', problem: 'is required of a hybrid plan: expected micro-units' }]
  return []
}

function grantFaults({ largest, least }: PlanDocument['grant']): Fault[] {
  return (['octets', 'seconds', 'messages'] as const).flatMap((unit) => {
    const [low, high] = [amountOf(least[unit]), amountOf(largest[unit])]
    if (low >= 1n && low <= high) return []
    return [{ path: `grant.least.${unit}`, problem: `expected 1 to ${high}, the largest grant, got ${low}` }]
  })
}

function finalFaults({ action, address, filter }: PlanDocument['final']): Fault[] {
  const faults: Fault[] = []
  if (action === 'redirect' && address === undefined)
    faults.push({ path: 'final.address', problem: 'is required to redirect: expected a URL' })
  if (action === 'restrict' && filter === undefined)
    faults.push({ path: 'final.filter', problem: 'is required to restrict: expected an IPFilterRule' })
  if (action !== 'redirect' && address !== undefined)
    faults.push({ path: 'final.address', problem: `expected only with the action redirect, got it with ${action}` })
  if (action !== 'restrict' && filter !== undefined)
    faults.push({ path: 'final.filter', problem: `expected only with the action restrict, got it with ${action}` })
  return faults
}
