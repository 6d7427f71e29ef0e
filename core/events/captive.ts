// Captive vouchers: a name and a password that are worth a bundle, for whoever has no SIM and opens a network's page. The access domain asks
// who they are; billing, which issued them, answers.
import type { PayerId, PlanId, SubscriberId } from '../kernel/ids.ts'
import type { Millis } from '../kernel/units.ts'
import type { Sql } from '../store/sql.ts'

export interface CaptivePort {
  /** The password of the voucher that goes by `name`, as printed; undefined where there is none, or it has expired unused. */
  passwordOf(name: string, at: Millis): Promise<string | undefined>
  /**
   * Whose session a login with the voucher is: an anonymous subscriber, made and given the voucher's bundle by the first login, before it
   * resolves. Undefined as `passwordOf`.
   */
  enter(name: string, at: Millis): Promise<SubscriberId | undefined>
}

/** Registers a subscriber without a SIM, in the caller's transaction. Throws SUBSCRIBER_EXISTS. */
export type EnrolAnonymous = (
  sql: Sql,
  subscriber: { readonly subscriber: SubscriberId; readonly payer: PayerId; readonly plan: PlanId },
  at: Millis,
) => Promise<void>
