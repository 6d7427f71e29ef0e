// `tallycell balance add`: bundles given and sold, from the catalogue or made to measure.
import { randomBytes } from 'node:crypto'
import type { Command, CommandContext, Output } from '../../../core/cli/command.ts'
import { fail } from '../../../core/kernel/errors.ts'
import type { SubscriberId } from '../../../core/kernel/ids.ts'
import type { Sql } from '../../../core/store/sql.ts'
import type { WalletOwner } from '../../ledger/accounts.ts'
import { formatAmount, formatMoney, readUnits } from '../../ledger/amount.ts'
import { addBalance } from '../balances/store.ts'
import type { Tenant } from '../catalogue/store.ts'
import { expiryOf } from '../plan/calendar.ts'
import { ANY_SERVICE, type BundleOffer } from '../plan/plan.ts'
import { giveOffer } from '../renewal/store.ts'
import { poolsOf } from '../wallet/store.ts'
import { formatInstant, readInstant } from './instant.ts'
import { readReference } from './reference.ts'
import { currentPlan, needProfile, needTenant, type Profile } from './store.ts'

export const addCommand: Command = {
  path: ['balance', 'add'],
  summary: 'give a subscriber a bundle of the catalogue, or so many units',
  positionals: [{ name: 'SUBSCRIBER', summary: 'the subscriber', required: true }],
  options: {
    bundle: { value: 'PLAN/BUNDLE', summary: 'a bundle of one of the plans of its tenant' },
    paid: { summary: 'sell it: its price is taken from the money of who gets it' },
    amount: { value: 'UNITS', summary: "instead of --bundle: '10 GB', '100 min', '50 messages'" },
    expires: {
      value: 'TIME',
      summary: 'with --amount: a date by the clock of the tenant, or a UTC time; never unless given',
    },
    priority: { value: 'N', summary: 'with --amount: smaller pays first, 0 to 1000; 100 unless given' },
    pool: { summary: 'with --amount: give it to the pool of the subscriber, as a shared bundle is anyway' },
    reference: { value: 'REF', summary: 'names the gift: the same again changes nothing; made up unless given' },
  },
  examples: [
    'tallycell balance add alice --bundle data-m/day-pass',
    'tallycell balance add alice --bundle data-m/day-pass --paid --reference shop/4711',
    "tallycell balance add alice --amount '5 GB' --expires 2027-01-31",
  ],
  async run({ args, options }, context) {
    checkAddition(options)
    const reference =
      options.reference === undefined ? `gift-${randomBytes(8).toString('hex')}` : readReference(options.reference)
    const store = await context.store()
    return store.batch((sql) => give(sql, { id: args.SUBSCRIBER ?? '', options, reference, context }))
  },
}

type Options = Readonly<Record<string, string | undefined>>

function checkAddition(options: Options): void {
  const refuse = (option: string, problem: string): never =>
    fail('CLI_OPTION_INVALID', { option, problem, help: 'tallycell balance add --help' })
  if ((options.bundle === undefined) === (options.amount === undefined))
    refuse('--bundle', 'or --amount: expected exactly one of the two')
  if (options.amount !== undefined && options.paid !== undefined)
    refuse('--paid', 'is for bundles: only they have a price')
  for (const name of ['expires', 'priority', 'pool'] as const)
    if (options.bundle !== undefined && options[name] !== undefined)
      refuse(`--${name}`, 'goes with --amount: a bundle of the catalogue has its own')
}

interface Gift {
  readonly id: string
  readonly options: Options
  readonly reference: string
  readonly context: CommandContext
}

async function give(sql: Sql, gift: Gift): Promise<Output> {
  const profile = await needProfile(sql, gift.id)
  const tenant = await needTenant(sql, profile.tenant)
  return gift.options.bundle === undefined
    ? giveUnits(sql, gift, profile, tenant)
    : giveBundle(sql, gift, profile, tenant, gift.options.bundle)
}

async function giveBundle(
  sql: Sql,
  { options, reference, context }: Gift,
  { subscriber }: Profile,
  tenant: Tenant,
  name: string,
): Promise<Output> {
  const at = context.clock()
  const offer = await findOffer(sql, tenant, name)
  const paid = options.paid !== undefined
  const added = await giveOffer(sql, { subscriber, tenant, offer: name, reference, at, paid })
  const { unit, amount, price } = offer
  const pool = offer.shared ? await poolOf(sql, subscriber) : undefined
  return given({
    subscriber,
    owner: pool === undefined ? `subscriber:${subscriber}` : `pool:${pool}`,
    unit,
    amount,
    offer: name,
    price: paid ? formatMoney(price, tenant.currency, tenant.decimals) : null,
    expires: expiryOf(offer.validity, at, tenant.timeZone),
    reference,
    added,
  })
}

async function giveUnits(
  sql: Sql,
  { options, reference, context }: Gift,
  { subscriber }: Profile,
  { tenant, timeZone }: Tenant,
): Promise<Output> {
  const at = context.clock()
  const { unit, amount } = readUnits(options.amount ?? '')
  const priority = readPriority(options.priority)
  const expires = options.expires === undefined ? undefined : readInstant(options.expires, timeZone)
  if (expires !== undefined && expires <= at)
    fail('ID_INVALID', { what: '--expires', expected: 'a time in the future', came: formatInstant(expires) })
  const pool =
    options.pool === undefined ? undefined : ((await poolOf(sql, subscriber)) ?? fail('POOL_NONE', { subscriber }))
  const owner: WalletOwner = pool === undefined ? `subscriber:${subscriber}` : `pool:${pool}`
  const bundle = { owner, tenant, unit, amount, reference, at, priority, expires, services: ANY_SERVICE }
  const added = await addBalance(sql, bundle)
  return given({ subscriber, owner, unit, amount, offer: null, price: null, expires, reference, added })
}

interface Given {
  readonly subscriber: string
  readonly owner: WalletOwner
  readonly unit: string
  readonly amount: bigint
  readonly offer: string | null
  readonly price: string | null
  readonly expires: bigint | undefined
  readonly reference: string
  readonly added: boolean
}

function given(gift: Given): Output {
  const { subscriber, owner, unit, amount, price, reference, added } = gift
  const expires = gift.expires === undefined ? null : formatInstant(gift.expires)
  const sum = `${formatAmount(amount, unit)} to ${owner}`
  const done = price === null ? `Gave ${sum}` : `Sold ${sum} for ${price}`
  return {
    text: added
      ? `${done}${expires === null ? '' : `, until ${expires}`}. Reference: ${reference}`
      : `The reference ${reference} was booked before: nothing changed. See: tallycell balance list ${subscriber}`,
    json: { ...gift, expires },
  }
}

const poolOf = async (sql: Sql, subscriber: SubscriberId): Promise<string | undefined> =>
  (await poolsOf(sql, [subscriber])).get(subscriber)

function readPriority(text = '100'): number {
  if (/^[0-9]{1,4}$/.test(text) && Number(text) <= 1000) return Number(text)
  return fail('ID_INVALID', { what: '--priority', expected: 'a number from 0 to 1000', came: text.slice(0, 64) })
}

/** `plan/bundle` in the catalogue of a tenant. Throws PLAN_UNKNOWN. */
export async function findOffer(sql: Sql, { tenant }: Pick<Tenant, 'tenant'>, name: string): Promise<BundleOffer> {
  const [plan = '', bundle = ''] = name.split('/')
  const found = (await currentPlan(sql, { tenant, plan }))?.bundles.find(
    ({ id }) => `${plan}/${id}` === name && id === bundle,
  )
  return found ?? fail('PLAN_UNKNOWN', { what: name.slice(0, 130) })
}
