// Copies of the whole database: taken while nodes work, put back into an empty place.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, link, mkdir, open, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { fail, isTallycellError } from '../kernel/errors.ts'
import { withoutPassword } from '../log/redact.ts'
import { checkSqlite } from './check.ts'
import { postgresqlVersion, SCHEMA_VERSION } from './migrate.ts'
import { checkServer, connectAlone, type PoolOptions, postgresqlError } from './postgresql-pool.ts'
import type { PostgresqlOptions } from './postgresql-store.ts'
import { sqliteError } from './sqlite-store.ts'

/** Throws STORE_FILE_EXISTS, STORE_FILE_UNUSABLE, or STORE_UNUSABLE where there is no database. */
export async function backUpSqlite(path: string, file: string): Promise<void> {
  await whole(file, async (temporary) => {
    let database: Database.Database | undefined
    try {
      database = new Database(path, { readonly: true, fileMustExist: true })
      await database.backup(temporary)
    } catch (error) {
      if (error instanceof TypeError) fail('STORE_UNUSABLE', { path, reason: error.message }, error)
      throw sqliteError(error, path)
    } finally {
      database?.close()
    }
  })
}

/** Puts a copy of `file` to `path`, where nothing may be. Throws STORE_NOT_EMPTY or STORE_FILE_UNUSABLE. */
export async function restoreSqlite(file: string, path: string): Promise<void> {
  if (await exists(path)) fail('STORE_NOT_EMPTY', { database: path })
  if (!(await exists(file))) fail('STORE_FILE_UNUSABLE', { file, reason: 'there is no such file' })
  const { schema, problems } = soundness(file)
  if (problems.length > 0) fail('STORE_FILE_UNUSABLE', { file, reason: `it is damaged: ${problems[0]}` })
  if (schema === 0 || schema > SCHEMA_VERSION)
    fail('STORE_FILE_UNUSABLE', { file, reason: `it has schema ${schema}: expected 1 to ${SCHEMA_VERSION}` })
  await mkdir(dirname(path), { recursive: true, mode: 0o750 })
  await whole(path, (temporary) => copyFile(file, temporary))
}

function soundness(file: string): ReturnType<typeof checkSqlite> {
  try {
    return checkSqlite(file)
  } catch (error) {
    if (!isTallycellError(error)) throw error
    return fail('STORE_FILE_UNUSABLE', { file, reason: 'it is no SQLite database' }, error)
  }
}

/** Runs pg_dump. Throws STORE_TOOL_FAILED, STORE_FILE_EXISTS or STORE_FILE_UNUSABLE. */
export async function backUpPostgresql(options: PostgresqlOptions, file: string, signal: AbortSignal): Promise<void> {
  await whole(file, (temporary) =>
    runTool(
      'pg_dump',
      ['--format=custom', '--no-owner', '--no-privileges', `--file=${temporary}`],
      options,
      file,
      signal,
    ),
  )
}

/** Runs pg_restore, all or nothing. Throws STORE_NOT_EMPTY, STORE_TOOL_FAILED or STORE_FILE_UNUSABLE, and as `openStore` does. */
export async function restorePostgresql(file: string, where: PostgresqlOptions, signal: AbortSignal): Promise<void> {
  if (!(await exists(file))) fail('STORE_FILE_UNUSABLE', { file, reason: 'there is no such file' })
  const options: PoolOptions = { connections: 1, ...where }
  const database = withoutPassword(where.url)
  try {
    const client = await connectAlone(options)
    try {
      await checkServer(client, database)
      if ((await postgresqlVersion(client)) > 0) fail('STORE_NOT_EMPTY', { database })
    } finally {
      await client.end()
    }
  } catch (error) {
    throw postgresqlError(error, options)
  }
  const args = ['--single-transaction', '--exit-on-error', '--no-owner', '--no-privileges', file]
  await runTool('pg_restore', args, where, file, signal)
}

/** Runs a program of PostgreSQL's on the database; the password goes by its environment, where other users do not see it. */
async function runTool(
  tool: 'pg_dump' | 'pg_restore',
  args: readonly string[],
  { url, password }: PostgresqlOptions,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const address = new URL(url)
  const secret = password ?? (decodeURIComponent(address.password) || address.searchParams.get('password'))
  address.password = ''
  address.searchParams.delete('password')
  const command = `${tool} ${tool === 'pg_dump' ? '--format=custom --file' : '--single-transaction --no-owner --dbname DATABASE'} ${file}`
  const child = spawn(tool, [`--dbname=${address.href}`, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...(secret ? { PGPASSWORD: secret } : {}) },
    signal,
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000)
  })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0)
      fail('STORE_TOOL_FAILED', { tool, reason: withoutPassword(said.trim()) || `it ended with ${code}`, command })
  } catch (error) {
    if (isTallycellError(error) || !(error instanceof Error) || !('code' in error) || error.name === 'AbortError')
      throw error
    const reason = error.code === 'ENOENT' ? 'it is not installed' : error.message
    fail('STORE_TOOL_FAILED', { tool, reason, command }, error)
  }
}

/** Lets `write` fill a temporary file, and gives it its name, which must be new, once it is on disk. */
async function whole(file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`)
  try {
    if (await exists(file)) fail('STORE_FILE_EXISTS', { file })
    // Nobody else may read what is in it.
    await (await open(temporary, 'wx', 0o600)).close()
    await write(temporary)
    await sync(temporary)
    await link(temporary, file)
    await sync(dirname(file))
  } catch (error) {
    if (!(error instanceof Error) || isTallycellError(error) || !('syscall' in error)) throw error
    if ('code' in error && error.code === 'EEXIST') fail('STORE_FILE_EXISTS', { file }, error)
    fail('STORE_FILE_UNUSABLE', { file, reason: error.message }, error)
  } finally {
    await rm(temporary, { force: true })
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
