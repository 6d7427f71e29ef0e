// What a proxy does to a packet on its way to the home server, and to the answer on its way back (RFC 2865 §2.3): nothing is lost that it
// does not know, secrets change with the hop.

import { millis } from '../../core/kernel/units.ts'
import type { Hiding, RadiusReply } from '../../core/transport/radius/answer.ts'
import type { Attributes, PeerReply, Sealing } from '../../core/transport/radius/client.ts'
import { u8, u32 } from '../../core/wire/bytes/integers.ts'
import {
  authenticatorOf,
  CODE,
  find,
  type Packet,
  type RawAttribute,
  rawAttributes,
} from '../../core/wire/radius/packet.ts'

const TYPE = {
  userName: 1,
  userPassword: 2,
  chapPassword: 3,
  vendorSpecific: 26,
  proxyState: 33,
  acctDelayTime: 41,
  eventTimestamp: 55,
  chapChallenge: 60,
  messageAuthenticator: 80,
  operatorName: 126,
} as const
/** RFC 2868 and RFC 3580 §3.31: tunnels and VLANs. */
const TUNNELS: readonly number[] = [64, 65, 66, 67, 69, 81, 82, 83, 90, 91]
const MICROSOFT = 311
/** MS-MPPE-Send-Key and -Recv-Key. */
const KEYS: readonly number[] = [16, 17]
/** MS-CHAP-MPPE-Keys is hidden in another way, and nobody uses it any more. */
const LEGACY_KEYS = 12
const MOST_HOPS = 12

export interface Terms {
  /** Our own Proxy-State: by it we know what has been here before. */
  readonly tag: Uint8Array
  readonly operatorName: string | undefined
  readonly offeredService: string | undefined
}

/** Whether the request has been here before, or has come a way that no real one is. */
export function loops(packet: Packet, tag: Uint8Array): boolean {
  const states = rawAttributes(packet).filter(({ type }) => type === TYPE.proxyState)
  return states.length >= MOST_HOPS || states.some(({ octets }) => Buffer.from(octets).equals(tag))
}

/** The attributes of the request to the home server. `hiding`: of the request that came. */
export function onward(
  packet: Packet,
  hiding: Hiding,
  sealing: Sealing,
  userName: string | undefined,
  { tag, operatorName, offeredService }: Terms,
): Attributes {
  const kept = rawAttributes(packet).flatMap(({ type, octets }): RawAttribute[] => {
    if (type === TYPE.messageAuthenticator) return []
    if (type === TYPE.userName && userName !== undefined) return [{ type, octets: Buffer.from(userName) }]
    if (type !== TYPE.userPassword) return [{ type, octets }]
    const password = hiding.revealPassword(octets)
    return password ? [{ type, octets: sealing.hidePassword(password) }] : []
  })
  // The Request Authenticator changes, and it was the challenge (RFC 2865 §2.2).
  const challenge = find(packet, TYPE.chapPassword) > 0 && find(packet, TYPE.chapChallenge) < 0
  return [
    ...kept,
    ...(challenge ? [{ type: TYPE.chapChallenge, octets: authenticatorOf(packet) }] : []),
    ...(operatorName !== undefined && find(packet, TYPE.operatorName) < 0
      ? ([['Operator-Name', operatorName]] as const)
      : []),
    ...(offeredService === undefined ? [] : ([['WBA-Offered-Service', offeredService]] as const)),
    { type: TYPE.proxyState, octets: tag },
  ]
}

/**
 * The same for accounting that has waited: when it happened is said by Event-Timestamp (added where the access point has no clock), how long
 * ago by Acct-Delay-Time (RFC 2866 §5.2). Times in milliseconds.
 */
export function delayed(attributes: Attributes, packet: Packet, received: bigint, now: bigint): Attributes {
  const waited = Math.max(0, Number((now - received) / 1000n))
  const at = find(packet, TYPE.acctDelayTime)
  const before = at > 0 && u8(packet.bytes, at + 1) === 6 ? u32(packet.bytes, at + 2) : 0
  const others = attributes.filter(
    (attribute) => Array.isArray(attribute) || (attribute as RawAttribute).type !== TYPE.acctDelayTime,
  )
  const own = others.slice(0, -1)
  const state = others.slice(-1)
  return [
    ...own,
    ['Acct-Delay-Time', Math.min(before + waited, 0xffff_ffff)],
    ...(find(packet, TYPE.eventTimestamp) > 0
      ? []
      : ([['Event-Timestamp', millis(received - BigInt(before) * 1000n)]] as const)),
    ...state,
  ]
}

const REPLIES: readonly number[] = [CODE['Access-Accept'], CODE['Access-Reject'], CODE['Access-Challenge']]

/** The answer to who asked us, out of the home server's; undefined when that is none to an Access-Request. */
export function backward({ packet, reveal }: PeerReply, hiding: Hiding, tunnels: boolean): RadiusReply | undefined {
  if (!REPLIES.includes(packet.code)) return undefined
  const attributes = rawAttributes(packet).flatMap(({ type, octets }): RawAttribute[] => {
    if (type === TYPE.messageAuthenticator || type === TYPE.proxyState) return []
    if (TUNNELS.includes(type)) return tunnels && type !== 69 ? [{ type, octets }] : []
    return type === TYPE.vendorSpecific ? vendorSpecific(octets, reveal, hiding) : [{ type, octets }]
  })
  return { code: packet.code, attributes }
}

/** Session keys are hidden anew with the secret of the next hop; one that cannot be read is left out: the client fails cleanly then. */
function vendorSpecific(octets: Uint8Array, reveal: PeerReply['reveal'], hiding: Hiding): RawAttribute[] {
  if (octets.length < 6 || u32(octets, 0) !== MICROSOFT) return [{ type: TYPE.vendorSpecific, octets }]
  const parts: Uint8Array[] = []
  for (let at = 4; at + 2 <= octets.length; ) {
    const [type, length] = [u8(octets, at), u8(octets, at + 1)]
    if (length < 2 || at + length > octets.length) return []
    const part = octets.subarray(at, at + length)
    const key = KEYS.includes(type) ? reveal(part.subarray(2)) : undefined
    if (key) {
      const hidden = hiding.hide(key)
      parts.push(Buffer.concat([Uint8Array.of(type, hidden.length + 2), hidden]))
    } else if (!KEYS.includes(type) && type !== LEGACY_KEYS) parts.push(part)
    at += length
  }
  return parts.length === 0
    ? []
    : [{ type: TYPE.vendorSpecific, octets: Buffer.concat([octets.subarray(0, 4), ...parts]) }]
}
