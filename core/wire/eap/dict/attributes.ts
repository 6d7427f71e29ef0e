// Attributes of EAP-SIM, EAP-AKA and EAP-AKA' (RFC 4186 §10, RFC 4187 §10, RFC 9048 §3): one registry for the three.

/**
 * How a value lies in its attribute, after type and length:
 * `block` two reserved octets, then exactly `size` octets; `blocks` likewise, any number of 16; `data` two reserved octets, then anything in
 * multiples of four; `number` two octets; `flag` two reserved octets; `text` its length in octets, the octets, padding; `versions` likewise, of
 * numbers; `bits` its length in bits, the octets, padding; `bare` exactly `size` octets from the start; `padding` zeros from the start.
 */
export type SimForm =
  | 'block'
  | 'blocks'
  | 'data'
  | 'number'
  | 'flag'
  | 'text'
  | 'versions'
  | 'bits'
  | 'bare'
  | 'padding'

export interface SimAttributeRow {
  readonly code: number
  readonly name: string
  readonly form: SimForm
  /** Octets, for `block` and `bare`. */
  readonly size?: number
  /** May be there more than once. */
  readonly many?: true
  readonly ref: string
}

export const SIM_ATTRIBUTES = [
  { code: 1, name: 'AT_RAND', form: 'blocks', ref: 'RFC 4186 §10.9, RFC 4187 §10.6' },
  { code: 2, name: 'AT_AUTN', form: 'block', size: 16, ref: 'RFC 4187 §10.7' },
  { code: 3, name: 'AT_RES', form: 'bits', ref: 'RFC 4187 §10.8' },
  { code: 4, name: 'AT_AUTS', form: 'bare', size: 14, ref: 'RFC 4187 §10.9' },
  { code: 6, name: 'AT_PADDING', form: 'padding', ref: 'RFC 4187 §10.12' },
  { code: 7, name: 'AT_NONCE_MT', form: 'block', size: 16, ref: 'RFC 4186 §10.4' },
  { code: 10, name: 'AT_PERMANENT_ID_REQ', form: 'flag', ref: 'RFC 4187 §10.2' },
  { code: 11, name: 'AT_MAC', form: 'block', size: 16, ref: 'RFC 4187 §10.15' },
  { code: 12, name: 'AT_NOTIFICATION', form: 'number', ref: 'RFC 4187 §10.19' },
  { code: 13, name: 'AT_ANY_ID_REQ', form: 'flag', ref: 'RFC 4187 §10.3' },
  { code: 14, name: 'AT_IDENTITY', form: 'text', ref: 'RFC 4187 §10.5' },
  { code: 15, name: 'AT_VERSION_LIST', form: 'versions', ref: 'RFC 4186 §10.2' },
  { code: 16, name: 'AT_SELECTED_VERSION', form: 'number', ref: 'RFC 4186 §10.3' },
  { code: 17, name: 'AT_FULLAUTH_ID_REQ', form: 'flag', ref: 'RFC 4187 §10.4' },
  { code: 19, name: 'AT_COUNTER', form: 'number', ref: 'RFC 4187 §10.16' },
  { code: 20, name: 'AT_COUNTER_TOO_SMALL', form: 'flag', ref: 'RFC 4187 §10.17' },
  { code: 21, name: 'AT_NONCE_S', form: 'block', size: 16, ref: 'RFC 4187 §10.18' },
  { code: 22, name: 'AT_CLIENT_ERROR_CODE', form: 'number', ref: 'RFC 4187 §10.20' },
  { code: 23, name: 'AT_KDF_INPUT', form: 'text', ref: 'RFC 9048 §3.1' },
  { code: 24, name: 'AT_KDF', form: 'number', many: true, ref: 'RFC 9048 §3.2' },
  { code: 129, name: 'AT_IV', form: 'block', size: 16, ref: 'RFC 4187 §10.12' },
  { code: 130, name: 'AT_ENCR_DATA', form: 'data', ref: 'RFC 4187 §10.12' },
  { code: 132, name: 'AT_NEXT_PSEUDONYM', form: 'text', ref: 'RFC 4187 §10.10' },
  { code: 133, name: 'AT_NEXT_REAUTH_ID', form: 'text', ref: 'RFC 4187 §10.11' },
  { code: 134, name: 'AT_CHECKCODE', form: 'data', ref: 'RFC 4187 §10.13' },
  { code: 135, name: 'AT_RESULT_IND', form: 'flag', ref: 'RFC 4187 §10.14' },
  { code: 136, name: 'AT_BIDDING', form: 'number', ref: 'RFC 9048 §4' },
] as const satisfies readonly SimAttributeRow[]

export type SimAttributeName = (typeof SIM_ATTRIBUTES)[number]['name']

/** Subtypes of a message (RFC 4186 §11, RFC 4187 §11). */
export const SUBTYPE = {
  challenge: 1,
  authenticationReject: 2,
  synchronisationFailure: 4,
  identity: 5,
  simStart: 10,
  simChallenge: 11,
  notification: 12,
  reauthentication: 13,
  clientError: 14,
} as const

/** AT_NOTIFICATION codes (RFC 4187 §10.19). The bit 0x8000 means success, 0x4000 that no challenge has been answered yet. */
export const NOTIFICATION = {
  generalFailure: 0,
  temporarilyDenied: 1026,
  notSubscribed: 1031,
  failureBeforeAuthentication: 16384,
  success: 32768,
} as const
