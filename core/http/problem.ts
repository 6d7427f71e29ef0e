// Errors over HTTP: RFC 9457 problem details with the catalogue's code and hint.
import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'
import { ERRORS, isTallycellError, TallycellError } from '../kernel/errors.ts'

/** RFC 9457 members, and two of our own: `code` for programs, `hint` for people. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly hint: string
  /** Each fault of the request and its place, where there are several. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
}

/** The problem that `error` is to a client. What is unexpected says nothing about our insides. */
export function toProblem(error: unknown): Problem {
  const known = isTallycellError(error) ? error : foreign(error)
  const status = isTallycellError(error) ? ERRORS[error.code].http : (clientStatus(error) ?? 500)
  const { code, message, hint } = known
  // With about:blank the title is the status's own phrase (RFC 9457).
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail: message, code, hint }
}

/** Fastify and its plug-ins mark what the client did wrong with a 4xx statusCode. */
function clientStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  const status = Number(error.statusCode)
  return status >= 400 && status < 500 ? status : undefined
}

function foreign(error: unknown): TallycellError {
  if (clientStatus(error) !== undefined && error instanceof Error)
    return new TallycellError('HTTP_REQUEST_INVALID', { reason: error.message })
  return new TallycellError('INTERNAL', { reason: 'the request could not be answered' })
}

/** Answers with a problem. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}
