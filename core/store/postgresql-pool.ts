// Connections to PostgreSQL: how they are made and set up, how values come back, and what its errors are called here.
import pg from 'pg'
import { fail, isTallycellError } from '../kernel/errors.ts'
import { withoutPassword } from '../log/redact.ts'

/** The oldest server that is tested. */
const MIN_VERSION = 15
/** How long to wait for a connection, for a lock that another holds, and for a client that does nothing in its transaction, milliseconds. */
const CONNECT_TIMEOUT = 5_000
const LOCK_TIMEOUT = 10_000
const IDLE_TIMEOUT = 60_000

// Object identifiers of pg_type.dat.
const [BOOL, INT8, INT2, INT4, NUMERIC] = [16, 20, 21, 23, 1700]

const truth = (text: string): bigint => (text === 't' ? 1n : 0n)

/** Whole numbers are bigint and truth is 1 or 0, as SQLite has it; a fraction is refused. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8 || oid === INT4 || oid === INT2 || oid === NUMERIC) return BigInt
    if (oid === BOOL) return truth
    return pg.types.getTypeParser(oid, format ?? 'text')
  }) as pg.CustomTypesConfig['getTypeParser'],
}

export interface PoolOptions {
  /** `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, with the parameters that the server's own programs know. */
  readonly url: string
  /** The password, where it does not stand in `url`. */
  readonly password?: string | undefined
  /** Most connections at once. */
  readonly connections: number
}

function clientOptions({ url, password }: PoolOptions): pg.ClientConfig {
  let connectionString = url
  if (password !== undefined) {
    const address = new URL(url)
    address.searchParams.set('password', password)
    connectionString = address.href
  }
  return { connectionString, types, pipeline: true, keepAlive: true, fallback_application_name: 'tallycell' }
}

// A commit that was answered must survive a crash, whatever the server's default is: `on` waits for the disk, and for the standby's where
// there is a synchronous one (PostgreSQL 20.5.1). The timeouts free what a node holds that hangs or has lost its network.
const SETUP = `select
  set_config('synchronous_commit', case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end, false),
  set_config('lock_timeout', '${LOCK_TIMEOUT}', false),
  set_config('idle_in_transaction_session_timeout', '${IDLE_TIMEOUT}', false),
  set_config('tcp_keepalives_idle', '20', false), set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '4', false), set_config('jit', 'off', false)`

async function setUp(client: pg.ClientBase): Promise<void> {
  // The loss of a connection rejects the statement that was running; without a listener it would end the process as well.
  client.on('error', () => {})
  await client.query(SETUP)
}

/** Connects as it is used; a connection that fails is replaced by the next use. */
export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    ...clientOptions(options),
    max: options.connections,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    onConnect: (client) => setUp(client as pg.ClientBase),
  })
  pool.on('error', () => {})
  return pool
}

/** A connection beside the pool. */
export async function connectAlone(options: PoolOptions): Promise<pg.Client> {
  const client = new pg.Client({ ...clientOptions(options), connectionTimeoutMillis: CONNECT_TIMEOUT })
  await client.connect()
  await setUp(client)
  return client
}

/** Throws STORE_SERVER_UNFIT unless server and database will do. */
export async function checkServer(client: Pick<pg.Client, 'query'>, database: string): Promise<void> {
  const { rows } = await client.query(
    "select current_setting('server_version_num') as number, current_setting('server_version') as version, current_setting('server_encoding') as encoding",
  )
  const { number, version, encoding } = rows[0] ?? {}
  if (Number(number) < MIN_VERSION * 10_000)
    fail('STORE_SERVER_UNFIT', {
      database,
      reason: `its server is PostgreSQL ${version}: expected ${MIN_VERSION} or later`,
    })
  if (encoding !== 'UTF8')
    fail('STORE_SERVER_UNFIT', { database, reason: `its encoding is ${encoding}: expected UTF8` })
}

/** True for a transaction that the server undid to let another one go on: run again, it may succeed. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error)
  // The last is a prepared statement whose tables another node has changed.
  return code === '40001' || code === '40P01' || (code === '0A000' && messageOf(error).startsWith('cached plan'))
}

/** True when the connection is gone, and with it whatever was not committed. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error)
  return (
    /^(08...|57P0[1235]|25P03|53300|E[A-Z_]{3,})$/.test(code) ||
    (code === '' &&
      /^(Connection terminated|timeout expired|Client has encountered a connection error)/.test(messageOf(error)))
  )
}

/** PostgreSQL's words, its driver's and the system's in the catalogue's; anything else passes unchanged. */
export function postgresqlError(error: unknown, { url, connections }: PoolOptions): unknown {
  if (isTallycellError(error) || !(error instanceof Error)) return error
  const database = withoutPassword(url)
  const code = codeOf(error)
  const reason = withoutPassword(error.message || code)
  try {
    if (isConflict(error) || code === '55P03') fail('STORE_LOCKED', { path: database }, error)
    if (code === '53100') fail('STORE_FULL', { path: database }, error)
    if (code === '3D000') fail('STORE_DATABASE_MISSING', { database }, error)
    if (/^(28...|42501|25006)$/.test(code) || (code === '' && reason.startsWith('SASL')))
      fail('STORE_REFUSED', { database, reason }, error)
    if (reason.startsWith('timeout exceeded')) fail('STORE_BUSY', { database, connections }, error)
    if (isLost(error)) fail('STORE_UNREACHABLE', { database, reason }, error)
  } catch (translated) {
    return translated
  }
  return error
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '')
