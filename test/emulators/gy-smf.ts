// The SMF of Open5GS 2.8.0 as a Gy client: the same AVPs in the same order as it sends (checked against recordings to the octet), and its manners: it answers
// Re-Auth-Requests with success and does nothing, and takes whatever grant comes.
import { connect } from 'node:net'
import type { Millis } from '../../core/kernel/units.ts'
import { takeSocket } from '../../core/transport/diameter/connection.ts'
import { putU32 } from '../../core/wire/bytes/integers.ts'
import type { AvpInput } from '../../core/wire/diameter/dictionary.ts'
import { encode, type MessageFields } from '../../core/wire/diameter/encode.ts'
import { FLAG, get, type Message } from '../../core/wire/diameter/message.ts'
import { message } from './diameter-recording.ts'

/** What it knows of a bearer. */
export interface GySession {
  readonly sessionId: string
  readonly imsi: string
  readonly msisdn?: string
  readonly imeisv: string
  readonly apn: string
  readonly chargingId: number
  readonly address: string
  /** SGW-C; none in 5G. */
  readonly sgsn?: string
  readonly ggsn: string
  /** MCC and MNC digits. */
  readonly plmn: string
  readonly nsapi: Uint8Array
  readonly timeZone?: Uint8Array
  readonly location?: Uint8Array
  readonly ratType: Uint8Array
  /** Destination-Host, learnt from the first answer. */
  readonly server?: string
}

export interface GyReport {
  readonly type: 'INITIAL_REQUEST' | 'UPDATE_REQUEST' | 'TERMINATION_REQUEST'
  readonly number: number
  readonly at: Millis
  /** Differences since the report before; none in an initial request. */
  readonly used?: { readonly seconds: number; readonly uplink: bigint; readonly downlink: bigint }
  readonly reason?: 'THRESHOLD' | 'QUOTA_EXHAUSTED' | 'VALIDITY_TIME' | 'FINAL' | 'OTHER_QUOTA_TYPE'
}

const QOS: AvpInput = [
  'QoS-Information',
  [
    ['QoS-Class-Identifier', 9],
    [
      'Allocation-Retention-Priority',
      [
        ['Priority-Level', 8],
        ['Pre-emption-Capability', 'DISABLED'],
        ['Pre-emption-Vulnerability', 'DISABLED'],
      ],
    ],
    ['APN-Aggregate-Max-Bitrate-UL', 1_000_000_000],
    ['APN-Aggregate-Max-Bitrate-DL', 1_000_000_000],
  ],
]

const given = <Value>(value: Value | undefined, avp: (value: Value) => AvpInput): AvpInput[] =>
  value === undefined ? [] : [avp(value)]

/** The AVPs of a Credit-Control-Request, in the order of Open5GS. */
export function ccrAvps(origin: { identity: string; realm: string }, session: GySession, report: GyReport): AvpInput[] {
  const { type, number, at, used, reason } = report
  // Thresholds and quotas are reasons of the units, the rest of the service (TS 32.299 §7.2.175).
  const ofUnits = reason === 'THRESHOLD' || reason === 'QUOTA_EXHAUSTED' || reason === 'OTHER_QUOTA_TYPE'
  const units: AvpInput[] =
    used === undefined
      ? []
      : [
          [
            'Used-Service-Unit',
            [
              ...(ofUnits ? [['Reporting-Reason', reason] as const] : []),
              ['CC-Time', used.seconds],
              ['CC-Input-Octets', used.uplink],
              ['CC-Output-Octets', used.downlink],
            ],
          ],
        ]
  const requested: AvpInput[] =
    type === 'TERMINATION_REQUEST' ? [] : [['Requested-Service-Unit', [['CC-Total-Octets', 1_000_000n]]]]
  return [
    ['Session-Id', session.sessionId],
    ['Origin-Host', origin.identity],
    ['Origin-Realm', origin.realm],
    ['Destination-Realm', origin.realm],
    ['Auth-Application-Id', 4],
    ['Service-Context-Id', '32251@3gpp.org'],
    ['CC-Request-Type', type],
    ['CC-Request-Number', number],
    ...given(session.server, (host) => ['Destination-Host', host]),
    ['Event-Timestamp', at],
    [
      'Subscription-Id',
      [
        ['Subscription-Id-Type', 'END_USER_IMSI'],
        ['Subscription-Id-Data', session.imsi],
      ],
    ],
    ...given(session.msisdn, (number) => [
      'Subscription-Id',
      [
        ['Subscription-Id-Type', 'END_USER_E164'],
        ['Subscription-Id-Data', number],
      ],
    ]),
    ...(type === 'TERMINATION_REQUEST' ? [['Termination-Cause', 'DIAMETER_LOGOUT'] as const] : []),
    ['Requested-Action', 'DIRECT_DEBITING'],
    ['AoC-Request-Type', 1],
    ...(type === 'INITIAL_REQUEST'
      ? [['Multiple-Services-Indicator', 'MULTIPLE_SERVICES_NOT_SUPPORTED'] as const]
      : []),
    [
      'Multiple-Services-Credit-Control',
      [
        ...requested,
        ...units,
        ...(reason === undefined || ofUnits ? [] : [['Reporting-Reason', reason] as const]),
        QOS,
      ],
    ],
    ['Service-Information', [['PS-Information', psInformation(session, type)]]],
  ]
}

function psInformation(session: GySession, type: GyReport['type']): AvpInput[] {
  return [
    ['3GPP-Charging-Id', session.chargingId],
    ...(type === 'INITIAL_REQUEST' ? [['3GPP-PDP-Type', 0] as const] : []),
    ['PDP-Address', session.address],
    ...given(session.sgsn, (address) => ['SGSN-Address', address]),
    ['GGSN-Address', session.ggsn],
    ['Called-Station-Id', session.apn],
    ['3GPP-Selection-Mode', '0'],
    ['3GPP-SGSN-MCC-MNC', session.plmn],
    ['3GPP-NSAPI', session.nsapi],
    ...given(session.timeZone, (zone) => ['3GPP-MS-TimeZone', zone]),
    ...given(session.location, (location) => ['3GPP-User-Location-Info', location]),
    ['3GPP-RAT-Type', session.ratType],
    [
      'User-Equipment-Info',
      [
        ['User-Equipment-Info-Type', 'IMEISV'],
        ['User-Equipment-Info-Value', Buffer.from(session.imeisv)],
      ],
    ],
  ]
}

/** The AVPs of its Capabilities-Exchange-Request: it announces Gx and S6b beside Gy, whoever the peer is. */
export function cerAvps(
  origin: { identity: string; realm: string },
  address: string,
  originStateId: number,
): AvpInput[] {
  const application = (id: number): AvpInput => [
    'Vendor-Specific-Application-Id',
    [
      ['Auth-Application-Id', id],
      ['Vendor-Id', 10_415],
    ],
  ]
  return [
    ['Origin-Host', origin.identity],
    ['Origin-Realm', origin.realm],
    ['Origin-State-Id', originStateId],
    ['Host-IP-Address', address],
    ['Vendor-Id', 0],
    ['Product-Name', 'freediameter'],
    ['Firmware-Revision', 10_500],
    ['Inband-Security-Id', 'NO_INBAND_SECURITY'],
    ['Auth-Application-Id', 4],
    application(16_777_238),
    application(16_777_272),
    ['Supported-Vendor-Id', 5535],
    ['Supported-Vendor-Id', 10_415],
    ['Supported-Vendor-Id', 13_019],
  ]
}

export interface GySmf {
  readonly cea: Message
  /** Sends a CCR and resolves with its answer. */
  ccr(session: GySession, report: GyReport): Promise<Message>
  /** Sends octets as they are, but for the identifiers where they are given. Resolves with the answer to their Hop-by-Hop Identifier. */
  raw(octets: Uint8Array): Promise<Message>
  /** Session-Ids of the RARs that came. */
  readonly reauthorised: readonly string[]
  close(): void
}

export interface GySmfOptions {
  readonly host: string
  readonly port: number
  readonly identity?: string
  readonly realm?: string
  readonly originStateId?: number
  /** The octets of a CER to be sent in place of its own. */
  readonly cer?: Uint8Array
  /** Called when a request comes, which is then left unanswered. */
  readonly mute?: () => void
}

/** Connects and exchanges capabilities; rejects when the connection ends before. */
export async function createGySmf(options: GySmfOptions): Promise<GySmf> {
  const origin = { identity: options.identity ?? 'smf.localdomain', realm: options.realm ?? 'localdomain' }
  const waiting = new Map<number, (answer: Message) => void>()
  const reauthorised: string[] = []
  let hops = 0x3b31_5af2
  let lost: (error: Error) => void = () => undefined
  const socket = connect({ host: options.host, port: options.port })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))

  const reply = (request: Message, avps: readonly AvpInput[]): Uint8Array =>
    encode({
      ...request,
      flags: request.flags & FLAG.proxiable,
      avps: [...avps, ['Result-Code', 2001], ['Origin-Host', origin.identity], ['Origin-Realm', origin.realm]],
    })
  const connection = takeSocket(socket, 65_536, {
    message(octets) {
      const received = message(octets)
      if ((received.flags & FLAG.request) === 0) {
        waiting.get(received.hopByHop)?.(received)
        waiting.delete(received.hopByHop)
        return
      }
      if (options.mute !== undefined) return options.mute()
      const session = get(received, 'Session-Id')
      if (received.command === 258) reauthorised.push(String(session))
      connection.send(reply(received, typeof session === 'string' ? [['Session-Id', session]] : []))
    },
    closed: (reason) => lost(new Error(`the connection ended: ${reason}`)),
  })
  const broken = new Promise<never>((_resolve, reject) => {
    lost = reject
  })
  broken.catch(() => undefined)

  const send = (fields: Omit<MessageFields, 'hopByHop' | 'endToEnd'>): Promise<Message> => {
    hops = (hops + 1) >>> 0
    return raw(encode({ ...fields, hopByHop: hops, endToEnd: hops }))
  }
  const raw = (octets: Uint8Array): Promise<Message> => {
    const answer = new Promise<Message>((resolve) => {
      const hopByHop = new DataView(octets.buffer, octets.byteOffset).getUint32(12)
      waiting.set(hopByHop, resolve)
    })
    connection.send(octets)
    return Promise.race([answer, broken])
  }
  const own = cerAvps(origin, '127.0.0.4', options.originStateId ?? 1)
  const cea = await (options.cer === undefined
    ? send({ flags: FLAG.request, command: 257, application: 0, avps: own })
    : raw(options.cer))
  return {
    cea,
    ccr: (session, report) =>
      send({
        flags: FLAG.request | FLAG.proxiable,
        command: 272,
        application: 4,
        avps: ccrAvps(origin, session, report),
      }),
    raw,
    reauthorised,
    close: () => connection.drop('closed'),
  }
}

/** A copy of a message with other identifiers. */
export function renumbered(octets: Uint8Array, hopByHop: number, endToEnd: number): Uint8Array {
  const copy = Uint8Array.from(octets)
  putU32(copy, 12, hopByHop)
  putU32(copy, 16, endToEnd)
  return copy
}
