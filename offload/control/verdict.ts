// What an access point's answer means (RFC 5176 §3.5): is the order carried out, is it to be put differently, tried again, or given up.

import { isFault } from '../../core/wire/radius/fault.ts'
import { CODE, type Packet, reader } from '../../core/wire/radius/packet.ts'

export type Verdict =
  /** Carried out, or there is nothing to do it to. */
  | { readonly verdict: 'done'; readonly outcome: string }
  /** It does not take the order in this form. */
  | { readonly verdict: 'reword'; readonly outcome: string }
  /** It cannot just now. */
  | { readonly verdict: 'retry'; readonly outcome: string }
  /** It never will. */
  | { readonly verdict: 'failed'; readonly outcome: string }

const errorCause = reader('Error-Cause')

const DONE: readonly unknown[] = [
  'Residual Session Context Removed',
  'Session Context Not Found',
  // What it asks next is whether the user may go on: the order to re-authorise is on its way (RFC 5176 §3.2).
  'Request Initiated',
]
const REWORD: readonly unknown[] = [
  'Unsupported Attribute',
  'Missing Attribute',
  'NAS Identification Mismatch',
  'Invalid Request',
  'Invalid Attribute Value',
]
const RETRY: readonly unknown[] = [
  'Request Not Routable (Proxy)',
  'Other Proxy Processing Error',
  'Resources Unavailable',
  'Session Context Not Removable',
]

/** Judges the answer to a Disconnect-Request or CoA-Request. */
export function judgeAnswer(packet: Packet): Verdict {
  const { code } = packet
  if (code === CODE['Disconnect-ACK'] || code === CODE['CoA-ACK']) return { verdict: 'done', outcome: 'acknowledged' }
  if (code !== CODE['Disconnect-NAK'] && code !== CODE['CoA-NAK'])
    return { verdict: 'retry', outcome: `answered with code ${code}` }
  const cause = errorCause(packet)
  if (cause === undefined || isFault(cause)) return { verdict: 'reword', outcome: 'refused without Error-Cause' }
  const outcome = typeof cause === 'number' ? `Error-Cause ${cause}` : cause
  if (DONE.includes(cause)) return { verdict: 'done', outcome }
  if (REWORD.includes(cause)) return { verdict: 'reword', outcome }
  return { verdict: RETRY.includes(cause) ? 'retry' : 'failed', outcome }
}

/** Milliseconds from attempt `attempt` (1, 2, …) to the next: 2 s, twice as long each time, at most 5 minutes, a tenth more or less. */
export const backOff = (attempt: number, random: number): number =>
  Math.round(Math.min(2000 * 2 ** (attempt - 1), 300_000) * (0.9 + random / 5))
