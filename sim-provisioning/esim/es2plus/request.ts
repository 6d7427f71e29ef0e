// One HTTPS request to an SM-DP+, on a connection of its own: whether it can have been carried out is known in the end, which it is not on
// a connection that was idle.
import type { ClientRequest, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { TlsFiles } from '../settings.ts'
import { ADMIN_PROTOCOL } from './messages.ts'

/** `sent`: the request has left, and may have been carried out. */
export class NoAnswer extends Error {
  readonly sent: boolean

  constructor(reason: string, sent: boolean, cause?: unknown) {
    super(reason, { cause })
    this.sent = sent
  }
}

export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  /** X-Admin-Protocol, if any. */
  readonly protocol: string | undefined
  readonly body: string
}

export interface PostOptions {
  readonly url: URL
  readonly tls: TlsFiles
  /** Milliseconds for all of it. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

const MAX_ANSWER = 262_144

/** Posts JSON. Rejects with NoAnswer. */
export async function postJson({ url, tls, timeout, signal }: PostOptions, body: string): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(timeout)
  const stop = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
  let sent = false
  return new Promise((resolve, reject) => {
    const give = (error: unknown): void =>
      reject(new NoAnswer(reasonOf(error, deadline), sent && !refusedUs(error), error))
    let call: ClientRequest
    try {
      call = request(url, {
        method: 'POST',
        agent: false,
        cert: tls.certificate,
        key: tls.key,
        ca: tls.ca,
        minVersion: 'TLSv1.2',
        signal: stop,
        headers: {
          'content-type': 'application/json;charset=UTF-8',
          'content-length': Buffer.byteLength(body),
          'x-admin-protocol': ADMIN_PROTOCOL,
          'user-agent': 'gsma-rsp-tallycell',
          accept: 'application/json',
        },
      })
    } catch (error) {
      return give(error)
    }
    call.once('socket', (socket) => {
      // Octets wait in the socket until the other side has been checked.
      socket.once('secureConnect', () => {
        sent = true
      })
    })
    call.once('error', give)
    call.once('response', (answer) => void readAnswer(answer).then(resolve, give))
    call.end(body)
  })
}

async function readAnswer(answer: IncomingMessage): Promise<HttpAnswer> {
  const parts: Buffer[] = []
  let octets = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    octets += part.length
    if (octets > MAX_ANSWER) {
      answer.destroy()
      throw new Error(`the answer has more than ${MAX_ANSWER} octets`)
    }
    parts.push(part)
  }
  const protocol = answer.headers['x-admin-protocol']
  return {
    status: answer.statusCode ?? 0,
    contentType: answer.headers['content-type'] ?? '',
    protocol: Array.isArray(protocol) ? protocol[0] : protocol,
    body: Buffer.concat(parts).toString('utf8'),
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')

/** TLS 1.3 tells a client that its certificate is not taken after the client believes itself connected; no request is read before. */
const refusedUs = (error: unknown): boolean => codeOf(error).startsWith('ERR_SSL_')

function reasonOf(error: unknown, deadline: AbortSignal): string {
  if (deadline.aborted) return 'it took too long'
  const code = codeOf(error)
  const text = error instanceof Error ? error.message : String(error)
  return code === '' || text.includes(code) ? text : `${text} (${code})`
}
