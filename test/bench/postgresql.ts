// A private PostgreSQL cluster, durable as by default, with the tables that FreeRADIUS brings.
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, identity, launch, type Running, run } from '../emulators/program.ts'

const SCHEMA = '/etc/freeradius/3.0/mods-config/sql/main/postgresql/schema.sql'
const SERVER_USER = 'postgres'

export interface Cluster {
  /** Folder of its Unix socket. */
  readonly socket: string
  start(): Promise<Running>
  /** Rows of radacct. */
  count(): Promise<number>
}

/** Debian keeps the server's programs out of PATH: /usr/lib/postgresql/<version>/bin, the newest version first. */
function serverFolders(): string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(root, version, 'bin'))
}

/** Makes a cluster in `folder` for `connections` clients; undefined where PostgreSQL or the schema is missing. */
export async function createCluster(folder: string, connections: number): Promise<Cluster | undefined> {
  const folders = serverFolders()
  const [initdb, postgres, psql] = ['initdb', 'postgres', 'psql'].map((name) => findProgram(name, folders))
  if (initdb === undefined || postgres === undefined || psql === undefined || !existsSync(SCHEMA)) return undefined
  const who = identity(SERVER_USER)
  mkdirSync(folder, { recursive: true })
  if (who.uid !== undefined && who.gid !== undefined) chownSync(folder, who.uid, who.gid)
  const data = join(folder, 'data')
  await run(initdb, ['--pgdata', data, '--username', 'radius', '--auth', 'trust', '--encoding', 'UTF8'], {
    ...who,
    cwd: folder,
  })
  const sql = (...args: string[]): Promise<string> =>
    run(psql, ['-q', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-U', 'radius', '-d', 'postgres', ...args])
  // fsync and synchronous_commit stay on; memory and WAL room are what a guide for a small server would say.
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${folder}`,
    `max_connections=${connections + 10}`,
    'shared_buffers=256MB',
    'max_wal_size=4GB',
    'checkpoint_timeout=15min',
  ]
  const start = (): Promise<Running> =>
    launch(postgres, ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
      ...who,
      cwd: folder,
      patience: 20_000,
      ready: (output) => output.includes('ready to accept connections'),
    })
  const first = await start()
  try {
    await sql('-f', SCHEMA)
  } finally {
    await first.stop('SIGINT')
  }
  return {
    socket: folder,
    start,
    count: async () => Number(await sql('-At', '-c', 'select count(*) from radacct')),
  }
}
