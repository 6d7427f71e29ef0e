// The life of one settlement transaction. What it may do is decided by what the chain has proved: a second message is built only
// for one that is proved dead, so a payout lands once or not at all.
import { createMachine, type Transition } from '../../core/kernel/fsm.ts'

/**
 * What the transaction waits for: `planned` a message; `built` its signatures; `signed` to be sent; `sent` the chain's verdict;
 * `dead` another attempt. `finalized` and `dropped` are ends.
 */
export type State = 'planned' | 'built' | 'signed' | 'sent' | 'finalized' | 'dead' | 'dropped'

/**
 * `expire`: the finalized height has passed the last valid one, and no finalized transaction has that signature or that memo.
 * `revert`: the chain finalized it as failed, so nothing moved. `drop`: what it was to pay has changed.
 */
export type Event = 'build' | 'sign' | 'send' | 'finalize' | 'expire' | 'revert' | 'retry' | 'drop'

export type Effect = 'keepMessage' | 'keepSignatures' | 'recordPayment' | 'beginAttempt' | 'releaseRows'

export const SETTLEMENT_TABLE = [
  { from: 'planned', on: 'build', to: 'built', effects: ['keepMessage'] },
  { from: 'planned', on: 'drop', to: 'dropped', effects: ['releaseRows'] },
  { from: 'built', on: 'sign', to: 'signed', effects: ['keepSignatures'] },
  { from: 'built', on: 'expire', to: 'dead' },
  { from: 'signed', on: 'send', to: 'sent' },
  // A crash may have come between sending and saying so.
  { from: 'signed', on: 'finalize', to: 'finalized', effects: ['recordPayment'] },
  { from: 'signed', on: 'expire', to: 'dead' },
  { from: 'signed', on: 'revert', to: 'dead' },
  { from: 'sent', on: 'finalize', to: 'finalized', effects: ['recordPayment'] },
  { from: 'sent', on: 'expire', to: 'dead' },
  { from: 'sent', on: 'revert', to: 'dead' },
  { from: 'dead', on: 'retry', to: 'planned', effects: ['beginAttempt'] },
] as const satisfies readonly Transition<State, Event, Effect>[]

export const stepSettlement = createMachine<State, Event, Effect>(SETTLEMENT_TABLE)
