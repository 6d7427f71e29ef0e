// FreeRADIUS 3.2 with nothing but an accounting listener, and either its standard PostgreSQL queries or its detail file.
import { accessSync, chownSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, identity, launch, type Running } from '../emulators/program.ts'
import { SECRET } from './radload.ts'

const SERVER_USER = 'freerad'
const CONFIGURATION = '/etc/freeradius/3.0'
const POLICY = `${CONFIGURATION}/policy.d/accounting`
const QUERIES = `${CONFIGURATION}/mods-config/sql/main/postgresql/queries.conf`
const POSTGRESQL_DRIVER = '/usr/lib/freeradius/rlm_sql_postgresql.so'

/** Where accounting goes. `socket`: folder of PostgreSQL's Unix socket. */
export type Backend = { readonly kind: 'detail' } | { readonly kind: 'postgresql'; readonly socket: string }

/** Worker threads, and connections to the database. */
export const THREADS = 32

export interface Server {
  start(): Promise<Running>
}

export interface FreeradiusOptions {
  readonly port: number
  readonly backend: Backend
  /** Octets that the listening socket may hold. */
  readonly receiveBuffer: number
}

/** Writes a configuration below `folder`; undefined where FreeRADIUS or what `backend` needs is missing or may not be read. */
export function createFreeradius(folder: string, options: FreeradiusOptions): Server | undefined {
  const program = findProgram('freeradius', ['/usr/sbin']) ?? findProgram('radiusd', ['/usr/sbin'])
  const needed = options.backend.kind === 'detail' ? [POLICY] : [POLICY, QUERIES, POSTGRESQL_DRIVER]
  if (program === undefined || !needed.every(isReadable)) return undefined
  const who = identity(SERVER_USER)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'radiusd.conf'), configuration(folder, options))
  writeFileSync(join(folder, 'dictionary'), '')
  if (who.uid !== undefined && who.gid !== undefined) chownSync(folder, who.uid, who.gid)
  return {
    start: () =>
      launch(program, ['-d', folder, '-D', '/usr/share/freeradius', '-f', '-l', 'stdout'], {
        ...who,
        cwd: folder,
        patience: 20_000,
        ready: (output) => output.includes('Ready to process requests'),
      }),
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

function configuration(folder: string, { port, backend, receiveBuffer }: FreeradiusOptions): string {
  return `
prefix = /usr
libdir = /usr/lib/freeradius
confdir = ${CONFIGURATION}
modconfdir = ${CONFIGURATION}/mods-config
logdir = ${folder}
radacctdir = ${folder}
run_dir = ${folder}
max_request_time = 30
cleanup_delay = 5
max_requests = 65536
hostname_lookups = no
proxy_requests = no
log {
  auth = no
}
security {
  max_attributes = 200
  status_server = no
}
thread pool {
  start_servers = ${THREADS}
  max_servers = ${THREADS}
  min_spare_servers = ${THREADS}
  max_spare_servers = ${THREADS}
  max_requests_per_server = 0
  max_queue_size = 65536
  auto_limit_acct = no
}
client loopback {
  ipaddr = 127.0.0.1
  secret = ${SECRET}
}
modules {
  expr {
  }
${backend.kind === 'detail' ? DETAIL : sql(backend.socket)}
}
policy {
  $INCLUDE ${POLICY}
}
server default {
  listen {
    type = acct
    ipaddr = 127.0.0.1
    port = ${port}
    recv_buff = ${receiveBuffer}
  }
  preacct {
    acct_unique
  }
  accounting {
    ${backend.kind === 'detail' ? 'detail' : 'sql'}
  }
}
`
}

const DETAIL = `
  detail {
    filename = \${radacctdir}/detail
    escape_filenames = no
    permissions = 0600
    header = "%t"
  }`

const sql = (socket: string): string => `
  sql {
    driver = "rlm_sql_postgresql"
    dialect = "postgresql"
    server = "${socket}"
    login = "radius"
    radius_db = "postgres"
    acct_table1 = "radacct"
    acct_table2 = "radacct"
    postauth_table = "radpostauth"
    authcheck_table = "radcheck"
    groupcheck_table = "radgroupcheck"
    authreply_table = "radreply"
    groupreply_table = "radgroupreply"
    usergroup_table = "radusergroup"
    delete_stale_sessions = yes
    pool {
      start = ${THREADS}
      min = ${THREADS}
      max = ${THREADS}
      spare = 0
      uses = 0
      retry_delay = 30
      lifetime = 0
      idle_timeout = 0
    }
    client_table = "nas"
    group_attribute = "SQL-Group"
    $INCLUDE \${modconfdir}/\${.:name}/main/\${dialect}/queries.conf
  }`
