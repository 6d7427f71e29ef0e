// `tallycell usage held|release|drop`: what the stages could not take or did not believe.
import type { Command, CommandContext } from '../../core/cli/command.ts'
import { moreLine, PAGE_OPTIONS, readPage } from '../../core/cli/page.ts'
import { table } from '../../core/cli/table.ts'
import { decimal } from '../../core/kernel/units.ts'
import { decideHeld, type HeldRow, listHeld, lockHeld } from './store.ts'

export interface HeldCommandDeps {
  readonly release: (context: CommandContext, id: bigint) => Promise<HeldRow>
}

const ID = { name: 'ID', summary: 'its number, from `usage held`', required: true } as const
const COLUMNS = ['held', 'at', 'subscriber', 'source', 'state', 'reason'] as const

const time = (at: bigint): string => new Date(Number(at)).toISOString().replace(/\.\d+Z$/, 'Z')

export function heldCommands({ release }: HeldCommandDeps): Command[] {
  return [
    held,
    {
      path: ['usage', 'release'],
      summary: 'charge or receipt what was set aside after all, as if it were believed',
      positionals: [ID],
      examples: ['tallycell usage release 7'],
      async run({ args }, context) {
        const id = decimal(args.ID ?? '', 'ID')
        const { source } = await release(context, id)
        return { text: `Number ${id}, ${source}, is taken.`, json: { held: id, source, state: 'released' } }
      },
    },
    {
      path: ['usage', 'drop'],
      summary: 'decide that what was set aside counts for nobody; it stays on record',
      positionals: [ID],
      examples: ['tallycell usage drop 7'],
      async run({ args }, context) {
        const id = decimal(args.ID ?? '', 'ID')
        const store = await context.store()
        const { source } = await store.batch(async (sql) => {
          const row = await lockHeld(sql, id)
          await decideHeld(sql, id, 'dropped', context.clock())
          return row
        })
        return {
          text: `Number ${id}, ${source}, counts for nobody. See it with: tallycell usage held --all`,
          json: { held: id, source, state: 'dropped' },
        }
      },
    },
  ]
}

const held: Command = {
  path: ['usage', 'held'],
  summary: 'what was set aside because it cannot be true, does not fit the books, or stopped a stage',
  options: {
    ...PAGE_OPTIONS,
    all: { summary: 'also what has been released or dropped' },
  },
  examples: ['tallycell usage held', 'tallycell usage held --all --json'],
  async run(input, context) {
    const { limit, after } = readPage(input)
    const all = input.options.all !== undefined
    const store = await context.store()
    const page = { after: after === undefined ? 0n : decimal(after, '--after'), limit: limit + 1, all }
    const found = await store.read((sql) => listHeld(sql, page))
    const shown = found.slice(0, limit)
    const more = found.length > limit
    const json = {
      held: shown.map(({ held_id, source, at, subscriber_id, reason, usage, state, decided_at }) => ({
        held: held_id,
        source,
        at: time(at),
        subscriber: subscriber_id,
        reason,
        usage: JSON.parse(usage) as unknown,
        state,
        decided: decided_at === null ? null : time(decided_at),
      })),
      more,
    }
    if (shown.length === 0) return { text: 'Nothing is held.', json }
    const rows = shown.map(({ held_id, source, at, subscriber_id, reason, state }) => ({
      held: held_id.toString(),
      at: time(at),
      subscriber: subscriber_id ?? '-',
      source,
      state,
      reason,
    }))
    const text = table(rows, COLUMNS) + moreLine('usage held', more ? shown.at(-1)?.held_id.toString() : undefined)
    return { text: `${text}\nDecide with: tallycell usage release ID, or: tallycell usage drop ID`, json }
  },
}
