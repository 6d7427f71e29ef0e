// Gy: what charging records say of a session, and what Diameter peers said of themselves. Times are milliseconds since 1970-01-01 UTC.
import type { Definition } from '../tables.ts'

export const diameter: readonly Definition[] = [
  // device: IMEISV (TS 23.003 §6.2.2); gateway: its address; charging_id: 3GPP-Charging-Id (TS 29.061 §16.4.7).
  {
    table: 'charging_session_detail',
    columns: 'session_no integer primary key, device text, apn text, gateway text, charging_id integer',
  },
  // The Origin-State-Id that a host said last (RFC 6733 §8.16), and when.
  {
    table: 'diameter_host',
    columns: 'host text primary key, origin_state_id integer not null, changed_at integer not null',
  },
]
