// What can be wrong with a message or a value in it. Faults are values: decoding never throws.

/** The Result-Code that answers each fault (RFC 6733 §7.1.5). */
export const FAULT_RESULT = {
  /** The version is not 1. */
  version: 5011,
  /** The Message Length is below 20, no multiple of 4, above our limit, or not the number of octets there are (RFC 6733 §3). */
  'message-length': 5015,
  /** An AVP's length is below that of its header: 8, or 12 with a Vendor-Id (RFC 6733 §4.1). */
  'avp-length': 5014,
  /** An AVP runs past the end of what it is in. */
  'avp-overrun': 5014,
  /** Groups in groups, deeper than any application defines. */
  depth: 5012,
  /** More AVPs than we are willing to read. */
  count: 5012,
  /** A value has not the length of its type. */
  'value-length': 5014,
  /** A value has octets that its type does not allow, such as text that is not UTF-8. */
  'value-content': 5004,
} as const

export type FaultKind = keyof typeof FAULT_RESULT

export interface Fault {
  readonly fault: FaultKind
  /** Where in the message, octets from its start; at an AVP it is the AVP's first. */
  readonly offset: number
  /** The AVP's name, or `code/vendor` where the dictionary has none; undefined in the header. */
  readonly avp: string | undefined
}

export function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && (value as Partial<Fault>).fault !== undefined
}
