// Our record as the CDR of TS 32.298 that its access calls for, in BER, and back.
import { fail, isTallycellError } from '../../../core/kernel/errors.ts'
import { context, readElement } from '../../../core/wire/ber/element.ts'
import { type BerFault, berFault, isBerFault } from '../../../core/wire/ber/fault.ts'
import { CHF_RECORD_TAG, decodeChf, encodeChf } from './chf-cdr.ts'
import type { CdrNode } from './contents.ts'
import { isUtcOffset } from './octet-strings.ts'
import { decodePgw, encodePgw, PGW_RECORD_TAG } from './pgw-cdr.ts'
import type { ChargingRecord } from './record.ts'

/** Octets of a CDR, which its header counts in 16 bits (TS 32.297 §6.1.2). */
const MAX_CDR = 65_535

/** The BER octets; times lose what is below a second. Throws CDR_RECORD_INVALID. */
export function encodeCdr(record: ChargingRecord, node: CdrNode): Uint8Array {
  const invalid = (reason: string, error?: unknown): never =>
    fail('CDR_RECORD_INVALID', { number: record.number, reason }, error)
  if (!isUtcOffset(node.utcOffset)) return invalid('the UTC offset is not one of whole minutes below a day')
  try {
    const octets = record.access === 'nr' ? encodeChf(record, node) : encodePgw(record, node)
    return octets.length <= MAX_CDR ? octets : invalid(`it has ${octets.length} octets of at most ${MAX_CDR}`)
  } catch (error) {
    if (!isTallycellError(error) || error.code !== 'BER_VALUE_INVALID') throw error
    return invalid(error.message, error)
  }
}

/** A record of ours, whole; of other writers' CDRs only those that carry our extension. */
export function decodeCdr(octets: Uint8Array): ChargingRecord | BerFault {
  const element = readElement(octets)
  if (isBerFault(element)) return element
  if (element.tag.class !== context(0).class) return berFault('wrong-tag', 0)
  if (element.tag.number === PGW_RECORD_TAG) return decodePgw(element)
  if (element.tag.number === CHF_RECORD_TAG) return decodeChf(element)
  return berFault('wrong-tag', 0)
}
