// SIMs and their batches in the partner API. Keys come in, and never go out: a fingerprint tells one from another.
import { Type } from 'typebox'
import {
  ACCEPTED,
  accepted,
  type Call,
  ID,
  nullable,
  type PartnerApi,
  type PartnerRoutes,
  TIME,
  unknown,
} from '../../core/http/partner/contract.ts'
import { FORMATS, type Format } from '../batch/formats.ts'
import { importBatch } from '../batch/import.ts'
import { type Batch, listBatches, listErrors, needBatch } from '../batch/store.ts'
import { instant } from '../command-deps.ts'
import { mncDigits } from '../profiles/home-imsi.ts'
import { SIM_STATES } from '../profiles/sim-machine.ts'
import { listSims, needSim, type Sim } from '../profiles/sims/store.ts'
import { CARD_STEPS, moveCard } from '../profiles/subscriptions/life.ts'
import { subscriberOf } from '../profiles/subscriptions/store.ts'
import { openTransportKey } from '../vault/network-keys/network-keys.ts'
import { actOf, CALLBACK, decodeInput, encodeInput, jobAct, type RouteDeps, Why } from './deps.ts'

const ICCID = Type.String({ pattern: '^89[0-9]{16,18}[Ff]?$', description: 'number of the SIM' })
const CARD = Type.Object({ iccid: ICCID })
const FORMS = ['card', 'esim'] as const

const SIM = Type.Object({
  iccid: Type.String(),
  imsi: Type.String(),
  batch: Type.String(),
  state: Type.Enum([...SIM_STATES]),
  form: Type.Enum([...FORMS]),
  eid: nullable(Type.String()),
  msisdn: nullable(Type.String()),
  algorithm: Type.Enum(['milenage', 'tuak']),
  fingerprint: Type.String({ description: 'of its keys: equal where they are' }),
  homeKey: nullable(Type.Integer({ description: 'home network key that it knows' })),
  created: TIME,
  changed: TIME,
})

const simBody = (sim: Sim) => ({
  iccid: sim.iccid,
  imsi: sim.imsi,
  batch: sim.batch,
  state: sim.state,
  form: sim.form,
  eid: sim.eid ?? null,
  msisdn: sim.msisdn ?? null,
  algorithm: sim.algorithm,
  fingerprint: sim.fingerprint,
  homeKey: sim.homeKey ?? null,
  created: instant(sim.created),
  changed: instant(sim.changed),
})

const BATCH = Type.Object({
  batch: Type.String(),
  source: Type.String({ description: 'name of the file, as it was given' }),
  format: Type.Enum([...FORMATS]),
  mode: Type.Enum(['row', 'all']),
  state: Type.Enum(['running', 'done', 'refused']),
  lines: Type.Integer({ description: 'that are dealt with' }),
  added: Type.Integer(),
  unchanged: Type.Integer(),
  refused: Type.Integer(),
  created: TIME,
})

const batchBody = ({ batch, source, format, mode, state, position, added, unchanged, refused, created }: Batch) => ({
  ...{ batch, source, format, mode, state, lines: position, added, unchanged, refused },
  created: instant(created),
})

const LINE_ERROR = Type.Object({
  line: Type.Integer(),
  code: Type.String(),
  message: Type.String(),
  hint: Type.String(),
})

export const simRoutes =
  (deps: RouteDeps): PartnerRoutes =>
  (api) => {
    cardRoutes(api, deps)
    batchRoutes(api)
    uploadRoutes(api, deps)
  }

function cardRoutes(api: PartnerApi, { suspendCharging }: RouteDeps): void {
  api.list({
    url: '/sims',
    tag: 'sims',
    scope: 'sims:read',
    summary: 'The SIMs, by ICCID',
    query: Type.Object({
      state: Type.Optional(Type.Enum([...SIM_STATES])),
      batch: Type.Optional(Type.String({ maxLength: 64 })),
    }),
    item: SIM,
    async handler({ sql, tenant, query: { state, batch }, page }) {
      const batchNo = batch === undefined ? undefined : (await needBatch(sql, batch, tenant)).batchNo
      const { sims, more } = await listSims(sql, { ...page, tenant, state, batchNo })
      return { items: sims.map(simBody), next: more ? sims.at(-1)?.iccid : undefined }
    },
  })
  api.route({
    method: 'GET',
    url: '/sims/{iccid}',
    tag: 'sims',
    scope: 'sims:read',
    summary: 'A SIM, and who has it',
    params: CARD,
    answers: { 200: Type.Object({ ...SIM.properties, subscriber: nullable(ID) }) },
    errors: ['SIM_UNKNOWN'],
    async handler({ sql, tenant, params }) {
      const sim = await needSim(sql, params.iccid, tenant)
      return { body: { ...simBody(sim), subscriber: (await subscriberOf(sql, sim.iccid)) ?? null } }
    },
  })
  for (const step of CARD_STEPS)
    api.route({
      method: 'POST',
      url: `/sims/{iccid}/${step}`,
      tag: 'sims',
      scope: 'sims:write',
      summary: CARD_WORDS[step],
      params: CARD,
      body: Why,
      answers: { 200: SIM },
      errors: ['SIM_UNKNOWN', 'SIM_STEP'],
      handler: async (call) => {
        const act = actOf(call, call.body)
        return { body: simBody(await moveCard({ store: call.joined, suspendCharging }, call.params.iccid, step, act)) }
      },
    })
}

const CARD_WORDS: Readonly<Record<(typeof CARD_STEPS)[number], string>> = {
  reserve: 'Keep a SIM for somebody',
  unreserve: 'Put a reserved SIM back in stock',
  suspend: 'Keep a SIM and its subscription off the network until they are resumed',
  resume: 'Let a suspended SIM and its subscription in again',
  block: 'Keep a lost or stolen SIM off the network',
  unblock: 'A blocked SIM was found: it is suspended until it is resumed',
  retire: 'End a SIM for good, and its subscription with it',
}

const OF_BATCH = Type.Object({ batch: Type.String({ maxLength: 64 }) })

function batchRoutes(api: PartnerApi): void {
  api.list({
    url: '/batches',
    tag: 'batches',
    scope: 'batches:read',
    summary: 'The batches of SIMs',
    item: BATCH,
    async handler({ sql, tenant, page }) {
      const { batches, more } = await listBatches(sql, { ...page, tenant })
      return { items: batches.map(batchBody), next: more ? batches.at(-1)?.batch : undefined }
    },
  })
  api.route({
    method: 'GET',
    url: '/batches/{batch}',
    tag: 'batches',
    scope: 'batches:read',
    summary: 'How far a batch is',
    params: OF_BATCH,
    answers: { 200: BATCH },
    errors: ['BATCH_UNKNOWN'],
    handler: async ({ sql, tenant, params }) => ({ body: batchBody(await needBatch(sql, params.batch, tenant)) }),
  })
  api.list({
    url: '/batches/{batch}/errors',
    tag: 'batches',
    scope: 'batches:read',
    summary: 'What was wrong with which line of its file',
    params: OF_BATCH,
    item: LINE_ERROR,
    errors: ['BATCH_UNKNOWN'],
    async handler({ sql, tenant, params, page }) {
      const { batchNo } = await needBatch(sql, params.batch, tenant)
      const errors = await listErrors(sql, batchNo, page.limit + 1, Number(page.after ?? 0))
      const items = errors.slice(0, page.limit)
      return { items, next: errors.length > page.limit ? String(items.at(-1)?.line) : undefined }
    },
  })
  api.list({
    url: '/batches/{batch}/sims',
    tag: 'batches',
    scope: 'batches:read',
    summary: 'The SIMs of a batch, without their keys',
    params: OF_BATCH,
    item: SIM,
    errors: ['BATCH_UNKNOWN'],
    async handler({ sql, tenant, params, page }) {
      const { batchNo } = await needBatch(sql, params.batch, tenant)
      const { sims, more } = await listSims(sql, { ...page, tenant, batchNo })
      return { items: sims.map(simBody), next: more ? sims.at(-1)?.iccid : undefined }
    },
  })
}

const MNC_DIGITS = Type.Optional(
  Type.Integer({
    minimum: 2,
    maximum: 3,
    description: 'length of the network code, where neither row nor range says it',
  }),
)
const HOME_KEY = Type.Optional(Type.Integer({ minimum: 0, maximum: 255, description: 'home network key on the SIMs' }))
const UPLOAD = Type.Object({
  format: Type.Optional(Type.Enum([...FORMATS], { description: 'by the media type unless given: pysim, or jsonl' })),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'of the file, for people' })),
  dryRun: Type.Optional(Type.Boolean({ description: 'say what would be done, and what is wrong, and do nothing' })),
  mode: Type.Optional(Type.Enum(['row', 'all'], { description: 'all: load no SIM when one row is wrong' })),
  mncDigits: MNC_DIGITS,
  homeKey: HOME_KEY,
  form: Type.Optional(Type.Enum([...FORMS])),
  transportKey: Type.Optional(ID),
  callback: CALLBACK,
})
const CSV_TYPES = ['text/csv', 'text/plain']
const JSONL_TYPES = ['application/jsonl', 'application/x-ndjson', 'application/json-seq']
/** 100,000 SIMs are some 25 MB. */
const LARGEST_FILE = 67_108_864
const KIND = 'sim-import'

const key = (octets: readonly number[], description: string) =>
  Type.String({
    pattern: `^(?:${octets.map((count) => `[0-9A-Fa-f]{${2 * count}}`).join('|')})$`,
    writeOnly: true,
    description,
  })
const CODE = Type.String({ pattern: '^[0-9A-Fa-f]{4,16}$', writeOnly: true })
const NEW_SIM = Type.Object({
  iccid: ICCID,
  imsi: Type.String({ pattern: '^[0-9]{15}$' }),
  ki: key([16, 32], 'K in hex; never given back'),
  opc: Type.Optional(key([16], 'OPc in hex; never given back')),
  topc: Type.Optional(key([32], 'TOPc in hex; never given back')),
  algorithm: Type.Optional(Type.Enum(['milenage', 'tuak'])),
  pin1: Type.Optional(CODE),
  puk1: Type.Optional(CODE),
  adm1: Type.Optional(CODE),
  msisdn: Type.Optional(Type.String({ pattern: '^\\+?[0-9]{5,15}$' })),
  eid: Type.Optional(Type.String({ pattern: '^[0-9]{32}$' })),
  mncDigits: MNC_DIGITS,
  homeKey: HOME_KEY,
  form: Type.Optional(Type.Enum([...FORMS])),
  callback: CALLBACK,
})

interface Upload {
  readonly format: Format
  readonly name: string
  readonly dryRun: boolean
  readonly mode: 'row' | 'all'
  readonly mncDigits?: number | undefined
  readonly homeKey?: number | undefined
  readonly form?: 'card' | 'esim' | undefined
  readonly transportKey?: string | undefined
}

function uploadRoutes(api: PartnerApi, deps: RouteDeps): void {
  api.job(KIND, async ({ tenant, client, input, signal, progress }) => {
    const { upload, content } = decodeUpload(input)
    const act = jobAct({ client, tenant }, deps.clock())
    const { transportKey, name, mncDigits: digits, ...rest } = upload
    const transport = transportKey === undefined ? undefined : await openTransportKey(deps, transportKey, 'unwrap', act)
    const report = await importBatch(
      { ...deps, signal, progress },
      {
        ...rest,
        path: name,
        content,
        tenant,
        transport,
        mncDigits: digits === undefined ? undefined : mncDigits(String(digits)),
      },
    )
    // Broken off because the node stops: another one, or this one when it is back, goes on with it.
    if (report.state === 'stopped') throw signal.reason
    return report
  })
  api.route({
    method: 'POST',
    url: '/batches',
    tag: 'batches',
    scope: 'batches:write',
    summary: 'Load SIMs from a file: JSON Lines, pySim or sysmocom CSV, or a card maker’s .out',
    description:
      'The job’s result says what was added and, line by line, what was wrong. The same file again does no harm. Keys wrapped under a transport ' +
      'key are opened with `transportKey`, whose name begins with the tenant and a point.',
    query: UPLOAD,
    raw: { types: [...CSV_TYPES, ...JSONL_TYPES, 'application/octet-stream'], limit: LARGEST_FILE },
    answers: { 202: ACCEPTED },
    async handler(call) {
      const { callback, ...query } = call.query
      // Of a raw route the body is octets.
      const content = call.body as Uint8Array
      if (query.transportKey?.startsWith(`${call.tenant}.`) === false) unknown('transport key', query.transportKey)
      const format = query.format ?? (looksLikeJson(content) ? 'jsonl' : 'pysim')
      const upload = { name: `upload.${format}`, dryRun: false, mode: 'row' as const, ...query, format }
      return accepted(await call.later({ kind: KIND, input: encodeUpload(upload, content), callback }))
    },
  })
  api.route({
    method: 'POST',
    url: '/sims',
    tag: 'sims',
    scope: 'sims:write',
    summary: 'Add one SIM with its keys, which are never given back',
    body: NEW_SIM,
    answers: { 202: ACCEPTED },
    handler: async (call) => accepted(await call.later({ kind: KIND, ...oneSim(call) })),
  })
}

const BRACE = 0x7b
const BLANK = 0x20

const looksLikeJson = (content: Uint8Array): boolean => content.find((octet) => octet > BLANK) === BRACE

function oneSim({ body }: Pick<Call<unknown, unknown, OneSim>, 'body'>) {
  const { callback, mncDigits: digits, homeKey, form, ...fields } = body
  const upload = {
    format: 'jsonl',
    name: 'one SIM',
    dryRun: false,
    mode: 'row',
    mncDigits: digits,
    homeKey,
    form,
  } as const
  return { input: encodeUpload(upload, Buffer.from(`${JSON.stringify(fields)}\n`)), callback }
}

type OneSim = Type.Static<typeof NEW_SIM>

/** The terms on one line, the file behind it. */
const encodeUpload = (upload: Upload, content: Uint8Array): Uint8Array =>
  Buffer.concat([encodeInput(upload), Buffer.from('\n'), content])

function decodeUpload(input: Uint8Array): { readonly upload: Upload; readonly content: Uint8Array } {
  const end = input.indexOf(0x0a)
  return { upload: decodeInput(input.subarray(0, end)) as Upload, content: input.subarray(end + 1) }
}
