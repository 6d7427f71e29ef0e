// What a subscriber can pay with, all of it: balances, its pool's, what it owes, and what was used without anything to pay.
import type { Sql } from '../../../core/store/sql.ts'
import { overuseOf, owedOf, usageOf } from '../../ledger/accounts.ts'
import { type BalanceState, balances } from '../balances/store.ts'
import { type Catalogue, readTenants, type Tenant } from '../catalogue/store.ts'
import type { Plan } from '../plan/plan.ts'
import { poolsOf } from '../wallet/store.ts'
import { formatInstant } from './instant.ts'
import { currentPlan, type Profile, readAccounts } from './store.ts'

export interface Wealth {
  readonly profile: Profile
  readonly tenant: Tenant | undefined
  readonly plan: Plan | undefined
  readonly pool: string | undefined
  readonly balances: readonly BalanceState[]
  /** What is owed, reserved of credit, and was used without anything to pay with, each in its unit. */
  readonly owed:
    | { readonly unit: string; readonly amount: bigint; readonly reserved: bigint; readonly limit: bigint | null }
    | undefined
  readonly overuse: readonly { readonly unit: string; readonly amount: bigint }[]
}

/** `catalogue`: one that has read plans before. */
export async function readWealth(sql: Sql, profile: Profile, catalogue?: Catalogue): Promise<Wealth> {
  const { subscriber } = profile
  const tenant = (await readTenants(sql, [profile.tenant])).get(profile.tenant)
  const plan = await currentPlan(sql, profile, catalogue)
  const currency = plan && tenant?.currency
  const unit = currency ?? 'microtoken'
  const owing = currency === undefined ? usageOf(subscriber) : owedOf(subscriber, currency)
  const units = ['octet', 'second', 'message', unit].map((each) => ({
    unit: each,
    account: overuseOf(subscriber, each),
  }))
  const accounts = await readAccounts(sql, [owing, ...units.map(({ account }) => account)])
  const owed = accounts.get(owing)
  const overuse = units
    .map(({ unit: each, account }) => ({ unit: each, amount: accounts.get(account)?.posted ?? 0n }))
    .filter(({ amount }) => amount > 0n)
  const onCredit = plan?.kind !== 'prepaid'
  return {
    profile,
    tenant,
    plan,
    pool: (await poolsOf(sql, [subscriber])).get(subscriber),
    balances: await balances(sql, subscriber),
    owed:
      owed || onCredit
        ? { unit, amount: owed?.posted ?? 0n, reserved: owed?.pending ?? 0n, limit: plan?.creditLimit ?? null }
        : undefined,
    overuse,
  }
}

/** For programs. */
export function wealthJson({ profile, tenant, plan, pool, balances: pots, owed, overuse }: Wealth) {
  return {
    subscriber: profile.subscriber,
    tenant: profile.tenant,
    plan: plan ? { id: plan.id, version: plan.version, kind: plan.kind } : null,
    currency: tenant?.currency ?? null,
    pool: pool ?? null,
    balances: pots.map((pot) => ({
      account: pot.account,
      owner: pot.owner,
      kind: pot.kind,
      unit: pot.unit,
      offer: pot.offer,
      left: pot.posted,
      reserved: pot.posted - pot.free,
      granted: pot.granted,
      priority: pot.priority,
      expires: pot.expires_at === null ? null : formatInstant(pot.expires_at),
      services: pot.services === null ? null : (JSON.parse(pot.services) as unknown),
    })),
    owed: owed ?? null,
    overuse,
  }
}
