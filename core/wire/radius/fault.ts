// What can be wrong with a packet or a value in it. Faults are values: decoding never throws.

export type FaultKind =
  /** Fewer than the 20 octets of a header. */
  | 'too-short'
  /** The Length field is below 20 or above 4096 (RFC 2865 §3). */
  | 'bad-length'
  /** Fewer octets came than the Length field says. */
  | 'truncated'
  /** An attribute's length is below 2. */
  | 'attribute-length'
  /** An attribute runs past the end of the packet. */
  | 'attribute-overrun'
  /** A value has not the length of its type. */
  | 'value-length'
  /** A value has octets that its type does not allow, such as text that is not UTF-8. */
  | 'value-content'

export interface Fault {
  readonly fault: FaultKind
  /** Where in the packet, octets from its start. */
  readonly offset: number
  /** The attribute's name, or its type in decimal digits where the dictionary has none; undefined in the header. */
  readonly attribute: string | undefined
}

export function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && (value as Partial<Fault>).fault !== undefined
}
