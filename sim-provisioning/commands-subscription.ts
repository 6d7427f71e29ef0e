// Subscriptions at the command line: their life, SIM, number, locks, and what their subscribers have to be told.
import type { Command, CommandContext, Input, OptionSpec } from '../core/cli/command.ts'
import { PAGE_OPTIONS, readPage } from '../core/cli/page.ts'
import { table } from '../core/cli/table.ts'
import type { SuspendCharging } from '../core/events/sessions/port.ts'
import { fail } from '../core/kernel/errors.ts'
import { iccid } from '../core/kernel/iccid.ts'
import { payerId, planId, type SubscriberId, subscriberId } from '../core/kernel/ids.ts'
import { decimal } from '../core/kernel/units.ts'
import type { Sql } from '../core/store/sql.ts'
import { AS_OPTION, actorOf, audited, instant } from './command-deps.ts'
import { type Act, CAUSES, causeOf } from './profiles/act.ts'
import { msisdn } from './profiles/msisdn.ts'
import { listEvents } from './profiles/sims/store.ts'
import { maskImsi } from './profiles/store.ts'
import {
  activate,
  changeMsisdn,
  dropSessions,
  LOCKS,
  type Lock,
  moveSubscription,
  setLock,
  swapSim,
} from './profiles/subscriptions/life.ts'
import { type ListedSubscription, markSent, needSubscription, unsentNotices } from './profiles/subscriptions/store.ts'

const SHOWN = 20
const ID = { name: 'id', summary: 'name of the subscriber', required: true } as const
/** Why, and who: for the record. */
export const ACT_OPTIONS = {
  cause: { value: 'CAUSE', summary: CAUSES.join(', '), default: 'operator' },
  reason: { value: 'TEXT', summary: 'why, in words, for the record' },
  ...AS_OPTION,
} as const satisfies Record<string, OptionSpec>

/** The trail of who has the subscription. */
const auditOf = (input: Input, action: string, subscriber: SubscriberId) => ({
  action: `subscriber ${action}`,
  input,
  tenant: async (sql: Sql) => (await needSubscription(sql, subscriber)).tenant,
})

/** What the options say. Throws ID_INVALID. */
export const actOf = ({ options }: Input, context: CommandContext): Act => ({
  actor: actorOf(options.as),
  cause: causeOf(options.cause),
  reason: options.reason,
  now: context.clock(),
})

export function subscriptionCommands(suspendCharging: SuspendCharging): Command[] {
  const moves = (Object.keys(MOVES) as (keyof typeof MOVES)[]).map((event) => move(event, suspendCharging))
  return [activateCommand, ...moves, swap, number, lock('lock'), lock('unlock'), drop, show, notices]
}

const subscriptionJson = (held: ListedSubscription) => ({
  subscriber: held.subscriber,
  tenant: held.tenant,
  state: held.state,
  reason: held.reason,
  plan: held.plan,
  imsi: held.imsi === null ? null : maskImsi(held.imsi),
  iccid: held.iccid,
  msisdn: held.msisdn === null ? null : maskImsi(held.msisdn),
  simSwapLock: held.simSwapLock,
  portLock: held.portLock,
  changed: instant(held.changed),
})

const activateCommand: Command = {
  path: ['subscriber', 'activate'],
  summary: 'open a subscription on a SIM that is in stock; it can be used at once',
  positionals: [ID],
  options: {
    sim: { value: 'ICCID', summary: 'the SIM', required: true },
    tenant: { value: 'TENANT', summary: 'whose subscriber and SIM', default: 'default' },
    plan: { value: 'PLAN', summary: 'what the subscriber is charged by', default: 'flat' },
    number: { value: 'MSISDN', summary: 'telephone number; the one of the SIM unless given' },
    ...ACT_OPTIONS,
  },
  examples: ['tallycell subscriber activate alice --sim 8988211000000000011 --tenant acme --plan data-m'],
  async run(input, context) {
    const { args, options } = input
    const subscriber = subscriberId(args.id ?? '')
    const store = await context.store()
    const wanted = {
      subscriber,
      tenant: payerId(options.tenant ?? ''),
      plan: planId(options.plan ?? ''),
      iccid: iccid(options.sim ?? ''),
      msisdn: options.number === undefined ? undefined : msisdn(options.number),
    }
    const audit = { action: 'subscriber activate', input, tenant: async () => wanted.tenant }
    await audited(context, audit, (joined) => activate(joined, wanted, actOf(input, context)))
    const held = await store.batch((sql) => needSubscription(sql, subscriber))
    return {
      text: `Subscription ${subscriber} is active: SIM ${held.iccid}, plan ${held.plan}.`,
      json: subscriptionJson(held),
    }
  },
}

const MOVES = {
  suspend: ['keep a subscriber off the network until it is resumed; live sessions end', 'Its sessions end now.'],
  resume: ['let a suspended subscriber in again', 'It is let in again.'],
  cease: ['end a subscription for good; its number is kept back', 'Its sessions end now, its SIM is retired.'],
  terminate: ['end a subscription and free its number', 'Its number is free.'],
} as const

const move = (event: keyof typeof MOVES, suspendCharging: SuspendCharging): Command => ({
  path: ['subscriber', event],
  summary: MOVES[event][0],
  positionals: [ID],
  options: ACT_OPTIONS,
  examples: [`tallycell subscriber ${event} alice --cause customer --reason 'by telephone'`],
  async run(input, context) {
    const store = await context.store()
    const subscriber = subscriberId(input.args.id ?? '')
    const { state } = await audited(context, auditOf(input, event, subscriber), (joined) =>
      moveSubscription({ store: joined, suspendCharging }, subscriber, event, actOf(input, context)),
    )
    const held = await store.batch((sql) => needSubscription(sql, subscriber))
    return { text: `Subscription ${subscriber} is ${state}. ${MOVES[event][1]}`, json: subscriptionJson(held) }
  },
})

const swap: Command = {
  path: ['subscriber', 'swap'],
  summary: 'give a subscriber another SIM; the old one is retired and its sessions end',
  positionals: [ID, { name: 'iccid', summary: 'the new SIM, in stock', required: true }],
  options: ACT_OPTIONS,
  examples: ['tallycell subscriber swap alice 8988211000000000029 --cause lost'],
  async run(input, context) {
    const store = await context.store()
    const subscriber = subscriberId(input.args.id ?? '')
    const card = iccid(input.args.iccid ?? '')
    await audited(context, auditOf(input, 'swap', subscriber), (joined) =>
      swapSim(joined, subscriber, card, actOf(input, context)),
    )
    const held = await store.batch((sql) => needSubscription(sql, subscriber))
    return { text: `Subscription ${subscriber} has the SIM ${held.iccid}.`, json: subscriptionJson(held) }
  },
}

const number: Command = {
  path: ['subscriber', 'number'],
  summary: 'give a subscriber another telephone number',
  positionals: [ID, { name: 'msisdn', summary: 'with country code: +44 7400 123456', required: true }],
  options: ACT_OPTIONS,
  examples: ['tallycell subscriber number alice +447400123456'],
  async run(input, context) {
    const store = await context.store()
    const subscriber = subscriberId(input.args.id ?? '')
    const wanted = msisdn(input.args.msisdn ?? '')
    await audited(context, auditOf(input, 'number', subscriber), (joined) =>
      changeMsisdn(joined, subscriber, wanted, actOf(input, context)),
    )
    const held = await store.batch((sql) => needSubscription(sql, subscriber))
    return { text: `Subscription ${subscriber} has the number ${maskImsi(wanted)}.`, json: subscriptionJson(held) }
  },
}

function readLock(text: string | undefined): Lock {
  const found = LOCKS.find((name) => name === text)
  return found ?? fail('ID_INVALID', { what: 'lock', expected: LOCKS.join(' or '), came: String(text) })
}

const lock = (word: 'lock' | 'unlock'): Command => ({
  path: ['subscriber', word],
  summary:
    word === 'lock'
      ? 'let nobody change the SIM, or take the number away; the subscriber is told'
      : 'take a lock away; the subscriber is told',
  positionals: [ID, { name: 'lock', summary: LOCKS.join(' or '), required: true }],
  options: ACT_OPTIONS,
  examples: [`tallycell subscriber ${word} alice sim-swap --cause customer`],
  async run(input, context) {
    const store = await context.store()
    const subscriber = subscriberId(input.args.id ?? '')
    const wanted = readLock(input.args.lock)
    await audited(context, auditOf(input, word, subscriber), (joined) =>
      setLock(joined, subscriber, wanted, word === 'lock', actOf(input, context)),
    )
    const held = await store.batch((sql) => needSubscription(sql, subscriber))
    return { text: `Subscription ${subscriber}: ${wanted} is ${word}ed.`, json: subscriptionJson(held) }
  },
})

const drop: Command = {
  path: ['subscriber', 'drop'],
  summary: 'end the live sessions of a subscriber; they may begin again',
  positionals: [ID],
  options: ACT_OPTIONS,
  examples: ['tallycell subscriber drop alice'],
  async run(input, context) {
    const subscriber = subscriberId(input.args.id ?? '')
    await audited(context, auditOf(input, 'drop', subscriber), (joined) =>
      dropSessions(joined, subscriber, actOf(input, context)),
    )
    const text = `The sessions of ${subscriber} are ordered to end; a running node does so within seconds.`
    return { text, json: { subscriber, ordered: 'drop' } }
  },
}

const show: Command = {
  path: ['subscriber', 'show'],
  summary: 'show a subscription and its history',
  positionals: [ID],
  examples: ['tallycell subscriber show alice'],
  async run({ args }, context) {
    const store = await context.store()
    const json = await store.batch(async (sql) => {
      const held = await needSubscription(sql, args.id ?? '')
      const events = await listEvents(sql, `subscriber:${held.subscriber}`, SHOWN)
      return {
        ...subscriptionJson(held),
        events: events.map((event) => ({ ...hideDigits(event), at: instant(event.at) })),
      }
    })
    const { events, ...plain } = json
    const lines = Object.entries(plain).map(([name, value]) => `${name.padEnd(12)} ${value ?? '-'}`)
    for (const { at, kind, from, to, actor, cause, reason } of events)
      lines.push(
        `${at}  ${kind}: ${from || '-'} -> ${to || '-'}, ${cause}, by ${actor}${reason === null ? '' : `: ${reason}`}`,
      )
    return { text: lines.join('\n'), json }
  },
}

/** An event of a swap or a number names what it went from and to. */
const hideDigits = <Event extends { readonly kind: string; readonly from: string; readonly to: string }>(
  event: Event,
): Event => (event.kind === 'number' ? { ...event, from: maskIfAny(event.from), to: maskIfAny(event.to) } : event)

const maskIfAny = (digits: string): string => (digits === '' ? '' : maskImsi(digits))

const notices: Command = {
  path: ['subscriber', 'notices'],
  summary: 'list what subscribers have to be told and have not been; --sent says that they were',
  options: {
    limit: PAGE_OPTIONS.limit,
    after: { value: 'N', summary: 'notices after this one' },
    sent: { value: 'NUMBERS', summary: 'parted by commas: these have reached their subscribers' },
  },
  examples: ['tallycell subscriber notices --json', 'tallycell subscriber notices --sent 1,2,3'],
  async run(input, context) {
    const { options } = input
    const store = await context.store()
    if (options.sent !== undefined) {
      const numbers = options.sent.split(',').map((text) => decimal(text, 'number of a notice'))
      const count = await store.batch((sql) => markSent(sql, numbers, context.clock()))
      return { text: `${count} notices are done with.`, json: { sent: count } }
    }
    const { limit } = readPage({ ...input, options: { ...options, after: undefined } })
    const after = options.after === undefined ? 0n : decimal(options.after, 'number of a notice')
    const found = await store.batch((sql) => unsentNotices(sql, limit, after))
    const rows = found.map((notice) => ({
      notice: String(notice.notice_id),
      at: instant(notice.at),
      subscriber: notice.subscriber_id,
      kind: notice.kind,
      detail: notice.detail,
    }))
    const text =
      rows.length === 0
        ? 'Every subscriber has been told.'
        : table(rows, ['notice', 'at', 'subscriber', 'kind', 'detail'])
    return { text, json: { notices: rows } }
  },
}
