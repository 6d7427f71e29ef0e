// What a dictionary row says about an attribute. The rows are data; value.ts knows how each type looks on the wire.

/**
 * Data types on the wire, after RFC 8044 §3, with the project's short names:
 * `text` UTF-8, `octets` opaque, `concat` opaque and split over several attributes (RFC 8044 §3.6), `u8` `u32` `u64` unsigned, big-endian,
 * `date` seconds since 1970 UTC, `ipv4` `ipv6` addresses, `ipv6prefix`, `ifid` an IPv6 interface identifier.
 */
export type ValueType =
  | 'text'
  | 'octets'
  | 'concat'
  | 'u8'
  | 'u32'
  | 'u64'
  | 'date'
  | 'ipv4'
  | 'ipv6'
  | 'ipv6prefix'
  | 'ifid'

export interface AttributeRow {
  /** The attribute's type octet, or the vendor's. */
  readonly code: number
  /** The name that the standard gives it. */
  readonly name: string
  readonly type: ValueType
  /** The clause that defines it. */
  readonly ref: string
  /** Names of the values of an enumeration; unlisted values stay numbers. */
  readonly values?: Readonly<Record<number, string>>
  /** The value starts with a tag octet (RFC 2868 §3); integers then have three octets. */
  readonly tagged?: true
  /** The octets are encrypted; hidden.ts reads and writes them, with the secret. */
  readonly hidden?: 'password' | 'salted'
}

/** Attributes inside Vendor-Specific (RFC 2865 §5.26) in the format with one octet each for type and length. */
export interface VendorDictionary {
  /** The vendor's private enterprise number. */
  readonly vendor: number
  readonly name: string
  readonly rows: readonly AttributeRow[]
}
