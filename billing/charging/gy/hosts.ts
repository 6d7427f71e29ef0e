// Diameter hosts that say they have restarted (RFC 6733 §8.16): their sessions are lost, and what was set aside for these goes back.
import type { Clock } from '../../../core/kernel/clock.ts'
import type { Millis } from '../../../core/kernel/units.ts'
import type { Logger } from '../../../core/log/logger.ts'
import type { Sql, Target } from '../../../core/store/sql.ts'
import type { Store } from '../../../core/store/store.ts'
import type { Charging } from '../charging.ts'
import type { ChargingMetrics } from './metrics.ts'

const HOSTS: Target = {
  table: 'diameter_host',
  columns: ['host', 'origin_state_id', 'changed_at'],
  conflict: '(host) do update set origin_state_id = excluded.origin_state_id, changed_at = excluded.changed_at',
}

/** Keeps what a host says; true where it said a smaller number before. A smaller one than before is an old message, or another clock. */
async function restarted(sql: Sql, host: string, id: bigint, at: Millis): Promise<boolean> {
  const [before] = await sql.find<{ host: string; origin_state_id: bigint }>(
    'select host, origin_state_id from diameter_host',
    'host',
    [host],
    'lock',
  )
  if (before !== undefined && before.origin_state_id >= id) return false
  await sql.insert(HOSTS, [[host, id, at]])
  return before !== undefined
}

export interface HostsDeps {
  readonly store: Store
  readonly charging: Pick<Charging, 'lose'>
  readonly metrics: ChargingMetrics
  readonly clock: Clock
  readonly log: Logger
}

export interface Hosts {
  /** A host said its Origin-State-Id. Sessions that it opens from now on are kept, whatever comes of the older ones. */
  said(host: string, id: number): void
  /** Resolves when everything that was said has been dealt with. */
  settled(): Promise<void>
}

/** `origin`: how the sessions of a host are named. */
export function createHosts(
  { store, charging, metrics, clock, log }: HostsDeps,
  origin: (host: string) => string,
): Hosts {
  let last = Promise.resolve()
  const reconcile = async (host: string, id: number, at: Millis): Promise<void> => {
    if (!(await store.batch((sql) => restarted(sql, host.toLowerCase(), BigInt(id), at)))) return
    const ended = await charging.lose(origin(host), at)
    metrics.lost(ended)
    log.warn({ host, sessions: ended }, 'a Diameter host has restarted: the sessions that it has lost are ended')
  }
  return {
    said(host, id) {
      const at = clock()
      // What fails is said again by the host's next message of another run at the latest; supervision ends its sessions before.
      last = last
        .then(() => reconcile(host, id, at))
        .catch((error: unknown) => log.error({ err: error, host }, 'the sessions of a host could not be looked at'))
    },
    settled: () => last,
  }
}
