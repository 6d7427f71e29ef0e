// Applications and commands, with the identifiers that IANA registered.
/** Application identifiers (RFC 6733 §2.4; TS 29.230 §5 for those of 3GPP). */
export const APPLICATION = {
  'Common Messages': 0,
  NASREQ: 1,
  'Base Accounting': 3,
  'Credit Control': 4,
  EAP: 5,
  Gx: 16_777_238,
  S6b: 16_777_272,
  S6a: 16_777_251,
  Relay: 0xffff_ffff,
} as const

/** Command codes, without -Request and -Answer (RFC 6733 §3.1, RFC 8506 §3, TS 29.272 §7.2.2). */
export const COMMAND = {
  'Capabilities-Exchange': 257,
  'Re-Auth': 258,
  Accounting: 271,
  'Credit-Control': 272,
  'Abort-Session': 274,
  'Session-Termination': 275,
  'Device-Watchdog': 280,
  'Disconnect-Peer': 282,
  'Update-Location': 316,
  'Cancel-Location': 317,
  'Authentication-Information': 318,
  'Insert-Subscriber-Data': 319,
  'Delete-Subscriber-Data': 320,
  'Purge-UE': 321,
  Reset: 322,
  Notify: 323,
} as const
