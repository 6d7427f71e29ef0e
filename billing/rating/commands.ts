// `tallycell usage`: what was metered, and what it cost.
import type { Command } from '../../core/cli/command.ts'
import { table } from '../../core/cli/table.ts'
import { decimal, formatOctets, formatTokens } from '../../core/kernel/units.ts'
import { listUsage } from './store.ts'

export function usageCommands(): Command[] {
  return [
    {
      path: ['usage', 'list'],
      summary: 'metered usage, newest first, with its charge',
      options: {
        subscriber: { value: 'ID', summary: 'only this subscriber' },
        radio: { value: 'ID', summary: 'only this radio' },
        limit: { value: 'N', summary: 'at most this many rows', default: '50' },
      },
      examples: ['tallycell usage list --radio ap-1'],
      async run({ options }, context) {
        const limit = Number(decimal(options.limit ?? '50', '--limit'))
        const { subscriber, radio } = options
        const rows = await listUsage(await context.store(), { subscriber, radio, limit })
        if (rows.length === 0)
          return {
            text: 'No usage yet. It appears when an access point sends its first interim accounting record.',
            json: [],
          }
        return { text: table(rows.map(line), COLUMNS), json: rows }
      },
    },
  ]
}

const COLUMNS = ['event', 'until', 'subscriber', 'radio', 'session', 'up', 'down', 'cause', 'charge'] as const

function line(row: Awaited<ReturnType<typeof listUsage>>[number]): Record<(typeof COLUMNS)[number], string> {
  return {
    event: row.event_id.toString(),
    until: new Date(Number(row.end_at)).toISOString().replace('.000', ''),
    subscriber: row.subscriber_id ?? '(unknown)',
    radio: row.radio_id ?? '(unknown)',
    // Sessions of a phone that roams between access points go by one name.
    session: row.multi_session ?? row.session_id.replace(/#[0-9]+$/, ''),
    up: formatOctets(row.uplink),
    down: formatOctets(row.downlink),
    cause: row.cause,
    charge: row.charge === null ? '-' : formatTokens(row.charge),
  }
}
