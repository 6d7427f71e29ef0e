// `tallycell balance` and `tallycell topup`: what a subscriber can pay with.
import type { Command } from '../../../core/cli/command.ts'
import { type Column, table } from '../../../core/cli/table.ts'
import { fail } from '../../../core/kernel/errors.ts'
import type { Sql } from '../../../core/store/sql.ts'
import { moneyOf, overuseOf, owedOf, usageOf, type WalletOwner } from '../../ledger/accounts.ts'
import { formatAmount, formatMoney, readMoney } from '../../ledger/amount.ts'
import { type BalanceState, balances, topUp } from '../balances/store.ts'
import { planKey, readTenants, type Tenant } from '../catalogue/store.ts'
import type { Plan } from '../plan/plan.ts'
import { parseServices, poolsOf } from '../wallet/store.ts'
import { addCommand } from './bundle.ts'
import { formatInstant } from './instant.ts'
import { readReference } from './reference.ts'
import { currentPlan, findTransfer, needProfile, needTenant, type Profile, readAccount } from './store.ts'

export function balanceCommands(): Command[] {
  return [topup, list, addCommand]
}

const SUBSCRIBER = { name: 'SUBSCRIBER', summary: 'the subscriber', required: true } as const

const topup: Command = {
  path: ['topup'],
  summary: 'add money to a subscriber; the same reference again changes nothing',
  positionals: [
    SUBSCRIBER,
    { name: 'AMOUNT', summary: "in the currency of the subscriber's tenant: 12.50", required: true },
  ],
  options: { reference: { value: 'REF', summary: 'names the payment, once and for all', required: true } },
  examples: ['tallycell topup alice 20.00 --reference till-7/000123'],
  async run({ args, options }, context) {
    const reference = readReference(options.reference ?? '')
    const store = await context.store()
    return store.batch(async (sql) => {
      const { subscriber, tenant } = await needProfile(sql, args.SUBSCRIBER ?? '')
      const { currency, decimals } = await needTenant(sql, tenant)
      const amount = readMoney(args.AMOUNT ?? '', decimals, currency)
      const owner: WalletOwner = `subscriber:${subscriber}`
      const account = moneyOf(owner, currency)
      const added = await topUp(sql, { owner, tenant, currency, amount, reference, at: context.clock() })
      if (!added) {
        const before = await findTransfer(sql, `topup:${tenant}:${reference}`)
        if (before && (before.credit !== account || before.amount !== amount)) {
          const booked = `${formatMoney(before.amount, currency, decimals)} for ${before.credit}, ${formatInstant(before.at)}`
          fail('REFERENCE_TAKEN', { reference, booked })
        }
      }
      const balance = (await readAccount(sql, account))?.posted ?? 0n
      const [sum, now] = [formatMoney(amount, currency, decimals), formatMoney(balance, currency, decimals)]
      return {
        text: added
          ? `Added ${sum} to ${subscriber}, who has ${now} now.`
          : `The payment ${reference} was booked before: nothing changed. ${subscriber} has ${now}.`,
        json: { subscriber, tenant, amount, currency, reference, added, balance },
      }
    })
  },
}

type Cell = 'what' | 'owner' | 'left' | 'reserved' | 'given' | 'expires' | 'services'
const COLUMNS: readonly Column<Cell>[] = [
  { name: 'what' },
  { name: 'owner' },
  { name: 'left', align: 'right' },
  { name: 'reserved', align: 'right' },
  { name: 'given', align: 'right' },
  { name: 'expires' },
  { name: 'services' },
]

interface Wealth {
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

async function readWealth(sql: Sql, id: string): Promise<Wealth> {
  const profile = await needProfile(sql, id)
  const { subscriber } = profile
  const tenant = (await readTenants(sql, [profile.tenant])).get(profile.tenant)
  const plan = await currentPlan(sql, profile)
  const currency = plan && tenant?.currency
  const unit = currency ?? 'microtoken'
  const owed = await readAccount(sql, currency === undefined ? usageOf(subscriber) : owedOf(subscriber, currency))
  const overuse: { unit: string; amount: bigint }[] = []
  for (const each of ['octet', 'second', 'message', unit]) {
    const amount = (await readAccount(sql, overuseOf(subscriber, each)))?.posted ?? 0n
    if (amount > 0n) overuse.push({ unit: each, amount })
  }
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

const list: Command = {
  path: ['balance', 'list'],
  summary: 'show what a subscriber can pay with: bundles, money, credit, and what open sessions have reserved',
  positionals: [SUBSCRIBER],
  examples: ['tallycell balance list alice'],
  async run({ args }, context) {
    const store = await context.store()
    const wealth = await store.batch((sql) => readWealth(sql, args.SUBSCRIBER ?? ''))
    return { text: wealthText(wealth), json: wealthJson(wealth) }
  },
}

function wealthText({ profile, tenant, plan, pool, balances: pots, owed, overuse }: Wealth): string {
  const places = tenant?.decimals
  const amount = (value: bigint, unit: string): string => formatAmount(value, unit, places)
  const charged = plan
    ? `${plan.kind} plan ${planKey(plan.tenant, plan.id)} version ${plan.version}`
    : `flat tariff: there is no plan '${planKey(profile.tenant, profile.plan)}' in the catalogue`
  const rows = pots.map(
    (pot): Record<Cell, string> => ({
      what: pot.kind === 'money' ? 'money' : (pot.offer ?? 'bundle'),
      owner: pot.owner,
      left: amount(pot.posted, pot.unit),
      reserved: amount(pot.posted - pot.free, pot.unit),
      given: pot.kind === 'money' ? '-' : amount(pot.granted, pot.unit),
      expires: pot.expires_at === null ? 'never' : formatInstant(pot.expires_at),
      services: pot.services === null ? 'any' : servicesText(pot.services),
    }),
  )
  const lines = [`${profile.subscriber} is charged by the ${charged}.`]
  if (pool !== undefined) lines.push(`Member of the pool ${pool}.`)
  lines.push('', rows.length === 0 ? 'No money and no bundles.' : table(rows, COLUMNS))
  if (owed) {
    const limit = owed.limit === null ? 'no limit' : `of at most ${amount(owed.limit, owed.unit)}`
    const reserved = owed.reserved > 0n ? `, ${amount(owed.reserved, owed.unit)} more reserved` : ''
    lines.push('', `Owed for usage on credit: ${amount(owed.amount, owed.unit)} (${limit})${reserved}`)
  }
  for (const { unit, amount: used } of overuse)
    lines.push(`Used, and nothing was there to pay for it: ${amount(used, unit)}`)
  if (rows.length === 0 && plan?.kind === 'prepaid')
    lines.push(`Add money: tallycell topup ${profile.subscriber} AMOUNT --reference REF`)
  return lines.join('\n')
}

const servicesText = (text: string): string =>
  Object.entries(parseServices(text))
    .flatMap(([name, values]) => (values === undefined ? [] : [`${name} ${values.join('/')}`]))
    .join(', ')

function wealthJson({ profile, tenant, plan, pool, balances: pots, owed, overuse }: Wealth) {
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
