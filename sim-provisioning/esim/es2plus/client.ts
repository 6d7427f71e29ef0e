// The operator's side of ES2+ (SGP.22 §5.3): what an SM-DP+ is asked, and whether it did it.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Counter } from 'prom-client'
import { fail } from '../../../core/kernel/errors.ts'
import type { TlsFiles } from '../settings.ts'
import { Answer, ES2_PATH, firstFault, RESULTS, type Requests, type Result, readAs } from './messages.ts'
import { type HttpAnswer, NoAnswer, postJson } from './request.ts'
import { carriedOutBefore, describeStatus, type Es2Function } from './status-codes.ts'

export interface Es2Options {
  readonly url: string
  readonly requesterId: string
  readonly tls: TlsFiles
  /** Milliseconds to an answer. */
  readonly timeout: number
  /** Milliseconds before each further try; their number is that of further tries. */
  readonly pauses?: readonly number[]
}

export interface CallOptions {
  /** The very same was asked before, and nobody knows what became of it. */
  readonly repeated?: boolean | undefined
  /** May be asked again by itself when no answer comes: for what comes to the same however often it is done. */
  readonly repeatable: boolean
  readonly signal?: AbortSignal | undefined
}

export interface Outcome<Name extends Es2Function> {
  /** Undefined where an earlier request for the same has been carried out, whose answer was lost. */
  readonly result: Result<Name> | undefined
  /** What the SM-DP+ says besides, when it did it with a warning. */
  readonly warning: string | undefined
}

export interface Es2Client {
  /**
   * Throws ESIM_UNREACHABLE: it was certainly not carried out. ESIM_UNANSWERED, ESIM_ANSWER_INVALID: nobody knows. ESIM_REFUSED: the SM-DP+
   * did not do it; the context has `subject` and `reason`.
   */
  call<Name extends Es2Function>(name: Name, asked: Requests[Name], options: CallOptions): Promise<Outcome<Name>>
}

const PAUSES = [200, 1000]

export function createEs2Client(
  { calls }: { readonly calls?: Counter<'function' | 'outcome'> | undefined },
  options: Es2Options,
): Es2Client {
  const { pauses = PAUSES } = options
  return {
    async call(name, asked, { repeatable, repeated = false, signal }) {
      let lost = repeated
      for (const pause of [...pauses, undefined]) {
        try {
          const answer = await attempt(name, asked, options, signal)
          const outcome = judge(name, answer, lost)
          calls?.inc({ function: name, outcome: 'done' })
          return outcome
        } catch (error) {
          const again = pause !== undefined && signal?.aborted !== true && mayRepeat(error, repeatable)
          if (!again) {
            calls?.inc({ function: name, outcome: error instanceof NoAnswer ? 'unanswered' : 'refused' })
            return giveUp(error, options.url, lost)
          }
          lost ||= error instanceof NoAnswer && error.sent
          await sleep(pause)
        }
      }
      throw new Error('the last try ends the loop')
    },
  }
}

async function attempt<Name extends Es2Function>(
  name: Name,
  asked: Requests[Name],
  { url, requesterId, tls, timeout }: Es2Options,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  const header = { functionRequesterIdentifier: requesterId, functionCallIdentifier: randomUUID() }
  const target = { url: new URL(ES2_PATH + name, url), tls, timeout, signal }
  const answer = await postJson(target, JSON.stringify({ header, ...asked }))
  // Overload or a proxy without its server: whether the request got further, nobody says.
  if (answer.status === 429 || answer.status >= 500) throw new NoAnswer(`it answered HTTP ${answer.status}`, true)
  return answer
}

/** What never left may always be sent again. */
const mayRepeat = (error: unknown, repeatable: boolean): boolean =>
  error instanceof NoAnswer && (repeatable || !error.sent)

function giveUp(error: unknown, url: string, lost: boolean): never {
  if (!(error instanceof NoAnswer)) throw error
  return fail(error.sent || lost ? 'ESIM_UNANSWERED' : 'ESIM_UNREACHABLE', { url, reason: error.message }, error)
}

function judge<Name extends Es2Function>(name: Name, answer: HttpAnswer, lost: boolean): Outcome<Name> {
  const body = readBody(name, answer)
  const { status, statusCodeData } = readHeader(name, body).header.functionExecutionStatus
  const { subjectCode: subject = '', reasonCode: reason = '' } = statusCodeData ?? {}
  if (status === 'Failed' || status === 'Expired') {
    if (lost && carriedOutBefore(name, subject, reason)) return { result: undefined, warning: undefined }
    const { meaning, advice } =
      status === 'Expired' && statusCodeData === undefined
        ? { meaning: 'it took the SM-DP+ too long', advice: 'try again' }
        : describeStatus(subject, reason)
    return fail('ESIM_REFUSED', { function: name, meaning, advice, subject, reason })
  }
  const result = readAs(RESULTS[name], body)
  if (result === undefined) return invalid(name, firstFault(RESULTS[name], body))
  const warning = status === 'Executed-WithWarning' ? describeStatus(subject, reason).meaning : undefined
  return { result: result as Result<Name>, warning }
}

function readBody(name: Es2Function, { status, contentType, protocol, body }: HttpAnswer): unknown {
  if (status !== 200) return invalid(name, `HTTP status ${status}`)
  if (!/^application\/json\b/i.test(contentType)) return invalid(name, 'a body that is not JSON')
  if (protocol !== undefined && !/^gsma\/rsp\/v[23]\./.test(protocol)) return invalid(name, 'another protocol')
  try {
    return JSON.parse(body)
  } catch {
    return invalid(name, 'a body that is not JSON')
  }
}

function readHeader(name: Es2Function, body: unknown): Answer {
  return readAs(Answer, body) ?? invalid(name, firstFault(Answer, body))
}

const invalid = (name: Es2Function, reason: string): never => fail('ESIM_ANSWER_INVALID', { function: name, reason })
