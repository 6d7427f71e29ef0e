// PGW-CDR (TS 32.298 §5.2.2.2, module GPRSChargingDataTypes): LTE, and Wi-Fi as non-3GPP access to the same core.
import { context, type Element } from '../../../core/wire/ber/element.ts'
import { type BerFault, berFault, isBerFault } from '../../../core/wire/ber/fault.ts'
import { optional, required, sequence, sequenceOf, set, type ValueOfType } from '../../../core/wire/ber/type.ts'
import { BIT_STRING, ENUMERATED, INTEGER, ia5String, octetString } from '../../../core/wire/ber/values.ts'
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
import { IMSI, IP_ADDRESS, MSISDN, PLMN_ID, TIME_STAMP, U32, U64 } from './octet-strings.ts'
import type { ChargingRecord, ClosingCause } from './record.ts'

/** GPRSRecord ::= CHOICE { ..., pGWRecord [79] PGWRecord, ... } */
export const PGW_RECORD_TAG = 79
/** RecordType pGWRecord. */
const PGW_RECORD_TYPE = 85n

/** 3GPP-RAT-Type (TS 29.061 §16.4.7.2). */
const RAT = { wlan: 3n, eutran: 6n } as const
/** ServingNodeType. */
const SERVING_NODE = { gtpSgw: 2n, twan: 6n } as const
/** Bit of ServiceConditionChange. */
const CONDITION: Readonly<Record<ClosingCause, number>> = {
  'normal-release': 4,
  'abnormal-release': 4,
  management: 24,
  'time-limit': 25,
  'volume-limit': 26,
}
/** ChargingCharacteristics: normal charging (TS 32.251 Annex A). */
const NORMAL_CHARGING = Uint8Array.of(8, 0)

const CHANGE_OF_SERVICE_CONDITION = sequence({
  ratingGroup: required(1, U32),
  localSequenceNumber: optional(4, U32),
  timeOfFirstUsage: optional(5, TIME_STAMP),
  timeOfLastUsage: optional(6, TIME_STAMP),
  timeUsage: optional(7, U64),
  serviceConditionChange: required(8, BIT_STRING),
  datavolumeFBCUplink: optional(12, U64),
  datavolumeFBCDownlink: optional(13, U64),
  timeOfReport: required(14, TIME_STAMP),
  eventBasedChargingInformation: optional(21, sequence({ numberOfEvents: required(1, U64) })),
})

/** Components that we write or read; all others are passed over. */
export const PGW_RECORD = set({
  recordType: required(0, INTEGER),
  servedIMSI: optional(3, IMSI),
  'p-GWAddress': required(4, IP_ADDRESS),
  chargingID: required(5, U32),
  servingNodeAddress: required(6, sequenceOf(IP_ADDRESS)),
  accessPointNameNI: optional(7, ia5String(63, 1)),
  recordOpeningTime: required(13, TIME_STAMP),
  duration: required(14, U64),
  causeForRecClosing: required(15, INTEGER),
  recordSequenceNumber: optional(17, U64),
  nodeID: optional(18, ia5String(20, 1)),
  recordExtensions: optional(19, MANAGEMENT_EXTENSIONS),
  localSequenceNumber: optional(20, U32),
  servedMSISDN: optional(22, MSISDN),
  chargingCharacteristics: required(23, octetString(2, 2)),
  servingNodePLMNIdentifier: optional(27, PLMN_ID),
  rATType: optional(30, INTEGER),
  listOfServiceData: optional(34, sequenceOf(CHANGE_OF_SERVICE_CONDITION)),
  servingNodeType: required(35, sequenceOf(ENUMERATED)),
})

type PgwRecord = ValueOfType<typeof PGW_RECORD>

/** Throws BER_VALUE_INVALID. */
export function encodePgw(record: ChargingRecord, node: CdrNode): Uint8Array {
  const time = zoned(node)
  const wifi = record.access === 'wifi'
  const value: PgwRecord = {
    recordType: PGW_RECORD_TYPE,
    servedIMSI: record.imsi,
    'p-GWAddress': record.nodeAddress ?? node.address,
    chargingID: record.chargingId,
    servingNodeAddress: [],
    accessPointNameNI: record.apn,
    recordOpeningTime: time(record.opened),
    duration: record.seconds,
    causeForRecClosing: CLOSING[record.cause],
    recordSequenceNumber: record.partial,
    nodeID: node.nodeId,
    recordExtensions: extensionsOf(record, node),
    localSequenceNumber: localSequence(record.number),
    servedMSISDN: record.msisdn,
    chargingCharacteristics: NORMAL_CHARGING,
    servingNodePLMNIdentifier: record.visitedPlmn,
    rATType: wifi ? RAT.wlan : RAT.eutran,
    listOfServiceData: record.services.map((service, index) => ({
      ratingGroup: service.ratingGroup,
      localSequenceNumber: BigInt(index + 1),
      timeOfFirstUsage: time(service.firstUse),
      timeOfLastUsage: time(service.lastUse),
      timeUsage: service.seconds,
      serviceConditionChange: [CONDITION[record.cause]],
      datavolumeFBCUplink: service.uplink,
      datavolumeFBCDownlink: service.downlink,
      timeOfReport: time(record.closed),
      eventBasedChargingInformation: service.messages === 0n ? undefined : { numberOfEvents: service.messages },
    })),
    servingNodeType: [wifi ? SERVING_NODE.twan : SERVING_NODE.gtpSgw],
  }
  return PGW_RECORD.write(value, context(PGW_RECORD_TAG)) as Uint8Array
}

export function decodePgw(element: Element): ChargingRecord | BerFault {
  const value = PGW_RECORD.read(element, context(PGW_RECORD_TAG))
  if (isBerFault(value)) return value
  const extension = readExtension(value.recordExtensions)
  if (isBerFault(extension)) return extension
  const cause = CAUSES.get(value.causeForRecClosing)
  const access = value.rATType === RAT.wlan ? 'wifi' : value.rATType === RAT.eutran ? 'lte' : undefined
  if (value.recordType !== PGW_RECORD_TYPE) return berFault('value', element.offset, 'recordType')
  if (cause === undefined) return berFault('value', element.offset, 'causeForRecClosing')
  if (access === undefined) return berFault('value', element.offset, 'rATType')
  if (value.servedIMSI === undefined) return berFault('missing', element.offset, 'servedIMSI')
  if (extension === undefined) return berFault('missing', element.offset, 'recordExtensions')
  const used = (value.listOfServiceData ?? []).flatMap((service): Used[] => {
    const { timeOfFirstUsage, timeOfLastUsage, datavolumeFBCUplink, datavolumeFBCDownlink, timeUsage } = service
    if (timeOfFirstUsage === undefined || timeOfLastUsage === undefined) return []
    return [
      {
        ratingGroup: service.ratingGroup,
        uplink: datavolumeFBCUplink ?? 0n,
        downlink: datavolumeFBCDownlink ?? 0n,
        seconds: timeUsage ?? 0n,
        messages: service.eventBasedChargingInformation?.numberOfEvents ?? 0n,
        firstUse: timeOfFirstUsage.at,
        lastUse: timeOfLastUsage.at,
      },
    ]
  })
  const services = together(used, extension)
  if (services === undefined) return berFault('value', element.offset, 'listOfServiceData')
  return {
    ...fromExtension(extension),
    partial: value.recordSequenceNumber,
    cause,
    imsi: value.servedIMSI,
    msisdn: value.servedMSISDN,
    access,
    chargingId: value.chargingID,
    apn: value.accessPointNameNI,
    nodeAddress: value['p-GWAddress'],
    visitedPlmn: value.servingNodePLMNIdentifier,
    opened: value.recordOpeningTime.at,
    seconds: value.duration,
    services,
  }
}
