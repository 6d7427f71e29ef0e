// Which services a tariff rule or a balance is for.
import type { ServiceFilter, TariffContext } from './plan.ts'

/** Whether `zone` (see `ServiceFilter.zones`) holds a session in the visited PLMN, undefined at home. */
export function inZone(zone: string, visitedPlmn: string | undefined): boolean {
  if (visitedPlmn === undefined) return zone === 'home'
  return zone === 'roaming' || zone === visitedPlmn || (zone.length === 3 && visitedPlmn.startsWith(zone))
}

/** Whether the service `ratingGroup`, used there, is one of `filter`. */
export function matches(filter: ServiceFilter, context: TariffContext, ratingGroup: bigint): boolean {
  const { access, radioClasses, ratingGroups, zones } = filter
  if (access && !access.includes(context.access)) return false
  if (ratingGroups && !ratingGroups.includes(ratingGroup)) return false
  if (radioClasses && (context.radioClass === undefined || !radioClasses.includes(context.radioClass))) return false
  return !zones || zones.some((zone) => inZone(zone, context.visitedPlmn))
}
