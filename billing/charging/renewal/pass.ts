// Renewal as a chore: everybody once for each day of a tenant's calendar, on which all periods begin, and who is new at once. What expires and
// what is invoiced waits for it: what rolls over has to be moved before it lapses.
import { type Millis, millis } from '../../../core/kernel/units.ts'
import type { Store } from '../../../core/store/store.ts'
import { type Catalogue, timeZones } from '../catalogue/store.ts'
import { periodOf } from '../plan/calendar.ts'
import { renew } from './store.ts'

export interface RenewalPass {
  /** Renews a page of subscribers; resolves with 0 when all that are due at `now` have been. */
  run(now: Millis): Promise<number>
  /** The last instant, `now` at most, for which all periods that have begun are renewed; undefined before the first pass has ended. */
  settled(now: Millis): Millis | undefined
}

export function createRenewalPass(store: Store, catalogue: Catalogue, limit = 500): RenewalPass {
  /** The pass under way, and how far it is. */
  let pass: { readonly at: Millis; after: bigint } | undefined
  let last: Millis | undefined
  let newest = 0n
  let next: Millis | undefined

  const page = (at: Millis, after: bigint): Promise<bigint | undefined> =>
    store.batch((sql) => renew(sql, catalogue, at, after, limit))

  return {
    async run(now) {
      const zones = await store.batch(timeZones)
      if (last !== undefined) next = firstDay(last, zones)
      if (!pass && (last === undefined || (next !== undefined && now >= next))) pass = { at: now, after: 0n }
      if (!pass) {
        const reached = await page(now, newest)
        newest = reached ?? newest
        return reached === undefined ? 0 : 1
      }
      const reached = await page(pass.at, pass.after)
      if (reached !== undefined) {
        pass.after = reached
        return 1
      }
      newest = pass.after
      last = pass.at
      next = firstDay(last, zones)
      pass = undefined
      return 0
    },
    settled(now) {
      if (last === undefined) return undefined
      return next === undefined || now < next ? now : millis(next - 1n)
    },
  }
}

/** When the next day begins for any tenant; undefined where there is none. */
const firstDay = (at: Millis, zones: readonly string[]): Millis | undefined =>
  zones.reduce((first: Millis | undefined, zone) => {
    const { end } = periodOf('day', at, zone)
    return first === undefined || end < first ? end : first
  }, undefined)
