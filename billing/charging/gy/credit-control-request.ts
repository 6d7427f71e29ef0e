// What a Credit-Control-Request asks (RFC 8506 §3.1, TS 32.299 §6.4.2), read and checked: every value that money depends on is there and well
// formed, or the request is refused with the AVP that is to blame.
import type { ServiceRequest, UsedUnits } from '../../../core/events/quota.ts'
import type { Avps } from '../../../core/wire/diameter/dictionary.ts'
import { type Fault, isFault } from '../../../core/wire/diameter/fault.ts'
import { missing, type Refusal, refusal } from '../../../core/wire/diameter/judge.ts'
import { all, type Message, reader } from '../../../core/wire/diameter/message.ts'

export type RequestType = 'INITIAL_REQUEST' | 'UPDATE_REQUEST' | 'TERMINATION_REQUEST' | 'EVENT_REQUEST'
export type RequestedAction = 'DIRECT_DEBITING' | 'REFUND_ACCOUNT' | 'CHECK_BALANCE' | 'PRICE_ENQUIRY'

/** One service as the peer names it: what is answered names it the same way. */
export interface AskedService extends ServiceRequest {
  /** Undefined where the peer names none; then it is answered without one. */
  readonly named: number | undefined
  readonly identifiers: readonly number[]
  /** What it asks for, of a one-time event. */
  readonly requested: { readonly octets?: bigint; readonly seconds?: bigint; readonly units?: bigint }
}

export interface CreditControlRequest {
  readonly type: RequestType
  readonly number: number
  readonly action: RequestedAction
  readonly services: readonly AskedService[]
  /** Units stand in the message itself, not in Multiple-Services-Credit-Control. */
  readonly flat: boolean
  /** Digits; undefined where no Subscription-Id is an IMSI. */
  readonly imsi: string | undefined
  readonly place: Place
}

/** What the request says of bearer and phone. Malformed values count as absent: nobody is refused service for them. */
export interface Place {
  readonly location: Uint8Array | undefined
  readonly ratType: Uint8Array | undefined
  /** MCC and MNC digits of the serving network. */
  readonly serving: string | undefined
  readonly device: string | undefined
  readonly apn: string | undefined
  readonly gateway: string | undefined
  readonly chargingId: number | undefined
  /** An S-GW or SGSN is named. */
  readonly anchored: boolean
}

const read = {
  type: reader('CC-Request-Type'),
  number: reader('CC-Request-Number'),
  action: reader('Requested-Action'),
  ratingGroup: reader('Rating-Group'),
  requested: reader('Requested-Service-Unit'),
  seconds: reader('CC-Time'),
  total: reader('CC-Total-Octets'),
  uplink: reader('CC-Input-Octets'),
  downlink: reader('CC-Output-Octets'),
  units: reader('CC-Service-Specific-Units'),
  tariff: reader('Tariff-Change-Usage'),
  kind: reader('Subscription-Id-Type'),
  data: reader('Subscription-Id-Data'),
  information: reader('Service-Information'),
  ps: reader('PS-Information'),
  location: reader('3GPP-User-Location-Info'),
  ratType: reader('3GPP-RAT-Type'),
  serving: reader('3GPP-SGSN-MCC-MNC'),
  apn: reader('Called-Station-Id'),
  gateway: reader('GGSN-Address'),
  sgsn: reader('SGSN-Address'),
  chargingId: reader('3GPP-Charging-Id'),
  equipment: reader('User-Equipment-Info'),
  equipmentType: reader('User-Equipment-Info-Type'),
  equipmentValue: reader('User-Equipment-Info-Value'),
}

const REQUIRED = ['Auth-Application-Id', 'Service-Context-Id', 'CC-Request-Type', 'CC-Request-Number'] as const
const TYPES: readonly unknown[] = ['INITIAL_REQUEST', 'UPDATE_REQUEST', 'TERMINATION_REQUEST', 'EVENT_REQUEST']

/** Takes values out of groups and remembers the first that is malformed. */
class Reading {
  fault: Fault | undefined = undefined

  good<Value>(value: Value | Fault | undefined): Value | undefined {
    if (!isFault(value)) return value
    this.fault ??= value
    return undefined
  }
}

/** The request, or why it is refused: 5004, 5005 or 5014, with Failed-AVP. */
export function readRequest(message: Message): CreditControlRequest | Refusal {
  const absent = missing(message, REQUIRED)
  if (absent !== undefined) return absent
  const reading = new Reading()
  const type = reading.good(read.type(message))
  const number = reading.good(read.number(message)) ?? 0
  const action = reading.good(read.action(message))
  const groups = all(message, 'Multiple-Services-Credit-Control') as Avps[]
  const flat = groups.length === 0
  const services = flat ? flatServices(reading, message) : groups.map((group) => service(reading, group))
  const imsi = imsiOf(reading, all(message, 'Subscription-Id') as Avps[])
  if (reading.fault !== undefined) return refusal(message.bytes, reading.fault)
  if (!TYPES.includes(type)) return unknownValue(message, 'CC-Request-Type')
  if (typeof action === 'number') return unknownValue(message, 'Requested-Action')
  return {
    type: type as RequestType,
    number,
    action: action ?? 'DIRECT_DEBITING',
    services: merged(services),
    flat,
    imsi,
    place: placeOf(message),
  }
}

/** Groups of one Rating-Group, told apart by Service-Identifiers, share its quota (RFC 8506 §8.16): they are one service. */
function merged(services: readonly AskedService[]): readonly AskedService[] {
  if (services.length < 2) return services
  const byGroup = new Map<bigint, AskedService>()
  for (const each of services) {
    const before = byGroup.get(each.ratingGroup)
    if (before === undefined) byGroup.set(each.ratingGroup, each)
    else
      byGroup.set(each.ratingGroup, {
        ...before,
        wanted: before.wanted || each.wanted,
        used: [...before.used, ...each.used],
        identifiers: [...before.identifiers, ...each.identifiers],
      })
  }
  return [...byGroup.values()]
}

const unknownValue = (message: Message, avp: string): Refusal => ({
  ...refusal(message.bytes, { fault: 'value-content', offset: 0, avp }),
  text: `${avp}: no such value`,
})

/** RFC 8506 §8.3: a peer of one service may leave the group out. */
function flatServices(reading: Reading, message: Message): AskedService[] {
  const asks = all(message, 'Requested-Service-Unit').length > 0 || all(message, 'Used-Service-Unit').length > 0
  return asks ? [service(reading, message)] : []
}

function service(reading: Reading, group: Avps): AskedService {
  const named = reading.good(read.ratingGroup(group))
  const requested = reading.good(read.requested(group))
  const used = all(group, 'Used-Service-Unit') as Avps[]
  return {
    ratingGroup: BigInt(named ?? 0),
    named,
    identifiers: all(group, 'Service-Identifier').flatMap((each) => reading.good(each) ?? []),
    wanted: requested !== undefined,
    used: used.map((units) => usedUnits(reading, units)),
    requested: requested === undefined ? {} : requestedUnits(reading, requested),
  }
}

function requestedUnits(reading: Reading, units: Avps): AskedService['requested'] {
  const sum = (a: bigint | undefined, b: bigint | undefined): bigint | undefined =>
    a === undefined && b === undefined ? undefined : (a ?? 0n) + (b ?? 0n)
  const octets =
    reading.good(read.total(units)) ?? sum(reading.good(read.uplink(units)), reading.good(read.downlink(units)))
  const seconds = reading.good(read.seconds(units))
  const specific = reading.good(read.units(units))
  return {
    ...(octets === undefined ? {} : { octets }),
    ...(seconds === undefined ? {} : { seconds: BigInt(seconds) }),
    ...(specific === undefined ? {} : { units: specific }),
  }
}

/**
 * Volume is uplink and downlink where the peer tells them apart, else all downlink. Where volume is reported, time is left out: no plan is
 * charged by both, and Open5GS reports the time of day as a duration when its UPF had no start.
 */
function usedUnits(reading: Reading, units: Avps): UsedUnits {
  const [up, down] = [reading.good(read.uplink(units)), reading.good(read.downlink(units))]
  const total = reading.good(read.total(units))
  const seconds = reading.good(read.seconds(units)) ?? 0
  const uplink = up ?? 0n
  const rest = total !== undefined && total > uplink ? total - uplink : 0n
  const isVolume = up !== undefined || down !== undefined || total !== undefined
  const tariff = reading.good(read.tariff(units))
  return {
    uplink,
    downlink: down ?? rest,
    seconds: isVolume ? 0n : BigInt(seconds),
    units: reading.good(read.units(units)) ?? 0n,
    tariff:
      tariff === 'UNIT_BEFORE_TARIFF_CHANGE' ? 'before' : tariff === 'UNIT_AFTER_TARIFF_CHANGE' ? 'after' : undefined,
  }
}

function imsiOf(reading: Reading, subscriptions: readonly Avps[]): string | undefined {
  for (const subscription of subscriptions) {
    if (reading.good(read.kind(subscription)) !== 'END_USER_IMSI') continue
    return reading.good(read.data(subscription))
  }
  return undefined
}

const orNone = <Value>(value: Value | Fault | undefined): Value | undefined => (isFault(value) ? undefined : value)

const NOWHERE: Place = {
  location: undefined,
  ratType: undefined,
  serving: undefined,
  device: undefined,
  apn: undefined,
  gateway: undefined,
  chargingId: undefined,
  anchored: false,
}

/** Also of Accounting-Requests, which have the same Service-Information. */
export function placeOf(message: Avps): Place {
  const information = orNone(read.information(message))
  const ps = information && orNone(read.ps(information))
  if (ps === undefined) return NOWHERE
  return {
    location: orNone(read.location(ps)),
    ratType: orNone(read.ratType(ps)),
    serving: orNone(read.serving(ps)),
    device: deviceOf(ps),
    apn: orNone(read.apn(ps)),
    gateway: orNone(read.gateway(ps)),
    chargingId: orNone(read.chargingId(ps)),
    anchored: orNone(read.sgsn(ps)) !== undefined,
  }
}

/** IMEI or IMEISV: digits as text (Open5GS) or swapped in pairs (TS 29.274 §8.10). */
function deviceOf(ps: Avps): string | undefined {
  const equipment = orNone(read.equipment(ps))
  if (equipment === undefined || read.equipmentType(equipment) !== 'IMEISV') return undefined
  const octets = orNone(read.equipmentValue(equipment))
  if (octets === undefined) return undefined
  const text =
    octets.length === 8
      ? [...octets].map((octet) => `${(octet & 15).toString(16)}${(octet >> 4).toString(16)}`).join('')
      : Buffer.from(octets).toString('latin1')
  const digits = text.replace(/f$/, '')
  return /^\d{14,16}$/.test(digits) ? digits : undefined
}

/** The IMSI of a message's own Subscription-Ids or those of its Service-Information; undefined where there is none or it is malformed. */
export function anyImsi(message: Avps): string | undefined {
  const information = orNone(read.information(message))
  for (const avps of information === undefined ? [message] : [message, information]) {
    const found = imsiOf(
      new Reading(),
      all(avps, 'Subscription-Id').filter((each): each is Avps => !isFault(each)),
    )
    if (found !== undefined) return found
  }
  return undefined
}
