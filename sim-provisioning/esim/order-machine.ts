// The life of an eSIM order, from the SM-DP+'s side (SGP.22 §3.1.6) and, once the profile is on a phone, from the phone's.
import { createMachine, type Transition } from '../../core/kernel/fsm.ts'

/**
 * `available`: nothing was agreed yet; `allocated`, `linked`: the profile is taken, the latter for one EID; `confirmed`: it has a matching id;
 * `released`: phones may fetch it; `error`: the SM-DP+ gives it to nobody any more; `cancelled`: called off.
 */
export const ORDER_STATES = [
  'available',
  'allocated',
  'linked',
  'confirmed',
  'released',
  'downloaded',
  'installed',
  'enabled',
  'disabled',
  'deleted',
  'error',
  'cancelled',
] as const
export type OrderState = (typeof ORDER_STATES)[number]

/** What we ask of the SM-DP+, then what it reports of the phone. `fail`: too many attempts. */
export type OrderStep = 'allocate' | 'link' | 'confirm' | 'confirmAndRelease' | 'release' | 'cancel' | Report | 'fail'

/** What a phone did with a profile. */
export type Report = 'download' | 'install' | 'enable' | 'disable' | 'delete'

export const ORDER_STEPS: readonly Transition<OrderState, OrderStep, never>[] = [
  { from: 'available', on: 'allocate', to: 'allocated' },
  { from: 'available', on: 'link', to: 'linked' },
  { from: 'available', on: 'cancel', to: 'cancelled' },
  { from: 'allocated', on: 'confirm', to: 'confirmed' },
  { from: 'allocated', on: 'confirmAndRelease', to: 'released' },
  { from: 'allocated', on: 'cancel', to: 'cancelled' },
  { from: 'linked', on: 'confirm', to: 'confirmed' },
  { from: 'linked', on: 'confirmAndRelease', to: 'released' },
  { from: 'linked', on: 'cancel', to: 'cancelled' },
  { from: 'confirmed', on: 'release', to: 'released' },
  { from: 'confirmed', on: 'cancel', to: 'cancelled' },
  { from: 'released', on: 'cancel', to: 'cancelled' },
  { from: 'released', on: 'download', to: 'downloaded' },
  { from: 'released', on: 'fail', to: 'error' },
  // A report that is lost leaves a gap; the next one tells where the profile is.
  { from: 'released', on: 'install', to: 'installed' },
  { from: 'released', on: 'enable', to: 'enabled' },
  { from: 'downloaded', on: 'install', to: 'installed' },
  { from: 'downloaded', on: 'enable', to: 'enabled' },
  { from: 'downloaded', on: 'fail', to: 'error' },
  { from: 'installed', on: 'enable', to: 'enabled' },
  { from: 'installed', on: 'disable', to: 'disabled' },
  { from: 'installed', on: 'delete', to: 'deleted' },
  { from: 'enabled', on: 'disable', to: 'disabled' },
  { from: 'enabled', on: 'delete', to: 'deleted' },
  { from: 'disabled', on: 'enable', to: 'enabled' },
  { from: 'disabled', on: 'delete', to: 'deleted' },
  { from: 'error', on: 'cancel', to: 'cancelled' },
]

export const stepOrder = createMachine(ORDER_STEPS)

/** What can be done with an order in `state`, for people. */
export const possibleOrderSteps = (state: OrderState): string =>
  ORDER_STEPS.flatMap(({ from, on }) => (from === state && ASKED.has(on) ? [on] : [])).join(', ') || 'nothing'

const ASKED: ReadonlySet<OrderStep> = new Set(['confirm', 'release', 'cancel'])
