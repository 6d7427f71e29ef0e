// `tallycell balance` and `tallycell topup`: what a subscriber can pay with.
import type { Command } from '../../../core/cli/command.ts'
import { type Column, table } from '../../../core/cli/table.ts'
import { formatAmount, formatMoney } from '../../ledger/amount.ts'
import { planKey } from '../catalogue/store.ts'
import { parseServices } from '../wallet/store.ts'
import { addCommand } from './bundle.ts'
import { formatInstant } from './instant.ts'
import { bookPayment } from './payment.ts'
import { readReference } from './reference.ts'
import { needProfile } from './store.ts'
import { readWealth, type Wealth, wealthJson } from './wealth.ts'

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
      const profile = await needProfile(sql, args.SUBSCRIBER ?? '')
      const paid = await bookPayment(sql, profile, { amount: args.AMOUNT ?? '', reference, at: context.clock() })
      const { subscriber, amount, currency, decimals, added, balance } = paid
      const [sum, now] = [formatMoney(amount, currency, decimals), formatMoney(balance, currency, decimals)]
      return {
        text: added
          ? `Added ${sum} to ${subscriber}, who has ${now} now.`
          : `The payment ${reference} was booked before: nothing changed. ${subscriber} has ${now}.`,
        json: { subscriber, tenant: profile.tenant, amount, currency, reference, added, balance },
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

const list: Command = {
  path: ['balance', 'list'],
  summary: 'show what a subscriber can pay with: bundles, money, credit, and what open sessions have reserved',
  positionals: [SUBSCRIBER],
  examples: ['tallycell balance list alice'],
  async run({ args }, context) {
    const store = await context.store()
    const wealth = await store.batch(async (sql) => readWealth(sql, await needProfile(sql, args.SUBSCRIBER ?? '')))
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
