// RFC 2868: RADIUS Attributes for Tunnel Protocol Support, and RFC 2867 for their accounting.
import type { AttributeRow } from './row.ts'

const TUNNEL_TYPE = {
  1: 'PPTP',
  2: 'L2F',
  3: 'L2TP',
  4: 'ATMP',
  5: 'VTP',
  6: 'AH',
  7: 'IP-IP',
  8: 'MIN-IP-IP',
  9: 'ESP',
  10: 'GRE',
  11: 'DVS',
  12: 'IP-in-IP Tunneling',
  // RFC 3580 §3.31
  13: 'VLAN',
} as const

const TUNNEL_MEDIUM_TYPE = {
  1: 'IPv4',
  2: 'IPv6',
  3: 'NSAP',
  4: 'HDLC',
  5: 'BBN 1822',
  6: '802',
  7: 'E.163',
  8: 'E.164',
  9: 'F.69',
  10: 'X.121',
  11: 'IPX',
  12: 'Appletalk',
  13: 'Decnet IV',
  14: 'Banyan Vines',
  15: 'E.164 with NSAP format subaddress',
} as const

export const RFC2868 = [
  { code: 64, name: 'Tunnel-Type', type: 'u32', tagged: true, values: TUNNEL_TYPE, ref: 'RFC 2868 §3.1' },
  { code: 65, name: 'Tunnel-Medium-Type', type: 'u32', tagged: true, values: TUNNEL_MEDIUM_TYPE, ref: 'RFC 2868 §3.2' },
  { code: 66, name: 'Tunnel-Client-Endpoint', type: 'text', tagged: true, ref: 'RFC 2868 §3.3' },
  { code: 67, name: 'Tunnel-Server-Endpoint', type: 'text', tagged: true, ref: 'RFC 2868 §3.4' },
  { code: 68, name: 'Acct-Tunnel-Connection', type: 'text', ref: 'RFC 2867 §4.1' },
  { code: 69, name: 'Tunnel-Password', type: 'octets', tagged: true, hidden: 'salted', ref: 'RFC 2868 §3.5' },
  { code: 81, name: 'Tunnel-Private-Group-ID', type: 'text', tagged: true, ref: 'RFC 2868 §3.6' },
  { code: 82, name: 'Tunnel-Assignment-ID', type: 'text', tagged: true, ref: 'RFC 2868 §3.7' },
  { code: 83, name: 'Tunnel-Preference', type: 'u32', tagged: true, ref: 'RFC 2868 §3.8' },
  { code: 86, name: 'Acct-Tunnel-Packets-Lost', type: 'u32', ref: 'RFC 2867 §4.2' },
  { code: 90, name: 'Tunnel-Client-Auth-ID', type: 'text', tagged: true, ref: 'RFC 2868 §3.9' },
  { code: 91, name: 'Tunnel-Server-Auth-ID', type: 'text', tagged: true, ref: 'RFC 2868 §3.10' },
] as const satisfies readonly AttributeRow[]
