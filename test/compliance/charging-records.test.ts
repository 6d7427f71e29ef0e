// When a session's record is cut while the session goes on: by volume, by time, and with the tenant's day.
import { recordsAfter } from '../../billing/charging/session/store.ts'
import { millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'
import { engine, faults, giveMoney, NOON, openWorld, request } from './charging-world.ts'
import { onEachEngine } from './engines.ts'

interface Body {
  readonly partial?: string
  readonly cause: string
  readonly opened: string
  readonly closed: string
  readonly services: readonly { readonly downlink: string }[]
}

const MINUTE = 60_000n
/** 2026-11-20 23:00 UTC, midnight in Berlin. */
const MIDNIGHT = NOON + 11n * 60n * MINUTE

async function records(store: Store): Promise<string[]> {
  const rows = await store.batch((sql) => recordsAfter(sql, 0n, 100))
  const bodies = rows.map(({ record }) => JSON.parse(record) as Body)
  for (const [index, { opened }] of bodies.entries())
    if (index > 0 && opened !== bodies[index - 1]?.closed) throw new Error('a gap between two records')
  return bodies.map(({ partial = '-', cause, services }) => `${partial} ${cause} ${services[0]?.downlink ?? 0}`)
}

onEachEngine('a record for so many octets, so much time, and each day', async (t, database) => {
  const { store } = await openWorld(database)
  await giveMoney(store, 'alice-data', 100_000_000n)
  const charging = engine(store, { recordOctets: 2_500_000n, recordTime: millis(10n * MINUTE) })
  const at = MIDNIGHT - 13n * MINUTE
  const use = (number: bigint, after: bigint, octets = 1_000_000n) =>
    charging.update(request({ number, octets, at: at + after }))
  await charging.open(request({ number: 0n, at }))
  await use(1n, 1n)
  await use(2n, 2n)
  t.same(await records(store), [])
  await use(3n, 3n)
  t.same(await records(store), ['1 volume-limit 3000000'])
  await use(4n, 5n * MINUTE, 10n)
  await use(5n, 10n * MINUTE + 3n, 20n)
  t.same((await records(store)).slice(1), ['2 time-limit 30'])
  await use(6n, 12n * MINUTE, 40n)
  await use(7n, 14n * MINUTE, 50n)
  t.same((await records(store)).slice(2), ['3 management 90'])
  await charging.close(request({ number: 8n, octets: 60n, wanted: false, at: at + 15n * MINUTE }))
  t.same((await records(store)).slice(3), ['4 normal-release 60'])
  t.same(await faults(store), [])
})
