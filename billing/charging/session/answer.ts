// Answers as they are stored: the text is made once, in the transaction of the debit, and every answer given is read from it, the first
// as well as each repeat.
import type { QuotaAnswer, QuotaResult, ServiceAnswer, ServiceResult } from '../../../core/events/quota.ts'
import { millis } from '../../../core/kernel/units.ts'
import type { Plan } from '../plan/plan.ts'

/** What a plan version says once and for all, so that answers need not repeat it. */
export type AnswerTerms = Pick<Plan, 'final' | 'fairUse'>

export interface PlainAnswer extends Omit<ServiceAnswer, 'final' | 'throttle' | 'tariffChange'> {
  readonly final: boolean
  readonly tariffChange: bigint | undefined
  readonly throttled: boolean
}

const RESULTS: readonly QuotaResult[] = [
  'success',
  'unknown-subscriber',
  'too-many-sessions',
  'unknown-session',
  'suspended',
]
const SERVICE_RESULTS: readonly ServiceResult[] = ['granted', 'credit-limit-reached', 'service-denied', 'rating-failed']
const optional = (value: bigint | undefined): string => (value === undefined ? '' : value.toString())
const maybe = (text: string | undefined): bigint | undefined => (text ? BigInt(text) : undefined)

export const encodeAnswer = (result: QuotaResult, services: readonly PlainAnswer[]): string =>
  encodeLines(result, services.map(encodeService))

/** `lines`: of `encodeService`. */
export function encodeLines(result: QuotaResult, lines: readonly string[]): string {
  let text = String(RESULTS.indexOf(result))
  for (const line of lines) text += `\n${line}`
  return text
}

/** One service's line of an answer. */
export function encodeService(s: PlainAnswer): string {
  const granted = s.granted
    ? `1,${optional(s.granted.octets)},${optional(s.granted.seconds)},${optional(s.granted.units)}`
    : ',,,'
  return `${s.ratingGroup},${SERVICE_RESULTS.indexOf(s.result)},${granted},${s.validity},${optional(s.threshold)},${s.final ? 1 : ''},${optional(s.tariffChange)},${s.throttled ? 1 : ''}`
}

/** Answers kept for each plan. */
const MOST_KEPT = 256
const kept = new WeakMap<AnswerTerms, Map<string, QuotaAnswer>>()

/** Most sessions of a plan get the same few answers: these are read once. */
export function decodeAnswer(text: string, terms: AnswerTerms): QuotaAnswer {
  const answers = kept.get(terms) ?? new Map<string, QuotaAnswer>()
  if (answers.size === 0) kept.set(terms, answers)
  const known = answers.get(text)
  if (known) return known
  if (answers.size >= MOST_KEPT) answers.clear()
  const answer = readAnswer(text, terms)
  answers.set(text, answer)
  return answer
}

function readAnswer(text: string, { final, fairUse }: AnswerTerms): QuotaAnswer {
  const [head, ...lines] = text.split('\n')
  return {
    result: RESULTS[Number(head)] ?? 'unknown-session',
    services: lines.map((line) => {
      const fields = line.split(',')
      const change = maybe(fields[9])
      return {
        ratingGroup: BigInt(fields[0] ?? ''),
        result: SERVICE_RESULTS[Number(fields[1])] ?? 'rating-failed',
        granted: fields[2]
          ? { octets: maybe(fields[3]), seconds: maybe(fields[4]), units: maybe(fields[5]) }
          : undefined,
        validity: BigInt(fields[6] ?? ''),
        threshold: maybe(fields[7]),
        final: fields[8] ? final : undefined,
        tariffChange: change === undefined ? undefined : millis(change),
        throttle: fields[10] ? fairUse?.throttle : undefined,
      }
    }),
  }
}
