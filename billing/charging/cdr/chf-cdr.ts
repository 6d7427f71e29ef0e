// CHF-CDR (TS 32.298 §5.2.5.2, module CHFChargingDataTypes): a PDU session over NR.
import { context, type Element } from '../../../core/wire/ber/element.ts'
import { type BerFault, berFault, isBerFault } from '../../../core/wire/ber/fault.ts'
import {
  choice,
  mapped,
  optional,
  required,
  sequence,
  sequenceOf,
  set,
  type ValueOfType,
} from '../../../core/wire/ber/type.ts'
import {
  BOOLEAN,
  ENUMERATED,
  graphicString,
  INTEGER,
  ia5String,
  octetString,
  unsigned,
  utf8String,
} from '../../../core/wire/ber/values.ts'
import {
  CAUSES,
  type CdrNode,
  CLOSING,
  extensionsOf,
  fromExtension,
  localSequence,
  together,
  type Used,
  zoned,
} from './contents.ts'
import { MANAGEMENT_EXTENSIONS, readExtension } from './extension.ts'
import { IP_ADDRESS, imsiOf, isE164, PLMN_ID, TIME_STAMP, U32, U64 } from './octet-strings.ts'
import type { ChargingRecord, ClosingCause } from './record.ts'

/** CHFRecord ::= CHOICE { chargingFunctionRecord [200] ChargingRecord } */
export const CHF_RECORD_TAG = 200
/** RecordType chargingFunctionRecord. */
const CHF_RECORD_TYPE = 200n

/** RATType: the RatType of TS 29.571, numbered by TS 32.298. */
const NR = 51n
/** NetworkFunctionality sMF. */
const SMF = 1n
/** SubscriptionIDType eND-USER-IMSI. */
const END_USER_IMSI = 1n
/** SMFTrigger. */
const TRIGGER: Readonly<Record<ClosingCause, bigint>> = {
  'time-limit': 200n,
  'volume-limit': 201n,
  management: 501n,
  'normal-release': 503n,
  'abnormal-release': 506n,
}
/** No PDU session identity assigned (TS 24.007 §11.2.3.1b). */
const NO_PDU_SESSION = 0n

/** UUID of a network function. */
const NETWORK_FUNCTION_NAME = ia5String(36, 1)
const SESSION_OCTETS = 256
const e164 = (digits: string): string | undefined => (isE164(digits) ? digits : undefined)
const E164 = mapped(graphicString(15, 1), e164, e164)

const PDU_CONTAINER_INFORMATION = sequence({
  timeOfFirstUsage: optional(2, TIME_STAMP),
  timeOfLastUsage: optional(3, TIME_STAMP),
  rATType: optional(7, INTEGER),
})

const USED_UNIT_CONTAINER = sequence({
  time: optional(1, U64),
  triggers: optional(2, sequenceOf(choice({ sMFTrigger: [0, INTEGER] }))),
  triggerTimeStamp: optional(3, TIME_STAMP),
  dataTotalVolume: optional(4, unsigned(2n ** 65n)),
  dataVolumeUplink: optional(5, U64),
  dataVolumeDownlink: optional(6, U64),
  serviceSpecificUnits: optional(7, U64),
  localSequenceNumber: optional(9, U32),
  ratingIndicator: optional(10, BOOLEAN),
  pDUContainerInformation: optional(11, PDU_CONTAINER_INFORMATION),
})

const MULTIPLE_UNIT_USAGE = sequence({
  ratingGroup: required(0, U32),
  usedUnitContainers: optional(1, sequenceOf(USED_UNIT_CONTAINER)),
})

const PDU_SESSION = set({
  pDUSessionChargingID: required(0, U32),
  userIdentifier: optional(1, choice({ 'iSDN-E164': [3, E164] })),
  pDUSessionId: required(6, unsigned(255n)),
  rATType: optional(12, INTEGER),
  dataNetworkNameIdentifier: optional(13, ia5String(63, 1)),
  servingCNPLMNID: optional(27, PLMN_ID),
})

/** Components that we write or read; all others are passed over. */
const CHF_RECORD = set({
  recordType: required(0, INTEGER),
  recordingNetworkFunctionID: required(1, NETWORK_FUNCTION_NAME),
  subscriberIdentifier: optional(
    2,
    set({ subscriptionIDType: required(0, ENUMERATED), subscriptionIDData: required(1, utf8String(SESSION_OCTETS)) }),
  ),
  nFunctionConsumerInformation: required(
    3,
    sequence({
      networkFunctionality: required(0, ENUMERATED),
      networkFunctionIPv4Address: optional(2, IP_ADDRESS),
      networkFunctionIPv6Address: optional(4, IP_ADDRESS),
    }),
  ),
  listOfMultipleUnitUsage: optional(5, sequenceOf(MULTIPLE_UNIT_USAGE)),
  recordOpeningTime: required(6, TIME_STAMP),
  duration: required(7, U64),
  recordSequenceNumber: optional(8, U64),
  causeForRecClosing: required(9, INTEGER),
  localRecordSequenceNumber: optional(11, U32),
  recordExtensions: optional(12, MANAGEMENT_EXTENSIONS),
  pDUSessionChargingInformation: optional(13, PDU_SESSION),
  chargingSessionIdentifier: optional(16, octetString(1, SESSION_OCTETS)),
})

type ChfRecord = ValueOfType<typeof CHF_RECORD>
type UsedUnitContainer = ValueOfType<typeof USED_UNIT_CONTAINER>

/** Throws BER_VALUE_INVALID. */
export function encodeChf(record: ChargingRecord, node: CdrNode): Uint8Array {
  const time = zoned(node)
  const address = record.nodeAddress ?? node.address
  const v6 = address.includes(':')
  const containers = record.services.map(
    (service, index): UsedUnitContainer => ({
      time: service.seconds,
      triggers: [{ kind: 'sMFTrigger', value: TRIGGER[record.cause] }],
      triggerTimeStamp: time(record.closed),
      dataTotalVolume: service.uplink + service.downlink,
      dataVolumeUplink: service.uplink,
      dataVolumeDownlink: service.downlink,
      serviceSpecificUnits: service.messages === 0n ? undefined : service.messages,
      localSequenceNumber: BigInt(index + 1),
      ratingIndicator: true,
      pDUContainerInformation: {
        timeOfFirstUsage: time(service.firstUse),
        timeOfLastUsage: time(service.lastUse),
        rATType: NR,
      },
    }),
  )
  const groups = new Map<bigint, UsedUnitContainer[]>()
  for (const [index, { ratingGroup }] of record.services.entries()) {
    const group = groups.get(ratingGroup) ?? []
    group.push(containers[index] as UsedUnitContainer)
    groups.set(ratingGroup, group)
  }
  const value: ChfRecord = {
    recordType: CHF_RECORD_TYPE,
    recordingNetworkFunctionID: node.functionId,
    subscriberIdentifier: { subscriptionIDType: END_USER_IMSI, subscriptionIDData: record.imsi },
    nFunctionConsumerInformation: {
      networkFunctionality: SMF,
      networkFunctionIPv4Address: v6 ? undefined : address,
      networkFunctionIPv6Address: v6 ? address : undefined,
    },
    listOfMultipleUnitUsage: [...groups].map(([ratingGroup, usedUnitContainers]) => ({
      ratingGroup,
      usedUnitContainers,
    })),
    recordOpeningTime: time(record.opened),
    duration: record.seconds,
    recordSequenceNumber: record.partial,
    causeForRecClosing: CLOSING[record.cause],
    localRecordSequenceNumber: localSequence(record.number),
    recordExtensions: extensionsOf(record, node),
    pDUSessionChargingInformation: {
      pDUSessionChargingID: record.chargingId,
      userIdentifier: record.msisdn === undefined ? undefined : { kind: 'iSDN-E164', value: record.msisdn },
      pDUSessionId: NO_PDU_SESSION,
      rATType: NR,
      dataNetworkNameIdentifier: record.apn,
      servingCNPLMNID: record.visitedPlmn,
    },
    chargingSessionIdentifier: Buffer.from(record.sessionId, 'utf8'),
  }
  return CHF_RECORD.write(value, context(CHF_RECORD_TAG)) as Uint8Array
}

export function decodeChf(element: Element): ChargingRecord | BerFault {
  const value = CHF_RECORD.read(element, context(CHF_RECORD_TAG))
  if (isBerFault(value)) return value
  const extension = readExtension(value.recordExtensions)
  if (isBerFault(extension)) return extension
  const cause = CAUSES.get(value.causeForRecClosing)
  const session = value.pDUSessionChargingInformation
  const subscriber = value.subscriberIdentifier
  const node = value.nFunctionConsumerInformation
  if (value.recordType !== CHF_RECORD_TYPE) return berFault('value', element.offset, 'recordType')
  if (cause === undefined) return berFault('value', element.offset, 'causeForRecClosing')
  if (session === undefined) return berFault('missing', element.offset, 'pDUSessionChargingInformation')
  if (session.rATType !== NR) return berFault('value', element.offset, 'rATType')
  if (extension === undefined) return berFault('missing', element.offset, 'recordExtensions')
  const imsi = imsiOf(subscriber?.subscriptionIDType === END_USER_IMSI ? subscriber.subscriptionIDData : '')
  if (imsi === undefined) return berFault('value', element.offset, 'subscriberIdentifier')
  const used = (value.listOfMultipleUnitUsage ?? [])
    .flatMap(({ ratingGroup, usedUnitContainers }) =>
      (usedUnitContainers ?? []).map((container) => ({ ratingGroup, container })),
    )
    .sort((a, b) => Number((a.container.localSequenceNumber ?? 0n) - (b.container.localSequenceNumber ?? 0n)))
    .flatMap(({ ratingGroup, container }): Used[] => {
      const times = container.pDUContainerInformation
      if (times?.timeOfFirstUsage === undefined || times.timeOfLastUsage === undefined) return []
      return [
        {
          ratingGroup,
          uplink: container.dataVolumeUplink ?? 0n,
          downlink: container.dataVolumeDownlink ?? 0n,
          seconds: container.time ?? 0n,
          messages: container.serviceSpecificUnits ?? 0n,
          firstUse: times.timeOfFirstUsage.at,
          lastUse: times.timeOfLastUsage.at,
        },
      ]
    })
  const services = together(used, extension)
  if (services === undefined) return berFault('value', element.offset, 'listOfMultipleUnitUsage')
  return {
    ...fromExtension(extension),
    partial: value.recordSequenceNumber,
    cause,
    imsi,
    msisdn: session.userIdentifier?.value,
    access: 'nr',
    chargingId: session.pDUSessionChargingID,
    apn: session.dataNetworkNameIdentifier,
    nodeAddress: node.networkFunctionIPv4Address ?? node.networkFunctionIPv6Address,
    visitedPlmn: session.servingCNPLMNID,
    opened: value.recordOpeningTime.at,
    seconds: value.duration,
    services,
  }
}
