// What a session is charged by, as far as it cannot change: a version of a plan, its tenant's clock and currency.
import type { QuotaRequest, ServiceRequest, UsedUnits } from '../../../core/events/quota.ts'
import { planId } from '../../../core/kernel/ids.ts'
import type { Microtokens } from '../../../core/kernel/units.ts'
import { type Amounts, ANY_SERVICE, type Metered, type Plan, type TariffContext } from '../plan/plan.ts'

export interface Terms {
  /** Undefined: the built-in flat plan. */
  readonly planNo: bigint | undefined
  readonly plan: Plan
  /** Undefined: microtokens. */
  readonly currency: string | undefined
  readonly timeZone: string
}

const LARGEST: Amounts = { octet: 100_000_000n, second: 3600n, message: 100n }
const LEAST: Amounts = { octet: 1_000_000n, second: 60n, message: 1n }

/**
 * The plan of everybody whose plan is not in the catalogue: every octet at `price` microtokens per 1,000,000, on credit without limit.
 */
export const flatTerms = (price: Microtokens): Terms => ({
  planNo: undefined,
  plan: {
    tenant: '',
    id: planId('flat'),
    version: 1n,
    name: 'flat',
    kind: 'postpaid',
    tariffs: [
      {
        name: 'flat',
        when: { ...ANY_SERVICE, days: undefined, from: undefined, to: undefined },
        tariff: { kind: 'paid', price: { octet: price, second: undefined, message: undefined }, bundles: false },
      },
    ],
    bundles: [],
    recurring: undefined,
    creditLimit: undefined,
    caps: { day: { octets: undefined, money: undefined }, month: { octets: undefined, money: undefined } },
    thresholds: [],
    fairUse: undefined,
    sessions: 16,
    grant: { largest: LARGEST, least: LEAST, validity: 600n },
    final: { action: 'terminate' },
  },
  currency: undefined,
  timeZone: 'UTC',
})

export const amountsOf = (used: readonly UsedUnits[]): Amounts => {
  let [octet, second, message] = [0n, 0n, 0n]
  for (const each of used) {
    octet += each.uplink + each.downlink
    second += each.seconds
    message += each.units
  }
  return { octet, second, message }
}

/** What a service is measured in, as far as its use so far tells: octets, unless only others were used. */
export function measuredBy({ octet, second, message }: Amounts): Metered[] {
  const others: Metered[] = [
    ...(second > 0n ? (['second'] as const) : []),
    ...(message > 0n ? (['message'] as const) : []),
  ]
  return octet > 0n || others.length === 0 ? ['octet'] : others
}

/** A request, and what the registry says of the radio. */
export interface Asked {
  readonly request: QuotaRequest
  readonly context: TariffContext
  readonly contextKey: string
}

export const isNegative = ({ used }: ServiceRequest): boolean =>
  used.some(({ uplink, downlink, seconds, units }) => uplink < 0n || downlink < 0n || seconds < 0n || units < 0n)
