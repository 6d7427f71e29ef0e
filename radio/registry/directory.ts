// Who is this radio? Answered from memory for every accounting packet; what other processes have registered is read when asked.
import type { KnownRadio, RadioDirectory } from '../../core/events/ports.ts'
import type { Access } from '../../core/events/usage-event.ts'
import { type RadioId, radioId } from '../../core/kernel/ids.ts'
import { createFollower, type FollowOptions } from '../../core/store/follow.ts'
import type { Store } from '../../core/store/store.ts'
import { type ClaimedRadio, radiosAfter } from './store.ts'

/** Call `load` before the first question. */
export function createRadioDirectory(
  store: Store,
  options: FollowOptions = { minInterval: 100 },
): RadioDirectory & { load(): Promise<void> } {
  const byId = new Map<RadioId, KnownRadio>()
  const byNas = new Map<string, KnownRadio>()
  const byStation = new Map<string, KnownRadio>()
  const byCell = new Map<string, KnownRadio>()

  const take = (row: ClaimedRadio): bigint => {
    const known: KnownRadio = {
      radio: radioId(row.radio),
      access: row.access as Access,
      class: row.radioClass ?? undefined,
    }
    byId.set(known.radio, known)
    if (row.nasIdentifier !== null) byNas.set(row.nasIdentifier, known)
    if (row.calledStation !== null) byStation.set(row.calledStation, known)
    if (row.cell !== null) byCell.set(row.cell, known)
    return row.eventId
  }

  return {
    byId: (radio) => byId.get(radio),
    byNasIdentifier: (identifier) => byNas.get(identifier),
    byCalledStation: (bssid) => byStation.get(bssid),
    byCell: (cell) => byCell.get(cell),
    ...createFollower((after, limit) => radiosAfter(store, after, limit), take, options),
  }
}
