// A speed in the attributes that an access point's maker takes in a CoA-Request. There is no standard attribute; WISPr's are the nearest.
import type { Attributes } from '../../core/transport/radius/client.ts'

export const MAKERS = ['wispr', 'mikrotik', 'aruba', 'ruckus', 'cisco'] as const
export type Maker = (typeof MAKERS)[number]

export interface Rates {
  /** Bits per second from the user, and to the user; undefined: no limit any more. */
  readonly up: bigint | undefined
  readonly down: bigint | undefined
}

export interface RoleNames {
  /** Role or group of the controller that is slow, and the one that is not: for makers that take no rates. */
  readonly slow: string
  readonly normal: string
}

const MOST = 0xffff_ffffn

/** Bits per second in 32 bits; as much as these can say where there is no limit. */
const bits = (rate: bigint | undefined): number => Number(rate === undefined || rate > MOST ? MOST : rate)
/** Kilobits per second, at least one: 0 means no limit to Cisco's controllers. */
const kilobits = (rate: bigint | undefined): number =>
  rate === undefined ? 0 : Math.max(1, Math.floor(bits(rate) / 1000))

const wispr = ({ up, down }: Rates): Attributes => [
  ['WISPr-Bandwidth-Max-Up', bits(up)],
  ['WISPr-Bandwidth-Max-Down', bits(down)],
]

/** The attributes that set `rates`. */
export function throttleAttributes(maker: Maker, rates: Rates, roles: RoleNames): Attributes {
  const role = rates.up === undefined && rates.down === undefined ? roles.normal : roles.slow
  switch (maker) {
    case 'mikrotik':
      // Received by the router, sent by the router; 0 is no limit.
      return [['Mikrotik-Rate-Limit', `${rates.up ?? 0n}/${rates.down ?? 0n}`]]
    case 'aruba':
      return [['Aruba-User-Role', role]]
    case 'ruckus':
      return [...wispr(rates), ['Ruckus-User-Groups', role]]
    case 'cisco':
      return [
        ['Airespace-Data-Bandwidth-Average-Contract', kilobits(rates.down)],
        ['Airespace-Data-Bandwidth-Burst-Contract', kilobits(rates.down)],
        ['Airespace-Data-Bandwidth-Average-Contract-Upstream', kilobits(rates.up)],
        ['Airespace-Data-Bandwidth-Burst-Contract-Upstream', kilobits(rates.up)],
      ]
    case 'wispr':
      return wispr(rates)
  }
}
