// RFC 6911: RADIUS Attributes for IPv6 Access Networks.
import type { AttributeRow } from './row.ts'

export const RFC6911 = [
  { code: 168, name: 'Framed-IPv6-Address', type: 'ipv6', ref: 'RFC 6911 §3.1' },
  { code: 169, name: 'DNS-Server-IPv6-Address', type: 'ipv6', ref: 'RFC 6911 §3.2' },
  { code: 170, name: 'Route-IPv6-Information', type: 'ipv6prefix', ref: 'RFC 6911 §3.3' },
  { code: 171, name: 'Delegated-IPv6-Prefix-Pool', type: 'text', ref: 'RFC 6911 §3.4' },
  { code: 172, name: 'Stateful-IPv6-Address-Pool', type: 'text', ref: 'RFC 6911 §3.5' },
] as const satisfies readonly AttributeRow[]
