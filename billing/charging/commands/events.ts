// `tallycell balance events`: what somebody may want to be told about balances.
import type { Command } from '../../../core/cli/command.ts'
import { moreLine, PAGE_OPTIONS, readPage } from '../../../core/cli/page.ts'
import { type Column, table } from '../../../core/cli/table.ts'
import { decimal } from '../../../core/kernel/units.ts'
import { formatAmount } from '../../ledger/amount.ts'
import { formatInstant } from './instant.ts'
import { type ListedEvent, listEvents, needProfile } from './store.ts'

type Cell = 'event' | 'at' | 'subscriber' | 'what' | 'percent' | 'amount' | 'account'
const COLUMNS: readonly Column<Cell>[] = [
  { name: 'event', align: 'right' },
  { name: 'at' },
  { name: 'subscriber' },
  { name: 'what' },
  { name: 'percent', heading: '%', align: 'right' },
  { name: 'amount', align: 'right' },
  { name: 'account' },
]

export const eventsCommand: Command = {
  path: ['balance', 'events'],
  summary: 'list thresholds and caps that were reached, overuse, renewals, expiry and suspensions, oldest first',
  options: { ...PAGE_OPTIONS, subscriber: { value: 'ID', summary: 'only those of this subscriber' } },
  examples: ['tallycell balance events --subscriber alice'],
  async run(input, context) {
    const { limit, after } = readPage(input)
    const { subscriber } = input.options
    const from = after === undefined ? 0n : decimal(after, '--after')
    const store = await context.store()
    const found = await store.read(async (sql) => {
      const known = subscriber === undefined ? undefined : (await needProfile(sql, subscriber)).subscriber
      return listEvents(sql, { subscriber: known, after: from, limit: limit + 1 })
    })
    const events = found.slice(0, limit)
    const more = found.length > limit
    const json = { events: events.map(eventJson), more }
    if (events.length === 0) return { text: 'Nothing has happened to balances yet.', json }
    const last = more ? events.at(-1)?.event_id.toString() : undefined
    return { text: table(events.map(cells), COLUMNS) + moreLine('balance events', last), json }
  },
}

const eventJson = ({ event_id, at, subscriber_id, kind, account_id, percent, amount, unit }: ListedEvent) => ({
  event: event_id,
  at: formatInstant(at),
  subscriber: subscriber_id,
  kind,
  account: account_id,
  percent,
  amount,
  unit,
})

const cells = ({
  event_id,
  at,
  subscriber_id,
  kind,
  account_id,
  percent,
  amount,
  unit,
}: ListedEvent): Record<Cell, string> => ({
  event: event_id.toString(),
  at: formatInstant(at),
  subscriber: subscriber_id,
  what: kind,
  percent: percent?.toString() ?? '-',
  amount: amount === null || unit === null ? '-' : formatAmount(amount, unit),
  account: account_id ?? '-',
})
