// What makers of access points and their controllers take in a CoA-Request (RFC 5176) to change how fast a session may be, and what Wi-Fi
// Alliance calls a Passpoint network. Each maker documents its own; only what is used here.
import type { VendorDictionary } from './row.ts'

export const MIKROTIK = {
  vendor: 14988,
  name: 'Mikrotik',
  rows: [
    // Text `received/sent`, bits per second, as the router sees it: what the user sends comes first.
    { code: 8, name: 'Mikrotik-Rate-Limit', type: 'text', ref: 'MikroTik RADIUS' },
    { code: 17, name: 'Mikrotik-Total-Limit', type: 'u32', ref: 'MikroTik RADIUS' },
    { code: 18, name: 'Mikrotik-Total-Limit-Gigawords', type: 'u32', ref: 'MikroTik RADIUS' },
  ],
} as const satisfies VendorDictionary

export const ARUBA = {
  vendor: 14823,
  name: 'Aruba',
  rows: [{ code: 1, name: 'Aruba-User-Role', type: 'text', ref: 'ArubaOS RADIUS' }],
} as const satisfies VendorDictionary

export const RUCKUS = {
  vendor: 25053,
  name: 'Ruckus',
  rows: [{ code: 1, name: 'Ruckus-User-Groups', type: 'text', ref: 'Ruckus RADIUS' }],
} as const satisfies VendorDictionary

/** CoovaChilli and other captive portals that descend from ChilliSpot: octets of both directions together. */
export const CHILLISPOT = {
  vendor: 14559,
  name: 'ChilliSpot',
  rows: [
    { code: 3, name: 'ChilliSpot-Max-Total-Octets', type: 'u32', ref: 'CoovaChilli RADIUS' },
    { code: 23, name: 'ChilliSpot-Max-Total-Gigawords', type: 'u32', ref: 'CoovaChilli RADIUS' },
  ],
} as const satisfies VendorDictionary

/** Cisco's wireless controllers: kilobits per second. */
export const AIRESPACE = {
  vendor: 14179,
  name: 'Airespace',
  rows: [
    { code: 7, name: 'Airespace-Data-Bandwidth-Average-Contract', type: 'u32', ref: 'Cisco WLC RADIUS' },
    { code: 9, name: 'Airespace-Data-Bandwidth-Burst-Contract', type: 'u32', ref: 'Cisco WLC RADIUS' },
    { code: 13, name: 'Airespace-Data-Bandwidth-Average-Contract-Upstream', type: 'u32', ref: 'Cisco WLC RADIUS' },
    { code: 15, name: 'Airespace-Data-Bandwidth-Burst-Contract-Upstream', type: 'u32', ref: 'Cisco WLC RADIUS' },
  ],
} as const satisfies VendorDictionary

export const WIFI_ALLIANCE = {
  vendor: 40808,
  name: 'Wi-Fi Alliance',
  rows: [
    { code: 2, name: 'HS20-AP-Version', type: 'u8', ref: 'Hotspot 2.0' },
    { code: 3, name: 'HS20-Mobile-Device-Version', type: 'octets', ref: 'Hotspot 2.0' },
    { code: 4, name: 'HS20-Deauthentication-Request', type: 'octets', ref: 'Hotspot 2.0' },
    // The Roaming Consortium OI that the device chose the network by: 3 or 5 octets.
    { code: 6, name: 'HS20-Roaming-Consortium', type: 'octets', ref: 'Hotspot 2.0' },
  ],
} as const satisfies VendorDictionary
