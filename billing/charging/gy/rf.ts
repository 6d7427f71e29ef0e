// Rf (RFC 6733 §9, TS 32.299 §6.5): offline charging on the same engine. Records report what was used; nothing is granted, and what no balance can
// pay is overuse. A record is known by session and number, as a request of Gy.
import type { SubscriberDirectory } from '../../../core/events/ports.ts'
import type { QuotaPort, QuotaRequest, ServiceRequest, UsedUnits } from '../../../core/events/quota.ts'
import { type SubscriberId, subscriberId } from '../../../core/kernel/ids.ts'
import type { Answer } from '../../../core/transport/diameter/answers.ts'
import type { DiameterApplication, DiameterRequest } from '../../../core/transport/diameter/application.ts'
import { APPLICATION, COMMAND } from '../../../core/wire/diameter/dict/commands.ts'
import type { Avps } from '../../../core/wire/diameter/dictionary.ts'
import { type Fault, isFault } from '../../../core/wire/diameter/fault.ts'
import { isRefusal, missing, type Refusal, refusal } from '../../../core/wire/diameter/judge.ts'
import { all, type Message, reader } from '../../../core/wire/diameter/message.ts'
import { type BearerDeps, bearerOf, detailOf } from './bearer.ts'
import { RESULT, refusedAnswer } from './credit-control-answer.ts'
import { anyImsi, placeOf } from './credit-control-request.ts'
import type { ChargingMetrics } from './metrics.ts'
import { knownImsi } from './subscriber.ts'

export interface RfDeps extends BearerDeps {
  readonly charging: QuotaPort
  readonly subscribers: SubscriberDirectory
  readonly metrics: ChargingMetrics
}

type RecordType = 'EVENT_RECORD' | 'START_RECORD' | 'INTERIM_RECORD' | 'STOP_RECORD'

interface AccountingRecord {
  readonly type: RecordType
  readonly number: number
  readonly services: readonly ServiceRequest[]
}

const read = {
  type: reader('Accounting-Record-Type'),
  number: reader('Accounting-Record-Number'),
  information: reader('Service-Information'),
  ps: reader('PS-Information'),
  ratingGroup: reader('Rating-Group'),
  uplink: reader('Accounting-Input-Octets'),
  downlink: reader('Accounting-Output-Octets'),
}
const REQUIRED = ['Accounting-Record-Type', 'Accounting-Record-Number'] as const
const OF_THE_SESSION = subscriberId('session')

export function createRf(deps: RfDeps): DiameterApplication {
  const { charging, metrics } = deps

  const serve = async (request: DiameterRequest, record: AccountingRecord): Promise<number> => {
    const { message, sessionId, originHost, received } = request
    const digits = anyImsi(message)
    const subscriber = await knownImsi(deps.subscribers, digits)
    const place = placeOf(message)
    const quota: QuotaRequest = {
      origin: `rf:${originHost.toLowerCase()}`,
      sessionId,
      number: BigInt(record.number),
      at: received,
      subscriber: subscriber ?? OF_THE_SESSION,
      context: bearerOf(deps, place, digits).context,
      services: record.services,
      meter: true,
    }
    const open = (asked: QuotaRequest): Promise<{ result: keyof typeof RESULT }> =>
      charging.open({ ...asked, detail: detailOf(place) })
    /** Two requests of ours for one record: what it reports, then the end. */
    const openAndClose = async (): Promise<number> => {
      const { result } = await open(quota)
      if (result !== 'success') return RESULT[result]
      return RESULT[(await charging.close({ ...quota, number: quota.number + 1n, services: [] })).result]
    }
    const needed = subscriber === undefined
    if (record.type === 'START_RECORD')
      return needed ? RESULT['unknown-subscriber'] : RESULT[(await open(quota)).result]
    if (record.type === 'EVENT_RECORD') return needed ? RESULT['unknown-subscriber'] : openAndClose()
    const stops = record.type === 'STOP_RECORD'
    const given = await (stops ? charging.close(quota) : charging.update(quota))
    if (given.result !== 'unknown-session' || given.services.length > 0) return 2001
    if (needed) return RESULT['unknown-subscriber']
    // Its start got lost: what it reports is charged all the same.
    return stops ? openAndClose() : RESULT[(await open(quota as QuotaRequest & { subscriber: SubscriberId })).result]
  }

  return {
    id: APPLICATION['Base Accounting'],
    commands: [COMMAND.Accounting],
    async handle(request) {
      const record = readRecord(request.message)
      if (isRefusal(record)) {
        metrics.request('rf', 'refused')
        return refusedAnswer(record)
      }
      const result = await serve(request, record)
      metrics.request('rf', result === 2001 ? 'success' : 'refused')
      return answerOf(record, result)
    },
    sheddable: () => false,
  }
}

const answerOf = ({ type, number }: AccountingRecord, result: number): Answer => ({
  result,
  avps: [
    ['Accounting-Record-Type', type],
    ['Accounting-Record-Number', number],
    ['Acct-Application-Id', APPLICATION['Base Accounting']],
  ],
})

/** The record, or why it is refused: 5004, 5005 or 5014, with Failed-AVP. */
function readRecord(message: Message): AccountingRecord | Refusal {
  const absent = missing(message, REQUIRED)
  if (absent !== undefined) return absent
  const [type, number] = [read.type(message), read.number(message)]
  const services = readServices(message)
  const fault = [type, number, services].find(isFault)
  if (fault !== undefined) return refusal(message.bytes, fault)
  if (typeof type !== 'string') return { result: 5004, failed: [], text: 'Accounting-Record-Type: no such value' }
  return { type, number: number as number, services: services as ServiceRequest[] }
}

/** Volumes since the last record, by Rating-Group: of service data containers (TS 32.299 §7.2.176), else of the bearer's (§7.2.210). */
function readServices(message: Message): ServiceRequest[] | Fault {
  const information = read.information(message)
  if (information === undefined || isFault(information)) return information ?? []
  const ps = read.ps(information)
  if (ps === undefined || isFault(ps)) return ps ?? []
  const containers = all(ps, 'Service-Data-Container') as Avps[]
  const volumes = containers.length > 0 ? containers : (all(ps, 'Traffic-Data-Volumes') as Avps[])
  const byGroup = new Map<bigint, UsedUnits[]>()
  for (const container of volumes) {
    const [group, uplink, downlink] = [read.ratingGroup(container), read.uplink(container), read.downlink(container)]
    const fault = [group, uplink, downlink].find(isFault)
    if (fault !== undefined) return fault
    const key = BigInt((group as number | undefined) ?? 0)
    const used = {
      uplink: (uplink as bigint | undefined) ?? 0n,
      downlink: (downlink as bigint | undefined) ?? 0n,
      seconds: 0n,
      units: 0n,
      tariff: undefined,
    }
    byGroup.set(key, [...(byGroup.get(key) ?? []), used])
  }
  return [...byGroup].map(([ratingGroup, used]) => ({ ratingGroup, used, wanted: false }))
}
