// What can be wrong with BER octets. Faults are values: decoding never throws.

export type BerFaultKind =
  /** Fewer octets came than the length says, or none where an element must be. */
  | 'truncated'
  /** A tag that X.690 §8.1.2 forbids, or a number of more than 28 bits. */
  | 'tag-form'
  /** A length that X.690 §8.1.3 forbids, or of more than four octets. */
  | 'length-form'
  /** The indefinite form (X.690 §8.1.3.6): charging data records have definite lengths. */
  | 'indefinite-length'
  /** Nested deeper than the cap. */
  | 'too-deep'
  /** More elements than the cap. */
  | 'too-many'
  /** Octets after the element. */
  | 'trailing'
  /** Another tag or form than the type has. */
  | 'wrong-tag'
  /** A mandatory component is missing. */
  | 'missing'
  /** A component came twice, or in a SEQUENCE after one that follows it. */
  | 'order'
  /** Contents that are no value of the type. */
  | 'value'

export interface BerFault {
  readonly fault: BerFaultKind
  /** Octets from the start of what was decoded. */
  readonly offset: number
  /** The innermost named component that it is in. */
  readonly field: string | undefined
}

export const berFault = (fault: BerFaultKind, offset: number, field?: string): BerFault => ({ fault, offset, field })

export function isBerFault(value: unknown): value is BerFault {
  return typeof value === 'object' && value !== null && typeof (value as Partial<BerFault>).fault === 'string'
}
