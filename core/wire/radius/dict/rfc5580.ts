// RFC 5580: Carrying Location Objects in RADIUS and Diameter.
import type { AttributeRow } from './row.ts'

export const RFC5580 = [
  { code: 126, name: 'Operator-Name', type: 'text', ref: 'RFC 5580 §4.1' },
  { code: 127, name: 'Location-Information', type: 'octets', ref: 'RFC 5580 §4.2' },
  { code: 128, name: 'Location-Data', type: 'octets', ref: 'RFC 5580 §4.3' },
  { code: 129, name: 'Basic-Location-Policy-Rules', type: 'octets', ref: 'RFC 5580 §4.4' },
  { code: 130, name: 'Extended-Location-Policy-Rules', type: 'octets', ref: 'RFC 5580 §4.5' },
  { code: 131, name: 'Location-Capable', type: 'u32', ref: 'RFC 5580 §4.6' },
  { code: 132, name: 'Requested-Location-Info', type: 'u32', ref: 'RFC 5580 §4.7' },
] as const satisfies readonly AttributeRow[]
