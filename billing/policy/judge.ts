// The verdict on usage: a pure function of the policy, of what the log says so far, and of what the receipt itself says. Nothing
// else may enter, or nobody could check it.
import { type Access, USAGE_FLAG } from '../../core/events/usage-event.ts'
import type { PayerId } from '../../core/kernel/ids.ts'
import { type Millis, type Octets, octets } from '../../core/kernel/units.ts'
import { type PolicyTerms, rateOf } from './policy.ts'
import { isBanned, type RadioStanding } from './registry.ts'
import { splitVerdict, type Verdict } from './verdict.ts'

/** What a receipt says of the usage. */
export interface Usage {
  /** Undefined when nobody knows the subscriber. */
  readonly payer: PayerId | undefined
  readonly access: Access
  readonly start: Millis
  readonly end: Millis
  readonly uplink: Octets
  readonly downlink: Octets
  readonly received: Millis
  /** USAGE_FLAG of core/events. */
  readonly flags: number
}

/** What the log says so far. */
export interface LogState {
  /** Undefined when the radio is unknown, or not claimed in the log. */
  readonly radio: RadioStanding | undefined
  /** Whether a receipt with the same origin, session and sequence stands in the log. */
  readonly repeated: boolean
}

export interface Judgement {
  readonly verdict: Verdict
  /** 0 unless VALID. */
  readonly counted: Octets
}

interface Rule {
  readonly outcome: 'HOLD' | 'REJECT'
  readonly code: string
  /** For the owner of the radio: what happened and what may come of it. */
  readonly sentence: string
  readonly applies: (policy: PolicyTerms, state: LogState, usage: Usage) => boolean
}

/** The first rule that applies decides. Refusals come before holds: what may never count is not left waiting. Codes are never reused. */
export const RULES = [
  {
    outcome: 'REJECT',
    code: 'duplicate',
    sentence: 'This piece of the session has a receipt already, so it does not count a second time.',
    applies: (_policy, { repeated }) => repeated,
  },
  {
    outcome: 'REJECT',
    code: 'outside-window',
    sentence:
      'The usage was reported too long after it ended, or before: it can no longer be checked, so it does not count.',
    applies: ({ past, future }, _state, { end, received }) => end < received - past || end > received + future,
  },
  {
    outcome: 'REJECT',
    code: 'banned',
    sentence:
      'The radio was banned when this usage ended, so it does not count. The ban and its reason are in the log; it can be appealed.',
    applies: (_policy, { radio }, { end }) => radio !== undefined && isBanned(radio, end),
  },
  {
    outcome: 'HOLD',
    code: 'unknown-radio',
    sentence: 'No owner has claimed the radio that carried this. Claim it, and the operator can release what was held.',
    applies: (_policy, { radio }) => radio === undefined,
  },
  {
    outcome: 'HOLD',
    code: 'unknown-subscriber',
    sentence: 'Nobody knows whose usage this was, so nobody pays for it yet. The operator must find the subscriber.',
    applies: (_policy, _state, { payer }) => payer === undefined,
  },
  {
    outcome: 'HOLD',
    code: 'no-rate',
    sentence: 'The policy names no rate that this payer pays for this kind of radio. It is held until the policy does.',
    applies: (policy, _state, { payer, access }) => payer !== undefined && rateOf(policy, payer, access) === undefined,
  },
  {
    outcome: 'HOLD',
    code: 'counter-fell',
    sentence:
      'The counter of the session fell while the session went on, so nobody can tell how much was carried. A person must look at it.',
    applies: (_policy, _state, { flags }) => (flags & USAGE_FLAG.counterFell) !== 0,
  },
  {
    outcome: 'HOLD',
    code: 'implausible-rate',
    sentence: 'This is more than a radio of this kind can carry in the time. A person must look at it.',
    applies: (policy, _state, usage) => exceedsPeak(policy, usage),
  },
] as const satisfies readonly Rule[]

export type RuleCode = (typeof RULES)[number]['code']

/** Judges usage by `RULES`. */
export function judge(policy: PolicyTerms, state: LogState, usage: Usage): Judgement {
  const rule = RULES.find(({ applies }) => applies(policy, state, usage))
  if (rule) return { verdict: `${rule.outcome}(${rule.code})`, counted: octets(0n) }
  return { verdict: 'VALID', counted: octets(usage.uplink + usage.downlink) }
}

/** A verdict in a sentence for the owner of the radio. */
export function explain(verdict: Verdict): string {
  const { outcome, code } = splitVerdict(verdict)
  if (outcome === 'VALID') return 'Counted in full.'
  const rule = RULES.find((row) => row.code === code)
  if (rule) return rule.sentence
  return outcome === 'HOLD'
    ? 'Held back by a rule that this program does not know: a newer one may explain it.'
    : 'Refused by a rule that this program does not know: a newer one may explain it.'
}

/** octets > peak × duration × (1 + tolerance), in integers. */
function exceedsPeak(
  { peaks, tolerance, shortest }: PolicyTerms,
  { access, start, end, uplink, downlink }: Usage,
): boolean {
  const peak = peaks.find((row) => row.access === access)?.peak ?? 0n
  const lasted = end - start
  const duration = lasted > shortest ? lasted : shortest
  return (uplink + downlink) * 1_000_000n > peak * duration * (1000n + tolerance)
}
