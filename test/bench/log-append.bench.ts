// Appending to the receipt log, everything that a receipt costs there: encode, hash, grow the tree, insert, commit durably in groups.
// The peer inserts the same octets through the same store in the same groups, and does nothing else.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { encodeEntry } from '../../billing/log/entries/codec.ts'
import type { Entry } from '../../billing/log/entries/dictionary.ts'
import { appendEntries } from '../../billing/log/store.ts'
import { sha256 } from '../../billing/log/tree/hash.ts'
import { payerId, radioId } from '../../core/kernel/ids.ts'
import { millis, octets } from '../../core/kernel/units.ts'
import type { Sql, Target } from '../../core/store/sql.ts'
import { openStore, type Store } from '../../core/store/store.ts'

const GROUP = 1000
const ENTRIES = 200_000
const TARGET = 50_000
const BARE: Target = { table: 'log_entry', columns: ['entry_index', 'type', 'entry', 'leaf_hash'] }

/** One result of `make bench`. */
interface BenchRow {
  readonly id: string
  readonly value: number
  readonly unit: string
  readonly peer: string
  readonly peerValue: number
  readonly ratio: number
  readonly target: number
  readonly met: boolean
}

export async function logAppend(): Promise<BenchRow> {
  const entries = Array.from({ length: ENTRIES }, (_, at) => receipt(at))
  const value = await measure((sql, from) => appendEntries(sql, 'bench.example/log', entries.slice(from, from + GROUP)))
  const rows = entries.map(encodeEntry)
  const peerValue = await measure((sql, from) =>
    sql.insert(
      BARE,
      rows.slice(from, from + GROUP).map((row, at) => [BigInt(from + at), 1n, row, row.subarray(0, 32)]),
    ),
  )
  return {
    id: 'log.append',
    value: Math.round(value),
    unit: 'entries/s',
    peer: 'the same rows inserted into SQLite without encoding, hashing or tree',
    peerValue: Math.round(peerValue),
    ratio: Number((value / peerValue).toFixed(2)),
    target: TARGET,
    met: value >= TARGET,
  }
}

/** Entries a second, in a database file of its own, after one group to warm up. */
async function measure(append: (sql: Sql, from: number) => Promise<unknown>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'tallycell-bench-'))
  const store: Store = await openStore({ path: join(folder, 'log.db') })
  try {
    await store.batch((sql) => append(sql, 0))
    const begun = process.hrtime.bigint()
    for (let from = GROUP; from < ENTRIES; from += GROUP) await store.batch((sql) => append(sql, from))
    const seconds = Number(process.hrtime.bigint() - begun) / 1e9
    return (ENTRIES - GROUP) / seconds
  } finally {
    await store.close()
    await rm(folder, { recursive: true })
  }
}

function receipt(at: number): Entry {
  const reference = sha256(Buffer.from(String(at))).subarray(0, 16)
  return {
    type: 'usage',
    radio: radioId(`radio-${at % 10_000}`),
    radioSeq: BigInt(Math.floor(at / 10_000) + 1),
    epoch: 17n,
    payer: payerId(`partner-${at % 3}`),
    sessionRef: reference,
    sequence: BigInt(at % 50),
    subscriberRef: reference,
    access: 'wifi',
    start: millis(1_763_600_000_000 + at),
    end: millis(1_763_600_060_000 + at),
    uplink: octets(BigInt(at) * 977n),
    downlink: octets(BigInt(at) * 7919n),
    counted: octets(BigInt(at) * 8896n),
    verdict: 'VALID',
    received: millis(1_763_600_061_000 + at),
    flags: 0n,
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(JSON.stringify(await logAppend()))
