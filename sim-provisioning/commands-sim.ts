// SIMs and the ranges they are taken from, at the command line. No command shows a key: a fingerprint tells one from another.
import type { Command, Input } from '../core/cli/command.ts'
import { moreLine, PAGE_OPTIONS, readPage } from '../core/cli/page.ts'
import { table } from '../core/cli/table.ts'
import type { SuspendCharging } from '../core/events/sessions/port.ts'
import { fail, isTallycellError } from '../core/kernel/errors.ts'
import { payerId } from '../core/kernel/ids.ts'
import type { Sql } from '../core/store/sql.ts'
import { createSimReader } from './batch/formats.ts'
import { readSim } from './batch/record.ts'
import { sealSim, VALUES_PER_SIM } from './batch/seal.ts'
import { audited, instant, openVault, readText } from './command-deps.ts'
import { ACT_OPTIONS, actOf } from './commands-subscription.ts'
import { type MncDigits, mncDigits } from './profiles/home-imsi.ts'
import { addRange, createRangeBook, listRanges, RANGE_KINDS } from './profiles/ranges/store.ts'
import { SIM_STATES } from './profiles/sim-machine.ts'
import { addSims, listEvents, listSims, needSim, type Sim } from './profiles/sims/store.ts'
import { maskImsi } from './profiles/store.ts'
import { CARD_STEPS, type CardStep, moveCard } from './profiles/subscriptions/life.ts'
import { subscriberOf } from './profiles/subscriptions/store.ts'
import { readSequence } from './vault/sequence/store.ts'
import { listUses } from './vault/store.ts'

const TENANT = { value: 'TENANT', summary: 'whose it is', default: 'default' } as const
const SHOWN = 20

export function simCommands(suspendCharging: SuspendCharging): Command[] {
  return [list, show, add, ...CARD_STEPS.map((event) => step(event, suspendCharging)), rangeAdd, rangeList]
}

const simJson = (sim: Sim) => ({
  iccid: sim.iccid,
  imsi: maskImsi(sim.imsi),
  tenant: sim.tenant,
  batch: sim.batch,
  state: sim.state,
  form: sim.form,
  eid: sim.eid ?? null,
  msisdn: sim.msisdn === undefined ? null : maskImsi(sim.msisdn),
  algorithm: sim.algorithm,
  fingerprint: sim.fingerprint,
  homeKey: sim.homeKey ?? null,
  created: instant(sim.created),
  changed: instant(sim.changed),
})

const list: Command = {
  path: ['sim', 'list'],
  summary: 'list the SIMs, IMSI masked',
  options: {
    ...PAGE_OPTIONS,
    tenant: { value: 'TENANT', summary: 'of this tenant only' },
    state: { value: 'STATE', summary: `in this state only: ${SIM_STATES.join(', ')}` },
  },
  examples: ['tallycell sim list', 'tallycell sim list --tenant acme --state active --json'],
  async run(input: Input, context) {
    const { tenant, state } = input.options
    if (state !== undefined && !SIM_STATES.some((name) => name === state))
      fail('ID_INVALID', { what: 'state', expected: SIM_STATES.join(', '), came: state })
    const store = await context.store()
    const { sims, more } = await store.batch((sql) => listSims(sql, { ...readPage(input), tenant, state }))
    const json = { sims: sims.map(simJson), more }
    if (sims.length === 0) return { text: 'No such SIMs. Load some: tallycell batch import FILE', json }
    const rows = sims.map((sim) => {
      const { iccid, imsi, tenant, state, batch, fingerprint } = simJson(sim)
      return { iccid, imsi, tenant, state, batch, fingerprint }
    })
    const columns = [
      { name: 'iccid', heading: 'ICCID' },
      { name: 'imsi', heading: 'IMSI' },
      'tenant',
      'state',
      'batch',
      'fingerprint',
    ] as const
    return { text: table(rows, columns) + moreLine('sim list', more ? sims.at(-1)?.iccid : undefined), json }
  },
}

const ID = { name: 'iccid', summary: 'ICCID or IMSI of the SIM', required: true } as const

const show: Command = {
  path: ['sim', 'show'],
  summary: 'show a SIM, its history, and every use of its keys',
  positionals: [ID],
  examples: ['tallycell sim show 8988211000000000011'],
  async run({ args }, context) {
    const store = await context.store()
    const json = await store.batch(async (sql) => {
      const sim = await needSim(sql, args.iccid ?? '')
      const subject = `iccid:${sim.iccid}`
      return {
        ...simJson(sim),
        subscriber: (await subscriberOf(sql, sim.iccid)) ?? null,
        sequence: (await readSequence(sql, sim.simNo)) ?? null,
        events: (await listEvents(sql, subject, SHOWN)).map((event) => ({ ...event, at: instant(event.at) })),
        keyUses: (await listUses(sql, subject, SHOWN)).map((use) => ({ ...use, at: instant(use.at) })),
      }
    })
    const { events, keyUses, ...plain } = json
    const lines = Object.entries(plain).map(([name, value]) => `${name.padEnd(12)} ${value ?? '-'}`)
    for (const { at, kind, from, to, actor, cause, reason } of events)
      lines.push(`${at}  ${kind}: ${from} -> ${to}, ${cause}, by ${actor}${reason === null ? '' : `: ${reason}`}`)
    for (const { at, purpose, actor, count } of keyUses)
      lines.push(`${at}  key used: ${purpose} x ${count}, by ${actor}`)
    return { text: lines.join('\n'), json }
  },
}

const add: Command = {
  path: ['sim', 'add'],
  summary: 'add one SIM; its keys come from a file',
  positionals: [{ name: 'iccid', summary: 'number on the card', required: true }],
  options: {
    imsi: { value: 'DIGITS', summary: '15 digits', required: true },
    'mnc-digits': { value: 'N', summary: 'length of the network code, 2 or 3, where no IMSI range says it' },
    keys: { value: 'FILE', summary: 'one line of JSON: ki and opc (or op), and pin1, puk1, adm1 …', required: true },
    tenant: TENANT,
    form: { value: 'FORM', summary: 'card or esim', default: 'card' },
  },
  examples: ['tallycell sim add 8988211000000000011 --imsi 001010000000001 --mnc-digits 2 --keys sim.json'],
  async run({ args, options }, context) {
    const { store, vault } = await openVault(context)
    const tenant = payerId(options.tenant ?? '')
    const now = context.clock()
    const [record] = createSimReader('jsonl').take([(await readText(options.keys ?? '')).replaceAll('\n', ' ')])
    if (record === undefined || 'error' in record)
      throw record?.error ?? fail('SIM_ROW', { field: 'keys', expected: 'a JSON object', came: 'nothing' })
    const sim = readSim({ ...record.fields, iccid: args.iccid, imsi: options.imsi })
    const book = createRangeBook(await store.batch(listRanges), tenant)
    const range = book.check('imsi', sim.imsi)
    book.check('iccid', sim.iccid.slice(0, -1))
    const length = range?.mncDigits ?? sim.mncDigits ?? mncDigits(options['mnc-digits'] ?? '')
    const terms = { tenant, batchNo: 0n, state: 'inStock' as const, form: formOf(options.form) }
    const fingerprint = await vault.fingerprints(now)
    const sealed = sealSim({ ...sim, mncDigits: length }, terms, await vault.sealer(VALUES_PER_SIM, now), fingerprint)
    const [outcome] = await store.batch((sql) => addSims(sql, [sealed], now))
    if (isTallycellError(outcome)) throw outcome
    const json = { iccid: sealed.iccid, tenant, fingerprint: sealed.fingerprint, outcome: outcome ?? 'added' }
    const text =
      outcome === 'unchanged'
        ? 'The very same SIM is there already.'
        : `SIM ${sealed.iccid} is in stock, key ${sealed.fingerprint}.`
    return { text, json }
  },
}

/** Throws ID_INVALID. */
export function formOf(text: string | undefined): 'card' | 'esim' {
  if (text === 'card' || text === 'esim') return text
  return fail('ID_INVALID', { what: 'form', expected: 'card or esim', came: String(text) })
}

const WHAT = {
  reserve: 'keep a SIM in stock for somebody',
  unreserve: 'put a reserved SIM back into stock',
  block: 'keep a lost or stolen SIM and its subscription off the network',
  unblock: 'a blocked SIM was found: it is suspended, and can be resumed',
  suspend: 'keep a SIM and its subscription off the network until it is resumed',
  resume: 'let a suspended SIM and its subscription in again',
  retire: 'end a SIM for good, and its subscription with it',
} as const satisfies Record<CardStep, string>

const step = (event: CardStep, suspendCharging: SuspendCharging): Command => ({
  path: ['sim', event],
  summary: WHAT[event],
  positionals: [ID],
  options: ACT_OPTIONS,
  examples: [`tallycell sim ${event} 8988211000000000011 --cause customer --reason 'by telephone'`],
  async run(input, context) {
    const digits = input.args.iccid ?? ''
    const tenant = async (sql: Sql) => payerId((await needSim(sql, digits)).tenant)
    const sim = await audited(context, { action: `sim ${event}`, input, tenant }, (joined) =>
      moveCard({ store: joined, suspendCharging }, digits, event, actOf(input, context)),
    )
    return { text: `SIM ${sim.iccid} is ${sim.state}.`, json: simJson(sim) }
  },
})

const rangeAdd: Command = {
  path: ['range', 'add'],
  summary: 'give a tenant a range of identifiers',
  positionals: [
    { name: 'kind', summary: RANGE_KINDS.join(', '), required: true },
    { name: 'first', summary: 'the first; an ICCID without its check digit', required: true },
    { name: 'last', summary: 'the last', required: true },
  ],
  options: {
    tenant: TENANT,
    'mnc-digits': { value: 'N', summary: 'of IMSI ranges: length of the network code, 2 or 3' },
  },
  examples: ['tallycell range add imsi 001010000000000 001010000099999 --mnc-digits 2 --tenant acme'],
  async run({ args, options }, context) {
    const kind = RANGE_KINDS.find((name) => name === args.kind)
    if (kind === undefined)
      return fail('ID_INVALID', { what: 'kind', expected: RANGE_KINDS.join(', '), came: args.kind ?? '' })
    const length: MncDigits | undefined =
      options['mnc-digits'] === undefined ? undefined : mncDigits(options['mnc-digits'])
    const range = { kind, first: args.first ?? '', last: args.last ?? '', tenant: payerId(options.tenant ?? '') }
    await addRange(await context.store(), { ...range, mncDigits: length }, context.clock())
    return { text: `The range belongs to ${range.tenant}.`, json: { ...range, mncDigits: length ?? null } }
  },
}

const rangeList: Command = {
  path: ['range', 'list'],
  summary: 'list the ranges of identifiers',
  examples: ['tallycell range list'],
  async run(_input, context) {
    const ranges = await (await context.store()).batch(listRanges)
    if (ranges.length === 0) return { text: 'No ranges: every tenant may use any identifier.', json: { ranges: [] } }
    const rows = ranges.map(({ kind, first, last, tenant, next, mncDigits: length }) => ({
      kind,
      first,
      last,
      tenant,
      left: String(BigInt(last) - BigInt(next) + 1n),
      mnc: length === undefined ? '-' : String(length),
    }))
    const columns = [
      'kind',
      'first',
      'last',
      'tenant',
      { name: 'left', align: 'right' },
      { name: 'mnc', heading: 'MNC digits' },
    ] as const
    return { text: table(rows, columns), json: { ranges: rows } }
  },
}
