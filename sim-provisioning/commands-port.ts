// Numbers on their way between operators, at the command line.
import type { Command, CommandContext, Output } from '../core/cli/command.ts'
import { PAGE_OPTIONS, readPage } from '../core/cli/page.ts'
import { table } from '../core/cli/table.ts'
import { fail } from '../core/kernel/errors.ts'
import { subscriberId } from '../core/kernel/ids.ts'
import { decimal, type Millis, millis } from '../core/kernel/units.ts'
import type { Sql } from '../core/store/sql.ts'
import { AS_OPTION, actorOf, audited, instant, readText } from './command-deps.ts'
import { ACT_OPTIONS, actOf } from './commands-subscription.ts'
import { msisdn } from './profiles/msisdn.ts'
import { takeAnswers } from './profiles/porting/file-adapter.ts'
import { cancelPort, movePort, type PortingDeps, requestPort, submitPort } from './profiles/porting/porting.ts'
import { configuredPortAdapter, portingFolder } from './profiles/porting/settings.ts'
import { listPorts, needPort, type Port } from './profiles/porting/store.ts'
import { maskImsi } from './profiles/store.ts'

export function portCommands(): Command[] {
  return [
    request('in'),
    request('out'),
    submit,
    say('confirm'),
    say('refuse'),
    say('complete'),
    cancel,
    list,
    show,
    answers,
  ]
}

const depsOf = async (context: CommandContext): Promise<PortingDeps> => ({
  store: await context.store(),
  adapter: configuredPortAdapter(await context.config()),
})

const portJson = (port: Port) => ({
  port: port.portId,
  direction: port.direction,
  msisdn: maskImsi(port.msisdn),
  subscriber: port.subscriber,
  tenant: port.tenant,
  partner: port.partner,
  state: port.state,
  reference: port.reference ?? null,
  reason: port.reason ?? null,
  foc: port.foc === undefined ? null : instant(port.foc),
  changed: instant(port.changed),
})

const said = (port: Port): Output => ({
  text: `Port ${port.portId} of ${maskImsi(port.msisdn)} is ${port.state}${port.reference === undefined ? '' : `, reference: ${port.reference}`}.`,
  json: portJson(port),
})

const PORT = { name: 'port', summary: 'its number', required: true } as const
const PIN = {
  value: 'FILE',
  summary: 'the account PIN at the other operator, alone in a file; kept as a hash only',
} as const

const readPin = async (path: string | undefined): Promise<string | undefined> =>
  path === undefined ? undefined : (await readText(path)).trim()

function readInstant(text: string | undefined): Millis | undefined {
  if (text === undefined) return undefined
  const at = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    return fail('ID_INVALID', { what: 'date', expected: '2026-11-30 or 2026-11-30T12:00Z', came: text.slice(0, 40) })
  return millis(at)
}

const request = (direction: 'in' | 'out'): Command => ({
  path: ['port', direction],
  summary:
    direction === 'in'
      ? "bring a subscriber's number over from another operator"
      : "let another operator take a subscriber's number over",
  positionals: [
    { name: 'subscriber', summary: 'ours', required: true },
    { name: 'msisdn', summary: 'the number with its country code', required: true },
  ],
  options: {
    partner: { value: 'NAME', summary: 'the other operator', required: true },
    account: { value: 'TEXT', summary: "the subscriber's account there" },
    'pin-file': PIN,
    date: { value: 'DATE', summary: 'when it is to happen, as agreed' },
    ...ACT_OPTIONS,
  },
  examples: [`tallycell port ${direction} alice +447400123456 --partner other-mobile --pin-file pin.txt`],
  async run(input, context) {
    const { args, options } = input
    const order = {
      direction,
      msisdn: msisdn(args.msisdn ?? ''),
      subscriber: subscriberId(args.subscriber ?? ''),
      partner: options.partner ?? '',
      account: options.account,
      pin: await readPin(options['pin-file']),
      foc: readInstant(options.date),
    }
    return said(await requestPort(await depsOf(context), order, actOf(input, context)))
  },
})

const portNumber = (text: string | undefined): bigint => decimal(text ?? '', 'number of the port')

const submit: Command = {
  path: ['port', 'submit'],
  summary: 'hand an order in that did not reach the other side',
  positionals: [PORT],
  options: { 'pin-file': PIN, ...ACT_OPTIONS },
  examples: ['tallycell port submit 3 --pin-file pin.txt'],
  async run(input, context) {
    const pin = await readPin(input.options['pin-file'])
    return said(await submitPort(await depsOf(context), portNumber(input.args.port), pin, actOf(input, context)))
  },
}

const SAID = {
  confirm: 'the other side agrees',
  refuse: 'the other side does not agree',
  complete: 'the number has moved: it belongs to, or leaves, the subscriber now',
} as const

const say = (event: keyof typeof SAID): Command => ({
  path: ['port', event],
  summary: SAID[event],
  positionals: [PORT],
  options: { reference: { value: 'TEXT', summary: "the order's name at the other side" }, ...ACT_OPTIONS },
  examples: [`tallycell port ${event} 3`],
  async run(input, context) {
    const act = { ...actOf(input, context), reference: input.options.reference }
    const port = portNumber(input.args.port)
    const tenant = async (sql: Sql) => (await needPort(sql, port)).tenant
    const audit = { action: `port ${event}`, input, tenant }
    return said(await audited(context, audit, (joined) => movePort(joined, port, event, act)))
  },
})

const cancel: Command = {
  path: ['port', 'cancel'],
  summary: 'call an order off that is not confirmed yet',
  positionals: [PORT],
  options: ACT_OPTIONS,
  examples: ['tallycell port cancel 3 --cause customer'],
  async run(input, context) {
    return said(await cancelPort(await depsOf(context), portNumber(input.args.port), actOf(input, context)))
  },
}

const list: Command = {
  path: ['port', 'list'],
  summary: 'list numbers on their way between operators',
  options: {
    limit: PAGE_OPTIONS.limit,
    after: { value: 'N', summary: 'ports after this one' },
    open: { summary: 'only those under way' },
    tenant: { value: 'TENANT', summary: 'only of this one' },
  },
  examples: ['tallycell port list --open'],
  async run(input, context) {
    const { options } = input
    const { limit } = readPage({ ...input, options: { ...options, after: undefined } })
    const after = options.after === undefined ? 0n : decimal(options.after, 'number of a port')
    const filter = { limit, after, tenant: options.tenant, open: options.open === undefined ? undefined : true }
    const { ports, more } = await (await context.store()).batch((sql) => listPorts(sql, filter))
    const json = { ports: ports.map(portJson), more }
    if (ports.length === 0) return { text: 'No such ports.', json }
    const rows = ports.map((port) => {
      const { direction, msisdn: digits, subscriber, partner, state } = portJson(port)
      return { port: String(port.portId), direction, number: digits, subscriber, partner, state }
    })
    const last = ports.at(-1)?.portId
    const next = more ? `\nMore: tallycell port list --after ${last}` : ''
    return { text: table(rows, ['port', 'direction', 'number', 'subscriber', 'partner', 'state']) + next, json }
  },
}

const show: Command = {
  path: ['port', 'show'],
  summary: 'show an order to port a number',
  positionals: [PORT],
  examples: ['tallycell port show 3'],
  async run({ args }, context) {
    const json = portJson(await (await context.store()).batch((sql) => needPort(sql, portNumber(args.port))))
    const lines = Object.entries(json).map(([name, value]) => `${name.padEnd(12)} ${value ?? '-'}`)
    return { text: lines.join('\n'), json }
  },
}

const answers: Command = {
  path: ['port', 'answers'],
  summary: 'with porting.adapter file: take the answers that lie in the folder in',
  options: AS_OPTION,
  examples: ['tallycell port answers'],
  async run({ options }, context) {
    const act = { actor: actorOf(options.as), now: context.clock() }
    const taken = await takeAnswers(await context.store(), portingFolder(await context.config()), act)
    const bad = taken.filter(({ problem }) => problem !== undefined)
    const lines = taken.map(
      ({ file, state, problem }) => `${file}: ${problem === undefined ? state : `put aside: ${problem}`}`,
    )
    const text = taken.length === 0 ? 'No answers are there.' : lines.join('\n')
    return { text, json: { answers: taken }, exit: bad.length > 0 ? 65 : 0 }
  },
}
