// The life of a SIM, and which of its states let a phone in.
import { createMachine, type Transition } from '../../core/kernel/fsm.ts'

/** `staged`: of a batch that counts only when all of it is in. */
export const SIM_STATES = [
  'staged',
  'inStock',
  'reserved',
  'assigned',
  'active',
  'suspended',
  'blocked',
  'retired',
] as const
export type SimState = (typeof SIM_STATES)[number]

/** `block`: lost or stolen; `retire`: never used again. */
export type SimStep =
  | 'release'
  | 'reserve'
  | 'unreserve'
  | 'assign'
  | 'activate'
  | 'suspend'
  | 'resume'
  | 'block'
  | 'unblock'
  | 'retire'

export const SIM_STEPS: readonly Transition<SimState, SimStep, never>[] = [
  { from: 'staged', on: 'release', to: 'inStock' },
  { from: 'inStock', on: 'reserve', to: 'reserved' },
  { from: 'reserved', on: 'unreserve', to: 'inStock' },
  { from: 'inStock', on: 'assign', to: 'assigned' },
  { from: 'reserved', on: 'assign', to: 'assigned' },
  { from: 'assigned', on: 'activate', to: 'active' },
  { from: 'active', on: 'suspend', to: 'suspended' },
  { from: 'suspended', on: 'resume', to: 'active' },
  { from: 'assigned', on: 'block', to: 'blocked' },
  { from: 'active', on: 'block', to: 'blocked' },
  { from: 'suspended', on: 'block', to: 'blocked' },
  // Found again: nobody is let in before somebody says so.
  { from: 'blocked', on: 'unblock', to: 'suspended' },
  { from: 'inStock', on: 'retire', to: 'retired' },
  { from: 'reserved', on: 'retire', to: 'retired' },
  { from: 'assigned', on: 'retire', to: 'retired' },
  { from: 'active', on: 'retire', to: 'retired' },
  { from: 'suspended', on: 'retire', to: 'retired' },
  { from: 'blocked', on: 'retire', to: 'retired' },
]

export const stepSim = createMachine(SIM_STEPS)

/** Authentication vectors are made in this state only. */
export const mayAuthenticate = (state: string): boolean => state === 'active'

/** What can be done with a SIM in `state`, and by which command, for people. */
export const possibleSimSteps = (state: string): string =>
  SIM_STEPS.flatMap(({ from, on }) => (from === state ? [`${on} (${commandFor(on)})`] : [])).join(', ') ||
  'nothing: take another SIM'

const commandFor = (step: SimStep): string => {
  if (step === 'assign' || step === 'activate') return 'tallycell subscriber activate ID --sim ICCID'
  return step === 'release' ? 'by loading the rest of its batch' : `tallycell sim ${step} ICCID`
}
