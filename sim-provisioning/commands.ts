// The subscriber part of the command line.
import type { Command, CommandContext, Input, Output } from '../core/cli/command.ts'
import { usage } from '../core/cli/help.ts'
import { describeImport, importFile } from '../core/cli/import-file.ts'
import { moreLine, PAGE_OPTIONS, readPage } from '../core/cli/page.ts'
import { table } from '../core/cli/table.ts'
import type { SuspendCharging } from '../core/events/sessions/port.ts'
import { fail } from '../core/kernel/errors.ts'
import { imsi, payerId, planId, subscriberId } from '../core/kernel/ids.ts'
import type { CsvFields } from '../core/wire/csv.ts'
import { subscriptionCommands } from './commands-subscription.ts'
import {
  addSubscriber,
  addSubscribers,
  changePlan,
  listSubscribers,
  maskImsi,
  type NewSubscriber,
} from './profiles/store.ts'

const COLUMNS = { required: ['subscriber', 'imsi'], optional: ['payer', 'plan'] } as const

export function subscriberCommands(suspendCharging: SuspendCharging): Command[] {
  return [add, plan, list, ...subscriptionCommands(suspendCharging)]
}

const add: Command = {
  path: ['subscriber', 'add'],
  summary: 'register a subscriber with the IMSI of its SIM, or many from a file',
  positionals: [{ name: 'id', summary: "name of the subscriber: a-z, 0-9, '.', '_', '-'" }],
  options: {
    imsi: { value: 'DIGITS', summary: 'the SIM: 6 to 15 digits' },
    payer: { value: 'PAYER', summary: 'who pays the radios for this subscriber', default: 'default' },
    plan: { value: 'PLAN', summary: 'what the subscriber is charged by', default: 'flat' },
    file: {
      value: 'FILE',
      summary: 'CSV with the columns subscriber,imsi[,payer,plan]; --payer and --plan fill empty ones',
    },
  },
  examples: [
    'tallycell subscriber add alice --imsi 001010000000001',
    'tallycell subscriber add --file subscribers.csv',
  ],
  async run({ args, options }, context) {
    const { id } = args
    if (options.file !== undefined) return addFile(options.file, { args, options }, context)
    if (id === undefined || options.imsi === undefined)
      return fail('CLI_ARGUMENT_MISSING', {
        name: id === undefined ? 'the id' : '--imsi',
        expected: 'ID and --imsi DIGITS, or --file FILE',
        usage: usage(add),
      })
    const added = read({ subscriber: id, imsi: options.imsi, payer: options.payer, plan: options.plan })
    await addSubscriber(await context.store(), added, context.clock())
    const masked = maskImsi(added.imsi)
    return {
      text: `Subscriber ${added.subscriber} (IMSI ${masked}) is registered: plan ${added.plan}, paid for by ${added.payer}.`,
      json: { ...added, imsi: masked },
    }
  },
}

const plan: Command = {
  path: ['subscriber', 'plan'],
  summary: 'charge a subscriber by another plan from its next session on',
  positionals: [
    { name: 'id', summary: 'name of the subscriber', required: true },
    { name: 'plan', summary: 'a plan of the catalogue, or flat', required: true },
  ],
  examples: ['tallycell subscriber plan alice data-m'],
  async run({ args }, context) {
    const [subscriber, wanted] = [subscriberId(args.id ?? ''), planId(args.plan ?? '')]
    const changed = await changePlan(await context.store(), subscriber, wanted)
    return {
      text: changed
        ? `Subscriber ${subscriber} is charged by the plan ${wanted} from its next session on.`
        : `Subscriber ${subscriber} is charged by the plan ${wanted} already.`,
      json: { subscriber, plan: wanted, changed },
    }
  },
}

function read({ subscriber = '', imsi: digits = '', payer = 'default', plan = 'flat' }: CsvFields): NewSubscriber {
  return { subscriber: subscriberId(subscriber), imsi: imsi(digits), payer: payerId(payer), plan: planId(plan) }
}

async function addFile(path: string, { args, options }: Input, context: CommandContext): Promise<Output> {
  const extra = args.id ?? (options.imsi === undefined ? undefined : '--imsi')
  if (extra !== undefined) fail('CLI_ARGUMENT_EXTRA', { came: extra, usage: 'tallycell subscriber add --file FILE' })
  const { payer, plan } = options
  const parse = (fields: CsvFields): NewSubscriber =>
    read({ ...fields, payer: fields.payer ?? payer, plan: fields.plan ?? plan })
  const store = await context.store()
  const result = await importFile(
    { path, columns: COLUMNS, parse, add: (rows) => addSubscribers(store, rows, context.clock()) },
    context,
  )
  return describeImport(result, 'subscriber')
}

const list: Command = {
  path: ['subscriber', 'list'],
  summary: 'list the registered subscribers, IMSI masked',
  options: PAGE_OPTIONS,
  examples: ['tallycell subscriber list', 'tallycell subscriber list --limit 1000 --json'],
  async run(input: Input, context) {
    const page = readPage(input)
    const { subscribers, more } = await listSubscribers(await context.store(), page)
    const json = {
      subscribers: subscribers.map((row) => ({ ...row, created: new Date(Number(row.created)).toISOString() })),
      more,
    }
    if (subscribers.length === 0) return { text: nothing(page.after), json }
    const text = table(
      subscribers.map(({ subscriber, imsi, payer, plan }) => ({ subscriber, imsi, payer, plan })),
      ['subscriber', { name: 'imsi', heading: 'IMSI' }, 'payer', 'plan'],
    )
    return { text: text + moreLine('subscriber list', more ? subscribers.at(-1)?.subscriber : undefined), json }
  },
}

const nothing = (after: string | undefined): string =>
  after === undefined
    ? 'No subscribers yet. Register one: tallycell subscriber add ID --imsi DIGITS'
    : `No subscribers after ${after}.`
