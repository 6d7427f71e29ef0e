// Records for spreadsheets (RFC 4180): one line per service, with the record's own columns on each.
import type { ChargingRecord, ServiceContainer } from './record.ts'

type Cell = string | bigint | undefined

interface Column {
  readonly name: string
  readonly of: (record: ChargingRecord, service: ServiceContainer | undefined, line: number) => Cell
}

const instant = (at: bigint): string => new Date(Number(at)).toISOString()

/** Times are UTC; octets and micro-units are whole numbers. What belongs to the record as a whole is on its first line only, so that columns can be added up. */
const COLUMNS: readonly Column[] = [
  { name: 'record', of: ({ number }) => number },
  { name: 'line', of: (_record, _service, line) => BigInt(line) },
  { name: 'partial', of: ({ partial }) => partial },
  { name: 'cause', of: ({ cause }) => cause },
  { name: 'tenant', of: ({ tenant }) => tenant },
  { name: 'subscriber', of: ({ subscriber }) => subscriber },
  { name: 'imsi', of: ({ imsi }) => imsi },
  { name: 'msisdn', of: ({ msisdn }) => msisdn },
  { name: 'access', of: ({ access }) => access },
  { name: 'origin', of: ({ origin }) => origin },
  { name: 'session', of: ({ sessionId }) => sessionId },
  { name: 'charging_id', of: ({ chargingId }) => chargingId },
  { name: 'radio', of: ({ radio }) => radio },
  { name: 'apn', of: ({ apn }) => apn },
  { name: 'node_address', of: ({ nodeAddress }) => nodeAddress },
  { name: 'visited_plmn', of: ({ visitedPlmn }) => visitedPlmn },
  { name: 'opened', of: ({ opened }) => instant(opened) },
  { name: 'closed', of: ({ closed }) => instant(closed) },
  { name: 'record_seconds', of: ({ seconds }, _service, line) => (line === 1 ? seconds : undefined) },
  { name: 'rating_group', of: (_record, service) => service?.ratingGroup },
  { name: 'first_use', of: (_record, service) => service && instant(service.firstUse) },
  { name: 'last_use', of: (_record, service) => service && instant(service.lastUse) },
  { name: 'uplink_octets', of: (_record, service) => service?.uplink },
  { name: 'downlink_octets', of: (_record, service) => service?.downlink },
  { name: 'seconds', of: (_record, service) => service?.seconds },
  { name: 'messages', of: (_record, service) => service?.messages },
  { name: 'bundle_octets', of: (_record, service) => service?.bundleOctets },
  { name: 'zero_rated_octets', of: (_record, service) => service?.zeroRatedOctets },
  { name: 'tariff', of: (_record, service) => service?.tariff },
  { name: 'charge_micro', of: (_record, service) => service?.charge },
  { name: 'record_charge_micro', of: ({ charge }, _service, line) => (line === 1 ? charge : undefined) },
  { name: 'currency', of: ({ currency }) => currency },
]

/** The first line, with its end. */
export const CSV_HEADER = `${COLUMNS.map(({ name }) => name).join(',')}\r\n`

/** The lines of one record, each with its end; a record without services has one. */
export function formatCsv(record: ChargingRecord): string {
  const services = record.services.length === 0 ? [undefined] : record.services
  return services
    .map((service, index) => `${COLUMNS.map(({ of }) => csvCell(of(record, service, index + 1))).join(',')}\r\n`)
    .join('')
}

/** Spreadsheets take a text for a formula that begins with one of these, blanks apart; an apostrophe before it has them show it as it is. */
const FORMULA = /^\s*[=+\-@|%\uFF1D\uFF0B\uFF0D\uFF20]/
const QUOTED = /[",\r\n\t' ]/

function csvCell(cell: Cell): string {
  if (cell === undefined) return ''
  if (typeof cell === 'bigint') return cell.toString()
  const text = FORMULA.test(cell) ? `'${cell}` : cell
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
