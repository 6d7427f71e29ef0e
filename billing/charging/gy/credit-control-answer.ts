// What a Credit-Control-Answer says (RFC 8506 §3.2). To a peer that names no Rating-Group, as the SMF of Open5GS, only AVPs that it reads: others
// it logs as errors, or worse.
import type {
  FinalAction,
  QuotaAnswer,
  QuotaEventAnswer,
  QuotaResult,
  ServiceAnswer,
  ServiceResult,
} from '../../../core/events/quota.ts'
import { millis } from '../../../core/kernel/units.ts'
import type { Answer } from '../../../core/transport/diameter/answers.ts'
import type { AvpInput } from '../../../core/wire/diameter/dictionary.ts'
import type { Refusal } from '../../../core/wire/diameter/judge.ts'
import type { AskedService, CreditControlRequest } from './credit-control-request.ts'

/** RFC 6733 §7.1, RFC 8506 §9, TS 32.299 §7.1. */
export const RESULT: Readonly<Record<QuotaResult | ServiceResult, number>> = {
  success: 2001,
  granted: 2001,
  'service-denied': 4010,
  'too-many-sessions': 4010,
  'credit-limit-reached': 4012,
  suspended: 4012,
  'unknown-session': 5002,
  'unknown-subscriber': 5030,
  'rating-failed': 5031,
}

const MOST_U32 = (1n << 32n) - 1n
const u32 = (value: bigint): number => Number(value < MOST_U32 ? value : MOST_U32)

const head = ({ type, number }: Pick<CreditControlRequest, 'type' | 'number'>): AvpInput[] => [
  ['Auth-Application-Id', 4],
  ['CC-Request-Type', type],
  ['CC-Request-Number', number],
]

/** The answer without services. */
export const plainAnswer = (request: CreditControlRequest, result: number): Answer => ({ result, avps: head(request) })

/** RFC 6733 §7.5: which AVP is to blame. */
export const refusedAnswer = ({ result, failed, text }: Refusal): Answer => ({
  result,
  avps: [['Error-Message', text], ...(failed.length === 0 ? [] : [['Failed-AVP', failed] as const])],
})

/** The peer names its services and so is taken to know all that RFC 8506 and TS 32.299 have. */
export const isFull = ({ services }: CreditControlRequest): boolean =>
  services.some(({ named, identifiers }) => named !== undefined || identifiers.length > 0)

/**
 * The answer to a session's request; undefined where nothing may be said: a simple peer takes a service without a number of octets for one
 * without a limit, so a request that a later one has overtaken stays without answer.
 */
export function sessionAnswer(request: CreditControlRequest, { result, services }: QuotaAnswer): Answer | undefined {
  const full = isFull(request)
  const pairs = request.services.flatMap((asked): Pair[] => {
    const answer = services.find(({ ratingGroup }) => ratingGroup === asked.ratingGroup)
    return answer === undefined ? [] : [{ asked, answer }]
  })
  const ends = request.type === 'TERMINATION_REQUEST'
  if (result !== 'success') return plainAnswer(request, RESULT[result])
  if (!full && !ends && pairs.some(isUnlimited)) return undefined
  const [only] = pairs
  const refused = !full && request.type === 'INITIAL_REQUEST' && only !== undefined && !only.answer.granted
  const code = refused || request.flat ? RESULT[only?.answer.result ?? 'granted'] : 2001
  const given = ends
    ? []
    : request.flat
      ? pairs.flatMap((pair) => unitsOf(pair, full))
      : pairs.map((pair) => group(pair, full))
  return { result: code, avps: [...head(request), ...(full ? failureHandling(request) : []), ...given] }
}

interface Pair {
  readonly asked: AskedService
  readonly answer: ServiceAnswer
}

const isUnlimited = ({ asked, answer: { result, granted } }: Pair): boolean =>
  asked.wanted && result === 'granted' && granted?.octets === undefined && granted?.seconds === undefined

/** What the gateway does without us: nothing is given away (RFC 8506 §5.6, §8.4, §8.14). */
const failureHandling = ({ type }: CreditControlRequest): AvpInput[] =>
  type === 'INITIAL_REQUEST'
    ? [
        ['CC-Session-Failover', 'FAILOVER_SUPPORTED'],
        ['Credit-Control-Failure-Handling', 'RETRY_AND_TERMINATE'],
      ]
    : []

function group(pair: Pair, full: boolean): AvpInput {
  const { named, identifiers } = pair.asked
  return [
    'Multiple-Services-Credit-Control',
    [
      ...unitsOf(pair, full, ['Result-Code', RESULT[pair.answer.result]]),
      ...identifiers.map((each) => ['Service-Identifier', each] as const),
      ...(named === undefined ? [] : [['Rating-Group', named] as const]),
    ],
  ]
}

function unitsOf({ answer }: Pair, full: boolean, result?: AvpInput): AvpInput[] {
  const { granted, validity, threshold, final, tariffChange, throttle } = answer
  const code = result === undefined ? [] : [result]
  if (granted === undefined) return code
  const { octets, seconds, units } = granted
  return [
    [
      'Granted-Service-Unit',
      [
        ...(full && tariffChange !== undefined
          ? [['Tariff-Time-Change', millis(tariffChange - (tariffChange % 1000n))] as const]
          : []),
        ...(seconds === undefined ? [] : [['CC-Time', u32(seconds)] as const]),
        ...(octets === undefined ? [] : [['CC-Total-Octets', octets] as const]),
        ...(units === undefined || !full ? [] : [['CC-Service-Specific-Units', units] as const]),
      ],
    ],
    ...code,
    ['Validity-Time', u32(validity)],
    ...(final === undefined ? [] : [finalUnit(full ? final : { action: 'terminate' })]),
    ...(threshold === undefined || octets === undefined || threshold >= octets
      ? []
      : [['Volume-Quota-Threshold', u32(threshold)] as const]),
    ...(full && throttle !== undefined ? [throttled(throttle)] : []),
  ]
}

function finalUnit(final: FinalAction): AvpInput {
  switch (final.action) {
    case 'redirect':
      return [
        'Final-Unit-Indication',
        [
          ['Final-Unit-Action', 'REDIRECT'],
          [
            'Redirect-Server',
            [
              ['Redirect-Address-Type', 'URL'],
              ['Redirect-Server-Address', final.address],
            ],
          ],
        ],
      ]
    case 'restrict':
      return [
        'Final-Unit-Indication',
        [
          ['Final-Unit-Action', 'RESTRICT_ACCESS'],
          ['Restriction-Filter-Rule', final.filter],
        ],
      ]
    default:
      return ['Final-Unit-Indication', [['Final-Unit-Action', 'TERMINATE']]]
  }
}

const throttled = ({ uplink, downlink }: { readonly uplink: bigint; readonly downlink: bigint }): AvpInput => [
  'QoS-Information',
  [
    ['APN-Aggregate-Max-Bitrate-UL', u32(uplink)],
    ['APN-Aggregate-Max-Bitrate-DL', u32(downlink)],
  ],
]

/** The answer to a one-time request (RFC 8506 §6). `currency`: ISO 4217 number is not ours to know, so none is said. */
export function eventAnswer(request: CreditControlRequest, answer: QuotaEventAnswer): Answer {
  const { result, granted, price, enough } = answer
  const [asked] = request.services
  const units: ServiceAnswer = {
    ratingGroup: asked?.ratingGroup ?? 0n,
    result: 'granted',
    granted,
    validity: 0n,
    threshold: undefined,
    final: undefined,
    tariffChange: undefined,
    throttle: undefined,
  }
  const success = RESULT[result] === 2001
  const given =
    success && granted !== undefined && asked !== undefined ? grantedUnits(request, { asked, answer: units }) : []
  return {
    result: RESULT[result],
    avps: [
      ...head(request),
      ...given,
      ...(price === undefined || !success ? [] : [cost(price)]),
      ...(enough === undefined ? [] : [['Check-Balance-Result', enough ? 'ENOUGH_CREDIT' : 'NO_CREDIT'] as const]),
    ],
  }
}

function grantedUnits(request: CreditControlRequest, pair: Pair): AvpInput[] {
  const [units] = unitsOf(pair, true)
  if (units === undefined) return []
  if (request.flat) return [units]
  const { named } = pair.asked
  const code: AvpInput = ['Result-Code', 2001]
  return [
    [
      'Multiple-Services-Credit-Control',
      [units, code, ...(named === undefined ? [] : [['Rating-Group', named] as const])],
    ],
  ]
}

/** Micro-units as value digits and exponent (RFC 8506 §8.8). */
const cost = (price: bigint): AvpInput => [
  'Cost-Information',
  [
    [
      'Unit-Value',
      [
        ['Value-Digits', price],
        ['Exponent', -6],
      ],
    ],
    ['Currency-Code', 0],
  ],
]
