// What an Accounting-Request says, read once and strictly: a value that cannot be read is never taken for zero.
import { type Bssid, parseBssid } from '../../core/kernel/bssid.ts'
import type { Imsi } from '../../core/kernel/ids.ts'
import { type Fault, isFault } from '../../core/wire/radius/fault.ts'
import { octetsOf, type Packet, reader } from '../../core/wire/radius/packet.ts'
import type { Counter, Report, Status } from './session.ts'

/** A session's report, not yet placed, or Accounting-On/-Off. */
export type AccountingReport =
  | {
      readonly kind: 'session'
      readonly sessionId: string
      readonly report: Report
      readonly from: Sender
      /** Acct-Multi-Session-Id (RFC 2866 §5.11) and Calling-Station-Id (RFC 2865 §5.31), as text or `hex:…`. */
      readonly multiSession: string | undefined
      readonly callingStation: string | undefined
      /** Class (RFC 2865 §5.25) as octets: a view. */
      readonly classOctets: Uint8Array | undefined
    }
  | { readonly kind: 'restart'; readonly at: bigint; readonly from: Sender }

/** How the access point names itself. */
export interface Sender {
  /** NAS-Identifier (RFC 2865 §5.32). */
  readonly nasIdentifier: string | undefined
  /** NAS-Identifier, else NAS-IP-Address or NAS-IPv6-Address, else undefined. */
  readonly nas: string | undefined
  readonly bssid: Bssid | undefined
}

/** Why a request cannot be recorded. It is not answered then (RFC 2866 §2). */
export type Refusal = 'no-status' | 'unknown-status' | 'no-session-id' | 'bad-value'

const STATUS: Readonly<Record<string, Status>> = { Start: 'start', 'Interim-Update': 'interim', Stop: 'stop' }

const ATTRIBUTE = {
  status: reader('Acct-Status-Type'),
  timestamp: reader('Event-Timestamp'),
  delay: reader('Acct-Delay-Time'),
  seconds: reader('Acct-Session-Time'),
  nasIdentifier: reader('NAS-Identifier'),
  nasIpAddress: reader('NAS-IP-Address'),
  nasIpv6Address: reader('NAS-IPv6-Address'),
  station: reader('Called-Station-Id'),
  sessionId: reader('Acct-Session-Id'),
  multiSession: reader('Acct-Multi-Session-Id'),
  callingStation: reader('Calling-Station-Id'),
  userName: reader('User-Name'),
  inputOctets: reader('Acct-Input-Octets'),
  inputGigawords: reader('Acct-Input-Gigawords'),
  outputOctets: reader('Acct-Output-Octets'),
  outputGigawords: reader('Acct-Output-Gigawords'),
} as const

/** Reads a request that came at `received` (milliseconds). */
export function readReport(packet: Packet, received: bigint): AccountingReport | Refusal {
  const status = ATTRIBUTE.status(packet)
  if (status === undefined) return 'no-status'
  const timestamp = ATTRIBUTE.timestamp(packet)
  const delay = ATTRIBUTE.delay(packet) ?? 0
  const seconds = ATTRIBUTE.seconds(packet) ?? -1
  const identifier = ATTRIBUTE.nasIdentifier(packet)
  const nas =
    printable(packet, identifier, 'NAS-Identifier') ??
    ATTRIBUTE.nasIpAddress(packet) ??
    ATTRIBUTE.nasIpv6Address(packet)
  const station = ATTRIBUTE.station(packet)
  if (isFault(status) || isFault(timestamp) || isFault(delay) || isFault(seconds)) return 'bad-value'
  if (isFault(nas)) return 'bad-value'
  const nasIdentifier = typeof identifier === 'string' ? identifier : undefined
  const from = { nasIdentifier, nas, bssid: typeof station === 'string' ? parseBssid(station) : undefined }
  const delayed = received - BigInt(delay) * 1000n
  // A delay of decades is nonsense; times before 1970 would be none that the log can hold.
  const at = timestamp ?? (delayed > 0n ? delayed : 0n)
  if (status === 'Accounting-On' || status === 'Accounting-Off') return { kind: 'restart', at, from }
  const kind = STATUS[status]
  if (kind === undefined) return 'unknown-status'
  const sessionId = printable(packet, ATTRIBUTE.sessionId(packet), 'Acct-Session-Id')
  if (sessionId === undefined) return 'no-session-id'
  const uplink = counter(ATTRIBUTE.inputOctets(packet), ATTRIBUTE.inputGigawords(packet))
  const downlink = counter(ATTRIBUTE.outputOctets(packet), ATTRIBUTE.outputGigawords(packet))
  if (!uplink || !downlink) return 'bad-value'
  const report = {
    status: kind,
    at,
    timestamped: timestamp !== undefined,
    seconds: BigInt(seconds),
    uplink,
    downlink,
    identity: printable(packet, ATTRIBUTE.userName(packet), 'User-Name') ?? '',
  }
  return {
    kind: 'session',
    sessionId,
    report,
    from,
    multiSession: printable(packet, ATTRIBUTE.multiSession(packet), 'Acct-Multi-Session-Id'),
    callingStation: printable(packet, ATTRIBUTE.callingStation(packet), 'Calling-Station-Id'),
    classOctets: octetsOf(packet, 'Class'),
  }
}

/**
 * 4 PiB, a month at 10 Gbit/s, is nonsense in one session. Taken for true, a few hundred such sessions of one access point would carry
 * sums of money past 64 bits, and charging would stand still for everybody.
 */
const MAX_GIGAWORDS = 2 ** 20

/** Input is what the user sent (RFC 2866 §5.3). Octets and Gigawords make one number (RFC 2869 §5.1); undefined when malformed. */
function counter(octets: number | Fault | undefined, gigawords: number | Fault | undefined): Counter | undefined {
  if (isFault(octets) || isFault(gigawords)) return undefined
  if (octets === undefined) return { total: -1n, gigawords: false }
  if (gigawords === undefined) return { total: BigInt(octets), gigawords: false }
  if (gigawords >= MAX_GIGAWORDS) return undefined
  return { total: gigawords === 0 ? BigInt(octets) : (BigInt(gigawords) << 32n) + BigInt(octets), gigawords: true }
}

/** An identifier as text where it is text without control characters, as hex otherwise; undefined when absent or empty. */
function printable(
  packet: Packet,
  value: string | Fault | undefined,
  name: 'Acct-Session-Id' | 'Acct-Multi-Session-Id' | 'Calling-Station-Id' | 'User-Name' | 'NAS-Identifier',
): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '' && !hasControl(value)) return value
  const octets = octetsOf(packet, name)
  return octets && octets.length > 0 ? `hex:${Buffer.from(octets).toString('hex')}` : undefined
}

/** Whether `text` holds a character of Unicode's category Cc. */
function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true
  }
  return false
}

/** NAI of a SIM: a digit for the method, the IMSI, and the realm of its network (TS 23.003 §19.3.2, §28.7). */
const SIM_NAI = /^[0-9]([0-9]{6,15})@(?:wlan|nai\.epc|nai\.5gc)\.mnc[0-9]{3}\.mcc[0-9]{3}\.3gppnetwork\.org$/i

/** The IMSI in a User-Name; undefined for pseudonyms and other names. */
export function imsiOf(userName: string): Imsi | undefined {
  const digits = isBareImsi(userName) ? userName : SIM_NAI.exec(userName)?.[1]
  return digits as Imsi | undefined
}

function isBareImsi(text: string): boolean {
  if (text.length < 6 || text.length > 15) return false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x30 || code > 0x39) return false
  }
  return true
}
