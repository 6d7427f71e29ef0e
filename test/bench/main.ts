// `make bench`: one table and results.json. Usage: main.ts [PREFIX], to run only what has rows whose id starts so.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { table } from '../../core/cli/table.ts'
import { radiusAccounting } from './accounting.bench.ts'
import { apiRows } from './api.bench.ts'
import { chargingUpdates } from './charging.bench.ts'
import { diameterCodec } from './diameter-codec.bench.ts'
import { eapRows } from './eap.bench.ts'
import { gyRows } from './gy.bench.ts'
import { logAppend } from './log-append.bench.ts'
import { radiusCodec } from './radius-codec.bench.ts'
import type { BenchRow } from './row.ts'
import { simRows } from './sim.bench.ts'

/** What measures the rows whose ids begin with `id`. */
const BENCHES: readonly { readonly id: string; run(note: (line: string) => void): Promise<BenchRow[]> }[] = [
  { id: 'radius.codec', run: radiusCodec },
  { id: 'diameter.codec', run: diameterCodec },
  { id: 'radius.accounting', run: radiusAccounting },
  { id: 'radius.eap', run: eapRows },
  { id: 'charging', run: chargingUpdates },
  { id: 'gy', run: gyRows },
  { id: 'sim', run: simRows },
  { id: 'api', run: apiRows },
  { id: 'log.append', run: async () => [await logAppend()] },
]

const only = process.argv[2] ?? ''
const chosen = BENCHES.filter(({ id }) => id.startsWith(only) || only.startsWith(id))
if (chosen.length === 0) {
  console.error(
    `no row starts with '${only}': expected one of ${BENCHES.map(({ id }) => id).join(', ')}, or a part of it`,
  )
  process.exit(64)
}

const rows: BenchRow[] = []
const notes: string[] = []
for (const { id, run } of chosen) {
  console.error(`measuring ${id} …`)
  const measured = await run((line) => notes.push(line))
  rows.push(...measured.filter((row) => row.id.startsWith(only)))
}

const number = (value: number | null): string =>
  value === null ? '-' : value.toLocaleString('en', { maximumFractionDigits: 2 })
const target = (row: BenchRow): string => (typeof row.target === 'number' ? `>= ${row.target} ${row.unit}` : row.target)

const results = rows.map((row) => ({ ...row, target: target(row) }))
writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(results, undefined, 2)}\n`)
const COLUMNS = [
  'path',
  'ours',
  'unit',
  'peer',
  { name: 'peerValue', heading: "peer's" },
  'ratio',
  'target',
  'met',
] as const
console.log(
  table(
    rows.map((row) => ({
      path: row.id,
      ours: number(row.value),
      unit: row.unit,
      peer: row.peer,
      peerValue: number(row.peerValue),
      ratio: number(row.ratio),
      target: target(row),
      met: row.met ? 'yes' : 'no',
    })),
    COLUMNS,
  ),
)
for (const note of notes) console.log(note)
