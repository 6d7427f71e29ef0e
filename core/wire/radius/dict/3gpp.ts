// Vendor 10415: 3GPP TS 29.061 §16.4.7, RADIUS on the Gi/SGi reference point.
import type { VendorDictionary } from './row.ts'

const RAT_TYPE = {
  1: 'UTRAN',
  2: 'GERAN',
  3: 'WLAN',
  4: 'GAN',
  5: 'HSPA Evolution',
  6: 'EUTRAN',
  7: 'Virtual',
} as const

export const THREE_GPP = {
  vendor: 10415,
  name: '3GPP',
  rows: [
    { code: 1, name: '3GPP-IMSI', type: 'text', ref: 'TS 29.061 §16.4.7' },
    { code: 2, name: '3GPP-Charging-Id', type: 'u32', ref: 'TS 29.061 §16.4.7' },
    { code: 3, name: '3GPP-PDP-Type', type: 'u32', ref: 'TS 29.061 §16.4.7' },
    { code: 4, name: '3GPP-CG-Address', type: 'ipv4', ref: 'TS 29.061 §16.4.7' },
    { code: 5, name: '3GPP-GPRS-Negotiated-QoS-Profile', type: 'text', ref: 'TS 29.061 §16.4.7' },
    { code: 6, name: '3GPP-SGSN-Address', type: 'ipv4', ref: 'TS 29.061 §16.4.7' },
    { code: 7, name: '3GPP-GGSN-Address', type: 'ipv4', ref: 'TS 29.061 §16.4.7' },
    { code: 8, name: '3GPP-IMSI-MCC-MNC', type: 'text', ref: 'TS 29.061 §16.4.7' },
    { code: 9, name: '3GPP-GGSN-MCC-MNC', type: 'text', ref: 'TS 29.061 §16.4.7' },
    { code: 10, name: '3GPP-NSAPI', type: 'text', ref: 'TS 29.061 §16.4.7' },
    { code: 11, name: '3GPP-Session-Stop-Indicator', type: 'u8', ref: 'TS 29.061 §16.4.7' },
    { code: 12, name: '3GPP-Selection-Mode', type: 'text', ref: 'TS 29.061 §16.4.7' },
    { code: 13, name: '3GPP-Charging-Characteristics', type: 'text', ref: 'TS 29.061 §16.4.7' },
    { code: 14, name: '3GPP-CG-IPv6-Address', type: 'ipv6', ref: 'TS 29.061 §16.4.7' },
    { code: 15, name: '3GPP-SGSN-IPv6-Address', type: 'ipv6', ref: 'TS 29.061 §16.4.7' },
    { code: 16, name: '3GPP-GGSN-IPv6-Address', type: 'ipv6', ref: 'TS 29.061 §16.4.7' },
    { code: 17, name: '3GPP-IPv6-DNS-Servers', type: 'octets', ref: 'TS 29.061 §16.4.7' },
    { code: 18, name: '3GPP-SGSN-MCC-MNC', type: 'text', ref: 'TS 29.061 §16.4.7' },
    { code: 19, name: '3GPP-Teardown-Indicator', type: 'u8', ref: 'TS 29.061 §16.4.7' },
    { code: 20, name: '3GPP-IMEISV', type: 'text', ref: 'TS 29.061 §16.4.7' },
    { code: 21, name: '3GPP-RAT-Type', type: 'u8', values: RAT_TYPE, ref: 'TS 29.061 §16.4.7' },
    { code: 22, name: '3GPP-User-Location-Info', type: 'octets', ref: 'TS 29.061 §16.4.7' },
    { code: 23, name: '3GPP-MS-TimeZone', type: 'octets', ref: 'TS 29.061 §16.4.7' },
    { code: 24, name: '3GPP-CAMEL-Charging-Info', type: 'octets', ref: 'TS 29.061 §16.4.7' },
    { code: 25, name: '3GPP-Packet-Filter', type: 'octets', ref: 'TS 29.061 §16.4.7' },
    { code: 26, name: '3GPP-Negotiated-DSCP', type: 'u8', ref: 'TS 29.061 §16.4.7' },
    { code: 27, name: '3GPP-Allocate-IP-Type', type: 'u8', ref: 'TS 29.061 §16.4.7' },
  ],
} as const satisfies VendorDictionary
