// `tallycell voucher`: codes that are worth money or a bundle, once. A code is shown when it is made and never again.
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command, CommandContext } from '../../../core/cli/command.ts'
import { type Column, table } from '../../../core/cli/table.ts'
import { fail } from '../../../core/kernel/errors.ts'
import { payerId } from '../../../core/kernel/ids.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import { formatMoney, readMoney } from '../../ledger/amount.ts'
import { type CaptiveCode, checkCaptivePlan, createCaptiveVouchers } from '../vouchers/captive.ts'
import { createVouchers, type NewVouchers, redeemVoucher } from '../vouchers/store.ts'
import { findOffer } from './bundle.ts'
import { formatInstant, readInstant } from './instant.ts'
import { currentPlan, listSeries, needProfile, needTenant, type Series } from './store.ts'

export function voucherCommands(): Command[] {
  return [create, redeem, list]
}

const MOST = 100_000

/** The hash of every code hangs on it: without this key no voucher can be redeemed. */
const keyOf = async (context: CommandContext): Promise<Uint8Array> => (await context.keys()).secret('vouchers', 32)

const create: Command = {
  path: ['voucher', 'create'],
  summary: 'make vouchers; their codes are shown once and stored nowhere',
  options: {
    tenant: { value: 'ID', summary: 'whose subscribers may redeem them', required: true },
    count: { value: 'N', summary: `how many, 1 to ${MOST}`, required: true },
    amount: { value: 'MONEY', summary: 'what each is worth, in the currency of the tenant: 10.00' },
    bundle: { value: 'PLAN/BUNDLE', summary: 'or the bundle that each is worth' },
    captive: {
      summary: 'for guests without a SIM: a name and a password to log in with at a captive portal; needs --bundle',
    },
    expires: { value: 'TIME', summary: 'last redeemed before this date (by the clock of the tenant) or UTC time' },
    series: { value: 'NAME', summary: 'names the print run; made up unless given' },
    out: { value: 'FILE', summary: 'write the codes to this new file, readable by you only, instead of showing them' },
  },
  examples: [
    'tallycell voucher create --tenant default --count 100 --amount 10.00 --out vouchers.csv',
    'tallycell voucher create --tenant default --count 1 --bundle data-m/day-pass --expires 2027-12-31',
    'tallycell voucher create --tenant default --count 50 --captive --bundle guest/day-pass --out guests.csv',
  ],
  async run({ options }, context) {
    const tenantId = payerId(options.tenant ?? '')
    const count = readCount(options.count ?? '')
    if ((options.amount === undefined) === (options.bundle === undefined))
      fail('CLI_OPTION_INVALID', {
        option: '--amount',
        problem: 'or --bundle: expected exactly one of the two',
        help: 'tallycell voucher create --help',
      })
    const captive = options.captive === 'true'
    if (captive && options.bundle === undefined)
      fail('CLI_OPTION_INVALID', {
        option: '--captive',
        problem: 'expected --bundle: it is what a guest may use',
        help: 'tallycell voucher create --help',
      })
    const at = context.clock()
    const series = options.series === undefined ? madeUp(at) : readSeries(options.series)
    const store = await context.store()
    const wanted = await store.batch(async (sql): Promise<NewVouchers & { readonly worth: string }> => {
      const tenant = await needTenant(sql, tenantId)
      const { currency, decimals, timeZone } = tenant
      const expires = options.expires === undefined ? undefined : readInstant(options.expires, timeZone)
      if (expires !== undefined && expires <= at)
        fail('ID_INVALID', { what: '--expires', expected: 'a time in the future', came: formatInstant(expires) })
      const run = { tenant: tenantId, series, count, expires }
      if (options.bundle === undefined) {
        const amount = readMoney(options.amount ?? '', decimals, currency)
        return { ...run, amount, offer: undefined, worth: formatMoney(amount, currency, decimals) }
      }
      await findOffer(sql, tenant, options.bundle)
      const plan = await currentPlan(sql, { tenant: tenantId, plan: options.bundle.split('/')[0] ?? '' })
      if (captive && plan) checkCaptivePlan(plan)
      return { ...run, amount: 0n, offer: options.bundle, worth: options.bundle }
    })
    const key = await keyOf(context)
    const { worth, expires } = wanted
    const make = (keep: (codes: readonly string[]) => Promise<void>): Promise<string[]> =>
      store.batch(async (sql) => {
        const codes = captive
          ? (await createCaptiveVouchers(sql, key, wanted, randomBytes)).map(printed)
          : await createVouchers(sql, key, wanted, randomBytes)
        // Before the commit: vouchers whose codes nobody has would be lost.
        await keep(codes)
        return codes
      })
    const json = {
      tenant: tenantId,
      series,
      count,
      worth,
      expires: expires === undefined ? null : formatInstant(expires),
    }
    const until = expires === undefined ? '' : `, redeemable before ${formatInstant(expires)}`
    const made = `${count} ${captive ? 'captive ' : ''}voucher${count === 1 ? '' : 's'} of ${worth}${until}, series ${series}`
    if (options.out !== undefined) {
      const file = resolve(options.out)
      await intoFile(file, (handle) =>
        make(async (codes) => {
          await handle.truncate(0)
          const rows = codes.map((code) => `${code.replace(' ', ',')},${series},${worth},${json.expires ?? ''}\r\n`)
          const heading = captive ? 'name,password' : 'code'
          await handle.write(`${heading},series,worth,expires\r\n${rows.join('')}`, 0)
          await handle.sync()
        }),
      )
      return { text: `Made ${made}. The codes are in ${file}: they cannot be shown again.`, json: { ...json, file } }
    }
    const codes = await make(async () => {})
    context.say(`Made ${made}. Keep the codes: they cannot be shown again.`)
    return { text: codes.join('\n'), json: { ...json, codes } }
  },
}

/** As it is shown: name and password, a blank between. */
const printed = ({ name, password }: CaptiveCode): string => `${name} ${password}`

function readCount(text: string): number {
  const count = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MOST) return count
  return fail('ID_INVALID', { what: '--count', expected: `a number from 1 to ${MOST}`, came: text.slice(0, 64) })
}

function readSeries(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) return text
  const expected = "1 to 64 of letters, digits, '.', '_', '-', beginning with a letter or digit"
  return fail('ID_INVALID', { what: '--series', expected, came: text.slice(0, 64) })
}

const madeUp = (at: Millis): string => `${formatInstant(at).slice(0, 10)}-${randomBytes(3).toString('hex')}`

/** A new file that is there after `work` only if that succeeded. */
async function intoFile(file: string, work: (handle: FileHandle) => Promise<unknown>): Promise<void> {
  const unwritable = (error: unknown): unknown => {
    if (!(error instanceof Error) || !('syscall' in error)) return error
    return fail('FILE_UNWRITABLE', { file, reason: error.message }, error)
  }
  const handle = await open(file, 'wx', 0o600).catch((error: unknown) => {
    throw unwritable(error)
  })
  try {
    await work(handle)
  } catch (error) {
    await rm(file, { force: true })
    throw unwritable(error)
  } finally {
    await handle.close()
  }
}

const redeem: Command = {
  path: ['voucher', 'redeem'],
  summary: 'give a subscriber what a voucher is worth; the same code again by the same subscriber changes nothing',
  positionals: [
    { name: 'CODE', summary: 'the code as printed; case, blanks and dashes make no difference', required: true },
    { name: 'SUBSCRIBER', summary: 'who redeems it', required: true },
  ],
  examples: ['tallycell voucher redeem ABCD-EFGH-JKLM-NPQR alice'],
  async run({ args }, context) {
    const store = await context.store()
    const key = await keyOf(context)
    return store.batch(async (sql) => {
      const { subscriber, tenant } = await needProfile(sql, args.SUBSCRIBER ?? '')
      await redeemVoucher(sql, key, { code: args.CODE ?? '', subscriber, tenant, at: context.clock() })
      return {
        text: `${subscriber} has redeemed the voucher. See: tallycell balance list ${subscriber}`,
        json: { subscriber, tenant, redeemed: true },
      }
    })
  },
}

type Cell = 'series' | 'worth' | 'made' | 'redeemed' | 'expires'
const COLUMNS: readonly Column<Cell>[] = [
  { name: 'series' },
  { name: 'worth', align: 'right' },
  { name: 'made', align: 'right' },
  { name: 'redeemed', align: 'right' },
  { name: 'expires' },
]

const list: Command = {
  path: ['voucher', 'list'],
  summary: 'list the print runs of vouchers of a tenant, and how many of each have been redeemed; codes are not known',
  options: { tenant: { value: 'ID', summary: 'whose vouchers', required: true } },
  examples: ['tallycell voucher list --tenant default'],
  async run({ options }, context) {
    const tenant = payerId(options.tenant ?? '')
    const store = await context.store()
    const { series, known } = await store.batch(async (sql) => ({
      series: await listSeries(sql, tenant),
      known: await needTenant(sql, tenant),
    }))
    const { currency, decimals } = known
    const worthOf = ({ offer, amount }: Series): string => offer ?? formatMoney(amount, currency, decimals)
    const json = {
      tenant,
      series: series.map(({ series: name, amount, offer, expires_at, made, redeemed }) => ({
        series: name,
        amount: offer === null ? amount : null,
        currency,
        bundle: offer,
        expires: expires_at === null ? null : formatInstant(expires_at),
        made,
        redeemed,
      })),
    }
    if (series.length === 0) {
      const text = `No vouchers yet. Make some: tallycell voucher create --tenant ${tenant} --count 10 --amount 10.00`
      return { text, json }
    }
    const rows = series.map((one) => ({
      series: one.series,
      worth: worthOf(one),
      made: one.made.toString(),
      redeemed: one.redeemed.toString(),
      expires: one.expires_at === null ? 'never' : formatInstant(one.expires_at),
    }))
    return { text: table(rows, COLUMNS), json }
  },
}
