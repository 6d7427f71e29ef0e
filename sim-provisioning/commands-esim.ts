// eSIM orders at the command line. An activation code is shown only by `esim qr`: whoever has it may be first to use it.
import { writeFile } from 'node:fs/promises'
import type { Command, CommandContext, Input } from '../core/cli/command.ts'
import { moreLine, PAGE_OPTIONS, readPage } from '../core/cli/page.ts'
import { table } from '../core/cli/table.ts'
import { fail } from '../core/kernel/errors.ts'
import { payerId } from '../core/kernel/ids.ts'
import { AS_OPTION, actorOf, instant, readText } from './command-deps.ts'
import { FINAL_STATES, type FinalState } from './esim/es2plus/messages.ts'
import { orderDeps } from './esim/esim.ts'
import { ORDER_STATES } from './esim/order-machine.ts'
import {
  activationCode,
  cancelOrder,
  confirmOrder,
  findOrder,
  type OrderDeps,
  orderProfile,
  releaseOrder,
} from './esim/orders.ts'
import { qrPng, qrSvg, qrText } from './esim/qr.ts'
import { listOrders, type Order, subjectOf } from './esim/store.ts'
import type { Act } from './profiles/act.ts'
import { listEvents } from './profiles/sims/store.ts'
import { orderBody } from './routes/esim-orders.ts'

const SHOWN = 50

export function esimCommands(): Command[] {
  return [order, confirm, release, cancel, list, show, qr]
}

const open = async (context: CommandContext): Promise<OrderDeps> =>
  orderDeps(await context.store(), await context.config(), { signal: context.signal })

const actOf = ({ options }: Input, context: CommandContext): Act => ({
  actor: actorOf(options.as),
  reason: options.reason,
  now: context.clock(),
})

const orderJson = (one: Order) => ({ tenant: one.tenant, ...orderBody(one) })

const ORDER = { name: 'order', summary: 'number of the order, or ICCID', required: true } as const
const REASON = { reason: { value: 'TEXT', summary: 'why, for the record' } } as const

const order: Command = {
  path: ['esim', 'order'],
  summary: 'order a profile from the SM-DP+; one whose answer was lost is asked for again',
  positionals: [{ name: 'iccid', summary: 'ICCID of a SIM that is there; left out: any of --profile-type' }],
  options: {
    'profile-type': { value: 'NAME', summary: 'kind of profile, as the SM-DP+ calls it' },
    eid: { value: 'DIGITS', summary: 'of the phone that it is for, if that is known' },
    tenant: { value: 'TENANT', summary: 'whose SIM it is', default: 'default' },
    ...REASON,
    ...AS_OPTION,
  },
  examples: ['tallycell esim order 8988211000000000011 --tenant acme', 'tallycell esim order --profile-type data'],
  async run(input, context) {
    const { args, options } = input
    const wanted = {
      tenant: payerId(options.tenant ?? ''),
      iccid: args.iccid,
      profileType: options['profile-type'],
      eid: options.eid,
    }
    const made = await orderProfile(await open(context), wanted, actOf(input, context))
    return {
      text: `Order ${made.orderId}: the profile ${made.iccid} is ${made.state}.\nGo on: tallycell esim confirm ${made.orderId}`,
      json: orderJson(made),
    }
  },
}

const confirm: Command = {
  path: ['esim', 'confirm'],
  summary: 'give an order its activation code, and let phones fetch the profile',
  positionals: [ORDER],
  options: {
    'confirmation-code': { value: 'FILE', summary: "a code alone in a file, that the phone's user has to type in" },
    'no-release': { summary: 'phones may not fetch it yet: release it later' },
    ...REASON,
    ...AS_OPTION,
  },
  examples: ['tallycell esim confirm 9f86d081884c7d65', 'tallycell esim confirm 9f86d081884c7d65 --no-release'],
  async run(input, context) {
    const deps = await open(context)
    const { orderId } = await findOrder(deps.store, input.args.order ?? '')
    const file = input.options['confirmation-code']
    const confirmationCode = file === undefined ? undefined : readCode(await readText(file))
    const release = input.options['no-release'] === undefined
    const done = await confirmOrder(deps, orderId, { confirmationCode, release }, actOf(input, context))
    return { text: said(done, `Show its code: tallycell esim qr ${orderId}`), json: orderJson(done) }
  },
}

/** Throws ID_INVALID, without the code. */
function readCode(text: string): string {
  const code = text.trim()
  if (/^[\x21-\x7e]{1,64}$/.test(code)) return code
  const expected = '1 to 64 characters without blanks'
  return fail('ID_INVALID', { what: 'confirmation code', expected, came: `${code.length} characters` })
}

const said = ({ orderId, state }: Order, next: string): string => `Order ${orderId} is ${state}.\n${next}`

const release: Command = {
  path: ['esim', 'release'],
  summary: 'let phones fetch the profile of a confirmed order',
  positionals: [ORDER],
  options: { ...REASON, ...AS_OPTION },
  examples: ['tallycell esim release 9f86d081884c7d65'],
  async run(input, context) {
    const deps = await open(context)
    const { orderId } = await findOrder(deps.store, input.args.order ?? '')
    const done = await releaseOrder(deps, orderId, actOf(input, context))
    return { text: said(done, `Show its code: tallycell esim qr ${orderId}`), json: orderJson(done) }
  },
}

const cancel: Command = {
  path: ['esim', 'cancel'],
  summary: 'call an order off whose profile is on no phone',
  positionals: [ORDER],
  options: {
    final: { value: 'STATE', summary: `what becomes of the profile: ${FINAL_STATES.join(', ')}`, default: 'Available' },
    ...REASON,
    ...AS_OPTION,
  },
  examples: ["tallycell esim cancel 9f86d081884c7d65 --reason 'asked for by the customer'"],
  async run(input, context) {
    const final = readFinal(input.options.final)
    const deps = await open(context)
    const { orderId } = await findOrder(deps.store, input.args.order ?? '')
    const done = await cancelOrder(deps, orderId, final, actOf(input, context))
    return { text: `Order ${orderId} is ${done.state}; the profile is ${final}.`, json: orderJson(done) }
  },
}

function readFinal(text: string | undefined): FinalState {
  const final = FINAL_STATES.find((name) => name === text)
  return final ?? fail('ID_INVALID', { what: 'final state', expected: FINAL_STATES.join(' or '), came: String(text) })
}

const list: Command = {
  path: ['esim', 'list'],
  summary: 'list the eSIM orders',
  options: {
    ...PAGE_OPTIONS,
    tenant: { value: 'TENANT', summary: 'of this tenant only' },
    state: { value: 'STATE', summary: `in this state only: ${ORDER_STATES.join(', ')}` },
  },
  examples: ['tallycell esim list', 'tallycell esim list --tenant acme --state released --json'],
  async run(input, context) {
    const { tenant, state } = input.options
    if (state !== undefined && !ORDER_STATES.some((name) => name === state))
      fail('ID_INVALID', { what: 'state', expected: ORDER_STATES.join(', '), came: state })
    const store = await context.store()
    const { orders, more } = await store.batch((sql) => listOrders(sql, { ...readPage(input), tenant, state }))
    const json = { orders: orders.map(orderJson), more }
    if (orders.length === 0) return { text: 'No such orders. Make one: tallycell esim order ICCID', json }
    const rows = orders.map((one) => {
      const { order, tenant, state, iccid, profileType, changed } = orderJson(one)
      return { order, tenant, state, iccid: iccid ?? '-', type: profileType ?? '-', changed }
    })
    const columns = ['order', 'tenant', 'state', { name: 'iccid', heading: 'ICCID' }, 'type', 'changed'] as const
    return { text: table(rows, columns) + moreLine('esim list', more ? orders.at(-1)?.orderId : undefined), json }
  },
}

const show: Command = {
  path: ['esim', 'show'],
  summary: 'show an eSIM order and what happened to it',
  positionals: [ORDER],
  examples: ['tallycell esim show 9f86d081884c7d65'],
  async run({ args }, context) {
    const store = await context.store()
    const one = await findOrder(store, args.order ?? '')
    const events = await store.batch((sql) => listEvents(sql, subjectOf(one.orderId), SHOWN))
    const json = { ...orderJson(one), events: events.map((event) => ({ ...event, at: instant(event.at) })) }
    const { events: happened, ...plain } = json
    const lines = Object.entries(plain).map(([name, value]) => `${name.padEnd(24)} ${value ?? '-'}`)
    for (const { at, kind, from, to, actor, reason } of happened)
      lines.push(`${at}  ${kind}: ${from} -> ${to}, by ${actor}${reason === null ? '' : `: ${reason}`}`)
    return { text: lines.join('\n'), json }
  },
}

const qr: Command = {
  path: ['esim', 'qr'],
  summary: 'show the activation code of an order as a QR code to be scanned',
  positionals: [ORDER],
  options: {
    svg: { value: 'FILE', summary: 'write it as SVG' },
    png: { value: 'FILE', summary: 'write it as PNG' },
  },
  examples: ['tallycell esim qr 9f86d081884c7d65', 'tallycell esim qr 9f86d081884c7d65 --png code.png'],
  async run({ args, options }, context) {
    const one = await findOrder(await context.store(), args.order ?? '')
    const code = activationCode(one)
    const json = { order: one.orderId, activationCode: code }
    const files = [
      ...(options.svg === undefined ? [] : [{ path: options.svg, content: qrSvg(code) }]),
      ...(options.png === undefined ? [] : [{ path: options.png, content: qrPng(code) }]),
    ]
    for (const { path, content } of files) await writeCode(path, content)
    if (files.length > 0) return { text: `Written to ${files.map(({ path }) => path).join(', ')}.`, json }
    return { text: `${qrText(code)}\n\n${code}`, json }
  },
}

/** For the owner alone. Throws CLI_OUTPUT_UNWRITABLE. */
async function writeCode(path: string, content: string | Buffer): Promise<void> {
  try {
    await writeFile(path, content, { mode: 0o600 })
  } catch (error) {
    fail('CLI_OUTPUT_UNWRITABLE', { reason: error instanceof Error ? error.message : String(error) }, error)
  }
}
