// A card maker's file of 100,000 SIMs, checked, encrypted, indexed and durable; and authentication vectors over what it brought. The
// memory is that of the process that loads, at its highest.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '../../core/kernel/clock.ts'
import { iccidOf } from '../../core/kernel/iccid.ts'
import { imsi, payerId } from '../../core/kernel/ids.ts'
import { createKeyStore } from '../../core/runtime/keys.ts'
import { openStore, type Store, type StoreOptions } from '../../core/store/store.ts'
import { importBatch } from '../../sim-provisioning/batch/import.ts'
import { createVault } from '../../sim-provisioning/vault/vault.ts'
import { createVectors } from '../../sim-provisioning/vault/vectors.ts'
import { createCluster } from '../emulators/postgresql.ts'
import { atMost, type BenchRow } from './row.ts'

const SIMS = 100_000
const MOST_MEGABYTES = 300
const VECTORS = 40_000
const CLIENTS = 256
const TARGET_AKA = 3000
const NONE = { name: 'none: no other program validates and encrypts a batch', value: null } as const

const digits = (n: number, length: number): string => String(n).padStart(length, '0')
const hex = (n: number): string => createHash('md5').update(String(n)).digest('hex')
const imsiOf = (n: number): string => `00101${digits(n, 10)}`

async function writeSims(path: string): Promise<void> {
  const file = createWriteStream(path)
  file.write('iccid,imsi,ki,opc,pin1,puk1,pin_adm\n')
  for (let n = 0; n < SIMS; n++) {
    const row = [iccidOf(`8988211${digits(n, 11)}`), imsiOf(n), hex(n), hex(-n - 1), '1234', '12345678', '87654321']
    if (!file.write(`${row.join(',')}\n`)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
}

interface Measured {
  readonly seconds: number
  readonly megabytes: number
  readonly vectors: number
}

/** In a process of its own, started as the program is. */
async function measureAlone(folder: string, options: StoreOptions): Promise<Measured> {
  const args = [
    '--import=tsx',
    '--max-semi-space-size=8',
    '--max-old-space-size=2000',
    import.meta.filename,
    folder,
    JSON.stringify(options),
  ]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Measured
}

/** Seconds for the import, and vectors a second afterwards. */
async function measure(folder: string, options: StoreOptions): Promise<Measured> {
  const store = await openStore(options)
  try {
    const vault = createVault(store, createKeyStore({ directory: join(folder, 'keys') }).kek)
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss())
    }, 50)
    const begun = process.hrtime.bigint()
    const report = await importBatch(
      { store, vault, clock: systemClock, signal: new AbortController().signal },
      {
        path: join(folder, 'sims.csv'),
        format: 'pysim',
        tenant: payerId('acme'),
        mode: 'row',
        dryRun: false,
        mncDigits: 2,
      },
    )
    const seconds = Number(process.hrtime.bigint() - begun) / 1e9
    clearInterval(watch)
    if (report.added !== SIMS) throw new Error(`${report.added} of ${SIMS} SIMs were added`)
    return { seconds, megabytes: most / 1e6, vectors: await authenticate(store, vault) }
  } finally {
    await store.close()
  }
}

async function authenticate(store: Store, vault: ReturnType<typeof createVault>): Promise<number> {
  await store.batch((sql) => sql.run("update sim set state = 'active'"))
  const service = createVectors({ store, vault, clock: systemClock })
  let next = 0
  const client = async (): Promise<void> => {
    while (next < VECTORS) {
      const n = (next++ * 7919) % SIMS
      const wanted = { imsi: imsi(imsiOf(n)), kind: 'eps', network: '00101', servingEntity: 'mme', count: 1 } as const
      const { result } = await service.vectors(wanted)
      if (result !== 'vectors') throw new Error(`SIM ${n}: ${result}`)
    }
  }
  const begun = process.hrtime.bigint()
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return VECTORS / (Number(process.hrtime.bigint() - begun) / 1e9)
}

const importRow = (engine: string, seconds: number, megabytes: number, most: number): BenchRow => {
  const row = atMost({ id: `sim.import.${engine}`, value: Math.round(seconds * 10) / 10, unit: 's' }, NONE, most)
  const memory = Math.round(megabytes)
  return {
    ...row,
    target: `<= ${most} s and <= ${MOST_MEGABYTES} MB (${memory} MB)`,
    met: row.met && megabytes <= MOST_MEGABYTES,
  }
}

export async function simRows(note: (line: string) => void): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tallycell-bench-'))
  try {
    await writeSims(join(folder, 'sims.csv'))
    const sqlite = await measureAlone(folder, { path: join(folder, 's.db') })
    const rows = [
      importRow('sqlite', sqlite.seconds, sqlite.megabytes, 20),
      {
        id: 'sim.aka',
        value: Math.round(sqlite.vectors),
        unit: 'vectors/s',
        peer: 'none: durable sequence number and record of the use with each',
        peerValue: null,
        ratio: null,
        target: TARGET_AKA,
        met: sqlite.vectors >= TARGET_AKA,
      },
    ]
    const cluster = await createCluster(join(await mkdtemp(join(tmpdir(), 'tallycell-pg-'))), {
      user: 'bench',
      settings: [],
    })
    if (cluster === undefined) {
      note('sim.import.postgres: PostgreSQL is not installed')
      return rows
    }
    const server = await cluster.start()
    try {
      const url = `postgresql://bench@localhost/postgres?host=${encodeURIComponent(cluster.socket)}`
      const { seconds, megabytes, vectors } = await measureAlone(folder, { url })
      note(`sim.aka on PostgreSQL: ${Math.round(vectors)} vectors/s`)
      return [...rows, importRow('postgres', seconds, megabytes, 30)]
    } finally {
      await server.stop('SIGINT')
      await rm(cluster.socket, { recursive: true, force: true })
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , folder, options] = process.argv
  console.log(
    JSON.stringify(
      folder === undefined
        ? await simRows(console.error)
        : await measure(folder, JSON.parse(options ?? '') as StoreOptions),
    ),
  )
}
