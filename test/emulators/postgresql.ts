// A private PostgreSQL cluster in a folder of its own, reached by a Unix socket only.
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, identity, launch, type Running, run } from './program.ts'

const SERVER_USER = 'postgres'

export interface ClusterOptions {
  /** Superuser of the cluster, without a password. */
  readonly user: string
  /** Lines of postgresql.conf: `max_connections=20`. */
  readonly settings: readonly string[]
}

export interface Cluster {
  /** Folder of its Unix socket. */
  readonly socket: string
  readonly user: string
  start(): Promise<Running>
  /** Runs psql on the database `postgres`; resolves with what it prints. */
  psql(...args: string[]): Promise<string>
}

/** Debian keeps the server's programs out of PATH: /usr/lib/postgresql/<version>/bin, the newest version first. */
function serverFolders(): string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(root, version, 'bin'))
}

/** Makes a cluster in `folder`, owned by nobody else than the server; undefined where PostgreSQL is missing. */
export async function createCluster(folder: string, { user, settings }: ClusterOptions): Promise<Cluster | undefined> {
  const folders = serverFolders()
  const [initdb, postgres, psql] = ['initdb', 'postgres', 'psql'].map((name) => findProgram(name, folders))
  if (initdb === undefined || postgres === undefined || psql === undefined) return undefined
  // The server refuses to run as root.
  const who = identity(SERVER_USER)
  mkdirSync(folder, { recursive: true })
  if (who.uid !== undefined && who.gid !== undefined) chownSync(folder, who.uid, who.gid)
  const data = join(folder, 'data')
  await run(initdb, ['--pgdata', data, '--username', user, '--auth', 'trust', '--encoding', 'UTF8'], {
    ...who,
    cwd: folder,
  })
  const all = ['listen_addresses=', `unix_socket_directories=${folder}`, ...settings]
  return {
    socket: folder,
    user,
    start: () =>
      launch(postgres, ['-D', data, ...all.flatMap((setting) => ['-c', setting])], {
        ...who,
        cwd: folder,
        patience: 20_000,
        ready: (output) => output.includes('ready to accept connections'),
      }),
    psql: (...args) => run(psql, ['-q', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-U', user, '-d', 'postgres', ...args]),
  }
}
