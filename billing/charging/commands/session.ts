// `tallycell session`: what is being charged at this moment.
import type { Command } from '../../../core/cli/command.ts'
import { readPage } from '../../../core/cli/page.ts'
import { type Column, table } from '../../../core/cli/table.ts'
import { subscriberId } from '../../../core/kernel/ids.ts'
import { decimal } from '../../../core/kernel/units.ts'
import { formatAmount } from '../../ledger/amount.ts'
import { readTenants } from '../catalogue/store.ts'
import { splitKey } from '../session/session.ts'
import { formatInstant } from './instant.ts'
import { type ListedSession, listSessions, needProfile } from './store.ts'

export function sessionCommands(): Command[] {
  return [list]
}

type Cell = 'session' | 'subscriber' | 'access' | 'radio' | 'opened' | 'last' | 'state' | 'used' | 'granted' | 'held'
const COLUMNS: readonly Column<Cell>[] = [
  { name: 'session', align: 'right' },
  { name: 'subscriber' },
  { name: 'access' },
  { name: 'radio' },
  { name: 'opened' },
  { name: 'last', heading: 'last request' },
  { name: 'state' },
  { name: 'used' },
  { name: 'granted' },
  { name: 'held' },
]

const list: Command = {
  path: ['session', 'list'],
  summary: 'list charging sessions, newest first: what they used since their last record, were granted, and hold',
  options: {
    open: { summary: 'only those that are open' },
    subscriber: { value: 'ID', summary: 'only those of this subscriber' },
    before: { value: 'N', summary: 'only sessions with smaller numbers' },
    limit: { value: 'N', summary: 'rows at most, 1 to 10000', default: '50' },
  },
  examples: ['tallycell session list --open', 'tallycell session list --subscriber alice'],
  async run(input, context) {
    const { limit } = readPage(input)
    const { options } = input
    const subscriber = options.subscriber === undefined ? undefined : subscriberId(options.subscriber)
    const before = options.before === undefined ? undefined : decimal(options.before, '--before')
    const open = options.open !== undefined
    const store = await context.store()
    const { found, tenants } = await store.batch(async (sql) => {
      if (subscriber !== undefined) await needProfile(sql, subscriber)
      const found = await listSessions(sql, { subscriber, open, before, limit: limit + 1 })
      const tenants = await readTenants(
        sql,
        found.map(({ tenant }) => tenant),
      )
      return { found, tenants }
    })
    const sessions = found.slice(0, limit)
    const more = found.length > limit
    const currencyOf = ({ tenant, flat }: ListedSession): string =>
      flat ? 'microtoken' : (tenants.get(tenant)?.currency ?? 'microtoken')
    const json = { sessions: sessions.map((session) => sessionJson(session, currencyOf(session))), more }
    if (sessions.length === 0)
      return {
        text: open ? 'No session is open.' : 'No charging sessions yet: a network opens one by asking for quota.',
        json,
      }
    const rows = sessions.map((session) => cells(session, currencyOf(session)))
    return { text: table(rows, COLUMNS) + (more ? `\nThere are more: add --before ${sessions.at(-1)?.no}` : ''), json }
  },
}

interface Sums {
  readonly [unit: string]: bigint
}

function sumsOf(amounts: readonly (readonly [unit: string, amount: bigint])[]): Sums {
  const sums: Record<string, bigint> = {}
  for (const [unit, amount] of amounts) if (amount !== 0n) sums[unit] = (sums[unit] ?? 0n) + amount
  return sums
}

const usedBy = ({ services }: ListedSession): Sums =>
  sumsOf(
    services.flatMap(({ used }): [string, bigint][] => [
      ['octet', used.uplink + used.downlink],
      ['second', used.seconds],
      ['message', used.messages],
    ]),
  )

const grantedTo = ({ services }: ListedSession): Sums =>
  sumsOf(
    services.flatMap(({ octets, seconds, units }): [string, bigint][] => [
      ['octet', octets ?? 0n],
      ['second', seconds ?? 0n],
      ['message', units ?? 0n],
    ]),
  )

const heldBy = ({ services }: ListedSession, currency: string): Sums =>
  sumsOf(
    services.flatMap(({ parts }) =>
      parts.map(({ unit, held }): [string, bigint] => [unit === 'money' ? currency : unit, held]),
    ),
  )

const sumsText = (sums: Sums): string =>
  Object.entries(sums)
    .map(([unit, amount]) => formatAmount(amount, unit))
    .join(' + ') || '-'

const cells = (session: ListedSession, currency: string): Record<Cell, string> => ({
  session: session.no.toString(),
  subscriber: session.subscriber,
  access: session.access,
  radio: session.radio ?? '-',
  opened: formatInstant(session.opened),
  last: formatInstant(session.last),
  state: session.state,
  used: sumsText(usedBy(session)),
  granted: sumsText(grantedTo(session)),
  held: sumsText(heldBy(session, currency)),
})

const sessionJson = (session: ListedSession, currency: string) => ({
  session: session.no,
  ...splitKey(session.key),
  subscriber: session.subscriber,
  tenant: session.tenant,
  access: session.access,
  radio: session.radio ?? null,
  opened: formatInstant(session.opened),
  lastRequest: formatInstant(session.last),
  closed: session.closed === undefined ? null : formatInstant(session.closed),
  state: session.state,
  records: session.records,
  used: usedBy(session),
  granted: grantedTo(session),
  held: heldBy(session, currency),
})
