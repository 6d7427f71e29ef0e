// Judging a log again from its first entry, without the database it was made from: what an oracle and an auditor do.
import { judge } from '../../policy/judge.ts'
import { applyChange, type RadioStanding } from '../../policy/registry.ts'
import type { Entry, EntryOf } from '../entries/dictionary.ts'
import { type PolicyEntry, policyFault } from '../policy-entry.ts'

export interface Replay {
  /** Takes the next entry; answers why it should not be in the log, in words, or undefined when it is as it must be. */
  take(entry: Entry): string | undefined
  /** The policy in force, undefined before the first. */
  policy(): PolicyEntry | undefined
  /** Undefined when nobody has claimed the radio. */
  standing(radio: string): RadioStanding | undefined
  /** The number of the epoch that the next receipt belongs to. */
  epoch(): bigint
}

/** Entries are taken in the order of the log `origin`, all of them. */
export function createReplay(origin: string): Replay {
  let policy: PolicyEntry | undefined
  let epoch = 1n
  const standings = new Map<string, RadioStanding>()
  const sequences = new Map<string, bigint>()
  const pieces = new Set<string>()

  const takeUsage = (entry: EntryOf<'usage'>): string | undefined => {
    if (!policy) return 'usage was judged before there was a policy'
    const radio = entry.radio ?? ''
    const sequence = (sequences.get(radio) ?? 0n) + 1n
    sequences.set(radio, sequence)
    const piece = `${Buffer.from(entry.sessionRef).toString('hex')} ${entry.sequence}`
    const repeated = pieces.has(piece)
    pieces.add(piece)
    if (entry.radioSeq !== sequence) return `receipt ${entry.radioSeq} of the radio came where ${sequence} should have`
    if (entry.epoch !== epoch) return `it names epoch ${entry.epoch} while ${epoch} was open`
    const usage = { ...entry, payer: entry.payer, flags: Number(entry.flags) }
    const { verdict, counted } = judge(policy, { radio: standings.get(radio), repeated }, usage)
    if (entry.verdict !== verdict) return `its verdict is ${entry.verdict}, the rules say ${verdict}`
    return entry.counted === counted ? undefined : `it counts ${entry.counted} octets, the rules say ${counted}`
  }

  const take = (entry: Entry): string | undefined => {
    switch (entry.type) {
      case 'usage':
        return takeUsage(entry)
      case 'registry': {
        const standing = applyChange(standings.get(entry.radio), entry)
        if (standing) standings.set(entry.radio, standing)
        return undefined
      }
      case 'policy': {
        const fault = policyFault(origin, entry, policy)
        policy = entry
        return fault
      }
      case 'close': {
        const open = epoch
        epoch = entry.epoch + 1n
        return entry.epoch === open ? undefined : `it closes epoch ${entry.epoch} while ${open} was open`
      }
      default:
        return undefined
    }
  }

  return { take, policy: () => policy, standing: (radio) => standings.get(radio), epoch: () => epoch }
}
