// Which database: `store` in the configuration.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import type { Config, Section } from '../config/section.ts'
import { fail } from '../kernel/errors.ts'
import { withoutPassword } from '../log/redact.ts'
import type { StoreOptions } from './store.ts'

/** The database below dataDir. */
const DATABASE_FILE = 'tallycell.db'

export const storeSection = {
  key: 'store',
  schema: Type.Object({
    url: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'Database: sqlite:PATH, or postgresql://USER@HOST:PORT/DATABASE (PostgreSQL 15 or later), which several nodes may share. ' +
          `Left out, the SQLite file ${DATABASE_FILE} in dataDir is used.`,
      }),
    ),
    passwordFile: Type.Optional(
      Type.String({ minLength: 1, description: 'File that holds the password of the PostgreSQL user, alone.' }),
    ),
    connections: Type.Integer({
      minimum: 2,
      maximum: 1000,
      default: 10,
      description:
        'Most connections to PostgreSQL at once; the server has 100 for all its clients unless told otherwise.',
    }),
    keepDays: Type.Integer({
      minimum: 0,
      maximum: 36_500,
      default: 400,
      description:
        'How long usage, ended sessions, exported charging records, notices and superseded checkpoints are kept, days: 30 or more, or 0 for ever. ' +
        'Receipts, the log and the ledger are kept for ever.',
    }),
  }),
} satisfies Section

/** The database that the configuration names. Throws STORE_URL_INVALID or STORE_PASSWORD_UNREADABLE. */
export function storeOptions(config: Config): StoreOptions {
  const { url, passwordFile, connections } = config.get(storeSection)
  if (url === undefined) return { path: join(config.dataDir, DATABASE_FILE) }
  const [, path] = /^sqlite:(?:\/\/(?=\/))?([^?#]+)$/.exec(url) ?? []
  if (path !== undefined) return { path: config.resolvePath(path) }
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url) || /^\/?$/.test(new URL(url).pathname))
    fail('STORE_URL_INVALID', { came: withoutPassword(url) })
  const password = passwordFile === undefined ? undefined : readPassword(config.resolvePath(passwordFile))
  return { url, connections, password }
}

function readPassword(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return fail('STORE_PASSWORD_UNREADABLE', { file, reason: error.message }, error)
  }
  if (text === '' || /\p{Cc}/u.test(text))
    fail('STORE_PASSWORD_UNREADABLE', { file, reason: 'it does not hold one line of text' })
  return text
}
