// Runs a command while a PostgreSQL cluster of its own serves: TEST_POSTGRESQL names it to the tests. Usage: postgresql-run.ts COMMAND [ARG…]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCluster } from './postgresql.ts'

const [command, ...args] = process.argv.slice(2)
if (command === undefined) throw new Error('usage: postgresql-run.ts COMMAND [ARG…]')
const folder = mkdtempSync(join(tmpdir(), 'tallycell-pg-'))
// The server's own user has to pass.
chmodSync(folder, 0o711)
try {
  // What is tested here is what the server says, and what survives its processes, not what survives a power cut.
  const cluster = await createCluster(join(folder, 'c'), {
    user: 'tallycell',
    settings: ['max_connections=100', 'fsync=off', 'shared_buffers=64MB', 'deadlock_timeout=100ms'],
  })
  if (!cluster) throw new Error('PostgreSQL is not installed: see deploy/debian-packages.sh test-pg')
  const server = await cluster.start()
  try {
    // Sorted as people do, so that a column that forgot its own collation shows.
    await cluster.psql(
      '-c',
      "create database template_tallycell template template0 encoding 'UTF8' locale_provider icu icu_locale 'en-US'",
    )
    const child = spawn(command, args, {
      stdio: 'inherit',
      env: {
        ...process.env,
        TEST_POSTGRESQL: `postgresql://${cluster.user}@${encodeURIComponent(cluster.socket)}/postgres`,
      },
    })
    const [code] = (await once(child, 'close')) as [number | null]
    process.exitCode = code ?? 1
  } finally {
    await server.stop('SIGINT')
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
