// The life of a subscription, and of a number on its way to or from another operator.
import { createMachine, type Transition } from '../../core/kernel/fsm.ts'
import type { SimStep } from './sim-machine.ts'

/** `ceased`: over, its number kept back; `terminated`: its number is free for others. */
export const SUBSCRIPTION_STATES = ['active', 'suspended', 'ceased', 'terminated'] as const
export type SubscriptionState = (typeof SUBSCRIPTION_STATES)[number]
/** `block`, `unblock`: its SIM is lost or stolen, and found again. `swap`: it gets another SIM. */
export const SUBSCRIPTION_STEPS = ['suspend', 'resume', 'block', 'unblock', 'cease', 'terminate', 'swap'] as const
export type SubscriptionStep = (typeof SUBSCRIPTION_STEPS)[number]

/** Effects: what happens to the SIM with it; of a swap, to the new one, the old one being retired. */
export const SUBSCRIPTION_LIFE: readonly Transition<SubscriptionState, SubscriptionStep, SimStep>[] = [
  { from: 'active', on: 'suspend', to: 'suspended', effects: ['suspend'] },
  { from: 'suspended', on: 'resume', to: 'active', effects: ['resume'] },
  { from: 'active', on: 'block', to: 'suspended', effects: ['block'] },
  { from: 'suspended', on: 'block', to: 'suspended', effects: ['block'] },
  { from: 'suspended', on: 'unblock', to: 'suspended', effects: ['unblock'] },
  { from: 'active', on: 'swap', to: 'active', effects: ['assign', 'activate'] },
  // Whoever may not use the network with the old SIM may not with the new one.
  { from: 'suspended', on: 'swap', to: 'suspended', effects: ['assign', 'activate', 'suspend'] },
  { from: 'active', on: 'cease', to: 'ceased', effects: ['retire'] },
  { from: 'suspended', on: 'cease', to: 'ceased', effects: ['retire'] },
  { from: 'active', on: 'terminate', to: 'terminated', effects: ['retire'] },
  { from: 'suspended', on: 'terminate', to: 'terminated', effects: ['retire'] },
  // Its SIM was retired when it ceased.
  { from: 'ceased', on: 'terminate', to: 'terminated' },
]

export const stepSubscription = createMachine(SUBSCRIPTION_LIFE)

/** Steps by which a subscription still lives: what a number or a lock can be changed of. */
export const isLiving = (state: SubscriptionState): boolean => state === 'active' || state === 'suspended'

/** What can be done with a subscription in `state`, and by which command, for people. */
export function possibleSubscriptionSteps(state: string, subscriber: string): string {
  const steps = SUBSCRIPTION_LIFE.filter(({ from }) => from === state).map(({ on }) => {
    if (on === 'block' || on === 'unblock') return `${on} (tallycell sim ${on} ICCID)`
    return `${on} (tallycell subscriber ${on} ${subscriber}${on === 'swap' ? ' ICCID' : ''})`
  })
  return steps.join(', ') || 'nothing: open another subscription with tallycell subscriber activate'
}

export type PortState = 'requested' | 'submitted' | 'confirmed' | 'completed' | 'refused' | 'cancelled'
export const PORT_EVENTS = ['submit', 'confirm', 'complete', 'refuse', 'cancel'] as const
export type PortStep = (typeof PORT_EVENTS)[number]

/** A port that was confirmed cannot be called off: the other side has changed its routing. */
const PORT_STEPS: readonly Transition<PortState, PortStep, never>[] = [
  { from: 'requested', on: 'submit', to: 'submitted' },
  { from: 'requested', on: 'cancel', to: 'cancelled' },
  { from: 'submitted', on: 'confirm', to: 'confirmed' },
  { from: 'submitted', on: 'refuse', to: 'refused' },
  { from: 'submitted', on: 'cancel', to: 'cancelled' },
  { from: 'confirmed', on: 'complete', to: 'completed' },
]

export const stepPort = createMachine(PORT_STEPS)

/** What can be done with a port in `state`, and by which command, for people. */
export const possiblePortSteps = (state: string, port: bigint): string =>
  PORT_STEPS.flatMap(({ from, on }) => (from === state ? [`${on} (tallycell port ${on} ${port})`] : [])).join(', ') ||
  'nothing: it is over'
