// Names of CDR files (TS 32.297 §6.2): NodeID_-_RC.date_-_time[_-_PI], with an extension behind.
import type { Millis } from '../../../core/kernel/units.ts'
import { isUtcOffset, type ZonedTime } from './octet-strings.ts'

export interface CdrFileName {
  readonly nodeId: string
  /** Running count: the file's sequence number. */
  readonly sequence: bigint
  /** When the file was closed, to the minute. */
  readonly closed: ZonedTime
  /** Private information; no `_-_` in it. */
  readonly privateInformation: string | undefined
  /** `cdr`, `csv`, `jsonl`. */
  readonly extension: string
}

const NODE_ID = /^[A-Za-z0-9][A-Za-z0-9.-]{0,19}$/
const PRIVATE = /^[A-Za-z0-9-]{1,64}$/
const NAME =
  /^([A-Za-z0-9][A-Za-z0-9.-]{0,19})_-_([1-9][0-9]{0,9})\.([0-9]{4})([0-9]{2})([0-9]{2})_-_([0-9]{2})([0-9]{2})([+-])([0-9]{2})([0-9]{2})(?:_-_([A-Za-z0-9-]{1,64}))?\.([a-z]{1,8})$/

const MINUS_ZERO = /-0000((?:_-_[A-Za-z0-9-]{1,64})?\.[a-z]{1,8})$/

/** Whether a node id may stand in a file name. */
export const isFileNodeId = (nodeId: string): boolean => NODE_ID.test(nodeId)

const digits = (value: number, width = 2): string => String(value).padStart(width, '0')

/** What all files of one sequence number begin with. */
export const fileNameStem = (nodeId: string, sequence: bigint): string => `${nodeId}_-_${sequence}.`

/** Throws RangeError for parts that no name can hold: a mistake of ours. */
export function formatFileName({ nodeId, sequence, closed, privateInformation, extension }: CdrFileName): string {
  const { at, utcOffset } = closed
  const named = isFileNodeId(nodeId) && sequence > 0n && isUtcOffset(utcOffset)
  if (!named || (privateInformation !== undefined && !PRIVATE.test(privateInformation)))
    throw new RangeError('parts that no CDR file name can hold')
  const local = new Date(Number(at) + utcOffset * 60_000)
  const date = `${digits(local.getUTCFullYear(), 4)}${digits(local.getUTCMonth() + 1)}${digits(local.getUTCDate())}`
  const offset = Math.abs(utcOffset)
  const zone = `${utcOffset < 0 ? '-' : '+'}${digits(Math.floor(offset / 60))}${digits(offset % 60)}`
  const time = `${digits(local.getUTCHours())}${digits(local.getUTCMinutes())}${zone}`
  const behind = privateInformation === undefined ? '' : `_-_${privateInformation}`
  return `${fileNameStem(nodeId, sequence)}${date}_-_${time}${behind}.${extension}`
}

/** Undefined for names of another form. */
export function parseFileName(name: string): CdrFileName | undefined {
  const match = NAME.exec(name)
  if (match === null) return undefined
  const [, nodeId = '', count = '', year, month, day, hour, minute, sign, hours, minutes, information, extension = ''] =
    match
  const utcOffset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute))
  const parsed: CdrFileName = {
    nodeId,
    sequence: BigInt(count),
    closed: { at: BigInt(local - utcOffset * 60_000) as Millis, utcOffset: utcOffset === 0 ? 0 : utcOffset },
    privateInformation: information,
    extension,
  }
  // A date or zone that does not exist comes out as another one; "-0000" says what "+0000" does.
  const canonical = utcOffset === 0 ? name.replace(MINUS_ZERO, '+0000$1') : name
  return isUtcOffset(utcOffset) && formatFileName(parsed) === canonical ? parsed : undefined
}
