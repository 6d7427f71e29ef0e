// A bearer as charging sees it: which radio carries it, of what kind, in whose network.
import type { RadioDirectory } from '../../../core/events/ports.ts'
import type { QuotaContext, SessionDetail } from '../../../core/events/quota.ts'
import { accessOf, readUserLocation, type UserLocation } from '../../../core/wire/diameter/user-location.ts'
import type { Place } from './credit-control-request.ts'

export interface BearerDeps {
  readonly radios: RadioDirectory
  /** PLMNs that are home for everybody, MCC and MNC digits; a subscriber's own is home without being named. */
  readonly homeNetworks: readonly string[]
}

export interface Bearer {
  readonly context: QuotaContext
  /** The phone is in a cell that nobody has registered. */
  readonly unknownCell: boolean
}

/** Undefined `location` octets are no location at all; octets that cannot be read are one that nobody knows. */
export function bearerOf({ radios, homeNetworks }: BearerDeps, place: Place, imsi: string | undefined): Bearer {
  const location = place.location === undefined ? undefined : readUserLocation(place.location)
  const known = radioAt(radios, location)
  const serving = place.serving ?? location?.plmn
  const isHome = serving === undefined || homeNetworks.includes(serving) || imsi?.startsWith(serving) === true
  const named = place.ratType === undefined ? undefined : accessOf(place.ratType)
  return {
    context: {
      // Gy comes from packet gateways: what names no other radio is LTE.
      access: named ?? known?.access ?? 'lte',
      radio: known?.radio,
      visitedPlmn: isHome ? undefined : serving,
    },
    unknownCell: place.location !== undefined && known === undefined,
  }
}

function radioAt(radios: RadioDirectory, location: UserLocation | undefined) {
  for (const cell of location?.cells ?? []) {
    const known = radios.byCell(cell)
    if (known !== undefined) return known
  }
  return undefined
}

/** The network identifier of an access point name (TS 23.003 §9.1): without `.mncNNN.mccNNN.gprs`. */
const networkIdentifier = (apn: string): string => apn.replace(/\.mnc\d{3}\.mcc\d{3}\.gprs$/i, '')

export const detailOf = ({ device, apn, gateway, chargingId }: Place): SessionDetail => ({
  device,
  apn: apn === undefined ? undefined : networkIdentifier(apn),
  gateway,
  chargingId: chargingId === undefined ? undefined : BigInt(chargingId),
})
