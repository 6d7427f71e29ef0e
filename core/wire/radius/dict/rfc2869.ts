// RFC 2869: RADIUS Extensions.
import type { AttributeRow } from './row.ts'

export const RFC2869 = [
  { code: 52, name: 'Acct-Input-Gigawords', type: 'u32', ref: 'RFC 2869 §5.1' },
  { code: 53, name: 'Acct-Output-Gigawords', type: 'u32', ref: 'RFC 2869 §5.2' },
  { code: 55, name: 'Event-Timestamp', type: 'date', ref: 'RFC 2869 §5.3' },
  { code: 70, name: 'ARAP-Password', type: 'octets', ref: 'RFC 2869 §5.4' },
  { code: 71, name: 'ARAP-Features', type: 'octets', ref: 'RFC 2869 §5.5' },
  { code: 72, name: 'ARAP-Zone-Access', type: 'u32', ref: 'RFC 2869 §5.6' },
  { code: 73, name: 'ARAP-Security', type: 'u32', ref: 'RFC 2869 §5.7' },
  { code: 74, name: 'ARAP-Security-Data', type: 'octets', ref: 'RFC 2869 §5.8' },
  { code: 75, name: 'Password-Retry', type: 'u32', ref: 'RFC 2869 §5.9' },
  { code: 76, name: 'Prompt', type: 'u32', values: { 0: 'No Echo', 1: 'Echo' }, ref: 'RFC 2869 §5.10' },
  { code: 77, name: 'Connect-Info', type: 'text', ref: 'RFC 2869 §5.11' },
  { code: 78, name: 'Configuration-Token', type: 'octets', ref: 'RFC 2869 §5.12' },
  { code: 79, name: 'EAP-Message', type: 'concat', ref: 'RFC 2869 §5.13' },
  { code: 80, name: 'Message-Authenticator', type: 'octets', ref: 'RFC 2869 §5.14' },
  { code: 84, name: 'ARAP-Challenge-Response', type: 'octets', ref: 'RFC 2869 §5.15' },
  { code: 85, name: 'Acct-Interim-Interval', type: 'u32', ref: 'RFC 2869 §5.16' },
  { code: 87, name: 'NAS-Port-Id', type: 'text', ref: 'RFC 2869 §5.17' },
  { code: 88, name: 'Framed-Pool', type: 'text', ref: 'RFC 2869 §5.18' },
] as const satisfies readonly AttributeRow[]
