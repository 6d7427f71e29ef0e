// Answers to requests (RFC 6733 §6.2, §7.2), made from what is left of the request even where it is malformed.
import type { AvpInput } from '../../wire/diameter/dictionary.ts'
import { encode } from '../../wire/diameter/encode.ts'
import { isFault } from '../../wire/diameter/fault.ts'
import type { Refusal } from '../../wire/diameter/judge.ts'
import { all, FLAG, get, type Header, type Message, rawAvps } from '../../wire/diameter/message.ts'

export interface Origin {
  readonly identity: string
  readonly realm: string
}

/** Result-Code, or the code of an Experimental-Result with its vendor. */
export type Result = number | { readonly vendor: number; readonly code: number }

/** An answer of the application's own: what follows Session-Id, result and origin. */
export interface Answer {
  readonly result: Result
  readonly avps: readonly AvpInput[]
}

const isProtocolError = (result: Result): boolean => typeof result === 'number' && result >= 3000 && result < 4000

function resultAvp(result: Result): AvpInput {
  if (typeof result === 'number') return ['Result-Code', result]
  return [
    'Experimental-Result',
    [
      ['Vendor-Id', result.vendor],
      ['Experimental-Result-Code', result.code],
    ],
  ]
}

/** The octets of an answer: identifiers and P flag of the request, E with 3xxx (§7.1.3), Session-Id first, Proxy-Info returned in order (§6.2). */
export function answer(
  request: Header,
  message: Message | undefined,
  origin: Origin,
  { result, avps }: Answer,
): Uint8Array {
  const session = message === undefined ? undefined : get(message, 'Session-Id')
  const proxies =
    message === undefined ? [] : rawAvps(message).filter(({ code, vendor }) => code === 284 && vendor === 0)
  return encode({
    flags: (request.flags & FLAG.proxiable) | (isProtocolError(result) ? FLAG.error : 0),
    command: request.command,
    application: request.application,
    hopByHop: request.hopByHop,
    endToEnd: request.endToEnd,
    avps: [
      ...(session === undefined || isFault(session) ? [] : [['Session-Id', session] as const]),
      resultAvp(result),
      ['Origin-Host', origin.identity],
      ['Origin-Realm', origin.realm],
      ...avps,
      ...proxies,
    ],
  })
}

/** The answer that refuses a request, with Error-Message for people and Failed-AVP where one is to blame. */
export function refuse(
  request: Header,
  message: Message | undefined,
  origin: Origin,
  { result, failed, text }: Refusal,
): Uint8Array {
  const blame: AvpInput[] = failed.length === 0 ? [] : [['Failed-AVP', failed]]
  return answer(request, message, origin, { result, avps: [['Error-Message', text], ...blame] })
}

/** Whether the request has been here before: one of its Route-Records is ours (§6.1.3). */
export const looped = (message: Message, identity: string): boolean =>
  all(message, 'Route-Record').some((host) => typeof host === 'string' && host.toLowerCase() === identity.toLowerCase())
