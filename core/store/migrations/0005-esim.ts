// Orders for eSIM profiles at an SM-DP+ (SGP.22 §5.3). Times are milliseconds since 1970-01-01 UTC.
import type { Definition } from '../tables.ts'

export const esim: readonly Definition[] = [
  // state: sim-provisioning/esim/order-machine.ts. cc_required: 1 where the phone's user types a confirmation code, which is not kept.
  // pending: the function of ES2+ that was asked and whose outcome is not known yet; pending_until: nobody else asks before.
  {
    table: 'esim_order',
    columns: `order_id text primary key, tenant_id text not null, iccid text, profile_type text, eid text, matching_id text, smdp_address text,
    cc_required integer not null, state text not null, pending text, pending_until integer not null, created_at integer not null,
    changed_at integer not null`,
  },
  // A profile is in one order at a time.
  {
    index: 'esim_order_open',
    on: `esim_order (iccid) where state not in ('cancelled', 'deleted')`,
    unique: true,
  },
  { index: 'esim_order_tenant', on: 'esim_order (tenant_id, order_id)' },
  // Orders of the TM Forum facade (TMF622) as they were answered, JSON. Each was carried out whole before it was stored.
  {
    table: 'product_order',
    columns: `order_id text primary key, tenant_id text not null, document text not null, created_at integer not null`,
  },
  { index: 'product_order_tenant', on: 'product_order (tenant_id, created_at, order_id)' },
]
