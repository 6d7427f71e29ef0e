// RFC 5176: Dynamic Authorization Extensions to RADIUS.
import type { AttributeRow } from './row.ts'

const ERROR_CAUSE = {
  201: 'Residual Session Context Removed',
  202: 'Invalid EAP Packet (Ignored)',
  401: 'Unsupported Attribute',
  402: 'Missing Attribute',
  403: 'NAS Identification Mismatch',
  404: 'Invalid Request',
  405: 'Unsupported Service',
  406: 'Unsupported Extension',
  407: 'Invalid Attribute Value',
  501: 'Administratively Prohibited',
  502: 'Request Not Routable (Proxy)',
  503: 'Session Context Not Found',
  504: 'Session Context Not Removable',
  505: 'Other Proxy Processing Error',
  506: 'Resources Unavailable',
  507: 'Request Initiated',
  508: 'Multiple Session Selection Unsupported',
} as const

export const RFC5176 = [
  { code: 101, name: 'Error-Cause', type: 'u32', values: ERROR_CAUSE, ref: 'RFC 5176 §3.5' },
] as const satisfies readonly AttributeRow[]
