// The radio half of the command line.
import type { Command, CommandContext, Input, Output } from '../core/cli/command.ts'
import { usage } from '../core/cli/help.ts'
import { describeImport, importFile } from '../core/cli/import-file.ts'
import { moreLine, PAGE_OPTIONS, readPage } from '../core/cli/page.ts'
import { table } from '../core/cli/table.ts'
import { formatBssid } from '../core/kernel/bssid.ts'
import { fail } from '../core/kernel/errors.ts'
import { radioClass, radioId } from '../core/kernel/ids.ts'
import { millis } from '../core/kernel/units.ts'
import type { CsvFields } from '../core/wire/csv.ts'
import { certificateCommands } from './certificates/commands.ts'
import { readClaim, readInstant } from './registry/claim.ts'
import {
  addRadio,
  addRadios,
  type Ban,
  banRadio,
  classifyRadio,
  type ListedRadio,
  listRadios,
  type NewRadio,
  unbanRadio,
} from './registry/store.ts'

const WALLET = '7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK'
const COLUMNS = {
  required: ['radio', 'owner'],
  optional: ['access', 'class', 'nas_identifier', 'bssid', 'cell', 'payout'],
} as const

export function radioCommands(): Command[] {
  return [add, list, classify, ban, unban, ...certificateCommands()]
}

const add: Command = {
  path: ['radio', 'add'],
  summary: 'register a radio with its owner, or many from a file',
  positionals: [{ name: 'id', summary: "name of the radio: a-z, 0-9, '.', '_', '-'" }],
  options: {
    owner: { value: 'WALLET', summary: "the owner's Solana address" },
    access: { value: 'KIND', summary: 'wifi, lte or nr', default: 'wifi' },
    class: { value: 'NAME', summary: 'class that tariffs may ask for: indoor, outdoor, or what you like' },
    'nas-id': { value: 'NAME', summary: 'NAS-Identifier that the access point sends' },
    bssid: { value: 'ADDRESS', summary: 'MAC address that the access point sends in Called-Station-Id' },
    cell: { value: 'PLMN-HEX', summary: 'cell, eNB or tracking area as the core network names it: 99970-0000101' },
    payout: { value: 'WALLET', summary: "where payouts go, if not to the owner's wallet" },
    file: {
      value: 'FILE',
      summary:
        'CSV with the columns radio,owner[,access,class,nas_identifier,bssid,cell,payout]; --access and --class fill empty ones',
    },
  },
  examples: [
    `tallycell radio add cafe-1 --owner ${WALLET} --nas-id ap-cafe-1`,
    `tallycell radio add cafe-2 --owner ${WALLET} --bssid 00-11-22-33-44-55 --class indoor`,
    'tallycell radio add --file radios.csv',
  ],
  async run({ args, options }, context) {
    const { id } = args
    const { owner, file } = options
    if (file !== undefined) return addFile(file, { args, options }, context)
    if (id === undefined || owner === undefined)
      return fail('CLI_ARGUMENT_MISSING', {
        name: id === undefined ? 'the id' : '--owner',
        expected: 'ID and --owner WALLET, or --file FILE',
        usage: usage(add),
      })
    const claim = readClaim({
      radio: id,
      owner,
      access: options.access,
      radioClass: options.class,
      nasIdentifier: options['nas-id'],
      bssid: options.bssid,
      cell: options.cell,
      payout: options.payout,
    })
    await addRadio(await context.store(), claim, context.clock())
    return { text: `Radio ${claim.radio} is registered to ${claim.owner}.`, json: claimJson(claim) }
  },
}

const OF_ONE_RADIO = ['owner', 'nas-id', 'bssid', 'cell', 'payout'] as const

async function addFile(path: string, { args, options }: Input, context: CommandContext): Promise<Output> {
  const given = OF_ONE_RADIO.find((name) => options[name] !== undefined)
  const extra = args.id ?? (given && `--${given}`)
  if (extra !== undefined) fail('CLI_ARGUMENT_EXTRA', { came: extra, usage: 'tallycell radio add --file FILE' })
  const parse = ({ radio = '', owner = '', nas_identifier, bssid, cell, payout, ...fields }: CsvFields): NewRadio =>
    readClaim({
      radio,
      owner,
      access: fields.access ?? options.access,
      radioClass: fields.class ?? options.class,
      nasIdentifier: nas_identifier,
      bssid,
      cell,
      payout,
    })
  const store = await context.store()
  const result = await importFile(
    { path, columns: COLUMNS, parse, add: (claims) => addRadios(store, claims, context.clock()) },
    context,
  )
  return describeImport(result, 'radio')
}

const claimJson = ({ radio, access, radioClass, nasIdentifier, calledStation, cell, owner, payout }: NewRadio) => ({
  radio,
  access,
  class: radioClass ?? null,
  nasIdentifier: nasIdentifier ?? null,
  bssid: calledStation ?? null,
  cell: cell ?? null,
  owner,
  payout: payout ?? owner,
})

const list: Command = {
  path: ['radio', 'list'],
  summary: 'list the registered radios',
  options: PAGE_OPTIONS,
  examples: ['tallycell radio list', 'tallycell radio list --limit 1000 --json'],
  async run(input: Input, context) {
    const page = readPage(input)
    const { radios, more } = await listRadios(await context.store(), page, context.clock())
    const json = { radios: radios.map(listedJson), more }
    if (radios.length === 0) return { text: nothing(page.after), json }
    const text = table(radios.map(cells), LISTED)
    return { text: text + moreLine('radio list', more ? radios.at(-1)?.radio : undefined), json }
  },
}

const nothing = (after: string | undefined): string =>
  after === undefined
    ? 'No radios yet. Register one: tallycell radio add ID --owner WALLET --nas-id NAME'
    : `No radios after ${after}.`

const LISTED = [
  'radio',
  'access',
  'class',
  { name: 'nasIdentifier', heading: 'NAS-Identifier' },
  'bssid',
  'cell',
  { name: 'payout', heading: 'payout wallet' },
  'state',
] as const

const cells = ({ radio, access, radioClass, nasIdentifier, calledStation, cell, payout, ban }: ListedRadio) => ({
  radio,
  access,
  class: radioClass ?? '-',
  nasIdentifier: nasIdentifier ?? '-',
  bssid: calledStation === undefined ? '-' : formatBssid(calledStation),
  cell: cell ?? '-',
  payout,
  state: ban ? banned(ban) : 'in service',
})

const banned = ({ reason, until }: Ban): string =>
  `banned ${until === undefined ? 'without end' : `until ${instant(until)}`}: ${reason}`

const instant = (at: bigint): string => new Date(Number(at)).toISOString().replace('.000', '')

const listedJson = ({
  radio,
  access,
  radioClass,
  nasIdentifier,
  calledStation,
  cell,
  owner,
  payout,
  created,
  ban,
}: ListedRadio) => ({
  radio,
  access,
  class: radioClass ?? null,
  nasIdentifier: nasIdentifier ?? null,
  bssid: calledStation ?? null,
  cell: cell ?? null,
  owner,
  payout,
  created: instant(created),
  ban: ban ? { reason: ban.reason, until: ban.until === undefined ? null : instant(ban.until) } : null,
})

const ID = { name: 'id', summary: 'the radio', required: true } as const

const classify: Command = {
  path: ['radio', 'class'],
  summary: 'put a radio into the class that tariffs ask for',
  positionals: [ID, { name: 'class', summary: "its class: a-z, 0-9, '.', '_', '-'; none, when absent" }],
  examples: ['tallycell radio class cafe-1 indoor'],
  async run({ args }, context) {
    const radio = radioId(args.id ?? '')
    const into = args.class === undefined ? undefined : radioClass(args.class)
    const changed = await classifyRadio(await context.store(), radio, into, context.clock())
    const where = into === undefined ? 'no class' : `the class ${into}`
    return {
      text: changed ? `Radio ${radio} is in ${where} from now on.` : `Radio ${radio} was in ${where} already.`,
      json: { radio, class: into ?? null, changed },
    }
  },
}

const ban: Command = {
  path: ['radio', 'ban'],
  summary: 'stop paying for what a radio carries, and say why in the public log',
  positionals: [ID],
  options: {
    reason: { value: 'TEXT', summary: 'what the owner and everybody else will read', required: true },
    until: { value: 'TIME', summary: 'when the ban ends: 2027-01-31 or 2027-01-31T12:00:00Z; never, when absent' },
  },
  examples: ["tallycell radio ban cafe-1 --reason 'location not confirmed' --until 2027-01-31"],
  async run({ args, options }, context) {
    const radio = radioId(args.id ?? '')
    const reason = options.reason ?? ''
    const until = options.until === undefined ? undefined : millis(readInstant(options.until))
    await banRadio(await context.store(), radio, { reason, until }, context.clock())
    return {
      text: `Radio ${radio} is ${banned({ reason, until })}.\nEnd it with: tallycell radio unban ${radio}`,
      json: { radio, reason, until: until === undefined ? null : instant(until) },
    }
  },
}

const unban: Command = {
  path: ['radio', 'unban'],
  summary: 'end the ban of a radio',
  positionals: [ID],
  options: { reason: { value: 'TEXT', summary: 'what everybody will read' } },
  examples: ["tallycell radio unban cafe-1 --reason 'location confirmed'"],
  async run({ args, options }, context) {
    const radio = radioId(args.id ?? '')
    const { reason } = options
    await unbanRadio(await context.store(), radio, reason, context.clock())
    return { text: `Radio ${radio} is in service again.`, json: { radio, reason: reason ?? null } }
  },
}
