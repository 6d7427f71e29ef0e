// `tallycell db …`: what an operator does with the database itself.
import { resolve } from 'node:path'
import type { Command, Output } from '../cli/command.ts'
import type { Config } from '../config/section.ts'
import { withoutPassword } from '../log/redact.ts'
import { backUpPostgresql, backUpSqlite, restorePostgresql, restoreSqlite } from './backup.ts'
import { type CheckResult, checkPostgresql, checkSqlite } from './check.ts'
import { distribute, distributionStatements } from './distribute.ts'
import { SCHEMA_VERSION } from './migrate.ts'
import { createNodeLock } from './node-lock.ts'
import { pruneCommand } from './prune-command.ts'
import { storeOptions } from './settings.ts'
import type { StoreOptions } from './store.ts'

export function storeCommands(): Command[] {
  return [migrateCommand, checkCommand, backupCommand, restoreCommand, pruneCommand, distributeCommand]
}

const nameOf = (options: StoreOptions): string => ('path' in options ? options.path : withoutPassword(options.url))

const migrateCommand: Command = {
  path: ['db', 'migrate'],
  summary: 'make the database or bring it up to date; a node does so too when it starts',
  examples: ['tallycell db migrate'],
  async run(_input, context) {
    const options = storeOptions(await context.config())
    await context.store()
    const database = nameOf(options)
    return { text: `${database} has schema ${SCHEMA_VERSION}.`, json: { database, schema: SCHEMA_VERSION } }
  },
}

const checkCommand: Command = {
  path: ['db', 'check'],
  summary: 'look for damage; ends with 1 when something is wrong. Reads everything: a large database takes a while',
  examples: ['tallycell db check'],
  async run(_input, context) {
    const options = storeOptions(await context.config())
    return checked(nameOf(options), 'path' in options ? checkSqlite(options.path) : await checkPostgresql(options))
  },
}

function checked(database: string, { schema, problems, thorough, rows }: CheckResult): Output {
  const lines = [
    `${database}, schema ${schema}`,
    ...rows.map(({ table, count }) => `  ${table}: ${count} rows`),
    ...problems.map((problem) => `  wrong: ${problem}`),
    ...(thorough
      ? []
      : ['Only the rows were read. For the indexes too: create extension amcheck, as a superuser, in the database.']),
    problems.length === 0 ? 'Nothing is wrong.' : 'The database is damaged: restore the newest backup that is sound.',
  ]
  return {
    text: lines.join('\n'),
    json: { database, schema, thorough, rows, problems },
    exit: problems.length === 0 ? 0 : 1,
  }
}

const NOT_IN_IT = 'Keys and log tiles are not in it: copy the folders of dataDir as well.'

const backupCommand: Command = {
  path: ['db', 'backup'],
  summary: 'write the database, as it is at one instant, to a new file; a node may go on running',
  positionals: [{ name: 'FILE', summary: 'file to write', required: true }],
  examples: ['tallycell db backup /var/backups/tallycell-2026-01-31'],
  async run({ args }, context) {
    const options = storeOptions(await context.config())
    const file = resolve(args.FILE ?? '')
    await ('path' in options ? backUpSqlite(options.path, file) : backUpPostgresql(options, file, context.signal))
    return { text: `Wrote ${file}. ${NOT_IN_IT}`, json: { database: nameOf(options), file } }
  },
}

const restoreCommand: Command = {
  path: ['db', 'restore'],
  summary: 'fill a new, empty database from a file that `db backup` wrote, while no node runs',
  positionals: [{ name: 'FILE', summary: 'file to read', required: true }],
  examples: ['tallycell db restore /var/backups/tallycell-2026-01-31'],
  async run({ args }, context) {
    const config = await context.config()
    const options = storeOptions(config)
    const file = resolve(args.FILE ?? '')
    await whileNoNodeRuns(config, () =>
      'path' in options ? restoreSqlite(file, options.path) : restorePostgresql(file, options, context.signal),
    )
    const database = nameOf(options)
    return {
      text: `Restored ${database} from ${file}. A log that has been published since must not be signed again: see the log folder first.`,
      json: { database, file },
    }
  },
}

async function whileNoNodeRuns(config: Config, work: () => Promise<void>): Promise<void> {
  const lock = createNodeLock(config.dataDir)
  await lock.start()
  try {
    await work()
  } finally {
    await lock.stop()
  }
}

const distributeCommand: Command = {
  path: ['db', 'distribute'],
  summary: 'spread the tables that grow with the subscribers over the machines of a Citus cluster',
  options: { print: { summary: 'show the statements and do nothing' } },
  examples: ['tallycell db distribute --print', 'tallycell db distribute'],
  async run({ options: { print } }, context) {
    if (print) {
      const statements = distributionStatements().map(({ text }) => text)
      return { text: statements.map((text) => `${text};`).join('\n'), json: { statements } }
    }
    const options = storeOptions(await context.config())
    await context.store()
    const { tables, already } = await distribute(options)
    return {
      text: `${tables.length} tables were distributed${already.length > 0 ? `, ${already.length} had been before` : ''}.`,
      json: { database: nameOf(options), tables, already },
    }
  },
}
