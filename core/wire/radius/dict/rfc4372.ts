// RFC 4372: Chargeable User Identity.
import type { AttributeRow } from './row.ts'

export const RFC4372 = [
  { code: 89, name: 'Chargeable-User-Identity', type: 'octets', ref: 'RFC 4372 §2.2' },
] as const satisfies readonly AttributeRow[]
