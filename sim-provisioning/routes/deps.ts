// What the SIM domain's part of the partner API works with, and how it writes down who did something.
import { Type } from 'typebox'
import type { SuspendCharging } from '../../core/events/sessions/port.ts'
import type { Call } from '../../core/http/partner/contract.ts'
import type { Clock } from '../../core/kernel/clock.ts'
import type { PayerId, PlanId } from '../../core/kernel/ids.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Sql } from '../../core/store/sql.ts'
import type { Store } from '../../core/store/store.ts'
import type { OrderDeps } from '../esim/orders.ts'
import { type Act, CAUSES, causeOf } from '../profiles/act.ts'
import type { PortAdapter } from '../profiles/porting/porting.ts'
import type { Vault } from '../vault/vault.ts'

export interface RouteDeps {
  readonly store: Store
  readonly vault: Vault
  readonly clock: Clock
  readonly adapter: PortAdapter
  readonly suspendCharging: SuspendCharging
  /** Throws what becomes a problem where a tenant has no such plan. */
  readonly checkPlan: (sql: Sql, tenant: PayerId, plan: PlanId) => Promise<void>
  /** Throws ESIM_NOT_CONFIGURED. */
  readonly orders: () => OrderDeps
}

/** Why, in a body. */
export const WHY = {
  cause: Type.Optional(Type.Enum([...CAUSES], { description: 'for statistics; operator unless given' })),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'in words, for the record' })),
}
export const Why = Type.Object(WHY)

interface Reasons {
  readonly cause?: string | undefined
  readonly reason?: string | undefined
}

/** Only the tenant's own is seen. */
export const actOf = (
  { client, tenant, at }: Pick<Call<unknown, unknown, unknown>, 'client' | 'tenant' | 'at'>,
  { cause, reason }: Reasons = {},
): Act => jobAct({ client, tenant }, at, { cause, reason })

/** As `actOf`, for a job. */
export const jobAct = (
  { client, tenant }: { readonly client: string; readonly tenant: PayerId },
  now: Millis,
  { cause, reason }: Reasons = {},
): Act => ({ actor: `client:${client}`, tenant, now, cause: causeOf(cause), reason })

/** Id of a webhook that is told when a job has ended. */
export const CALLBACK = Type.Optional(
  Type.String({ maxLength: 64, description: 'id of a webhook that is told when the job has ended' }),
)

export const encodeInput = (input: object): Uint8Array => Buffer.from(JSON.stringify(input))

/** Of a job that `encodeInput` made the input of, in this version of the program or an earlier one. */
export const decodeInput = (input: Uint8Array): unknown => JSON.parse(Buffer.from(input).toString('utf8'))
