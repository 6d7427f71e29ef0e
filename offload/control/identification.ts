// How an access point is told which session is meant (RFC 5176 §3): what it called itself, the user and the session in accounting.

import type { Attributes } from '../../core/transport/radius/client.ts'
import { parseAddress } from '../../core/wire/bytes/address.ts'

export interface SessionName {
  /** Name of the RADIUS client that its accounting came from. */
  readonly client: string
  /** NAS-Identifier or address, as text or `hex:…`; the client's name where the access point said nothing of itself. */
  readonly nas: string
  /** Acct-Session-Id, as text or `hex:…`. */
  readonly sessionId: string
  /** User-Name, as text or `hex:…`; empty where there was none. */
  readonly user: string
  /** Calling-Station-Id, as text or `hex:…`; undefined where the access point sent none. */
  readonly callingStation?: string | undefined
}

const SEPARATOR = '\u001f'
const TYPE = { userName: 1, callingStationId: 31, nasIdentifier: 32, acctSessionId: 44 } as const
const MOST = 253

/** What a row of the accounting sessions names. `origin`: `radius:<client>:<NAS>`; `key`: origin, separator, Acct-Session-Id. */
export function sessionNameOf(
  origin: string,
  key: string,
  user: string,
  callingStation?: string,
): SessionName | undefined {
  const [, client, nas] = /^radius:([^:]+):([\s\S]*)$/.exec(origin) ?? []
  if (client === undefined || nas === undefined || !key.startsWith(origin + SEPARATOR)) return undefined
  return { client, nas, sessionId: key.slice(origin.length + SEPARATOR.length), user, callingStation }
}

const octetsOf = (text: string): Uint8Array =>
  /^hex:([0-9a-f]{2})+$/.test(text) ? Buffer.from(text.slice(4), 'hex') : Buffer.from(text, 'utf8')

/** NAS identification (RFC 5176 §3): the address where it named itself by that. */
function nasOf({ client, nas }: SessionName): Attributes {
  if (nas === client) return []
  if (parseAddress(nas) === undefined) return [{ type: TYPE.nasIdentifier, octets: octetsOf(nas).subarray(0, MOST) }]
  return nas.includes(':') ? [['NAS-IPv6-Address', nas]] : [['NAS-IP-Address', nas]]
}

/**
 * Ways to name the session, the best first; the next is for access points that refuse one for an attribute that they do not take or a name
 * that they do not know themselves by.
 */
export function identifications(session: SessionName): Attributes[] {
  const named = (type: number, text: string): Attributes =>
    text === '' ? [] : [{ type, octets: octetsOf(text).subarray(0, MOST) }]
  const id = named(TYPE.acctSessionId, session.sessionId)
  const user = named(TYPE.userName, session.user)
  // Controllers of Aruba and Cisco want the station beside the session.
  const station = named(TYPE.callingStationId, session.callingStation ?? '')
  const nas = nasOf(session)
  const ways: Attributes[] = [
    [...nas, ...user, ...station, ...id],
    [...user, ...station, ...id],
    [...station, ...id],
    [...id],
  ]
  return ways.filter((way, index) => index === 0 || way.length < (ways[index - 1]?.length ?? 0))
}
