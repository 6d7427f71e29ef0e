// What a dictionary row says about an AVP. The rows are data; value.ts knows how each type looks on the wire.

/**
 * Data formats of RFC 6733 §4.2 and §4.3, with the project's short names: `octets` OctetString, `text` UTF8String, `identity`
 * DiameterIdentity, `uri` DiameterURI, `filter` IPFilterRule, `i32` `i64` `u32` `u64` `f32`, `enum` Enumerated (32 bits), `address`
 * Address, `time` Time, `group` Grouped. `ipv4` is the OctetString of four octets that carries an IPv4 address (RFC 7155 §4.4.10.5.1).
 */
export type ValueType =
  | 'octets'
  | 'text'
  | 'identity'
  | 'uri'
  | 'filter'
  | 'i32'
  | 'i64'
  | 'u32'
  | 'u64'
  | 'f32'
  | 'enum'
  | 'address'
  | 'time'
  | 'group'
  | 'ipv4'

export interface AvpRow {
  readonly code: number
  /** The name that the standard gives it. */
  readonly name: string
  readonly type: ValueType
  /** The M flag is set when we send it (the "MUST" column of the standard's table). */
  readonly must?: true
  /** The clause that defines it. */
  readonly ref: string
  /** Names of the values of an enumeration; unlisted values stay numbers. */
  readonly values?: Readonly<Record<number, string>>
}

/** AVPs of one name space (RFC 6733 §4.1): 0 is the IETF's own. */
export interface AvpTable {
  /** Private enterprise number, the AVP's Vendor-Id. */
  readonly vendor: number
  readonly rows: readonly AvpRow[]
}
