// Who changes a SIM or a subscription, and why.
import { fail } from '../../core/kernel/errors.ts'
import type { PayerId } from '../../core/kernel/ids.ts'
import type { Millis } from '../../core/kernel/units.ts'
import type { Store } from '../../core/store/store.ts'

/** Why something changes, for the record and for statistics. */
export const CAUSES = ['operator', 'customer', 'unpaid', 'fraud', 'lost', 'stolen', 'damaged', 'ported'] as const
export type Cause = (typeof CAUSES)[number]

/** Where changes are made: a store, or a transaction that is joined. */
export type Batches = Pick<Store, 'batch'>

export interface Act {
  readonly actor: string
  /** `operator` unless given. */
  readonly cause?: Cause | undefined
  /** In words. */
  readonly reason?: string | undefined
  readonly now: Millis
  /** Whose objects alone are seen: another's are as good as none. Undefined: all. */
  readonly tenant?: PayerId | undefined
}

/** Throws ID_INVALID. */
export function causeOf(text: string | undefined): Cause {
  const found = CAUSES.find((cause) => cause === (text ?? 'operator'))
  return found ?? fail('ID_INVALID', { what: 'cause', expected: CAUSES.join(', '), came: String(text) })
}
