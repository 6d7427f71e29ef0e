// The payout tables of a log, recomputed from its entries alone: what somebody who trusts nobody does.
import type { Access } from '../../core/events/usage-event.ts'
import type { PayerId, RadioId, Wallet } from '../../core/kernel/ids.ts'
import type { Octets } from '../../core/kernel/units.ts'
import type { Entry, EntryOf } from '../log/entries/dictionary.ts'
import { createReplay } from '../log/receipts/replay.ts'
import { type PolicyTerms, rateOf } from '../policy/policy.ts'
import { type CountedUsage, type PayoutTable, payouts } from './payout-table.ts'

/** A close entry beside what its epoch's entries come to. */
export interface ReplayedEpoch {
  readonly close: EntryOf<'close'>
  readonly closeIndex: bigint
  readonly table: PayoutTable
  /** What is wrong in the log so far, in words, the first first. */
  readonly faults: readonly string[]
}

export interface EpochReplay {
  /** Takes the entries in order, from index 0; a close entry yields its epoch. */
  take(index: bigint, entry: Entry): ReplayedEpoch | undefined
}

/** Octets of one payer, radio, access and policy. */
interface Tally {
  readonly payer: PayerId
  readonly radio: RadioId
  readonly access: Access
  readonly terms: Pick<PolicyTerms, 'rates'>
  counted: bigint
}

/** Faults kept; the first is what counts. */
const MAX_FAULTS = 16

/** Replays the log `origin`: every verdict by the rules, every sum by the rates in force. */
export function createEpochReplay(origin: string): EpochReplay {
  const judged = createReplay(origin)
  const carries = new Map<string, bigint>()
  const faults: string[] = []
  let tallies = new Map<string, Tally>()
  let first = 0n

  const fault = (text: string): void => {
    if (faults.length < MAX_FAULTS) faults.push(text)
  }

  const tally = ({ payer, radio, access, counted }: EntryOf<'usage'>): void => {
    const terms = judged.policy()
    // A receipt that counts without these has been named as a fault.
    if (counted === 0n || payer === undefined || radio === undefined || !terms) return
    const key = `${terms.version} ${access} ${payer} ${radio}`
    const known = tallies.get(key)
    if (known) known.counted += counted
    else tallies.set(key, { payer, radio, access, terms, counted })
  }

  const close = (index: bigint, entry: EntryOf<'close'>): ReplayedEpoch => {
    if (entry.first !== first || entry.last !== index)
      fault(
        `epoch ${entry.epoch} says that it holds entries ${entry.first} to ${entry.last}, but it holds ${first} to ${index}`,
      )
    const usage: CountedUsage[] = []
    for (const { payer, radio, access, terms, counted } of tallies.values()) {
      const rate = rateOf(terms, payer, access)
      if (rate !== undefined && judged.standing(radio)) usage.push({ payer, radio, counted: counted as Octets, rate })
    }
    const table = payouts(usage, {
      carry: (payer, radio) => carries.get(`${payer} ${radio}`) ?? 0n,
      wallet: (radio) => (judged.standing(radio)?.payout ?? '') as Wallet,
    })
    for (const { payer, radio, carryOut } of table.rows) carries.set(`${payer} ${radio}`, carryOut)
    tallies = new Map()
    first = index + 1n
    return { close: entry, closeIndex: index, table, faults: [...faults] }
  }

  return {
    take(index, entry) {
      const wrong = judged.take(entry)
      if (wrong !== undefined) fault(`entry ${index}: ${wrong}`)
      if (entry.type === 'usage') tally(entry)
      return entry.type === 'close' ? close(index, entry) : undefined
    },
  }
}
