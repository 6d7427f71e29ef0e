// A PostgreSQL cluster, durable as by default, with the tables that FreeRADIUS brings.
import { existsSync } from 'node:fs'
import * as emulator from '../emulators/postgresql.ts'
import type { Running } from '../emulators/program.ts'

const SCHEMA = '/etc/freeradius/3.0/mods-config/sql/main/postgresql/schema.sql'

export interface Cluster {
  /** Folder of its Unix socket. */
  readonly socket: string
  start(): Promise<Running>
  /** Rows of radacct. */
  count(): Promise<number>
}

/** Makes a cluster in `folder` for `connections` clients; undefined where PostgreSQL or the schema is missing. */
export async function createCluster(folder: string, connections: number): Promise<Cluster | undefined> {
  if (!existsSync(SCHEMA)) return undefined
  // fsync and synchronous_commit stay on; memory and WAL room are what a guide for a small server would say.
  const cluster = await emulator.createCluster(folder, {
    user: 'radius',
    settings: [
      `max_connections=${connections + 10}`,
      'shared_buffers=256MB',
      'max_wal_size=4GB',
      'checkpoint_timeout=15min',
    ],
  })
  if (!cluster) return undefined
  const first = await cluster.start()
  try {
    await cluster.psql('-f', SCHEMA)
  } finally {
    await first.stop('SIGINT')
  }
  return {
    socket: cluster.socket,
    start: cluster.start,
    count: async () => Number(await cluster.psql('-At', '-c', 'select count(*) from radacct')),
  }
}
