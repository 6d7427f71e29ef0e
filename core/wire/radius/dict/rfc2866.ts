// RFC 2866: RADIUS Accounting, with the values that RFC 2867 and RFC 3580 added.
import type { AttributeRow } from './row.ts'

const ACCT_STATUS_TYPE = {
  1: 'Start',
  2: 'Stop',
  3: 'Interim-Update',
  7: 'Accounting-On',
  8: 'Accounting-Off',
  // RFC 2867 §3
  9: 'Tunnel-Start',
  10: 'Tunnel-Stop',
  11: 'Tunnel-Reject',
  12: 'Tunnel-Link-Start',
  13: 'Tunnel-Link-Stop',
  14: 'Tunnel-Link-Reject',
  15: 'Failed',
} as const

const ACCT_TERMINATE_CAUSE = {
  1: 'User Request',
  2: 'Lost Carrier',
  3: 'Lost Service',
  4: 'Idle Timeout',
  5: 'Session Timeout',
  6: 'Admin Reset',
  7: 'Admin Reboot',
  8: 'Port Error',
  9: 'NAS Error',
  10: 'NAS Request',
  11: 'NAS Reboot',
  12: 'Port Unneeded',
  13: 'Port Preempted',
  14: 'Port Suspended',
  15: 'Service Unavailable',
  16: 'Callback',
  17: 'User Error',
  18: 'Host Request',
  // RFC 3580 §2.1
  19: 'Supplicant Restart',
  20: 'Reauthentication Failure',
  21: 'Port Reinitialized',
  22: 'Port Administratively Disabled',
} as const

export const RFC2866 = [
  { code: 40, name: 'Acct-Status-Type', type: 'u32', values: ACCT_STATUS_TYPE, ref: 'RFC 2866 §5.1' },
  { code: 41, name: 'Acct-Delay-Time', type: 'u32', ref: 'RFC 2866 §5.2' },
  { code: 42, name: 'Acct-Input-Octets', type: 'u32', ref: 'RFC 2866 §5.3' },
  { code: 43, name: 'Acct-Output-Octets', type: 'u32', ref: 'RFC 2866 §5.4' },
  { code: 44, name: 'Acct-Session-Id', type: 'text', ref: 'RFC 2866 §5.5' },
  {
    code: 45,
    name: 'Acct-Authentic',
    type: 'u32',
    values: { 1: 'RADIUS', 2: 'Local', 3: 'Remote' },
    ref: 'RFC 2866 §5.6',
  },
  { code: 46, name: 'Acct-Session-Time', type: 'u32', ref: 'RFC 2866 §5.7' },
  { code: 47, name: 'Acct-Input-Packets', type: 'u32', ref: 'RFC 2866 §5.8' },
  { code: 48, name: 'Acct-Output-Packets', type: 'u32', ref: 'RFC 2866 §5.9' },
  { code: 49, name: 'Acct-Terminate-Cause', type: 'u32', values: ACCT_TERMINATE_CAUSE, ref: 'RFC 2866 §5.10' },
  { code: 50, name: 'Acct-Multi-Session-Id', type: 'text', ref: 'RFC 2866 §5.11' },
  { code: 51, name: 'Acct-Link-Count', type: 'u32', ref: 'RFC 2866 §5.12' },
] as const satisfies readonly AttributeRow[]
