// `tallycell tenant`: in which currency, with which rounding and by which clock somebody charges.
import type { Command } from '../../../core/cli/command.ts'
import { table } from '../../../core/cli/table.ts'
import { fail } from '../../../core/kernel/errors.ts'
import { payerId } from '../../../core/kernel/ids.ts'
import { putTenant, readTenants, type Tenant } from '../catalogue/store.ts'
import type { Rounding } from '../plan/rounding.ts'
import { isTimeZone } from '../plan/wall-clock.ts'
import { listTenants } from './store.ts'

const MODES: readonly Rounding['mode'][] = ['half-even', 'half-up', 'up', 'down']
const MOST_DECIMALS = 6

export function tenantCommands(): Command[] {
  return [set, list]
}

const set: Command = {
  path: ['tenant', 'set'],
  summary: "make or change a tenant, who charges subscribers; its id is what 'subscriber add' calls payer",
  positionals: [{ name: 'ID', summary: "the tenant: a-z, 0-9, '.', '_', '-'", required: true }],
  options: {
    currency: { value: 'CODE', summary: 'three capital letters (ISO 4217); cannot be changed later' },
    decimals: { value: 'N', summary: "decimal places of an invoice, 0 to 6; the currency's own unless given" },
    rounding: { value: 'MODE', summary: `how an invoice is rounded: ${MODES.join(', ')}; half-even unless given` },
    'time-zone': { value: 'ZONE', summary: 'the clock of its days, months and tariffs (IANA name); UTC unless given' },
  },
  examples: [
    'tallycell tenant set default --currency EUR',
    'tallycell tenant set acme --currency EUR --decimals 2 --rounding half-even --time-zone Europe/Berlin',
  ],
  async run({ args, options }, context) {
    const tenant = payerId(args.ID ?? '')
    const given = {
      currency: options.currency === undefined ? undefined : readCurrency(options.currency),
      decimals: options.decimals === undefined ? undefined : readDecimals(options.decimals),
      mode: options.rounding === undefined ? undefined : readMode(options.rounding),
      timeZone: options['time-zone'] === undefined ? undefined : readZone(options['time-zone']),
    }
    const store = await context.store()
    const { before, after } = await store.batch(async (sql) => {
      const before = (await readTenants(sql, [tenant])).get(tenant)
      const currency = given.currency ?? before?.currency ?? needCurrency()
      const after: Tenant = {
        tenant,
        currency,
        decimals: given.decimals ?? before?.decimals ?? decimalsOf(currency),
        mode: given.mode ?? before?.mode ?? 'half-even',
        timeZone: given.timeZone ?? before?.timeZone ?? 'UTC',
      }
      await putTenant(sql, after)
      return { before, after }
    })
    const { currency, decimals, mode, timeZone } = after
    const next = before ? '' : '\nAdd a plan next: tallycell plan example > plan.yaml'
    return {
      text: `Tenant ${tenant} charges in ${currency}, rounded ${mode} to ${decimals} decimal places, by the clock of ${timeZone}.${next}`,
      json: tenantJson(after),
    }
  },
}

const needCurrency = (): never =>
  fail('CLI_OPTION_INVALID', {
    option: '--currency',
    problem: 'is required of a new tenant: --currency CODE (three capital letters)',
    help: 'tallycell tenant set --help',
  })

function readCurrency(text: string): string {
  if (/^[A-Z]{3}$/.test(text)) return text
  const expected = 'three capital letters (ISO 4217), such as EUR'
  return fail('ID_INVALID', { what: 'currency', expected, came: text.slice(0, 64) })
}

/** Decimal places that the currency has by itself: 2 for EUR, 0 for JPY. */
const decimalsOf = (currency: string): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2

function readDecimals(text: string): number {
  if (/^[0-6]$/.test(text)) return Number(text)
  const expected = `a number from 0 to ${MOST_DECIMALS}`
  return fail('ID_INVALID', { what: '--decimals', expected, came: text.slice(0, 64) })
}

const readMode = (text: string): Rounding['mode'] =>
  MODES.find((mode) => mode === text) ??
  fail('ID_INVALID', { what: '--rounding', expected: MODES.join(', '), came: text.slice(0, 64) })

function readZone(text: string): string {
  if (isTimeZone(text)) return text
  const expected = 'a name of the IANA data base, such as Europe/Berlin'
  return fail('ID_INVALID', { what: 'time zone', expected, came: text.slice(0, 64) })
}

const tenantJson = ({ tenant, currency, decimals, mode, timeZone }: Tenant) => ({
  tenant,
  currency,
  decimals,
  rounding: mode,
  timeZone,
})

const list: Command = {
  path: ['tenant', 'list'],
  summary: 'list the tenants with currency, rounding and clock',
  examples: ['tallycell tenant list'],
  async run(_input, context) {
    const store = await context.store()
    const tenants = await store.batch(listTenants)
    const json = { tenants: tenants.map(tenantJson) }
    if (tenants.length === 0)
      return { text: 'No tenants yet. Make one: tallycell tenant set default --currency EUR', json }
    const rows = tenants.map(({ tenant, currency, decimals, mode, timeZone }) => ({
      tenant,
      currency,
      decimals: String(decimals),
      rounding: mode,
      zone: timeZone,
    }))
    const columns = [
      'tenant',
      'currency',
      { name: 'decimals', align: 'right' },
      'rounding',
      { name: 'zone', heading: 'time zone' },
    ] as const
    return { text: table(rows, columns), json }
  },
}
