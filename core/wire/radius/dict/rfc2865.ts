// RFC 2865: Remote Authentication Dial In User Service. Data types as in the IANA registry of RADIUS types.
import type { AttributeRow } from './row.ts'

const SERVICE_TYPE = {
  1: 'Login',
  2: 'Framed',
  3: 'Callback Login',
  4: 'Callback Framed',
  5: 'Outbound',
  6: 'Administrative',
  7: 'NAS Prompt',
  8: 'Authenticate Only',
  9: 'Callback NAS Prompt',
  10: 'Call Check',
  11: 'Callback Administrative',
  // RFC 5176 §3.2
  17: 'Authorize Only',
} as const

const FRAMED_PROTOCOL = {
  1: 'PPP',
  2: 'SLIP',
  3: 'ARAP',
  4: 'Gandalf',
  5: 'Xylogics',
  6: 'X.75 Synchronous',
} as const

const FRAMED_ROUTING = { 0: 'None', 1: 'Send', 2: 'Listen', 3: 'Send and Listen' } as const
const FRAMED_COMPRESSION = {
  0: 'None',
  1: 'VJ TCP/IP header compression',
  2: 'IPX header compression',
  3: 'Stac-LZS compression',
} as const

const LOGIN_SERVICE = {
  0: 'Telnet',
  1: 'Rlogin',
  2: 'TCP Clear',
  3: 'PortMaster',
  4: 'LAT',
  5: 'X25-PAD',
  6: 'X25-T3POS',
  8: 'TCP Clear Quiet',
} as const

const NAS_PORT_TYPE = {
  0: 'Async',
  1: 'Sync',
  2: 'ISDN Sync',
  3: 'ISDN Async V.120',
  4: 'ISDN Async V.110',
  5: 'Virtual',
  6: 'PIAFS',
  7: 'HDLC Clear Channel',
  8: 'X.25',
  9: 'X.75',
  10: 'G.3 Fax',
  11: 'SDSL',
  12: 'ADSL-CAP',
  13: 'ADSL-DMT',
  14: 'IDSL',
  15: 'Ethernet',
  16: 'xDSL',
  17: 'Cable',
  18: 'Wireless - Other',
  19: 'Wireless - IEEE 802.11',
} as const

export const RFC2865 = [
  { code: 1, name: 'User-Name', type: 'text', ref: 'RFC 2865 §5.1' },
  { code: 2, name: 'User-Password', type: 'octets', hidden: 'password', ref: 'RFC 2865 §5.2' },
  { code: 3, name: 'CHAP-Password', type: 'octets', ref: 'RFC 2865 §5.3' },
  { code: 4, name: 'NAS-IP-Address', type: 'ipv4', ref: 'RFC 2865 §5.4' },
  { code: 5, name: 'NAS-Port', type: 'u32', ref: 'RFC 2865 §5.5' },
  { code: 6, name: 'Service-Type', type: 'u32', values: SERVICE_TYPE, ref: 'RFC 2865 §5.6' },
  { code: 7, name: 'Framed-Protocol', type: 'u32', values: FRAMED_PROTOCOL, ref: 'RFC 2865 §5.7' },
  { code: 8, name: 'Framed-IP-Address', type: 'ipv4', ref: 'RFC 2865 §5.8' },
  { code: 9, name: 'Framed-IP-Netmask', type: 'ipv4', ref: 'RFC 2865 §5.9' },
  { code: 10, name: 'Framed-Routing', type: 'u32', values: FRAMED_ROUTING, ref: 'RFC 2865 §5.10' },
  { code: 11, name: 'Filter-Id', type: 'text', ref: 'RFC 2865 §5.11' },
  { code: 12, name: 'Framed-MTU', type: 'u32', ref: 'RFC 2865 §5.12' },
  { code: 13, name: 'Framed-Compression', type: 'u32', values: FRAMED_COMPRESSION, ref: 'RFC 2865 §5.13' },
  { code: 14, name: 'Login-IP-Host', type: 'ipv4', ref: 'RFC 2865 §5.14' },
  { code: 15, name: 'Login-Service', type: 'u32', values: LOGIN_SERVICE, ref: 'RFC 2865 §5.15' },
  { code: 16, name: 'Login-TCP-Port', type: 'u32', ref: 'RFC 2865 §5.16' },
  { code: 18, name: 'Reply-Message', type: 'text', ref: 'RFC 2865 §5.18' },
  { code: 19, name: 'Callback-Number', type: 'text', ref: 'RFC 2865 §5.19' },
  { code: 20, name: 'Callback-Id', type: 'text', ref: 'RFC 2865 §5.20' },
  { code: 22, name: 'Framed-Route', type: 'text', ref: 'RFC 2865 §5.22' },
  { code: 23, name: 'Framed-IPX-Network', type: 'ipv4', ref: 'RFC 2865 §5.23' },
  { code: 24, name: 'State', type: 'octets', ref: 'RFC 2865 §5.24' },
  { code: 25, name: 'Class', type: 'octets', ref: 'RFC 2865 §5.25' },
  { code: 26, name: 'Vendor-Specific', type: 'octets', ref: 'RFC 2865 §5.26' },
  { code: 27, name: 'Session-Timeout', type: 'u32', ref: 'RFC 2865 §5.27' },
  { code: 28, name: 'Idle-Timeout', type: 'u32', ref: 'RFC 2865 §5.28' },
  {
    code: 29,
    name: 'Termination-Action',
    type: 'u32',
    values: { 0: 'Default', 1: 'RADIUS-Request' },
    ref: 'RFC 2865 §5.29',
  },
  { code: 30, name: 'Called-Station-Id', type: 'text', ref: 'RFC 2865 §5.30' },
  { code: 31, name: 'Calling-Station-Id', type: 'text', ref: 'RFC 2865 §5.31' },
  { code: 32, name: 'NAS-Identifier', type: 'text', ref: 'RFC 2865 §5.32' },
  { code: 33, name: 'Proxy-State', type: 'octets', ref: 'RFC 2865 §5.33' },
  { code: 34, name: 'Login-LAT-Service', type: 'text', ref: 'RFC 2865 §5.34' },
  { code: 35, name: 'Login-LAT-Node', type: 'text', ref: 'RFC 2865 §5.35' },
  { code: 36, name: 'Login-LAT-Group', type: 'octets', ref: 'RFC 2865 §5.36' },
  { code: 37, name: 'Framed-AppleTalk-Link', type: 'u32', ref: 'RFC 2865 §5.37' },
  { code: 38, name: 'Framed-AppleTalk-Network', type: 'u32', ref: 'RFC 2865 §5.38' },
  { code: 39, name: 'Framed-AppleTalk-Zone', type: 'text', ref: 'RFC 2865 §5.39' },
  { code: 60, name: 'CHAP-Challenge', type: 'octets', ref: 'RFC 2865 §5.40' },
  { code: 61, name: 'NAS-Port-Type', type: 'u32', values: NAS_PORT_TYPE, ref: 'RFC 2865 §5.41' },
  { code: 62, name: 'Port-Limit', type: 'u32', ref: 'RFC 2865 §5.42' },
  { code: 63, name: 'Login-LAT-Port', type: 'text', ref: 'RFC 2865 §5.43' },
] as const satisfies readonly AttributeRow[]
