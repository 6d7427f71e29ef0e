// RFC 3162: RADIUS and IPv6, with RFC 4818 (delegated prefixes). Formats as RFC 8044 §3.9 to §3.10 restate them.
import type { AttributeRow } from './row.ts'

export const RFC3162 = [
  { code: 95, name: 'NAS-IPv6-Address', type: 'ipv6', ref: 'RFC 3162 §2.1' },
  { code: 96, name: 'Framed-Interface-Id', type: 'ifid', ref: 'RFC 3162 §2.2' },
  { code: 97, name: 'Framed-IPv6-Prefix', type: 'ipv6prefix', ref: 'RFC 3162 §2.3' },
  { code: 98, name: 'Login-IPv6-Host', type: 'ipv6', ref: 'RFC 3162 §2.4' },
  { code: 99, name: 'Framed-IPv6-Route', type: 'text', ref: 'RFC 3162 §2.5' },
  { code: 100, name: 'Framed-IPv6-Pool', type: 'text', ref: 'RFC 3162 §2.6' },
  { code: 123, name: 'Delegated-IPv6-Prefix', type: 'ipv6prefix', ref: 'RFC 4818 §3' },
] as const satisfies readonly AttributeRow[]
