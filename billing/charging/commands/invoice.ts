// `tallycell invoice`: what subscribers were charged in a month, as the tenant asks for it.
import type { Command } from '../../../core/cli/command.ts'
import { moreLine, PAGE_OPTIONS, readPage } from '../../../core/cli/page.ts'
import { type Column, table } from '../../../core/cli/table.ts'
import { fail } from '../../../core/kernel/errors.ts'
import { payerId } from '../../../core/kernel/ids.ts'
import { decimal } from '../../../core/kernel/units.ts'
import { formatMoney } from '../../ledger/amount.ts'
import { readTenants, type Tenant } from '../catalogue/store.ts'
import { type Invoice, listInvoices, readInvoice } from '../invoice/store.ts'
import { wallAt } from '../plan/wall-clock.ts'
import { formatInstant } from './instant.ts'
import { needProfile } from './store.ts'

export function invoiceCommands(): Command[] {
  return [list, show]
}

type Cell = 'invoice' | 'tenant' | 'subscriber' | 'month' | 'rounded' | 'owed'
const COLUMNS: readonly Column<Cell>[] = [
  { name: 'invoice', align: 'right' },
  { name: 'tenant' },
  { name: 'subscriber' },
  { name: 'month' },
  { name: 'rounded', heading: 'amount', align: 'right' },
  { name: 'owed', heading: 'to be paid', align: 'right' },
]

const list: Command = {
  path: ['invoice', 'list'],
  summary: 'list invoices, oldest first: what each subscriber was charged in a month, rounded once',
  options: {
    ...PAGE_OPTIONS,
    tenant: { value: 'ID', summary: 'only those of this tenant' },
    subscriber: { value: 'ID', summary: 'only those of this subscriber' },
  },
  examples: ['tallycell invoice list', 'tallycell invoice list --subscriber alice'],
  async run(input, context) {
    const { limit, after } = readPage(input)
    const { tenant, subscriber } = input.options
    const filter = {
      tenant: tenant === undefined ? undefined : payerId(tenant),
      after: after === undefined ? 0n : decimal(after, '--after'),
      limit: limit + 1,
    }
    const store = await context.store()
    const { found, tenants } = await store.batch(async (sql) => {
      const known = subscriber === undefined ? undefined : (await needProfile(sql, subscriber)).subscriber
      const found = await listInvoices(sql, { ...filter, subscriber: known })
      const tenants = await readTenants(
        sql,
        found.map(({ tenant_id }) => tenant_id),
      )
      return { found, tenants }
    })
    const invoices = found.slice(0, limit)
    const more = found.length > limit
    const json = { invoices: invoices.map((invoice) => invoiceJson(invoice, tenants)), more }
    if (invoices.length === 0) return { text: 'No invoices yet: they are made when a month has ended.', json }
    const rows = invoices.map((invoice) => cells(invoice, tenants.get(invoice.tenant_id)))
    const last = more ? invoices.at(-1)?.invoice_no.toString() : undefined
    return { text: table(rows, COLUMNS) + moreLine('invoice list', last), json }
  },
}

const show: Command = {
  path: ['invoice', 'show'],
  summary: 'show an invoice: period, exact and rounded amount, and what of it is to be paid',
  positionals: [{ name: 'NUMBER', summary: 'number of the invoice', required: true }],
  examples: ['tallycell invoice show 12'],
  async run({ args }, context) {
    const number = decimal(args.NUMBER ?? '', 'NUMBER')
    const store = await context.store()
    return store.batch(async (sql) => {
      const invoice = await readInvoice(sql, number)
      if (!invoice) return fail('INVOICE_UNKNOWN', { number })
      const tenants = await readTenants(sql, [invoice.tenant_id])
      const { exact, rounded, currency } = invoice
      const { month, owed, rounded: amount } = cells(invoice, tenants.get(invoice.tenant_id))
      const lines: [string, string][] = [
        ['invoice', number.toString()],
        ['tenant', invoice.tenant_id],
        ['subscriber', invoice.subscriber_id],
        ['month', `${month}: ${formatInstant(invoice.period_start)} to ${formatInstant(invoice.period_end)}`],
        ['charged', formatMoney(exact, currency, 6)],
        ['rounding', formatMoney(rounded - exact, currency, 6)],
        ['amount', amount],
        ['to be paid', owed],
        ['made', formatInstant(invoice.created_at)],
      ]
      return {
        text: lines.map(([name, value]) => `${name.padEnd(12)}${value}`).join('\n'),
        json: invoiceJson(invoice, tenants),
      }
    })
  },
}

/** By the tenant's clock: `2026-11`. */
const monthOf = ({ period_start }: Invoice, zone: string): string =>
  new Date(Number(wallAt(period_start, zone))).toISOString().slice(0, 7)

function cells(invoice: Invoice, tenant: Tenant | undefined): Record<Cell, string> {
  const { invoice_no, tenant_id, subscriber_id, currency, rounded, owed } = invoice
  return {
    invoice: invoice_no.toString(),
    tenant: tenant_id,
    subscriber: subscriber_id,
    month: monthOf(invoice, tenant?.timeZone ?? 'UTC'),
    rounded: formatMoney(rounded, currency, tenant?.decimals),
    owed: formatMoney(owed, currency, tenant?.decimals),
  }
}

/** For programs. */
export const invoiceJson = (invoice: Invoice, tenants: ReadonlyMap<string, Tenant>) => ({
  invoice: invoice.invoice_no,
  tenant: invoice.tenant_id,
  subscriber: invoice.subscriber_id,
  month: monthOf(invoice, tenants.get(invoice.tenant_id)?.timeZone ?? 'UTC'),
  periodStart: invoice.period_start,
  periodEnd: invoice.period_end,
  currency: invoice.currency,
  exact: invoice.exact,
  rounded: invoice.rounded,
  owed: invoice.owed,
  made: invoice.created_at,
})
