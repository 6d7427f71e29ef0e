// The life of a subscription, and of a number on its way to or from another operator.
import { createMachine, type Transition } from '../../core/kernel/fsm.ts'
import type { SimStep } from './sim-machine.ts'

export type SubscriptionState = 'active' | 'suspended' | 'ceased'
export type SubscriptionStep = 'suspend' | 'resume' | 'cease'

/** Effects: what happens to the SIM with it. */
const SUBSCRIPTION_STEPS: readonly Transition<SubscriptionState, SubscriptionStep, SimStep>[] = [
  { from: 'active', on: 'suspend', to: 'suspended', effects: ['suspend'] },
  { from: 'suspended', on: 'resume', to: 'active', effects: ['resume'] },
  { from: 'active', on: 'cease', to: 'ceased', effects: ['retire'] },
  { from: 'suspended', on: 'cease', to: 'ceased', effects: ['retire'] },
]

export const stepSubscription = createMachine(SUBSCRIPTION_STEPS)

/** What can be done with a subscription in `state`, for people. */
export const possibleSubscriptionSteps = (state: string): string =>
  SUBSCRIPTION_STEPS.flatMap(({ from, on }) => (from === state ? [on] : [])).join(', ') || 'nothing'

export type PortState = 'requested' | 'submitted' | 'confirmed' | 'completed' | 'refused' | 'cancelled'
export type PortStep = 'submit' | 'confirm' | 'complete' | 'refuse' | 'cancel'

/** A port that was confirmed cannot be called off: the other side has changed its routing. */
export const PORT_STEPS: readonly Transition<PortState, PortStep, never>[] = [
  { from: 'requested', on: 'submit', to: 'submitted' },
  { from: 'requested', on: 'cancel', to: 'cancelled' },
  { from: 'submitted', on: 'confirm', to: 'confirmed' },
  { from: 'submitted', on: 'refuse', to: 'refused' },
  { from: 'submitted', on: 'cancel', to: 'cancelled' },
  { from: 'confirmed', on: 'complete', to: 'completed' },
]

export const stepPort = createMachine(PORT_STEPS)
