// `tallycell db prune`: what a node does by itself, by hand.
import type { Command, CommandContext, Output } from '../cli/command.ts'
import { fail } from '../kernel/errors.ts'
import { createNodeLock } from './node-lock.ts'
import { PRUNED } from './prune.ts'
import { atOnce, checkBefore, checkKeepDays, daysBefore, prune, type Removed } from './retention.ts'
import { storeOptions, storeSection } from './settings.ts'

/** No session has a higher number. */
const ANY_SESSION = (1n << 63n) - 1n

export const pruneCommand: Command = {
  path: ['db', 'prune'],
  summary:
    'delete what is older than store.keepDays and no longer needed; on SQLite while no node runs, which does so by itself',
  options: {
    before: { value: 'DATE', summary: 'delete what is older than this day (UTC), 30 days ago or earlier' },
    'dry-run': { summary: 'count, and delete nothing' },
  },
  examples: ['tallycell db prune --dry-run', 'tallycell db prune --before 2026-01-31'],
  async run({ options }, context) {
    const config = await context.config()
    const now = context.clock()
    const keepDays = checkKeepDays(config.get(storeSection).keepDays)
    const dryRun = options['dry-run'] !== undefined
    const before = options.before === undefined ? daysBefore(now, keepDays) : checkBefore(readDate(options.before), now)
    if (options.before === undefined && keepDays === 0)
      return { text: 'Everything is kept for ever: store.keepDays is 0.', json: { before: null, removed: {} } }
    const work = (): Promise<Output> => pruned(context, before, dryRun)
    if (dryRun || !('path' in storeOptions(config))) return work()
    // A node on SQLite remembers its sessions, and would not see them go.
    const lock = createNodeLock(config.dataDir)
    await lock.start()
    try {
      return await work()
    } finally {
      await lock.stop()
    }
  },
}

async function pruned(context: CommandContext, before: bigint, dryRun: boolean): Promise<Output> {
  const store = await context.store()
  const removed = await prune(store, atOnce(context.signal), { before, newestSession: ANY_SESSION, dryRun })
  const day = new Date(Number(before)).toISOString().slice(0, 10)
  return {
    text: [`${dryRun ? 'Would delete' : 'Deleted'} what is older than ${day}:`, ...linesOf(removed)].join('\n'),
    json: { before: new Date(Number(before)).toISOString(), dryRun, removed },
    exit: context.signal.aborted ? 1 : 0,
  }
}

function linesOf(removed: Removed): string[] {
  const lines = PRUNED.map((table) => `  ${table}: ${removed[table] ?? 0} rows`)
  return removed.blocks ? [...lines, `  usage_event: ${removed.blocks} whole blocks as well`] : lines
}

function readDate(text: string): bigint {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN
  // Date.parse takes February 31 for March 3.
  if (!Number.isNaN(at) && new Date(at).toISOString().startsWith(text)) return BigInt(at)
  return fail('ID_INVALID', { what: 'day', expected: 'a date like 2026-01-31', came: text.slice(0, 64) })
}
