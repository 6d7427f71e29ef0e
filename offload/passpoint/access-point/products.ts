// The products that we write configurations for, by the name on the command line.
import type { Product } from './access-point.ts'
import { aruba } from './aruba.ts'
import { hostapd } from './hostapd.ts'
import { mikrotik } from './mikrotik.ts'
import { openwrt } from './openwrt.ts'
import { radsecproxy } from './radsecproxy.ts'
import { ruckus } from './ruckus.ts'
import { unifi } from './unifi.ts'

export const PRODUCTS: Readonly<Record<string, Product>> = {
  hostapd,
  openwrt,
  unifi,
  aruba,
  ruckus,
  mikrotik,
  radsecproxy,
}
