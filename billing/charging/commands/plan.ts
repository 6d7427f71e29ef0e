// `tallycell plan`: the catalogue. A plan is a document that people write; the catalogue keeps every version of it.
import { readFile, stat } from 'node:fs/promises'
import { text as readAll } from 'node:stream/consumers'
import { LineCounter, parseDocument, stringify } from 'yaml'
import type { Command } from '../../../core/cli/command.ts'
import { table } from '../../../core/cli/table.ts'
import { fail } from '../../../core/kernel/errors.ts'
import { payerId, planId } from '../../../core/kernel/ids.ts'
import { decimal } from '../../../core/kernel/units.ts'
import { listPlans, planKey, putPlan } from '../catalogue/store.ts'
import { parsePlan } from '../plan/document.ts'
import type { Plan } from '../plan/plan.ts'
import { formatInstant } from './instant.ts'
import { PLAN_EXAMPLE } from './plan-example.ts'
import { readVersions } from './store.ts'

export interface PlanCommandDeps {
  /** Everything that comes on standard input. */
  readonly stdin?: () => Promise<string>
}

const MAX_OCTETS = 1_048_576
const MAX_FAULTS = 20
const FILE = { name: 'FILE', summary: "YAML or JSON document; '-' reads standard input", required: true } as const

export function planCommands({ stdin = () => readAll(process.stdin) }: PlanCommandDeps = {}): Command[] {
  const check: Command = {
    path: ['plan', 'check'],
    summary: 'check a plan document and list everything that is wrong with it; stores nothing',
    positionals: [FILE],
    examples: ['tallycell plan check plan.yaml'],
    async run({ args }) {
      const plan = parsePlan(await readDocument(args.FILE ?? '', stdin))
      return { text: `Nothing is wrong with ${describe(plan)}.\n${outline(plan)}`, json: summary(plan) }
    },
  }
  const add: Command = {
    path: ['plan', 'add'],
    summary: 'add a version of a plan to the catalogue; sessions that open from now on use it',
    positionals: [FILE],
    examples: ['tallycell plan add plan.yaml', 'tallycell plan add - < plan.json'],
    async run({ args }, context) {
      const document = await readDocument(args.FILE ?? '', stdin)
      parsePlan(document)
      const store = await context.store()
      const plan = await store.batch((sql) => putPlan(sql, document, context.clock()))
      return {
        text: `The catalogue has ${describe(plan)}; new sessions use this version.\nRegister a subscriber with it: tallycell subscriber add ID --imsi DIGITS --payer ${plan.tenant} --plan ${plan.id}`,
        json: summary(plan),
      }
    },
  }
  return [add, check, list, show, example]
}

/** Throws FILE_UNREADABLE, and PLAN_INVALID for what is no YAML. */
async function readDocument(path: string, stdin: () => Promise<string>): Promise<unknown> {
  const text = path === '-' ? await stdin() : await readText(path)
  if (Buffer.byteLength(text) > MAX_OCTETS)
    fail('FILE_UNREADABLE', { path, reason: `it has more than ${MAX_OCTETS} octets` })
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false })
  const faults = [...document.errors, ...document.warnings].slice(0, MAX_FAULTS).map(({ pos: [offset], message }) => {
    const { line, col } = lineCounter.linePos(offset)
    return `  line ${line}, column ${col}: ${message.replace(/\s+/g, ' ')}`
  })
  if (faults.length > 0) fail('PLAN_INVALID', { count: faults.length, problems: faults.join('\n') })
  try {
    return document.toJS() as unknown
  } catch (error) {
    // Aliases that multiply beyond reason.
    if (!(error instanceof ReferenceError)) throw error
    return fail('PLAN_INVALID', { count: 1, problems: `  ${error.message}` }, error)
  }
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > MAX_OCTETS) fail('FILE_UNREADABLE', { path, reason: `it has more than ${MAX_OCTETS} octets` })
    return await readFile(path, 'utf8')
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    return fail('FILE_UNREADABLE', { path, reason: error.message }, error)
  }
}

const describe = ({ tenant, id, version, kind }: Plan): string =>
  `version ${version} of the ${kind} plan ${planKey(tenant, id)}`

const summary = ({ tenant, id, version, name, kind, tariffs, bundles }: Plan) => ({
  tenant,
  plan: id,
  version,
  name,
  kind,
  tariffs: tariffs.map(({ name: tariff }) => tariff),
  bundles: bundles.map((bundle) => bundle.id),
})

const outline = ({ tariffs, bundles }: Plan): string =>
  [
    `Tariffs, the first that matches counts: ${tariffs.map(({ name }) => name).join(', ')}`,
    ...(bundles.length === 0 ? [] : [`Bundles: ${bundles.map(({ id }) => id).join(', ')}`]),
  ].join('\n')

const list: Command = {
  path: ['plan', 'list'],
  summary: 'list the plans with the version that new sessions use, and their bundles',
  options: { tenant: { value: 'ID', summary: 'only the plans of this tenant' } },
  examples: ['tallycell plan list', 'tallycell plan list --tenant acme'],
  async run({ options }, context) {
    const tenant = options.tenant === undefined ? undefined : payerId(options.tenant)
    const store = await context.store()
    const plans = await store.batch((sql) => listPlans(sql, tenant))
    const json = { plans: plans.map(summary) }
    if (plans.length === 0)
      return { text: 'No plans yet. Write one: tallycell plan example > plan.yaml; tallycell plan add plan.yaml', json }
    const rows = plans.map(({ tenant: owner, id, version, kind, name, tariffs, bundles }) => ({
      tenant: owner,
      plan: id,
      version: version.toString(),
      kind,
      name,
      tariffs: String(tariffs.length),
      bundles: bundles.map((bundle) => bundle.id).join(', ') || '-',
    }))
    const columns = [
      ...(['tenant', 'plan'] as const),
      { name: 'version', align: 'right' },
      ...(['kind', 'name'] as const),
      { name: 'tariffs', align: 'right' },
      'bundles',
    ] as const
    return { text: table(rows, columns), json }
  },
}

const show: Command = {
  path: ['plan', 'show'],
  summary: 'show the document of a plan, as YAML that can be edited and added again',
  positionals: [
    { name: 'ID', summary: 'the plan', required: true },
    { name: 'VERSION', summary: 'this version; the one in use unless given' },
  ],
  options: { tenant: { value: 'ID', summary: 'whose plan', default: 'default' } },
  examples: ['tallycell plan show data-m > data-m.yaml', 'tallycell plan show data-m 1'],
  async run({ args, options }, context) {
    const [tenant, plan] = [payerId(options.tenant ?? 'default'), planId(args.ID ?? '')]
    const version = args.VERSION === undefined ? undefined : decimal(args.VERSION, 'the version of a plan')
    const store = await context.store()
    const versions = await store.batch((sql) => readVersions(sql, tenant, plan))
    const found = versions.find((one) => (version === undefined ? one.current === 1n : one.version === version))
    const name = planKey(tenant, plan)
    if (!found) return fail('PLAN_UNKNOWN', { what: version === undefined ? name : `${name} version ${version}` })
    const document: unknown = JSON.parse(found.document)
    const state = found.current === 1n ? 'in use for new sessions' : 'no longer used for new sessions'
    const head = `# Added ${formatInstant(found.created_at)}, ${state}. Versions: ${versions.map((one) => one.version).join(', ')}.`
    return {
      text: `${head}\n${stringify(document)}`,
      json: {
        tenant,
        plan,
        version: found.version,
        current: found.current === 1n,
        added: formatInstant(found.created_at),
        versions: versions.map((one) => one.version),
        document,
      },
    }
  },
}

const example: Command = {
  path: ['plan', 'example'],
  summary: 'print a plan document in which everything is explained',
  examples: ['tallycell plan example > plan.yaml'],
  async run() {
    return { text: PLAN_EXAMPLE, json: { document: PLAN_EXAMPLE } }
  },
}
